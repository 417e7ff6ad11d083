"""Exact fractions as integers that fit a 64-bit solver."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

ROOM = 2**50  # leaves the solver twelve bits for sums and products of its own


@dataclass(frozen=True)
class Scaled:
    """Integer coefficients; the true total is `factor` × theirs, give or take `error`."""

    coefficients: dict[int, int]
    factor: Fraction
    error: Fraction

    @property
    def most(self) -> int:
        """The largest total that any set of rows could have."""
        return sum(number for number in self.coefficients.values() if number > 0)


def scale(coefficients: Mapping[int, Fraction]) -> Scaled:
    """Exact where the common denominator allows it, else to 50 bits with the error stated."""
    kept = {key: coefficient for key, coefficient in coefficients.items() if coefficient}
    if not kept:
        return Scaled({}, Fraction(1), Fraction(0))
    denominator = math.lcm(*(coefficient.denominator for coefficient in kept.values()))
    whole = {key: int(coefficient * denominator) for key, coefficient in kept.items()}
    divisor = math.gcd(*whole.values())
    if sum(map(abs, whole.values())) // divisor <= ROOM:
        return Scaled(
            {key: number // divisor for key, number in whole.items()}, Fraction(divisor, denominator), Fraction(0)
        )
    factor = sum(map(abs, kept.values()), Fraction(0)) / ROOM
    rounded = {key: round(coefficient / factor) for key, coefficient in kept.items()}
    return Scaled(rounded, factor, factor * len(kept))
