"""The rules within one request, added to the model; each states the rule of the same name in `rules`."""

from collections.abc import Iterable
from itertools import groupby

from ortools.sat.python import cp_model

from scheduler.errors import Infeasible
from scheduler.model import Allocation, Literal, Row, cliques
from scheduler.values import Lag, Needs, Part, Request


def total_length(rows: Iterable[Row]) -> cp_model.LinearExprT:
    chosen = list(rows)
    return cp_model.LinearExpr.weighted_sum([row.var for row in chosen], [row.at.length for row in chosen])


def part_is_present_with_its_blocks(allocation: Allocation) -> None:
    """A part is present when it has a block."""
    for request, part, rows in allocation.parts():
        present = allocation.present[request.id, part.id]
        for row in rows:
            allocation.model.add_implication(row.var, present)
        allocation.model.add_bool_or([present.negated(), *(row.var for row in rows)])


def amounts_hold(allocation: Allocation) -> None:
    """At most the amount in at most `most_blocks` blocks; what is frozen stays even above."""
    for _, part, rows in allocation.parts():
        if not rows:
            continue
        frozen = {row.at[:5]: row.at.length for row in rows if row.frozen}
        allocation.model.add(total_length(rows) <= max(part.amount, sum(frozen.values())))
        if part.most_blocks is not None:
            allocation.model.add(
                cp_model.LinearExpr.sum([row.var for row in rows]) <= max(part.most_blocks, len(frozen))
            )


def leasts_hold(allocation: Allocation) -> None:
    """A part that holds anything holds its least."""
    for request, part, rows in allocation.parts():
        if rows and part.least > min(row.at.length for row in rows):
            rule = allocation.model.add(total_length(rows) >= part.least * allocation.present[request.id, part.id])
            enforce_unless(rule, allocation.unless_exempt(request, "least", part))


def enforce_unless(rule: cp_model.Constraint, lifted: list[Literal]) -> None:
    if lifted:
        rule.only_enforce_if(lifted[0].negated())


def needs_hold(allocation: Allocation) -> None:
    """`needs: all`: every part with a least above 0 holds something, or the whole request nothing."""
    for request in allocation.requests:
        if request.needs is not Needs.ALL or len(request.parts) == 1:
            continue
        touched = allocation.model.new_bool_var("")
        for part in request.parts:
            present = allocation.present[request.id, part.id]
            allocation.model.add_implication(present, touched)
            if part.least > 0:
                lifted = allocation.unless_exempt(request, "needs")
                allocation.model.add_bool_or([touched.negated(), present, *lifted])


def requests_do_not_overlap_themselves(allocation: Allocation) -> None:
    """Blocks of one request never overlap in time."""
    for _, group in groupby(enumerate(allocation.rows), key=lambda item: item[1].at.request):
        spans = [(row.at.start, row.at.end, place) for place, row in group]
        for clique in cliques(spans):
            allocation.model.add_at_most_one(allocation.rows[place].var for place in clique)


def gaps_hold(allocation: Allocation) -> None:
    """Consecutive blocks of a part are `gap` apart, end to start, both ends included."""
    for request, part, rows in allocation.parts():
        if part.gap is None or len(rows) <= 1:
            continue
        if part.gap.least > 0:
            spans = [(row.at.start, row.at.end + part.gap.least, place) for place, row in enumerate(rows)]
            for clique in cliques(spans):
                rule = allocation.model.add(cp_model.LinearExpr.sum([rows[place].var for place in clique]) <= 1)
                enforce_unless(rule, allocation.unless_exempt(request, "gap", part))
        if part.gap.most is not None:
            chain_blocks(allocation, request, part, rows, part.gap.least, part.gap.most)


def chain_blocks(allocation: Allocation, request: Request, part: Part, rows: list[Row], least: int, most: int) -> None:
    """Every block but one has a successor within the gap, so the blocks form one chain."""
    last = [allocation.model.new_bool_var("") for _ in rows]
    allocation.model.add_at_most_one(last)
    lifted = allocation.unless_exempt(request, "gap", part)
    for row, is_last in zip(rows, last, strict=True):
        first_start, last_start = row.at.end + least, row.at.end + most
        successors = [other.var for other in rows if first_start <= other.at.start <= last_start]
        allocation.model.add_bool_or([row.var.negated(), is_last, *successors, *lifted])


def lags_hold(allocation: Allocation) -> None:
    """Every block of `then` starts least … most grains after the last block of `after` ends; none without it."""
    for request in allocation.requests:
        for after in sorted({lag.after for lag in request.lags}):
            rows = allocation.of_part[request.id, after]
            last = last_blocks(allocation, rows, allocation.present[request.id, after])
            for lag in request.lags:
                if lag.after == after:
                    follow(allocation, request, lag, list(zip(rows, last, strict=True)))


def last_blocks(allocation: Allocation, rows: list[Row], present: Literal) -> list[Literal]:
    """For each block whether it is the part's last; a present part has exactly one."""
    model = allocation.model
    end = model.new_int_var(0, allocation.problem.grains, "")
    last = [model.new_bool_var("") for _ in rows]
    for row, is_last in zip(rows, last, strict=True):
        model.add_implication(is_last, row.var)
        model.add(end >= row.at.end).only_enforce_if(row.var)
        model.add(end <= row.at.end).only_enforce_if(is_last)
    model.add(cp_model.LinearExpr.sum(last) == present)
    return last


def follow(allocation: Allocation, request: Request, lag: Lag, before: list[tuple[Row, Literal]]) -> None:
    lifted = allocation.unless_exempt(request, "lag", request.part_by_id[lag.then])
    for row in allocation.of_part[request.id, lag.then]:
        latest = row.at.start - lag.least
        earliest = 0 if lag.most is None else row.at.start - lag.most
        ends = [is_last for other, is_last in before if earliest <= other.at.end <= latest]
        allocation.model.add_bool_or([row.var.negated(), *ends, *lifted])


def pins_hold(allocation: Allocation) -> None:
    """Every pin is matched by a block; raises Infeasible when no block can match."""
    for place, pin in enumerate(allocation.problem.pins):
        matching = [row.var for row in allocation.rows if pin.matches(*row.at[:5])]
        if not matching:
            raise Infeasible(f"pins[{place}]", "no legal block matches this pin")
        allocation.model.add_bool_or(matching)
