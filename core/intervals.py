"""Half-open stretches of time and what can be done with lists of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, order=True)
class Interval:
    """[start, end) in aware UTC, never empty."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError("an interval ends after it starts")

    @property
    def length(self) -> timedelta:
        """How long it lasts."""
        return self.end - self.start

    @property
    def minutes(self) -> int:
        """How long it lasts, in whole minutes."""
        return int(self.length.total_seconds() // 60)

    def overlaps(self, other: "Interval") -> bool:
        """Whether the two share an instant."""
        return self.start < other.end and other.start < self.end

    def holds(self, other: "Interval") -> bool:
        """Whether the other lies wholly inside."""
        return self.start <= other.start and other.end <= self.end


def joined(stretches: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Sorted, disjoint and not touching stretches that cover the same time: `union` of plain pairs."""
    merged: list[tuple[datetime, datetime]] = []
    for start, end in sorted(stretches):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Sorted, disjoint and not touching stretches that cover the same time."""
    return [Interval(start, end) for start, end in joined((one.start, one.end) for one in intervals)]


def intersection(first: Iterable[Interval], second: Iterable[Interval]) -> list[Interval]:
    """The time that is in both."""
    others = union(second)
    shared = [Interval(max(a.start, b.start), min(a.end, b.end)) for a in union(first) for b in others if a.overlaps(b)]
    return union(shared)


def difference(first: Iterable[Interval], second: Iterable[Interval]) -> list[Interval]:
    """The time that is in the first and not in the second."""
    left = union(first)
    for hole in union(second):
        left = [piece for interval in left for piece in _without(interval, hole)]
    return left


def _without(interval: Interval, hole: Interval) -> list[Interval]:
    if not interval.overlaps(hole):
        return [interval]
    pieces = []
    if interval.start < hole.start:
        pieces.append(Interval(interval.start, hole.start))
    if hole.end < interval.end:
        pieces.append(Interval(hole.end, interval.end))
    return pieces
