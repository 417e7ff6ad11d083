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
from tests.scheduler.random_problems import a_random_problem, a_rich_problem

POLICIES = ("leximin", "merit", "proportional", "quota")
GENERATORS = {"plain": a_random_problem, "rich": a_rich_problem}


@pytest.mark.parametrize("kind", GENERATORS)
@pytest.mark.parametrize("fairness", POLICIES)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_no_legal_plan_is_better_than_the_solvers(kind: str, fairness: str, seed: int) -> None:
    document = GENERATORS[kind](seed, fairness)
    problem = Problem.from_json(document)
    try:
        plans = brute.legal_plans(problem)
    except brute.TooLarge:
        assume(False)
    within_caps = [plan for plan in plans if not any(quota_caps_hold(Draft(problem, plan)))]
    if not within_caps:
        with pytest.raises(Infeasible):
            plan_of(document)
        return
    alone = brute.alone(problem, plans)
    shares = fair_shares(problem, alone)
    found = plan_of(document)
    assert check(document, found) == []
    members = found["certificate"]["members"]
    assert {name: row["T"] for name, row in members.items()} == {name: float(share) for name, share in shares.items()}
    for name, row in members.items():
        assert row["alone"] == float(alone[name]) or (row["alone_is_bound"] and row["alone"] > alone[name])
    assert brute.shortcomings(problem, Plan.from_json(found).blocks, within_caps, shares) == []
    assert found["certificate"]["proven"] is True
