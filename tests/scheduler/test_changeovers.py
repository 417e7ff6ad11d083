"""The count of changeovers in the model, against every legal plan of small problems."""

from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model

from scheduler import Problem
from scheduler.lanes import count_changeovers
from scheduler.model import Allocation
from scheduler.model_changeovers import changeover_total, count_in_lanes
from scheduler.model_shared import build
from tests.scheduler import brute
from tests.scheduler.makers import Json, a_part, a_problem, a_request

NAMES = "abc"
PLANS = 4  # of one problem


def a_lane(seed: int) -> Json:
    """Three requests of up to three configurations on one resource, whose table lists some pairs only."""
    random = Random(seed)
    table = {f"{one}>{other}": 1 for one in NAMES for other in NAMES if random.random() < 0.5}
    return a_problem(
        *(
            a_request(
                f"q{place}", "m",
                a_part(
                    amount=random.choice((1, 2, 3)), least=1, lengths=[1], gap=random.choice((None, [0, 0], [0, 1])),
                    configuration=random.choice((*NAMES, None)),
                    allowed=random.choice(([[0, 9]], [[0, 3], [5, 9]], [[0, 2], [4, 5], [7, 9]])),
                ),
            )
            for place in range(3)
        ),
        grains=9,
        resources=[{"id": "r", "capacity": 1, "starts": sorted(random.sample(range(9), 5)), "changeover": table}],
    )  # fmt: skip


def least_total(allocation: Allocation, chosen: dict[int, bool]) -> int:
    """The model's smallest count for exactly these rows; the hint alone must be a solution of that count."""
    model = allocation.model.clone()
    total = changeover_total(allocation, model, chosen)
    for place, row in enumerate(allocation.rows):
        model.add(cp_model.LinearExpr.sum(row.literals) == int(place in chosen))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    hinted = model.clone()
    hint = model.proto.solution_hint
    for variable, value in zip(hint.vars, hint.values, strict=True):
        hinted.add(hinted.get_int_var_from_proto_index(variable) == value)
    assert solver.solve(hinted) == cp_model.OPTIMAL
    model.minimize(total)
    assert solver.solve(model) == cp_model.OPTIMAL
    return round(solver.objective_value)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
def test_the_model_counts_the_changeovers_of_every_plan(seed: int) -> None:
    problem = Problem.from_json(a_lane(seed))
    try:
        plans = brute.legal_plans(problem)
    except brute.TooLarge:
        assume(False)
    allocation = build(problem, list(problem.requests))
    table = problem.resources[0].changeover
    for plan in Random(seed).sample(plans, min(PLANS, len(plans))):
        keys = {(block.request, block.start) for block in plan}
        chosen = {place: True for place, row in enumerate(allocation.rows) if (row.at.request, row.at.start) in keys}
        named = [(b, problem.request_by_id[b.request].parts[0].configuration) for b in plan]
        count = count_changeovers([(block, own) for block, own in named if own is not None], table)
        assert count_in_lanes(allocation, chosen) == count
        assert least_total(allocation, chosen) == count
