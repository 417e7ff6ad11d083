"""Solves one goal after the other on a model, each under what the goals before it achieved."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import numpy as np
from ortools.sat.python import cp_model

from scheduler.figures import micro_satisfaction
from scheduler.model import Allocation, achieved
from scheduler.placements import Placement, give_units
from scheduler.plan import Block
from scheduler.scaling import Scaled

Requirement = Callable[[cp_model.CpModel], None]
Objective = Callable[[cp_model.CpModel], cp_model.LinearExprT]
SMALLEST_LIMIT = 0.02
HINT_SHARE = 0.1


class Relaxation(Enum):
    """How much of the model the solver's linear relaxation holds."""

    LIGHT = 1  # what is linear by itself
    STRONG = 2  # clauses too, row by row as they are violated: pays where the goal itself is linear
    WHOLE = 3  # everything at once after a short presolve: pays where the bound is what is hard


@dataclass
class Budget:
    """Deterministic seconds: the solver's own count of its work, the same on every machine."""

    left: float

    def take(self, fraction: float) -> float:
        """A limit for one solve."""
        return max(SMALLEST_LIMIT, self.left * fraction)


@dataclass(frozen=True)
class Outcome:
    """The end of one solve; `bound` is proven: no plan has a larger objective."""

    is_feasible: bool
    is_impossible: bool
    objective: int
    bound: int

    @property
    def is_proven(self) -> bool:
        return self.is_feasible and self.objective >= self.bound


class Watcher(cp_model.CpSolverSolutionCallback):
    """Hands on each solution while a solve runs."""

    def __init__(self, found: Callable[[float, float], None]) -> None:
        super().__init__()
        self.found = found

    def on_solution_callback(self) -> None:
        self.found(self.objective_value, self.best_objective_bound)


class Search:
    """The model, the goals kept so far, and the best plan under them."""

    def __init__(
        self,
        allocation: Allocation,
        shares: Mapping[str, Fraction],
        seed: int,
        budget: Budget,
        report: Callable[[str, float, float], None],
    ) -> None:
        self.allocation = allocation
        self.shares = {member: share for member, share in shares.items() if share > 0}
        self.seed = seed
        self.budget = budget
        self.report = report
        self.kept: list[Requirement] = []
        self.chosen: dict[int, bool] = {}
        self.hint: list[int] = []
        self.held = {member: allocation.held(member) for member in self.shares}

    def solve(
        self,
        stage: str,
        objective: Objective,
        fraction: float,
        extra: Iterable[Requirement] = (),
        current: int | None = None,
        most: float = float("inf"),
        relaxation: Relaxation = Relaxation.LIGHT,
    ) -> Outcome:
        """Maximise under everything kept; what is found becomes the best plan unless it is below `current`.

        The limit is a fraction of what is left, and never more than `most` deterministic seconds.
        """
        model = self.allocation.model.clone()
        model.proto.solution_hint.vars.extend(range(len(self.hint)))
        model.proto.solution_hint.values.extend(self.hint)
        for requirement in (*self.kept, *extra):
            requirement(model)
        model.maximize(objective(model))
        solver = self.solver(min(most, self.budget.take(fraction)), relaxation)
        status = solver.solve(model, Watcher(lambda value, bound: self.report(stage, value, bound)))
        self.budget.left -= solver.response_proto.deterministic_time
        feasible = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
        found = round(solver.objective_value) if feasible else 0
        if feasible and (current is None or found >= current):
            self.take(solver)
        bound = found if status == cp_model.OPTIMAL else int(min(solver.best_objective_bound, 2.0**62) + 0.5)
        return Outcome(feasible, status == cp_model.INFEASIBLE, found, bound)

    def solver(self, limit: float, relaxation: Relaxation) -> cp_model.CpSolver:
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = self.seed
        solver.parameters.max_deterministic_time = limit
        solver.parameters.linearization_level = min(relaxation.value, 2)
        if relaxation is Relaxation.WHOLE:
            solver.parameters.add_lp_constraints_lazily = False
            solver.parameters.max_presolve_iterations = 1
            solver.parameters.cp_model_probing_level = 0
        return solver

    def take(self, solver: cp_model.CpSolver) -> None:
        """Remember the solver's plan, with all variables of the base model as the next complete hint."""
        size = len(self.allocation.model.proto.variables)
        self.hint = list(solver.response_proto.solution)[:size]
        self.chosen = {place: True for place, row in enumerate(self.allocation.rows) if self.hint[row.var.index]}

    def adopt(self, blocks: Sequence[Block]) -> bool:
        """Take a plan made elsewhere as the best one; False when the model does not allow it."""
        wanted = {(b.request, b.part, b.resource, b.start, b.length, b.unit) for b in blocks}
        loose = {row[:5] for row in wanted}
        before, self.kept = self.kept, []
        outcome = self.solve("hint", lambda _: 0, HINT_SHARE, (lambda model: self.fix(model, wanted, loose),))
        self.kept = before
        return outcome.is_feasible

    def fix(
        self,
        model: cp_model.CpModel,
        wanted: set[tuple[str, str, str, int, int, int]],
        loose: set[tuple[str, str, str, int, int]],
    ) -> None:
        for row in self.allocation.rows:
            named = sum(
                1 for other in self.allocation.of_part[row.at.request, row.at.part] if other.at[:5] == row.at[:5]
            )
            chosen = row.at in wanted if named > 1 else row.at[:5] in loose
            model.add(row.var == int(chosen))

    def placements(self) -> list[Placement]:
        return [self.allocation.rows[place].at for place in self.chosen]

    def blocks(self) -> tuple[Block, ...]:
        return give_units(self.allocation.problem, self.placements())

    def micro(self, member: str) -> int:
        """The best plan's satisfaction of a member, in millionths."""
        figure = self.held[member]
        return micro_satisfaction(achieved(figure, self.chosen) * figure.factor, self.shares[member])

    def keep_at_least(self, figure: Scaled, least: int) -> None:
        self.kept.append(lambda model: add(model, self.allocation.total(figure) >= least))


def add(model: cp_model.CpModel, rule: cp_model.BoundedLinearExpression | bool | np.bool_) -> None:
    model.add(rule)
