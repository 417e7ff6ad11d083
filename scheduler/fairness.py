"""The leximin goal: the sorted vector of satisfactions as large as possible from the bottom.

Source: Ogryczak and Śliwiński, «On solving linear programs with ordered weighted averaging» and
Kurokawa, Procaccia and Shah, «Leximin allocations in the real world» (2018): one solve for each
distinct level, then one for how few members must stay on it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ortools.sat.python import cp_model

from scheduler.figures import MICRO
from scheduler.search import Requirement, Search

SAFE = 2**58


@dataclass(frozen=True)
class Floor:
    """At most `below` members may have less than `level` millionths."""

    level: int
    below: int


def units_for(search: Search, member: str, level: int) -> int:
    """The fewest integer units of a member's holding whose rounded satisfaction reaches the level."""
    wanted = (level - Fraction(1, 2)) * search.shares[member] / MICRO
    return math.ceil(wanted / search.held[member].factor)


def short_members(search: Search, model: cp_model.CpModel, level: int) -> list[cp_model.IntVar]:
    """One literal for each member that is allowed to stay below the level."""
    literals = []
    for member, figure in search.held.items():
        is_short = model.new_bool_var("")
        model.add(search.allocation.total(figure) >= units_for(search, member, level)).only_enforce_if(
            is_short.negated()
        )
        if search.hint:
            model.add_hint(is_short, search.micro(member) < level)
        literals.append(is_short)
    return literals


def require(search: Search, floor: Floor) -> Requirement:
    """The floor as a rule of the model."""

    def add(model: cp_model.CpModel) -> None:
        if floor.below == 0:
            for member, figure in search.held.items():
                model.add(search.allocation.total(figure) >= units_for(search, member, floor.level))
        else:
            model.add(cp_model.LinearExpr.sum(short_members(search, model, floor.level)) <= floor.below)

    return add


def worst_level(search: Search, model: cp_model.CpModel, exempt: int, beaten: int) -> cp_model.IntVar:
    """A variable for the lowest satisfaction of all but `exempt` members, those at or below `beaten`."""
    level = model.new_int_var(0, MICRO, "")
    short = short_members(search, model, beaten + 1) if exempt else []
    if exempt:
        model.add(cp_model.LinearExpr.sum(short) <= exempt)
    for place, (member, figure) in enumerate(search.held.items()):
        ratio = 2 * MICRO * figure.factor / search.shares[member]
        digits = SAFE // (4 * MICRO + 2 * max(1, figure.most) * max(1, math.ceil(ratio)))
        ratio = ratio.limit_denominator(max(1, digits))
        rule = model.add(
            ratio.numerator * search.allocation.total(figure) + ratio.denominator >= 2 * ratio.denominator * level
        )
        if short:
            rule.only_enforce_if(short[place].negated())
    if search.hint:
        model.add_hint(level, sorted(map(search.micro, search.held))[exempt])
    return level


@dataclass(frozen=True)
class Vector:
    """The achieved sorted vector in millionths and what no plan's vector is above."""

    achieved: tuple[int, ...]
    bound: tuple[int, ...]


def leximin(search: Search, fraction: float) -> Vector:
    """Maximise the sorted vector; keeps what was achieved for the goals that follow."""
    size = len(search.held)
    proven: list[int] = []
    bound: tuple[int, ...] | None = None
    done, beaten = 0, -1
    while done < size:
        exempt, lowest = done, beaten
        outcome = search.solve(
            "leximin",
            lambda model: worst_level(search, model, exempt, lowest),
            fraction,  # noqa: B023 - called at once
        )
        vector = sorted(map(search.micro, search.held))
        level = vector[done]
        if bound is None and not (outcome.is_proven or level == MICRO):
            bound = pad([*proven, min(MICRO, max(level, outcome.bound))], size)
        search.kept.append(require(search, Floor(level, done)))
        if level == MICRO:
            proven += [MICRO] * (size - done)
            break
        fewest = search.solve(
            "leximin",
            lambda model: -cp_model.LinearExpr.sum(short_members(search, model, level + 1)),  # noqa: B023 - called at once
            fraction,
        )
        staying = sum(1 for member in search.held if search.micro(member) <= level)
        proven += [level] * (staying - done)
        if bound is None and not fewest.is_proven:
            bound = pad(proven[: max(done + 1, -fewest.bound)], size)
        search.kept.append(require(search, Floor(level + 1, staying)))
        done, beaten = staying, level
    reached = tuple(sorted(map(search.micro, search.held)))
    return Vector(reached, bound or tuple(proven))


def pad(prefix: Sequence[int], size: int) -> tuple[int, ...]:
    """The proven prefix, then nothing known: 1 for all that follow."""
    return (*prefix, *[MICRO] * (size - len(prefix)))


def floors(vector: Sequence[int], slack: int) -> list[Floor]:
    """What keeps every sorted entry within `slack` millionths of the vector's."""
    found = []
    for place, level in enumerate(vector):
        if level > slack and (place == 0 or vector[place - 1] != level):
            found.append(Floor(level - slack, place))
    return found
