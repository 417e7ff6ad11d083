"""The linear program over bundles that still fit: volumes by bundle, one fraction for each request that needs all."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from ortools.linear_solver.python import model_builder_helper as mbh

from scheduler.large.columns import Columns, Floats, Ints
from scheduler.large.judge import groups_of
from scheduler.large.state import State
from scheduler.values import Fairness

SCALE = 1e-4
FLOOR_KNEE = 0.5


@dataclass(frozen=True, slots=True)
class Volumes:
    """Grains of each bundle, and the fraction of each request that needs all."""

    rows: Ints
    grains: Floats
    served: Floats
    objective: float


class Builder:
    """Collects the rows of a sparse program."""

    def __init__(self) -> None:
        self.rows: list[Ints] = []
        self.columns: list[Ints] = []
        self.entries: list[Floats] = []
        self.low: list[Floats] = []
        self.high: list[Floats] = []
        self.count = 0

    def put(self, rows: Ints, columns: Ints, entries: Floats) -> None:
        """Entries of the rows that come next, counted from 0."""
        self.rows.append(rows + self.count)
        self.columns.append(columns)
        self.entries.append(entries)

    def close(self, low: Floats, high: Floats) -> int:
        """Bounds of those rows; gives the place of the first of them."""
        self.low.append(low)
        self.high.append(high)
        self.count += len(low)
        return self.count - len(low)

    def matrix(self, columns: int) -> sp.csr_matrix:
        table = (np.concatenate(self.entries), (np.concatenate(self.rows), np.concatenate(self.columns)))
        return sp.csr_matrix(table, shape=(self.count, columns))


def solve(columns: Columns, state: State, rows: Ints, penalty: Floats, promised: Floats) -> Volumes:
    """Volumes of the bundles `rows` beside what the state holds: value less `penalty` for what members lack.

    `promised` is what each member will hold by other bundles, in fair shares.
    """
    grid, inf = columns.grid, np.inf
    members, part = len(grid.members), columns.part[rows]
    parts, place = np.unique(part, return_inverse=True)
    held = np.array(state.total, dtype=np.float64)[parts]
    rest = columns.demand[parts] - held
    whole = np.flatnonzero(columns.needs_all[columns.request[parts]])
    requests, of_whole = np.unique(columns.request[parts][whole], return_inverse=True)
    n, z = len(rows), len(requests)
    size = n + z + 2 * members
    build = Builder()
    build.put(place, np.arange(n), np.ones(n))
    build.put(whole, n + of_whole, -rest[whole])
    most = rest.copy()
    most[whole] = 0
    build.close(np.full(len(parts), -inf), most)
    back = np.full(len(parts), -1)
    back[whole] = np.arange(len(whole))
    inside = np.flatnonzero(back[place] >= 0)
    build.put(back[place[inside]], inside, np.ones(len(inside)))
    build.put(np.arange(len(whole)), n + of_whole, -np.maximum(0.0, columns.least[parts][whole] - held[whole]))
    build.close(np.zeros(len(whole)), np.full(len(whole), inf))
    covers = columns.covers[rows].tocoo()
    slots, slot = np.unique(covers.col, return_inverse=True)
    build.put(slot, covers.row.astype(np.int64), covers.data)
    build.close(np.full(len(slots), -inf), columns.room(state)[slots])
    couple(columns, rows, parts, place, rest, build)
    keep_caps(columns, state, rows, build)
    charges = columns.charges[part].tocoo()
    everyone = np.arange(members)
    build.put(charges.col.astype(np.int64), charges.row.astype(np.int64), charges.data)
    build.put(everyone, n + z + everyone, np.ones(members))
    build.put(everyone, n + z + members + everyone, np.ones(members))
    shares = np.array(grid.shares)
    lack = 1 - promised - np.divide(state.held, shares, out=np.ones(members), where=shares > 0)
    build.close(np.where(shares > 0, lack, -inf), np.full(members, inf))
    upper = np.concatenate([rest[place], np.ones(z), np.full(members, FLOOR_KNEE), np.full(members, inf)])
    upper[n + cannot_start(columns, state, requests, parts)] = 0
    gain = np.concatenate([columns.worth[part], np.zeros(z), -penalty, -3 * penalty])
    matrix = build.matrix(size)
    low, high = np.concatenate(build.low), np.concatenate(build.high)
    answer, objective = optimum([np.zeros(size), upper, gain * SCALE, low, high, matrix], size)
    served = np.zeros(len(grid.requests))
    served[requests] = answer[n : n + z]
    return Volumes(rows, answer[:n], served, objective / SCALE)


def optimum(program: list[Any], size: int) -> tuple[Floats, float]:
    """The variables and the objective of a program's optimum; zeros and −∞ where the solver finds none."""
    model = mbh.ModelBuilderHelper()
    model.fill_model_from_sparse_data(*program)
    model.set_maximize(True)
    solver = mbh.ModelSolverHelper("glop")
    solver.solve(model)
    if solver.status() != mbh.SolveStatus.OPTIMAL:
        return np.zeros(size), -np.inf
    return np.array(solver.variable_values()), solver.objective_value()


def keep_caps(columns: Columns, state: State, rows: Ints, build: Builder) -> None:
    """Policy `quota`: no group holds more than its cap of all that is held."""
    if columns.grid.problem.policy.fairness is not Fairness.QUOTA:
        return
    for group in groups_of(columns.grid):
        own = sum(state.held[member] for member in group.members)
        charge = (columns.group_shares(group.members) - group.cap) * columns.cost
        build.put(np.zeros(len(rows), dtype=np.int64), np.arange(len(rows)), charge[columns.part[rows]])
        build.close(np.full(1, -np.inf), np.full(1, max(0.0, group.cap * sum(state.held) - own)))


def cannot_start(columns: Columns, state: State, requests: Ints, parts: Ints) -> Ints:
    """Requests that need all of their parts and have no bundle left for one of them."""
    has = np.zeros(len(columns.grid.parts), dtype=bool)
    has[parts] = True
    return np.array(
        [
            row
            for row, request in enumerate(requests.tolist())
            if any(
                not has[place] and state.total[place] < columns.grid.parts[place].least
                for place in columns.grid.requests[request].parts
            )
        ],
        dtype=np.int64,
    )


def couple(columns: Columns, rows: Ints, parts: Ints, place: Ints, rest: Floats, build: Builder) -> None:
    """What must follow within a lag is served near what it follows, week by week."""
    width = int(columns.edges[1])
    at = {part: row for row, part in enumerate(parts.tolist())}
    edges = np.searchsorted(place, np.arange(len(parts) + 1))
    for row, part in enumerate(parts.tolist()):
        for then, least, most in columns.grid.parts[part].followers:
            if then not in at or most is None or not columns.grid.parts[part].has_one_block:
                continue
            mine = np.arange(edges[row], edges[row + 1])
            others = np.arange(edges[at[then]], edges[at[then] + 1])
            end = columns.start[rows[mine]] + columns.length[rows[mine]]
            begin = columns.start[rows[others]]
            for number in np.unique(end // width):
                group = mine[end // width == number]
                low, high = end[end // width == number].min() + least, end[end // width == number].max() + most
                near = others[(begin >= low - width) & (begin <= high + width)]
                build.put(np.zeros(len(group), dtype=np.int64), group, np.full(len(group), 1 / rest[row]))
                build.put(np.zeros(len(near), dtype=np.int64), near, np.full(len(near), -1 / rest[at[then]]))
                build.close(np.full(1, -np.inf), np.zeros(1))
