"""The rules within one request, added to the model; each states the rule of the same name in `rules`."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from ortools.sat.python import cp_model

from scheduler.errors import Infeasible
from scheduler.model import Allocation, Literal, PartKey, Row, cliques, literals_of
from scheduler.values import Lag, Needs, Part, Request


def total_length(rows: Iterable[Row]) -> cp_model.LinearExprT:
    terms = [(literal, row.at.length) for row in rows for literal in row.literals]
    return cp_model.LinearExpr.weighted_sum([literal for literal, _ in terms], [length for _, length in terms])


def part_is_present_with_its_blocks(allocation: Allocation) -> None:
    """A part is present when it has a block."""
    for request, part, rows in allocation.said_by_blocks():
        present = allocation.present[request.id, part.id]
        literals = literals_of(rows)
        for literal in literals:
            allocation.model.add_implication(literal, present)
        allocation.model.add_bool_or([present.negated(), *literals])


def amounts_hold(allocation: Allocation) -> None:
    """At most the amount in at most `most_blocks` blocks; what is frozen stays even above."""
    for request, part, rows in allocation.said_by_blocks():
        if not rows:
            continue
        frozen = {row.at[:5]: row.at.length for row in rows if row.frozen}
        most = max(part.amount, sum(frozen.values()))
        present = allocation.present[request.id, part.id] if presence_matters(request, part) else 1
        allocation.model.add(total_length(rows) <= most * present)
        if part.most_blocks is not None:
            allocation.model.add(cp_model.LinearExpr.sum(literals_of(rows)) <= max(part.most_blocks, len(frozen)))


def presence_matters(request: Request, part: Part) -> bool:
    """Whether another rule asks if the part is there: only then its amount is worth tying to that."""
    together = request.needs is Needs.ALL and len(request.parts) > 1
    return part.least > min(part.lengths) or together or bool(request.lags)


def leasts_hold(allocation: Allocation) -> None:
    """A part that holds anything holds its least."""
    for request, part, rows in allocation.said_by_blocks():
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
            allocation.model.add_at_most_one(literals_of(allocation.rows[place] for place in clique))


def gaps_hold(allocation: Allocation) -> None:
    """Consecutive blocks of a part are `gap` apart, end to start, both ends included."""
    for request, part, rows in allocation.said_by_blocks():
        if part.gap is None or len(rows) <= 1:
            continue
        if part.gap.least > 0:
            spans = [(row.at.start, row.at.end + part.gap.least, place) for place, row in enumerate(rows)]
            for clique in cliques(spans):
                together = cp_model.LinearExpr.sum(literals_of(rows[place] for place in clique))
                enforce_unless(allocation.model.add(together <= 1), allocation.unless_exempt(request, "gap", part))
        if part.gap.most is not None:
            chain_blocks(allocation, request, part, rows, part.gap.least, part.gap.most)


def chain_blocks(allocation: Allocation, request: Request, part: Part, rows: list[Row], least: int, most: int) -> None:
    """Every block but one has a successor within the gap, so the blocks form one chain."""
    last = [allocation.model.new_bool_var("") for _ in rows]
    allocation.model.add_at_most_one(last)
    lifted = allocation.unless_exempt(request, "gap", part)
    for row, is_last in zip(rows, last, strict=True):
        first_start, last_start = row.at.end + least, row.at.end + most
        successors = literals_of(other for other in rows if first_start <= other.at.start <= last_start)
        for literal in row.literals:
            allocation.model.add_bool_or([literal.negated(), is_last, *successors, *lifted])


Ends = list[tuple[int, Literal]]
"""Where a part can end, each with the literal that it ends there."""


def lags_hold(allocation: Allocation) -> None:
    """Every block of `then` starts least … most grains after the last block of `after` ends; none without it."""
    for request in allocation.requests:
        for after in sorted({lag.after for lag in request.lags}):
            ends = ends_of(allocation, (request.id, after))
            for lag in request.lags:
                if lag.after == after:
                    follow(allocation, request, lag, ends)


def ends_of(allocation: Allocation, key: PartKey) -> Ends:
    """The ends of a part's chains; block by block, a present part has exactly one last block."""
    if key in allocation.chains:
        return [(allocation.rows[chain.places[-1]].at.end, chain.literal) for chain in allocation.chains[key]]
    model, rows = allocation.model, allocation.of_part[key]
    end = model.new_int_var(0, allocation.problem.grains, "")
    last = [model.new_bool_var("") for _ in rows]
    for row, is_last in zip(rows, last, strict=True):
        [literal] = row.literals
        model.add_implication(is_last, literal)
        model.add(end >= row.at.end).only_enforce_if(literal)
        model.add(end <= row.at.end).only_enforce_if(is_last)
    model.add(cp_model.LinearExpr.sum(last) == allocation.present[key])
    return [(row.at.end, is_last) for row, is_last in zip(rows, last, strict=True)]


def follow(allocation: Allocation, request: Request, lag: Lag, before: Ends) -> None:
    lifted = allocation.unless_exempt(request, "lag", request.part_by_id[lag.then])
    for first, last, literal in spread(allocation, (request.id, lag.then)):
        latest = first - lag.least
        earliest = 0 if lag.most is None else last - lag.most
        ends = [other for end, other in before if earliest <= end <= latest]
        allocation.model.add_bool_or([literal.negated(), *ends, *lifted])


def spread(allocation: Allocation, key: PartKey) -> Iterator[tuple[int, int, Literal]]:
    """Starts of the first and the last block of all that each literal of a part stands for."""
    if key in allocation.chains:
        for chain in allocation.chains[key]:
            starts = [allocation.rows[place].at.start for place in (chain.places[0], chain.places[-1])]
            yield starts[0], starts[1], chain.literal
    else:
        for row in allocation.of_part[key]:
            yield row.at.start, row.at.start, row.literals[0]


def pins_hold(allocation: Allocation) -> None:
    """Every pin is matched by a block; raises Infeasible when no block can match."""
    for place, pin in enumerate(allocation.problem.pins):
        matching = literals_of(row for row in allocation.rows if pin.matches(*row.at[:5]))
        if not matching:
            raise Infeasible(f"pins[{place}]", "no legal block matches this pin")
        allocation.model.add_bool_or(matching)
