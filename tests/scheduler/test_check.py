"""The independent check notices every rule that a changed plan breaks, and every figure that is not so."""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from scheduler import check
from tests.scheduler.makers import Json, a_part, a_problem, a_request, a_row, plan_of

Change = Callable[[Json], object]


def a_good_problem() -> Json:
    """Room for everything except request `late`; every kind of rule is in play."""
    first = a_part("p", amount=4, least=4, lengths=[2], gap=[1, 3], configuration="p", most_blocks=2,
                   side=[{"resource": "staff", "units": 1}], allowed=[[0, 12]])  # fmt: skip
    then = a_part("then", amount=1, least=1, lengths=[1], alternatives=["bench"])
    lag = {"after": "p", "then": "then", "least": 1, "most": 4}
    return a_problem(
        a_request("q", "m", first, then, needs="all", lags=[lag]),
        a_request("c", "n", a_part("p", alternatives=["s"], configuration="C", allowed=[[13, 20]], amount=2)),
        a_request("late", "n", a_part("p", allowed=[[0, 1]])),
        a_request("old", "n", a_part("p", alternatives=["bench"], amount=2)),
        grains=24,
        resources=[
            {"id": "r", "capacity": 1, "exclusive": "beam", "changeover": {"p>C": 2}, "open": [[0, 20]],
             "starts": [3, 4, 6, 7, 8, 10, 11, 12, 13]},
            {"id": "s", "capacity": 1, "exclusive": "beam", "changeover": {"p>C": 2}},
            {"id": "bench", "capacity": 2}, {"id": "staff", "capacity": 1},
        ],
        published=[a_row("old", 0, 2, resource="bench"), a_row("q", 4)], frozen_until=2,
        pins=[{"request": "q", "part": "p", "start": 4}], forbidden=[{"request": "q", "start": 8}],
    )  # fmt: skip


@cache
def good_plan() -> Json:
    return plan_of(a_good_problem())


def block(plan: Json, request: str, part: str = "p", number: int = 0) -> Json:
    rows: list[Json] = [row for row in plan["blocks"] if (row["request"], row["part"]) == (request, part)]
    return rows[number]


def put(of: str, within: str = "p", number: int = 0, **values: object) -> Change:
    return lambda plan: block(plan, of, within, number).update(values)


def drop(request: str, part: str = "p", number: int = 0) -> Change:
    return lambda plan: plan["blocks"].remove(block(plan, request, part, number))


def add(request: str, start: int, resource: str, length: int = 2, part: str = "p", unit: int = 0) -> Change:
    row = {"request": request, "part": part, "resource": resource, "unit": unit, "start": start, "length": length}
    return lambda plan: plan["blocks"].append(row)


def claim(key: str, value: object) -> Change:
    return lambda plan: plan["certificate"].update({key: value})


def claim_member(key: str, value: object) -> Change:
    return lambda plan: plan["certificate"]["members"]["n"].update({key: value})


def test_a_good_plan_passes() -> None:
    assert check(a_good_problem(), good_plan()) == []


BLOCKS: list[tuple[str, Change]] = [
    ("name", put("c", request="x")),
    ("name", put("c", resource="x")),
    ("unit", put("c", unit=1)),
    ("unit", put("q", "then", unit=2)),
    ("order", lambda plan: plan["blocks"].reverse()),
    ("alternative", put("c", resource="bench")),
    ("length", put("c", length=3)),
    ("window", put("c", start=0)),
    ("open", put("q", start=19)),
    ("start", put("q", start=5)),
    ("frozen_until", put("q", "then", start=1)),
    ("frozen", put("old", start=1)),
    ("frozen", drop("old")),
    ("forbidden", put("q", number=1, start=8)),
    ("pin", put("q", start=3)),
    ("amount", add("c", 17, "s")),
    ("most_blocks", add("q", 12, "r")),
    ("least", drop("q", "p", 1)),
    ("needs", drop("q", "then")),
    ("gap", put("q", number=1, start=11)),
    ("gap", put("q", number=1, start=6)),
    ("lag", put("q", "then", start=20)),
    ("overlap", put("q", "then", start=4)),
    ("unit", add("late", 0, "bench", 2)),
    ("capacity", add("late", 4, "staff", 2)),
    ("exclusive", put("c", start=4)),
    ("changeover", put("c", start=10)),
    ("hash", lambda plan: plan.update(problem="0" * 64)),
    ("plan", lambda plan: plan["blocks"][0].update(start=True)),
    ("plan", lambda plan: plan.update(schema="x")),
    ("plan", lambda plan: plan.update(more=1)),
]

FIGURES: list[tuple[str, Change]] = [
    ("hash", claim("problem", "x")),
    ("figure", claim_member("T", 2.5)),
    ("figure", claim_member("s", 0.5)),
    ("figure", claim_member("served", 9.0)),
    ("figure", claim_member("alone", 0.5)),
    ("figure", lambda plan: plan["certificate"]["members"].pop("n")),
    ("figure", claim("left_out", {"n": "past_use"})),
    ("figure", claim("s_sorted", [0.5, 1.0])),
    ("bound", claim("s_bound", [0.5, 1.0])),
    ("bound", claim("s_bound", [1.0])),
    ("figure", claim("value", 1.0)),
    ("bound", claim("value_bound", 1.0)),
    ("figure", claim("gap", 0.5)),
    ("figure", claim("jain", 0.5)),
    ("figure", claim("gini", 0.5)),
    ("figure", claim("p10", 0.5)),
    ("figure", claim("below_half", 2)),
    ("figure", claim("moved", 2)),
    ("figure", claim("worst_envy", {"amount": 3.0, "envious": None, "envied": None})),
    ("refusals", claim("refusals", {})),
    ("bound", claim("proven", False)),
    ("exemption", claim("exemptions", [{"request": "old", "rule": "least", "part": "p"}])),
    ("plan", claim("exemptions", [{"request": "old", "rule": "amount", "part": "p"}])),
    ("plan", claim("s_sorted", [True, 1.0])),
    ("certificate", lambda plan: plan["certificate"].pop("jain")),
    ("bound", lambda plan: plan["certificate"]["levels"][0].update(bound=[0.0])),
]


@pytest.mark.parametrize(("rule", "change"), BLOCKS + FIGURES)
def test_a_changed_plan_is_caught(rule: str, change: Change) -> None:
    plan: Any = copy.deepcopy(good_plan())
    change(plan)
    assert rule in {violation.rule for violation in check(a_good_problem(), plan)}


@pytest.mark.parametrize("plan", [None, {}, [], {"schema": "equora-plan/1"}])
def test_what_is_no_plan_is_one_violation(plan: object) -> None:
    assert [violation.rule for violation in check(a_good_problem(), plan)] == ["plan"]


def test_a_malformed_problem_is_one_violation() -> None:
    assert [violation.rule for violation in check({}, good_plan())] == ["problem"]


def test_a_group_above_its_cap_is_caught() -> None:
    quotas = [{"name": "g", "members": ["m"], "floor": 0.0, "cap": 0.5}]
    policy = {"fairness": "quota", "quotas": quotas}
    requests = [a_request("q", "m"), a_request("w", "n")]
    plan = plan_of(a_problem(*requests, policy=policy))
    plan["blocks"] = [row for row in plan["blocks"] if row["request"] == "q"]
    assert "quota" in {violation.rule for violation in check(a_problem(*requests, policy=policy), plan)}
