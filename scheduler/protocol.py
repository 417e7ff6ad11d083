"""What the worker process is told (an order), and what it tells its parent: JSON lines, each with a `kind`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from scheduler.errors import SchedulerError
from scheduler.plan import Plan
from scheduler.problem import Problem


@dataclass(frozen=True)
class Order:
    """All that the worker process is told; `time_limit` is in seconds of wall time, `parent` a process id.

    It is pickled: the child has the same code and hears nobody but its parent, and reading the problem from JSON
    a second time would take half a second at 2,000 requests.
    """

    problem: Problem
    seed: int
    time_limit: float
    memory_mb: int | None
    workers: int
    repair: bool
    parent: int
    is_shared: bool = False
    """Whether the parent knows others who do tasks, and answers an `Offer`."""


@dataclass(frozen=True)
class Offer:
    """What a run tells those who may do its tasks; keys are hashes of the tasks, tasks and answers are JSON texts.

    `awaits` are tasks whose answers the run does not have, in the order in which it would do them. `tasks` are those
    that others may do, told once. `finished` are answers that the run has found itself. It would now do `want`
    tasks; when it `insists` also such as others have begun: it has nothing else to do, and they may be dead.
    """

    awaits: tuple[str, ...]
    tasks: Mapping[str, str]
    finished: Mapping[str, str]
    want: int
    insists: bool


@dataclass(frozen=True)
class Share:
    """The reply to an `Offer`: which tasks are the run's to do now, and the answers that it awaits, as far as known."""

    mine: tuple[str, ...]
    answers: Mapping[str, str]


@dataclass(frozen=True)
class Progress:
    """Where the work stands; `level` is the place of the goal, `elapsed_fraction` is of the time limit."""

    stage: str
    level: int
    incumbent: float | None
    bound: float | None
    gap: float | None
    elapsed_fraction: float = 0.0


@dataclass(frozen=True)
class Usage:
    """What a run has cost: wall seconds, and the peak of resident memory in MB (2²⁰ bytes), None where unknown.

    With several workers it is the sum of the peaks of the processes that lived at one time: never too low.
    """

    seconds: float
    peak_mb: float | None


def relative_gap(incumbent: float | None, bound: float | None) -> float | None:
    """|bound − incumbent| / the larger of the two, None while either is unknown; for goals either way."""
    if incumbent is None or bound is None:
        return None
    return abs(bound - incumbent) / max(abs(bound), abs(incumbent)) if bound != incumbent else 0.0


def peak_mb(process: int) -> float | None:
    """Peak resident memory of a living process and its living children; None where /proc does not say (not Linux)."""
    folder = Path("/proc") / str(process)
    try:
        rows = (folder / "status").read_text().splitlines()
        tasks = [(task / "children").read_text() for task in (folder / "task").iterdir()]
    except OSError:
        return None
    own = [int(row.split()[1]) / 1024 for row in rows if row.startswith("VmHWM:")]
    children = [int(word) for text in tasks for word in text.split()]
    return own[0] + sum(peak_mb(child) or 0.0 for child in children) if own else None


class Line:
    """Writes one JSON line for each report; offers are replied to on the other stream."""

    def __init__(self, stream: TextIO, replies: BinaryIO) -> None:
        self.stream = stream
        self.replies = replies

    def send(self, kind: str, body: dict[str, object]) -> None:
        self.stream.write(json.dumps({"kind": kind, "body": body}, ensure_ascii=True) + "\n")
        self.stream.flush()

    def plan(self, plan: Plan) -> None:
        self.send("plan", plan.to_json())

    def progress(self, progress: Progress) -> None:
        self.send("progress", asdict(progress))

    def offer(self, offer: Offer) -> Share | None:
        """Ask the parent; None when nobody is there to share with."""
        self.send("offer", asdict(offer))
        reply = json.loads(self.replies.readline())
        return None if reply is None else Share(tuple(reply["mine"]), reply["answers"])

    def error(self, error: SchedulerError) -> None:
        self.send("error", {"error": error.code, "path": error.path, "message": error.message})

    def done(self, peak: float | None) -> None:
        """The last line: nothing more will come, and this much memory was needed."""
        self.send("done", {"peak_mb": peak})
