"""The difference of two plans: what stays, moves, is lost and gained, and what it means for each member."""

import json
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler import Block, Plan, Problem, ProblemError, difference, with_weights, without_request
from scheduler.difference import pair_blocks
from tests.scheduler.makers import Json, a_part, a_problem, a_request, plan_of

MANY = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def a_block(start: int, length: int = 2, resource: str = "r", request: str = "q", part: str = "p") -> Block:
    return Block(request, part, resource, 0, start, length)


def a_plan(problem: Problem, *blocks: Block, **shares: float) -> Plan:
    """Blocks with a certificate that holds the fair shares only."""
    members = {member.id: {"T": shares.get(member.id, 4.0)} for member in problem.members}
    return Plan(problem.digest, tuple(sorted(blocks, key=Block.order)), {"members": members})


TWO = Problem.from_json(
    a_problem(a_request(), a_request("w", "n", merit=3), grains=20, resources=[{"id": "r"}, {"id": "s"}])
)
Blocks = list[Block]


@st.composite
def blocks_of_one_part(draw: st.DrawFn) -> Blocks:
    random = Random(draw(st.integers(0, 10**6)))
    starts = random.sample(range(12), random.randint(0, 5))
    return [a_block(start, random.choice((1, 2)), random.choice("rs")) for start in sorted(starts)]


@MANY
@given(blocks_of_one_part(), blocks_of_one_part())
def test_every_block_is_counted_once(old: Blocks, new: Blocks) -> None:
    pairing = pair_blocks(old, new)
    assert pairing.unchanged + len(pairing.moved) + len(pairing.lost) == len(old)
    assert pairing.unchanged + len(pairing.moved) + len(pairing.gained) == len(new)
    assert not (pairing.lost and pairing.gained)
    assert len({move.old for move in pairing.moved}) == len({move.new for move in pairing.moved}) == len(pairing.moved)
    assert all(
        (m.old.resource, m.old.start, m.old.length) != (m.new.resource, m.new.start, m.new.length)
        for m in pairing.moved
    )


@MANY
@given(blocks_of_one_part(), blocks_of_one_part(), st.randoms(use_true_random=False))
def test_the_order_of_the_blocks_given_does_not_matter(old: Blocks, new: Blocks, random: Random) -> None:
    mixed = random.sample(old, len(old)), random.sample(new, len(new))
    assert pair_blocks(*mixed) == pair_blocks(old, new)


@MANY
@given(blocks_of_one_part(), blocks_of_one_part())
def test_there_and_back_lose_what_the_other_gains_and_shift_by_as_much(old: Blocks, new: Blocks) -> None:
    there, back = pair_blocks(old, new), pair_blocks(new, old)
    assert (there.unchanged, len(there.moved)) == (back.unchanged, len(back.moved))
    assert (len(there.lost), len(there.gained)) == (len(back.gained), len(back.lost))
    assert shift(there.moved) == shift(back.moved)


def shift(moves: list) -> int:
    return sum(abs(move.new.start - move.old.start) for move in moves)


@MANY
@given(blocks_of_one_part(), blocks_of_one_part())
def test_no_other_pairing_shifts_by_less(old: Blocks, new: Blocks) -> None:
    pairing = pair_blocks(old, new)
    before = [move.old for move in pairing.moved] + pairing.lost
    after = [move.new for move in pairing.moved] + pairing.gained
    few, many = sorted((before, after), key=len)
    assert shift(pairing.moved) == least_shift(few, many)


def least_shift(few: Blocks, many: Blocks) -> int:
    """By trying every partner of each."""
    if not few:
        return 0
    return min(
        abs(few[0].start - other.start) + least_shift(few[1:], [row for row in many if row is not other])
        for other in many
    )


def test_a_plan_does_not_differ_from_itself() -> None:
    plan = a_plan(TWO, a_block(0), a_block(4), a_block(9, request="w"))
    same = difference(TWO, plan, plan)
    assert (same.unchanged, same.moved, same.lost, same.gained, same.requests) == (3, (), (), (), ())
    assert same.before == same.after
    assert all(row.before == row.after for row in same.members)


def test_a_small_example_reads_as_expected() -> None:
    old = a_plan(TWO, a_block(0), a_block(4), a_block(9, request="w"), a_block(12, request="w"))
    new = a_plan(TWO, a_block(0), a_block(5), a_block(9, request="w", resource="s"), n=3.0)
    found = difference(TWO, old, new)
    assert [(move.old.start, move.new.start) for move in found.moved] == [(4, 5), (9, 9)]
    assert (found.unchanged, [block.start for block in found.lost], found.gained) == (1, [12], ())
    assert [(row.request, row.before, row.after) for row in found.requests] == [("w", 4, 2)]
    assert found.to_json()["members"] == (
        {"member": "m", "before": {"T": 4.0, "served": 4.0, "s": 1.0}, "after": {"T": 4.0, "served": 4.0, "s": 1.0}},
        {
            "member": "n",
            "before": {"T": 4.0, "served": 4.0, "s": 1.0},
            "after": {"T": 3.0, "served": 2.0, "s": 0.666667},
        },
    )
    assert (found.before.value, found.after.value) == (52.0, 46.0)
    assert (found.before.requests_touched, found.after.requests_touched) == (2, 2)
    assert (found.before.requests_full, found.after.requests_full) == (2, 1)
    assert (found.before.s_sorted, found.after.s_sorted) == ((1.0, 1.0), (0.666667, 1.0))
    assert json.loads(json.dumps(found.to_json()))["moved"][0]["new"]["start"] == 5


def test_another_unit_is_no_move() -> None:
    problem = Problem.from_json(a_problem(a_request(), resources=[{"id": "r", "capacity": 2}]))
    found = difference(problem, a_plan(problem, a_block(0)), a_plan(problem, replace(a_block(0), unit=1)))
    assert (found.unchanged, found.moved) == (1, ())


def test_members_without_a_fair_share_have_no_satisfaction() -> None:
    plan = a_plan(TWO, a_block(0), m=0.0)
    [row, _] = difference(TWO, plan, plan).members
    assert row.before is not None
    assert (row.before.s, row.before.served) == (None, 2.0)


def test_two_versions_of_a_problem_are_compared_by_what_each_says() -> None:
    document = a_problem(a_request(), a_request("w", "n", merit=3))
    changed = with_weights(without_request(document, "w"), {"m": 2})
    old, new = Plan.from_json(plan_of(document)), Plan.from_json(plan_of(changed))
    found = difference(Problem.from_json(document), old, new, new_problem=Problem.from_json(changed))
    assert [(row.request, row.before, row.after) for row in found.requests] == [("w", 4, None)]
    assert {block.request for block in found.lost} == {"w"}
    assert found.after.value == new.certificate["value"]
    assert list(found.before.s_sorted) == old.certificate["s_sorted"]


def test_a_member_that_only_one_version_knows_has_one_standing() -> None:
    document = a_problem(a_request())
    larger: Json = document | {"members": [*document["members"], {"id": "z", "weight": 1}]}
    one, other = Problem.from_json(document), Problem.from_json(larger)
    found = difference(one, a_plan(one), a_plan(other), new_problem=other)
    assert [(row.member, row.before is None, row.after is None) for row in found.members] == [
        ("m", False, False),
        ("z", True, False),
    ]


OTHER = Problem.from_json(a_problem(a_request("q", "m", a_part("x"))))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (a_plan(OTHER), a_plan(TWO), "old.problem"),
        (a_plan(TWO), a_plan(OTHER), "new.problem"),
        (a_plan(TWO, a_block(0, part="x")), a_plan(TWO), "old.blocks[0]"),
        (a_plan(TWO), a_plan(TWO, a_block(0), a_block(4, resource="x")), "new.blocks[1]"),
        (replace(a_plan(TWO), certificate={}), a_plan(TWO), "old.certificate.members"),
        (a_plan(TWO), replace(a_plan(TWO), certificate={"members": {"m": {"T": 1}}}), "new.certificate.members.n"),
        (a_plan(TWO), replace(a_plan(TWO), certificate={"members": {"m": {}}}), "new.certificate.members.m.T"),
        (a_plan(TWO, m=-1.0), a_plan(TWO), "old.certificate.members.m.T"),
        (a_plan(TWO, m=float("nan")), a_plan(TWO), "old.certificate.members.m.T"),
    ],
)  # fmt: skip
def test_plans_that_do_not_belong_to_the_problem_are_refused_with_their_place(old: Plan, new: Plan, path: str) -> None:
    with pytest.raises(ProblemError) as refused:
        difference(TWO, old, new)
    assert refused.value.path == path
