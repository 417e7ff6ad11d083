"""The coarse form of a problem that all bounds speak of: grains by part, resource and cell of time.

A legal plan's blocks, counted in grains by (part, resource, cell), keep every figure stated here; nothing here keeps
a legal plan out. Frozen blocks are constants, all else is what may be added to them.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from scheduler.bound_cells import (
    Hulls,
    Standing,
    Uses,
    block_uses,
    by_cell,
    cell_boundaries,
    counted,
    free_capacity,
    opening_of_things,
)
from scheduler.demand import largest_total
from scheduler.figures import exact
from scheduler.lag_order import in_lag_order
from scheduler.placements import banning, open_windows, sides_fit
from scheduler.problem import Problem
from scheduler.values import Lag, Needs, Part, Request, Resource

MOST_REACHES = 64
"""Of a pair: its time is in proportion."""


class Ask(NamedTuple):
    """What may be added to one part: `demand` grains at most, and at least `low` of them if anything.

    `parent` is the place of the ask that must hold something first (−1: none but the request itself). A `must` ask
    of a request with `needs: all` holds something whenever the request does. Rows [first, last) belong to it.
    """

    request: int
    part: int
    demand: int
    low: int
    must: bool
    parent: int
    first: int
    last: int


class Reach(NamedTuple):
    """Where an ask can lie that ends in certain cells, the last of them `last`: in cells [first, last].

    What follows it then lies in cells [low, high].
    """

    first: int
    last: int
    low: int
    high: int


class Pair(NamedTuple):
    """Two asks joined by a lag, with one reach for each cell, or few cells, in which the first of them can end."""

    after: int
    then: int
    reaches: tuple[Reach, ...]


@dataclass
class Rooms:
    """All asks and their rows: row k may hold up to `grains[k]` on seat `seat[k]` in cell `cell[k]`.

    A seat is an ask on one resource; `capacity[thing][cell]` is in grains of one unit, for an exclusive name in
    grains of the name itself.
    """

    problem: Problem
    cells: tuple[int, ...]
    things: tuple[str, ...]
    capacity: list[list[float]]
    standing: tuple[Standing, ...]
    asks: list[Ask] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    seat_ask: list[int] = field(default_factory=list)
    seat_resource: list[int] = field(default_factory=list)
    seat_uses: list[Uses] = field(default_factory=list)
    seat: "array[int]" = field(default_factory=lambda: array("i"))
    cell: "array[int]" = field(default_factory=lambda: array("i"))
    grains: "array[int]" = field(default_factory=lambda: array("i"))


class Builder:
    """Lists all asks with their rows, request by request."""

    def __init__(self, problem: Problem, cells: Sequence[int], standing: Sequence[Standing]) -> None:
        opening = opening_of_things(problem)
        self.known = {name: place for place, name in enumerate(opening)}
        self.hulls: dict[tuple[object, ...], Hulls] = {}
        self.held: dict[tuple[str, str], list[int]] = {}
        for block in standing:
            self.held.setdefault((block.request, block.part), []).append(block.length)
        self.bound = {block.request for block in standing}
        self.place = {resource.id: place for place, resource in enumerate(problem.resources)}
        capacity = free_capacity(problem, cells, opening, standing)
        self.rooms = Rooms(problem, tuple(cells), tuple(opening), capacity, tuple(standing))

    def add_request(self, number: int, request: Request) -> None:
        """The request's asks; none when something that it needs can have no block."""
        asks, seats, rows = self.rooms.asks, self.rooms.seat_ask, self.rooms.seat
        mark = len(asks), len(seats), len(rows)
        free = request.id in self.bound
        places: dict[str, int] = {}
        for part in in_lag_order(request):
            ask = self.add_part(number, part, None if free else parent_of(request, part, places))
            if ask is not None:
                places[part.id] = ask
            elif request.needs is Needs.ALL and part.least > 0 and not free:
                del asks[mark[0] :], seats[mark[1] :]
                del self.rooms.seat_resource[mark[1] :], self.rooms.seat_uses[mark[1] :]
                del rows[mark[2] :], self.rooms.cell[mark[2] :], self.rooms.grains[mark[2] :]
                return
        if not free:
            self.add_pairs(request, places)

    def add_pairs(self, request: Request, places: Mapping[str, int]) -> None:
        """Asks joined by lags, each in one pair at most: fewer rules make a bound weaker, not wrong."""
        joined: set[str] = set()
        for lag in request.lags:
            if not joined & {lag.after, lag.then} and {lag.after, lag.then} <= places.keys():
                joined |= {lag.after, lag.then}
                self.rooms.pairs.append(Pair(places[lag.after], places[lag.then], self.reaches(request, lag, places)))

    def reaches(self, request: Request, lag: Lag, places: Mapping[str, int]) -> tuple[Reach, ...]:
        cells, horizon = self.rooms.cells, self.rooms.problem.grains
        after, then = request.part_by_id[lag.after], request.part_by_id[lag.then]
        ask = self.rooms.asks[places[lag.after]]
        is_one_block = after.most_blocks == 1 or ask.demand < 2 * min(after.lengths)
        longest = max(after.lengths) if is_one_block else horizon
        crossed = self.crossed(after) if is_one_block else set(range(len(cells)))
        used = sorted(set(self.rooms.cell[ask.first : ask.last]))
        step = -(-len(used) // MOST_REACHES)
        found = []
        for place in range(0, len(used), step):
            earliest, last = used[place], used[min(place + step, len(used)) - 1]
            first = earliest
            while first > 0 and first in crossed and cells[first] > cells[earliest] + 1 - longest:
                first -= 1
            start = cells[earliest] + 1 + lag.least
            end = horizon if lag.most is None else min(horizon, cells[last + 1] + lag.most + max(then.lengths))
            low, high = bisect_right(cells, start) - 1, bisect_left(cells, end) - 1
            found.append(Reach(first, last, low, high))
        return tuple(found)

    def crossed(self, part: Part) -> set[int]:
        """Cells into which a block of the part can lie from the cell before."""
        problem, cells = self.rooms.problem, self.rooms.cells
        found: set[int] = set()
        lengths = fitting_lengths(part)
        for name in part.alternatives:
            hulls = self.hulls_of(part, problem.resource_by_id[name], lengths)
            for low, high in zip(hulls.lows, hulls.highs, strict=True):
                found.update(range(bisect_right(cells, low), bisect_left(cells, high)))
        return found

    def add_part(self, request: int, part: Part, link: "Link | None") -> int | None:
        """The part's place among the asks; None when it can have no new block."""
        if link is not None and link.is_cut:
            return None
        problem, rooms = self.rooms.problem, self.rooms
        first, widest = len(rooms.seat), 0
        place, seats = len(rooms.asks), len(rooms.seat_ask)
        lengths = fitting_lengths(part)
        for name in part.alternatives if lengths else ():
            resource = problem.resource_by_id[name]
            if sides_fit(problem, part, name) and not self.is_forbidden(request, part, name):
                widest = max(widest, self.add_rows(part, resource, lengths))
        held = self.held.get((problem.requests[request].id, part.id), [])
        demand, low = most_and_least(part, [size for size in lengths if size <= widest], held)
        low = 0 if link is None else low
        demand = min(demand, sum(rooms.grains[first:]))
        if not demand or demand < low:
            del rooms.seat_ask[seats:], rooms.seat_resource[seats:], rooms.seat_uses[seats:]
            del rooms.seat[first:], rooms.cell[first:], rooms.grains[first:]
            return None
        number = problem.requests[request].parts.index(part)
        must, parent = (link.must, link.parent) if link is not None else (False, -1)
        rooms.asks.append(Ask(request, number, demand, low, must, parent, first, len(rooms.seat)))
        return place

    def is_forbidden(self, request: int, part: Part, name: str) -> bool:
        """Whether a forbidden row takes the whole resource from the part; narrower rows are not looked at."""
        rows = banning(self.rooms.problem, self.rooms.problem.requests[request], part, name)
        return any(row.start is None and row.length is None for row in rows)

    def add_rows(self, part: Part, resource: Resource, lengths: tuple[int, ...]) -> int:
        """Rows of the part on one resource; the width of the widest place for a block."""
        rooms = self.rooms
        hulls = self.hulls_of(part, resource, lengths)
        grains = [0] * (len(rooms.cells) - 1)
        widest = 0
        for start, end in part.allowed:
            cut, whole, wide = hulls.inside(start, end)
            widest = max(widest, wide)
            for cell, count in by_cell(cut, rooms.cells):
                grains[cell] += count
            if whole is not None:
                for cell, count in counted(hulls, whole, rooms.cells):
                    grains[cell] += count
        if widest:
            seat = len(rooms.seat_ask)
            rooms.seat_ask.append(len(rooms.asks))
            rooms.seat_resource.append(self.place[resource.id])
            rooms.seat_uses.append(block_uses(rooms.problem, part, resource, self.known))
            for cell, count in enumerate(grains):
                if count:
                    rooms.seat.append(seat)
                    rooms.cell.append(cell)
                    rooms.grains.append(count)
        return widest

    def hulls_of(self, part: Part, resource: Resource, lengths: tuple[int, ...]) -> Hulls:
        key = resource.id, part.side, lengths
        if key not in self.hulls:
            problem = self.rooms.problem
            late = ((problem.frozen_until, problem.grains),) if problem.frozen_until < problem.grains else ()
            self.hulls[key] = Hulls(open_windows(problem, replace(part, allowed=late), resource.id), resource, lengths)
        return self.hulls[key]


class Link(NamedTuple):
    """How a part hangs in its request; `is_cut` when what it must follow can have no block."""

    must: bool
    parent: int
    is_cut: bool = False


def fitting_lengths(part: Part) -> tuple[int, ...]:
    return tuple(length for length in part.lengths if length <= part.amount)


def parent_of(request: Request, part: Part, places: Mapping[str, int]) -> Link:
    """A part that must be served hangs on the request, another on the first part that it follows."""
    if request.needs is Needs.ALL and part.least > 0:
        return Link(must=True, parent=-1)
    for lag in request.lags:
        if lag.then == part.id:
            return Link(must=False, parent=places.get(lag.after, -1), is_cut=lag.after not in places)
    return Link(must=False, parent=-1)


def most_and_least(part: Part, fitting: Sequence[int], held: Sequence[int]) -> tuple[int, int]:
    """The most new grains that the lengths make beside what is held, and the fewest that are not nothing."""
    room = part.amount - sum(held)
    blocks = None if part.most_blocks is None else part.most_blocks - len(held)
    sizes = tuple(length for length in fitting if length <= room)
    if not sizes or (blocks is not None and blocks <= 0):
        return 0, 0
    return largest_total(sizes, room, blocks), max(part.least, min(sizes))


def rooms_of(problem: Problem, standing: Sequence[Standing], cells: Sequence[int] | None = None) -> Rooms:
    """The coarse problem beside standing blocks; the proof of a bound takes the frozen ones.

    `cells` are boundaries in grains from 0 to the horizon, rising; weeks, days or hours when absent.
    """
    boundaries = cell_boundaries(problem) if cells is None else tuple(cells)
    builder = Builder(problem, boundaries, standing)
    for number, request in enumerate(problem.requests):
        builder.add_request(number, request)
    return builder.rooms


def part_cost(problem: Problem, part: Part) -> float:
    """All alternatives of a part have one cost."""
    return float(exact(problem.resource_by_id[part.alternatives[0]].cost))
