"""The coarse linear program: grains by row, gates of requests, floors of members.

Source of the form: Ogryczak and Śliwiński (2006) for the floors; the gates are the usual big-M of all-or-nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from ortools.linear_solver.python import model_builder_helper
from scipy import sparse

from scheduler.bound_rooms import Ask
from scheduler.large.relaxation_model import Coarse, Floats, Ints

MOST_WORK = "max_deterministic_time: 5"
"""For GLOP, in its own count: about seconds. Twenty-six weeks, 60 resources and 2,000 requests take less than one."""
PENALTY = 50.0
"""Times the dearest cost-grain: what a missing cost-grain of a floor costs."""


MOST_PAIRINGS = 40_000
"""Rows of one ask × rows of another: a lag between more of them is left out of the program."""


class Unsolved(Exception):
    """The solver gave no optimum within its limit; bounds must do without it."""


@dataclass(frozen=True)
class Solution:
    """An optimal point and its multipliers: `prices` by thing × cell and `floors` by member, both ≥ 0."""

    objective: float
    volume: Floats
    short: Floats
    prices: Floats
    floors: Floats


@dataclass(frozen=True)
class Frame:
    """Columns (rows of the coarse problem, then gates), demand and capacity rows that all programs share."""

    matrix: sparse.csr_matrix
    lower: Floats
    upper: Floats
    most: Floats
    first_capacity: int

    @property
    def columns(self) -> int:
        return int(self.matrix.shape[1])


def gates(model: Coarse) -> tuple[Ints, Ints, int]:
    """Which gate limits each ask, and which gate each ask feeds (−1: none), and how many there are.

    A request with `must` asks beside others has one gate for all of it; an ask that others follow has its own.
    """
    asks = len(model.request)
    limit, feed = np.full(asks, -1), np.full(asks, -1)
    has_must = np.zeros(int(model.request.max(initial=-1)) + 1, dtype=bool)
    has_must[model.request[model.must]] = True
    several = np.bincount(model.request, minlength=len(has_must)) > 1
    gated = np.unique(model.request[has_must[model.request] & several[model.request]])
    of_request = np.full(len(has_must), -1)
    of_request[gated] = np.arange(len(gated))
    count = len(gated)
    limit = of_request[model.request]
    feed = np.where(model.must, limit, -1)
    for parent in np.unique(model.parent[model.parent >= 0]):
        if feed[parent] < 0:
            feed[parent] = count
            count += 1
    follows = model.parent >= 0
    limit[follows] = feed[model.parent[follows]]
    return limit, feed, count


def frame(model: Coarse) -> Frame:
    """Σx ≤ demand × gate, Σx ≥ low × gate, and the capacity of things by cell."""
    limit, feed, count = gates(model)
    asks, rows = len(model.request), model.rows
    sums = sparse.csr_matrix((np.ones(rows), (model.ask, np.arange(rows))), shape=(asks, rows))
    by_limit = gate_entries(-model.demand, limit, count)
    feeding = np.flatnonzero((feed >= 0) & (model.low > 0))
    by_feed = gate_entries(-model.low, feed, count)[feeding]
    used = np.unique(model.takes.nonzero()[0])
    near = lag_cuts(model)
    cuts = near.shape[0]
    matrix = sparse.vstack(
        [
            sparse.hstack([sums, by_limit]),
            sparse.hstack([sums[feeding], by_feed]),
            sparse.hstack([near, sparse.csr_matrix((cuts, count))]),
            sparse.hstack([model.takes[used], sparse.csr_matrix((len(used), count))]),
        ]
    ).tocsr()
    upper = [
        np.where(limit >= 0, 0.0, model.demand),
        np.full(len(feeding), np.inf),
        np.zeros(cuts),
        model.capacity[used],
    ]
    lower = [np.full(asks, -np.inf), np.zeros(len(feeding)), np.full(cuts + len(used), -np.inf)]
    most = np.concatenate([np.minimum(model.grains, model.demand[model.ask]), np.ones(count)])
    return Frame(matrix, np.concatenate(lower), np.concatenate(upper), most, asks + len(feeding) + cuts)


def lag_cuts(model: Coarse) -> sparse.csr_matrix:
    """What stands in a cell needs what it follows, or what must follow it, in the cells that the lag can reach.

    The fraction of an ask's demand in one cell is at most the fraction of the other's least in those cells.
    """
    rows: list[tuple[Ints, Ints, float, float]] = []
    for pair in model.rooms.pairs:
        after, then = model.rooms.asks[pair.after], model.rooms.asks[pair.then]
        if (after.last - after.first) * (then.last - then.first) > MOST_PAIRINGS:
            continue
        first, last, low, high = np.array(pair.reaches, dtype=np.int64).T
        rows += cuts_of(model, then, after, (low, high), (first, last))
        if then.must:
            rows += cuts_of(model, after, then, (first, last), (low, high))
    columns = [np.concatenate([here, there]) for here, there, _, _ in rows]
    entries = [np.repeat([own, -other], [len(here), len(there)]) for here, there, own, other in rows]
    ends = np.cumsum([0, *map(len, columns)])
    if not rows:
        return sparse.csr_matrix((0, model.rows))
    return sparse.csr_matrix((np.concatenate(entries), np.concatenate(columns), ends), shape=(len(rows), model.rows))


def cuts_of(
    model: Coarse, one: Ask, other: Ask, own: tuple[Ints, Ints], reach: tuple[Ints, Ints]
) -> Iterator[tuple[Ints, Ints, float, float]]:
    """For each cell of one ask: its rows there, the other's rows within reach, and the weights of both."""
    rows, others = np.arange(one.first, one.last), np.arange(other.first, other.last)
    for cell in np.unique(model.cell[rows]):
        spans = (own[0] <= cell) & (cell <= own[1])
        near = model.cell[others]
        low, high = reach[0][spans].min(initial=len(model.capacity)), reach[1][spans].max(initial=-1)
        there = others[(low <= near) & (near <= high)]
        yield rows[model.cell[rows] == cell], there, 1 / one.demand, 1 / max(1, other.low)


def gate_entries(entries: Floats, gate: Ints, count: int) -> sparse.csr_matrix:
    chosen = np.flatnonzero(gate >= 0)
    return sparse.csr_matrix((entries[chosen], (chosen, gate[chosen])), shape=(len(entries), count))


def most_value(model: Coarse, base: Frame, floors: Floats) -> Solution:
    """The most value with every member at its floor (cost-grains); what is missing costs more than all value."""
    worth = np.concatenate([model.value[model.ask], np.zeros(base.columns - model.rows)])
    dearest = float(model.value.max(initial=1.0))
    penalty = np.full(len(floors), -PENALTY * dearest)
    extra = sparse.identity(len(floors), format="csr")
    return solve(model, base, np.concatenate([worth, penalty]), extra, floors - model.start_held)


def least_short(model: Coarse, base: Frame) -> Solution:
    """The least Σ of what satisfactions lack of 1; `objective` is its negative, 0 when all can be whole together."""
    worth = np.concatenate([np.zeros(base.columns), -1 / model.fair])
    extra = sparse.identity(len(model.fair), format="csr")
    return solve(model, base, worth, extra, model.fair - model.start_held)


def highest_level(model: Coarse, base: Frame, rising: Floats, floors: Floats) -> Solution:
    """The highest t with held ≥ floors + t × rising for every member (cost-grains); `objective` is t."""
    worth = np.zeros(base.columns + 1)
    worth[-1] = 1.0
    extra = sparse.csr_matrix(-rising.reshape(-1, 1))
    return solve(model, base, worth, extra, floors - model.start_held, most=1.0)


def solve(
    model: Coarse, base: Frame, worth: Floats, extra: sparse.csr_matrix, floors: Floats, most: float = np.inf
) -> Solution:
    """Maximise over the frame, the extra columns in [0, most] and the floors; raises Unsolved."""
    count, rows = len(model.members), model.rows
    gates_count = base.columns - rows
    bottom = sparse.hstack([model.held_by_row, sparse.csr_matrix((count, gates_count)), extra])
    top = sparse.hstack([base.matrix, sparse.csr_matrix((base.matrix.shape[0], extra.shape[1]))])
    matrix = sparse.vstack([top, bottom]).tocsr()
    upper = np.concatenate([base.most, np.full(extra.shape[1], most)])
    helper = model_builder_helper.ModelBuilderHelper()
    # OR-Tools' stubs ask for an array type that does not exist.
    program: list[Any] = [
        np.zeros(len(upper)),
        upper,
        worth,
        np.concatenate([base.lower, floors]),
        np.concatenate([base.upper, np.full(count, np.inf)]),
        matrix,
    ]
    helper.fill_model_from_sparse_data(*program)
    helper.set_maximize(True)
    solver = model_builder_helper.ModelSolverHelper("glop")
    solver.set_solver_specific_parameters(MOST_WORK)
    solver.solve(helper)
    if solver.status() != model_builder_helper.SolveStatus.OPTIMAL:
        raise Unsolved(solver.status_string())
    values, duals = np.asarray(solver.variable_values()), np.asarray(solver.dual_values())
    prices = np.zeros(len(model.capacity))
    prices[np.unique(model.takes.nonzero()[0])] = duals[base.first_capacity : len(duals) - count]
    return Solution(
        objective=float(solver.objective_value()),
        volume=values[:rows],
        short=values[base.columns :],
        prices=np.maximum(prices, 0.0),
        floors=np.maximum(-duals[len(duals) - count :], 0.0),
    )
