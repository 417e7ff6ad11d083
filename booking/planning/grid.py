"""The grid of a round: instants as counts of grains from the start of its horizon."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.intervals import Interval

Grains = tuple[int, int]
"""Half-open [start, end) in grains."""


@dataclass(frozen=True)
class Grid:
    """Grain 0 begins at `start`; what does not fit a whole grain at the end of the horizon is left out."""

    start: datetime
    minutes: int
    grains: int

    @property
    def horizon(self) -> Interval:
        """The time that the grid covers."""
        return Interval(self.start, self.instant(self.grains))

    def instant(self, grain: int) -> datetime:
        """When a grain begins."""
        return self.start + timedelta(minutes=self.minutes * grain)

    def up(self, minutes: int) -> int:
        """Minutes in grains, rounded up: what is needed at least."""
        return -(-minutes // self.minutes)

    def down(self, minutes: int) -> int:
        """Minutes in grains, rounded down: what is allowed at most."""
        return minutes // self.minutes

    def first_at(self, at: datetime) -> int:
        """The first grain that begins at or after an instant, inside the horizon."""
        passed = -((self.start - at) // timedelta(minutes=self.minutes))
        return min(max(passed, 0), self.grains)

    def last_at(self, at: datetime) -> int:
        """The last grain that begins at or before an instant, inside the horizon."""
        passed = (at - self.start) // timedelta(minutes=self.minutes)
        return min(max(passed, 0), self.grains)

    def inside(self, interval: Interval) -> Grains | None:
        """The whole grains inside an interval and the horizon; None when there is none."""
        first, last = self.first_at(interval.start), self.last_at(interval.end)
        return (first, last) if first < last else None

    def all_inside(self, intervals: Iterable[Interval]) -> list[Grains]:
        """The whole grains inside each interval, sorted, those that touch made one."""
        merged: list[Grains] = []
        for first, last in sorted(filter(None, map(self.inside, intervals))):
            if merged and first <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(merged[-1][1], last)
            else:
                merged.append((first, last))
        return merged
