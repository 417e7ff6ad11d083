"""Every place where a new block may stand by the rules that concern the block alone."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from scheduler.demand import intersect
from scheduler.figures import exact
from scheduler.lanes import needs_units
from scheduler.plan import Block
from scheduler.problem import Problem
from scheduler.values import Interval, Part, Pattern, Request, Resource


class Placement(NamedTuple):
    """A possible block; `unit` matters only where changeover is counted by unit."""

    request: str
    part: str
    resource: str
    start: int
    length: int
    unit: int = 0

    @property
    def end(self) -> int:
        return self.start + self.length


def sides_fit(problem: Problem, part: Part, resource: str) -> bool:
    """Whether an idle facility has the units that one block takes."""
    for side in part.side:
        own = 1 if side.resource == resource else 0
        if side.units + own > problem.resource_by_id[side.resource].capacity:
            return False
    return True


def open_windows(problem: Problem, part: Part, resource: str) -> tuple[Interval, ...]:
    """Where the resource and all side resources are open and the part is allowed."""
    found = tuple(intersect(problem.resource_by_id[resource].open, part.allowed))
    for side in part.side:
        found = tuple(intersect(found, problem.resource_by_id[side.resource].open))
    return found


def legal_starts(resource: Resource, first: int, last: int) -> Sequence[int]:
    """Starts of the resource in [first, last]."""
    if resource.starts is None:
        return range(first, last + 1)
    return resource.starts[bisect_left(resource.starts, first) : bisect_left(resource.starts, last + 1)]


def banning(problem: Problem, request: Request, part: Part, resource: str) -> list[Pattern]:
    """The forbidden rows that can match a block of this part on this resource."""
    return [
        pattern
        for pattern in problem.forbidden
        if pattern.request in (None, request.id)
        and pattern.part in (None, part.id)
        and pattern.resource in (None, resource)
    ]


def part_placements(problem: Problem, request: Request, part: Part) -> Iterator[Placement]:
    """All new blocks a part may have, by resource, then length (longest first), then start."""
    for name in part.alternatives:
        if not sides_fit(problem, part, name):
            continue
        bans = banning(problem, request, part, name)
        found = open_windows(problem, part, name)
        for length in sorted(part.lengths, reverse=True):
            if length > part.amount:
                continue
            for start, end in found:
                for begin in legal_starts(problem.resource_by_id[name], max(start, problem.frozen_until), end - length):
                    if not any(ban.matches(request.id, part.id, name, begin, length) for ban in bans):
                        yield Placement(request.id, part.id, name, begin, length)


def has_more_placements(problem: Problem, most: int) -> bool:
    """Whether new blocks have more than so many places; counted only as far."""
    rows = (
        row for request in problem.requests for part in request.parts for row in part_placements(problem, request, part)
    )
    return next(islice(rows, most, None), None) is not None


def preference(part: Part, start: int) -> float:
    """The highest weight of the preferred intervals that contain the start, 0 if none does."""
    return max((row.weight for row in part.preferred if row.start <= start < row.end), default=0)


def preference_score(problem: Problem, placement: Placement | Block) -> float:
    """Weight × u of one block."""
    part = problem.request_by_id[placement.request].part_by_id[placement.part]
    cost = exact(problem.resource_by_id[placement.resource].cost)
    return float(exact(preference(part, placement.start)) * placement.length * cost)


def give_units(problem: Problem, placements: Sequence[Placement]) -> tuple[Block, ...]:
    """Blocks in plan order; where units are all alike, each block takes the lowest free one."""
    from_lanes = {resource.id for resource in problem.resources if needs_units(resource)}
    busy: dict[str, list[int]] = {}
    blocks = []
    for placement in sorted(placements, key=lambda row: (row.start, row)):
        unit = placement.unit
        if placement.resource not in from_lanes:
            ends = busy.setdefault(placement.resource, [])
            unit = next((place for place, end in enumerate(ends) if end <= placement.start), len(ends))
            ends[unit : unit + 1] = [placement.end]
        blocks.append(
            Block(placement.request, placement.part, placement.resource, unit, placement.start, placement.length)
        )
    return tuple(sorted(blocks, key=Block.order))
