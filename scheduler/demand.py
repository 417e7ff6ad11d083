"""How much a part can hold at most: where a block fits, and the largest total its lengths make."""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from scheduler.values import Interval, Needs, Part, Request

if TYPE_CHECKING:
    from scheduler.problem import Problem

MANY_BLOCKS = 50


@lru_cache(maxsize=8192)
def intersect(one: tuple[Interval, ...], other: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """The common intervals of two sorted lists."""
    found: list[Interval] = []
    left = right = 0
    while left < len(one) and right < len(other):
        (start, end), (begin, finish) = one[left], other[right]
        start = max(start, begin)
        if end <= finish:
            left += 1
        else:
            right += 1
            end = finish
        if start < end:
            found.append((start, end))
    return tuple(found)


@lru_cache(maxsize=4096)
def largest_total(lengths: tuple[int, ...], amount: int, most_blocks: int | None) -> int:
    """The largest sum ≤ amount of at most `most_blocks` lengths, each used any number of times."""
    step = math.gcd(*lengths)
    sizes, room = [length // step for length in lengths], amount // step
    limit = room // min(sizes)
    blocks = limit if most_blocks is None else min(limit, most_blocks)
    if blocks * max(sizes) <= room:
        return step * blocks * max(sizes)
    if blocks == limit:
        return step * (sums(sizes, room).bit_length() - 1)
    return step * largest_of_few(sizes, room, blocks)


def sums(sizes: list[int], room: int) -> int:
    """All sums ≤ room of any number of sizes, as bits: multiples of each size by doubling."""
    found, inside = 1, (1 << room + 1) - 1
    for size in sizes:
        multiple = size
        while multiple <= room:
            found |= found << multiple & inside
            multiple *= 2
    return found


def largest_of_few(sizes: list[int], room: int, blocks: int) -> int:
    """The largest sum ≤ room that the fewest sizes make with no more than `blocks` of them."""
    fewest = [0] + [blocks + 1] * room
    for total in range(1, room + 1):
        fewest[total] = min([fewest[total - size] + 1 for size in sizes if size <= total], default=blocks + 1)
    return max(total for total, count in enumerate(fewest) if count <= blocks)


@lru_cache(maxsize=32_768)
def lengths_to_try(lengths: tuple[int, ...], rest: int, most_blocks: int) -> tuple[int, ...]:
    """The lengths that fit into the rest, first those that can lead to the largest total, each group longest first.

    Of a rest of 192 grains, blocks of 144 waste 48, two of 96 none. Where very many blocks fit, little is wasted.
    """
    fitting = tuple(sorted((length for length in lengths if length <= rest), reverse=True))
    if len(fitting) < 2 or rest > MANY_BLOCKS * fitting[-1]:
        return fitting
    best = largest_total(fitting, rest, most_blocks)
    return tuple(
        sorted(fitting, key=lambda length: length + largest_total(fitting, rest - length, most_blocks - 1) < best)
    )


def windows(problem: "Problem", part: Part) -> Iterator[tuple[str, Interval]]:
    """Open and allowed intervals of every alternative."""
    for name in part.alternatives:
        for interval in intersect(problem.resource_by_id[name].open, part.allowed):
            yield name, interval


def part_demand(problem: "Problem", part: Part) -> int:
    """The largest total that lengths, most_blocks and least allow inside the part's windows; 0 if none.

    Blocks of a part never overlap, so no part holds more grains than the horizon has.
    """
    longest = 0
    for name in part.alternatives:
        for start, end in intersect(problem.resource_by_id[name].open, part.allowed):
            longest = max(longest, end - start)
    amount = min(part.amount, problem.grains)
    fitting = tuple(length for length in part.lengths if length <= min(longest, amount))
    total = largest_total(fitting, amount, part.most_blocks) if fitting else 0
    return total if total >= part.least else 0


def request_demands(problem: "Problem", request: Request) -> dict[str, int]:
    """Demand of each part; an `all` request with a part that can have no block has none.

    A part with least 0 may stay empty, so it makes nothing impossible.
    """
    demands = {part.id: part_demand(problem, part) for part in request.parts}
    blocked = any(demands[part.id] == 0 and part.least > 0 for part in request.parts)
    if request.needs is Needs.ALL and blocked:
        return dict.fromkeys(demands, 0)
    return demands
