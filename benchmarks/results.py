"""RESULTS.md: a section for each benchmark; a run renews its own sections and leaves the others as they are."""

import re
from collections.abc import Mapping
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
HEAD = """\
# What we measured

Each section is written by `./dev bench --record NAME`, which leaves the others as they are. Times are of the machine
named there; what is compared ran on the same machine, one after the other. Change something that matters, and record
anew in the same commit.
"""
MARK = re.compile(r"^<!-- bench: ([a-z-]+) -->$", re.MULTILINE)


def read_sections(text: str) -> dict[str, str]:
    """Sections by name, in their order; what stands before the first mark is the head and is dropped."""
    pieces = MARK.split(text)
    return {name: body.strip() for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}


def join_sections(sections: Mapping[str, str]) -> str:
    """The whole file."""
    return "\n".join([HEAD, *(f"<!-- bench: {name} -->\n{body}\n" for name, body in sections.items())])


def record(fresh: Mapping[str, str], path: Path = RESULTS) -> None:
    """Renew or add these sections."""
    known = read_sections(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(join_sections(known | dict(fresh)), encoding="utf-8")
