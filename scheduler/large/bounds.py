"""Bounds that no plan passes, from prices of the coarse relaxation, with their proof for the certificate.

Prices are rounded first and every claim is derived from the rounded ones by `scheduler.bound_proof`, so that the
independent check derives the same figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from scheduler.bound_cells import Standing, finer_boundaries
from scheduler.bound_proof import Prices, highest_floor, leximin_vector, most_earned, on_step, step_of_value, widened
from scheduler.bound_rooms import rooms_of
from scheduler.large.relaxation import GUIDE, Relaxation
from scheduler.large.relaxation_model import Coarse, Floats, coarse
from scheduler.large.relaxation_prices import MOST_ROWS, Pricing
from scheduler.problem import Problem

DIGITS = 6
LEVEL_DIGITS = 10
"""Satisfactions are compared in millionths."""
NEAR, UNFAIR_ENOUGH = 0.03, 0.5
"""Floors so close to those that prices were made for, or so low, lose less than half a percent of the bound."""
NOISE, SCALE = 1e-7, 1e6


@dataclass(frozen=True)
class Line:
    """What one set of prices proves about value, for every floor at once: `height` − floor × `slope`.

    It proves most at the floor `made_for`.
    """

    prices: Prices
    made_for: float
    height: float
    slope: float

    def at(self, floor: float) -> float:
        return widened(self.height - floor * self.slope)


@dataclass(frozen=True)
class Bounds:
    """Everything proven about one problem: lines for value, one without fairness, and the levels.

    `vector` is sorted, in millionths, over the members with a fair share; no plan's is lexicographically above it.
    """

    problem: Problem
    shares: Mapping[str, Fraction]
    model: Coarse
    lines: tuple[Line, ...]
    unfair_line: Line
    levels: tuple[Prices, ...]
    vector: tuple[int, ...]

    @property
    def unfair(self) -> float:
        """No legal plan has more value, fair or not."""
        return on_step(self.unfair_line.at(0.0), self.step)

    def value(self, worst: float) -> float:
        """No plan that is not below one with this worst satisfaction, under the policy's goals, has more value."""
        floor = highest_floor(self.problem, worst)
        return on_step(self.line_at(floor).at(floor), self.step)

    @cached_property
    def step(self) -> Fraction:
        """Every plan's value is a whole multiple of this."""
        return step_of_value(self.problem)

    def line_at(self, floor: float) -> Line:
        """The line that proves most at a floor."""
        return min((*self.lines, self.unfair_line), key=lambda line: line.at(floor))

    def proof(self, worst: float) -> dict[str, object]:
        """The certificate's `bound_proof` for a plan with this worst satisfaction (docs/reference/scheduler.md)."""
        floor = highest_floor(self.problem, worst)
        return {
            "cells": list(self.model.rooms.cells),
            "value": prices_row(self.line_at(floor).prices) | {"floor": floor},
            "unfair": prices_row(self.unfair_line.prices),
            "levels": [prices_row(prices) for prices in self.levels],
        }


def bounds_of(problem: Problem, shares: Mapping[str, Fraction], relaxation: Relaxation) -> Bounds:
    """Bounds from a relaxation of the problem; `shares` are fair shares in cost-grains."""
    model = relaxation.model
    if rows_of(model.rooms.standing) != rows_of(problem.frozen):  # pins have a choice; only what is frozen is certain
        model = coarse(rooms_of(problem, problem.frozen, relaxation.cells.tolist()), shares)
    rates = np.array([relaxation.member_prices[member] for member in model.members])
    return gathered(problem, shares, Pricing(model), (relaxation.prices.ravel(), rates), GUIDE)


def refined(bounds: Bounds, worst: float) -> Bounds:
    """Bounds on the next narrower cells, for plans of this worst satisfaction; the same where that is too large."""
    old = bounds.model
    cells = finer_boundaries(bounds.problem, old.rooms.cells)
    if cells is None or old.rows * len(cells) > MOST_ROWS * len(old.rooms.cells):
        return bounds
    pricing = Pricing(coarse(rooms_of(bounds.problem, bounds.problem.frozen, cells), bounds.shares))
    floor = highest_floor(bounds.problem, worst)
    solution = pricing.most_value(floor * pricing.model.fair)
    return gathered(bounds.problem, bounds.shares, pricing, (solution.prices, solution.floors), floor)


def tightened(bounds: Bounds, worst: float) -> Bounds:
    """The bounds with prices made for plans of this worst satisfaction."""
    model = bounds.model
    floor = highest_floor(bounds.problem, worst)
    solution = Pricing(model).most_value(floor * model.fair, arrays(model, bounds.line_at(floor).prices))
    return replace(bounds, lines=(*bounds.lines, line_of(model, solution.prices, solution.floors, floor)))


def sharpened(bounds: Bounds, worst: float) -> Bounds:
    """The bounds with prices made for plans like this one, unless some of theirs were made for nearly the same."""
    floor = highest_floor(bounds.problem, worst)
    is_near = any(abs(line.made_for - floor) <= NEAR for line in bounds.lines) or floor <= UNFAIR_ENOUGH
    return bounds if is_near else tightened(bounds, worst)


def gathered(
    problem: Problem,
    shares: Mapping[str, Fraction],
    pricing: Pricing,
    fair: tuple[Floats, Floats],
    floor: float,
) -> Bounds:
    """Bounds from fair prices of time and members; those without members, and those of the levels, are found here."""
    model = pricing.model
    nobody = np.zeros(len(model.members))
    unfair = pricing.most_value(nobody, (fair[0], nobody))
    levels = tuple(level_of(model, *barrier) for barrier in pricing.levels()[1])
    return Bounds(
        problem=problem,
        shares=shares,
        model=model,
        lines=(line_of(model, *fair, floor),),
        unfair_line=line_of(model, unfair.prices, nobody, 0.0),
        levels=levels,
        vector=leximin_vector(model.rooms, levels, shares),
    )


def rows_of(standing: Sequence[Standing]) -> list[tuple[str, str, str, int, int]]:
    return sorted((row.request, row.part, row.resource, row.start, row.length) for row in standing)


def line_of(model: Coarse, prices: Floats, rates: Floats, made_for: float) -> Line:
    """What prices of time and members prove about value."""
    kept = rounded(model, prices, rates, DIGITS)
    fair = dict(zip(model.members, model.fair.tolist(), strict=True))
    slope = sum(rate * fair[member] for member, rate in kept.members.items())
    return Line(kept, made_for, most_earned(model.rooms, kept, merit=True), slope)


def level_of(model: Coarse, prices: Floats, rates: Floats) -> Prices:
    """Prices that prove a level: only their proportions count, so they are scaled to a million."""
    scale = SCALE / max(prices.max(initial=0.0), rates.max(initial=0.0), NOISE)
    return rounded(model, prices * scale, rates * scale, LEVEL_DIGITS)


def rounded(model: Coarse, prices: Floats, rates: Floats, digits: int) -> Prices:
    """Prices with few digits and without the solver's noise or rows of zeros: any prices ≥ 0 prove something."""
    table = np.nan_to_num(prices, posinf=0.0).reshape(len(model.rooms.things), -1).tolist()
    time = {name: [short(price, digits) for price in row] for name, row in zip(model.rooms.things, table, strict=True)}
    members = {
        name: short(rate, digits)
        for name, rate in zip(model.members, np.nan_to_num(rates, posinf=0.0).tolist(), strict=True)
    }
    return Prices(
        {name: row for name, row in time.items() if any(row)}, {name: rate for name, rate in members.items() if rate}
    )


def arrays(model: Coarse, prices: Prices) -> tuple[Floats, Floats]:
    """Prices as arrays, by thing × cell and by member."""
    nothing = [0.0] * (len(model.rooms.cells) - 1)
    table = [prices.time.get(name, nothing) for name in model.rooms.things]
    return np.array(table).ravel(), np.array([prices.members.get(name, 0.0) for name in model.members])


def short(number: float, digits: int) -> float:
    kept = float(f"{number:.{digits}g}") if number > NOISE else 0.0
    return int(kept) if kept == int(kept) else kept


def prices_row(prices: Prices) -> dict[str, object]:
    return {"prices": dict(prices.time), "members": dict(prices.members)}
