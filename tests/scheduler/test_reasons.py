"""Reasons from the plan alone: what kept a request out, who holds its time, and what is free instead."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler import Problem, check
from scheduler.check import verify
from scheduler.fair_shares import fair_shares, member_demands
from scheduler.nearest import nearest_alternatives
from scheduler.placements import Placement, give_units
from scheduler.plan import Block
from scheduler.quick import best_greedy, gather
from scheduler.reasons import reasons
from scheduler.rules import Draft
from scheduler.rules_shared import broken_rules
from tests.scheduler.makers import Json, a_part, a_problem, a_request, plan_of
from tests.scheduler.random_problems import a_random_problem


def block(request: str, start: int, length: int = 2, resource: str = "r", part: str = "p") -> Block:
    return Block(request, part, resource, 0, start, length)


def reasons_of(document: Json, *blocks: Block) -> dict[str, dict[str, Any]]:
    problem = Problem.from_json(document)
    shares = fair_shares(problem, member_demands(problem))
    return reasons(problem, sorted(blocks, key=Block.order), shares)


def bottlenecks_of(document: Json, *blocks: Block) -> list[Json]:
    found: list[Json] = reasons_of(document, *blocks)["q"]["evidence"]["bottlenecks"]
    return found


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"allowed": []}, "never_open"),
        ({"allowed": [[0, 1], [3, 4]]}, "window_too_short"),
        ({"lengths": [5]}, "length_above_amount"),
        ({"side": [{"resource": "staff", "units": 2}]}, "side_resource"),
        ({"alternatives": ["s"]}, "no_start_left"),
    ],
)
def test_a_part_without_any_place_says_why(changes: Json, why: str) -> None:
    resources = [{"id": "r"}, {"id": "staff"}, {"id": "s", "starts": [7]}]
    found = reasons_of(a_problem(a_request("q", "m", a_part(**changes)), resources=resources))["q"]
    assert (found["code"], found["evidence"]) == ("no_window", {"parts": [{"part": "p", "why": why}]})


def test_a_request_that_has_all_that_its_lengths_make_is_told_so() -> None:
    document = a_problem(a_request("q", "m", a_part(amount=5, lengths=[2])))
    found = reasons_of(document, block("q", 0), block("q", 4))["q"]
    assert (found["code"], found["evidence"]) == ("lengths", {"parts": [{"part": "p", "most": 4}]})


def test_a_bottleneck_names_who_holds_the_time_and_how_they_stand() -> None:
    document = a_problem(
        a_request("q", "m", a_part(allowed=[[0, 6]])), a_request("w", "n", a_part(amount=6)), a_request("v", "n")
    )
    assert bottlenecks_of(document, block("w", 0), block("w", 5), block("v", 2)) == [
        {
            "resource": "r", "weeks": [1], "open": 6, "held": 5,
            "holders": [
                {"request": "w", "grains": 3, "members": {"n": 1.0}},
                {"request": "v", "grains": 2, "members": {"n": 1.0}},
            ],
        }
    ]  # fmt: skip


def test_units_side_use_and_exclusive_names_count_as_held() -> None:
    part = a_part(alternatives=["r"], side=[{"resource": "staff", "units": 2}])
    document = a_problem(
        a_request("q", "m", part), a_request("w", "n", a_part(alternatives=["s"], side=part["side"])),
        resources=[
            {"id": "r", "exclusive": "beam"}, {"id": "s", "exclusive": "beam"},
            {"id": "staff", "capacity": 3, "open": [[0, 5]]},
        ],
    )  # fmt: skip
    room, staff = bottlenecks_of(document, block("w", 2, resource="s"))
    assert (room["resource"], room["open"], room["held"]) == ("r", 8, 2)
    assert (staff["resource"], staff["open"], staff["held"]) == ("staff", 15, 4)


def test_weeks_are_those_of_the_windows() -> None:
    week = 336
    windows = [[week - 1, week + 3], [3 * week, 3 * week + 2]]
    document = a_problem(a_request("q", "m", a_part(allowed=windows)), grains=10 * week)
    assert bottlenecks_of(document)[0]["weeks"] == [1, 2, 4]


def test_with_prices_a_bottleneck_says_what_its_time_costs_and_what_the_request_would_make_of_it() -> None:
    document = a_problem(
        a_request("q", "m", a_part(allowed=[[2, 6]]), shares={"m": 0.5, "n": 0.5}),
        a_request("w", "n", a_part(amount=6)),
        resources=[{"id": "r", "cost": 2, "exclusive": "beam", "capacity": 2}],
    )
    problem = Problem.from_json(document)
    shares = fair_shares(problem, member_demands(problem))
    prices = {"x:beam": [8.0, 0.0], "r:r": [1.0, 3.0]}
    proof = {"cells": [0, 4, 8], "value": {"prices": prices, "members": {"n": 3}, "floor": 0.0}, "levels": []}
    row: Any = reasons(problem, (block("w", 2, 4),), shares, proof)["q"]["evidence"]
    assert row["bottlenecks"][0]["price"] == ((8 / 2 + 1) * 2 + 3 * 2) / 4
    assert row["bottlenecks"][0]["worth"] == 2 * (10 + 0.5 * 3)
    unpriced: Any = reasons(problem, (block("w", 2, 4),), shares, {"cells": [0, 8], "value": None})["q"]["evidence"]
    assert "price" not in unpriced["bottlenecks"][0]


def nearest_of(document: Json, *blocks: Block) -> list[tuple[object, object, object]]:
    problem = Problem.from_json(document)
    rows = nearest_alternatives(problem, sorted(blocks, key=Block.order)).get("q", [])
    return [(row["choice"], row["resource"], row["start"]) for row in rows]


def test_up_to_three_choices_the_nearest_first() -> None:
    part = a_part(amount=2, alternatives=["r", "s"], allowed=[[8, 10]])
    document = a_problem(
        a_request("q", "m", part), a_request("w", "n", a_part(amount=10)), grains=20,
        resources=[{"id": "r"}, {"id": "s", "open": [[0, 4], [14, 20]]}],
    )  # fmt: skip
    assert nearest_of(document, block("w", 7, 4)) == [(1, "r", 5), (2, "r", 11), (3, "r", 3)]
    assert nearest_of(document, block("w", 0, 20)) == [(1, "s", 2), (2, "s", 14), (3, "s", 0)]
    assert nearest_of(document, block("w", 0, 20), block("w", 0, 4, "s"), block("w", 14, 6, "s")) == []


def test_what_fits_whole_goes_before_what_is_nearer() -> None:
    part = a_part(amount=4, least=2, allowed=[[8, 10]], gap=[0, 0])
    document = a_problem(a_request("q", "m", part), a_request("w", "n", a_part(amount=10)), grains=20)
    rows = nearest_of(document, block("w", 4, 6), block("w", 12, 4))
    assert [row for row in rows if row[0] == 1] == [(1, "r", 0), (1, "r", 2)]


@given(seed=st.integers(0, 10**6))
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
def test_every_choice_is_free_beside_the_plan(seed: int) -> None:
    document = a_random_problem(seed) | {"pins": [], "published": []}
    problem = Problem.from_json(document)
    blocks = best_greedy(gather(problem, 1, 1.0, "test"))
    assert blocks is not None
    for name, rows in nearest_alternatives(problem, blocks).items():
        for choice in {row["choice"] for row in rows}:
            chosen = [placed(name, row) for row in rows if row["choice"] == choice]
            assert broken_rules(Draft(widened(problem, name), together(problem, blocks, chosen))) == []


def placed(request: str, row: dict[str, Any]) -> Placement:
    return Placement(request, row["part"], row["resource"], row["start"], row["length"])


def together(problem: Problem, blocks: tuple[Block, ...], chosen: list[Placement]) -> tuple[Block, ...]:
    kept = [Placement(row.request, row.part, row.resource, row.start, row.length, row.unit) for row in blocks]
    return give_units(problem, [*kept, *chosen])


def widened(problem: Problem, name: str) -> Problem:
    """The problem in which the windows of one request are the whole horizon."""
    rows = [
        replace(row, parts=tuple(replace(part, allowed=((0, problem.grains),)) for part in row.parts))
        if row.id == name
        else row
        for row in problem.requests
    ]
    return replace(problem, requests=tuple(rows))


def test_shares_that_are_handed_over_are_compared_with_those_claimed() -> None:
    document = a_problem(a_request("q", "m"), a_request("w", "n"))
    plan, problem = plan_of(document), Problem.from_json(document)
    right = fair_shares(problem, member_demands(problem))
    assert verify(problem, plan, lambda _problem, _alone: right) == []
    wrong = verify(problem, plan, lambda _problem, _alone: right | {"n": right["n"] + 1})
    assert [(row.rule, row.where) for row in wrong] == [("figure", "certificate.members.n.T")]


def a_crowded_problem() -> Json:
    """w takes all of q's windows; late can have no place in its own; free time is left behind."""
    return a_problem(
        a_request("q", "m", a_part(allowed=[[0, 6]], least=4)),
        a_request("w", "n", a_part(amount=6, least=6, allowed=[[0, 6]]), merit=50),
        a_request("late", "n", a_part(allowed=[[0, 1]], least=0)),
        grains=16, fairness="merit",
    )  # fmt: skip


def change(path: str, value: object) -> Any:
    def apply(refusals: Any) -> None:
        *steps, key = [int(step) if step.isdigit() else step for step in path.split("/")]
        for step in steps:
            refusals = refusals[step]
        refusals[key] = value

    return apply


@pytest.mark.parametrize(
    ("changed", "rule", "where"),
    [
        (change("late/code", "lengths"), "refusals", "late.code"),
        (change("late/evidence/parts/0/why", "never_open"), "refusals", "late.evidence.parts"),
        (change("q/parts/0/served", 2), "refusals", "q.parts"),
        (change("q/evidence/bottlenecks/0/held", 5), "refusals", "q.evidence.bottlenecks"),
        (change("q/evidence/bottlenecks/0/weeks", [2]), "refusals", "q.evidence.bottlenecks"),
        (change("q/evidence/bottlenecks/0/holders/0/members/n", 0.5), "refusals", "q.evidence.bottlenecks"),
        (change("q/evidence/bottlenecks/0/more", 1), "refusals", "q.evidence.bottlenecks"),
        (change("q/evidence/bottlenecks", []), "refusals", "q.evidence.bottlenecks"),
        (change("q/nearest/0/start", 5), "refusals", "q.nearest[0]"),
        (change("q/nearest/1/start", 7), "refusals", "q.nearest[1]"),
        (change("q/nearest/0/length", 3), "refusals", "q.nearest[0]"),
        (change("q/nearest/0/resource", "x"), "plan", "q.nearest[0].resource"),
        (change("q/nearest/0/part", "x"), "plan", "q.nearest[0].part"),
        (change("q/nearest/0/choice", 2), "plan", "q.nearest[0]"),
    ],
)
def test_a_reason_that_the_plan_does_not_show_is_caught(changed: Any, rule: str, where: str) -> None:
    document = a_crowded_problem()
    plan: Any = plan_of(document)
    assert check(document, plan) == []
    changed(plan["certificate"]["refusals"])
    found = check(document, plan)
    assert (rule, f"certificate.refusals.{where}") in {(row.rule, row.where) for row in found}
