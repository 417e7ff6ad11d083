"""The coarse relaxation: what rows it has, what they may hold, and what its prices say."""

from fractions import Fraction

import pytest

from benchmarks.instances import make
from scheduler import Problem
from scheduler.bound_proof import Prices, most_earned
from scheduler.bound_rooms import rooms_of
from scheduler.fair_shares import fair_shares, member_demands
from scheduler.large import relaxation_lp
from scheduler.large.bounds import bounds_of
from scheduler.large.relaxation import GUIDE, Relaxation, relax
from scheduler.placements import Placement
from tests.scheduler.makers import Json, a_part, a_problem, a_request
from tests.scheduler.random_problems import a_random_problem

WEEK = 336  # grains of half an hour


def relaxed(document: Json, *fixed: Placement) -> Relaxation:
    problem = Problem.from_json(document)
    return relax(problem, fair_shares(problem, member_demands(problem)), fixed)


def rows_of(relaxation: Relaxation) -> list[tuple[int, int, int, int, float]]:
    """(request, part, resource, cell, room)."""
    columns = (relaxation.request, relaxation.part, relaxation.resource, relaxation.cell, relaxation.room)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize(
    ("grains", "grain_minutes", "width"),
    [(26 * WEEK, 30, WEEK), (7 * 288, 5, 12), (28 * 48, 30, 48), (30, 5, 3), (10, 30, 1), (20, 10_080, 1)],
)
def test_cells_are_the_longest_of_which_the_horizon_has_eight(grains: int, grain_minutes: int, width: int) -> None:
    document = a_problem(a_request(), grains=grains, grain_minutes=grain_minutes)
    document["resources"] = [{"id": "r"}]
    cells = rooms_of(Problem.from_json(document), ()).cells
    assert cells[1] == width
    assert (cells[0], cells[-1]) == (0, grains)


def test_a_row_holds_only_grains_where_a_block_fits() -> None:
    resource = {"id": "r", "open": [[0, 3], [4, 5], [6, 10]], "starts": [1, 4, 6, 7]}
    document = a_problem(a_request("q", "m", a_part(lengths=[2], allowed=[[0, 9]])), resources=[resource], grains=10)
    rooms = rooms_of(Problem.from_json(document), (), (0, 8, 10))
    assert list(zip(rooms.cell, rooms.grains, strict=True)) == [(0, 4), (1, 1)]


@pytest.mark.parametrize(
    "change",
    [
        {"lengths": [9], "least": 9, "amount": 9},
        {"allowed": []},
        {"side": [{"resource": "r", "units": 1}]},
        {"least": 3, "amount": 3},
    ],
)
def test_a_part_that_can_have_no_block_has_no_row_and_nor_has_what_needs_it(change: Json) -> None:
    needy = a_request("q", "m", a_part("p", **change), a_part("other", least=2), needs="all")
    rooms = rooms_of(Problem.from_json(a_problem(needy)), ())
    assert not rooms.asks
    assert not rooms.seat
    easy = a_request("q", "m", a_part("p", **change), a_part("other"))
    assert [ask.part for ask in rooms_of(Problem.from_json(a_problem(easy)), ()).asks] == [1]


def test_a_part_after_an_impossible_one_has_no_row() -> None:
    lag = {"after": "p", "then": "next", "least": 0, "most": None}
    request = a_request("q", "m", a_part("next"), a_part("p", allowed=[]), lags=[lag])
    assert not rooms_of(Problem.from_json(a_problem(request)), ()).asks


def test_an_exclusive_name_is_filled_by_all_units_of_one_resource() -> None:
    resources = [
        {"id": "one", "exclusive": "x", "capacity": 2},
        {"id": "two", "exclusive": "x", "open": [[0, 4]]},
        {"id": "pool", "capacity": 3},
    ]
    part = a_part(alternatives=["one", "two"], side=[{"resource": "pool", "units": 2}], amount=40, lengths=[2])
    rooms = rooms_of(Problem.from_json(a_problem(a_request("q", "m", part), resources=resources)), (), (0, 8))
    assert rooms.things == ("x:x", "r:two", "r:pool")
    assert rooms.capacity == [[8.0], [4.0], [24.0]]
    assert rooms.seat_uses == [((0, 0.5), (2, 2.0)), ((0, 1.0), (1, 1.0), (2, 2.0))]


def test_standing_blocks_take_their_time_and_leave_their_part_the_rest() -> None:
    document = a_problem(a_request())
    found = relaxed(document, Placement("q", "p", "r", 2, 2))
    assert found.model.rooms.capacity == [[1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]]
    assert found.model.demand.tolist() == [2.0]
    assert found.value == pytest.approx(40.0)


def test_nothing_new_is_counted_before_frozen_until() -> None:
    document = a_problem(a_request("q", "m", a_part(amount=8)), frozen_until=5)
    rooms = rooms_of(Problem.from_json(document), (), (0, 8))
    assert rooms.capacity == [[3.0]]
    assert list(rooms.grains) == [3]


def test_scarce_time_has_a_price_and_free_time_none() -> None:
    early = {"allowed": [[0, 4]], "amount": 4, "lengths": [2]}
    document = a_problem(
        a_request("rich", "m", a_part(**early), merit=10), a_request("poor", "m", a_part(**early), merit=3)
    )
    found = relaxed(document)
    assert found.prices[0, :4].min() >= 3.0
    assert found.prices[0, 4:].max() == 0.0
    assert found.value == pytest.approx(40.0)


def test_a_member_that_merit_would_leave_out_has_a_price() -> None:
    document = a_problem(
        a_request("rich", "a", a_part(amount=8), merit=10), a_request("poor", "b", a_part(amount=8), merit=1)
    )
    found = relaxed(document)
    assert found.levels == {"a": 1.0, "b": 1.0}
    assert found.member_prices["b"] == pytest.approx(9.0)
    assert found.member_prices["a"] == 0.0
    assert found.value == pytest.approx(10 * (8 - 4 * GUIDE) + 4 * GUIDE)


def test_levels_settle_first_those_who_hold_the_others_back() -> None:
    pool: Json = {"resources": [{"id": "r"}, {"id": "s"}, {"id": "pool", "open": [[0, 2]]}]}
    sided = a_part(amount=4, side=[{"resource": "pool", "units": 1}], least=0, lengths=[1])
    free = a_part(alternatives=["s"], least=0, lengths=[1])
    document = a_problem(a_request("q", "a", sided), a_request("w", "b", free), **pool)
    assert relaxed(document).levels == pytest.approx({"a": 0.5, "b": 1.0})


def test_the_relaxation_is_the_same_every_time() -> None:
    for seed in range(8):
        one, other = (relaxed(a_random_problem(seed)) for _ in range(2))
        assert rows_of(one) == rows_of(other)
        assert one.prices.tobytes() == other.prices.tobytes()
        assert (one.value, one.member_prices, one.levels) == (other.value, other.member_prices, other.levels)


@pytest.mark.parametrize("seed", range(12))
def test_profit_is_worth_less_the_price_of_all_that_a_row_takes(seed: int) -> None:
    found = relaxed(a_random_problem(seed))
    problem, rooms = found.model.rooms.problem, found.model.rooms
    for row, profit in enumerate(found.profit):
        request = problem.requests[found.request[row]]
        earns = request.merit + sum(share * found.member_prices.get(name, 0) for name, share in request.shares.items())
        paid = sum(units * found.prices[thing, found.cell[row]] for thing, units in rooms.seat_uses[rooms.seat[row]])
        assert profit == pytest.approx(earns * problem.resources[found.resource[row]].cost - paid)


@pytest.mark.parametrize("seed", range(12))
def test_prices_prove_what_the_program_reached_or_less(seed: int) -> None:
    found = relaxed(a_random_problem(seed))
    rows = found.model.rooms
    table = dict(zip(rows.things, found.prices.tolist(), strict=True))
    shares = {name: Fraction(share) for name, share in zip(found.model.members, found.model.fair, strict=True)}
    floors = sum(rate * GUIDE * found.levels[name] * float(shares[name]) for name, rate in found.member_prices.items())
    proven = most_earned(rows, Prices(table, found.member_prices), merit=True) - floors
    assert proven <= found.value * (1 + 1e-8) + 1e-6


def test_a_problem_without_anything_to_serve_has_a_relaxation_and_bounds() -> None:
    problem = Problem.from_json(a_problem(a_request("q", "m", a_part(allowed=[]))))
    shares = fair_shares(problem, member_demands(problem))
    found = bounds_of(problem, shares, relax(problem, shares, ()))
    assert (found.value(1.0), found.unfair, found.vector) == (0.0, 0.0, ())


def test_where_the_program_gives_up_prices_come_by_descent(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem.from_json(make("medium", "rich", 1))
    shares = fair_shares(problem, member_demands(problem))
    whole = relax(problem, shares, ())
    monkeypatch.setattr(relaxation_lp, "MOST_WORK", "max_deterministic_time: 1e-6")
    found = relax(problem, shares, ())
    assert found.prices.tobytes() != whole.prices.tobytes()
    assert whole.value < found.value < whole.value * 1.01
