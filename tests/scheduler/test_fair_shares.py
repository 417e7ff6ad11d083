"""Fair shares: worked cases, and the flow against progressive filling by linear programs."""

import math
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.linear_solver import pywraplp  # type: ignore[attr-defined, unused-ignore]

from scheduler import Problem, fast_flow, max_flow
from scheduler.demand import part_demand, request_demands
from scheduler.fair_shares import fair_shares, member_demands
from scheduler.share_network import ShareNetwork, physical_name, share_network
from scheduler.values import Part
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


Use = tuple[int, str]
"""A part, by its place among all parts, on one of its resources."""


def users_by_grain(problem: Problem, parts: list[Part]) -> dict[tuple[str, int], list[Use]]:
    """Who can use each grain of each physical thing."""
    users: dict[tuple[str, int], list[Use]] = {}
    for place, part in enumerate(parts):
        for name in part.alternatives:
            resource = problem.resource_by_id[name]
            for grain in range(problem.grains):
                if all(any(s <= grain < e for s, e in spans) for spans in (resource.open, part.allowed)):
                    users.setdefault((physical_name(resource), grain), []).append((place, name))
    return users


def flow_program(solver: pywraplp.Solver, problem: Problem) -> dict[str, list[pywraplp.Variable]]:
    """Variables of each member's time in each grain, within the parts' demands and what each thing gives in a grain."""
    parts = [(request, part) for request in problem.requests for part in request.parts]
    rates = {row.id: row.capacity * row.cost for row in problem.resources}
    by_part: list[list[tuple[Use, int, pywraplp.Variable]]] = [[] for _ in parts]
    held: dict[str, list[pywraplp.Variable]] = {member: [] for member in problem.member_by_id}
    for (_, grain), users in users_by_grain(problem, [part for _, part in parts]).items():
        used = {use: solver.NumVar(0, rates[use[1]], "") for use in users}
        for (place, name), variable in used.items():
            by_part[place].append(((place, name), grain, variable))
        for resource in {name for _, name in users}:
            solver.Add(solver.Sum([row for (_, name), row in used.items() if name == resource]) <= rates[resource])
        solver.Add(solver.Sum(list(used.values())) <= max(rates[name] for _, name in users))
    for (request, part), rows in zip(parts, by_part, strict=True):
        size = float(member_demand(problem, request.id, part.id)) * problem.resource_by_id[part.alternatives[0]].cost
        total = []
        for member, share in request.shares.items():
            mine = solver.NumVar(0, size * share, "")
            held[member].append(mine)
            total.append(mine)
        solver.Add(solver.Sum(total) == solver.Sum([variable for _, _, variable in rows]))
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


def a_crowded_problem(seed: int) -> Json:
    """Many members on few things, so that water levels are many and one member's parts lie on both sides of a cut."""
    random = Random(seed)
    names = [f"m{place}" for place in range(random.randint(3, 8))]
    rates = random.choice(((1, 1), (1, 2)))
    resources = [
        *({"id": f"r{place}", "capacity": rate, "exclusive": "beam"} for place, rate in enumerate(rates)),
        {"id": "s", "capacity": random.choice((1, 3)), "open": [[0, 5], [7, 12]]},
    ]
    requests = []
    for place in range(random.randint(4, 12)):
        start = random.randint(0, 10)
        one, other = random.sample(names, 2)
        part = a_part(
            alternatives=random.choice((["r0"], ["r1"], ["s"], ["r0", "s"], ["r0", "r1"])),
            amount=random.randint(1, 12), least=0, lengths=[1], allowed=[[start, random.randint(start + 1, 12)]],
        )  # fmt: skip
        shares = random.choice(({one: 1.0}, {one: 1.0}, {one: 0.31, other: 0.69}))
        requests.append(a_request(f"q{place}", one, part, shares=shares))
    rows = [{"id": name, "weight": random.choice((1, 0.37, 2.5)), "past_use": random.randint(0, 3)} for name in names]
    return a_problem(*requests, grains=12, members=rows, resources=resources)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_crowded_problems_have_the_shares_of_progressive_filling_by_either_flow(seed: int) -> None:
    problem = Problem.from_json(a_crowded_problem(seed))
    shares = fair_shares(problem, member_demands(problem))
    assert fair_shares(problem, member_demands(problem), fast_flow.find_cut) == shares
    assert {member: float(share) for member, share in shares.items()} == pytest.approx(
        filled_by_programs(problem), abs=1e-5
    )


def test_shares_that_no_64_bits_hold_are_exact_by_either_flow() -> None:
    odd = [1.23456789012345, 2.7182818284590455, 3.141592653589793, 0.1234567890123456]
    rows = members(**{f"m{place}": (weight, 0) for place, weight in enumerate(odd)})
    requests = [wants(row["id"], 8, allowed=[[0, 3 + 2 * place]]) for place, row in enumerate(rows[:3])]
    shared = a_part(lengths=[1], allowed=[[0, 7]])
    joint = a_request("joint", "m3", shared, shares={"m3": 0.1234567890123, "m0": 0.8765432109877})
    problem = Problem.from_json(a_problem(*requests, joint, members=rows))
    shares = fair_shares(problem, member_demands(problem))
    unit = share_network(problem).unit
    assert math.lcm(unit, *(share.denominator for share in shares.values())) > 2**62
    assert fair_shares(problem, member_demands(problem), fast_flow.find_cut) == shares
    assert sum(shares.values()) == 7  # all of the time that is open to someone


@given(seed=st.integers(0, 10**6), bits=st.sampled_from((3, 40, 57, 58, 59, 120)))
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
def test_both_flows_find_the_same_amount_and_cuts(seed: int, bits: int) -> None:
    random = Random(seed)
    nodes = random.randint(4, 30)
    network = ShareNetwork(nodes, 1, [], [], [], {}, {})
    for _ in range(4 * nodes):
        tail, head = random.randrange(2, nodes), random.randrange(1, nodes)
        if tail != head:
            network.tails.append(tail)
            network.heads.append(head)
            network.sizes.append(-1 if head != 1 and random.random() < 0.3 else random.randrange(2 ** (bits - 2)))
    supplies = {node: random.randrange(2 ** (bits - 3)) for node in random.sample(range(2, nodes), 2)}
    slow, fast = max_flow.find_cut(network, supplies, 1), fast_flow.find_cut(network, supplies, 1)
    assert (fast.sent, fast.from_source, fast.to_sink) == (slow.sent, slow.from_source, slow.to_sink)
