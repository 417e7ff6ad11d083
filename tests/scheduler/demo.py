"""The invented demo round as a problem: an experimental room's proton and carbon beams over 12 weeks."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
DATA = Path(__file__).parent / "data" / "demo_round.json"
WEEKS, DAY, WEEK = 12, 48, 336  # grains of half an hour
SHIFT, NIGHT = 16, 8
SATURDAY, SUNDAY = 5 * DAY, 6 * DAY
SHIFT_STARTS = (SATURDAY + 16, SATURDAY + 32, SUNDAY + 16)
NIGHT_STARTS = (DAY + 44, 3 * DAY + 44)
WITHHELD_SUNDAYS = (3, 6, 9, 12)  # the buffer of 10 %
WITHHELD_THURSDAYS = (4, 8, 12)
WEIGHTS = {"university": 3, "hospital": 3, "public_research": 2, "sme": 1, "company_large": 1}


def slots(week: int) -> Iterator[tuple[int, int]]:
    """(start, length) of the week's offered shifts and nights, week counted from 1."""
    first = (week - 1) * WEEK
    for start in SHIFT_STARTS:
        if not (start == SUNDAY + 16 and week in WITHHELD_SUNDAYS):
            yield first + start, SHIFT
    for start in NIGHT_STARTS:
        if not (start == NIGHT_STARTS[1] and week in WITHHELD_THURSDAYS):
            yield first + start, NIGHT


def offered() -> list[tuple[int, int]]:
    """(start, length) of all shifts and nights."""
    return sorted(slot for week in range(1, WEEKS + 1) for slot in slots(week))


def merged(rows: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Sorted intervals, joined where they touch."""
    joined: list[list[int]] = []
    for start, end in sorted(rows):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(end, joined[-1][1])
        else:
            joined.append([start, end])
    return joined


def allowed(unavailable: list[int]) -> list[list[int]]:
    return merged(((week - 1) * WEEK, week * WEEK) for week in range(1, WEEKS + 1) if week not in unavailable)


def preferred(window: str) -> list[list[int]]:
    """Weekend or night slots are liked with weight 1."""
    length = {"weekend": SHIFT, "night": NIGHT}.get(window)
    return [[start, start + size, 1] for start, size in offered() if size == length]


def part(row: Json, name: str, amount: int, length: int, gap: list[int] | None) -> Json:
    return {
        "id": name,
        "alternatives": [f"xpr-{row['ion'].lower()}"],
        "amount": amount,
        "least": length,
        "lengths": [length],
        "most_blocks": None,
        "gap": gap,
        "allowed": allowed(row["unavailable_weeks"]),
        "preferred": preferred(row["preferred_window"]),
        "configuration": row["ion"],
        "side": [],
    }


def parts(row: Json) -> Iterator[Json]:
    """One part for each visit (one weekend), and one for the nights."""
    visits, shifts = row["split_max_parts"], row["shifts_8h"]
    for visit in range(visits if shifts else 0):
        amount = (shifts + visits - 1 - visit) // visits
        yield part(row, f"visit-{visit + 1}", amount * SHIFT, SHIFT, [0, 16])
    if row["night_blocks_4h"]:
        yield part(row, "nights", row["night_blocks_4h"] * NIGHT, NIGHT, None)


def demo_problem(fairness: str = "leximin") -> Json:
    """The round as a problem, one member for each type of organisation."""
    rows = json.loads(DATA.read_text())["requests"]
    beam = {
        "capacity": 1,
        "cost": 1,
        "open": merged((start, start + length) for start, length in offered()),
        "starts": [start for start, _ in offered()],
        "exclusive": "cnao-beam",
        "changeover": {"p>C": 2, "C>p": 2},
    }
    return {
        "schema": "equora-problem/1",
        "grain_minutes": 30,
        "start": "2027-01-04T00:00:00Z",
        "grains": WEEKS * WEEK,
        "policy": {"fairness": fairness, "value_slack": 0.0, "seed": 1, "quotas": []},
        "members": [{"id": name, "weight": weight, "past_use": 0} for name, weight in WEIGHTS.items()],
        "resources": [{"id": "xpr-p", **beam}, {"id": "xpr-c", **beam}],
        "requests": [
            {
                "id": row["id"],
                "shares": {row["organisation_type"]: 1.0},
                "merit": row["panel_score_0_100"],
                "needs": "any",
                "parts": list(parts(row)),
                "lags": [],
            }
            for row in rows
        ],
        "published": [],
        "frozen_until": 0,
        "pins": [],
        "forbidden": [],
    }


def a_hard_problem() -> Json:
    """The demo round without its calendar: far too many places to prove anything soon."""
    document = demo_problem()
    for resource in document["resources"]:
        resource |= {"starts": None, "open": None}
    return document
