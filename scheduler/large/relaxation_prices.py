"""The best prices for given floors: by the linear program, or by descent where that is too large or gives up."""

from functools import cached_property

import numpy as np

from scheduler.large.dual import FROM_NEAR, FROM_SCRATCH, descend
from scheduler.large.relaxation_lp import (
    Frame,
    Solution,
    Unsolved,
    frame,
    highest_level,
    least_short,
    most_value,
)
from scheduler.large.relaxation_model import Coarse, Floats

MOST_ROWS = 60_000
"""Of the coarse problem: beyond this the program takes longer than the descent, which ends within 0.1 % of it."""
MOST_LEVELS = 6
NEARLY = 1e-7

Prices = tuple[Floats, Floats]
"""Of time by thing × cell, and of members."""


class Pricing:
    """Solves one coarse problem for several floors."""

    def __init__(self, model: Coarse, most_rows: int = MOST_ROWS) -> None:
        self.model = model
        self.is_small = model.rows <= most_rows

    @cached_property
    def base(self) -> Frame:
        return frame(self.model)

    def most_value(self, floors: Floats, near: Prices | None = None) -> Solution:
        """The most value under floors in cost-grains; `near` are prices for floors that are not far."""
        if self.is_small:
            try:
                return most_value(self.model, self.base, floors)
            except Unsolved:
                self.is_small = False
        return descend(self.model, floors, near, FROM_SCRATCH if near is None else FROM_NEAR)

    def levels(self) -> tuple[Floats, tuple[Prices, ...]]:
        """Leximin of satisfaction in the relaxation, and the prices that prove each level below 1.

        All are raised together, then those are settled that hold the others back. Not looked for where the program is
        too large: then nobody is said to be held back.
        """
        whole: tuple[Floats, tuple[Prices, ...]] = np.ones(len(self.model.members)), ()
        if not self.is_small:
            return whole
        try:
            # several times faster than raising the level
            is_whole = least_short(self.model, self.base).objective > -NEARLY
            return whole if is_whole else self.settled_levels()
        except Unsolved:
            return whole

    def settled_levels(self) -> tuple[Floats, tuple[Prices, ...]]:
        model = self.model
        count = len(model.members)
        levels, settled = np.zeros(count), np.zeros(count, dtype=bool)
        barriers: list[Prices] = []
        for _ in range(MOST_LEVELS):
            rising = np.where(settled, 0.0, model.fair)
            kept = np.where(settled, levels * model.fair * (1 - NEARLY), 0.0)
            solution = highest_level(model, self.base, rising, kept)
            levels[~settled] = min(1.0, solution.objective)
            barriers.append((solution.prices, solution.floors))
            binding = ~settled & (solution.floors * model.fair > NEARLY)
            settled |= binding
            if solution.objective >= 1 - NEARLY or not binding.any() or settled.all():
                break
        return levels, tuple(barriers)
