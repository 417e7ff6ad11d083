"""The engine for large problems on small ones, against plain enumeration and the plain rules."""

import io
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduler import Infeasible, Plan, Problem, Unfinished, check, from_plan, with_outage, without_request
from scheduler.certificate import Evidence
from scheduler.child import stability_first
from scheduler.figures import MICRO, moved_blocks, satisfactions, served, value, welfare
from scheduler.greedy import placement_of
from scheduler.large.board import Held
from scheduler.large.fixed import is_legal
from scheduler.large.grid import Grid, GridPart, Option
from scheduler.large.run import run
from scheduler.large.start import begin
from scheduler.large.state import State, earliest
from scheduler.placements import give_units, preference_score
from scheduler.protocol import Line, Order
from scheduler.quick import floors_missed, gather, rank
from scheduler.rules import Draft
from scheduler.rules_shared import broken_rules, quota_caps_hold
from tests.scheduler import brute
from tests.scheduler.makers import Json, a_part, a_problem, a_request, a_row
from tests.scheduler.random_problems import a_random_problem, a_rich_problem

POLICIES = ("leximin", "merit", "proportional", "quota")
GENERATORS = {"plain": a_random_problem, "rich": a_rich_problem}
LIMIT = 0.01
"""Deterministic seconds: a thousand questions to the board."""
CLOSE = 1e-6
Figure = Callable[[], Any]
BOARD_RULES = ("unit", "capacity", "exclusive", "changeover", "overlap", "open", "window", "start", "forbidden")


def evidence_of(problem: Problem, *, is_repair: bool = False) -> Evidence:
    evidence = gather(problem, problem.policy.seed, LIMIT, "test")
    if is_repair:
        evidence.goals = stability_first(evidence.goals)
    return evidence


def plans_from(evidence: Evidence, *, is_repair: bool = False, workers: int = 1) -> list[Plan]:
    """All plans that the large engine hands out, whatever the size of the problem."""
    told = io.StringIO()
    order = Order(evidence.problem, evidence.seed, 1.0, None, workers, is_repair, 0)
    run(order, evidence, Line(told, io.BytesIO()))
    reports = [json.loads(text) for text in told.getvalue().splitlines()]
    return [Plan.from_json(report["body"]) for report in reports if report["kind"] == "plan"]


def plan_of(document: Json, *, is_repair: bool = False, workers: int = 1) -> Plan:
    """The last plan."""
    evidence = evidence_of(Problem.from_json(document), is_repair=is_repair)
    return plans_from(evidence, is_repair=is_repair, workers=workers)[-1]


def score(problem: Problem, evidence: Evidence, name: str, blocks: brute.Blocks) -> Any:
    """What a plan reaches of a goal, as levels write it; a higher score is better."""
    held = served(problem, blocks)
    micro = satisfactions(held, evidence.shares)
    figure: dict[str, Figure] = {
        "leximin": lambda: [entry / MICRO for entry in sorted(micro.values())],
        "value": lambda: float(value(problem, blocks)),
        "welfare": lambda: welfare(problem, micro),
        "floors": lambda: -float(floors_missed(problem, held)),
        "preferences": lambda: sum(preference_score(problem, block) for block in blocks),
        "changeovers": lambda: -brute.changeovers(problem, blocks),
        "unmoved": lambda: len(problem.published) - len(moved_blocks(problem.published, blocks)),
    }
    return figure[name]()


def is_above(one: Any, other: Any) -> bool:
    """Whether a score is above another by more than rounding, vectors by their first entry that differs."""
    if not isinstance(one, list):
        return bool(one > other + CLOSE)
    pairs = (pair for pair in zip(one, other, strict=True) if abs(pair[0] - pair[1]) > CLOSE)
    return next((mine > theirs for mine, theirs in pairs), False)


@pytest.mark.parametrize("kind", GENERATORS)
@pytest.mark.parametrize("fairness", POLICIES)
@given(seed=st.integers(0, 10**6), is_repair=st.booleans())
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
def test_every_plan_is_legal_not_below_a_greedy_and_no_legal_plan_passes_its_bounds(
    kind: str, fairness: str, seed: int, is_repair: bool
) -> None:
    document = GENERATORS[kind](seed, fairness)
    problem = Problem.from_json(document)
    try:
        legal = brute.legal_plans(problem)
    except brute.TooLarge:
        assume(False)
    legal = [plan for plan in legal if not any(quota_caps_hold(Draft(problem, plan)))]
    try:
        evidence = evidence_of(problem, is_repair=is_repair)
        found = plans_from(evidence, is_repair=is_repair)
    except Infeasible:
        assert not legal
        return
    except Unfinished:
        assert fairness == "quota"
        assert problem.pins or problem.frozen
        return
    assert [check(document, plan.to_json()) for plan in found] == [[]] * len(found)
    if not is_repair:
        is_not_below_the_greedy(evidence, found[-1].blocks)
    bounds_hold(evidence, found[-1], legal)


def is_not_below_the_greedy(evidence: Evidence, blocks: brute.Blocks) -> None:
    problem, greedy = evidence.problem, evidence.greedy
    if greedy is not None and not any(quota_caps_hold(Draft(problem, greedy))):
        assert rank(problem, blocks, evidence.shares) >= rank(problem, greedy, evidence.shares)


def bounds_hold(evidence: Evidence, plan: Plan, legal: list[brute.Blocks]) -> None:
    """Levels say what the plan reaches; no plan that is not below it in the goals before passes a bound."""
    problem, rest = evidence.problem, legal
    levels: Any = plan.certificate["levels"]
    assert [level["name"] for level in levels] == list(evidence.goals)
    for level in levels:
        name, sign = level["name"], -1 if level["name"] in ("floors", "changeovers") else 1
        reached, bound = (
            [*entry] if isinstance(entry, list) else sign * entry for entry in (level["achieved"], level["bound"])
        )
        mine = score(problem, evidence, name, plan.blocks)
        assert not is_above(mine, reached)
        assert not is_above(reached, mine)
        scores = [score(problem, evidence, name, other) for other in rest]
        assert not any(is_above(other, bound) for other in scores), name
        rest = [other for other, its in zip(rest, scores, strict=True) if not is_above(mine, its)]
    price: Any = plan.certificate["price_of_fairness"]
    assert not any(is_above(float(value(problem, other)), price["unfair_value_bound"]) for other in legal)


@pytest.mark.parametrize("seed", range(40))
def test_a_start_is_offered_exactly_where_the_rules_allow_a_block(seed: int) -> None:
    dice = random.Random(seed)
    problem = Problem.from_json(a_rich_problem(seed) | {"frozen_until": 0, "published": [], "pins": []})
    grid = Grid(problem, dict.fromkeys(problem.member_by_id, served(problem, ())["a"]))
    state = State(grid)
    for _ in range(12):
        part = dice.choice(grid.parts)
        for option in part.options:
            offered = state.board.starts(part, option)
            for start in range(problem.grains):
                is_offered = bool(offered >> start & 1)
                is_allowed = option.starts >> start & 1 and not breaks(state, part, option, start)
                assert is_allowed or not is_offered
                if is_allowed and not is_offered:  # changeover is kept to every block of a lane
                    assert grid.resources[option.resource].lane >= 0
        toggle(state, dice)


def breaks(state: State, part: GridPart, option: Option, start: int) -> bool:
    """Whether the rules that concern time and things forbid one more block."""
    grid, resource = state.grid, state.grid.resources[option.resource]
    can_ask = state.board.starts(part, option) >> start & 1
    unit = state.board.unit_for(part, option.resource, start, option.length) if can_ask else 0
    blocks = [*held(state), Held(part.place, option.resource, start, option.length, unit)]
    units = range(resource.capacity if resource.lane_by_unit and not can_ask else 1)
    drafts = (
        Draft(grid.problem, give_units(grid.problem, [placement_of(grid, row) for row in [*blocks[:-1], last]]))
        for last in ([blocks[-1]._replace(unit=unit) for unit in units] if not can_ask else [blocks[-1]])
    )
    return all(any(row.rule in BOARD_RULES for row in broken_rules(draft)) for draft in drafts)


def held(state: State) -> list[Held]:
    return [block for rows in state.blocks for block in rows]


def toggle(state: State, dice: random.Random) -> None:
    """Place a block somewhere, or take one away."""
    blocks = held(state)
    if blocks and dice.random() < 0.3:
        state.remove(dice.choice(blocks))
        return
    part = dice.choice(state.grid.parts)
    for option in part.options:
        if starts := state.board.starts(part, option):
            start = dice.choice([grain for grain in range(state.grid.grains) if starts >> grain & 1])
            unit = state.board.unit_for(part, option.resource, start, option.length)
            state.place(Held(part.place, option.resource, start, option.length, unit))
            return


@pytest.mark.parametrize("seed", range(40))
def test_what_is_served_and_taken_back_in_any_order_stays_legal(seed: int) -> None:
    dice = random.Random(seed)
    problem = Problem.from_json(a_rich_problem(seed) | {"frozen_until": 0, "published": [], "pins": []})
    grid = Grid(problem, dict.fromkeys(problem.member_by_id, served(problem, ())["a"]))
    state = State(grid)
    for _ in range(20):
        request = dice.choice(grid.requests)
        if dice.random() < 0.3:
            state.drop(request)
        else:
            state.serve(request, earliest)
        draft = Draft(problem, give_units(problem, [placement_of(grid, row) for row in held(state)]))
        assert broken_rules(draft) == []
        assert all(is_legal(state, row) for row in grid.requests)


@given(seed=st.integers(0, 10**6), fairness=st.sampled_from(POLICIES))
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
def test_a_plan_in_force_that_can_stay_stays_and_a_cancellation_moves_nothing(seed: int, fairness: str) -> None:
    document = a_random_problem(seed, fairness) | {"pins": [], "published": []}
    if fairness == "quota":  # without one request the others may be above their caps
        document["policy"]["quotas"] = []
    document = from_plan(document, plan_of(document), frozen_until=random.Random(seed).randint(0, 2))
    for changed in (document, without_request(document, "q1")):
        plan = plan_of(changed, is_repair=True)
        assert check(changed, plan.to_json()) == []
        assert plan.certificate["moved"] == 0


def test_an_outage_moves_what_it_hits_and_nothing_else() -> None:
    requests = [a_request(name, name, a_part(amount=2)) for name in ("q", "w", "x")]
    document = a_problem(*requests, published=[a_row("q", 0), a_row("w", 2), a_row("x", 4)])
    plan = plan_of(with_outage(document, "r", 2, 4), is_repair=True)
    assert [(block.request, block.start) for block in plan.blocks] == [("q", 0), ("w", 6), ("x", 4)]
    assert plan.certificate["moved"] == 0  # what an outage hits is published no longer


def test_without_repair_everything_that_is_not_frozen_may_move() -> None:
    document = a_problem(
        a_request("q", "m", a_part(amount=8, least=0), merit=1), a_request("w", "m", a_part(amount=2), merit=50),
        published=[a_row("q", start) for start in (0, 2, 4, 6)], frozen_until=4,
    )  # fmt: skip
    anew, kept = (plan_of(document, is_repair=is_repair) for is_repair in (False, True))
    assert {block.request for block in anew.blocks} == {"q", "w"}
    assert [block.start for block in anew.blocks if block.request == "q"][:2] == [0, 2]
    assert {block.request for block in kept.blocks} == {"q"}


def test_a_request_that_cannot_be_whole_keeps_what_is_frozen_and_published_but_gets_no_more() -> None:
    parts = [a_part("p", amount=6), a_part("never", alternatives=["closed"])]
    document = a_problem(
        a_request("q", "m", *parts, needs="all"), resources=[{"id": "r"}, {"id": "closed", "open": []}],
        published=[a_row("q", 0), a_row("q", 4)], frozen_until=1,
    )  # fmt: skip
    evidence = evidence_of(Problem.from_json(document), is_repair=True)
    plans: list[Plan] = []
    begin(evidence, plans.append, is_repair=True)
    for plan in (*plans, *plans_from(evidence, is_repair=True)):
        assert check(document, plan.to_json()) == []
        assert [block.start for block in plan.blocks] == [0, 4]
        assert plan.certificate["exemptions"] == [{"request": "q", "rule": "needs", "part": None}]


def test_a_pin_on_what_follows_finds_room_for_what_comes_before() -> None:
    parts = [a_part("first", amount=2), a_part("then", amount=2, alternatives=["s"])]
    lag = {"after": "first", "then": "then", "least": 1, "most": 1}
    document = a_problem(
        a_request("q", "m", *parts, needs="all", lags=[lag]), a_request("w", "n", a_part(amount=8), merit=50),
        resources=[{"id": "r"}, {"id": "s"}], pins=[{"resource": "s", "start": 4}],
    )  # fmt: skip
    plan = plan_of(document)
    assert [(block.part, block.start) for block in plan.blocks if block.request == "q"] == [("first", 1), ("then", 4)]


def test_pins_that_exclude_each_other_are_infeasible_with_their_path() -> None:
    pins = [{"request": "q", "start": 3}, {"request": "w", "start": 4}]
    with pytest.raises(Infeasible) as refused:
        plan_of(a_problem(a_request(), a_request("w"), pins=pins))
    assert refused.value.path == "pins[1]"


def test_blocks_go_to_preferred_starts_where_nothing_is_lost() -> None:
    part = a_part(amount=2, preferred=[[5, 7, 2]])
    plan = plan_of(a_problem(a_request("q", "m", part), a_request("w", "n", a_part(amount=6))))
    assert [block.start for block in plan.blocks if block.request == "q"] == [6]


def test_the_same_problem_gives_the_same_bytes_with_one_process_or_two() -> None:
    document = a_problem(*(a_request(f"q{place}", f"m{place % 3}", a_part(amount=6)) for place in range(6)), grains=24)
    texts = {json.dumps(plan_of(document, workers=workers).to_json()) for workers in (1, 1, 2)}
    assert len(texts) == 1
