"""Instances of the Las Cumbres kind: single observations on ten telescopes over seven nights in slices of 300 s.

Their `adaptive_scheduler` maximises the sum of priority × duration over the observations that it places. Here merit is
the priority and a grain costs 1, so the value of a plan (merit × grains) is that sum, in slices.
"""

import random
from typing import Any

from benchmarks.instances.network import member_id, pick, unite

Json = dict[str, Any]

SIZES = {"100": 100, "300": 300, "1000": 1000, "3000": 3000}
TELESCOPES, NIGHTS, PROPOSALS = 10, 7, 20
DAY, NIGHT = 288, 108  # slices: 24 and 9 hours
SHORTEST, LONGEST = 2, 18  # slices: 10 and 90 minutes
WINDOW = (12, 48)  # slices: windows of one to four hours


def make(size: str, seed: int) -> Json:
    """A problem of `size` observations that belong to twenty proposals; nights begin two sites' longitudes apart."""
    return make_sized(SIZES[size], f"{size}/{seed}", seed)


def make_sized(count: int, name: str, seed: int, telescopes: int = TELESCOPES, nights: int = NIGHTS) -> Json:
    """The same with any number of observations, telescopes and nights; `name` seeds all that is random."""
    rnd = random.Random(f"equora las cumbres {name}")
    wealth = [rnd.paretovariate(1.2) for _ in range(min(PROPOSALS, count))]
    total = sum(wealth)
    dusks = [telescope * (DAY - NIGHT) // TELESCOPES for telescope in range(telescopes)]
    owners = [place if place < len(wealth) else pick(wealth, rnd) for place in range(count)]
    return {
        "schema": "equora-problem/1",
        "grain_minutes": 5,
        "start": "2027-01-04T00:00:00Z",
        "grains": nights * DAY,
        "policy": {"fairness": "merit", "value_slack": 0.0, "seed": seed, "quotas": []},
        "members": [
            {"id": member_id(place), "weight": round(one / total, 6), "past_use": 0} for place, one in enumerate(wealth)
        ],
        "resources": [
            {
                "id": telescope_id(place),
                "open": [[night * DAY + dusk, night * DAY + dusk + NIGHT] for night in range(nights)],
            }
            for place, dusk in enumerate(dusks)
        ],
        "requests": [
            request_row(f"q{place:05}", member_id(owner), dusks, nights, rnd) for place, owner in enumerate(owners)
        ],
        "published": [],
        "frozen_until": 0,
        "pins": [],
        "forbidden": [],
    }


def telescope_id(place: int) -> str:
    return f"telescope-{place:02}"


def request_row(name: str, member: str, dusks: list[int], nights: int, rnd: random.Random) -> Json:
    """One observation of 10 to 90 minutes, priority 10 to 30, in one to four windows on one to four telescopes."""
    length = rnd.randint(SHORTEST, LONGEST)
    telescopes = sorted(rnd.sample(range(len(dusks)), min(len(dusks), rnd.randint(1, 4))))
    spans = []
    for _ in range(rnd.randint(1, 4)):
        dusk = rnd.randrange(nights) * DAY + dusks[rnd.choice(telescopes)]
        size = max(length, rnd.randint(*WINDOW))
        start = dusk + rnd.randint(0, NIGHT - size)
        spans.append((start, start + size))
    part = {
        "id": "observation",
        "alternatives": [telescope_id(place) for place in telescopes],
        "amount": length,
        "least": length,
        "lengths": [length],
        "most_blocks": 1,
        "allowed": unite(spans),
    }
    return {"id": name, "shares": {member: 1.0}, "merit": rnd.randint(10, 30), "needs": "all", "parts": [part]}
