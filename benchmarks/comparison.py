"""Runs two things alternately and tells how they compare: a ratio survives a change of machine, a time does not."""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Side:
    """One of the two things: what it is and a call that does it once."""

    name: str
    do: Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """Seconds of each run, in pairs that ran one after the other."""

    subject: str
    baseline: str
    contender: str
    pairs: tuple[tuple[float, float], ...]
    remarks: tuple[str, ...] = ()

    @property
    def ratio(self) -> float:
        """Median over the pairs of baseline's time divided by contender's: 5 means five times as fast."""
        return statistics.median(base / other for base, other in self.pairs)

    @property
    def spread(self) -> tuple[float, float]:
        """Smallest and largest ratio of a pair."""
        ratios = [base / other for base, other in self.pairs]
        return min(ratios), max(ratios)

    def medians(self) -> tuple[float, float]:
        """Median seconds of the baseline and of the contender."""
        return statistics.median(pair[0] for pair in self.pairs), statistics.median(pair[1] for pair in self.pairs)


def compare(subject: str, baseline: Side, contender: Side, runs: int, remarks: Iterable[str] = ()) -> Comparison:
    """Warm both up once, then run them in turn `runs` times."""
    baseline.do(), contender.do()
    pairs = tuple((_seconds(baseline), _seconds(contender)) for _ in range(runs))
    return Comparison(subject, baseline.name, contender.name, pairs, tuple(remarks))


def _seconds(side: Side) -> float:
    began = time.perf_counter()
    side.do()
    return time.perf_counter() - began
