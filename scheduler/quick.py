"""The first verified plan, made without any solver within moments of the start."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from scheduler.alone import alone_by_greedy, shares_of
from scheduler.certificate import Evidence, baseline, write
from scheduler.check import check
from scheduler.figures import exact, satisfactions, served, value
from scheduler.greedy import Options, greedy_plans
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
    """Evidence that needs no solver: bounds on what each could hold alone, and the fair shares from them."""
    options: Options = {}
    alone = alone_by_greedy(problem, options)
    evidence = Evidence(
        problem,
        seed,
        limit,
        version,
        alone,
        shares_of(problem, alone),
        goals=GOALS[problem.policy.fairness],
        options=options,
    )
    evidence.reset_bounds()
    return evidence


def best_greedy(evidence: Evidence, base: Sequence[Placement] = ()) -> tuple[Block, ...] | None:
    """The best legal greedy plan; every greedy's figures go into the evidence."""
    problem = evidence.problem
    best: tuple[Block, ...] | None = None
    for name, blocks in greedy_plans(problem, base, evidence.shares, evidence.options):
        evidence.baselines[name] = baseline(problem, blocks, evidence.shares)
        if breaks_rules(problem, blocks):
            continue
        if best is None or rank(problem, blocks, evidence.shares) > rank(problem, best, evidence.shares):
            best = blocks
        if evidence.richest is None or value(problem, blocks) > value(problem, evidence.richest):
            evidence.richest = blocks
    return best


def breaks_rules(problem: Problem, blocks: tuple[Block, ...]) -> bool:
    """Whether a plan without claims of exemption is illegal; frozen requests are judged by the model."""
    return not problem.frozen and bool(broken_rules(Draft(problem, blocks)))


def emit_checked(
    evidence: Evidence, blocks: Sequence[Block], emit: Emit, refusals: Mapping[str, object] | None = None
) -> None:
    """Hand out a plan after the independent check; a plan that fails it is a bug and is never handed out."""
    problem = evidence.problem
    found = reasons(problem, blocks, evidence.shares) if refusals is None else refusals
    plan = write(evidence, blocks, found)
    violations = check(problem.to_json(), plan.to_json())
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
