"""Visits: what a part whose blocks must follow each other can hold, in a form with a tight relaxation.

A visit is a set of rows that is farther from all others than the part's gap allows, so all blocks of the part lie in
one visit. The gap rule by itself lets the relaxation spread a part thinly over all visits, which proves little about
what blocks of several parts leave room for.
"""

from collections.abc import Iterator, Mapping, Sequence

from ortools.sat.python import cp_model

from scheduler.model import Allocation, Row
from scheduler.values import Part

MOST_IN_VISIT = 24  # rows of a visit among which those that exclude each other are looked for


def visits_hold(allocation: Allocation, model: cp_model.CpModel, chosen: Mapping[int, bool]) -> None:
    """Every block lies in the one visit of its part; the chosen rows are the hint. Says nothing new about plans."""
    held = {allocation.rows[place].var.index for place in chosen}
    for request, part, rows in allocation.parts():
        if request.id in allocation.frozen_requests:
            continue
        found = list(visits(rows, part))
        literals = [model.new_bool_var("") for _ in found]
        model.add_at_most_one(literals)
        for visit, literal in zip(found, literals, strict=True):
            model.add_hint(literal, any(row.var.index in held for row in visit))
            for group in exclusions(visit, part):
                model.add(cp_model.LinearExpr.sum([row.var for row in group]) <= literal)


def visits(rows: Sequence[Row], part: Part) -> Iterator[list[Row]]:
    """The rows in order of start, cut wherever no block can reach the next one; none when the gap has no most."""
    if part.gap is None or part.gap.most is None:
        return
    visit: list[Row] = []
    end = 0
    for row in sorted(rows, key=lambda row: row.at.start):
        if visit and row.at.start > end + part.gap.most:
            yield visit
            visit = []
        visit.append(row)
        end = max(end, row.at.end)
    if visit:
        yield visit


def exclusions(visit: Sequence[Row], part: Part) -> list[list[Row]]:
    """Sets that cover the visit, of which no two rows are in one chain within the part's amount."""
    if len(visit) > MOST_IN_VISIT:
        return [[row] for row in visit]
    totals = [shortest_chains(visit, first, part) for first in range(len(visit))]
    groups: list[set[int]] = []
    for first in range(len(visit)):
        group = [first]
        for place in range(first + 1, len(visit)):
            if all(totals[other].get(place, part.amount + 1) > part.amount for other in group):
                group.append(place)
        if not any(known.issuperset(group) for known in groups):
            groups.append(set(group))
    return [[visit[place] for place in sorted(group)] for group in groups]


def shortest_chains(visit: Sequence[Row], first: int, part: Part) -> dict[int, int]:
    """For each row that a chain from the first one reaches within the gap, the least total of such a chain."""
    assert part.gap is not None  # noqa: S101 - visits are for parts with a gap
    least, most = part.gap.least, part.gap.most or 0
    totals = {first: visit[first].at.length}
    for place in range(first + 1, len(visit)):
        row = visit[place].at
        before = [
            total
            for other, total in totals.items()
            if visit[other].at.end + least <= row.start <= visit[other].at.end + most
        ]
        if before:
            totals[place] = min(before) + row.length
    return totals
