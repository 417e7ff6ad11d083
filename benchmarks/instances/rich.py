"""Rich instances: a plain one of the same size and seed, with everything that the problem format can say."""

import random
from typing import Any

from benchmarks.instances.network import DAY, SHIFT, SIZES, WEEK, WEEKS, Size, capacity, make_sized

Json = dict[str, Any]

CONFIGURATIONS = ("A", "B", "C", "D")
CHANGEOVERS = (4, 8, 16)  # 2 to 8 hours
BEAMS_A_GROUP = 10  # one exclusive group of two for ten beams
PREFERRED, FLEXIBLE, GAPPED, JOINT = 0.5, 0.4, 0.25, 0.1
GAPS: tuple[list[int | None], ...] = ([0, 2 * WEEK], [DAY, 4 * WEEK], [SHIFT, None])
SHARES = (0.5, 0.6, 0.7, 0.75)
LENGTHS = {"beam": (3 * SHIFT, 6 * SHIFT, 9 * SHIFT, 12 * SHIFT), "bench": (4, 6, 8, 12, 16)}


def make(size: str, seed: int) -> Json:
    """A problem with changeovers, exclusive groups, preferences, several lengths, gaps, joint requests and past use."""
    return make_sized_rich(SIZES[size], f"{size}/{seed}", seed)


def make_sized_rich(size: Size, name: str, seed: int) -> Json:
    """The same at any size; `name` seeds all that is random."""
    document = make_sized(size, name, seed)
    rnd = random.Random(f"equora rich {name}")
    enrich_beams([row for row in document["resources"] if row["id"].startswith("beam")], rnd)
    for request in document["requests"]:
        if rnd.random() < JOINT:
            share_request(request, document["members"], rnd)
        if rnd.random() < PREFERRED:
            prefer_weeks(request, rnd)
        for part in request["parts"]:
            enrich_part(part, request["needs"], rnd)
    give_past_use(document, rnd)
    return document


def enrich_beams(beams: list[Json], rnd: random.Random) -> None:
    """A third of the beams, among them the first exclusive group, have changeovers; groups are pairs."""
    rows = list(beams)
    rnd.shuffle(rows)
    groups = max(1, len(rows) // BEAMS_A_GROUP)
    for group in range(groups):
        for row in rows[2 * group : 2 * group + 2]:
            row["exclusive"] = f"hall-{group:03}"
    table = changeover_table(rnd)
    for row in rows[:2]:
        row["changeover"] = dict(table)
    alone = rows[2 * groups :]
    for row in alone[: max(0, round(len(rows) / 3) - 2)]:
        row["changeover"] = changeover_table(rnd)


def changeover_table(rnd: random.Random) -> dict[str, int]:
    """Grains for each ordered pair of two different configurations."""
    pairs = [f"{one}>{other}" for one in CONFIGURATIONS for other in CONFIGURATIONS if one != other]
    return {pair: rnd.choice(CHANGEOVERS) for pair in pairs}


def share_request(request: Json, members: list[Json], rnd: random.Random) -> None:
    """A second member joins, with at most half."""
    (first,) = request["shares"]
    second = rnd.choice([member["id"] for member in members if member["id"] != first])
    share = rnd.choice(SHARES)
    request["shares"] = {first: share, second: round(1 - share, 2)}


def prefer_weeks(request: Json, rnd: random.Random) -> None:
    """A third of the weeks that the request touches, with weights 1 to 3."""
    spans = request["parts"][0]["allowed"]
    weeks = [week for week in range(WEEKS) if any(a < (week + 1) * WEEK and week * WEEK < b for a, b in spans)]
    chosen = sorted(rnd.sample(weeks, max(1, len(weeks) // 3)))
    rows = [[week * WEEK, (week + 1) * WEEK, rnd.randint(1, 3)] for week in chosen]
    for part in request["parts"]:
        part["preferred"] = rows


def enrich_part(part: Json, needs: str, rnd: random.Random) -> None:
    """Configurations for beams; a second length, and one block more, for some of the divisible parts; gaps for some."""
    if part["id"] == "beam":
        part["configuration"] = rnd.choice(CONFIGURATIONS)
    if part["most_blocks"] > 1 and rnd.random() < GAPPED:
        part["gap"] = list(rnd.choice(GAPS))
    if needs == "any" and rnd.random() < FLEXIBLE:
        (length,) = part["lengths"]
        other = rnd.choice([one for one in LENGTHS[part["id"]] if one != length])
        part["lengths"] = sorted([length, other])
        part["most_blocks"] += 1
        part["amount"] = max(part["amount"], 2 * min(length, other))
        part["least"] = min(length, other)


def give_past_use(document: Json, rnd: random.Random) -> None:
    """Half of the members have used up to half of what their weight entitles them to."""
    whole = capacity(document) / sum(member["weight"] for member in document["members"])
    for member in document["members"]:
        member["past_use"] = round(member["weight"] * whole * max(0.0, rnd.uniform(-0.5, 0.5)))
