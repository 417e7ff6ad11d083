"""Why a request is not or only partly served, from the plan alone: codes and evidence, no prose."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from scheduler import figures
from scheduler.demand import part_demand, windows
from scheduler.fair_shares import physical_name
from scheduler.figures import MICRO
from scheduler.greedy import Server
from scheduler.placements import Placement, open_windows, part_placements, sides_fit
from scheduler.plan import Block
from scheduler.problem import Problem
from scheduler.values import Needs, Part, Request

MOST_HOLDERS = 5
MINUTES_A_WEEK = 7 * 24 * 60


def unserved(problem: Problem, blocks: Sequence[Block]) -> list[Request]:
    """Requests that hold less than all they asked for."""
    totals = figures.part_totals(blocks)
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


def reason(
    problem: Problem, request: Request, blocks: Sequence[Block], shares: Mapping[str, Fraction]
) -> dict[str, object]:
    """Code and evidence of one request, as far as the plan shows it."""
    totals = figures.part_totals(blocks)
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
    return {
        "code": "bottleneck",
        "parts": rows,
        "evidence": {"bottlenecks": bottlenecks(problem, request, short, blocks, shares)},
    }


def bottlenecks(
    problem: Problem, request: Request, parts: Iterable[Part], blocks: Sequence[Block], shares: Mapping[str, Fraction]
) -> list[dict[str, object]]:
    """Each resource the request could use: the weeks of its windows, and who holds the time there."""
    held = figures.served(problem, blocks)
    micro = figures.satisfactions(held, shares)
    found = []
    for name in dict.fromkeys(name for part in parts for name in part.alternatives):
        thing = physical_name(problem.resource_by_id[name])
        spans = joined(span for part in parts for place, span in windows(problem, part) if place == name)
        grains: dict[str, int] = {}
        for block in blocks:
            if block.request == request.id or physical_name(problem.resource_by_id[block.resource]) != thing:
                continue
            common = sum(max(0, min(end, block.end) - max(start, block.start)) for start, end in spans)
            if common:
                grains[block.request] = grains.get(block.request, 0) + common
        holders = sorted(grains, key=lambda row: (-grains[row], row))[:MOST_HOLDERS]
        found.append(
            {
                "resource": name,
                "weeks": weeks(problem, spans),
                "open": sum(end - start for start, end in spans),
                "held": sum(grains.values()),
                "holders": [holder(problem, row, grains[row], micro) for row in holders],
            }
        )
    return found


def holder(problem: Problem, request: str, grains: int, micro: Mapping[str, int]) -> dict[str, object]:
    members = problem.request_by_id[request].shares
    standing = {member: micro[member] / MICRO if member in micro else None for member in members}
    return {"request": request, "grains": grains, "members": standing}


def joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted and disjoint: parts of one request often share their windows, whose time counts once."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def weeks(problem: Problem, spans: Iterable[tuple[int, int]]) -> list[int]:
    """Weeks of the horizon, counted from 1, that the spans touch."""
    size = max(1, MINUTES_A_WEEK // problem.grain_minutes)
    touched = {week for start, end in spans for week in range(start // size, (end - 1) // size + 1)}
    return [week + 1 for week in sorted(touched)]


def reasons(problem: Problem, blocks: Sequence[Block], shares: Mapping[str, Fraction]) -> dict[str, dict[str, object]]:
    """A reason for every request that is not fully served."""
    return {request.id: reason(problem, request, blocks, shares) for request in unserved(problem, blocks)}


def distance(part: Part, placement: Placement) -> int:
    """Grains between a placement and the nearest allowed interval."""
    return min((max(start - placement.start, placement.end - end, 0) for start, end in part.allowed), default=0)


def nearest_alternatives(problem: Problem, blocks: Sequence[Block]) -> dict[str, list[dict[str, object]]]:
    """For unserved requests, free time as near as possible to their windows, beside the plan as it stands."""
    touched = {block.request for block in blocks}
    server = Server(problem, [Placement(b.request, b.part, b.resource, b.start, b.length, b.unit) for b in blocks])
    found = {}
    for request in unserved(problem, blocks):
        if request.id in touched:
            continue
        relaxed = replace(request, parts=tuple(replace(part, allowed=((0, problem.grains),)) for part in request.parts))
        for part, own in zip(relaxed.parts, request.parts, strict=True):
            rows = sorted(part_placements(problem, relaxed, part), key=lambda row: (row.start, -row.length))
            if part.gap is None:
                rows.sort(key=lambda row: (distance(own, row), -row.length, row.start))
            server.options[request.id, part.id] = rows
        if server.serve(relaxed):
            taken = sorted(server.board.by_request[request.id])
            found[request.id] = [
                {"part": row.part, "resource": row.resource, "start": row.start, "length": row.length} for row in taken
            ]
            for row in taken:
                server.board.remove(row)
    return found
