"""The most that one request could hold if everything else were empty: its blocks packed into their legal starts."""

from collections.abc import Mapping

from scheduler.large.bits import first, later, span
from scheduler.large.grid import Grid, GridPart, GridRequest

MOST_STATES = 4000
"""Totals kept for one part at most: beyond them its demand stands as the bound."""


def most_of_request(grid: Grid, request: GridRequest) -> dict[int, int]:
    """A bound on the grains of each part, by its place; the parts may still be in each other's way.

    Parts are packed one after the other in the order of their lags, each only where the last block of those before
    it can have ended in time. An `all` request that misses a part with a least holds nothing.
    """
    most: dict[int, int] = {}
    ends: dict[int, int] = {}
    for place in request.parts:
        part = grid.parts[place]
        most[place], ends[place] = most_of_part(part, window(grid, part, ends), grid.grains)
        if request.needs_all and part.least > 0 and not most[place]:
            return dict.fromkeys(request.parts, 0)
    return most


def window(grid: Grid, part: GridPart, ends: dict[int, int]) -> int:
    """Starts that the lags leave to a part, for any of the ends that the parts before it can have."""
    found = span(0, grid.grains)
    for lag in part.follows:
        reach = grid.grains if lag.most is None else lag.most - lag.least
        found &= later(ends[lag.after] << lag.least, reach)
    return found


def most_of_part(part: GridPart, allowed: int, grains: int) -> tuple[int, int]:
    """The largest total of blocks that keep the part's gap, and the grains at which the last of them can end."""
    starts: dict[int, int] = {}
    for option in part.options:
        starts[option.length] = starts.get(option.length, 0) | (option.starts & allowed)
    reached = packed(part, starts, grains)
    if reached is None:
        return part.demand, span(0, grains + 1)
    enough = [total for total in reached if total >= part.least]
    anywhere = 0
    for total in enough:
        anywhere |= reached[total]
    return max(enough, default=0), anywhere


def packed(part: GridPart, starts: Mapping[int, int], grains: int) -> dict[int, int] | None:
    """Every total that blocks can make, with the grains where the last of them can end; None beyond MOST_STATES.

    By the number of blocks and their total, the set of grains where the last one can end is all that matters for the
    next: an exact dynamic programme over the part's own rules.
    """
    reached: dict[int, int] = {}
    level = {0: 1}
    states = 0
    for count in range(part.most_blocks):
        step: dict[int, int] = {}
        for total, ends in level.items():
            free = behind(part, ends, grains) if count else span(0, grains)
            for length, places in starts.items():
                if places & free and total + length <= part.amount:
                    step[total + length] = step.get(total + length, 0) | (places & free) << length
        for total, ends in step.items():
            reached[total] = reached.get(total, 0) | ends
        states += len(step)
        if not step or states > MOST_STATES:
            break
        level = step
    return reached if states <= MOST_STATES else None


def behind(part: GridPart, ends: int, grains: int) -> int:
    """Starts that keep the gap after one of the ends."""
    if part.gap_most is None:
        return span(min(first(ends) + part.gap_least, grains), grains)
    return later(ends << part.gap_least, part.gap_most - part.gap_least)
