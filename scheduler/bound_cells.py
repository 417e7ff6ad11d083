"""Cells of time and the things that take up time in them: what is open, what is free, where blocks can lie."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Protocol

from scheduler.demand import intersect
from scheduler.problem import Problem
from scheduler.values import Interval, Part, Resource

WIDTHS = (10_080, 1_440, 60, 15, 1)
"""Minutes of a week, a day, an hour, a quarter, and less than any grain."""
LEAST_CELLS, MOST_CELLS = 8, 4_000

Uses = tuple[tuple[int, float], ...]
"""Things and the units of them that a block takes."""


class Standing(Protocol):
    """A block that stands in every plan."""

    @property
    def request(self) -> str: ...
    @property
    def part(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def length(self) -> int: ...


def widths(problem: Problem) -> list[int]:
    """The widths of cells to choose from, in grains, widest first; the last is one grain."""
    return sorted({max(1, minutes // problem.grain_minutes) for minutes in WIDTHS}, reverse=True)


def cells_of(problem: Problem, width: int) -> tuple[int, ...]:
    return (*range(0, problem.grains, width), problem.grains)


def cell_boundaries(problem: Problem) -> tuple[int, ...]:
    """Weeks, or the widest of days, hours, quarters and grains of which the horizon has at least eight.

    Very long horizons have wider cells.
    """
    wide = max((width for width in widths(problem) if width * LEAST_CELLS <= problem.grains), default=1)
    return cells_of(problem, wide * -(-problem.grains // (wide * MOST_CELLS)))


def finer_boundaries(problem: Problem, cells: Sequence[int]) -> tuple[int, ...] | None:
    """The next narrower cells; None after single grains, or where there would be too many."""
    width = max(end - start for start, end in pairwise(cells))
    narrow = max((one for one in widths(problem) if one < width), default=0)
    return cells_of(problem, narrow) if problem.grains <= narrow * MOST_CELLS else None


def are_boundaries(cells: Sequence[int], grains: int) -> bool:
    """Whether cells rise from 0 to the horizon."""
    return (
        len(cells) > 1 and cells[0] == 0 and cells[-1] == grains and all(one < other for one, other in pairwise(cells))
    )


def own_thing(resource: str) -> str:
    return f"r:{resource}"


def thing_of(resource: Resource) -> str:
    """What a resource's blocks take first: its exclusive name, else itself."""
    return own_thing(resource.id) if resource.exclusive is None else f"x:{resource.exclusive}"


def joined(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The union as sorted disjoint intervals."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return tuple(found)


def opening_of_things(problem: Problem) -> dict[str, tuple[Interval, ...]]:
    """When each thing is open, from `frozen_until` on.

    A resource with an exclusive name is a thing of its own too where the name alone would say less: as a side
    resource, or when it is not open whenever the name is.
    """
    groups: dict[str, list[Resource]] = {}
    for resource in problem.resources:
        groups.setdefault(thing_of(resource), []).append(resource)
    sides = {side.resource for request in problem.requests for part in request.parts for side in part.side}
    found = {}
    for name, group in groups.items():
        found[name] = joined(interval for resource in group for interval in resource.open)
        for resource in group:
            if own_thing(resource.id) != name and (resource.id in sides or resource.open != found[name]):
                found[own_thing(resource.id)] = resource.open
    late = ((problem.frozen_until, problem.grains),) if problem.frozen_until < problem.grains else ()
    return {name: tuple(intersect(intervals, late)) for name, intervals in found.items()}


def by_cell(intervals: Iterable[Interval], cells: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(cell, grains) of sorted intervals; a cell may come more than once."""
    for start, end in intervals:
        done, place = start, bisect_right(cells, start) - 1
        while done < end:
            stop = min(end, cells[place + 1])
            yield place, stop - done
            done, place = stop, place + 1


def block_uses(problem: Problem, part: Part, resource: Resource, known: Mapping[str, int]) -> Uses:
    """What one block of the part on the resource takes of each thing, in the things' own units."""
    named = resource.exclusive is not None
    uses = {known[thing_of(resource)]: 1 / resource.capacity if named else 1.0}
    rows = [(side.resource, side.units) for side in part.side] + ([(resource.id, 1)] if named else [])
    for name, units in rows:
        place = known.get(own_thing(name))
        if place is not None:
            uses[place] = uses.get(place, 0.0) + units
    return tuple(sorted(uses.items()))


def free_capacity(
    problem: Problem,
    cells: Sequence[int],
    opening: Mapping[str, tuple[Interval, ...]],
    standing: Sequence[Standing],
) -> list[list[float]]:
    """Open grains × units of every thing and cell, less what the standing blocks take of them."""
    capacities = {own_thing(resource.id): resource.capacity for resource in problem.resources}
    known = {name: place for place, name in enumerate(opening)}
    table = []
    for name, intervals in opening.items():
        row = [0.0] * (len(cells) - 1)
        for cell, grains in by_cell(intervals, cells):
            row[cell] += grains * capacities.get(name, 1)
        table.append(row)
    names = list(opening)
    for block in standing:
        part = problem.request_by_id[block.request].part_by_id[block.part]
        for place, units in block_uses(problem, part, problem.resource_by_id[block.resource], known):
            span = ((block.start, block.start + block.length),)
            for cell, grains in by_cell(intersect(opening[names[place]], span), cells):
                table[place][cell] = max(0.0, table[place][cell] - units * grains)
    return table


class Hulls:
    """Where blocks of given lengths can lie in each open interval: from the first legal start to the last end."""

    def __init__(self, opening: Iterable[Interval], resource: Resource, lengths: tuple[int, ...]) -> None:
        self.starts = resource.starts
        self.lengths = lengths
        found = [hull for start, end in opening if (hull := self.hull(start, end)) is not None]
        self.lows = [low for low, _ in found]
        self.highs = [high for _, high in found]
        self.widths = [high - low for low, high in found]
        self.before = [0, *accumulate(self.widths)]

    def hull(self, start: int, end: int) -> Interval | None:
        """The hull inside one interval; None when no block fits."""
        if self.starts is None:
            return (start, end) if min(self.lengths) <= end - start else None
        first = bisect_left(self.starts, start)
        if first == len(self.starts):
            return None
        high = -1
        for length in self.lengths:
            last = bisect_right(self.starts, end - length) - 1
            if last >= first:
                high = max(high, self.starts[last] + length)
        return (self.starts[first], high) if high >= 0 else None

    def grains_before(self, time: int) -> int:
        """Grains of all hulls before a time."""
        place = bisect_right(self.lows, time) - 1
        return self.before[place] + min(time - self.lows[place], self.widths[place]) if place >= 0 else 0

    def inside(self, start: int, end: int) -> tuple[list[Interval], Interval | None, int]:
        """What is left of the hulls in [start, end): cut hulls, the interval of whole ones, the widest."""
        first, last = bisect_right(self.highs, start), bisect_left(self.lows, end) - 1
        cut: list[Interval] = []
        while first <= last and self.lows[first] < start:
            self.cut(cut, start, min(end, self.highs[first]))
            first += 1
        while first <= last and self.highs[last] > end:
            self.cut(cut, self.lows[last], end)
            last -= 1
        whole = (self.lows[first], self.highs[last]) if first <= last else None
        widest = max([high - low for low, high in cut] + self.widths[first : last + 1], default=0)
        return cut, whole, widest

    def cut(self, found: list[Interval], start: int, end: int) -> None:
        hull = self.hull(start, end)
        if hull is not None:
            found.append(hull)


def counted(hulls: Hulls, span: Interval, cells: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Grains of whole hulls by cell."""
    start, end = span
    place = bisect_right(cells, start) - 1
    before = hulls.grains_before(start)
    while start < end:
        start = min(end, cells[place + 1])
        after = hulls.grains_before(start)
        if after > before:
            yield place, after - before
        before, place = after, place + 1
