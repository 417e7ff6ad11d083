"""Fair shares T: the weighted leximin of (past use + held) / weight in a flow to open time, exactly.

Source: Megiddo, «Optimal flows in networks with multiple sources and sinks» (1974); the water level
is found by Newton's method on the parametric minimum cut (Gallo, Grigoriadis and Tarjan 1989).
"""

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from scheduler.figures import exact
from scheduler.max_flow import Cut, FindCut, find_cut
from scheduler.problem import Problem
from scheduler.share_network import ShareNetwork, part_cost, share_network

MANY_REQUESTS = 500


@dataclass(frozen=True)
class Claim:
    """What a member claims at water level λ: min(cap, max(0, weight·λ − past_use))."""

    weight: Fraction
    past_use: int
    cap: Fraction

    def at(self, level: Fraction) -> Fraction:
        return min(self.cap, max(Fraction(0), self.weight * level - self.past_use))

    @property
    def turns(self) -> tuple[Fraction, Fraction]:
        """The levels where the claim begins to grow and where it is full."""
        return Fraction(self.past_use) / self.weight, (self.past_use + self.cap) / self.weight


def member_demands(problem: Problem) -> dict[str, Fraction]:
    """Cost-grains of all that each member asks for and can hold by its windows alone."""
    totals = {member.id: Fraction(0) for member in problem.members}
    for request in problem.requests:
        size = sum(problem.demands[request.id, part.id] * part_cost(problem, part) for part in request.parts)
        for member, share in request.shares.items():
            totals[member] += size * exact(share)
    return totals


class FairShares:
    """T for one problem, for any bounds on what each member could hold in a plan of its own."""

    def __init__(self, problem: Problem, find: FindCut = find_cut) -> None:
        self.problem = problem
        self.find = find
        self.demands = member_demands(problem)
        self.network = share_network(problem)

    def __call__(self, alone: Mapping[str, Fraction]) -> dict[str, Fraction]:
        """T of every member in cost-grains, given the most each can hold in a plan of its own.

        Every way to find the cuts gives the same shares: each level is computed from its cut in fractions, and the
        flow that proves it is one of integers.
        """
        claims = {
            member.id: Claim(exact(member.weight), member.past_use, min(self.demands[member.id], alone[member.id]))
            for member in self.problem.members
        }
        network = self.network
        fixed = {member: Fraction(0) for member, claim in claims.items() if claim.cap <= 0}
        while len(fixed) < len(claims):
            level, cut = highest_level(network, claims, fixed, self.find)
            for member, door in network.doors.items():
                share = claims[member].at(level)
                if member not in fixed and (share == claims[member].cap or not cut.to_sink[door]):
                    fixed[member] = share
            network = network.beyond(cut.to_sink)
        return {member: fixed[member] for member in claims}


def fair_shares(problem: Problem, alone: Mapping[str, Fraction], find: FindCut = find_cut) -> dict[str, Fraction]:
    """T of every member in cost-grains, once."""
    return FairShares(problem, find)(alone)


def quickest_flow(problem: Problem) -> FindCut:
    """OR-Tools' flow where the problem is large enough to pay for loading it, by name: the check needs none."""
    if len(problem.requests) < MANY_REQUESTS:
        return find_cut
    fast: FindCut = importlib.import_module("scheduler.fast_flow").find_cut
    return fast


def highest_level(
    network: ShareNetwork, claims: Mapping[str, Claim], fixed: Mapping[str, Fraction], find: FindCut
) -> tuple[Fraction, Cut]:
    """The highest water level at which all claims flow at once, and the cut at that level."""
    rising = [member for member in claims if member not in fixed]
    level = max(claims[member].turns[1] for member in rising)
    while True:
        wanted = {member: fixed[member] if member in fixed else claims[member].at(level) for member in network.doors}
        scale = math.lcm(network.unit, *{claim.denominator for claim in wanted.values()})
        factor = scale // network.unit
        supplies = {network.doors[member]: int(claim * scale) for member, claim in wanted.items()}
        supplies |= {node: size * factor for node, size in network.feeds.items()}
        cut = find(network, supplies, factor)
        if cut.sent == sum(supplies.values()):
            return level, cut
        limiting = [member for member in rising if cut.from_source[network.doors[member]]]
        others = sum(supplies.values()) - sum(supplies[network.doors[member]] for member in limiting)
        level = level_of_total([claims[member] for member in limiting], Fraction(cut.sent - others, scale))


def level_of_total(claims: list[Claim], total: Fraction) -> Fraction:
    """The highest level at which the claims sum to no more than the total (piecewise linear, exact)."""
    slopes: dict[Fraction, Fraction] = {}
    for claim in claims:
        begin, full = claim.turns
        slopes[begin] = slopes.get(begin, Fraction(0)) + claim.weight
        slopes[full] = slopes.get(full, Fraction(0)) - claim.weight
    turns = sorted(slopes)
    level, held, slope = turns[0], Fraction(0), Fraction(0)
    for turn in turns:
        rise = slope * (turn - level)
        if held + rise > total:
            break
        level, held, slope = turn, held + rise, slope + slopes[turn]
    return level + (total - held) / slope
