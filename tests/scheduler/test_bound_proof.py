"""What prices prove is never below the truth, and a certificate that claims more than its proof is caught."""

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from random import Random
from typing import NamedTuple

import pytest

from benchmarks.instances import make
from scheduler import Infeasible, Problem, ProblemError, check
from scheduler.bound_proof import Prices, highest_floor, leximin_vector, read_proof, value_bound
from scheduler.bound_rooms import rooms_of
from scheduler.fair_shares import fair_shares, member_demands
from scheduler.figures import MICRO, exact, value
from scheduler.large.bounds import Bounds, bounds_of, gathered, line_of, refined, sharpened, tightened
from scheduler.large.relaxation import relax
from scheduler.large.relaxation_model import coarse
from scheduler.large.relaxation_prices import MOST_ROWS, Pricing
from scheduler.reading import Node
from tests.scheduler import brute
from tests.scheduler.makers import Json, a_part, a_problem, a_request, plan_of
from tests.scheduler.random_problems import a_random_problem

SEEDS = range(90)


class Truth(NamedTuple):
    """What enumeration says: the best plan's vector and value, the most value of any plan, fair shares."""

    problem: Problem
    shares: dict[str, Fraction]
    vector: tuple[int, ...]
    value: Fraction
    unfair: Fraction

    @property
    def worst(self) -> float:
        return min(self.vector, default=MICRO) / MICRO


def a_difficult_problem(seed: int) -> Json:
    """A random problem in which every block needs one pool: fair shares do not know that."""
    document = a_random_problem(seed)
    for request in document["requests"]:
        for part in request["parts"]:
            part["side"] = [{"resource": "staff", "units": 1}]
    document["resources"][-1]["capacity"] = 1
    return document


@cache
def truth_of(make: Callable[[int], Json], seed: int) -> Truth | None:
    """None where there is no plan, or too many."""
    problem = Problem.from_json(make(seed))
    try:
        plans = brute.legal_plans(problem)
    except brute.TooLarge:
        return None
    if not plans:
        return None
    shares = fair_shares(problem, brute.alone(problem, plans))
    ranks = [(brute.vector(problem, plan, shares), value(problem, plan)) for plan in plans]
    return Truth(problem, shares, *max(ranks), max(worth for _, worth in ranks))


def truths(seeds: range = SEEDS, make: Callable[[int], Json] = a_random_problem) -> Iterator[Truth]:
    return (truth for seed in seeds if (truth := truth_of(make, seed)) is not None)


def bounds_for(truth: Truth) -> Bounds:
    found = bounds_of(truth.problem, truth.shares, relax(truth.problem, truth.shares, ()))
    return tightened(found, truth.worst)


def test_no_plan_is_above_the_bounds() -> None:
    count = exact_ones = 0
    for truth in truths():
        bounds = bounds_for(truth)
        assert bounds.value(truth.worst) >= truth.value
        assert bounds.unfair >= truth.unfair
        assert bounds.vector >= truth.vector
        count += 1
        exact_ones += bounds.value(truth.worst) <= truth.value * (1 + 1e-6) + 1e-6
    assert count >= 60
    assert exact_ones >= count / 2


def test_no_plan_is_above_the_levels_where_fair_shares_cannot_all_be_met() -> None:
    count = exact_ones = several = 0
    for truth in truths(make=a_difficult_problem):
        bounds = bounds_for(truth)
        assert bounds.value(truth.worst) >= truth.value
        assert bounds.vector >= truth.vector
        assert list(bounds.vector) == sorted(bounds.vector)
        count += bounds.vector[:1] < (MICRO,)
        exact_ones += bounds.vector[:1] == truth.vector[:1] < (MICRO,)
        several += len(bounds.levels) > 1
    assert (count, exact_ones, several) >= (20, 5, 3)


def test_a_lower_floor_gives_a_higher_bound_and_a_better_plan_a_lower_one() -> None:
    for truth in truths(range(30)):
        bounds = bounds_for(truth)
        figures = [bounds.value(worst) for worst in (0.0, 0.3, 0.6, 0.9, 1.0)]
        assert figures == sorted(figures, reverse=True)
        assert figures[0] == bounds.unfair


def changed(prices: Prices, random: Random, factor: Callable[[Random], float]) -> Prices:
    return Prices(
        {thing: [price * factor(random) for price in row] for thing, row in prices.time.items()},
        {member: rate * factor(random) for member, rate in prices.members.items()},
    )


@pytest.mark.parametrize(
    "factor",
    [
        lambda random: random.choice((1, 1, 0.9)),
        lambda random: random.choice((0, 1)),
        lambda random: random.uniform(0, 3),
    ],
    ids=["a few lowered", "some gone", "nonsense"],
)
def test_any_prices_prove_something_true(factor: Callable[[Random], float]) -> None:
    for number, truth in enumerate((*truths(range(30)), *truths(range(30), a_difficult_problem))):
        bounds = bounds_for(truth)
        rooms = bounds.model.rooms
        for line in (*bounds.lines, bounds.unfair_line):
            prices = changed(line.prices, Random(number), factor)
            assert value_bound(rooms, prices, truth.shares, truth.worst - 5e-7) >= truth.value
            assert value_bound(rooms, Prices(prices.time, {}), truth.shares, 0.0) >= truth.unfair
        levels = [changed(prices, Random(number), factor) for prices in bounds.levels]
        assert leximin_vector(rooms, levels, truth.shares) >= truth.vector


@pytest.mark.parametrize("cells", [(0, 2), (0, 1, 2, 3), (0, 3)])
def test_any_cells_prove_something_true(cells: tuple[int, ...]) -> None:
    for truth in truths(range(60)):
        grains = truth.problem.grains
        boundaries = (*(cell for cell in cells if cell < grains), grains)
        pricing = Pricing(coarse(rooms_of(truth.problem, (), boundaries), truth.shares))
        solution = pricing.most_value(highest_floor(truth.problem, truth.worst) * pricing.model.fair)
        bounds = gathered(truth.problem, truth.shares, pricing, (solution.prices, solution.floors), 1.0)
        assert bounds.value(truth.worst) >= truth.value
        assert bounds.unfair >= truth.unfair
        assert bounds.vector >= truth.vector


def a_chain(first: Json, second: Json, grains: int) -> Bounds:
    """Bounds for one request whose second part follows its first within four grains."""
    parts = a_part("p", least=4, **first), a_part("next", least=4, alternatives=["s"], **second)
    lag = {"after": "p", "then": "next", "least": 0, "most": 4}
    request = a_request("q", "m", *parts, needs="all", lags=[lag])
    resources: Json = {"resources": [{"id": "r"}, {"id": "s"}]}
    problem = Problem.from_json(a_problem(request, grains=grains, **resources))
    shares = {"m": Fraction(8)}
    return bounds_of(problem, shares, relax(problem, shares, ()))


@pytest.mark.parametrize(
    ("first", "second", "worth"),
    [
        ([[0, 380]], [[0, 380]], 80),
        ([[0, 20]], [[21, 40]], 80),
        ([[0, 20]], [[100, 120]], 0),
        ([[100, 120]], [[0, 90]], 0),
        ([[0, 20], [200, 300]], [[100, 120]], 0),
        ([[0, 20], [200, 300]], [[100, 120], [290, 310]], 80),
    ],
)
def test_a_chain_whose_times_do_not_meet_is_worth_nothing(
    first: list[list[int]], second: list[list[int]], worth: int
) -> None:
    bounds = a_chain({"allowed": first}, {"allowed": second}, 380)
    assert len(bounds.model.rooms.cells) > 100
    assert len(bounds.model.rooms.pairs[0].reaches) <= 64
    assert bounds.unfair == pytest.approx(worth, abs=1e-6)


def a_frozen_problem(seed: int) -> Json:
    """A random problem of which two published blocks have begun, whatever rules they break."""
    document, random = a_random_problem(seed), Random(seed)
    document["frozen_until"] = random.randint(1, 3)
    document["published"] = [
        {
            "request": request["id"],
            "part": "p0",
            "resource": random.choice(request["parts"][0]["alternatives"]),
            "start": random.randint(0, 2),
            "length": random.randint(1, 2),
        }
        for request in document["requests"][:2]
    ]
    return document


def test_no_proven_plan_beside_frozen_blocks_is_above_the_bounds() -> None:
    count = 0
    for seed in range(40):
        document = a_frozen_problem(seed)
        try:
            certificate = plan_of(document)["certificate"]
        except Infeasible:
            continue
        problem = Problem.from_json(document)
        shares = fair_shares(problem, {name: exact(row["alone"]) for name, row in certificate["members"].items()})
        bounds = bounds_of(problem, shares, relax(problem, shares, ()))
        worst = min(certificate["s_sorted"], default=1.0)
        assert bounds.value(worst) >= certificate["value"] - 1e-9
        assert bounds.vector >= tuple(round(entry * MICRO) for entry in certificate["s_sorted"])
        count += 1
    assert count >= 15


def medium_bounds() -> Bounds:
    problem = Problem.from_json(make("medium", "plain", 1))
    shares = fair_shares(problem, member_demands(problem))
    return bounds_of(problem, shares, relax(problem, shares, ()))


def test_narrower_cells_give_lower_bounds_where_a_chain_is_tied_to_days() -> None:
    wide = tightened(medium_bounds(), 0.5)
    narrow = refined(wide, 0.5)
    assert len(narrow.model.rooms.cells) == 7 * (len(wide.model.rooms.cells) - 1) + 1
    assert narrow.unfair < wide.unfair * 0.999
    assert narrow.value(0.5) < wide.value(0.5) * 0.999
    assert narrow.vector <= wide.vector


def test_prices_are_made_again_only_for_plans_of_another_kind() -> None:
    bounds = medium_bounds()
    assert sharpened(bounds, 0.2) is bounds
    assert sharpened(bounds, 0.96) is bounds
    sharper = sharpened(bounds, 0.8)
    assert sharper.value(0.8) < bounds.value(0.8) * 0.995
    assert sharpened(sharper, 0.82) is sharper


def test_prices_by_descent_prove_nearly_what_those_of_the_program_do() -> None:
    model = medium_bounds().model
    for floor in (0.0, 0.5):
        by_program, by_descent = (
            line_of(model, solution.prices, solution.floors, floor).at(floor)
            for rows in (MOST_ROWS, 0)
            for solution in [Pricing(model, rows).most_value(floor * model.fair)]
        )
        assert by_program < by_descent < by_program * 1.003


def test_descent_serves_followers_and_flexible_parts_too() -> None:
    for truth in truths(range(25)):
        model = bounds_for(truth).model
        floor = max(0.0, truth.worst - 5e-7)
        solution = Pricing(model, -1).most_value(floor * model.fair)
        assert line_of(model, solution.prices, solution.floors, floor).at(floor) >= truth.value


def test_only_leximin_takes_a_floor_from_the_plan() -> None:
    document = a_problem(
        a_request("rich", "a", a_part(amount=8), merit=10), a_request("poor", "b", a_part(amount=8), merit=1)
    )
    figures = {}
    for fairness, slack in (("leximin", 0.0), ("leximin", 0.25), ("merit", 0.0), ("quota", 0.0)):
        document["policy"] = {"fairness": fairness, "value_slack": slack, "seed": 1, "quotas": []}
        problem = Problem.from_json(document)
        shares = {"a": Fraction(4), "b": Fraction(4)}
        bounds = tightened(bounds_of(problem, shares, relax(problem, shares, ())), 1.0)
        figures[fairness, slack] = round(bounds.value(1.0), 3)
    assert figures == {("leximin", 0.0): 44, ("leximin", 0.25): 52, ("merit", 0.0): 80, ("quota", 0.0): 80}


@cache
def a_proven_plan() -> str:
    """[problem, plan]: two members need a pool that serves one at a time, and the plan's bounds have their proof."""
    pool: Json = {"resources": [{"id": "r"}, {"id": "s"}, {"id": "pool", "open": [[0, 2]]}]}
    sided = {"amount": 4, "least": 0, "lengths": [1], "side": [{"resource": "pool", "units": 1}]}
    rich, poor = a_part(**sided), a_part(alternatives=["s"], **sided)
    document = a_problem(a_request("q", "a", rich, merit=20), a_request("w", "b", poor, merit=10), **pool)
    plan = plan_of(document)
    certificate = plan["certificate"]
    problem = Problem.from_json(document)
    shares = {name: exact(row["T"]) for name, row in certificate["members"].items()}
    bounds = tightened(bounds_of(problem, shares, relax(problem, shares, ())), certificate["s_sorted"][0])
    certificate["bound_proof"] = bounds.proof(certificate["s_sorted"][0])
    certificate["s_bound"] = [entry / MICRO for entry in bounds.vector]
    certificate["value_bound"] = bounds.value(certificate["s_sorted"][0])
    certificate["gap"] = 1 - certificate["value"] / certificate["value_bound"]
    certificate["price_of_fairness"]["unfair_value_bound"] = bounds.unfair
    return json.dumps([document, plan])


def test_a_certificate_with_its_proof_passes_the_check() -> None:
    document, plan = json.loads(a_proven_plan())
    assert plan["certificate"]["s_sorted"] == [0.5, 0.5]
    assert plan["certificate"]["s_bound"] == [0.5, 0.500001]
    assert plan["certificate"]["value_bound"] == pytest.approx(30, rel=1e-5)
    assert plan["certificate"]["price_of_fairness"]["unfair_value_bound"] == pytest.approx(40)
    assert check(document, plan) == []


def claim(key: str, amount: float) -> Callable[[Json], None]:
    def change(certificate: Json) -> None:
        certificate[key] *= 1 - amount
        certificate["gap"] = 1 - certificate["value"] / certificate["value_bound"]

    return change


def unfair_claim(certificate: Json) -> None:
    certificate["price_of_fairness"]["unfair_value_bound"] *= 1 - 1e-6


def vector_claim(certificate: Json) -> None:
    certificate["s_bound"] = [0.5, 0.5]


def cheaper_time(certificate: Json) -> None:
    certificate["bound_proof"]["value"]["prices"]["r:pool"][0] *= 0.25


def higher_floor(certificate: Json) -> None:
    certificate["bound_proof"]["value"]["floor"] += 1e-6


def dearer_member(certificate: Json) -> None:
    certificate["bound_proof"]["value"]["members"]["b"] *= 5


def weaker_level(certificate: Json) -> None:
    certificate["bound_proof"]["levels"][0]["members"]["a"] *= 0.5


@pytest.mark.parametrize(
    "change",
    [
        claim("value_bound", 1e-7),
        unfair_claim,
        vector_claim,
        cheaper_time,
        higher_floor,
        dearer_member,
        weaker_level,
        lambda certificate: certificate["bound_proof"]["levels"].clear(),
        lambda certificate: certificate["bound_proof"]["unfair"]["prices"].clear(),
    ],
)
def test_a_bound_that_claims_more_than_its_proof_is_caught(change: Callable[[Json], None]) -> None:
    document, plan = json.loads(a_proven_plan())
    change(plan["certificate"])
    assert {violation.rule for violation in check(document, plan)} == {"bound"}


def weaker_value(certificate: Json) -> None:
    certificate["bound_proof"]["value"]["floor"] -= 1e-4
    claim("value_bound", -0.01)(certificate)


@pytest.mark.parametrize(
    "change",
    [
        lambda certificate: certificate.pop("bound_proof"),
        lambda certificate: certificate["bound_proof"].pop("levels"),
        lambda certificate: certificate["bound_proof"].pop("unfair"),
        lambda certificate: certificate["bound_proof"].pop("value"),
        weaker_value,
    ],
)
def test_a_proof_of_less_is_allowed(change: Callable[[Json], object]) -> None:
    document, plan = json.loads(a_proven_plan())
    change(plan["certificate"])
    assert check(document, plan) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda proof: proof["cells"].pop(), "bound_proof.cells"),
        (lambda proof: proof["cells"].insert(1, 0), "bound_proof.cells"),
        (lambda proof: proof["value"]["prices"].update({"r:x": []}), "bound_proof.value.prices.r:x"),
        (lambda proof: proof["value"]["prices"]["r:pool"].pop(), "bound_proof.value.prices.r:pool"),
        (lambda proof: proof["unfair"]["prices"]["r:pool"].insert(0, -1.0), "bound_proof.unfair.prices.r:pool[0]"),
        (lambda proof: proof["levels"][0]["members"].update(z=1), "bound_proof.levels[0].members.z"),
        (lambda proof: proof["levels"][0]["members"].update(a=-1), "bound_proof.levels[0].members.a"),
        (lambda proof: proof["value"].pop("floor"), "bound_proof.value.floor"),
        (lambda proof: proof["value"].update(floor=1.5), "bound_proof.value.floor"),
        (lambda proof: proof.update(more=1), "bound_proof.more"),
    ],
)
def test_a_malformed_proof_is_named(change: Callable[[Json], object], path: str) -> None:
    document, plan = json.loads(a_proven_plan())
    change(plan["certificate"]["bound_proof"])
    problem = Problem.from_json(document)
    with pytest.raises(ProblemError) as error:
        read_proof(problem, Node(plan["certificate"]["bound_proof"], "bound_proof"))
    assert error.value.path == path
    assert [(violation.rule, violation.where) for violation in check(document, plan)] == [("plan", path)]
