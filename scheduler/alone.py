"""What each member could hold in a plan of its own: first by greedy, then exactly where that leaves a gap."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from scheduler.fair_shares import fair_shares, member_demands
from scheduler.figures import served
from scheduler.greedy import Options, Server
from scheduler.placements import Placement, give_units
from scheduler.problem import Problem
from scheduler.values import Request


@dataclass(frozen=True)
class Alone:
    """The most a legal plan of only this member's requests gives it, or a proven bound on that."""

    most: Fraction
    is_bound: bool


Prove = Callable[[str, list[Request]], Alone]


def requests_of(problem: Problem, member: str) -> list[Request]:
    return [request for request in problem.requests if member in request.shares]


def alone_by_greedy(problem: Problem, options: Options) -> dict[str, Alone]:
    """Exact where a greedy plan reaches all that the member asks for; else that demand, as a bound."""
    demands = member_demands(problem)
    if problem.frozen or problem.pins:
        kept = served_by_frozen(problem)
        return {member: Alone(demand + kept[member], is_bound=True) for member, demand in demands.items()}
    found = {}
    for member in demands:
        server = Server(problem, (), options)
        for request in requests_of(problem, member):
            server.serve(request)
        placed: list[Placement] = list(server.board.placed)
        reached = served(problem, give_units(problem, placed))[member]
        found[member] = Alone(demands[member], is_bound=reached < demands[member])
    return found


def served_by_frozen(problem: Problem) -> dict[str, Fraction]:
    """What each member holds by frozen blocks, which may go beyond its windows."""
    rows = [Placement(row.request, row.part, row.resource, row.start, row.length) for row in problem.frozen]
    return served(problem, give_units(problem, rows))


def alone_exactly(problem: Problem, known: Mapping[str, Alone], prove: Prove) -> dict[str, Alone]:
    """Settle by a model what the greedy left open."""
    found = dict(known)
    for member, alone in known.items():
        if alone.is_bound:
            proof = prove(member, requests_of(problem, member))
            most = min(proof.most, alone.most) if proof.is_bound else proof.most
            found[member] = Alone(most, proof.is_bound)
    return found


def shares_of(problem: Problem, alone: Mapping[str, Alone]) -> dict[str, Fraction]:
    return fair_shares(problem, {member: row.most for member, row in alone.items()})


def left_out_reason(problem: Problem, member: str, alone: Alone) -> str:
    """Why a member has no fair share."""
    asked = [request for request in problem.requests if member in request.shares]
    if not asked:
        return "no_request"
    if not member_demands(problem)[member]:
        return "no_window"
    return "no_legal_plan" if not alone.most else "past_use"
