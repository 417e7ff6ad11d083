"""Plain instances: beams, benches and staff pools over 26 weeks of half-hours, asked for 1.6 times over."""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

WEEKS, WEEK, DAY, SHIFT = 26, 336, 48, 16
"""Weeks of the horizon; half-hours of a week, a day and a shift."""
OVERSUBSCRIPTION = 1.6
BEAM_COST, BENCH_COST = 10, 1
BEAM_DAYS = (1, 7)  # Tuesday 00:00 to Sunday 24:00: 18 shifts
BEAM_GRAINS = (BEAM_DAYS[1] - BEAM_DAYS[0]) * DAY
BENCH_HOURS = (16, 40)  # 08:00 to 20:00
BENCH_GRAINS = 5 * (BENCH_HOURS[1] - BENCH_HOURS[0])
RUN = 4  # most weeks that a resource opens in one go, unless runs meet
TYPES = 4
STAFF_SHARE, IMPOSSIBLE, ALL_OR_NOTHING = 0.25, 0.08, 0.3
LAG = 96


@dataclass(frozen=True)
class Size:
    """How many there are of each."""

    resources: int
    requests: int
    members: int


SIZES = {
    "small": Size(5, 40, 8),
    "medium": Size(20, 300, 30),
    "large": Size(60, 2000, 120),
    "xl": Size(200, 10_000, 400),
}


@dataclass
class Facility:
    """A resource in the making: requests for it decide in which weeks it opens."""

    id: str
    kind: str
    capacity: int
    type: int
    demand: float = 0.0
    weeks: list[int] = field(default_factory=list)

    def grains_a_week(self) -> int:
        return BEAM_GRAINS if self.kind == "beam" else BENCH_GRAINS * self.capacity


@dataclass(frozen=True)
class Draft:
    """A part before its windows are known: `blocks` of `length` grains on one of `alternatives`."""

    id: str
    blocks: int
    length: int
    alternatives: list[Facility]
    staff: str | None


def make(size: str, seed: int) -> Json:
    """A problem without changeovers, exclusive groups, preferences, several lengths or past use."""
    return make_sized(SIZES[size], f"{size}/{seed}", seed)


def make_sized(size: Size, name: str, seed: int) -> Json:
    """The same at any size; `name` seeds all that is random."""
    rnd = random.Random(f"equora network {name}")
    facilities = make_facilities(size.resources, rnd)
    wealth = [rnd.paretovariate(1.2) for _ in range(size.members)]
    total = sum(wealth)
    drafts = [draft_request(facilities, rnd) for _ in range(size.requests)]
    count_demand(drafts)
    for facility in facilities:
        facility.weeks = open_weeks(facility, rnd)
    owners = [place if place < size.members else pick(wealth, rnd) for place in range(size.requests)]
    return {
        "schema": "equora-problem/1",
        "grain_minutes": 30,
        "start": "2027-01-04T00:00:00Z",
        "grains": WEEKS * WEEK,
        "policy": {"fairness": "leximin", "value_slack": 0.0, "seed": seed, "quotas": []},
        "members": [
            {"id": member_id(place), "weight": round(0.5 / size.members + 0.5 * one / total, 6), "past_use": 0}
            for place, one in enumerate(wealth)
        ],
        "resources": [resource_row(facility) for facility in facilities],
        "requests": [
            request_row(f"q{place:05}", member_id(owner), drafts[place], rnd) for place, owner in enumerate(owners)
        ],
        "published": [],
        "frozen_until": 0,
        "pins": [],
        "forbidden": [],
    }


def member_id(place: int) -> str:
    return f"m{place:03}"


def pick(weights: list[float], rnd: random.Random) -> int:
    """A place with probability proportional to its weight."""
    return rnd.choices(range(len(weights)), weights=weights)[0]


def make_facilities(count: int, rnd: random.Random) -> list[Facility]:
    """Half are beams, a tenth (at least one) staff pools, the rest benches, of four types each."""
    beams, pools = max(2, count // 2), max(1, count // 10)
    sites = pools
    rows = [Facility(f"beam-{place:03}", "beam", 1, place // sites % TYPES) for place in range(beams)]
    rows += [
        Facility(f"bench-{place:03}", "bench", rnd.choice([1, 1, 1, 2]), place // sites % TYPES)
        for place in range(count - beams - pools)
    ]
    return rows + [Facility(f"staff-{place:03}", "staff", 2, 0) for place in range(pools)]


def draft_request(facilities: list[Facility], rnd: random.Random) -> list[Draft]:
    """45 % ask for beams, 40 % for benches, 15 % for a beam and then a bench."""
    chance = rnd.random()
    if chance < 0.45:
        return [draft_beam(facilities, rnd.choice([1, 1, 2, 2, 3]), rnd)]
    if chance < 0.85:
        return [draft_bench(facilities, rnd.choice([2, 3, 4, 6]), rnd)]
    return [draft_beam(facilities, 1, rnd), draft_bench(facilities, 1, rnd)]


def draft_beam(facilities: list[Facility], blocks: int, rnd: random.Random) -> Draft:
    length = rnd.choice([3, 3, 6, 6, 9, 12]) * SHIFT
    return Draft("beam", blocks, length, choose_alternatives(facilities, "beam", rnd), None)


def draft_bench(facilities: list[Facility], blocks: int, rnd: random.Random) -> Draft:
    length = rnd.choice([4, 6, 8, 12, 16])
    alternatives = choose_alternatives(facilities, "bench", rnd)
    pools = [facility.id for facility in facilities if facility.kind == "staff"]
    staff = rnd.choice(pools) if rnd.random() < STAFF_SHARE else None
    return Draft("bench", blocks, length, alternatives, staff)


def choose_alternatives(facilities: list[Facility], kind: str, rnd: random.Random) -> list[Facility]:
    """One to three of the same type."""
    first = rnd.choice([facility for facility in facilities if facility.kind == kind])
    same = [
        facility
        for facility in facilities
        if (facility.kind, facility.type) == (kind, first.type) and facility != first
    ]
    rnd.shuffle(same)
    return [first, *same[: rnd.choice([0, 1, 1, 2])]]


def count_demand(drafts: list[list[Draft]]) -> None:
    """Give each facility its share of what is asked for, in grains."""
    for parts in drafts:
        for part in parts:
            for facility in part.alternatives:
                facility.demand += part.blocks * part.length / len(part.alternatives)


def open_weeks(facility: Facility, rnd: random.Random) -> list[int]:
    """As many weeks (2 to 26) as make the demand 1.6 times the capacity, in runs of up to four."""
    if facility.kind == "staff":
        return list(range(WEEKS))
    wanted = round(facility.demand / (OVERSUBSCRIPTION * facility.grains_a_week()))
    wanted = max(2, min(WEEKS, wanted))
    weeks: set[int] = set()
    while len(weeks) < wanted:
        first = rnd.randrange(WEEKS)
        for week in range(first, min(WEEKS, first + RUN)):
            if len(weeks) < wanted:
                weeks.add(week)
    return sorted(weeks)


def resource_row(facility: Facility) -> Json:
    row: Json = {"id": facility.id, "capacity": facility.capacity}
    if facility.kind == "beam":
        spans = [(week * WEEK + BEAM_DAYS[0] * DAY, week * WEEK + BEAM_DAYS[1] * DAY) for week in facility.weeks]
        return row | {"cost": BEAM_COST, "open": unite(spans), "starts": list(range(0, WEEKS * WEEK, SHIFT))}
    days = range(7 if facility.kind == "staff" else 5)
    mornings = [week * WEEK + day * DAY for week in facility.weeks for day in days]
    spans = [(morning + BENCH_HOURS[0], morning + BENCH_HOURS[1]) for morning in mornings]
    return row | {"cost": BENCH_COST, "open": unite(spans)}


def unite(spans: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The union of half-open intervals: sorted, disjoint and not touching."""
    united: list[list[int]] = []
    for start, end in sorted(spans):
        if united and start <= united[-1][1]:
            united[-1][1] = max(united[-1][1], end)
        else:
            united.append([start, end])
    return united


def request_row(name: str, member: str, drafts: list[Draft], rnd: random.Random) -> Json:
    """A chain wants all of its parts; 30 % of the others want all of their blocks."""
    is_chain = len(drafts) > 1
    everything = rnd.random() < ALL_OR_NOTHING or is_chain
    allowed = choose_days(drafts, rnd)
    lags = [{"after": "beam", "then": "bench", "least": 0, "most": LAG}] if is_chain else []
    return {
        "id": name,
        "shares": {member: 1.0},
        "merit": 10 * rnd.randint(1, 10),
        "needs": "all" if everything else "any",
        "parts": [part_row(draft, everything, allowed) for draft in drafts],
        "lags": lags,
    }


def part_row(draft: Draft, everything: bool, allowed: list[list[int]]) -> Json:
    return {
        "id": draft.id,
        "alternatives": [facility.id for facility in draft.alternatives],
        "amount": draft.blocks * draft.length,
        "least": draft.length * (draft.blocks if everything else 1),
        "lengths": [draft.length],
        "most_blocks": draft.blocks,
        "gap": None,
        "allowed": allowed,
        "preferred": [],
        "configuration": None,
        "side": [] if draft.staff is None else [{"resource": draft.staff, "units": 1}],
    }


def choose_days(drafts: list[Draft], rnd: random.Random) -> list[list[int]]:
    """30 to 90 % of the weeks in which an alternative is open, in one go, without 8 % impossible days."""
    weeks = sorted({week for draft in drafts for facility in draft.alternatives for week in facility.weeks})
    count = max(2, int(len(weeks) * rnd.uniform(0.3, 0.9)))
    first = rnd.randrange(max(1, len(weeks) - count + 1))
    mornings = [week * WEEK + day * DAY for week in weeks[first : first + count] for day in range(7)]
    return unite((morning, morning + DAY) for morning in mornings if rnd.random() >= IMPOSSIBLE)


def capacity(document: Json) -> float:
    """Open cost-grains of all beams and benches."""
    sides = {side["resource"] for request in document["requests"] for part in request["parts"] for side in part["side"]}
    return math.fsum(
        (end - start) * row["capacity"] * row["cost"]
        for row in document["resources"]
        if row["id"] not in sides
        for start, end in row["open"]
    )


def demand(document: Json) -> float:
    """Cost-grains asked for."""
    costs = {row["id"]: row["cost"] for row in document["resources"]}
    parts = [part for request in document["requests"] for part in request["parts"]]
    return math.fsum(part["amount"] * costs[part["alternatives"][0]] for part in parts)
