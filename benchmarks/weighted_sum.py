"""The program of Las Cumbres' `adaptive_scheduler`, written afresh: priorities, start by start, solved by SCIP.

S. Lampoudi, E. Saunders and J. Eastman, «An Integer Linear Programming Solution to the Telescope Network Scheduling
Problem» (ICORES 2015), equations 1 to 4: one 0/1 variable for each (observation, telescope, start slice) that a window
allows, the sum of their priorities as the objective, at most one start of each observation, at most one observation in
each slice of a telescope. As there: SCIP through OR-Tools, a relative gap of 1 %. Otherwise than there: the solver's
status is read, and nothing is added to priorities for early windows (it only breaks ties).
"""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.linear_solver.python import model_builder_helper as linear
from scipy.sparse import csr_matrix

from scheduler.demand import windows
from scheduler.placements import Placement, give_units
from scheduler.plan import Block
from scheduler.problem import Problem
from scheduler.values import Request

GAP = 0.01


@dataclass(frozen=True)
class Outcome:
    """How the program ended; `bound` is what the solver proved, `value` is Σ merit × u of the plan."""

    status: str
    variables: int
    build_seconds: float
    solve_seconds: float
    value: float
    bound: float
    blocks: tuple[Block, ...]

    @property
    def served(self) -> int:
        """Observations in the plan."""
        return len(self.blocks)


def solve(problem: Problem, time_limit: float, gap: float = GAP) -> Outcome:
    """Maximise Σ priority over single observations within `time_limit` seconds of wall time.

    ValueError when a request is more than one block of one length on single units: the program cannot say it.
    """
    began = time.perf_counter()
    starts = [start for request in problem.requests for start in possible_starts(problem, request)]
    helper = fill(problem, starts)
    built = time.perf_counter()
    solver: Any = linear.ModelSolverHelper("scip")
    solver.set_time_limit_in_seconds(time_limit)
    solver.set_solver_specific_parameters(f"limits/gap = {gap}")
    solver.solve(helper)
    has_plan = solver.has_solution()
    chosen = [starts[place] for place in np.flatnonzero(solver.variable_values() > 0.5)] if has_plan else []
    return Outcome(
        status=solver.status().name,
        variables=len(starts),
        build_seconds=built - began,
        solve_seconds=time.perf_counter() - built,
        value=sum(worth(problem, start) for start in chosen),
        bound=solver.best_objective_bound() if has_plan else float("inf"),
        blocks=give_units(problem, chosen),
    )


def possible_starts(problem: Problem, request: Request) -> list[Placement]:
    """Every (telescope, slice) at which the observation may begin."""
    if len(request.parts) != 1 or request.parts[0].lengths != (request.parts[0].amount,):
        raise ValueError(f"{request.id} is not one block of one length")
    (part,) = request.parts
    length = part.amount
    if any(problem.resource_by_id[name].capacity != 1 for name in part.alternatives):
        raise ValueError(f"{request.id} wants a resource of several units")
    return [
        Placement(request.id, part.id, name, start, length)
        for name, (begin, end) in windows(problem, part)
        for start in range(begin, end - length + 1)
    ]


def worth(problem: Problem, start: Placement) -> float:
    """Priority × duration of an observation."""
    return problem.request_by_id[start.request].merit * start.length * problem.resource_by_id[start.resource].cost


def fill(problem: Problem, starts: list[Placement]) -> Any:
    """The program: a row for each observation, then one for each slice of each telescope that anything may use."""
    size = len(starts)
    rows, columns = incidence(problem, starts)
    _, rows = np.unique(rows, return_inverse=True)
    height = int(rows.max(initial=-1)) + 1
    matrix = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(height, size))
    priorities = np.array([worth(problem, start) for start in starts], dtype=float)
    helper: Any = linear.ModelBuilderHelper()  # its stub has the type of arrays wrong
    helper.fill_model_from_sparse_data(
        np.zeros(size), np.ones(size), priorities, np.zeros(height), np.ones(height), matrix
    )
    for place in range(size):
        helper.set_var_integrality(place, True)
    helper.set_maximize(True)
    return helper


def incidence(problem: Problem, starts: list[Placement]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the ones: observations first, then slices telescope by telescope."""
    observation = {request.id: place for place, request in enumerate(problem.requests)}
    telescope = {row.id: len(observation) + place * problem.grains for place, row in enumerate(problem.resources)}
    own = np.array([observation[start.request] for start in starts], dtype=np.int64)
    first = np.array([telescope[start.resource] + start.start for start in starts], dtype=np.int64)
    lengths = np.array([start.length for start in starts], dtype=np.int64)
    columns = np.arange(len(starts), dtype=np.int64)
    used = np.repeat(columns, lengths)
    offset = np.arange(len(used)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.concatenate([own, first[used] + offset]), np.concatenate([columns, used])
