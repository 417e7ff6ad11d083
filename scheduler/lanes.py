"""What one thing can run at once: exclusive names, unit lanes, changeover and free units."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Protocol

from scheduler.problem import Problem
from scheduler.values import Resource


class Span(Protocol):
    """Anything that holds [start, end)."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


def has_changeover(resource: Resource) -> bool:
    return any(grains > 0 for grains in resource.changeover.values())


def lane_of(resource: Resource, unit: int) -> tuple[str, ...]:
    """Where changeover is counted: the exclusive name, else the unit."""
    if resource.exclusive is not None:
        return ("exclusive", resource.exclusive)
    return ("unit", resource.id, str(unit))


def needs_units(resource: Resource) -> bool:
    """Whether a legal choice of times depends on which unit a block takes."""
    return resource.capacity > 1 and resource.exclusive is None and has_changeover(resource)


def others_may_make_room(problem: Problem) -> bool:
    """Whether a block of a third configuration can stand between two that are too close by themselves.

    Then a member can hold more beside the blocks of others than in a plan of its own.
    """
    names = {part.configuration for request in problem.requests for part in request.parts if part.configuration}
    return any(
        table.get((before, middle), 0) + 1 + table.get((middle, after), 0) < grains
        for table in (resource.changeover for resource in problem.resources)
        for (before, after), grains in table.items()
        for middle in names - {before, after}
    )


def peak(uses: Iterable[tuple[int, int, int]]) -> tuple[int, int]:
    """Largest total of (start, end, units) rows and the first grain where it is reached."""
    steps: dict[int, int] = {}
    for start, end, units in uses:
        steps[start] = steps.get(start, 0) + units
        steps[end] = steps.get(end, 0) - units
    level = highest = place = 0
    for grain in sorted(steps):
        level += steps[grain]
        if level > highest:
            highest, place = level, grain
    return highest, place


def changeover_conflicts(
    spans: Sequence[tuple[Span, str]], table: Mapping[tuple[str, str], int]
) -> Iterator[tuple[Span, Span]]:
    """Pairs of consecutive configured blocks of one lane that are closer than the table allows.

    Two blocks are consecutive when no configured block lies wholly between them. Blocks that run at
    the same moment conflict when either order needs a changeover.
    """
    ordered = sorted(spans, key=lambda row: (row[0].start, row[0].end))
    for place, (block, before) in enumerate(ordered):
        first_end_after: int | None = None
        for later, after in ordered[place + 1 :]:
            if first_end_after is not None and later.start >= first_end_after:
                break
            needed = table.get((before, after), 0)
            if later.start < block.end:
                needed = max(needed, table.get((after, before), 0))
            elif first_end_after is None or later.end < first_end_after:
                first_end_after = later.end
            if needed and later.start < block.end + needed:
                yield block, later


def count_changeovers(spans: Iterable[tuple[Span, str]], table: Mapping[tuple[str, str], int]) -> int:
    """Consecutive configured blocks of one lane whose pair the table lists."""
    ordered = sorted(spans, key=lambda row: (row[0].start, row[0].end))
    return sum(1 for (_, before), (_, after) in pairwise(ordered) if table.get((before, after), 0) > 0)
