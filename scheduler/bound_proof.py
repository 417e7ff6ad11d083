"""Derives the bounds of a certificate again from prices, in plain Python: no solver is trusted.

Weak duality (Geoffrion, «Lagrangean relaxation for integer programming», 1974). Let time cost `prices` ≥ 0 and let a
member's cost-grains earn `members` ≥ 0. In any legal plan the blocks of a request, less what their grains cost, earn at
most the best of its coarse form (`bound_rooms`), and all grains together cost at most Σ price × capacity. So
Σ (merit × u) + Σ members × held ≤ Σ best profits + Σ price × capacity, whatever the prices are: bad ones only
give a weak bound.
- Value: a plan whose worst satisfaction is at least `floor` holds at least floor × fair share for every member, so
  its value is at most the right side less Σ members × floor × fair share.
- Unfair value: the same without members.
- Levels: with merit left out, the right side bounds Σ members × held; see `leximin_vector`.
Every bound is widened by 1e-9 of itself, far more than the arithmetic can lose; then it falls to the next value that a
plan can have.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from scheduler.bound_cells import are_boundaries
from scheduler.bound_rooms import Ask, Pair, Rooms, part_cost, rooms_of
from scheduler.figures import MICRO, cost_grains, exact
from scheduler.plan import Block
from scheduler.problem import Problem
from scheduler.reading import Node
from scheduler.values import Fairness

HALF_MICRO = 0.5 / MICRO
OUTWARD = 1e-9
BINDING = 1e-3
"""A member with less of a level's weight than this is not called held back by it."""
SAME = 1e-9
"""Relative difference below which a claim is what was derived."""

Shares = Mapping[str, Fraction]
Table = Sequence[Sequence[float]]
PricedRow = tuple[float, int, int]


class Prices(NamedTuple):
    """Multipliers ≥ 0: by thing and cell in value per grain, by member in value per cost-grain."""

    time: Mapping[str, Sequence[float]]
    members: Mapping[str, float]


@dataclass(frozen=True)
class Proof:
    """What a certificate offers for its bounds; None where it offers nothing."""

    rooms: Rooms
    value: Prices | None
    floor: float
    unfair: Prices | None
    levels: tuple[Prices, ...] | None


class Claims(NamedTuple):
    """The certificate's `value_bound`, `unfair_value_bound` and `s_bound`."""

    value: float
    unfair: float
    levels: Sequence[float]


def widened(bound: float) -> float:
    return bound + OUTWARD * abs(bound)


def most_earned(rooms: Rooms, prices: Prices, *, merit: bool) -> float:
    """No legal plan has more Σ (merit × u, where `merit` counts) + Σ members × held."""
    table = [prices.time.get(name) or [0.0] * (len(rooms.cells) - 1) for name in rooms.things]
    total = sum(
        price * free
        for row, capacity in zip(table, rooms.capacity, strict=True)
        for price, free in zip(row, capacity, strict=True)
    )
    worths = [earned_by_cost_grain(rooms, number, prices, merit=merit) for number in range(len(rooms.problem.requests))]
    return widened(total + sum(request_profits(rooms, worths, table)) + standing_worth(rooms, worths))


def request_profits(rooms: Rooms, worths: Sequence[float], table: Table) -> list[float]:
    """The best profit of each request: 0 for nothing, else what must be served with what may be."""
    own, followers = [0.0] * len(worths), [0.0] * len(rooms.asks)
    pair_of = {pair.after: pair for pair in rooms.pairs}
    led = {pair.then for pair in rooms.pairs}
    for place in range(len(rooms.asks) - 1, -1, -1):  # those that follow come after those they follow
        ask = rooms.asks[place]
        if place in led:
            continue
        if place in pair_of:
            pair = pair_of[place]
            must = ask.must or rooms.asks[pair.then].must
            profit = pair_profit(rooms, pair, worths[ask.request], table) + followers[place] + followers[pair.then]
        else:
            must = ask.must
            rows = priced_rows(rooms, place, table, worths[ask.request])
            profit = (filled(ask, rows) or 0.0) + followers[place]
        if must:
            own[ask.request] += profit
        elif ask.parent >= 0:
            followers[ask.parent] += max(0.0, profit)
        else:
            own[ask.request] += max(0.0, profit)
    return [max(0.0, profit) for profit in own]


def earned_by_cost_grain(rooms: Rooms, number: int, prices: Prices, *, merit: bool) -> float:
    """What one cost-grain of a request earns."""
    request = rooms.problem.requests[number]
    bonus = sum(prices.members.get(member, 0.0) * float(exact(share)) for member, share in request.shares.items())
    return bonus + (float(exact(request.merit)) if merit else 0.0)


def priced_rows(rooms: Rooms, place: int, table: Table, worth: float) -> list[PricedRow]:
    """(−profit of one grain, grains, cell) of the ask's rows, best first; `worth` is that of a cost-grain."""
    ask = rooms.asks[place]
    worth *= part_cost(rooms.problem, rooms.problem.requests[ask.request].parts[ask.part])
    rows = []
    for row in range(ask.first, ask.last):
        cell = rooms.cell[row]
        price = sum(units * table[thing][cell] for thing, units in rooms.seat_uses[rooms.seat[row]])
        rows.append((price - worth, rooms.grains[row], cell))
    rows.sort()
    return rows


def filled(ask: Ask, rows: Iterable[PricedRow]) -> float | None:
    """The best profit of `low` … `demand` grains in rows that come best first; None when `low` do not fit."""
    profit, taken = 0.0, 0
    for loss, grains, _ in rows:
        size = min(grains, (ask.demand if loss < 0 else ask.low) - taken)
        if size <= 0:
            break
        profit -= size * loss
        taken += size
    return profit if taken >= ask.low else None


def pair_profit(rooms: Rooms, pair: Pair, worth: float, table: Table) -> float:
    """The best profit of an ask that holds something and of what follows it, over the cells where it can end."""
    after, then = rooms.asks[pair.after], rooms.asks[pair.then]
    first, second = (priced_rows(rooms, place, table, worth) for place in (pair.after, pair.then))
    best = float("-inf")
    for reach in pair.reaches:
        lead = filled(after, [row for row in first if reach.first <= row[2] <= reach.last])
        follow = filled(then, [row for row in second if reach.low <= row[2] <= reach.high])
        if not then.must:
            follow = max(0.0, follow or 0.0)
        if lead is not None and follow is not None:
            best = max(best, lead + follow)
    return best


def standing_worth(rooms: Rooms, worths: Sequence[float]) -> float:
    """What frozen blocks earn."""
    place = {request.id: number for number, request in enumerate(rooms.problem.requests)}
    return sum(
        worths[place[row.request]]
        * float(cost_grains(rooms.problem, Block(row.request, row.part, row.resource, 0, row.start, row.length)))
        for row in rooms.standing
    )


def value_bound(rooms: Rooms, prices: Prices, shares: Shares, floor: float) -> float:
    """No plan in which every member has at least `floor` of its fair share has more value."""
    held = sum(rate * float(shares[member]) for member, rate in prices.members.items() if shares[member] > 0)
    return widened(most_earned(rooms, prices, merit=True) - floor * held)


def micro(level: float) -> int:
    """Rounded as satisfactions are."""
    return min(MICRO, int(level * MICRO + 0.5))


def leximin_vector(rooms: Rooms, levels: Sequence[Prices], shares: Shares) -> tuple[int, ...]:
    """A sorted vector in millionths that no plan's sorted vector is lexicographically above.

    Let a = members × fair share, scaled to sum 1 over the members still open; then Σ a × s ≤ t by weak duality, where
    members settled before count with the floor proven for them. The first open entry is at most t, or at most what
    is left to the settled. A plan whose vector reaches that entry has every open member at the entry or above (the
    settled are all below it), and then a member holds at most floor + (t − floor) / a: members with a large a are
    settled with that limit, the j-th entry is at most the j-th limit, and the next level goes on with the rest. Where
    the settled may reach the entry itself, nothing more is known and the rest is 1.
    """
    size = sum(1 for share in shares.values() if share > 0)
    vector: list[int] = []
    floors: dict[str, float] = {}
    limits: list[int] = []
    for prices in levels:
        weights = {member: rate * float(shares[member]) for member, rate in prices.members.items() if rate > 0}
        weight = sum(part for member, part in weights.items() if member not in floors)
        if weight <= 0 or len(vector) == size:
            break
        settled = sum(part * floors[member] for member, part in weights.items() if member in floors)
        level = widened((most_earned(rooms, prices, merit=False) - settled) / weight)
        if micro(level) >= MICRO:
            break
        highest = max(limits, default=-1)
        vector.append(max(0, highest, micro(level)))
        if highest >= micro(level):
            break
        floor = micro(level) / MICRO - HALF_MICRO
        for member, part in weights.items():
            if member not in floors and part / weight >= BINDING:
                floors[member] = floor
                limits.append(micro(floor + max(0.0, level - floor) * weight / part + OUTWARD))
        limits.sort()
        if len(limits) < len(vector):
            break
        vector.extend(limits[len(vector) :])
    return (*vector, *[MICRO] * (size - len(vector)))


def read_prices(node: Node, rooms: Rooms, extra: Sequence[str] = ()) -> Prices:
    fields = node.fields(("prices", *extra), ("members",))
    time: dict[str, list[float]] = {}
    for name, row in fields["prices"].entries().items():
        if name not in rooms.things:
            row.refuse("names no thing of this problem")
        time[name] = [item.number(float("inf")) for item in row.items()]
        if len(time[name]) != len(rooms.cells) - 1:
            row.refuse("must have one price for each cell")
    rates: dict[str, float] = {}
    for member, item in (fields["members"].entries() if "members" in fields else {}).items():
        if member not in rooms.problem.member_by_id:
            item.refuse("names no member of this problem")
        rates[member] = item.number(float("inf"))
    return Prices(time, rates)


def read_proof(problem: Problem, node: Node) -> Proof:
    """The proof of a certificate; raises ProblemError with the path of what is malformed."""
    fields = node.fields(("cells",), ("value", "unfair", "levels"))
    cells = [item.integer() for item in fields["cells"].items()]
    if not are_boundaries(cells, problem.grains):
        fields["cells"].refuse("must rise from 0 to the horizon")
    rooms = rooms_of(problem, problem.frozen, cells)
    value = fields.get("value")
    return Proof(
        rooms=rooms,
        value=None if value is None else read_prices(value, rooms, ("floor",)),
        floor=0.0 if value is None else value.entries()["floor"].number(1),
        unfair=read_prices(fields["unfair"], rooms) if "unfair" in fields else None,
        levels=tuple(read_prices(row, rooms) for row in fields["levels"].items()) if "levels" in fields else None,
    )


def step_of_value(problem: Problem) -> Fraction:
    """Every plan's value is a whole multiple of this: the greatest common divisor of what single blocks are worth."""
    step = Fraction(0)
    for request in problem.requests:
        merit = exact(request.merit)
        for part in request.parts:
            step = common(
                step, merit * exact(problem.resource_by_id[part.alternatives[0]].cost) * math.gcd(*part.lengths)
            )
    for row in problem.frozen:
        step = common(step, exact(problem.request_by_id[row.request].merit) * cost_grains(problem, row))
    return step


def common(one: Fraction, other: Fraction) -> Fraction:
    """The greatest common divisor of two fractions ≥ 0."""
    scale = math.lcm(one.denominator, other.denominator)
    return Fraction(math.gcd(int(one * scale), int(other * scale)), scale)


def on_step(bound: float, step: Fraction) -> float:
    """The largest value that a plan can have within a bound."""
    return float(math.floor(Fraction(bound) / step) * step) if step else bound


def highest_floor(problem: Problem, worst: float) -> float:
    """The floor that every plan keeps which is not below one whose worst satisfaction is `worst`.

    Only leximin puts the worst satisfaction before value; 0 under the other policies. Satisfactions are rounded to
    millionths, and each sorted entry may lose `value_slack`.
    """
    if problem.policy.fairness is not Fairness.LEXIMIN:
        return 0.0
    return max(0.0, worst - problem.policy.value_slack - HALF_MICRO)


def false_claims(
    problem: Problem, node: Node, shares: Shares, worst: float, claims: Claims
) -> Iterator[tuple[str, str]]:
    """(claim, message) for each bound that claims less than its proof gives; ProblemError if the proof is malformed.

    `worst` is the least satisfaction of the plan, 1 without members.
    """
    proof, step = read_proof(problem, node), step_of_value(problem)
    if proof.value is not None:
        if proof.floor > highest_floor(problem, worst) + OUTWARD:
            yield "bound_proof.value.floor", "is above what every better plan keeps"
        bound = on_step(value_bound(proof.rooms, proof.value, shares, proof.floor), step)
        if is_below(claims.value, bound):
            yield "value_bound", f"claims {claims.value}, its proof gives {bound}"
    if proof.unfair is not None:
        bound = on_step(value_bound(proof.rooms, proof.unfair, shares, 0.0), step)
        if is_below(claims.unfair, bound):
            yield "price_of_fairness", f"claims {claims.unfair}, its proof gives {bound}"
    if proof.levels is not None:
        vector = leximin_vector(proof.rooms, proof.levels, shares)
        if tuple(micro(entry) for entry in claims.levels) < vector:
            yield "s_bound", "is below what its proof gives"


def is_below(claim: float, bound: float) -> bool:
    return claim < bound - SAME * max(1.0, abs(bound))
