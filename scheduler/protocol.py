"""What the worker process tells its parent: JSON lines, each with a `kind`."""

import json
from dataclasses import asdict, dataclass
from typing import TextIO

from scheduler.errors import SchedulerError
from scheduler.plan import Plan


@dataclass(frozen=True)
class Progress:
    """Where the work stands; `level` is the place of the goal, `elapsed_fraction` is of the time limit."""

    stage: str
    level: int
    incumbent: float | None
    bound: float | None
    gap: float | None
    elapsed_fraction: float = 0.0


def relative_gap(incumbent: float | None, bound: float | None) -> float | None:
    """(bound − incumbent) / bound, None while either is unknown."""
    if incumbent is None or bound is None:
        return None
    return abs(bound - incumbent) / abs(bound) if bound else 0.0


class Line:
    """Writes one JSON line for each report."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def send(self, kind: str, body: dict[str, object]) -> None:
        self.stream.write(json.dumps({"kind": kind, "body": body}, ensure_ascii=True) + "\n")
        self.stream.flush()

    def plan(self, plan: Plan) -> None:
        self.send("plan", plan.to_json())

    def progress(self, progress: Progress) -> None:
        self.send("progress", asdict(progress))

    def error(self, error: SchedulerError) -> None:
        self.send("error", {"error": error.code, "path": error.path, "message": error.message})

    def done(self) -> None:
        self.send("done", {})
