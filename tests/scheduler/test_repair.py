"""Repair: a plan in force is kept as far as it can be, and only then the policy's goals are followed."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduler import Infeasible, Plan, Problem, check, solve
from scheduler.child import stability_first
from scheduler.exact import Work, run
from scheduler.fair_shares import fair_shares
from scheduler.quick import first_plan, gather
from scheduler.rules import Draft
from scheduler.rules_shared import quota_caps_hold
from scheduler.search import Budget
from tests.scheduler import brute
from tests.scheduler.makers import Json, a_part, a_problem, a_request, a_row, ignore
from tests.scheduler.random_problems import a_random_problem


def repaired(problem: Problem) -> Json:
    """The best plan of a repair, made in this process."""
    plans: list[Plan] = []
    evidence = gather(problem, problem.policy.seed, 20, "test")
    evidence.goals = stability_first(evidence.goals)
    first_plan(evidence, plans.append)
    run(Work(evidence, plans.append, ignore, Budget(20)))
    return plans[-1].to_json()


@pytest.mark.parametrize("fairness", ["leximin", "merit", "proportional", "quota"])
@given(seed=st.integers(0, 10**6))
@settings(max_examples=12, deadline=None, derandomize=True, database=None)
def test_no_legal_plan_moves_less_or_is_better_among_those_that_move_as_little(fairness: str, seed: int) -> None:
    document = a_random_problem(seed, fairness)
    starts = range(document["grains"] - 1)
    document |= {"published": [*(a_row("q0", start, 1, "p0") for start in starts), a_row("q1", 0, 1, "p0")]}
    problem = Problem.from_json(document)
    try:
        plans = brute.legal_plans(problem)
    except brute.TooLarge:
        assume(False)
    rest = [plan for plan in plans if not any(quota_caps_hold(Draft(problem, plan)))]
    if not rest:
        with pytest.raises(Infeasible):
            repaired(problem)
        return
    found = repaired(problem)
    assert check(document, found) == []
    blocks = Plan.from_json(found).blocks
    scores = dict(brute.goals(problem, fair_shares(problem, brute.alone(problem, plans))))
    for name in ("exemptions", *stability_first(list(scores))):
        best = max(scores[name](plan) for plan in rest)  # type: ignore[type-var]  # one goal's scores compare
        assert scores[name](blocks) == best, name
        rest = [plan for plan in rest if scores[name](plan) == best]


def a_better_plan_than_the_published_one() -> Json:
    """`w` is worth more than a block of `q`, which holds all of the time."""
    return a_problem(
        a_request("q", "m", a_part(amount=8, least=0), merit=1), a_request("w", "m", a_part(amount=2), merit=50),
        published=[a_row("q", start) for start in (0, 2, 4, 6)],
    )  # fmt: skip


def test_what_is_published_stays_although_a_better_plan_would_move_it() -> None:
    problem = Problem.from_json(a_better_plan_than_the_published_one())
    anew, kept = (solve(problem, time_limit=30, repair=repair) for repair in (False, True))
    assert (anew.certificate["moved"], kept.certificate["moved"]) == (1, 0)
    assert {block.request for block in anew.blocks} == {"q", "w"}


def test_the_reason_says_when_only_stability_keeps_a_request_out() -> None:
    refusals = repaired(Problem.from_json(a_better_plan_than_the_published_one()))["certificate"]["refusals"]
    assert {name: row["code"] for name, row in refusals.items()} == {"w": "kept_published"}
