"""What-if changes: only what was asked for changes, the result is a problem, and a plan of it obeys."""

import copy
import json
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler import (
    Plan,
    Problem,
    ProblemError,
    check,
    from_plan,
    with_forbidden,
    with_outage,
    with_pins,
    with_weights,
    without_request,
)
from scheduler.whatif import Document
from tests.scheduler.makers import Json, a_part, a_problem, a_request, a_row, plan_of
from tests.scheduler.random_problems import a_random_problem

SEEDS = st.integers(0, 10_000)
MANY = settings(max_examples=60, deadline=None, derandomize=True, database=None)
FEW = settings(max_examples=20, deadline=None, derandomize=True, database=None)


def an_outage(random: Random, document: Document) -> tuple[str, int, int]:
    start, end = sorted(random.sample(range(document["grains"] + 1), 2))
    return random.choice(document["resources"])["id"], start, end


def open_grains(document: Document, resource: str) -> set[int]:
    intervals = Problem.from_json(document).resource_by_id[resource].open
    return {grain for start, end in intervals for grain in range(start, end)}


def places(plan: Json) -> list[tuple[object, ...]]:
    return sorted((*block.values(),) for block in (row | {"unit": 0} for row in plan["blocks"]))


def unlike(document: Document, other: Document) -> set[str]:
    """Keys of the problem that differ."""
    return {key for key in document.keys() | other.keys() if document.get(key) != other.get(key)}


@MANY
@given(SEEDS)
def test_an_outage_closes_exactly_its_grains_on_exactly_its_resource(seed: int) -> None:
    document = a_random_problem(seed)
    resource, start, end = an_outage(Random(seed), document)
    changed = with_outage(document, resource, start, end)
    assert unlike(document, changed) <= {"resources", "published"}
    for row in document["resources"]:
        lost = set(range(start, end)) if row["id"] == resource else set()
        assert open_grains(changed, row["id"]) == open_grains(document, row["id"]) - lost


@MANY
@given(SEEDS)
def test_outages_do_not_depend_on_their_order_and_the_same_one_twice_is_one(seed: int) -> None:
    document, random = a_random_problem(seed), Random(seed)
    one, other = an_outage(random, document), an_outage(random, document)
    assert with_outage(with_outage(document, *one), *other) == with_outage(with_outage(document, *other), *one)
    assert with_outage(with_outage(document, *one), *one) == with_outage(document, *one)


@MANY
@given(SEEDS)
def test_what_was_given_is_never_changed_and_shares_nothing_with_what_comes_back(seed: int) -> None:
    document = a_random_problem(seed)
    before = copy.deepcopy(document)
    resource = document["resources"][0]["id"]
    for changed in (
        with_outage(document, resource, 0, 2),
        with_weights(document, {"a": 5}),
        with_pins(document, [{"request": "q1"}]),
        with_forbidden(document, [{"request": "q1"}]),
        without_request(document, "q0"),
        from_plan(document, Plan("", (), {}), 1),
    ):
        for rows in (changed["members"], changed["resources"], changed["requests"], changed["pins"]):
            for row in rows:
                row.clear()
        assert document == before


@MANY
@given(SEEDS)
def test_weights_change_the_weight_of_those_named_only(seed: int) -> None:
    document = a_random_problem(seed)
    changed = with_weights(document, {"a": 7.5, "b": 2})
    assert unlike(document, changed) == {"members"}
    assert [row["weight"] for row in changed["members"]] == [7.5, 2, document["members"][2]["weight"]]
    assert with_weights(changed, {row["id"]: row["weight"] for row in document["members"]}) == document


@FEW
@given(SEEDS)
def test_a_plan_in_force_stays_when_nothing_else_has_changed(seed: int) -> None:
    document = a_random_problem(seed) | {"pins": []}
    plan = plan_of(document)
    again = plan_of(from_plan(document, Plan.from_json(plan), 0))
    assert plan["certificate"]["proven"] is again["certificate"]["proven"] is True
    assert (again["certificate"]["moved"], len(again["blocks"])) == (0, len(plan["blocks"]))


@FEW
@given(SEEDS)
def test_a_plan_that_is_frozen_to_the_end_is_the_only_one(seed: int) -> None:
    document = a_random_problem(seed) | {"pins": []}
    plan = plan_of(document)
    again = plan_of(from_plan(document, Plan.from_json(plan), document["grains"]))
    assert places(again) == places(plan)  # a published block has no unit


@FEW
@given(SEEDS)
def test_a_plan_obeys_an_outage(seed: int) -> None:
    document = a_random_problem(seed) | {"pins": []}
    resource, start, end = an_outage(Random(seed), document)
    changed = with_outage(from_plan(document, Plan.from_json(plan_of(document)), 0), resource, start, end)
    plan = plan_of(changed)
    assert check(changed, plan) == []
    for block in plan["blocks"]:
        apart = block["start"] + block["length"] <= start or end <= block["start"]
        assert block["resource"] != resource or apart


def test_pins_and_bans_are_added_to_those_of_before() -> None:
    document = a_problem(a_request(), pins=[a_row(start=2)], forbidden=[{"start": 4}])
    changed = with_forbidden(with_pins(document, [{"request": "q", "start": 6}]), [{"start": 0}])
    assert changed["pins"] == [a_row(start=2), {"request": "q", "start": 6}]
    assert changed["forbidden"] == [{"start": 4}, {"start": 0}]
    assert [row["start"] for row in plan_of(changed)["blocks"]] == [2, 6]


def test_a_cancelled_request_leaves_with_all_that_names_it() -> None:
    document = a_problem(
        a_request(), a_request("w", "n", a_part("other")),
        published=[a_row(), a_row("w", 4, part="other")], frozen_until=1,
        pins=[{"request": "q"}, {"request": "w"}], forbidden=[{"request": "q"}, {"part": "p"}, {"start": 7}],
    )  # fmt: skip
    changed = without_request(document, "q")
    assert [row["id"] for row in changed["requests"]] == ["w"]
    assert changed["published"] == [a_row("w", 4, part="other")]
    assert (changed["pins"], changed["forbidden"]) == ([{"request": "w"}], [{"start": 7}])
    assert without_request(changed, "w")["requests"] == []


def test_an_outage_takes_published_blocks_that_need_the_resource_even_frozen_ones() -> None:
    with_staff = a_part("p", side=[{"resource": "staff", "units": 1}])
    document = a_problem(
        a_request("q", "m", with_staff), a_request("w", "n"),
        resources=[{"id": "r"}, {"id": "staff"}], frozen_until=3,
        published=[a_row(start=0), a_row(start=4), a_row("w", 2), a_row("w", 6)],
    )  # fmt: skip
    assert with_outage(document, "staff", 1, 5)["published"] == [a_row("w", 2), a_row("w", 6)]
    assert with_outage(document, "r", 2, 6)["published"] == [a_row(start=0), a_row("w", 6)]


def test_an_outage_of_everything_leaves_a_resource_that_is_never_open() -> None:
    changed = with_outage(a_problem(a_request()), "r", 0, 8)
    assert changed["resources"][0]["open"] == []
    assert plan_of(changed)["blocks"] == []


def test_a_plan_in_force_is_written_as_published_blocks() -> None:
    document = a_problem(a_request("q", "m", a_part(amount=2)))
    plan = Plan.from_json(plan_of(document))
    changed = from_plan(document, plan, 3)
    assert changed["frozen_until"] == 3
    assert changed["published"] == [a_row("q", plan.blocks[0].start)]
    assert json.loads(json.dumps(changed)) == changed


PROBLEM = a_problem(a_request(), a_request("w", "n"))
STRANGER: Json = {"request": "x", "part": "p", "resource": "r", "unit": 0, "start": 0, "length": 2}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda: with_pins(PROBLEM, [{"request": "x"}]), "pins[0].request"),
        (lambda: with_forbidden(PROBLEM, [{"start": 0}, {"start": 8}]), "forbidden[1].start"),
        (lambda: with_weights(PROBLEM, {"x": 1}), "weights.x"),
        (lambda: with_weights(PROBLEM, {"n": 0}), "members[1].weight"),
        (lambda: with_weights(PROBLEM, {"n": float("nan")}), "members[1].weight"),
        (lambda: with_outage(PROBLEM, "x", 0, 1), "outage.resource"),
        (lambda: with_outage(PROBLEM, "r", 3, 3), "outage"),
        (lambda: with_outage(PROBLEM, "r", 3, 9), "outage[1]"),
        (lambda: with_outage(PROBLEM, "r", -1, 9), "outage[0]"),
        (lambda: without_request(PROBLEM, "x"), "cancel"),
        (lambda: without_request(PROBLEM | {"pins": [{"part": "z"}]}, "q"), "pins[0].part"),
        (lambda: from_plan(PROBLEM, Plan("", (), {}), 9), "frozen_until"),
        (lambda: from_plan(PROBLEM, Plan.from_json(a_plan(STRANGER)), 0), "published[0].request"),
        (lambda: from_plan({}, Plan("", (), {}), 0), "schema"),
        (lambda: with_pins({}, []), "schema"),
    ],
)  # fmt: skip
def test_a_change_that_makes_no_sense_is_refused_with_its_place(change: Callable[[], object], path: str) -> None:
    with pytest.raises(ProblemError) as refused:
        change()
    assert refused.value.path == path


def a_plan(*blocks: Json) -> Json:
    return {"schema": "equora-plan/1", "problem": "x", "blocks": list(blocks), "certificate": {}}
