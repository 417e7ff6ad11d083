"""The solver against plain enumeration on small random problems."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduler import Infeasible, Problem, check
from scheduler.fair_shares import fair_shares
from scheduler.plan import Plan
from scheduler.rules import Draft
from scheduler.rules_shared import quota_caps_hold
from tests.scheduler import brute
from tests.scheduler.makers import plan_of
from tests.scheduler.random_problems import a_random_problem

POLICIES = ("leximin", "merit", "proportional", "quota")


@pytest.mark.parametrize("fairness", POLICIES)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_no_legal_plan_is_better_than_the_solvers(fairness: str, seed: int) -> None:
    document = a_random_problem(seed, fairness)
    problem = Problem.from_json(document)
    try:
        plans = brute.legal_plans(problem)
    except brute.TooLarge:
        assume(False)
    if not plans:
        with pytest.raises(Infeasible):
            plan_of(document)
        return
    alone = brute.alone(problem, plans)
    shares = fair_shares(problem, alone)
    within_caps = [plan for plan in plans if not any(quota_caps_hold(Draft(problem, plan)))]
    if not within_caps:
        with pytest.raises(Infeasible):
            plan_of(document)
        return
    found = plan_of(document)
    best = max(brute.key(problem, plan, shares) for plan in within_caps)
    assert check(document, found) == []
    members = found["certificate"]["members"]
    assert {name: row["alone"] for name, row in members.items()} == {name: float(most) for name, most in alone.items()}
    assert brute.key(problem, Plan.from_json(found).blocks, shares) == best
    assert found["certificate"]["proven"] is True
