"""Celery's broker of a single machine: message files that appear whole or not at all.

kombu's own file transport writes in place, so that a reader can meet an empty file, and one undecodable file ends
the worker. Here a message is written aside and renamed, and what cannot be decoded is put away and skipped.
"""

import contextlib
import uuid
from pathlib import Path
from queue import Empty
from time import time_ns
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps, loads


class Channel(filesystem.Channel):
    """Whole files only."""

    def _put(self, queue: str, payload: Any, **_kwargs: Any) -> None:  # type: ignore[override]  # as kombu itself names it
        folder = Path(self.data_folder_out)
        name = f"{time_ns():020d}_{uuid.uuid4()}.{queue}.msg"
        aside = folder / f"{name}.part"
        try:
            aside.write_text(dumps(payload), encoding="utf-8")
            aside.rename(folder / name)
        except OSError as error:
            raise ChannelError(f"cannot add a message to {folder}") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        wanted = f"{queue}.msg"
        for path in sorted(Path(self.data_folder_in).iterdir()):
            if path.name.partition(".")[2] != wanted:
                continue
            taken = path.with_name(f"{path.name}.{uuid.uuid4()}.taken")
            try:
                path.rename(taken)  # whoever renames it first has it
            except OSError:
                continue
            with contextlib.suppress(ValueError, OSError):
                message = loads(taken.read_text(encoding="utf-8"))
                taken.unlink()
                return message
            taken.rename(taken.with_suffix(".broken"))
        raise Empty


class Transport(filesystem.Transport):
    """The transport named in the broker URL of the embedded default."""

    Channel = Channel
    polling_interval = 0.1  # the default of a second would allow one or two tasks a second
