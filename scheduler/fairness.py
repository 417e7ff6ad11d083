"""The leximin goal: the sorted vector of satisfactions as large as possible from the bottom.

Source: Ogryczak and Śliwiński, «On direct methods for lexicographic min-max optimization» (2006), and
Kurokawa, Procaccia and Shah, «Leximin allocations in the real world» (2018). Level by level: how few
members must stay at the lowest level that is still open? Fewer than now means that the level can rise.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ortools.sat.python import cp_model

from scheduler.figures import MICRO
from scheduler.search import Outcome, Relaxation, Requirement, Search

SAFE = 2**58
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


def most_above(search: Search, floors: Sequence[Floor], level: int, limit: float) -> Outcome:
    """As many members as possible above a level; the objective counts them."""

    def objective(model: cp_model.CpModel) -> cp_model.LinearExprT:
        reached = reach_levels(search, model, [level + 1, *(floor.level for floor in floors)])
        keep_floors(search, model, floors, reached)
        return cp_model.LinearExpr.sum(reached[level + 1])

    above = sum(1 for member in search.held if search.micro(member) > level)
    return search.solve("leximin", objective, limit, current=above, relaxation=Relaxation.WHOLE)


def raise_level(search: Search, floors: Sequence[Floor], level: int, exempt: int, limit: float) -> Outcome:
    """The lowest satisfaction of all but `exempt` members, raised as far as the limit allows."""

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

    return search.solve("leximin", objective, limit, current=level, relaxation=Relaxation.WHOLE)


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
    """Maximise the sorted vector, from its lowest entry upwards."""
    size = len(search.held)
    bound: tuple[int, ...] | None = None
    done = 0
    while done < size:
        vector = sorted(map(search.micro, search.held))
        if vector[done] == MICRO:
            break
        level = vector[done]
        outcome = most_above(search, floors(vector[: done + 1], 0), level, limit)
        staying = sum(1 for member in search.held if search.micro(member) <= level)
        if staying <= done:
            raised = sorted(map(search.micro, search.held))[done]
            raise_level(search, floors(vector[:done], 0), raised, done, limit * CLIMB_SHARE)
            continue
        if bound is None and not outcome.is_proven:
            fewest = min(staying, max(done, size - outcome.bound))
            bound = (*vector[:done], *[level] * (fewest - done), *[MICRO] * (size - fewest))
        done = staying
    reached = tuple(sorted(map(search.micro, search.held)))
    return Vector(reached, bound or reached)


def floors(vector: Sequence[int], slack: int) -> list[Floor]:
    """What keeps every sorted entry within `slack` millionths of the vector's."""
    found = []
    for place, level in enumerate(vector):
        if level > slack and (place == 0 or vector[place - 1] != level):
            found.append(Floor(level - slack, place))
    return found
