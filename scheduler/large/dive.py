"""From volumes to blocks: place what the program serves almost wholly, solve again on what is left, and so on.

Requests that need all of their parts are placed at once or not at all: block by block they would be left half done.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from scheduler.large.columns import Columns, Flags, Floats, Ints
from scheduler.large.program import Volumes, solve
from scheduler.large.state import Pick, State

SURE = 0.8
FEWEST_A_ROUND = 20
VISIBLE = 1e-4


class Item(NamedTuple):
    """Something to place: a bundle of a part, or a whole request; sorted by how sure the program is."""

    doubt: float
    size: float
    bundle: int
    request: int


@dataclass(slots=True)
class Dive:
    """One dive: bundles and requests that failed are not asked for again."""

    columns: Columns
    state: State
    penalty: Floats
    promised: Floats
    pick: Pick
    most: int
    """Items placed before the program is solved again."""
    open: Flags = field(init=False)

    def run(self, rows: Ints, first: Volumes | None = None, report: Callable[[Volumes], None] | None = None) -> None:
        """Fill the state from the bundles `rows`; `first` is the program's answer for them if it is known."""
        self.open = np.ones(len(self.columns.part), dtype=bool)
        volumes = first
        while True:
            if volumes is None:
                rows = self.columns.fitting(self.state, rows[self.open[rows]])
                if not len(rows):
                    break
                volumes = solve(self.columns, self.state, rows, self.penalty, self.promised)
            if report is not None:
                report(volumes)
            if not self.round(volumes):
                break
            volumes = None
        self.tidy()

    def round(self, volumes: Volumes) -> int:
        """Place the surest items; gives how many were placed or given up."""
        placed = failed = 0
        for item in sorted(self.items(volumes)):
            if placed >= self.most or (-item.doubt < SURE and placed >= FEWEST_A_ROUND):
                break
            done = self.place(item.bundle, volumes) if item.request < 0 else self.place_whole(item.request)
            placed += done
            failed += not done
        return placed + failed

    def items(self, volumes: Volumes) -> list[Item]:
        columns, grid, found = self.columns, self.columns.grid, []
        self.wish(volumes)
        for row in np.flatnonzero(volumes.grains > VISIBLE).tolist():
            bundle = int(volumes.rows[row])
            part = grid.parts[columns.part[bundle]]
            if not grid.requests[part.request].needs_all:
                length = float(columns.length[bundle])
                sure = min(1.0, volumes.grains[row] / length)
                found.append(Item(-round(sure, 6), -length * part.cost, bundle, -1))
        for place in np.flatnonzero(volumes.served > VISIBLE).tolist():
            size = sum(grid.parts[part].demand * grid.parts[part].cost for part in grid.requests[place].parts)
            found.append(Item(-round(volumes.served[place], 6), -size, -1, place))
        return found

    def wish(self, volumes: Volumes) -> None:
        """Requests placed whole go where the program has most of them."""
        columns, grid = self.columns, self.columns.grid
        much: dict[tuple[int, int, int], int] = {}
        some: dict[tuple[int, int, int], int] = {}
        for row in np.flatnonzero(volumes.grains > VISIBLE).tolist():
            bundle = int(volumes.rows[row])
            key = int(columns.part[bundle]), int(columns.resource[bundle]), int(columns.length[bundle])
            some[key] = some.get(key, 0) | columns.mask[bundle]
            if volumes.grains[row] > 0.5 * columns.length[bundle]:
                much[key] = much.get(key, 0) | columns.mask[bundle]
        for place in np.flatnonzero(volumes.served > VISIBLE).tolist():
            for part in grid.requests[place].parts:
                for option in grid.parts[part].options:
                    key = part, option.resource, option.length
                    option.liked = (much.get(key, 0), some.get(key, 0))

    def place(self, bundle: int, volumes: Volumes) -> bool:
        """Blocks of a part in a bundle, as many as the program has there."""
        columns, state = self.columns, self.state
        part = columns.grid.parts[columns.part[bundle]]
        length = int(columns.length[bundle])
        options = [row for row in part.options if row.resource == columns.resource[bundle] and row.length == length]
        row = int(np.searchsorted(volumes.rows, bundle))
        count = 0
        while count < max(1, int(volumes.grains[row] / length + 0.2)):
            if length > part.amount - state.total[part.place] or len(state.blocks[part.place]) >= part.most_blocks:
                break
            if not state.add_block(part, options, state.window(part) & columns.mask[bundle], self.pick):
                break
            count += 1
        if not count:
            self.open[bundle] = False
        return count > 0

    def place_whole(self, request: int) -> bool:
        if self.state.serve(self.columns.grid.requests[request], self.pick):
            return True
        for part in self.columns.grid.requests[request].parts:
            self.open[self.columns.first[part] : self.columns.first[part + 1]] = False
        return False

    def tidy(self) -> None:
        """Take back parts that stayed below their least."""
        for part in self.columns.grid.parts:
            if 0 < self.state.total[part.place] < part.least:
                self.state.drop(self.columns.grid.requests[part.request])
