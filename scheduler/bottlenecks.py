"""Who holds the time that a request could use: evidence for reasons, from the plan alone."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate

from scheduler import figures
from scheduler.demand import intersect
from scheduler.figures import MICRO
from scheduler.plan import Block
from scheduler.problem import Problem
from scheduler.share_network import physical_name
from scheduler.time_prices import TimePrices
from scheduler.values import Interval, Part, Request

MOST_HOLDERS = 5
MINUTES_A_WEEK = 7 * 24 * 60

Use = tuple[int, int, int, str]
"""Start, end, units and request of what holds a resource."""


class Spans:
    """Disjoint intervals that answer at once how many of their grains lie before a moment."""

    def __init__(self, intervals: Iterable[Interval]) -> None:
        self.intervals = joined(intervals)
        self.starts = [start for start, _ in self.intervals]
        self.before = [0, *accumulate(end - start for start, end in self.intervals)]

    @property
    def grains(self) -> int:
        return self.before[-1]

    def until(self, moment: int) -> int:
        """Grains of the intervals before a moment."""
        place = bisect_right(self.starts, moment) - 1
        if place < 0:
            return 0
        start, end = self.intervals[place]
        return self.before[place] + min(moment, end) - start


class Holdings:
    """Everything a plan holds, by resource, with the satisfaction of who holds it."""

    def __init__(
        self,
        problem: Problem,
        blocks: Sequence[Block],
        shares: Mapping[str, Fraction],
        prices: TimePrices | None = None,
    ) -> None:
        self.problem = problem
        self.prices = prices
        self.micro = figures.satisfactions(figures.served(problem, blocks), shares)
        self.main: dict[str, list[Use]] = {}
        self.side: dict[str, list[Use]] = {}
        for block in blocks:
            thing = physical_name(problem.resource_by_id[block.resource])
            self.main.setdefault(thing, []).append((block.start, block.end, 1, block.request))
            for side in problem.request_by_id[block.request].part_by_id[block.part].side:
                self.side.setdefault(side.resource, []).append((block.start, block.end, side.units, block.request))

    def bottlenecks(self, request: Request, parts: Iterable[Part]) -> list[dict[str, object]]:
        """Each resource the parts could use, then each they need beside it: how full it is where they could use it.

        `open` and `held` are grains × units, `price` and `worth` value per grain, where there are prices. What another
        resource of an exclusive name holds is held.
        """
        windows: dict[str, list[Interval]] = {}
        beside: dict[str, list[Interval]] = {}
        for part in parts:
            for name in part.alternatives:
                usable = intersect(self.problem.resource_by_id[name].open, part.allowed)
                if not usable:
                    continue
                windows.setdefault(name, []).extend(usable)
                for side in part.side:
                    opening = self.problem.resource_by_id[side.resource].open
                    beside.setdefault(side.resource, []).extend(intersect(usable, opening))
        found = [
            self.bottleneck(request, name, Spans(spans)) | self.priced(request, name, spans)
            for name, spans in windows.items()
        ]
        needed = [name for name, spans in beside.items() if spans and name not in windows]
        return found + [self.bottleneck(request, name, Spans(beside[name])) for name in needed]

    def priced(self, request: Request, name: str, spans: Sequence[Interval]) -> dict[str, object]:
        """What a grain of the time costs by the prices of the bound, and what the request would make of it."""
        if self.prices is None:
            return {}
        price = self.prices.mean(self.problem, name, spans)
        return {"price": round(price, 6), "worth": round(self.prices.worth(self.problem, request, name), 6)}

    def bottleneck(self, request: Request, name: str, spans: Spans) -> dict[str, object]:
        resource = self.problem.resource_by_id[name]
        grains: dict[str, int] = {}
        for start, end, units, holder in (*self.main.get(physical_name(resource), ()), *self.side.get(name, ())):
            common = (spans.until(end) - spans.until(start)) * units
            if common and holder != request.id:
                grains[holder] = grains.get(holder, 0) + common
        holders = sorted(grains, key=lambda row: (-grains[row], row))[:MOST_HOLDERS]
        return {
            "resource": name,
            "weeks": weeks(self.problem, spans.intervals),
            "open": spans.grains * resource.capacity,
            "held": sum(grains.values()),
            "holders": [self.holder(row, grains[row]) for row in holders],
        }

    def holder(self, request: str, grains: int) -> dict[str, object]:
        members = self.problem.request_by_id[request].shares
        standing = {member: self.micro[member] / MICRO if member in self.micro else None for member in members}
        return {"request": request, "grains": grains, "members": standing}


def joined(spans: Iterable[Interval]) -> list[Interval]:
    """Sorted and disjoint: parts of one request often share their windows, whose time counts once."""
    found: list[Interval] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def weeks(problem: Problem, spans: Iterable[Interval]) -> list[int]:
    """Weeks of the horizon, counted from 1, that the spans touch."""
    size = max(1, MINUTES_A_WEEK // problem.grain_minutes)
    touched = {week for start, end in spans for week in range(start // size, (end - 1) // size + 1)}
    return [week + 1 for week in sorted(touched)]
