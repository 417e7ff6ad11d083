"""Frozen blocks, pins and bans: what must stay, what may not, and what that lifts or makes impossible."""

import pytest

from scheduler import Infeasible, check
from tests.scheduler.makers import Json, a_part, a_problem, a_request, a_row, plan_of


def starts(plan: Json, request: str = "q") -> list[int]:
    return [row["start"] for row in plan["blocks"] if row["request"] == request]


def test_a_frozen_block_stays_where_the_rules_for_new_blocks_would_not_allow_it() -> None:
    document = a_problem(
        a_request("q", "m", a_part(allowed=[[4, 8]], lengths=[2], amount=4)),
        published=[a_row("q", 1, 3)], frozen_until=2, forbidden=[{"request": "q", "start": 1}],
    )  # fmt: skip
    plan = plan_of(document)
    assert (1, 3) in {(row["start"], row["length"]) for row in plan["blocks"]}
    assert check(document, plan) == []


def test_nothing_new_starts_before_the_frozen_moment() -> None:
    plan = plan_of(a_problem(a_request(), frozen_until=5))
    assert starts(plan) == [5] or starts(plan) == [6]


def test_rules_that_a_frozen_block_cannot_meet_are_lifted_and_listed() -> None:
    parts = [a_part("p", least=4, lengths=[2], gap=[1, 2]), a_part("then", alternatives=["bench"])]
    document = a_problem(
        a_request("q", "m", *parts, needs="all", lags=[{"after": "p", "then": "then", "least": 0, "most": 1}]),
        resources=[{"id": "r", "open": [[0, 2]]}, {"id": "bench", "open": []}],
        published=[a_row("q", 0)], frozen_until=1,
    )  # fmt: skip
    plan = plan_of(document)
    assert plan["certificate"]["exemptions"] == [
        {"request": "q", "rule": "least", "part": "p"},
        {"request": "q", "rule": "needs", "part": None},
    ]
    assert check(document, plan) == []


def test_rules_that_can_still_be_met_are_not_lifted() -> None:
    document = a_problem(
        a_request("q", "m", a_part("p", least=4, gap=[1, 2])), published=[a_row("q", 0)], frozen_until=1
    )
    plan = plan_of(document)
    assert plan["certificate"]["exemptions"] == []
    assert len(starts(plan)) == 2


def test_a_lag_behind_a_frozen_block_is_lifted_only_if_it_is_broken_already() -> None:
    parts = [a_part("p", amount=2), a_part("then", amount=2)]
    document = a_problem(
        a_request("q", "m", *parts, lags=[{"after": "p", "then": "then", "least": 0, "most": None}]),
        published=[a_row("q", 0, part="then")], frozen_until=1,
    )  # fmt: skip
    assert plan_of(document)["certificate"]["exemptions"] == [{"request": "q", "rule": "lag", "part": "then"}]


def test_a_pin_is_in_the_plan_and_a_ban_is_not() -> None:
    requests = [a_request("q", "m", merit=1), a_request("w", "n", a_part(amount=8), merit=50)]
    plan = plan_of(a_problem(*requests, fairness="merit", pins=[a_row("q", 3)], forbidden=[{"start": 0}]))
    assert 3 in starts(plan)
    assert 0 not in starts(plan, "w")


def test_a_published_block_stays_when_nothing_speaks_against_it() -> None:
    plan = plan_of(a_problem(a_request("q", "m", a_part(amount=2)), published=[a_row("q", 5)]))
    assert (starts(plan), plan["certificate"]["moved"]) == ([5], 0)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"pins": [a_row(start=7)]}, "pins[0]"),
        ({"pins": [a_row(length=3)]}, "pins[0]"),
        ({"pins": [a_row(start=2), a_row(start=3)]}, "pins[1]"),
        ({"pins": [{"request": "q"}], "forbidden": [{}]}, "pins[0]"),
        ({"published": [a_row("q", 0), a_row("w", 1)], "frozen_until": 3}, "published[1]"),
        ({"pins": [{"start": 0}], "frozen_until": 3}, "pins[0]"),
        ({"pins": [{"request": "w"}, a_row(start=0), a_row(start=3), a_row(start=6)]}, "pins[3]"),
        ({"pins": [a_row(start=2), a_row(start=2), a_row("w", 0), a_row("w", 3)]}, "pins[3]"),
        ({"published": [a_row("w", 1)], "frozen_until": 2, "pins": [a_row(start=2)]}, "pins[0]"),
    ],
)
def test_what_cannot_be_kept_makes_the_problem_infeasible(changes: Json, path: str) -> None:
    with pytest.raises(Infeasible) as refused:
        plan_of(a_problem(a_request(), a_request("w"), **changes))
    assert refused.value.path == path
