"""All legal plans of a tiny problem by plain enumeration, and the best of them by each policy."""

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product

from scheduler.figures import exact, moved_blocks, satisfactions, served, value
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


def all_places(problem: Problem, request: Request, part: Part) -> Iterator[Placement]:
    """Every resource, unit, start and length there is, legal or not."""
    for name in part.alternatives:
        resource = problem.resource_by_id[name]
        for unit in range(resource.capacity if needs_units(resource) else 1):
            for length in part.lengths:
                for start in range(problem.grains - length + 1):
                    place = Placement(request.id, part.id, name, start, length, unit)
                    if is_legal_alone(problem, place):
                        yield place


def is_legal_alone(problem: Problem, place: Placement) -> bool:
    """Whether the one block breaks no rule about single blocks."""
    block = Block(place.request, place.part, place.resource, place.unit, place.start, place.length)
    return not any(row.rule in SINGLE for row in broken_rules(Draft(problem, (block,))))


def request_options(problem: Problem, request: Request) -> list[tuple[Placement, ...]]:
    """Sets of blocks that one request may hold by itself."""
    alone = replace(problem, requests=(request,), pins=(), published=())
    by_part = []
    for part in request.parts:
        places = list(all_places(problem, request, part))
        most = part.amount // min(part.lengths)
        by_part.append([chosen for size in range(most + 1) for chosen in combinations(places, size)])
    options = []
    if math.prod(map(len, by_part)) > TOO_MANY:
        raise TooLarge
    for sets in product(*by_part):
        chosen = tuple(place for places in sets for place in places)
        plain = [row for row in broken_rules(Draft(alone, give_units(alone, chosen))) if row.rule != "quota"]
        if not plain:
            options.append(chosen)
    return options


def legal_plans(problem: Problem) -> list[Blocks]:
    """Every legal plan, up to the names of like units and but for quotas; frozen blocks are not supported."""
    problem = replace(problem, policy=replace(problem.policy, fairness=Fairness.LEXIMIN))
    options = [request_options(problem, request) for request in problem.requests]
    if math.prod(map(len, options)) > TOO_MANY:
        raise TooLarge
    plans = []
    for sets in product(*options):
        blocks = give_units(problem, [place for places in sets for place in places])
        if not broken_rules(Draft(problem, blocks)):
            plans.append(blocks)
    return plans


def alone(problem: Problem, plans: list[Blocks]) -> dict[str, Fraction]:
    """The most each member holds in a plan of only its requests and what pins may need."""
    fixed = {request.id for request in fixed_requests(problem)}
    found = {}
    for member in problem.member_by_id:
        own = fixed | {request.id for request in problem.requests if member in request.shares}
        found[member] = max(
            (served(problem, plan)[member] for plan in plans if all(block.request in own for block in plan)),
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


def key(problem: Problem, plan: Blocks, shares: dict[str, Fraction]) -> tuple[object, ...]:
    """What the policy compares, best last; preferences, then closeness to the published plan end it."""
    worth = value(problem, plan)
    liked = round(sum(preference_score(problem, block) for block in plan), 6)
    closing = (liked, -changeovers(problem, plan), -len(moved_blocks(problem.published, plan)))
    leximin = vector(problem, plan, shares)
    match problem.policy.fairness:
        case "merit":
            return worth, leximin, *closing
        case "proportional":
            return *welfare(problem, plan, shares), worth, *closing
        case "quota":
            return -floors_missed(problem, plan), leximin, worth, *closing
        case _:
            return leximin, worth, *closing
