"""Where blocks may stand, in bundles that a linear program can weigh: the starts of one week are one."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from scheduler.large.bits import span
from scheduler.large.grid import Grid, GridPart
from scheduler.large.state import State

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
DAYS_A_CELL = 7
FEWEST_CELLS = 8


class Columns:
    """Bundles of starts of (part, resource, length); a bundle takes grains in the cells of time that it covers.

    A cell is a week, or a day where the horizon has only a few weeks. Single starts as bundles were tried: the
    program is 40 times slower, and the dive from it no better (decision 0011).
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.edges = cell_edges(grid)
        self.cells = [span(start, end) for start, end in pairwise(self.edges.tolist())]
        self.thing, self.things = read_things(grid)
        self.worth = np.array([part.worth for part in grid.parts])
        self.cost = np.array([part.cost for part in grid.parts])
        self.least = np.array([float(part.least) for part in grid.parts])
        self.demand = np.array([float(part.demand) for part in grid.parts])
        self.request = np.array([part.request for part in grid.parts], dtype=np.int64)
        self.needs_all = np.array([request.needs_all for request in grid.requests], dtype=bool)
        self.charges = self.read_charges()
        self.bundles()
        self.covers = self.read_covers()

    def bundles(self) -> None:
        """One row for each bundle, by part; `mask` holds its starts."""
        part, resource, length, start = [], [], [], []
        self.mask: list[int] = []
        for row in self.grid.parts:
            for option in row.options:
                for mask in filter(None, (option.starts & cell for cell in self.cells)):
                    part.append(row.place)
                    resource.append(option.resource)
                    length.append(option.length)
                    start.append(middle(mask))
                    self.mask.append(mask)
        self.part = np.array(part, dtype=np.int64)
        self.resource = np.array(resource, dtype=np.int64)
        self.length = np.array(length, dtype=np.int64)
        self.start = np.array(start, dtype=np.int64)
        self.first = np.searchsorted(self.part, np.arange(len(self.grid.parts) + 1))

    def read_covers(self) -> sp.csr_matrix:
        """Grains that one grain of a bundle takes in each slot of each thing, side use included (bundles × slots)."""
        rows: list[Ints] = []
        slots: list[Ints] = []
        shares: list[Floats] = []
        for resource in range(len(self.grid.resources)):
            mine = np.flatnonzero(self.resource == resource)
            self.cover(mine, resource, 1.0, rows, slots, shares)
        for part in self.grid.parts:
            mine = np.arange(self.first[part.place], self.first[part.place + 1])
            for side, units in part.sides:
                self.cover(mine, side, float(units), rows, slots, shares)
        table = (np.concatenate(shares), (np.concatenate(rows), np.concatenate(slots)))
        return sp.csr_matrix(table, shape=(len(self.part), len(self.things) * len(self.cells)))

    def cover(
        self, mine: Ints, resource: int, units: float, rows: list[Ints], slots: list[Ints], shares: list[Floats]
    ) -> None:
        thing = int(self.thing[resource])
        edges = self.edges
        start, end = self.start[mine], self.start[mine] + self.length[mine]
        low = np.searchsorted(edges, start, side="right") - 1
        high = np.searchsorted(edges, end, side="left")
        count = high - low
        row = np.repeat(mine, count)
        slot = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
        inside = np.minimum(edges[slot + 1], np.repeat(end, count)) - np.maximum(edges[slot], np.repeat(start, count))
        rows.append(row)
        slots.append(thing * len(self.cells) + slot)
        shares.append(units * inside / self.length[row])

    def read_charges(self) -> sp.csr_matrix:
        """Cost-grains that a grain of each part charges each member, in fair shares (parts × members)."""
        rows = [
            (part.place, member, share * part.cost / self.grid.shares[member])
            for part in self.grid.parts
            for member, share in self.grid.requests[part.request].shares
            if self.grid.shares[member] > 0
        ]
        part, member, share = zip(*rows, strict=True) if rows else ((), (), ())
        return sp.csr_matrix((share, (part, member)), shape=(len(self.grid.parts), len(self.grid.members)))

    def group_shares(self, members: Sequence[int]) -> Floats:
        """What fraction of each part is charged to some members."""
        mine = set(members)
        requests = self.grid.requests
        return np.array(
            [
                sum(share for member, share in requests[part.request].shares if member in mine)
                for part in self.grid.parts
            ]
        )

    def fitting(self, state: State, rows: Ints) -> Ints:
        """Those of some bundles, given by part, where a block fits now."""
        found: list[int] = []
        part: GridPart | None = None
        free: dict[tuple[int, int], int] = {}
        for row in rows.tolist():
            if part is None or part.place != self.part[row]:
                part = self.grid.parts[self.part[row]]
                free = self.free(state, part)
            if free.get((int(self.resource[row]), int(self.length[row])), 0) & self.mask[row]:
                found.append(row)
        return np.array(found, dtype=np.int64)

    @staticmethod
    def free(state: State, part: GridPart) -> dict[tuple[int, int], int]:
        """Where blocks of a part fit now, by resource and length; nothing where it has enough."""
        rest = part.demand - state.total[part.place]
        if rest <= 0 or len(state.blocks[part.place]) >= part.most_blocks:
            return {}
        is_led = any(not state.blocks[lag.after] for lag in part.follows)
        window = state.board.everything if is_led else state.window(part)
        return {
            (option.resource, option.length): state.board.starts(part, option)
            & state.spaced(part, option.length)
            & window
            for option in part.options
            if option.length <= part.amount - state.total[part.place]
        }

    def room(self, state: State) -> Floats:
        """Grains that are left in each slot of each thing, over all its units."""
        width = len(self.cells)
        left = np.zeros(len(self.things) * width)
        for thing, members in enumerate(self.things):
            for layer in state.board.layers[members[0]]:
                taken = layer
                for place in members[1:]:
                    taken |= state.board.layers[place][0]
                open_ = 0
                for place in members:
                    open_ |= self.grid.resources[place].open
                left[thing * width : (thing + 1) * width] += counts(open_ & ~taken, self.edges)
        return left


def cell_edges(grid: Grid) -> Ints:
    """Boundaries of the cells in grains, from 0 to the end of the horizon."""
    day = max(1, 1440 // grid.problem.grain_minutes)
    week = DAYS_A_CELL * day
    size = week if grid.grains > FEWEST_CELLS * week else day
    return np.array([*range(0, grid.grains, size), grid.grains], dtype=np.int64)


def counts(mask: int, edges: Ints) -> Floats:
    """Bits of a mask between neighbouring edges."""
    size = int(edges[-1])
    data = np.frombuffer((mask & span(0, size)).to_bytes(size // 8 + 1, "little"), dtype=np.uint8)
    bits = np.unpackbits(data, bitorder="little")[:size]
    return np.add.reduceat(bits, edges[:-1], dtype=np.int64).astype(np.float64)


def middle(mask: int) -> int:
    """A start that stands for all of a bundle: its median."""
    skip = (mask.bit_count() - 1) // 2
    for _ in range(skip):
        mask &= mask - 1
    return (mask & -mask).bit_length() - 1


def read_things(grid: Grid) -> tuple[Ints, list[list[int]]]:
    """The physical thing of each resource, and the resources of each thing."""
    names: dict[tuple[str, str], int] = {}
    things: list[list[int]] = []
    thing = np.zeros(len(grid.resources), dtype=np.int64)
    for place, resource in enumerate(grid.problem.resources):
        key = ("own", resource.id) if resource.exclusive is None else ("name", resource.exclusive)
        if key not in names:
            names[key] = len(things)
            things.append([])
        thing[place] = names[key]
        things[names[key]].append(place)
    return thing, things
