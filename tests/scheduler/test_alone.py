"""What members could hold alone: bounds by packing, and fair shares that do not depend on how exactly it is known."""

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduler import Problem
from scheduler.alone import Alone, Trials, settle, sharper
from scheduler.demand import largest_total, lengths_to_try
from scheduler.fair_shares import FairShares, fair_shares
from scheduler.large.grid import Grid
from scheduler.packing import most_of_request
from tests.scheduler import brute
from tests.scheduler.makers import Json, a_part, a_problem, a_request
from tests.scheduler.random_problems import a_random_problem


def grid_of(document: Json) -> Grid:
    problem = Problem.from_json(document)
    return Grid(problem, dict.fromkeys(problem.member_by_id, Fraction(0)))


def packed(*parts: Json, **changes: object) -> list[int]:
    """Bounds on the grains of each part, the parts in the order of their lags."""
    grid = grid_of(a_problem(a_request("q", "m", *parts, **changes), grains=24))
    return list(most_of_request(grid, grid.requests[0]).values())


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        ({"amount": 8, "lengths": [4]}, 8),
        ({"amount": 8, "lengths": [4], "allowed": [[0, 7]]}, 4),
        ({"amount": 9, "lengths": [4, 5], "allowed": [[0, 4], [6, 12]]}, 9),
        ({"amount": 12, "lengths": [6, 9]}, 12),
        ({"amount": 8, "lengths": [2], "most_blocks": 3}, 6),
        ({"amount": 8, "lengths": [2], "gap": [10, None]}, 4),
        ({"amount": 8, "lengths": [2], "gap": [0, 1], "allowed": [[0, 2], [5, 7], [8, 10]]}, 4),
        ({"amount": 8, "least": 6, "lengths": [2], "gap": [0, 1], "allowed": [[0, 2], [5, 7], [8, 10]]}, 0),
        ({"amount": 8, "lengths": [2], "side": [{"resource": "r", "units": 1}]}, 0),
    ],
)
def test_the_blocks_of_a_part_are_packed_by_its_own_rules(changes: Json, most: int) -> None:
    assert packed(a_part(least=0) | changes) == [most]


def test_a_part_that_can_never_follow_in_time_has_no_place() -> None:
    parts = (a_part("p", allowed=[[0, 4]]), a_part("then", allowed=[[12, 20]]))
    lag = {"after": "p", "then": "then", "least": 0, "most": 3}
    assert packed(*parts, lags=[lag]) == [4, 0]
    assert packed(*parts, lags=[lag], needs="all") == [0, 0]
    assert packed(*parts, lags=[lag | {"most": 8}], needs="all") == [4, 2]
    assert packed(*parts, lags=[lag | {"most": 10}], needs="all") == [4, 4]


@given(seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_bounds_and_plans_hold_between_them_what_enumeration_finds(seed: int) -> None:
    document = a_random_problem(seed) | {"pins": [], "published": [], "frozen_until": 0}
    problem = Problem.from_json(document)
    try:
        plans = brute.legal_plans(problem)
    except brute.TooLarge:
        assume(False)
    exact = brute.alone(problem, plans)
    trials = Trials(grid_of(document))
    first = trials.first()
    for member, most in exact.items():
        proof = trials.sharpen(member)
        for alone in (first[member], proof, sharper(first[member], proof)):
            assert alone.reached <= most <= alone.most
            assert alone.is_bound or alone.most == most


@given(seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_fair_shares_are_those_of_the_exact_values_once_nothing_depends_on_a_bound(seed: int) -> None:
    document = a_random_problem(seed) | {"pins": [], "published": [], "frozen_until": 0}
    problem = Problem.from_json(document)
    try:
        plans = brute.legal_plans(problem)
    except brute.TooLarge:
        assume(False)
    exact = brute.alone(problem, plans)
    trials = Trials(grid_of(document))
    asked: list[str] = []

    def prove(member: str) -> Alone:
        asked.append(member)
        return Alone(exact[member], is_bound=False)

    known, _ = settle(trials.first(), FairShares(problem), trials.sharpen)
    found, shares = settle(known, FairShares(problem), prove)
    assert shares == fair_shares(problem, exact)
    assert all(found[member].most >= most for member, most in exact.items())
    assert len(asked) == len(set(asked))


def test_a_member_is_only_asked_about_when_its_share_depends_on_it() -> None:
    """q can hold 6 of its 8 grains; its share is 4, so that nobody needs to know."""
    crowded = [a_request(name, name, a_part(amount=8, least=0, lengths=[1])) for name in ("a", "b")]
    document = a_problem(a_request("q", "m", a_part(amount=8, lengths=[1, 3])), *crowded, grains=12)
    trials = Trials(grid_of(document))
    first = {member: Alone(Fraction(12), True, Fraction(6)) for member in ("m", "a", "b")}
    found, shares = settle(first, FairShares(trials.problem), pytest.fail)
    assert shares == {"m": 4, "a": 4, "b": 4}
    assert found == first


def test_lengths_that_lead_to_the_largest_total_come_first() -> None:
    assert lengths_to_try((144, 96), 192, 3) == (96, 144)
    assert lengths_to_try((144, 96), 192, 1) == (144, 96)
    assert lengths_to_try((144, 96), 100, 3) == (96,)
    assert lengths_to_try((7, 5), 12, 2) == (7, 5)


@pytest.mark.parametrize(
    ("lengths", "amount", "blocks", "total"),
    [
        ((3, 5), 7, None, 6),
        ((3, 5), 7, 1, 5),
        ((4, 6), 10**6 + 1, None, 10**6),
        ((7, 9), 100, 11, 99),
        ((2,), 9, 3, 6),
        ((5,), 4, None, 0),
    ],
)
def test_the_largest_total_of_lengths(lengths: tuple[int, ...], amount: int, blocks: int | None, total: int) -> None:
    assert largest_total(lengths, amount, blocks) == total
