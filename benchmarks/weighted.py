"""The Las Cumbres kind: the program of their scheduler beside ours on the same problems, one after the other."""

import multiprocessing
import os
import resource
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any

from benchmarks import weighted_sum
from benchmarks.comparison import Table
from benchmarks.engine import middle
from benchmarks.instances import make
from benchmarks.options import Options
from benchmarks.runs import Case, Run
from scheduler import Problem

Row = dict[str, Any]
USUAL = ("100", "300", "1000", "3000")
QUICK = ("100",)
MOST_SEEDS = 3
THEIR_LIMIT = {"100": 30.0, "300": 60.0, "1000": 120.0, "3000": 120.0}
OUR_LIMIT = {"100": 10.0, "300": 20.0, "1000": 60.0, "3000": 60.0}
GRACE = 30.0  # seconds after the limit at which their solver is killed: it does not always stop by itself
KIND = "las_cumbres"


def run(options: Options) -> list[Table]:
    """Both on each size, seed by seed."""
    sizes = options.only or (QUICK if options.quick else USUAL)
    seeds = [seed for seed in options.seed_range() if seed <= MOST_SEEDS]
    pairs = {size: [pair(options, size, seed) for seed in seeds] for size in sizes}
    judged = [targets_table(pairs)] if {*sizes} - {"100"} else []
    return [figures_table(pairs), *judged]


def pair(options: Options, size: str, seed: int) -> tuple[Row, Run]:
    limit = THEIR_LIMIT[size]
    theirs = options.journal.keep(f"theirs {size} {limit:g} {seed}", lambda: apart(size, seed, limit))
    return theirs, options.journal.run(Case(KIND, size, OUR_LIMIT[size], seed, options.workers))


def apart(size: str, seed: int, limit: float) -> Row:
    """Solve their program in a process of its own, which is killed when it does not stop by itself."""
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe(duplex=False)
    process = context.Process(target=solve_theirs, args=(its, size, seed, limit))
    process.start()
    its.close()
    try:
        answer: Row = mine.recv() if mine.poll(limit + GRACE) else {"status": "KILLED"}
    except EOFError:
        answer = {"status": "DIED"}
    process.kill()
    process.join()
    return answer | {"load": os.getloadavg()[0]}


def solve_theirs(answer: Connection, size: str, seed: int, limit: float) -> None:
    """Runs in the other process: figures without the blocks, and its peak memory in MB of 2²⁰ bytes."""
    outcome = weighted_sum.solve(Problem.from_json(make(size, KIND, seed)), limit)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {name: value for name, value in asdict(outcome).items() if name != "blocks"}
    answer.send(figures | {"served": outcome.served, "peak_mb": peak})


def figures_table(pairs: dict[str, list[tuple[Row, Run]]]) -> Table:
    rows = []
    for size, group in pairs.items():
        rows.append(their_row(size, [theirs for theirs, _ in group], group))
        rows.append(our_row(size, group))
        for name in ("first_come", "merit"):
            values = [ours.baselines[name][1] for _, ours in group if name in ours.baselines]
            rows.append((size, f"greedy, {name.replace('_', ' ')}", "", "", "", middle(values, 0), "", "", ""))
    return Table(
        "Las Cumbres kind: figures",
        (
            "observations",
            "plan",
            "variables",
            "status",
            "served",
            "Σ priority × slices",
            "gap to the best bound",
            "s",
            "MB",
        ),
        tuple(rows),
        (
            "Medians over the seeds. *Theirs*: the time-indexed 0/1 program of `adaptive_scheduler` written afresh,",
            "SCIP through OR-Tools, 1 % gap, arrays instead of expressions for building it; its limit is",
            f"{', '.join(f'{limit:g} s at {size}' for size, limit in THEIR_LIMIT.items())}.",
            "*Ours*: policy `merit` (value first), whole run with proofs, check and reasons.",
        ),
    )


def their_row(size: str, theirs: Sequence[Row], group: Sequence[tuple[Row, Run]]) -> tuple[str, ...]:
    done = [row for row in theirs if "value" in row]
    gaps = [1 - row["value"] / best_bound(row, ours) for row, ours in group if "value" in row]
    return (
        size,
        "theirs",
        middle([row["variables"] for row in done], 0),
        ", ".join(sorted({row["status"] for row in theirs})),
        middle([row["served"] for row in done], 0),
        middle([row["value"] for row in done], 0),
        percent(gaps),
        middle([row["build_seconds"] + row["solve_seconds"] for row in done], 1),
        middle([row["peak_mb"] for row in done], 0),
    )


def our_row(size: str, group: Sequence[tuple[Row, Run]]) -> tuple[str, ...]:
    runs = [ours for _, ours in group]
    lasts = [run.last for run in runs if run.last is not None]
    proven = sum(run.levels.get("value", False) for run in runs)
    gaps = [1 - ours.last.value / best_bound(theirs, ours) for theirs, ours in group if ours.last is not None]
    return (
        size,
        "**ours**",
        "",
        f"optimum proven {proven} of {len(runs)}",
        middle([moment.blocks for moment in lasts], 0),
        middle([moment.value for moment in lasts], 0),
        percent(gaps),
        middle([run.seconds for run in runs], 1),
        middle([run.peak_mb for run in runs if run.peak_mb is not None], 0),
    )


def best_bound(theirs: Row, ours: Run) -> float:
    """The smaller of the two proven bounds: no plan's value is above it."""
    bounds: list[float] = [theirs["bound"]] if "bound" in theirs else []
    bounds += [ours.last.value / (1 - ours.last.gap)] if ours.last is not None and ours.last.gap < 1 else []
    return min(bounds)


def percent(fractions: Sequence[float]) -> str:
    return f"{100 * statistics.median(fractions):.2f} %" if fractions else "–"


def targets_table(pairs: dict[str, list[tuple[Row, Run]]]) -> Table:
    rows = []
    for size, group in pairs.items():
        if size == "300":
            rows.append(speed_row(group))
        if size in ("1000", "3000"):
            gaps = [ours.last.gap if ours.last else 1.0 for _, ours in group]
            met = statistics.median(gaps) <= 0.01
            rows.append((size, "our proven gap", "≤ 1 %", percent(gaps), verdict(met)))
    return Table("Las Cumbres kind: targets", ("observations", "figure", "target", "median", "verdict"), tuple(rows))


def speed_row(group: Sequence[tuple[Row, Run]]) -> tuple[str, ...]:
    """How long we take to a verified plan of at least the value that theirs ends with, as a part of their time."""
    ratios = []
    for theirs, ours in group:
        reached = [moment.seconds for moment in ours.moments if moment.value >= theirs.get("value", 0) - 1e-6]
        taken = theirs.get("build_seconds", 0) + theirs.get("solve_seconds", THEIR_LIMIT["300"])
        ratios.append(reached[0] / taken if reached else float("inf"))
    middle_ratio = statistics.median(ratios)
    return "300", "our time to their value ÷ their time", "≤ 0.10", f"{middle_ratio:.2f}", verdict(middle_ratio <= 0.1)


def verdict(met: bool) -> str:
    return "met" if met else "**missed**"
