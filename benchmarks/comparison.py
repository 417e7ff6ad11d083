"""Runs two things alternately and tells how they compare: a ratio survives a change of machine, a time does not."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """What a benchmark found, ready to be printed."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()

    def markdown(self) -> str:
        """As a section of RESULTS.md."""
        lines = [f"## {self.title}", "", _row(self.columns), _row(("---",) * len(self.columns))]
        lines += [_row(row) for row in self.rows]
        return "\n".join([*lines, "", *self.remarks])


@dataclass(frozen=True)
class Pairs:
    """Seconds of a baseline and of a contender, in pairs that ran one after the other."""

    seconds: tuple[tuple[float, float], ...]

    @property
    def ratios(self) -> list[float]:
        """Baseline's time divided by the contender's, pair by pair: 5 is a contender five times as fast."""
        return [baseline / contender for baseline, contender in self.seconds]

    @property
    def medians(self) -> tuple[float, float]:
        """Median seconds of the baseline and of the contender."""
        return statistics.median(pair[0] for pair in self.seconds), statistics.median(pair[1] for pair in self.seconds)

    def describe(self) -> str:
        """Median ratio with the smallest and the largest."""
        return f"{statistics.median(self.ratios):.1f}× ({min(self.ratios):.1f}–{max(self.ratios):.1f})"


def alternate(baseline: Callable[[], object], contender: Callable[[], object], runs: int) -> Pairs:
    """Do both once to warm up, then in turn `runs` times."""
    seconds_of(baseline)
    seconds_of(contender)
    return Pairs(tuple((seconds_of(baseline), seconds_of(contender)) for _ in range(runs)))


def seconds_of(do: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
