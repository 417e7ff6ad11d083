"""The coarse problem as arrays: what rows are worth, what they take, and how asks hang together."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from scheduler.bound_rooms import Rooms, part_cost
from scheduler.figures import cost_grains, exact
from scheduler.plan import Block

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Coarse:
    """Arrays over rows, asks, things × cells and members (those with a fair share above 0).

    `value` and `cost` are by ask: merit × cost and cost of one grain. `held[member, ask]` is the cost-grains that one
    grain of the ask gives the member, `start_held` and `start_value` what standing blocks give.
    """

    rooms: Rooms
    members: tuple[str, ...]
    fair: Floats
    ask: Ints
    cell: Ints
    grains: Floats
    demand: Floats
    low: Floats
    must: NDArray[np.bool_]
    parent: Ints
    request: Ints
    value: Floats
    held: sparse.csr_matrix
    start_held: Floats
    start_value: float
    takes: sparse.csr_matrix
    """takes[thing × cells + cell, row]: units of the thing that a grain of the row takes."""
    capacity: Floats

    @property
    def rows(self) -> int:
        return len(self.ask)

    @cached_property
    def first(self) -> Ints:
        """The first row of each ask."""
        return np.array([row.first for row in self.rooms.asks], dtype=np.int64)

    @cached_property
    def held_by_row(self) -> sparse.csr_matrix:
        """held[member, row]."""
        return self.held[:, self.ask].tocsr()


def coarse(rooms: Rooms, shares: Mapping[str, Fraction]) -> Coarse:
    """Arrays of the coarse problem; members with a fair share of 0 carry no floor."""
    problem, asks = rooms.problem, rooms.asks
    members = tuple(member.id for member in problem.members if shares[member.id] > 0)
    seats = np.array(rooms.seat, dtype=np.int64)
    request = np.array([ask.request for ask in asks], dtype=np.int64)
    costs = np.array([part_cost(problem, problem.requests[ask.request].parts[ask.part]) for ask in asks])
    merits = np.array([float(exact(problem.requests[ask.request].merit)) for ask in asks])
    start_held, start_value = standing_figures(rooms, members)
    return Coarse(
        rooms=rooms,
        members=members,
        fair=np.array([float(shares[member]) for member in members]),
        ask=np.array(rooms.seat_ask, dtype=np.int64)[seats],
        cell=np.array(rooms.cell, dtype=np.int64),
        grains=np.array(rooms.grains, dtype=np.float64),
        demand=np.array([ask.demand for ask in asks], dtype=np.float64),
        low=np.array([ask.low for ask in asks], dtype=np.float64),
        must=np.array([ask.must for ask in asks], dtype=np.bool_),
        parent=np.array([ask.parent for ask in asks], dtype=np.int64),
        request=request,
        value=costs * merits,
        held=held_matrix(rooms, members, request, costs),
        start_held=start_held,
        start_value=start_value,
        takes=takes_matrix(rooms, seats),
        capacity=np.array(rooms.capacity, dtype=np.float64).ravel(),
    )


def held_matrix(rooms: Rooms, members: tuple[str, ...], request: Ints, costs: Floats) -> sparse.csr_matrix:
    place = {member: number for number, member in enumerate(members)}
    rows, columns, entries = [], [], []
    for ask, number in enumerate(request):
        for member, share in rooms.problem.requests[number].shares.items():
            if member in place:
                rows.append(place[member])
                columns.append(ask)
                entries.append(float(exact(share)) * costs[ask])
    return sparse.csr_matrix((entries, (rows, columns)), shape=(len(members), len(request)), dtype=np.float64)


def takes_matrix(rooms: Rooms, seats: Ints) -> sparse.csr_matrix:
    counts = np.array([len(uses) for uses in rooms.seat_uses], dtype=np.int64)
    things = np.array([thing for uses in rooms.seat_uses for thing, _ in uses], dtype=np.int64)
    units = np.array([unit for uses in rooms.seat_uses for _, unit in uses], dtype=np.float64)
    start = np.cumsum(counts) - counts
    row = np.repeat(np.arange(len(seats)), counts[seats])
    offset = np.arange(len(row)) - np.repeat(np.cumsum(counts[seats]) - counts[seats], counts[seats])
    place = start[seats][row] + offset
    width = len(rooms.cells) - 1
    cell = things[place] * width + np.array(rooms.cell, dtype=np.int64)[row]
    shape = len(rooms.things) * width, len(seats)
    return sparse.csr_matrix((units[place], (cell, row)), shape=shape)


def standing_figures(rooms: Rooms, members: tuple[str, ...]) -> tuple[Floats, float]:
    """Cost-grains by member and value that standing blocks give."""
    problem = rooms.problem
    held, value = dict.fromkeys(members, 0.0), 0.0
    for row in rooms.standing:
        request = problem.request_by_id[row.request]
        units = float(cost_grains(problem, Block(row.request, row.part, row.resource, 0, row.start, row.length)))
        value += units * float(exact(request.merit))
        for member, share in request.shares.items():
            if member in held:
                held[member] += units * float(exact(share))
    return np.array(list(held.values()), dtype=np.float64), value
