"""Fair shares T: the weighted leximin of (past use + held) / weight in a flow to open time, exactly.

Source: Megiddo, «Optimal flows in networks with multiple sources and sinks» (1974); the water level
is found by Newton's method on the parametric minimum cut (Gallo, Grigoriadis and Tarjan 1989).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from scheduler.demand import request_demands, windows
from scheduler.figures import exact
from scheduler.max_flow import SINK, SOURCE, Network
from scheduler.problem import Problem
from scheduler.values import Part, Resource

Pair = tuple[int, str]
"""A part, by its place among all parts, on one of its resources."""


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
        demands = request_demands(problem, request)
        for part in request.parts:
            for member, share in request.shares.items():
                totals[member] += demands[part.id] * exact(share) * part_cost(problem, part)
    return totals


def part_cost(problem: Problem, part: Part) -> Fraction:
    """All alternatives of a part have one cost."""
    return exact(problem.resource_by_id[part.alternatives[0]].cost)


def open_time(problem: Problem, parts: list[Part]) -> dict[tuple[str, frozenset[Pair]], int]:
    """Grains of each physical thing, gathered by the set of parts and resources that can use them."""
    steps: dict[str, dict[int, list[Pair]]] = {}
    for place, part in enumerate(parts):
        for name, interval in windows(problem, part):
            thing = physical_name(problem.resource_by_id[name])
            for grain in interval:
                steps.setdefault(thing, {}).setdefault(grain, []).append((place, name))
    cells: dict[tuple[str, frozenset[Pair]], int] = {}
    for thing, turns in steps.items():
        active: set[Pair] = set()
        before = 0
        for grain in sorted(turns):
            if active:
                key = thing, frozenset(active)
                cells[key] = cells.get(key, 0) + grain - before
            active.symmetric_difference_update(turns[grain])
            before = grain
    return cells


def physical_name(resource: Resource) -> str:
    """An exclusive name is one resource."""
    return f"r:{resource.id}" if resource.exclusive is None else f"x:{resource.exclusive}"


class ShareFlow:
    """The flow from members over their parts to open time; only the members' claims vary."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.members = [member.id for member in problem.members]
        self.arcs: list[tuple[int, int, Fraction | None]] = []
        self.nodes = 2 + len(self.members)
        copies = self.add_parts()
        self.add_open_time(copies)
        self.scale = math.lcm(*(size.denominator for _, _, size in self.arcs if size is not None))

    def new_node(self) -> int:
        self.nodes += 1
        return self.nodes - 1

    def add_parts(self) -> list[tuple[Part, list[int]]]:
        """One divisible copy of each part for each of its request's members."""
        place = {member: 2 + number for number, member in enumerate(self.members)}
        rows = []
        for request in self.problem.requests:
            demands = request_demands(self.problem, request)
            for part in request.parts:
                size = demands[part.id] * part_cost(self.problem, part)
                if not size:
                    continue
                copies = [self.new_node() for _ in request.shares]
                for copy, (member, share) in zip(copies, request.shares.items(), strict=True):
                    self.arcs.append((place[member], copy, size * exact(share)))
                rows.append((part, copies))
        return rows

    def add_open_time(self, rows: list[tuple[Part, list[int]]]) -> None:
        """Cells of open time; where resources of one name count differently, each keeps its own rate too."""
        resources = self.problem.resource_by_id
        for (_, pairs), grains in open_time(self.problem, [part for part, _ in rows]).items():
            rates = {name: resources[name].capacity * exact(resources[name].cost) for _, name in pairs}
            cell = self.new_node()
            self.arcs.append((cell, SINK, grains * max(rates.values())))
            doors = dict.fromkeys(rates, cell)
            if len(set(rates.values())) > 1:
                doors = {name: self.new_node() for name in sorted(rates)}
                self.arcs.extend((door, cell, grains * rates[name]) for name, door in doors.items())
            for place, name in sorted(pairs):
                self.arcs.extend((copy, doors[name], None) for copy in rows[place][1])

    def send(self, claims: Mapping[str, Fraction]) -> tuple[Network, int, int]:
        """The network after the largest flow within the claims, its amount, and its scale."""
        scale = math.lcm(self.scale, *(claim.denominator for claim in claims.values()))
        network = Network()
        for _ in range(self.nodes - 2):
            network.add_node()
        for number, member in enumerate(self.members):
            network.add_arc(SOURCE, 2 + number, int(claims[member] * scale))
        endless = int(sum(claims.values()) * scale) + 1
        for tail, head, size in self.arcs:
            network.add_arc(tail, head, endless if size is None else int(size * scale))
        return network, network.send(), scale


def fair_shares(problem: Problem, alone: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """T of every member in cost-grains, given the most each can hold in a plan of its own."""
    flow = ShareFlow(problem)
    demands = member_demands(problem)
    claims = {
        member.id: Claim(exact(member.weight), member.past_use, min(demands[member.id], alone[member.id]))
        for member in problem.members
    }
    fixed = {member: Fraction(0) for member, claim in claims.items() if claim.cap <= 0}
    while len(fixed) < len(claims):
        rising = [member for member in claims if member not in fixed]
        level, network = highest_level(flow, claims, fixed, rising)
        reached = network.can_reach_sink()
        for number, member in enumerate(flow.members):
            share = claims[member].at(level)
            if member in rising and (share == claims[member].cap or not reached[2 + number]):
                fixed[member] = share
    return fixed


def highest_level(
    flow: ShareFlow, claims: Mapping[str, Claim], fixed: Mapping[str, Fraction], rising: Iterable[str]
) -> tuple[Fraction, Network]:
    """The highest water level at which all claims flow at once, and the network at that level."""
    level = max(claims[member].turns[1] for member in rising)
    while True:
        wanted = {member: fixed[member] if member in fixed else claims[member].at(level) for member in claims}
        network, sent, scale = flow.send(wanted)
        if sent == sum(wanted.values()) * scale:
            return level, network
        reached = network.distances()
        inside = [member for number, member in enumerate(flow.members) if reached[2 + number] >= 0]
        outside = sum(wanted[member] for member in claims if member not in inside)
        room = Fraction(sent, scale) - outside - sum(fixed.get(member, Fraction(0)) for member in inside)
        level = level_of_total([claims[member] for member in inside if member not in fixed], room)


def level_of_total(claims: list[Claim], total: Fraction) -> Fraction:
    """The highest level at which the claims sum to no more than the total (piecewise linear, exact)."""
    turns = sorted({turn for claim in claims for turn in claim.turns})
    below = turns[0]
    for turn in turns[1:]:
        if sum(claim.at(turn) for claim in claims) > total:
            break
        below = turn
    slope = sum(claim.weight for claim in claims if claim.turns[0] <= below < claim.turns[1])
    return below + (total - sum(claim.at(below) for claim in claims)) / slope
