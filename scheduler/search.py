"""Solves one goal after the other on a model, each under what the goals before it achieved."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import numpy as np
from ortools.sat.python import cp_model

from scheduler.figures import micro_satisfaction
from scheduler.model import Allocation, achieved, literals_of
from scheduler.placements import Placement, give_units
from scheduler.plan import Block
from scheduler.scaling import Scaled

Requirement = Callable[[cp_model.CpModel], None]
Objective = Callable[[cp_model.CpModel], cp_model.LinearExprT]
SMALLEST_LIMIT = 0.02
HINT_SHARE = 0.1
NOTED_STEP = 0.001
NO_BOUND = 2**62


class Relaxation(Enum):
    """How much of the model the solver's linear relaxation holds."""

    LIGHT = 1  # what is linear by itself
    STRONG = 2  # clauses too, row by row as they are violated: pays where the goal itself is linear
    WHOLE = 3  # everything at once after a short presolve: pays where the bound is what is hard


@dataclass
class Budget:
    """Deterministic seconds: the solver's own count of its work, the same on every machine."""

    left: float
    spent: float = 0.0

    def pay(self, work: float) -> None:
        """Work that was done."""
        self.left -= work
        self.spent += work

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
    """Hands on each solution while a solve runs, and each bound that is better by a thousandth."""

    def __init__(self, found: Callable[[float, float], None]) -> None:
        super().__init__()
        self.found = found
        self.best: float | None = None
        self.bound = float("inf")

    def on_solution_callback(self) -> None:
        self.best, self.bound = self.objective_value, self.best_objective_bound
        self.found(self.best, self.bound)

    def on_bound(self, bound: float) -> None:
        if self.best is not None and self.bound - bound > abs(self.bound) * NOTED_STEP:
            self.bound = bound
            self.found(self.best, bound)


class Search:
    """The model, the goals kept so far, and the best plan under them."""

    def __init__(
        self,
        allocation: Allocation,
        shares: Mapping[str, Fraction],
        seed: int,
        budget: Budget,
        report: Callable[[str, float | None, float | None], None],
    ) -> None:
        self.allocation = allocation
        self.shares = {member: share for member, share in shares.items() if share > 0}
        self.seed = seed
        self.budget = budget
        self.report = report
        self.unit_of: dict[str, float] = {"changeovers": -1.0, "exemptions": -1.0}
        """What one step of a stage's objective is worth in the figures people read; others report none."""
        self.stage = ""
        self.kept: list[Requirement] = []
        self.chosen = {}
        self.hint: list[int] = []
        self.held = {member: allocation.held(member) for member in self.shares}

    @property
    def chosen(self) -> dict[int, bool]:
        """The places of the rows of the best plan."""
        return self._chosen

    @chosen.setter
    def chosen(self, rows: dict[int, bool]) -> None:
        self._chosen = rows
        self._micro: dict[str, int] = {}

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

        The limit is a fraction of what is left, and never more than `most` deterministic seconds. When nothing is
        left, nothing better than the plan at hand is tried: on a large model even the smallest limit costs much.
        """
        if self.budget.left <= 0 and self.hint:
            return Outcome(is_feasible=False, is_impossible=False, objective=0, bound=NO_BOUND)
        if stage != self.stage:
            self.stage = stage
            self.report(stage, None, None)
        model = self.allocation.model.clone()
        model.proto.solution_hint.vars.extend(range(len(self.hint)))
        model.proto.solution_hint.values.extend(self.hint)
        for requirement in (*self.kept, *extra):
            requirement(model)
        model.maximize(objective(model))
        if not self.hint:  # the best plan is no answer here, and what the requirements know of it misleads
            model.proto.clear_solution_hint()
        solver = self.solver(min(most, self.budget.take(fraction)), relaxation)
        if len(model.proto.solution_hint.vars) in (0, len(model.proto.variables)):
            solver.parameters.hint_conflict_limit = 0  # a complete hint is loaded at once: no need to search around it
        watcher = Watcher(lambda value, bound: self.tell(stage, value, bound))
        solver.best_bound_callback = watcher.on_bound
        status = solver.solve(model, watcher)
        self.budget.pay(solver.response_proto.deterministic_time)
        feasible = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
        found = round(solver.objective_value) if feasible else 0
        if feasible and (current is None or found >= current):
            self.take(solver)
        return Outcome(feasible, status == cp_model.INFEASIBLE, found, proven_bound(solver, status, found))

    def tell(self, stage: str, value: float, bound: float) -> None:
        """Report a solve that is under way, in the figures of its goal."""
        if stage in self.unit_of:
            unit = self.unit_of[stage]
            self.report(stage, value * unit, bound * unit)

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
        self.chosen = self.allocation.standing(self.hint)

    def adopt(self, blocks: Sequence[Block]) -> bool:
        """Take a plan made elsewhere as the best one, on the model's grid; False when the model does not allow it."""
        allocation = self.allocation
        first = {(key[0], name): key[1] for key, names in allocation.twins.items() for name in names}
        step = allocation.step
        wanted = {
            Placement(
                b.request, first.get((b.request, b.part), b.part), b.resource, b.start // step * step, b.length, b.unit
            )
            for b in blocks
        }
        copies = Counter(row.at[:5] for row in allocation.rows)
        loose = {at[:5] for at in wanted}
        if any(at not in copies for at in loose):
            return False
        standing = [
            row for row in allocation.rows if (row.at in wanted if copies[row.at[:5]] > 1 else row.at[:5] in loose)
        ]

        def fix(model: cp_model.CpModel) -> None:
            kept = {literal.index for literal in literals_of(standing)}
            others = [literal for literal in literals_of(allocation.rows) if literal.index not in kept]
            model.add_bool_and(literal.negated() for literal in others)
            for row in standing:
                model.add_bool_or(row.literals)

        before, self.kept = self.kept, []
        outcome = self.solve("hint", lambda _: 0, HINT_SHARE, (fix,))
        self.kept = before
        return outcome.is_feasible

    def question(self, limit: float, kept: Sequence[Requirement]) -> "Search":
        """The same model and best plan for a question beside the goals, with a limit of its own.

        Without a hint: the best plan is no answer. Questions do not disturb each other, so they may run at once.
        """
        asked = Search(self.allocation, self.shares, self.seed, Budget(limit), lambda *_: None)
        asked.chosen, asked.kept = dict(self.chosen), list(kept)
        return asked

    def placements(self) -> list[Placement]:
        return self.allocation.placements(self.hint) if self.hint else []

    def blocks(self) -> tuple[Block, ...]:
        return give_units(self.allocation.problem, self.placements())

    def micro(self, member: str) -> int:
        """The best plan's satisfaction of a member, in millionths."""
        if member not in self._micro:
            figure = self.held[member]
            held = achieved(figure, self.chosen) * figure.factor
            self._micro[member] = micro_satisfaction(held, self.shares[member])
        return self._micro[member]

    def keep_at_least(self, figure: Scaled, least: int) -> None:
        self.kept.append(lambda model: add(model, self.allocation.total(figure) >= least))


def proven_bound(solver: cp_model.CpSolver, status: cp_model.CpSolverStatus, found: int) -> int:
    """What no plan exceeds; a solve that ended before its first bound says 0 and has proven nothing."""
    if status == cp_model.OPTIMAL:
        return found
    return NO_BOUND if status == cp_model.UNKNOWN else int(min(solver.best_objective_bound, NO_BOUND) + 0.5)


def add(model: cp_model.CpModel, rule: cp_model.BoundedLinearExpression | bool | np.bool_) -> None:
    model.add(rule)
