"""Fair shares: worked cases, and the flow against progressive filling by linear programs."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.linear_solver import pywraplp

from scheduler import Problem
from scheduler.demand import part_demand, request_demands
from scheduler.fair_shares import fair_shares, member_demands, open_time
from tests.scheduler.makers import Json, a_part, a_problem, a_request, certificate_of
from tests.scheduler.random_problems import a_random_problem


def shares_of(document: Json) -> dict[str, float]:
    problem = Problem.from_json(document)
    return {member: float(share) for member, share in fair_shares(problem, member_demands(problem)).items()}


def wants(member: str, amount: int, **changes: object) -> Json:
    return a_request(f"q-{member}", member, a_part(amount=amount, least=0, lengths=[1], **changes))


def members(**rows: tuple[float, int]) -> list[Json]:
    return [{"id": name, "weight": weight, "past_use": past} for name, (weight, past) in rows.items()]


def test_time_is_divided_by_weight() -> None:
    document = a_problem(wants("a", 8), wants("b", 8), members=members(a=(3, 0), b=(1, 0)))
    assert shares_of(document) == {"a": 6.0, "b": 2.0}


def test_past_use_is_made_up_for_first() -> None:
    document = a_problem(wants("a", 8), wants("b", 8), members=members(a=(1, 2), b=(1, 0)))
    assert shares_of(document) == {"a": 3.0, "b": 5.0}


def test_a_member_far_ahead_gets_nothing_until_the_others_have_caught_up() -> None:
    document = a_problem(wants("a", 8), wants("b", 8), members=members(a=(1, 20), b=(1, 0)))
    assert shares_of(document) == {"a": 0.0, "b": 8.0}


def test_what_one_does_not_ask_for_goes_to_the_others() -> None:
    document = a_problem(wants("a", 1), wants("b", 8), wants("c", 8))
    assert shares_of(document) == {"a": 1.0, "b": 3.5, "c": 3.5}


def test_a_window_limits_only_those_who_need_it() -> None:
    document = a_problem(wants("a", 8, allowed=[[0, 2]]), wants("b", 8, allowed=[[0, 2]]), wants("c", 8))
    assert shares_of(document) == {"a": 1.0, "b": 1.0, "c": 6.0}


def test_a_joint_request_is_split_into_one_divisible_copy_for_each_member() -> None:
    joint = a_request("q", "a", a_part(amount=4, lengths=[1]), shares={"a": 0.75, "b": 0.25})
    assert shares_of(a_problem(joint)) == {"a": 3.0, "b": 1.0}


def test_an_exclusive_name_is_one_resource() -> None:
    resources = [{"id": name, "capacity": 1, "cost": 1, "exclusive": "beam"} for name in ("r", "s")]
    document = a_problem(wants("a", 8), wants("b", 8, alternatives=["s"]), resources=resources)
    assert shares_of(document) == {"a": 4.0, "b": 4.0}


def test_units_and_cost_count() -> None:
    resources = [{"id": "r", "capacity": 2, "cost": 2.5}]
    assert shares_of(a_problem(wants("a", 8), wants("b", 8), wants("c", 8), resources=resources)) == pytest.approx(
        {"a": 40 / 3, "b": 40 / 3, "c": 40 / 3}
    )


@pytest.mark.parametrize(
    ("changes", "demand"),
    [
        ({"amount": 7, "lengths": [3]}, 6),
        ({"amount": 7, "lengths": [3, 4]}, 7),
        ({"amount": 7, "lengths": [2, 3], "most_blocks": 2}, 6),
        ({"amount": 7, "lengths": [3], "least": 7}, 0),
        ({"amount": 7, "lengths": [3], "allowed": [[0, 2], [3, 5]]}, 0),
        ({"amount": 2, "lengths": [3], "least": 0}, 0),
        ({"amount": 7, "lengths": [2, 6], "allowed": [[0, 4]]}, 6),
    ],
)
def test_the_demand_of_a_part_is_what_its_lengths_make(changes: Json, demand: int) -> None:
    problem = Problem.from_json(a_problem(a_request("q", "m", a_part() | {"least": 1} | changes)))
    assert part_demand(problem, problem.requests[0].parts[0]) == demand


def test_an_all_request_with_an_impossible_part_has_no_demand() -> None:
    parts = [a_part("p"), a_part("never", allowed=[])]
    problem = Problem.from_json(a_problem(a_request("q", "m", *parts, needs="all")))
    assert member_demands(problem) == {"m": 0}


def test_a_member_with_no_fair_share_is_left_out_with_the_reason() -> None:
    document = a_problem(
        wants("a", 8), wants("late", 8), wants("shut", 8, allowed=[]),
        a_request("q-odd", "odd", a_part(gap=[20, None], least=4)),
        members=members(a=(1, 0), late=(1, 50), shut=(1, 0), none=(1, 0), odd=(1, 0)),
    )  # fmt: skip
    certificate = certificate_of(document)
    assert certificate["left_out"] == {
        "late": "past_use", "shut": "no_window", "none": "no_request", "odd": "no_legal_plan",
    }  # fmt: skip
    assert certificate["s_sorted"] == [1.0]


def test_a_share_is_never_above_what_a_plan_of_its_own_gives() -> None:
    document = a_problem(a_request("q", "m", a_part(amount=8, lengths=[3])), grains=8)
    row = certificate_of(document)["members"]["m"]
    assert (row["T"], row["alone"], row["s"]) == (6.0, 6.0, 1.0)


def filled_by_programs(problem: Problem) -> dict[str, float]:
    """Weighted progressive filling: raise the common level, fix who cannot rise alone, repeat."""
    caps = {member: float(cap) for member, cap in member_demands(problem).items()}
    fixed: dict[str, float] = {member: 0.0 for member, cap in caps.items() if not cap}
    while len(fixed) < len(caps):
        level = program(problem, caps, fixed, None, 0)
        for member in [name for name in caps if name not in fixed]:
            weight, past = problem.member_by_id[member].weight, problem.member_by_id[member].past_use
            claim = min(caps[member], max(0.0, weight * level - past))
            most = program(problem, caps, fixed, member, level)
            if most <= claim + 1e-6 or claim >= caps[member] - 1e-6:
                fixed[member] = claim
    return fixed


def program(
    problem: Problem, caps: dict[str, float], fixed: dict[str, float], raised: str | None, level: float
) -> float:
    """The highest common level, or the most that one member can hold while the others keep theirs."""
    solver = pywraplp.Solver.CreateSolver("GLOP")
    held = flow_program(solver, problem)
    water = solver.NumVar(0, 1e4, "")
    for member, cap in caps.items():
        row = problem.member_by_id[member]
        total = solver.Sum(held[member])
        if member in fixed:
            solver.Add(total >= fixed[member] - 1e-9)
        elif raised is None:
            solver.Add(total >= row.weight * water - row.past_use)
            solver.Add(total <= cap)
        elif member != raised:
            solver.Add(total >= min(cap, max(0.0, row.weight * level - row.past_use)) - 1e-9)
    solver.Maximize(water if raised is None else solver.Sum(held[raised]))
    assert solver.Solve() == pywraplp.Solver.OPTIMAL
    return float(solver.Objective().Value())


def flow_program(solver: pywraplp.Solver, problem: Problem) -> dict[str, list[pywraplp.Variable]]:
    """Variables of each member's time in each cell, within the parts' demands and the cells' room."""
    parts = [(request, part) for request in problem.requests for part in request.parts]
    held: dict[str, list[pywraplp.Variable]] = {member: [] for member in problem.member_by_id}
    cells = list(open_time(problem, [part for _, part in parts]).items())
    by_cell: list[list[pywraplp.Variable]] = [[] for _ in cells]
    for place, (request, part) in enumerate(parts):
        cost = problem.resource_by_id[part.alternatives[0]].cost
        for member, share in request.shares.items():
            usable = [number for number, ((_, pairs), _) in enumerate(cells) if any(row == place for row, _ in pairs)]
            mine = {number: solver.NumVar(0, solver.infinity(), "") for number in usable}
            for number, variable in mine.items():
                by_cell[number].append(variable)
            solver.Add(solver.Sum(mine.values()) <= float(member_demand(problem, request.id, part.id)) * share * cost)
            held[member] += mine.values()
    for users, ((_, pairs), grains) in zip(by_cell, cells, strict=True):
        rates = [problem.resource_by_id[name].capacity * problem.resource_by_id[name].cost for _, name in pairs]
        solver.Add(solver.Sum(users) <= grains * max(rates))
    return held


def member_demand(problem: Problem, request: str, part: str) -> Fraction:
    return Fraction(request_demands(problem, problem.request_by_id[request])[part])


@given(seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_the_flow_agrees_with_progressive_filling_by_linear_programs(seed: int) -> None:
    problem = Problem.from_json(a_random_problem(seed) | {"pins": [], "forbidden": []})
    shares = fair_shares(problem, member_demands(problem))
    assert {member: float(share) for member, share in shares.items()} == pytest.approx(
        filled_by_programs(problem), abs=1e-5
    )
