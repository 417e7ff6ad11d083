"""What one part may hold at once, as one literal each: a single block, or a chain of blocks within its gap.

A literal for each block needs rules that tie the blocks of a part together, and their linear relaxation is weak: it
spreads a part thinly over many places. A literal for each chain says the same by at most one of them, which is tight.
It pays as long as the chains are few (column generation's set packing; Desrosiers and Lübbecke 2005).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

from scheduler.placements import Placement
from scheduler.problem import Problem
from scheduler.values import Needs, Part, Request

MOST_PER_PLACE = 8  # chains tried for each place; a part with more is said block by block


def chains_of(part: Part, places: Sequence[Placement]) -> list[tuple[int, ...]] | None:
    """Every set of places that the part may hold by its own rules; None when they are too many."""
    order = sorted(range(len(places)), key=lambda place: (places[place].start, places[place].end, place))
    starts = [places[place].start for place in order]
    found: list[tuple[int, ...]] = []
    waiting: list[tuple[int, ...]] = [(place,) for place in reversed(order) if places[place].length <= part.amount]
    tried = 0
    while waiting:
        chain = waiting.pop()
        tried += 1
        if tried > MOST_PER_PLACE * len(places):
            return None
        total = sum(places[place].length for place in chain)
        if total >= part.least:
            found.append(chain)
        if len(chain) == part.most_blocks:
            continue
        first, last = reach(part, places[chain[-1]].end)
        near = order[bisect_left(starts, first) : len(starts) if last is None else bisect_right(starts, last)]
        waiting += [(*chain, place) for place in near if total + places[place].length <= part.amount]
    return found


def reach(part: Part, end: int) -> tuple[int, int | None]:
    """First and last start of the block after one that ends here; None without a last one."""
    if part.gap is None:
        return end, None
    return end + part.gap.least, None if part.gap.most is None else end + part.gap.most


def twins_of(problem: Problem, request: Request) -> dict[str, list[str]]:
    """Parts that differ in nothing but their name, by the first of them: it stands for all in the model.

    Nothing else may tell them apart: no lag, no `needs: all`, no pin, ban or published block.
    """
    patterns = any(
        row.part is not None and row.request in (None, request.id) for row in (*problem.pins, *problem.forbidden)
    )
    named = patterns or any(row.request == request.id for row in problem.published)
    if named or request.lags or request.needs is Needs.ALL:
        return {part.id: [part.id] for part in request.parts}
    groups: dict[Part, list[str]] = {}
    for part in request.parts:
        groups.setdefault(replace(part, id=""), []).append(part.id)
    return {names[0]: names for names in groups.values()}
