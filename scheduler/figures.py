"""The figures of a plan as formulas: served, satisfaction, value, evenness and envy."""

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache

from scheduler.plan import Block
from scheduler.problem import Problem
from scheduler.values import Published, Request

MICRO = 1_000_000  # satisfaction is compared in millionths
LOG_SCALE = 10**9  # welfare is compared to nine decimals


@lru_cache(maxsize=10_000)
def exact(number: float) -> Fraction:
    """The decimal number as it was written: 0.7 is 7/10, not the nearest binary fraction."""
    return Fraction(str(number))


def cost_grains(problem: Problem, block: Block | Published) -> Fraction:
    """u = length × cost, the unit of account."""
    return block.length * exact(problem.resource_by_id[block.resource].cost)


def served(problem: Problem, blocks: Iterable[Block]) -> dict[str, Fraction]:
    """Cost-grains each member holds; a joint request is charged by its shares."""
    grains: dict[tuple[str, float, float], int] = {}
    for block in blocks:
        cost = problem.resource_by_id[block.resource].cost
        for member, share in problem.request_by_id[block.request].shares.items():
            key = member, cost, share
            grains[key] = grains.get(key, 0) + block.length
    held = {member.id: Fraction(0) for member in problem.members}
    for (member, cost, share), total in grains.items():
        held[member] += total * exact(cost) * exact(share)
    return held


def part_totals(blocks: Iterable[Block]) -> dict[tuple[str, str], int]:
    """Grains served to each (request, part) that has a block."""
    totals: dict[tuple[str, str], int] = {}
    for block in blocks:
        key = block.request, block.part
        totals[key] = totals.get(key, 0) + block.length
    return totals


def micro_satisfaction(held: Fraction, fair_share: Fraction) -> int:
    """min(1, held / fair share), rounded to millionths."""
    return int(min(Fraction(1), held / fair_share) * MICRO + Fraction(1, 2))


def satisfactions(held: Mapping[str, Fraction], fair_shares: Mapping[str, Fraction]) -> dict[str, int]:
    """Satisfaction in millionths of every member with a fair share above 0."""
    return {member: micro_satisfaction(held[member], share) for member, share in fair_shares.items() if share > 0}


def value(problem: Problem, blocks: Iterable[Block]) -> Fraction:
    """Σ merit × u."""
    grains: dict[tuple[float, float], int] = {}
    for block in blocks:
        key = problem.request_by_id[block.request].merit, problem.resource_by_id[block.resource].cost
        grains[key] = grains.get(key, 0) + block.length
    return sum((exact(merit) * exact(cost) * total for (merit, cost), total in grains.items()), Fraction(0))


def welfare(problem: Problem, micro: Mapping[str, int]) -> float:
    """Σ weight × log s to nine decimals, weights scaled to sum 1, of satisfactions in millionths.

    Weighted Nash welfare (1950); for indivisible goods Caragiannis et al. (2019). A member with nothing counts for
    more than all others could make up.
    """
    weights = {member: problem.member_by_id[member].weight for member in micro}
    total = sum(weights.values())
    nothing = -round(math.log(MICRO) * LOG_SCALE) - len(weights)
    logarithms = (
        round(weights[member] / total * math.log(entry / MICRO) * LOG_SCALE) if entry else nothing
        for member, entry in micro.items()
    )
    return sum(logarithms) / LOG_SCALE


def jain(entries: Sequence[float]) -> float:
    """(Σs)² / (n Σs²) (Jain, Chiu and Hawe 1984); 1 when all are equal, also when all are 0."""
    squares = sum(entry * entry for entry in entries)
    return sum(entries) ** 2 / (len(entries) * squares) if squares else 1.0


def gini(entries: Sequence[float]) -> float:
    """ΣΣ|sᵢ − sⱼ| / (2 n Σs), by the place of each entry among all; 0 when all are equal."""
    total, count = sum(entries), len(entries)
    if not total:
        return 0.0
    spread = sum((2 * place + 1 - count) * entry for place, entry in enumerate(sorted(entries)))
    return spread / (count * total)


def worst_tenth(s_sorted: Sequence[float]) -> float | None:
    """p10: the sorted entry at ⌊n/10⌋; None without members."""
    return s_sorted[len(s_sorted) // 10] if s_sorted else None


def below_half(entries: Iterable[float]) -> int:
    """Members with less than half of their fair share."""
    return sum(1 for entry in entries if entry < 1 / 2)


def moved_blocks(published: Iterable[Published], blocks: Iterable[Block]) -> list[Published]:
    """Published blocks that no block of the plan repeats in request, part, resource, start and length."""
    kept = {(block.request, block.part, block.resource, block.start, block.length) for block in blocks}
    return [row for row in published if (row.request, row.part, row.resource, row.start, row.length) not in kept]


def is_fully_served(request: Request, totals: Mapping[tuple[str, str], int]) -> bool:
    """Whether every part holds its whole amount."""
    return all(totals.get((request.id, part.id), 0) >= part.amount for part in request.parts)


def worst_envy(
    problem: Problem, held: Mapping[str, Fraction], fair_shares: Mapping[str, Fraction]
) -> dict[str, object]:
    """The largest lead in (past use + held) / weight of anyone over a member below its fair share.

    Weighted envy after Chakraborty, Igarashi, Suksompong and Zick (2021), in cost-grains per weight.
    """
    level = {member.id: (member.past_use + held[member.id]) / exact(member.weight) for member in problem.members}
    short = [member for member, share in fair_shares.items() if share > held[member]]
    envied = max((member for member in level if held[member] > 0), key=lambda member: level[member], default=None)
    if not short or envied is None:
        return {"amount": 0.0, "envious": None, "envied": None}
    envious = min(short, key=lambda member: level[member])
    amount = level[envied] - level[envious]
    if amount <= 0:
        return {"amount": 0.0, "envious": None, "envied": None}
    return {"amount": float(amount), "envious": envious, "envied": envied}
