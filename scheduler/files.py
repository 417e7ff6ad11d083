"""Reads and writes the JSON files of the command line; whatever goes wrong is a ProblemError."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from scheduler.errors import ProblemError


def refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")


def refuse_repeated_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"an object has the key {repeated!r} twice")
    return found


def parse_json(text: str, source: str) -> Any:
    """One JSON document as the standard says it; `source` is named when it is none."""
    try:
        return json.loads(text, parse_constant=refuse_constant, object_pairs_hook=refuse_repeated_keys)
    except ValueError as error:
        raise ProblemError("", f"cannot read {source}: {error}") from error
    except RecursionError as error:
        raise ProblemError("", f"cannot read {source}: nested too deeply") from error


def read_json(path: Path) -> Any:
    """A parsed file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ProblemError("", f"cannot read {path.name}: {reason}") from error
    return parse_json(text, path.name)


def write_json(path: Path, document: dict[str, object]) -> None:
    """Write beside the target and rename, so that no reader ever sees half a file."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True) + "\n"
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise ProblemError("", f"cannot write {path.name}: {error.strerror}") from error


def remove(path: Path) -> None:
    """No answer of an earlier run may be taken for this one's."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ProblemError("", f"cannot write {path.name}: {error.strerror}") from error
