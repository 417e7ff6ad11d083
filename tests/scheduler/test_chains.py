"""Parts said by chains of blocks: which there are, equal parts that share them, blocks that make room for others."""

import pytest

from scheduler import Problem, check
from scheduler.model_chains import chains_of, twins_of
from scheduler.model_shared import build
from scheduler.placements import part_placements
from tests.scheduler.makers import Json, a_part, a_problem, a_request, a_row, plan_of


def chains(part: Json, grains: int = 8) -> list[list[int]] | None:
    """Starts of each chain of one part."""
    problem = Problem.from_json(a_problem(a_request("q", "m", part), grains=grains))
    request = problem.requests[0]
    places = list(part_placements(problem, request, request.parts[0]))
    found = chains_of(request.parts[0], places)
    return None if found is None else sorted([places[place].start for place in chain] for chain in found)


def test_a_part_for_one_block_has_a_chain_for_each_place() -> None:
    assert chains(a_part(amount=2, lengths=[2]), grains=5) == [[0], [1], [2], [3]]


def test_chains_keep_gap_least_amount_and_most_blocks() -> None:
    part = a_part(amount=3, least=2, lengths=[1], gap=[1, 1], allowed=[[0, 5]])
    assert chains(part) == [[0, 2], [0, 2, 4], [1, 3], [2, 4]]
    assert chains(part | {"most_blocks": 2}) == [[0, 2], [1, 3], [2, 4]]


def test_too_many_chains_are_none() -> None:
    assert chains(a_part(amount=8, lengths=[1], least=1), grains=40) is None


@pytest.mark.parametrize(
    ("request_changes", "problem_changes"),
    [
        ({"needs": "all"}, {}),
        ({"lags": [{"after": "one", "then": "two"}]}, {}),
        ({}, {"pins": [{"request": "q", "part": "two"}]}),
        ({}, {"forbidden": [{"part": "one"}]}),
        ({}, {"published": [a_row("q", part="two")]}),
    ],
)
def test_equal_parts_are_twins_unless_something_tells_them_apart(request_changes: Json, problem_changes: Json) -> None:
    parts = [a_part("one"), a_part("two"), a_part("other", amount=6)]

    def twins(request_changes: Json, problem_changes: Json) -> list[list[str]]:
        problem = Problem.from_json(a_problem(a_request("q", "m", *parts, **request_changes), **problem_changes))
        return list(twins_of(problem, problem.requests[0]).values())

    assert twins({}, {}) == [["one", "two"], ["other"]]
    assert twins(request_changes, problem_changes) == [["one"], ["two"], ["other"]]


def test_twins_share_their_chains_and_never_a_place() -> None:
    parts = [a_part(name, amount=2, least=1, lengths=[1], gap=[0, 0]) for name in ("one", "two")]
    document = a_problem(a_request("q", "m", *parts), resources=[{"id": "r", "capacity": 2}], grains=3)
    problem = Problem.from_json(document)
    assert list(build(problem, list(problem.requests)).chains) == [("q", "one")]
    plan = plan_of(document)
    assert check(document, plan) == []
    assert sorted(row["start"] for row in plan["blocks"]) == [0, 1, 2]


def test_a_member_may_hold_more_beside_others_than_alone_where_their_blocks_bridge_a_changeover() -> None:
    first = a_part("first", amount=1, least=1, lengths=[1], allowed=[[0, 1]], configuration="p")
    last = a_part("last", amount=1, least=1, lengths=[1], allowed=[[2, 3]], configuration="C")
    bridge = a_part(amount=1, least=1, lengths=[1], configuration="x")
    document = a_problem(
        a_request("q", "a", first, last), a_request("w", "b", bridge),
        resources=[{"id": "r", "changeover": {"p>C": 3}}], grains=3,
    )  # fmt: skip
    plan = plan_of(document)
    member = plan["certificate"]["members"]["a"]
    assert (member["alone"], member["served"]) == (1, 2)
    assert check(document, plan) == []
