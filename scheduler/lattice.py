"""The coarsest grid of starts that loses no plan."""

import math
from collections.abc import Iterator

from scheduler.problem import Problem
from scheduler.values import Part, Request


def lattice(problem: Problem) -> int:
    """Grains of which every start may be taken to be a whole multiple, in some plan as good as any.

    When every length, boundary and distance of the problem is a multiple of g, each start of a legal plan can be
    rounded down to one: all rules say that one moment is at least, or at most, so far behind another, and rounding
    keeps that order; what did not overlap does not overlap then either. A ban on single starts would break this.
    """
    if any(row.start is not None for row in problem.forbidden):
        return 1
    return math.gcd(problem.grains, problem.frozen_until, *numbers(problem)) or 1


def numbers(problem: Problem) -> Iterator[int]:
    """Every moment and distance the problem names."""
    for resource in problem.resources:
        yield from (moment for interval in resource.open for moment in interval)
        yield from resource.starts or ()
        yield from resource.changeover.values()
    for request in problem.requests:
        yield from request_numbers(request)
    for row in problem.published:
        yield from (row.start, row.length)
    for pin in problem.pins:
        yield from (pin.start or 0, pin.length or 0)


def request_numbers(request: Request) -> Iterator[int]:
    for lag in request.lags:
        yield from (lag.least, lag.most or 0)
    for part in request.parts:
        yield from part_numbers(part)


def part_numbers(part: Part) -> Iterator[int]:
    yield from part.lengths
    yield from (moment for interval in part.allowed for moment in interval)
    yield from (moment for row in part.preferred for moment in (row.start, row.end))
    if part.gap is not None:
        yield from (part.gap.least, part.gap.most or 0)
