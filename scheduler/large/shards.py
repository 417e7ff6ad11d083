"""Requests that compete for the same resources: what stands apart is solved apart, and much faster."""

import numpy as np

from scheduler.large.columns import Columns, Flags, Floats, Ints
from scheduler.large.grid import Grid
from scheduler.large.relaxation import Relaxation


def shards(grid: Grid) -> list[list[int]]:
    """Requests by the group of resources that their first part may use, the largest group first.

    Resources belong together where one part may use either. Other parts may lie in other groups: then they find what
    is left there.
    """
    parent = list(range(len(grid.resources)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = place = parent[parent[place]]
        return place

    for part in grid.parts:
        for option in part.options[1:]:
            parent[root(option.resource)] = root(part.options[0].resource)
    groups: dict[int, list[int]] = {}
    for request in grid.requests:
        options = next((grid.parts[part].options for part in request.parts if grid.parts[part].options), None)
        if options is not None:
            groups.setdefault(root(options[0].resource), []).append(request.place)
    return sorted(groups.values(), key=lambda row: (-len(row), row))


def bundles_of(columns: Columns, requests: list[int]) -> Ints:
    """The bundles of some requests."""
    mine = np.zeros(len(columns.grid.requests), dtype=bool)
    mine[requests] = True
    chosen: Flags = mine[columns.request[columns.part]]
    return np.flatnonzero(chosen).astype(np.int64)


def promises(grid: Grid, columns: Columns, relaxation: Relaxation, rows: list[list[int]]) -> list[Floats]:
    """What the relaxation gives each member by the requests of each shard, in fair shares."""
    served = np.zeros(len(grid.parts))
    problem = grid.problem
    place = {
        (number, row): grid.part_place[request.id, part.id]
        for number, request in enumerate(problem.requests)
        for row, part in enumerate(request.parts)
    }
    parts = np.array(
        [place[key] for key in zip(relaxation.request.tolist(), relaxation.part.tolist(), strict=True)], dtype=np.int64
    )
    np.add.at(served, parts, relaxation.volume)
    given = []
    for requests in rows:
        mine = np.zeros(len(grid.parts))
        chosen = [part for request in requests for part in grid.requests[request].parts]
        mine[chosen] = served[chosen]
        given.append(np.asarray(columns.charges.T @ mine, dtype=np.float64))
    return given
