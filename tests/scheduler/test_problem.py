"""What a problem may not say, each refused with its path."""

import copy
import json
from typing import Any

import pytest

from scheduler import Problem, ProblemError, canonical_hash
from tests.scheduler.makers import Json, a_part, a_problem, a_request, a_row

REMOVED = "<removed>"
P = ("requests", 0, "parts", 0)
R = ("resources", 0)


def a_rich_problem() -> Json:
    """Two parts with a lag, side use, an exclusive pair with changeover, pins and a published plan."""
    beam = {"capacity": 1, "cost": 2.5, "open": [[0, 4], [5, 8]], "starts": [0, 2, 5], "exclusive": "beam"}
    table = {"p>C": 1}
    parts = [
        a_part("p", preferred=[[0, 4, 2.5]], gap=[0, None], configuration="C", side=[{"resource": "t", "units": 1}]),
        a_part("then", alternatives=["t"], lengths=[1, 2]),
    ]
    return a_problem(
        a_request("q", "m", *parts, lags=[{"after": "p", "then": "then", "least": 0, "most": None}]),
        a_request("w", "n"),
        resources=[{"id": "r", "changeover": table, **beam}, {"id": "s", "changeover": table, **beam}, {"id": "t"}],
        published=[a_row()],
        pins=[{"request": "q"}],
        forbidden=[{"start": 7}],
        policy={"fairness": "quota", "quotas": [{"name": "g", "members": ["m"], "floor": 0.1, "cap": 0.9}]},
    )


def changed(place: tuple[str | int, ...], value: object) -> Json:
    document = copy.deepcopy(a_rich_problem())
    target: Any = document
    for step in place[:-1]:
        target = target[step]
    if value == REMOVED:
        del target[place[-1]]
    else:
        target[place[-1]] = value
    return document


REFUSALS: list[tuple[tuple[str | int, ...], object, str]] = [
    (("schema",), "equora-problem/2", "schema"),
    (("schema",), REMOVED, "schema"),
    (("more",), 1, "more"),
    (("grains",), True, "grains"),
    (("grains",), 0, "grains"),
    (("grains",), 8.0, "grains"),
    (("grains",), 10**30, "grains"),
    (("grain_minutes",), -30, "grain_minutes"),
    (("start",), "2027-01-04", "start"),
    (("start",), "2027-01-04T00:00:00+01:00", "start"),
    (("start",), "9999-12-31T23:59:00Z", "start"),
    (("members",), {}, "members"),
    (("members", 1, "id"), "m", "members[1].id"),
    (("members", 0, "weight"), 0, "members[0].weight"),
    (("members", 0, "weight"), float("nan"), "members[0].weight"),
    (("members", 0, "weight"), float("inf"), "members[0].weight"),
    (("members", 0, "weight"), "1", "members[0].weight"),
    (("members", 0, "past_use"), -1, "members[0].past_use"),
    (("members", 0, "past_use"), 0.5, "members[0].past_use"),
    (("members", 0, "id"), "", "members[0].id"),
    (("members", 0, "id"), "\ud800", "members[0].id"),
    (("policy", "fairness"), "fair", "policy.fairness"),
    (("policy", "value_slack"), 1.5, "policy.value_slack"),
    (("policy", "value_slack"), -0.1, "policy.value_slack"),
    (("policy", "seed"), -1, "policy.seed"),
    (("policy", "quotas", 0, "floor"), 0.95, "policy.quotas[0]"),
    (("policy", "quotas", 0, "members"), ["x"], "policy.quotas[0].members[0]"),
    (("policy", "quotas", 0, "members"), ["m", "m"], "policy.quotas[0].members[1]"),
    (("policy", "quotas", 0, "cap"), 2, "policy.quotas[0].cap"),
    ((*R, "capacity"), 0, "resources[0].capacity"),
    ((*R, "cost"), -1, "resources[0].cost"),
    ((*R, "open"), [[4, 8], [0, 2]], "resources[0].open[1]"),
    ((*R, "open"), [[0, 4], [4, 8]], "resources[0].open[1]"),
    ((*R, "open"), [[0, 4], [3, 8]], "resources[0].open[1]"),
    ((*R, "open"), [[0, 9]], "resources[0].open[0][1]"),
    ((*R, "open"), [[3, 3]], "resources[0].open[0]"),
    ((*R, "open"), [[3]], "resources[0].open[0]"),
    ((*R, "open"), [[0, True]], "resources[0].open[0][1]"),
    ((*R, "starts"), [2, 2], "resources[0].starts[1]"),
    ((*R, "starts"), [8], "resources[0].starts[0]"),
    ((*R, "changeover"), {"pC": 1}, "resources[0].changeover.pC"),
    ((*R, "changeover"), {"p>C": -1}, "resources[0].changeover.p>C"),
    ((*R, "changeover"), {"p>C": 2}, "resources[1].changeover"),
    ((*R, "exclusive"), 3, "resources[0].exclusive"),
    (("requests", 1, "id"), "q", "requests[1].id"),
    (("requests", 0, "shares"), {"m": 0.5}, "requests[0].shares"),
    (("requests", 0, "shares"), {"m": 0.5, "x": 0.5}, "requests[0].shares.x"),
    (("requests", 0, "shares"), {"m": 1.0, "n": 0}, "requests[0].shares.n"),
    (("requests", 0, "shares"), {"m": 1.00000001}, "requests[0].shares.m"),
    (("requests", 0, "merit"), -1, "requests[0].merit"),
    (("requests", 0, "needs"), "some", "requests[0].needs"),
    (("requests", 0, "parts"), [], "requests[0].parts"),
    (("requests", 0, "parts", 1, "id"), "p", "requests[0].parts[1].id"),
    ((*P, "alternatives"), [], "requests[0].parts[0].alternatives"),
    ((*P, "alternatives"), ["r", "r"], "requests[0].parts[0].alternatives[1]"),
    ((*P, "alternatives"), ["r", "x"], "requests[0].parts[0].alternatives[1]"),
    ((*P, "alternatives"), ["r", "t"], "requests[0].parts[0].alternatives[1]"),
    ((*P, "amount"), REMOVED, "requests[0].parts[0].amount"),
    ((*P, "amount"), 10**12, "requests[0].parts[0].amount"),
    ((*P, "least"), 5, "requests[0].parts[0].least"),
    ((*P, "lengths"), [], "requests[0].parts[0].lengths"),
    ((*P, "lengths"), [0], "requests[0].parts[0].lengths[0]"),
    ((*P, "lengths"), [2, 2], "requests[0].parts[0].lengths[1]"),
    ((*P, "most_blocks"), 0, "requests[0].parts[0].most_blocks"),
    ((*P, "gap"), [3, 2], "requests[0].parts[0].gap"),
    ((*P, "gap"), [None, 2], "requests[0].parts[0].gap[0]"),
    ((*P, "allowed"), [[0, 2], [2, 4]], "requests[0].parts[0].allowed[1]"),
    ((*P, "preferred"), [[0, 4]], "requests[0].parts[0].preferred[0]"),
    ((*P, "preferred"), [[0, 4, -1]], "requests[0].parts[0].preferred[0][2]"),
    ((*P, "side"), [{"resource": "x"}], "requests[0].parts[0].side[0].resource"),
    ((*P, "side"), [{"resource": "t", "units": 0}], "requests[0].parts[0].side[0].units"),
    ((*P, "colour"), "red", "requests[0].parts[0].colour"),
    (("requests", 0, "lags", 0, "then"), "p", "requests[0].lags[0].then"),
    (("requests", 0, "lags", 0, "then"), "x", "requests[0].lags[0].then"),
    (("requests", 0, "lags", 0, "most"), -1, "requests[0].lags[0].most"),
    (("requests", 0, "lags"), [{"after": "p", "then": "then"}, {"after": "then", "then": "p"}], "requests[0].lags[1]"),
    (("published", 0, "part"), "x", "published[0].part"),
    (("published", 0, "length"), 9, "published[0].length"),
    (("published",), [a_row(), a_row()], "published[1]"),
    (("frozen_until",), 9, "frozen_until"),
    (("pins", 0, "request"), "x", "pins[0].request"),
    (("pins", 0, "part"), "x", "pins[0].part"),
    (("pins", 0, "unit"), 0, "pins[0].unit"),
    (("forbidden", 0, "resource"), "x", "forbidden[0].resource"),
]


@pytest.mark.parametrize(("place", "value", "path"), REFUSALS, ids=lambda item: str(item)[:40])
def test_a_malformed_problem_is_refused_with_its_path(place: tuple[str | int, ...], value: object, path: str) -> None:
    with pytest.raises(ProblemError) as refused:
        Problem.from_json(changed(place, value))
    assert refused.value.path == path


@pytest.mark.parametrize("document", [None, [], "x", 3, {}, {"schema": []}, json.loads("[" * 900 + "]" * 900)])
def test_what_is_no_problem_at_all_is_refused(document: object) -> None:
    with pytest.raises(ProblemError):
        Problem.from_json(document)


def test_a_problem_gives_its_json_back_as_it_was() -> None:
    document = a_rich_problem()
    problem = Problem.from_json(document)
    assert problem.to_json() == document
    assert problem.digest == canonical_hash(document)


def test_absent_means_always_for_windows_and_no_limit_for_the_rest() -> None:
    problem = Problem.from_json(a_problem(a_request()))
    part = problem.requests[0].parts[0]
    assert problem.resources[0].open == part.allowed == ((0, 8),)
    assert (problem.resources[0].starts, part.most_blocks, part.gap) == (None, None, None)


def test_the_hash_does_not_depend_on_the_order_of_keys() -> None:
    document = a_problem(a_request())
    assert canonical_hash(dict(reversed(document.items()))) == canonical_hash(document)
