"""The leximin goal: the sorted vector of satisfactions as large as possible from the bottom.

Source: Ogryczak and Śliwiński, «On direct methods for lexicographic min-max optimization» (2006), and
Kurokawa, Procaccia and Shah, «Leximin allocations in the real world» (2018). Level by level: how few
members must stay at the lowest level that is still open? Fewer than now means that the level can rise.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ortools.sat.python import cp_model

from scheduler.figures import MICRO
from scheduler.search import Outcome, Relaxation, Requirement, Search

SAFE = 2**58
MOST_WEIGHT = 10**5  # of a member in a count: larger ones harm the relaxation
CLIMB_SHARE = 0.3  # of a level's limit, for raising it in one leap


@dataclass(frozen=True)
class Floor:
    """At most `below` members may have less than `level` millionths."""

    level: int
    below: int


def units_for(search: Search, member: str, level: int) -> int:
    """The fewest integer units of a member's holding whose rounded satisfaction reaches the level."""
    wanted = (level - Fraction(1, 2)) * search.shares[member] / MICRO
    return max(0, math.ceil(wanted / search.held[member].factor))


Reached = dict[int, list[cp_model.IntVar]]
"""For each level one literal per member: whether its satisfaction is that high."""


def reach_levels(search: Search, model: cp_model.CpModel, levels: Sequence[int]) -> Reached:
    """Literals in steps, each worth the units between two levels: this keeps the relaxation tight."""
    rising = sorted(set(levels))
    reached: Reached = {level: [] for level in rising}
    for member, figure in search.held.items():
        needs = [units_for(search, member, level) for level in rising]
        steps: list[cp_model.IntVar] = []
        for level in rising:
            step = model.new_bool_var("")
            if search.hint:
                model.add_hint(step, search.micro(member) >= level)
            if steps:
                model.add_implication(step, steps[-1])
            steps.append(step)
            reached[level].append(step)
        heights = [need - before for need, before in zip(needs, [0, *needs], strict=False)]
        model.add(search.allocation.total(figure) >= cp_model.LinearExpr.weighted_sum(steps, heights))
    return reached


def keep_floors(search: Search, model: cp_model.CpModel, floors: Sequence[Floor], reached: Reached) -> None:
    for floor in floors:
        model.add(cp_model.LinearExpr.sum(reached[floor.level]) >= len(search.held) - floor.below)


def require(search: Search, floors: Sequence[Floor]) -> Requirement:
    """The floors as a rule of the model."""

    def add(model: cp_model.CpModel) -> None:
        keep_floors(search, model, floors, reach_levels(search, model, [floor.level for floor in floors]))

    return add


def thresholds(levels: Sequence[int]) -> list[int]:
    """What to count members by, most important first: above the lowest level, at least at the next, above it, …

    «At least» keeps a plan from being taken for fairer that lifts some over a level and drops others between two.
    """
    return [number for level in levels for number in (level, level + 1)][1:]


def weights(count: int, size: int) -> list[int]:
    """So large that one member more at a threshold outweighs all of them at those behind it."""
    return [(size + 1) ** place for place in reversed(range(count))]


def lowest_levels(vector: Sequence[int], done: int) -> list[int]:
    """The levels behind the settled entries that one count can settle."""
    levels = sorted({level for level in vector[done:] if level < MICRO})
    while len(levels) > 1 and weights(2 * len(levels) - 1, len(vector))[0] > MOST_WEIGHT:
        levels.pop()
    return levels


def most_above(search: Search, floors: Sequence[Floor], levels: Sequence[int], limit: float) -> Outcome:
    """As many members as possible above the first level, then above the second, and so on, in one count."""
    steps = thresholds(levels)
    worth = dict(zip(steps, weights(len(steps), len(search.held)), strict=True))

    def objective(model: cp_model.CpModel) -> cp_model.LinearExprT:
        reached = reach_levels(search, model, [*steps, *(floor.level for floor in floors)])
        keep_floors(search, model, floors, reached)
        literals = [(literal, worth[step]) for step in steps for literal in reached[step]]
        return cp_model.LinearExpr.weighted_sum([literal for literal, _ in literals], [w for _, w in literals])

    search.unit_of.pop("leximin", None)  # it counts members here
    now = sum(worth[step] for step in steps for member in search.held if search.micro(member) >= step)
    return search.solve("leximin", objective, limit, current=now, relaxation=Relaxation.WHOLE)


def settle(vector: Sequence[int], levels: Sequence[int], bound: int) -> tuple[int, int]:
    """How many entries the bound on the count proves final, and the fewest that must stay at the level behind them."""
    size, steps = len(vector), thresholds(levels)
    counts = [sum(1 for entry in vector if entry >= step) for step in steps]
    settled, before, rest = 0, size, bound
    for place, (count, weight) in enumerate(zip(counts, weights(len(steps), size), strict=True)):
        if place % 2 and count < before:
            break  # somebody stands between two levels: only a new count can say more
        if place % 2 == 0:
            if rest // weight > count:
                return settled, size - min(size, rest // weight)
            settled = size - count
        rest, before = rest - weight * count, count
    return settled, settled


def raise_level(search: Search, floors: Sequence[Floor], level: int, exempt: int, limit: float, most: float) -> Outcome:
    """The lowest satisfaction of all but `exempt` members, raised as far as the limits allow."""

    def objective(model: cp_model.CpModel) -> cp_model.LinearExprT:
        rising = {member: model.new_bool_var("") for member in search.held}
        model.add(cp_model.LinearExpr.sum(list(rising.values())) >= len(search.held) - exempt)
        keep_floors(search, model, floors, reach_levels(search, model, [floor.level for floor in floors]))
        lowest = model.new_int_var(level, MICRO, "")
        by_height = sorted(search.held, key=search.micro)
        for member, figure in search.held.items():
            model.add_hint(rising[member], by_height.index(member) >= exempt)
            ratio = step_ratio(search, member)
            held = ratio.numerator * search.allocation.total(figure) + ratio.denominator
            model.add(held >= 2 * ratio.denominator * lowest).only_enforce_if(rising[member])
        model.add_hint(lowest, level)
        return lowest

    search.unit_of["leximin"] = 1 / MICRO
    return search.solve("leximin", objective, limit, current=level, most=most, relaxation=Relaxation.WHOLE)


def step_ratio(search: Search, member: str) -> Fraction:
    """Twice the millionths in one unit of a member's holding, with few enough digits for the solver."""
    figure = search.held[member]
    ratio = 2 * MICRO * figure.factor / search.shares[member]
    digits = SAFE // (4 * MICRO + 2 * max(1, figure.most) * max(1, math.ceil(ratio)))
    return ratio.limit_denominator(max(1, digits))


@dataclass(frozen=True)
class Vector:
    """The achieved sorted vector in millionths and what no plan's vector is above."""

    achieved: tuple[int, ...]
    bound: tuple[int, ...]


def leximin(search: Search, limit: float) -> Vector:
    """Maximise the sorted vector from its lowest entry upwards, several levels in one count."""
    size = len(search.held)
    bound: tuple[int, ...] | None = None
    done = rises = 0
    while True:
        vector = sorted(map(search.micro, search.held))
        levels = lowest_levels(vector, done)
        if not levels:
            break
        before = search.budget.spent
        outcome = most_above(search, floors(vector[: done + 1], 0), levels, limit)
        work = search.budget.spent - before
        vector = sorted(map(search.micro, search.held))
        settled, fewest = settle(vector, levels, outcome.bound)
        if vector[done] > levels[0]:
            rises += 1
            if rises > 1:  # the count after the first rise may well end it: only who rises again is worth a leap
                raise_level(search, floors(vector[:done], 0), vector[done], done, limit * CLIMB_SHARE, work)
            continue
        if settled <= done:
            staying = max(done, fewest)
            open_bound = (*vector[:done], *[levels[0]] * (staying - done), *[MICRO] * (size - staying))
            bound = bound or open_bound
            settled = bisect_right(vector, levels[0])
        done, rises = settled, 0
    reached = tuple(sorted(map(search.micro, search.held)))
    return Vector(reached, bound or reached)


def floors(vector: Sequence[int], slack: int) -> list[Floor]:
    """What keeps every sorted entry within `slack` millionths of the vector's."""
    found = []
    for place, level in enumerate(vector):
        if level > slack and (place == 0 or vector[place - 1] != level):
            found.append(Floor(level - slack, place))
    return found
