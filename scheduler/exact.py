"""The work itself: what is fixed, fair shares, goal after goal and the reasons, within a deterministic limit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from scheduler.alone import Alone, alone_exactly, shares_of
from scheduler.certificate import Evidence
from scheduler.errors import Infeasible
from scheduler.fairness import floors, leximin, require
from scheduler.figures import MICRO
from scheduler.fixed import fixed_blocks, fixed_requests
from scheduler.goals import (
    Level,
    fewest_changeovers,
    fewest_exemptions,
    keep_caps,
    most_preferences,
    most_unmoved,
    most_value,
    most_welfare,
    nearest_floors,
)
from scheduler.model_shared import build
from scheduler.placements import give_units, part_placements
from scheduler.plan import Block
from scheduler.problem import Problem
from scheduler.protocol import Progress, relative_gap
from scheduler.quick import Emit, best_greedy, emit_checked
from scheduler.reasons import nearest_alternatives, reasons
from scheduler.search import Budget, Relaxation, Requirement, Search
from scheduler.trades import explain_trades
from scheduler.values import Fairness, Request

MOST_PLACEMENTS = 60_000  # beyond this a model is too large to be useful, and the greedy plan stands
MAIN_SHARE, CLOSING_SHARE, ALONE_SHARE, UNFAIR_SHARE, START_SHARE = 0.5, 0.25, 0.05, 0.1, 0.2
REASON_RESERVE = 0.2  # of the deterministic limit

Tell = Callable[[Progress], None]


@dataclass
class Work:
    """One run: what is proven so far, what is left of the limit, and where plans and progress go."""

    evidence: Evidence
    emit: Emit
    tell: Tell
    budget: Budget
    basic: list[Requirement] = field(default_factory=list)
    fair: list[Requirement] = field(default_factory=list)

    @property
    def problem(self) -> Problem:
        return self.evidence.problem

    def search(self, problem: Problem, wanted: Sequence[Request]) -> Search:
        allocation = build(problem, list(wanted))
        return Search(allocation, self.evidence.shares, self.evidence.seed, self.budget, self.report)

    def report(self, stage: str, incumbent: float, bound: float) -> None:
        level = self.evidence.goals.index(stage) if stage in self.evidence.goals else 0
        self.tell(Progress(stage, level, incumbent, bound, relative_gap(incumbent, bound)))


def run(work: Work) -> None:
    """Emit better and better plans; the last one carries everything that was proven."""
    problem, evidence = work.problem, work.evidence
    base = fixed_blocks(problem, work.search)
    if count_placements(problem) > MOST_PLACEMENTS:
        if base:
            emit_checked(evidence, best_greedy(evidence, base) or give_units(problem, base), work.emit)
        return
    evidence.alone = alone_exactly(problem, evidence.alone, lambda name, wanted: prove_alone(work, name, wanted))
    evidence.shares = shares_of(problem, evidence.alone)
    evidence.reset_bounds()
    greedy = best_greedy(evidence, base)
    search = work.search(problem, problem.requests)
    start(work, search, greedy)
    reserve = work.budget.left * REASON_RESERVE
    work.budget.left -= reserve
    pursue(work, search)
    work.budget.left = reserve + max(0.0, work.budget.left)
    explain(work, search)


def count_placements(problem: Problem) -> int:
    """Places for blocks, counted only as far as the limit of the model."""
    total = 0
    for request in problem.requests:
        for part in request.parts:
            for _ in part_placements(problem, request, part):
                total += 1
                if total > MOST_PLACEMENTS:
                    return total
    return total


def prove_alone(work: Work, member: str, wanted: list[Request]) -> Alone:
    """The most that a legal plan of only this member's requests, and of what is fixed, gives it."""
    fixed = {request.id for request in fixed_requests(work.problem)}
    own = {request.id for request in wanted}
    search = work.search(work.problem, [row for row in work.problem.requests if row.id in own | fixed])
    figure = search.allocation.held(member)
    if search.allocation.exemptions:
        fewest_exemptions(search, ALONE_SHARE)
    outcome = search.solve("alone", lambda _: search.allocation.total(figure), ALONE_SHARE)
    most = outcome.objective if outcome.is_proven else min(figure.most, outcome.bound)
    return Alone(most * figure.factor + figure.error, is_bound=not outcome.is_proven)


def start(work: Work, search: Search, greedy: Sequence[Block] | None) -> None:
    """Take the best greedy plan, or find any legal plan; raises Infeasible when there is none."""
    if work.problem.policy.fairness is Fairness.QUOTA:
        keep_caps(search)
    if search.allocation.exemptions:
        fewest_exemptions(search, START_SHARE)
        work.basic = list(search.kept)
    if greedy is None or not search.adopt(greedy):
        outcome = search.solve("start", lambda _: 0, START_SHARE)
        if outcome.is_impossible:
            raise Infeasible("policy.quotas", "no legal plan keeps the caps beside what is frozen and pinned")
    emit_checked(work.evidence, search.blocks(), work.emit)


def pursue(work: Work, search: Search) -> None:
    """One goal after the other in the order of the policy."""
    if work.problem.policy.fairness is not Fairness.MERIT:
        find_unfair_bound(work, search)
    for name in work.evidence.goals:
        level = GOALS[name](work, search)
        work.evidence.levels.append(level.to_json())
        if name in ("leximin", "welfare") and work.problem.policy.fairness is not Fairness.MERIT:
            work.fair = list(search.kept)
        emit_checked(work.evidence, search.blocks(), work.emit)


def find_unfair_bound(work: Work, search: Search) -> None:
    """The value no legal plan can have, fair or not: what fairness costs is measured against it."""
    figure, best, hint = search.allocation.value(), dict(search.chosen), list(search.hint)
    if work.evidence.richest is not None:
        search.adopt(work.evidence.richest)
    outcome = search.solve(
        "unfair", lambda _: search.allocation.total(figure), UNFAIR_SHARE, relaxation=Relaxation.WHOLE
    )
    search.chosen, search.hint = best, hint
    bound = float(min(outcome.bound, figure.most) * figure.factor + figure.error)
    work.evidence.unfair_bound = work.evidence.value_bound = min(work.evidence.unfair_bound, bound)


def pursue_leximin(work: Work, search: Search) -> Level:
    """Leximin; what follows may lower each sorted entry by `value_slack`."""
    before = len(search.kept)
    vector = leximin(search, MAIN_SHARE)
    slack = round(work.problem.policy.value_slack * MICRO)
    search.kept[before:] = [require(search, floors(vector.achieved, slack))]
    work.evidence.s_bound = vector.bound
    reached, bound = ([entry / MICRO for entry in row] for row in (vector.achieved, vector.bound))
    return Level("leximin", reached, bound, reached == bound)


def pursue_value(work: Work, search: Search) -> Level:
    level = most_value(search, MAIN_SHARE)
    bound = min(work.evidence.value_bound, float(str(level.bound)))
    work.evidence.value_bound = bound
    if work.problem.policy.fairness is Fairness.MERIT:
        work.evidence.unfair_bound = bound
    return level


GOALS: dict[str, Callable[[Work, Search], Level]] = {
    "leximin": pursue_leximin,
    "value": pursue_value,
    "welfare": lambda _, search: most_welfare(search, MAIN_SHARE),
    "floors": lambda _, search: nearest_floors(search, MAIN_SHARE),
    "preferences": lambda _, search: most_preferences(search, CLOSING_SHARE),
    "changeovers": lambda _, search: fewest_changeovers(search, MAIN_SHARE),
    "unmoved": lambda _, search: most_unmoved(search, CLOSING_SHARE),
}


def explain(work: Work, search: Search) -> None:
    """The final plan: its reasons say what serving each refused request would cost, and what is free."""
    problem, blocks = work.problem, search.blocks()
    found = reasons(problem, blocks, work.evidence.shares)
    explain_trades(search, found, work.basic, work.fair or work.basic)
    for request, rows in nearest_alternatives(problem, blocks).items():
        found[request] |= {"nearest": rows}
    emit_checked(work.evidence, blocks, work.emit, found)
