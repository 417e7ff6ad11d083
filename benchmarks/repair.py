"""Repair: a plan is in force, one request is cancelled or one beam fails for a week, and the rest should stay."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.comparison import Table
from benchmarks.engine import middle
from benchmarks.instances import make
from benchmarks.instances.network import WEEK
from benchmarks.options import Options
from scheduler import Plan, Problem, SchedulerError, check, from_plan, solve, with_outage, without_request

Json = dict[str, Any]
SIZE, QUICK_SIZE = "large", "medium"
FIRST_LIMIT, QUICK_LIMIT, REPAIR_LIMIT = 60.0, 10.0, 10.0
FROZEN_WEEKS = 4
MOST_SEEDS = 3
MOST_SECONDS, MOST_MOVED = 3.0, 0.05
WORDS = 120  # characters of an error that a table has room for


@dataclass(frozen=True)
class Repaired:
    """`seconds` until the first verified plan, what share of the untouched blocks it moved, and the last one."""

    seconds: float | None
    moved: float
    moved_at_end: float
    frozen_moved: int
    worst: float
    verdict: str


def run(options: Options) -> list[Table]:
    """Both changes for each seed, from one published plan."""
    size = QUICK_SIZE if options.quick else SIZE
    seeds = [seed for seed in options.seed_range() if seed <= MOST_SEEDS]
    found: dict[str, list[Repaired]] = {name: [] for name in CHANGES}
    for seed in seeds:
        document = published(options, size, seed)
        for name, change in CHANGES.items():
            changed = change(document, random.Random(f"equora repair {name} {seed}"))
            found[name].append(measured(options, f"repair {size} {name} {seed}", changed))
    return [table(size, found)]


def measured(options: Options, key: str, changed: Json) -> Repaired:
    return Repaired(**options.journal.keep(key, lambda: asdict(repair(changed))))


def published(options: Options, size: str, seed: int) -> Json:
    """A problem whose plan is in force, with its first weeks frozen."""
    document = make(size, "plain", seed)
    limit = QUICK_LIMIT if options.quick else FIRST_LIMIT
    key = f"published {size} {limit:g} {seed}"
    row = options.journal.keep(key, lambda: solve(Problem.from_json(document), time_limit=limit).to_json())
    return from_plan(document, Plan.from_json(row), FROZEN_WEEKS * WEEK)


def cancel(document: Json, rnd: random.Random) -> Json:
    """A request with blocks that are not frozen goes."""
    later = sorted({row["request"] for row in document["published"] if row["start"] >= document["frozen_until"]})
    return without_request(document, rnd.choice(later))


def outage(document: Json, rnd: random.Random) -> Json:
    """A beam that is in use in a week after the frozen ones is closed in that week."""
    used = sorted(
        {
            (row["resource"], row["start"] // WEEK)
            for row in document["published"]
            if row["start"] >= document["frozen_until"] and row["resource"].startswith("beam")
        }
    )
    resource, week = rnd.choice(used)
    return with_outage(document, resource, week * WEEK, (week + 1) * WEEK)


CHANGES: dict[str, Callable[[Json, random.Random], Json]] = {
    "one cancellation": cancel,
    "a beam out for a week": outage,
}


def repair(document: Json) -> Repaired:
    """Plan anew from what is published; blocks that the change itself hit are published no longer."""
    problem = Problem.from_json(document)
    frozen = {key(row) for row in document["published"] if row["start"] < document["frozen_until"]}
    loose = {key(row) for row in document["published"]} - frozen
    plans: list[tuple[float, Plan]] = []
    began = time.perf_counter()
    try:
        solve(
            problem,
            time_limit=REPAIR_LIMIT,
            repair=True,
            on_plan=lambda plan: plans.append((time.perf_counter() - began, plan)),
        )
    except SchedulerError as refusal:
        return Repaired(None, 1.0, 1.0, 0, 0.0, f"{refusal.code}: {refusal.message[:WORDS]}")
    (seconds, first), (_, last) = plans[0], plans[-1]
    broken = [str(violation) for plan in (first, last) for violation in check(document, plan.to_json())]
    vector: Any = last.certificate["s_sorted"]
    return Repaired(
        seconds=seconds,
        moved=share_missing(loose, first),
        moved_at_end=share_missing(loose, last),
        frozen_moved=sum(len(frozen - kept(plan)) for plan in (first, last)),
        worst=vector[0],
        verdict="; ".join(broken[:3]) or "passed",
    )


Key = tuple[str, str, str, int, int]


def key(row: Json) -> Key:
    return row["request"], row["part"], row["resource"], row["start"], row["length"]


def kept(plan: Plan) -> set[Key]:
    return {(block.request, block.part, block.resource, block.start, block.length) for block in plan.blocks}


def share_missing(rows: set[Key], plan: Plan) -> float:
    return len(rows - kept(plan)) / len(rows) if rows else 0.0


def table(size: str, found: dict[str, list[Repaired]]) -> Table:
    return Table(
        "Repair of a published plan",
        (
            "change",
            f"first verified plan s (≤ {MOST_SECONDS:g})",
            f"untouched blocks moved (≤ {100 * MOST_MOVED:g} %)",
            "the same in the last plan",
            "frozen blocks moved",
            "worst s",
            "check",
            "verdict",
        ),
        tuple(row(name, group) for name, group in found.items()),
        (
            f"A {size} network of the plain kind whose plan ({FROZEN_WEEKS} weeks of it frozen) is in force; limit",
            f"{REPAIR_LIMIT:g} s; medians over the seeds.",
        ),
    )


def row(name: str, group: Sequence[Repaired]) -> tuple[str, ...]:
    good = all(
        one.seconds is not None
        and one.seconds <= MOST_SECONDS
        and one.moved <= MOST_MOVED
        and one.moved_at_end <= MOST_MOVED
        and not one.frozen_moved
        and one.verdict == "passed"
        for one in group
    )
    return (
        name,
        middle([one.seconds for one in group if one.seconds is not None], 2),
        middle([100 * one.moved for one in group], 2) + " %",
        middle([100 * one.moved_at_end for one in group], 2) + " %",
        str(max(one.frozen_moved for one in group)),
        middle([one.worst for one in group]),
        ", ".join(sorted({one.verdict for one in group})),
        "met" if good else "**missed**",
    )
