"""Why a request is not or only partly served, from the plan alone: codes and evidence, no prose."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from scheduler import figures
from scheduler.bottlenecks import Holdings
from scheduler.demand import part_demand, windows
from scheduler.placements import open_windows, part_placements, sides_fit
from scheduler.plan import Block
from scheduler.problem import Problem
from scheduler.time_prices import TimePrices
from scheduler.values import Needs, Part, Request

Totals = Mapping[tuple[str, str], int]
"""Grains served to each (request, part)."""


def unserved(problem: Problem, totals: Totals) -> list[Request]:
    """Requests that hold less than all they asked for."""
    return [request for request in problem.requests if not figures.is_fully_served(request, totals)]


def why_no_block(problem: Problem, request: Request, part: Part) -> str | None:
    """The first rule that leaves a part without any place; None when it has one."""
    if next(part_placements(problem, request, part), None) is not None:
        return None
    shortest = min(part.lengths)
    if shortest > part.amount:
        return "length_above_amount"
    spans = [end - start for _, (start, end) in windows(problem, part)]
    if not spans:
        return "never_open"
    if max(spans) < shortest:
        return "window_too_short"
    names = [name for name in part.alternatives if sides_fit(problem, part, name)]
    if max((e - s for name in names for s, e in open_windows(problem, part, name)), default=0) < shortest:
        return "side_resource"
    return "no_start_left"


def reason(problem: Problem, request: Request, totals: Totals, holdings: Holdings) -> dict[str, object]:
    """Code and evidence of one request, as far as the plan shows it."""
    short = [part for part in request.parts if totals.get((request.id, part.id), 0) < part.amount]
    rows = [{"part": part.id, "amount": part.amount, "served": totals.get((request.id, part.id), 0)} for part in short]
    missing = {part.id: why for part in short if (why := why_no_block(problem, request, part)) is not None}
    needed = [part for part in short if part.least > 0] if request.needs is Needs.ALL else []
    if len(missing) == len(short) or any(part.id in missing for part in needed):
        evidence: dict[str, object] = {"parts": [{"part": part, "why": why} for part, why in missing.items()]}
        return {"code": "no_window", "parts": rows, "evidence": evidence}
    if all(totals.get((request.id, part.id), 0) >= part_demand(problem, part) for part in short):
        whole = [{"part": part.id, "most": part_demand(problem, part)} for part in short]
        return {"code": "lengths", "parts": rows, "evidence": {"parts": whole}}
    return {"code": "bottleneck", "parts": rows, "evidence": {"bottlenecks": holdings.bottlenecks(request, short)}}


def reasons(
    problem: Problem,
    blocks: Sequence[Block],
    shares: Mapping[str, Fraction],
    proof: Mapping[str, object] | None = None,
) -> dict[str, dict[str, object]]:
    """A reason for every request that is not fully served; with a bound's proof, also what its time costs."""
    totals, holdings = figures.part_totals(blocks), Holdings(problem, blocks, shares, TimePrices.of_proof(proof))
    return {request.id: reason(problem, request, totals, holdings) for request in unserved(problem, totals)}
