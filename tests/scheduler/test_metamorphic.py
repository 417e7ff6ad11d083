"""How the proven optimum answers to a change of the problem whose effect is known without solving it."""

from collections.abc import Callable
from copy import deepcopy
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduler import Infeasible, Problem
from scheduler.fairness import leximin
from scheduler.model_shared import build
from scheduler.search import Budget, Search
from tests.scheduler.makers import Json, certificate_of
from tests.scheduler.random_problems import a_rich_problem

POLICIES = ("leximin", "merit", "proportional", "quota")
seeds = given(seed=st.integers(0, 10**6))
few = settings(max_examples=12, deadline=None, derandomize=True, database=None)


def solved(document: Json) -> Json:
    """The certificate of the proven optimum; examples without a legal plan say nothing here."""
    try:
        found = certificate_of(document)
    except Infeasible:
        assume(False)
    assert found["proven"] is True
    return found


def figures(certificate: Json) -> list[tuple[str, Any]]:
    """What each goal achieved."""
    return [(level["name"], level["achieved"]) for level in certificate["levels"]]


def shares(certificate: Json) -> dict[str, float]:
    return {member: row["T"] for member, row in certificate["members"].items()}


def renamed(document: Json, rename: Callable[[str], str]) -> Json:
    """Members by other names, listed in another order; so are the requests."""
    found = deepcopy(document)
    for member in found["members"]:
        member["id"] = rename(member["id"])
    for request in found["requests"]:
        request["shares"] = {rename(name): share for name, share in reversed(request["shares"].items())}
    for row in found["policy"]["quotas"]:
        row["members"] = [rename(name) for name in row["members"]]
    for rows in (found["members"], found["requests"]):
        rows.reverse()
    return found


@pytest.mark.parametrize("fairness", POLICIES)
@seeds
@few
def test_names_and_order_of_members_do_not_matter(fairness: str, seed: int) -> None:
    document = a_rich_problem(seed, fairness)
    other = {"a": "z", "b": "a", "c": "b"}
    one, two = solved(document), solved(renamed(document, other.__getitem__))
    assert figures(one) == figures(two)
    assert {other[name]: share for name, share in shares(one).items()} == shares(two)


@pytest.mark.parametrize("fairness", POLICIES)
@seeds
@few
def test_costs_count_only_beside_each_other(fairness: str, seed: int) -> None:
    """All costs and past use tenfold: fair shares, value and preferences tenfold, satisfactions as they were."""
    document = a_rich_problem(seed, fairness)
    dear = deepcopy(document)
    for resource in dear["resources"]:
        resource["cost"] = round(10 * resource["cost"], 6)
    for member in dear["members"]:
        member["past_use"] *= 10
    one, two = solved(document), solved(dear)
    assert two["s_sorted"] == one["s_sorted"]
    assert two["value"] == pytest.approx(10 * one["value"])
    assert shares(two) == pytest.approx({name: 10 * share for name, share in shares(one).items()})
    tenfold = {"value", "preferences"}
    assert [entry for entry in figures(one) if entry[0] not in tenfold] == [
        entry for entry in figures(two) if entry[0] not in tenfold
    ]


@seeds
@few
def test_weights_count_only_beside_each_other(seed: int) -> None:
    document = a_rich_problem(seed)
    heavy = deepcopy(document)
    for member in heavy["members"]:
        member["weight"] *= 3
    one, two = solved(document), solved(heavy)
    assert (shares(two), figures(two)) == (shares(one), figures(one))


def split(document: Json, names: set[str]) -> Json:
    """These members as two each, with half of the weight, the past use and the share of every request."""
    found = deepcopy(document)
    found["policy"] |= {"value_slack": 0.0, "quotas": []}
    for member in found["members"]:
        member["past_use"] *= 2  # so that the halves are whole
    halves = [row for row in found["members"] if row["id"] in names]
    found["members"] = [row for row in found["members"] if row["id"] not in names]
    for row in halves:
        half = {"weight": row["weight"] / 2, "past_use": row["past_use"] // 2}
        found["members"] += [{"id": row["id"] + side, **half} for side in ("-left", "-right")]
    for request in found["requests"]:
        for name in names & set(request["shares"]):
            share = request["shares"].pop(name)
            request["shares"] |= {name + side: share / 2 for side in ("-left", "-right")}
    return found


@seeds
@few
def test_a_member_split_in_two_has_its_fair_share_twice_by_halves(seed: int) -> None:
    """The worst satisfaction stays too. The rest of the vector need not: a member that counts twice may come before
    two others, which leximin compares entry by entry."""
    document = a_rich_problem(seed)
    one, two = solved(split(document, set())), solved(split(document, {"a"}))
    halves = {"a-left": shares(one)["a"] / 2, "a-right": shares(one)["a"] / 2}
    assert shares(two) == pytest.approx({name: t for name, t in shares(one).items() if name != "a"} | halves)
    assert two["s_sorted"][:1] == one["s_sorted"][:1]


@seeds
@few
def test_all_members_split_in_two_double_every_entry_of_the_vector(seed: int) -> None:
    document = a_rich_problem(seed)
    one, two = solved(split(document, set())), solved(split(document, {"a", "b", "c"}))
    assert two["s_sorted"] == sorted([*one["s_sorted"], *one["s_sorted"]])
    assert figures(two)[1:] == figures(one)[1:]


def with_more_room(document: Json, seed: int) -> Json:
    """One more unit of every resource, or all of them always open: every plan that was legal still is."""
    found = deepcopy(document)
    if Random(seed).random() < 0.5:
        for resource in found["resources"]:
            resource["capacity"] += 1
    else:
        for resource in found["resources"]:
            resource["open"] = None
    return found


def best_vector(document: Json, fair: dict[str, Fraction]) -> tuple[int, ...]:
    """The proven leximin vector, in millionths, for fair shares that are given."""
    problem = Problem.from_json(document)
    try:
        search = Search(build(problem, list(problem.requests)), fair, 1, Budget(20.0), lambda *_: None)
    except Infeasible:
        assume(False)
    assume(search.solve("start", lambda _: 0, 0.2).is_feasible)
    found = leximin(search, 0.5)
    assert found.achieved == found.bound
    return found.achieved


@seeds
@settings(few, max_examples=40)
def test_more_room_never_lowers_the_vector_for_the_same_fair_shares(seed: int) -> None:
    """For the same fair shares only: more room raises them too, and perhaps further than whole blocks can follow,
    so that the satisfaction s = served / T may fall although nobody holds less."""
    document = a_rich_problem(seed) | {"published": [], "frozen_until": 0}
    fair = {member["id"]: Fraction(2 + place) for place, member in enumerate(document["members"])}
    assert best_vector(with_more_room(document, seed), fair) >= best_vector(document, fair)


@seeds
@few
def test_more_room_never_lowers_the_value_that_merit_reaches(seed: int) -> None:
    document = a_rich_problem(seed, "merit") | {"published": [], "frozen_until": 0}
    assert solved(with_more_room(document, seed))["value"] >= solved(document)["value"]


@seeds
@settings(few, max_examples=25)
def test_past_use_lowers_a_members_fair_share_and_nobody_elses(seed: int) -> None:
    document = a_rich_problem(seed)
    used = deepcopy(document)
    used["members"][0]["past_use"] += 2
    before, after = shares(solved(document)), shares(solved(used))
    assert after["a"] <= before["a"]
    assert all(after[name] >= before[name] for name in ("b", "c"))


def with_finer_grains(value: Any, key: str = "") -> Any:
    """The same document with every moment and distance threefold."""
    if isinstance(value, dict):
        return {name: with_finer_grains(item, name) for name, item in value.items()}
    if isinstance(value, list):
        found = [with_finer_grains(item, key) for item in value]
        return (
            [*found[:2], value[2]]
            if key == "preferred" and len(value) == 3 and not isinstance(value[0], list)
            else found
        )
    counts = key in MOMENTS and isinstance(value, int)
    return 3 * value if counts else value


MOMENTS = (
    "grains", "open", "starts", "changeover", "p>C", "C>p", "p>x", "x>C", "C>C", "amount", "least", "lengths", "gap",
    "allowed", "preferred", "most", "start", "length", "frozen_until", "past_use",
)  # fmt: skip


@seeds
@settings(few, max_examples=25)
def test_finer_grains_change_nothing_when_all_moments_are_multiples(seed: int) -> None:
    """Blocks may then start at moments between, which never helps; a ban on one start is left out, as it would."""
    document = a_rich_problem(seed) | {"forbidden": []}
    one, two = solved(document), solved(with_finer_grains(document))
    assert two["s_sorted"] == one["s_sorted"]
    assert two["value"] == pytest.approx(3 * one["value"])
    assert [entry for entry in figures(two) if entry[0] in ("changeovers", "unmoved")] == [
        entry for entry in figures(one) if entry[0] in ("changeovers", "unmoved")
    ]
