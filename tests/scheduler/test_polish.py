"""A few requests served anew while the others stand: never worse, legal, the same each time."""

from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.instances import make
from scheduler import Problem
from scheduler.fair_shares import fair_shares
from scheduler.large.grid import Grid
from scheduler.plan import Block
from scheduler.polish import polish, polished
from scheduler.quick import best_greedy, gather, rank
from scheduler.rules import Draft
from scheduler.rules_shared import broken_rules
from scheduler.search import Budget
from tests.scheduler import brute
from tests.scheduler.random_problems import a_random_problem


@given(seed=st.integers(0, 10**6))
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
def test_with_all_requests_free_the_best_plan_of_all_is_found(seed: int) -> None:
    problem = Problem.from_json(a_random_problem(seed))
    try:
        plans = brute.legal_plans(problem)
    except brute.TooLarge:
        assume(False)
    assume(() in plans)
    shares = fair_shares(problem, brute.alone(problem, plans))
    free = [request.id for request in problem.requests]
    found = polish(Grid(problem, shares), (), free, shares, Budget(1.0), 1)
    ranks = [rank(problem, plan, shares) for plan in plans]
    assert max(ranks) == rank(problem, found or (), shares)


def a_small_network() -> tuple[Problem, dict[str, Fraction], tuple[Block, ...]]:
    problem = Problem.from_json(make("small", "rich", 1))
    evidence = gather(problem, 1, 1.0, "test")
    return problem, evidence.shares, best_greedy(evidence) or ()


def test_what_is_not_free_stands_where_it_stood() -> None:
    problem, shares, before = a_small_network()
    free = {request.id for request in problem.requests[:20]}
    found = polish(Grid(problem, shares), before, free, shares, Budget(1.0), 1)
    assert found is not None
    assert {block for block in before if block.request not in free} <= set(found)
    assert broken_rules(Draft(problem, found)) == []
    assert rank(problem, found, shares) > rank(problem, before, shares)


def test_step_after_step_the_plan_gets_better_and_is_the_same_each_time() -> None:
    problem, shares, before = a_small_network()
    ends, ranks = [], [rank(problem, before, shares)]
    for _ in range(2):
        budget, better = Budget(0.5), list[tuple[Block, ...]]()
        ends.append(polished(Grid(problem, shares), before, shares, budget, 3, better.append))
        assert budget.spent < 1
        ranks += [rank(problem, plan, shares) for plan in better] if len(ends) == 1 else []
        assert all(broken_rules(Draft(problem, plan)) == [] for plan in better)
    assert len(ranks) > 1
    assert ranks == sorted(set(ranks))
    assert ends[0] == ends[1]
