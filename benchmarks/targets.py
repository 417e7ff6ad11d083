"""What the allocation aims for, row by row, and whether the measured runs meet it."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.runs import Run

Figure = Callable[[Run], float | None]


@dataclass(frozen=True)
class Target:
    """One promise: a figure of a run that is at most (or at least) `limit`, in the median over the seeds.

    It concerns runs of one kind, size and time limit. `unit` tells how the figure is printed: s, MB, % or nothing.
    """

    kind: str
    size: str
    seconds: float
    name: str
    figure: Figure
    limit: float
    at_most: bool
    unit: str = ""

    def verdict(self, runs: Sequence[Run]) -> tuple[str, ...]:
        """A row for the table: what is measured, the target, the median with the extremes, and the judgement."""
        sign = "≤" if self.at_most else "≥"
        figures = [self.figure(run) for run in runs]
        known = [figure for figure in figures if figure is not None]
        if len(known) < len(figures) or not known:
            missing = f"{len(figures) - len(known)} of {len(figures)} runs have none"
            return self.name, f"{sign} {self.show(self.limit)}", missing, "**missed**"
        median = statistics.median(known)
        met = median <= self.limit if self.at_most else median >= self.limit
        spread = f"{self.show(median)} ({self.show(min(known))} – {self.show(max(known))})"
        return self.name, f"{sign} {self.show(self.limit)}", spread, "met" if met else "**missed**"

    def show(self, figure: float) -> str:
        if self.unit == "%":
            return f"{100 * figure:.2f} %"
        if self.unit == "MB":
            return f"{figure:.0f} MB"
        return f"{figure:.1f} s" if self.unit == "s" else f"{figure:.3f}"


def first_plan(run: Run) -> float | None:
    """Wall seconds until the caller holds a verified plan."""
    return run.moments[0].seconds if run.moments else None


def worst(run: Run) -> float | None:
    return run.last.worst if run.last else None


def nearly(run: Run) -> float | None:
    """The share of members with a fair share who have at least 98 % of it."""
    return run.last.nearly if run.last else None


def gap(run: Run) -> float | None:
    """To the proven bound on value under the goals before it."""
    return run.last.gap if run.last else None


def peak(run: Run) -> float | None:
    return run.peak_mb


def bounded(run: Run) -> float | None:
    """Wall seconds until the first bound on value."""
    return run.bounded


def whole_time(run: Run) -> float | None:
    return run.seconds


def at_proven_best(run: Run) -> float | None:
    """1 when it is proven that no plan has a higher sorted vector of satisfaction."""
    return float(run.levels.get("leximin", False)) if run.levels else None


def legal(run: Run) -> float | None:
    """1 when there is a plan, the independent check agrees and no greedy plan is better."""
    return float(run.last is not None and not run.verdict and run.above_greedy)


def small_targets(kind: str, size: str) -> list[Target]:
    return [
        Target(kind, size, 20, "leximin proven (1 = all of it)", at_proven_best, 1, False),
        Target(kind, size, 20, "value gap", gap, 0.01, True, "%"),
        Target(kind, size, 20, "whole time", whole_time, 20.5, True, "s"),
    ]


TARGETS: tuple[Target, ...] = (
    *(row for kind in ("plain", "rich") for size in ("small", "medium") for row in small_targets(kind, size)),
    Target("plain", "large", 60, "first verified plan", first_plan, 4, True, "s"),
    Target("plain", "large", 60, "worst satisfaction", worst, 0.97, False),
    Target("plain", "large", 60, "members with ≥ .98", nearly, 0.98, False, "%"),
    Target("plain", "large", 60, "value gap", gap, 0.015, True, "%"),
    Target("plain", "large", 60, "memory", peak, 700, True, "MB"),
    Target("plain", "large", 600, "value gap", gap, 0.01, True, "%"),
    Target("rich", "large", 60, "worst satisfaction", worst, 0.95, False),
    Target("rich", "large", 60, "members with ≥ .98", nearly, 0.95, False, "%"),
    Target("rich", "large", 60, "value gap", gap, 0.03, True, "%"),
    Target("plain", "xl", 180, "first bound on value", bounded, 10, True, "s"),
    Target("plain", "xl", 180, "first verified plan", first_plan, 45, True, "s"),
    Target("plain", "xl", 180, "worst satisfaction", worst, 0.9, False),
    Target("plain", "xl", 180, "value gap", gap, 0.025, True, "%"),
    Target("plain", "xl", 180, "memory", peak, 2500, True, "MB"),
    Target("plain", "xl", 600, "value gap", gap, 0.02, True, "%"),
)


def judged(runs: Sequence[Run]) -> Iterator[tuple[str, ...]]:
    """Every target that concerns these runs (of one kind, size and limit), and the one that concerns all."""
    case = runs[0].case
    for target in TARGETS:
        if (target.kind, target.size, target.seconds) == (case.kind, case.size, case.limit):
            yield target.verdict(runs)
    everywhere = Target(case.kind, case.size, case.limit, "checked, and above every greedy plan", legal, 1, False)
    sound = min(legal(run) or 0.0 for run in runs)
    yield everywhere.name, "all runs", "yes" if sound else "no", "met" if sound else "**missed**"
