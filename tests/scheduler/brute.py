"""All legal plans of a tiny problem by plain enumeration, and the best of them by each policy."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product

from scheduler.certificate import EXEMPT_RULES, exemptions
from scheduler.figures import MICRO, exact, moved_blocks, satisfactions, served, value
from scheduler.fixed import fixed_requests
from scheduler.lanes import count_changeovers, lane_of, needs_units
from scheduler.placements import Placement, give_units, preference_score
from scheduler.plan import Block
from scheduler.problem import Problem
from scheduler.rules import Draft
from scheduler.rules_shared import broken_rules
from scheduler.values import Fairness, Part, Request

Blocks = tuple[Block, ...]
TOO_MANY = 6_000
SINGLE = ("alternative", "length", "window", "open", "start", "frozen_until", "forbidden", "amount", "capacity")


class TooLarge(Exception):
    """The problem has too many plans to enumerate."""


def units_of(problem: Problem, name: str) -> range:
    """The units between which a plan can choose."""
    resource = problem.resource_by_id[name]
    return range(resource.capacity if needs_units(resource) else 1)


def all_places(problem: Problem, request: Request, part: Part) -> Iterator[Placement]:
    """Every resource, unit, start and length there is, legal or not."""
    for name in part.alternatives:
        for unit in units_of(problem, name):
            for length in part.lengths:
                for start in range(problem.frozen_until, problem.grains - length + 1):
                    place = Placement(request.id, part.id, name, start, length, unit)
                    if is_legal_alone(problem, place):
                        yield place


def is_legal_alone(problem: Problem, place: Placement) -> bool:
    """Whether the one block breaks no rule about single blocks."""
    block = Block(place.request, place.part, place.resource, place.unit, place.start, place.length)
    return not any(row.rule in SINGLE for row in broken_rules(Draft(problem, (block,))))


def is_legal(problem: Problem, blocks: Blocks) -> bool:
    """Whether no rule is broken but those that are lifted from requests with frozen blocks."""
    lifted = {row.request for row in problem.frozen}
    return all(
        row.rule in EXEMPT_RULES and row.where.partition("/")[0] in lifted
        for row in broken_rules(Draft(problem, blocks))
    )


def request_options(problem: Problem, request: Request) -> list[tuple[Placement, ...]]:
    """Sets of blocks that one request may hold by itself, frozen ones among them."""
    kept = tuple(row for row in problem.frozen if row.request == request.id)
    policy = replace(problem.policy, fairness=Fairness.LEXIMIN)
    alone = replace(problem, requests=(request,), pins=(), published=kept, policy=policy)
    by_part: list[list[tuple[Placement, ...]]] = [
        [(Placement(row.request, row.part, row.resource, row.start, row.length, unit),) for unit in units]
        for row, units in ((row, units_of(problem, row.resource)) for row in kept)
    ]
    for part in request.parts:
        places = list(all_places(problem, request, part))
        most = part.amount // min(part.lengths)
        by_part.append([chosen for size in range(most + 1) for chosen in combinations(places, size)])
    if math.prod(map(len, by_part)) > TOO_MANY:
        raise TooLarge
    options = (tuple(place for places in sets for place in places) for sets in product(*by_part))
    return [chosen for chosen in options if is_legal(alone, give_units(alone, chosen))]


def legal_plans(problem: Problem) -> list[Blocks]:
    """Every legal plan, up to the names of like units and but for quotas."""
    problem = replace(problem, policy=replace(problem.policy, fairness=Fairness.LEXIMIN))
    options = [request_options(problem, request) for request in problem.requests]
    if math.prod(map(len, options)) > TOO_MANY:
        raise TooLarge
    plans = (give_units(problem, [place for places in sets for place in places]) for sets in product(*options))
    return [blocks for blocks in plans if is_legal(problem, blocks)]


def alone(problem: Problem, plans: list[Blocks]) -> dict[str, Fraction]:
    """The most each member holds in a plan of only its requests and what is fixed, as few rules lifted as can be."""
    fixed = {request.id for request in fixed_requests(problem)}
    found = {}
    for member in problem.member_by_id:
        own = fixed | {request.id for request in problem.requests if member in request.shares}
        choice = [plan for plan in plans if all(block.request in own for block in plan)]
        lifted = [len(exemptions(problem, plan)) for plan in choice]
        found[member] = max(
            (served(problem, plan)[member] for plan, count in zip(choice, lifted, strict=True) if count == min(lifted)),
            default=Fraction(0),
        )
    return found


def vector(problem: Problem, plan: Blocks, shares: dict[str, Fraction]) -> tuple[int, ...]:
    return tuple(sorted(satisfactions(served(problem, plan), shares).values()))


def welfare(problem: Problem, plan: Blocks, shares: dict[str, Fraction]) -> tuple[int, float]:
    """Members with something, then Σ weight × log s."""
    micro = satisfactions(served(problem, plan), shares)
    logs = [problem.member_by_id[m].weight * math.log(s / 1e6) for m, s in micro.items() if s]
    return len(logs), round(math.fsum(logs), 6)


def floors_missed(problem: Problem, plan: Blocks) -> Fraction:
    held = served(problem, plan)
    total = sum(held.values(), Fraction(0))
    return sum(
        (
            max(Fraction(0), exact(row.floor) - (sum(held[m] for m in row.members) / total if total else 0))
            for row in problem.policy.quotas
        ),
        Fraction(0),
    )


def changeovers(problem: Problem, plan: Blocks) -> int:
    """Changes of configuration that the table lists, on lanes that run one block at a time."""
    lanes: dict[tuple[str, ...], list[tuple[Block, str]]] = {}
    parallel = {resource.exclusive for resource in problem.resources if resource.capacity > 1}
    for block in plan:
        resource = problem.resource_by_id[block.resource]
        configuration = problem.request_by_id[block.request].part_by_id[block.part].configuration
        if configuration and not (resource.exclusive and resource.exclusive in parallel):
            lanes.setdefault(lane_of(resource, block.unit), []).append((block, configuration))
    return sum(count_changeovers(rows, problem.resources[0].changeover) for rows in lanes.values())


Score = Callable[[Blocks], object]


def goals(problem: Problem, shares: dict[str, Fraction]) -> list[tuple[str, Score]]:
    """What the policy compares, in order; a higher score is better."""
    scores: dict[str, Score] = {
        "exemptions": lambda plan: -len(exemptions(problem, plan)),
        "leximin": lambda plan: vector(problem, plan, shares),
        "value": lambda plan: value(problem, plan),
        "welfare": lambda plan: welfare(problem, plan, shares),
        "floors": lambda plan: -floors_missed(problem, plan),
        "preferences": lambda plan: round(sum(preference_score(problem, block) for block in plan), 6),
        "changeovers": lambda plan: -changeovers(problem, plan),
        "unmoved": lambda plan: -len(moved_blocks(problem.published, plan)),
    }
    order = {
        Fairness.LEXIMIN: ("leximin", "value"),
        Fairness.MERIT: ("value", "leximin"),
        Fairness.PROPORTIONAL: ("welfare", "value"),
        Fairness.QUOTA: ("floors", "leximin", "value"),
    }[problem.policy.fairness]
    return [(name, scores[name]) for name in ("exemptions", *order, "preferences", "changeovers", "unmoved")]


def shortcomings(problem: Problem, found: Blocks, plans: list[Blocks], shares: dict[str, Fraction]) -> list[str]:
    """The goals that a plan misses, each among the plans that are best by the goals before it."""
    slack = round(problem.policy.value_slack * MICRO)
    missed = []
    rest = plans
    for name, score in goals(problem, shares):
        scores = [score(plan) for plan in rest]
        best = max(scores)  # type: ignore[type-var]  # one goal's scores compare with each other
        kept = [is_kept(one, best, slack if name == "leximin" else 0) for one in scores]
        if not is_kept(score(found), best, slack if name == "leximin" else 0):
            missed.append(f"{name}: {score(found)} instead of {best}")
        rest = [plan for plan, is_best in zip(rest, kept, strict=True) if is_best]
    return missed


def is_kept(score: object, best: object, slack: int) -> bool:
    """Whether a score is the best one, but for the slack of each sorted entry."""
    if slack and isinstance(score, tuple) and isinstance(best, tuple):
        return all(entry >= most - slack for entry, most in zip(score, best, strict=True))
    return score == best
