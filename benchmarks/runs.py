"""One run of the scheduler on an invented problem: its time line, its cost and the verdict of the independent check."""

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.instances import make
from scheduler import Plan, Problem, Progress, SchedulerError, Usage, check, solve

NEARLY = 0.98  # of a fair share: who has that much counts as served fairly
AMPLE = 2.0
"""The work of a run is made for one process on a slow machine; more than fits is asked for, and stopped in time."""
GREEDY = ("first_come", "merit", "fair")


@dataclass(frozen=True, order=True)
class Case:
    """Which problem, for how many seconds of wall time, and how many processes may search."""

    kind: str
    size: str
    limit: float
    seed: int
    workers: int = 1

    @property
    def group(self) -> tuple[str, str, float]:
        """Cases that differ by seed alone belong together."""
        return self.kind, self.size, self.limit


@dataclass(frozen=True)
class Moment:
    """A verified plan as the caller got it; `worst`, `nearly` and `bound` are None when nobody has a fair share."""

    seconds: float
    value: float
    gap: float
    worst: float | None
    nearly: float | None
    blocks: int


@dataclass(frozen=True)
class Run:
    """All that was measured; figures of the last plan come from its own certificate.

    `bounded` is when a bound on value below all that is asked for was first known, `levels` says which goals were
    proven, `bound` is what the worst-off member can get at most, `verdict` is what the check found, `error` why
    there is no plan.
    """

    case: Case
    moments: tuple[Moment, ...]
    bounded: float | None
    seconds: float
    peak_mb: float | None
    load: tuple[float, float]
    levels: Mapping[str, bool]
    bound: float | None
    baselines: Mapping[str, tuple[float | None, float]]
    above_greedy: bool
    verdict: tuple[str, ...]
    digest: str
    error: str = ""

    @property
    def last(self) -> Moment | None:
        return self.moments[-1] if self.moments else None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Run":
        """What `to_json` wrote."""
        return cls(
            **dict(row)
            | {
                "case": Case(**row["case"]),
                "moments": tuple(Moment(**moment) for moment in row["moments"]),
                "load": tuple(row["load"]),
                "baselines": {name: tuple(pair) for name, pair in row["baselines"].items()},
                "verdict": tuple(row["verdict"]),
            }
        )


def moment_of(seconds: float, plan: Plan) -> Moment:
    certificate: Mapping[str, Any] = plan.certificate
    vector = certificate["s_sorted"]
    return Moment(
        seconds=seconds,
        value=certificate["value"],
        gap=certificate["gap"],
        worst=min(vector, default=None),
        nearly=sum(s >= NEARLY for s in vector) / len(vector) if vector else None,
        blocks=len(plan.blocks),
    )


class Watch:
    """Notes what comes while a solve runs, with wall seconds since its start."""

    def __init__(self, everything: float) -> None:
        """`everything` is the value of all that is asked for: a bound below it is somebody's work."""
        self.everything = everything
        self.began = time.perf_counter()
        self.moments: list[Moment] = []
        self.bounded: float | None = None
        self.usage: Usage | None = None

    def on_plan(self, plan: Plan) -> None:
        self.moments.append(moment_of(self.elapsed(), plan))
        self.note_bound(plan.certificate["value_bound"])

    def on_progress(self, progress: Progress) -> None:
        if progress.stage in ("value", "unfair"):
            self.note_bound(progress.bound)

    def note_bound(self, bound: Any) -> None:
        if self.bounded is None and bound is not None and bound < self.everything * (1 - 1e-9):
            self.bounded = self.elapsed()

    def on_end(self, usage: Usage) -> None:
        self.usage = usage

    def elapsed(self) -> float:
        return time.perf_counter() - self.began


def measure(case: Case, ample: float = AMPLE) -> Run:
    """Make the problem, solve it, check the plan."""
    return measure_document(case, make(case.size, case.kind, case.seed), ample)


def measure_document(case: Case, document: dict[str, Any], ample: float = AMPLE) -> Run:
    """The same for a document made elsewhere; no error of the scheduler passes, it is part of the result."""
    problem = Problem.from_json(document)
    before = os.getloadavg()[0]
    watch = Watch(value_of_everything(document))
    plan: Plan | None = None
    error = ""
    try:
        plan = solve(
            problem,
            time_limit=case.limit * ample,
            cancelled=lambda: watch.elapsed() >= case.limit,
            seed=case.seed,
            on_progress=watch.on_progress,
            on_plan=watch.on_plan,
            on_end=watch.on_end,
            workers=case.workers,
        )
    except SchedulerError as refusal:
        error = f"{refusal.code}: {refusal.message}"
    assert watch.usage is not None  # noqa: S101 - solve calls on_end however it ends
    certificate: Mapping[str, Any] = plan.certificate if plan is not None else {}
    broken = check(document, plan.to_json()) if plan is not None else []
    return Run(
        case=case,
        moments=tuple(watch.moments),
        bounded=watch.bounded,
        seconds=watch.usage.seconds,
        peak_mb=watch.usage.peak_mb,
        load=(before, os.getloadavg()[0]),
        levels={level["name"]: level["proven"] for level in certificate.get("levels", [])},
        bound=min(certificate.get("s_bound", []), default=None),
        baselines=baselines_of(certificate),
        above_greedy=plan is not None and is_above_greedy(certificate),
        verdict=tuple(f"{violation.rule}: {violation.where}: {violation.message}" for violation in broken[:5]),
        digest=digest_of(plan),
        error=error,
    )


def value_of_everything(document: Mapping[str, Any]) -> float:
    """Σ merit × u over all that is asked for: the bound that needs no work."""
    costs = {row["id"]: row.get("cost", 1) for row in document["resources"]}
    return math.fsum(
        request["merit"] * part["amount"] * costs[part["alternatives"][0]]
        for request in document["requests"]
        for part in request["parts"]
    )


def baselines_of(certificate: Mapping[str, Any]) -> dict[str, tuple[float | None, float]]:
    """Worst satisfaction and value of each greedy plan."""
    rows = certificate.get("baselines", {})
    return {name: (min(rows[name]["s_sorted"], default=None), rows[name]["value"]) for name in GREEDY if name in rows}


def is_above_greedy(certificate: Mapping[str, Any]) -> bool:
    """Whether no greedy plan is lexicographically better by the policy's first two goals (leximin or merit)."""

    def key(row: Mapping[str, Any]) -> tuple[object, object]:
        worth = round(row["value"], 6)
        by_merit = certificate["policy"]["fairness"] == "merit"
        return (worth, row["s_sorted"]) if by_merit else (row["s_sorted"], worth)

    return all(key(certificate) >= key(row) for row in certificate["baselines"].values())


def digest_of(plan: Plan | None) -> str:
    """A short hash of the plan's bytes, to tell two runs apart."""
    if plan is None:
        return ""
    text = json.dumps(plan.to_json(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Journal:
    """Raw results as JSON lines, written as they come; None keeps nothing."""

    def __init__(self, path: Path | None, resume: bool = False) -> None:
        self.path = path
        self.known: dict[str, dict[str, Any]] = {}
        if path is not None and resume and path.exists():
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            self.known = {row["key"]: row["body"] for row in rows}

    def keep(self, key: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The result that is known for this key, or that of the work now."""
        if key in self.known:
            return self.known[key]
        body = work()
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"key": key, "body": body}) + "\n")
        return body

    def run(self, case: Case, label: str = "run") -> Run:
        """One measured case. Any label but `run` gets the work that ends by itself: its bytes can be compared."""
        key = f"{label} {case.kind} {case.size} {case.limit:g} {case.seed} {case.workers}"
        return Run.from_json(self.keep(key, lambda: measure(case, AMPLE if label == "run" else 1.0).to_json()))


def grouped(runs: Iterable[Run]) -> dict[tuple[str, str, float], list[Run]]:
    """Runs that differ by seed alone, in the order in which they came."""
    groups: dict[tuple[str, str, float], list[Run]] = {}
    for run in runs:
        groups.setdefault(run.case.group, []).append(run)
    return groups
