"""What each member could hold in a plan of its own: only as exactly as the fair shares depend on it.

T is computed with an upper bound on `alone` as the cap. Where no member's T is above what a plan of its own was seen
to give it, exact caps would change nothing: T then lies inside them, and the best point of a larger set that lies in
a smaller one is the best of that too. So a bound is only sharpened where T is above what was seen, and T computed
again, until that is so everywhere or nothing more can be proven.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from scheduler.demand import request_demands
from scheduler.fair_shares import FairShares, member_demands
from scheduler.figures import cost_grains, exact
from scheduler.greedy import starting_at
from scheduler.large.grid import Grid, GridRequest
from scheduler.large.state import State, earliest
from scheduler.packing import most_of_request
from scheduler.problem import Problem
from scheduler.share_network import part_cost
from scheduler.values import Published, Request


@dataclass(frozen=True)
class Alone:
    """The most a legal plan of only this member's requests gives it, or a bound on that, in cost-grains.

    `reached` is what such a plan has been seen to give: never above `most`.
    """

    most: Fraction
    is_bound: bool
    reached: Fraction = Fraction(0)


MOMENTS = 26
"""Moments of the horizon from which a request is tried to be served."""
Sharpen = Callable[[str], Alone]


class Trials:
    """Plans of single members, each on an empty board.

    With frozen blocks or pins no plan is tried: what it must hold for others is not known yet.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.problem = grid.problem
        self.demands = member_demands(grid.problem)
        self.kept = beyond_demand(grid.problem)
        self.frozen = {row.request for row in grid.problem.frozen}
        self.has_base = bool(grid.problem.frozen or grid.problem.pins)
        self.state = State(grid)
        self.own: dict[str, list[GridRequest]] = {member: [] for member in grid.members}
        for request in grid.requests:
            for place, _ in request.shares:
                self.own[grid.members[place]].append(request)

    def first(self) -> dict[str, Alone]:
        """What each member asks for, as a bound, and what serving its requests one by one gives it."""
        return {member: self.attempt(member) for member in self.own}

    def attempt(self, member: str) -> Alone:
        most = self.demands[member] + self.kept[member]
        if self.has_base:
            return Alone(most, is_bound=True)
        for request in self.own[member]:
            self.state.serve(request, earliest)
        reached = self.held(member)
        return Alone(most, reached < most, reached)

    def sharpen(self, member: str) -> Alone:
        """A bound from each request by itself, and what a plan holds in which each is tried at several places.

        Requests with frozen blocks may go beyond their own rules: their demand stands as their bound.
        """
        most, bounds = self.kept[member], {}
        for request in self.own[member]:
            bounds[request.place] = (
                {place: self.grid.parts[place].demand for place in request.parts}
                if request.id in self.frozen
                else most_of_request(self.grid, request)
            )
            most += self.worth(member, request, bounds[request.place])
        if self.has_base:
            return Alone(most, is_bound=True)
        for request in self.own[member]:
            self.serve_well(request, sum(bounds[request.place].values()))
        return Alone(most, True, self.held(member))

    def serve_well(self, request: GridRequest, enough: int) -> None:
        """Serve a request from the first of several moments on that gives it the most."""
        picks = [starting_at(self.grid.grains * place // MOMENTS) for place in range(MOMENTS)]
        mark = len(self.state.log)
        best, best_total = picks[0], 0
        for pick in picks:
            self.state.serve(request, pick)
            total = sum(self.state.total[place] for place in request.parts)
            self.state.undo(mark)
            if total > best_total:
                best, best_total = pick, total
            if total >= enough:
                break
        self.state.serve(request, best)

    def held(self, member: str) -> Fraction:
        """What the member holds on the board, which is empty again afterwards."""
        found = Fraction(0)
        for request in self.own[member]:
            found += self.worth(member, request, {place: self.state.total[place] for place in request.parts})
        self.state.undo()
        return found

    def worth(self, member: str, request: GridRequest, grains: Mapping[int, int]) -> Fraction:
        """A member's cost-grains of a request whose parts hold these grains, exactly."""
        row = self.problem.requests[request.place]
        cost = sum(
            (grains[self.grid.part_place[row.id, part.id]] * part_cost(self.problem, part) for part in row.parts),
            Fraction(0),
        )
        return cost * exact(row.shares[member])


def beyond_demand(problem: Problem) -> dict[str, Fraction]:
    """What requests with frozen blocks may hold beyond their demand: least, needs and windows may be lifted from them.

    Each of their parts holds its frozen blocks, and new ones up to its amount.
    """
    found = {member.id: Fraction(0) for member in problem.members}
    frozen: dict[tuple[str, str], list[Published]] = {}
    for row in problem.frozen:
        frozen.setdefault((row.request, row.part), []).append(row)
    for name in sorted({request for request, _ in frozen}):
        request = problem.request_by_id[name]
        demands = request_demands(problem, request)
        for part in request.parts:
            rows = frozen.get((name, part.id), [])
            rest = max(0, part.amount - sum(row.length for row in rows)) - demands[part.id]
            most = sum((cost_grains(problem, row) for row in rows), rest * part_cost(problem, part))
            for member, share in request.shares.items():
                found[member] += most * exact(share)
    return found


def requests_of(problem: Problem, member: str) -> list[Request]:
    return [request for request in problem.requests if member in request.shares]


def settle(
    known: Mapping[str, Alone], find_shares: FairShares, sharpen: Sharpen
) -> tuple[dict[str, Alone], dict[str, Fraction]]:
    """Fair shares with what is known of `alone`, sharpened once for each member where T depends on it."""
    found, tried = dict(known), set[str]()
    while True:
        shares = find_shares({member: alone.most for member, alone in found.items()})
        above = [
            member
            for member, alone in found.items()
            if alone.is_bound and shares[member] > alone.reached and member not in tried
        ]
        if not above:
            return found, shares
        for member in above:
            found[member] = sharper(found[member], sharpen(member))
        tried.update(above)


def sharper(known: Alone, proof: Alone) -> Alone:
    """The better of two bounds; it is exact where a plan reaches it."""
    most, reached = min(known.most, proof.most), max(known.reached, proof.reached)
    return Alone(most, most > reached and (proof.is_bound or most < proof.most), reached)


def left_out_reason(problem: Problem, member: str, demands: Mapping[str, Fraction], alone: Alone) -> str:
    """Why a member has no fair share."""
    if not requests_of(problem, member):
        return "no_request"
    if not demands[member]:
        return "no_window"
    return "no_legal_plan" if not alone.most else "past_use"
