"""The first verified plan, made without any solver within moments of the start."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from scheduler.alone import Trials, settle
from scheduler.certificate import Evidence, baseline, write
from scheduler.check import verify
from scheduler.contradictions import refuse_contradictions
from scheduler.fair_shares import FairShares, quickest_flow
from scheduler.figures import exact, satisfactions, served, value, welfare
from scheduler.greedy import greedy_plans
from scheduler.large.grid import Grid
from scheduler.nearest import nearest_alternatives
from scheduler.placements import Placement
from scheduler.plan import Block, Plan
from scheduler.problem import Problem
from scheduler.reasons import reasons
from scheduler.rules import Draft
from scheduler.rules_shared import broken_rules
from scheduler.values import Fairness

CLOSING_GOALS = ("preferences", "changeovers", "unmoved")
GOALS: dict[Fairness, tuple[str, ...]] = {
    Fairness.LEXIMIN: ("leximin", "value", *CLOSING_GOALS),
    Fairness.MERIT: ("value", "leximin", *CLOSING_GOALS),
    Fairness.PROPORTIONAL: ("welfare", "value", *CLOSING_GOALS),
    Fairness.QUOTA: ("floors", "leximin", "value", *CLOSING_GOALS),
}
Key = tuple[object, ...]
Emit = Callable[[Plan], None]


def rank(problem: Problem, blocks: Sequence[Block], shares: Mapping[str, Fraction]) -> Key:
    """What the policy compares first: a higher key is a better plan."""
    held = served(problem, blocks)
    vector = tuple(sorted(satisfactions(held, shares).values()))
    worth = value(problem, blocks)
    if problem.policy.fairness is Fairness.MERIT:
        return worth, vector
    if problem.policy.fairness is Fairness.QUOTA:
        return -floors_missed(problem, held), vector, worth
    if problem.policy.fairness is Fairness.PROPORTIONAL:
        return welfare(problem, satisfactions(held, shares)), worth
    return vector, worth


def floors_missed(problem: Problem, held: Mapping[str, Fraction]) -> Fraction:
    """Σ of what groups lack of their floors, as a fraction of all served."""
    total = sum(held.values())
    missed = Fraction(0)
    for row in problem.policy.quotas:
        own = sum(held[member] for member in row.members)
        missed += max(Fraction(0), exact(row.floor) - (own / total if total else 0))
    return missed


def gather(problem: Problem, seed: int, limit: float, version: str) -> Evidence:
    """Evidence that needs no solver: bounds on what each could hold alone, and the fair shares from them.

    Raises Infeasible where what is frozen and pinned contradicts itself plainly.
    """
    grid = Grid(problem, dict.fromkeys(problem.member_by_id, Fraction(0)))
    refuse_contradictions(grid)
    trials = Trials(grid)
    find_shares = FairShares(problem, quickest_flow(problem))
    alone, shares = settle(trials.first(), find_shares, trials.sharpen)
    evidence = Evidence(problem, seed, limit, version, alone, shares, grid, goals=GOALS[problem.policy.fairness])
    evidence.reset_bounds()
    return evidence


def best_greedy(evidence: Evidence, base: Sequence[Placement] = ()) -> tuple[Block, ...] | None:
    """The best legal greedy plan; every greedy's figures go into the evidence."""
    problem = evidence.problem
    evidence.grid.shares = [float(evidence.shares[member]) for member in evidence.grid.members]
    best: tuple[Block, ...] | None = None
    for name, blocks in greedy_plans(evidence.grid, base):
        evidence.baselines[name] = baseline(problem, blocks, evidence.shares)
        if breaks_rules(problem, blocks):
            continue
        if best is None or rank(problem, blocks, evidence.shares) > rank(problem, best, evidence.shares):
            best = blocks
        if evidence.richest is None or value(problem, blocks) > value(problem, evidence.richest):
            evidence.richest = blocks
    evidence.greedy = best
    return best


def breaks_rules(problem: Problem, blocks: tuple[Block, ...]) -> bool:
    """Whether a plan without claims of exemption is illegal; frozen requests are judged by the model."""
    return not problem.frozen and bool(broken_rules(Draft(problem, blocks)))


def explained(evidence: Evidence, blocks: Sequence[Block]) -> dict[str, dict[str, object]]:
    """Reasons from the plan and the prices of what is proven so far."""
    return reasons(evidence.problem, blocks, evidence.shares, evidence.bound_proof)


def explained_with_choices(evidence: Evidence, blocks: Sequence[Block]) -> dict[str, dict[str, object]]:
    """The same for a last plan, with what is free for the requests that hold nothing."""
    found = explained(evidence, blocks)
    for request, rows in nearest_alternatives(evidence.problem, blocks).items():
        found[request] |= {"nearest": rows}
    return found


def emit_checked(
    evidence: Evidence, blocks: Sequence[Block], emit: Emit, refusals: Mapping[str, object] | None = None
) -> None:
    """Hand out a plan after the independent check; a plan that fails it is a bug and is never handed out."""
    problem = evidence.problem
    found = explained(evidence, blocks) if refusals is None else refusals
    plan = write(evidence, blocks, found)
    violations = verify(problem, plan.to_json(), lambda _problem, _alone: evidence.shares)
    if violations:
        raise AssertionError(f"the plan fails its check: {violations[:3]}")
    emit(plan)


def first_plan(evidence: Evidence, emit: Emit) -> None:
    """Emit the best greedy plan of a problem on which nothing is fixed yet."""
    problem = evidence.problem
    if problem.pins or problem.frozen:
        return
    blocks = best_greedy(evidence)
    emit_checked(evidence, blocks or (), emit)
