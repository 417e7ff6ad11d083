"""How much a part can hold at most: where a block fits, and the largest total its lengths make."""

import math
from collections.abc import Iterator
from functools import lru_cache

from scheduler.problem import Problem
from scheduler.values import Interval, Needs, Part, Request


def intersect(one: tuple[Interval, ...], other: tuple[Interval, ...]) -> Iterator[Interval]:
    """The common intervals of two sorted lists."""
    left = right = 0
    while left < len(one) and right < len(other):
        start, end = max(one[left][0], other[right][0]), min(one[left][1], other[right][1])
        if start < end:
            yield start, end
        if one[left][1] <= other[right][1]:
            left += 1
        else:
            right += 1


@lru_cache(maxsize=4096)
def largest_total(lengths: tuple[int, ...], amount: int, most_blocks: int | None) -> int:
    """The largest sum ≤ amount of at most `most_blocks` lengths, each used any number of times."""
    step = math.gcd(*lengths)
    sizes, room = [length // step for length in lengths], amount // step
    limit = room // min(sizes)
    blocks = limit if most_blocks is None else min(limit, most_blocks)
    unreachable = limit + 1
    fewest = [0] + [unreachable] * room
    for total in range(1, room + 1):
        fewest[total] = min([fewest[total - size] + 1 for size in sizes if size <= total], default=unreachable)
    return step * max(total for total, count in enumerate(fewest) if count <= blocks)


def windows(problem: Problem, part: Part) -> Iterator[tuple[str, Interval]]:
    """Open and allowed intervals of every alternative."""
    for name in part.alternatives:
        for interval in intersect(problem.resource_by_id[name].open, part.allowed):
            yield name, interval


def part_demand(problem: Problem, part: Part) -> int:
    """The largest total that lengths, most_blocks and least allow inside the part's windows; 0 if none.

    Blocks of a part never overlap, so no part holds more grains than the horizon has.
    """
    longest = max((end - start for _, (start, end) in windows(problem, part)), default=0)
    amount = min(part.amount, problem.grains)
    fitting = tuple(length for length in part.lengths if length <= min(longest, amount))
    total = largest_total(fitting, amount, part.most_blocks) if fitting else 0
    return total if total >= part.least else 0


def request_demands(problem: Problem, request: Request) -> dict[str, int]:
    """Demand of each part; an `all` request with a part that can have no block has none.

    A part with least 0 may stay empty, so it makes nothing impossible.
    """
    demands = {part.id: part_demand(problem, part) for part in request.parts}
    blocked = any(demands[part.id] == 0 and part.least > 0 for part in request.parts)
    if request.needs is Needs.ALL and blocked:
        return dict.fromkeys(demands, 0)
    return demands
