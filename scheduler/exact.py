"""The work itself: what is fixed, fair shares, goal after goal and the reasons, within a deterministic limit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from scheduler.alone import Alone, requests_of, settle
from scheduler.certificate import Evidence
from scheduler.errors import Infeasible
from scheduler.fair_shares import FairShares
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
from scheduler.large.grid import Grid
from scheduler.model_shared import build
from scheduler.nearest import nearest_alternatives
from scheduler.plan import Block
from scheduler.polish import polished
from scheduler.problem import Problem
from scheduler.protocol import Progress, relative_gap
from scheduler.quick import Emit, best_greedy, emit_checked
from scheduler.reasons import reasons
from scheduler.search import Budget, Relaxation, Requirement, Search
from scheduler.trades import explain_trades
from scheduler.values import Fairness, Request

MAIN_SHARE, CLOSING_SHARE, ALONE_SHARE, UNFAIR_SHARE, START_SHARE = 0.5, 0.25, 0.05, 0.1, 0.2
REASON_RESERVE = 0.2  # of the deterministic limit
POLISHED_ABOVE = 2_000  # places of the model: smaller ones are proven as they are
HARD_ABOVE = 10_000  # and here one solve of the whole model shows little within usual limits
POLISH_SHARE, HARD_POLISH_SHARE = 0.4, 0.8
WORK_BETWEEN_PLANS = 0.2  # deterministic seconds: a plan is written and checked only when there is something to lose

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
    handed_out: float = 0.0
    """The work done when the last plan was handed out."""

    @property
    def problem(self) -> Problem:
        return self.evidence.problem

    def search(self, problem: Problem, wanted: Sequence[Request]) -> Search:
        allocation = build(problem, list(wanted))
        return Search(allocation, self.evidence.shares, self.evidence.seed, self.budget, self.report)

    def hand_out(self, search: Search) -> None:
        """Emit the plan as it stands, unless little was done since the last one."""
        if self.budget.spent - self.handed_out >= WORK_BETWEEN_PLANS:
            self.handed_out = self.budget.spent
            emit_checked(self.evidence, search.blocks(), self.emit)

    def report(self, stage: str, incumbent: float | None, bound: float | None) -> None:
        level = self.evidence.goals.index(stage) if stage in self.evidence.goals else 0
        self.tell(Progress(stage, level, incumbent, bound, relative_gap(incumbent, bound)))

    def report_end(self, level: Level) -> None:
        """A finished goal; of a vector the lowest entry that is not at its bound stands for all."""
        if isinstance(level.achieved, list) and isinstance(level.bound, list):
            open_entries = [pair for pair in zip(level.achieved, level.bound, strict=True) if pair[0] != pair[1]]
            pairs = open_entries or list(zip(level.achieved, level.bound, strict=True)) or [(None, None)]
            self.report(level.name, *pairs[0])
        elif isinstance(level.achieved, int | float) and isinstance(level.bound, int | float):
            self.report(level.name, level.achieved, level.bound)


def run(work: Work) -> None:
    """Emit better and better plans; the last one carries everything that was proven."""
    problem, evidence = work.problem, work.evidence
    base = fixed_blocks(problem, work.search)
    evidence.alone, evidence.shares = settle(
        evidence.alone,
        FairShares(problem),
        lambda member: prove_alone(work, member, requests_of(problem, member)),
    )
    evidence.reset_bounds()
    greedy = best_greedy(evidence, base)
    search = work.search(problem, problem.requests)
    start(work, search, greedy)
    if len(search.allocation.rows) > POLISHED_ABOVE:
        improve(work, search)
    reserve = work.budget.left * REASON_RESERVE
    work.budget.left -= reserve
    pursue(work, search)
    emit_checked(evidence, search.blocks(), work.emit)
    work.budget.left += reserve
    explain(work, search)


def improve(work: Work, search: Search) -> None:
    """A good plan by small steps before the proofs begin: where the model is large, they may not end in time."""
    is_hard = len(search.allocation.rows) > HARD_ABOVE
    budget = Budget(work.budget.left * (HARD_POLISH_SHARE if is_hard else POLISH_SHARE))
    grid = Grid(work.problem, work.evidence.shares)
    best = polished(grid, search.blocks(), work.evidence.shares, budget, work.evidence.seed, lambda _: None)
    work.budget.pay(budget.spent)
    search.adopt(best)
    work.hand_out(search)


def prove_alone(work: Work, member: str, wanted: list[Request]) -> Alone:
    """The most that a legal plan of only this member's requests, and of what is fixed, gives it."""
    fixed = {request.id for request in fixed_requests(work.problem)}
    own = {request.id for request in wanted}
    search = work.search(work.problem, [row for row in work.problem.requests if row.id in own | fixed])
    figure = search.allocation.held(member)
    if search.allocation.exemptions:
        fewest_exemptions(search, ALONE_SHARE)
    outcome = search.solve("alone", lambda _: search.allocation.total(figure), ALONE_SHARE)
    most = min(search.allocation.ceiling(figure), outcome.bound)
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
    if work.problem.frozen or work.problem.pins or work.problem.policy.fairness is Fairness.QUOTA:
        emit_checked(work.evidence, search.blocks(), work.emit)  # there was no first plan, or it broke a cap


def pursue(work: Work, search: Search) -> None:
    """One goal after the other in the order of the policy."""
    if work.problem.policy.fairness is not Fairness.MERIT:
        find_unfair_bound(work, search)
    for name in work.evidence.goals:
        level = GOALS[name](work, search)
        work.evidence.levels.append(level.to_json())
        work.report_end(level)
        if name in ("leximin", "welfare") and work.problem.policy.fairness is not Fairness.MERIT:
            work.fair = list(search.kept)
        work.hand_out(search)


def find_unfair_bound(work: Work, search: Search) -> None:
    """The value no legal plan can have, fair or not: what fairness costs is measured against it."""
    figure, best, hint = search.allocation.value(), dict(search.chosen), list(search.hint)
    search.unit_of["unfair"] = float(figure.factor)
    if work.evidence.richest is not None:
        search.adopt(work.evidence.richest)
    outcome = search.solve(
        "unfair", lambda _: search.allocation.total(figure), UNFAIR_SHARE, relaxation=Relaxation.WHOLE
    )
    search.chosen, search.hint = best, hint
    bound = float(min(outcome.bound, search.allocation.ceiling(figure)) * figure.factor + figure.error)
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
    if work.evidence.goals[0] == "unmoved":
        name_what_stability_costs(found)
    for request, rows in nearest_alternatives(problem, blocks).items():
        found[request] |= {"nearest": rows}
    emit_checked(work.evidence, blocks, work.emit, found)


def name_what_stability_costs(found: dict[str, dict[str, object]]) -> None:
    """In a repair nobody need lose by serving a request: then only that published blocks stay keeps it out."""
    for reason in found.values():
        evidence = reason["evidence"]
        trade = evidence.get("trade") if isinstance(evidence, dict) else None
        if reason["code"] == "traded_for_fairness" and isinstance(trade, dict) and not trade["losers"]:
            reason["code"] = "kept_published"
