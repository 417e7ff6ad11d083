"""The 24 invented requests of booking/data/demo_round.json as contents of requests.

The file asks in shifts of 8 hours and night blocks of 4, in visits (one weekend each), with whole weeks that are
impossible and a wish for weekends or nights; here that becomes parts, lengths, gaps and windows.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from booking.content import Needs, PartContent, RequestContent, WindowContent, WindowKind
from core.intervals import Interval, union
from facilities.openings import local_instant

DATA = Path(__file__).parent / "data" / "demo_round.json"
WEEKS = 12
SHIFT_MINUTES = 8 * 60
NIGHT_MINUTES = 4 * 60
LONGEST_PAUSE_MINUTES = 8 * 60
"""Between two shifts of one visit: from Saturday's last to Sunday's first."""
DAY_MINUTES = 24 * 60
GREEDY_BY_HAND = {"university": 144, "hospital": 80, "public_research": 60, "sme": 8, "company_large": 0}
"""The yardstick of the file: hours a type gets when requests are granted whole, by score, until nothing fits."""
GREEDY_BY_HAND_SERVED = 12
WANTED_MINUTES = {"weekend": SHIFT_MINUTES, "night": NIGHT_MINUTES}


@dataclass(frozen=True)
class Beam:
    """What the requests are about: the round's horizon, and when its beams run in it (shifts and nights)."""

    horizon: Interval
    zone: ZoneInfo
    shifts: tuple[Interval, ...]
    instruments: Mapping[str, UUID]
    """By ion: p, C."""


@dataclass(frozen=True)
class DemoRequest:
    """An invented request: its number in the file, who asks, how the panel scored it, and what it says."""

    code: str
    organisation_type: str
    score: float
    content: RequestContent


@cache
def rows() -> Sequence[Mapping[str, Any]]:
    """The requests of the file as they are."""
    document: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    requests: list[dict[str, Any]] = document["requests"]
    return requests


def demo_requests(beam: Beam) -> list[DemoRequest]:
    """All requests of the file, laid into the beam's horizon."""
    return [
        DemoRequest(row["id"], row["organisation_type"], float(row["panel_score_0_100"]), _content(row, beam))
        for row in rows()
    ]


def _content(row: Mapping[str, Any], beam: Beam) -> RequestContent:
    energies = ", ".join(str(energy) for energy in row["energies_MeV_u"])
    level = row["biosafety_level"]
    grant = "" if row["funding"] == "paid" else row["funding"]
    return RequestContent(
        title=row["title"],
        acronym=row["id"],
        team_size=row["users"],
        background="Invented for the demo round. / Inventata per il bando dimostrativo.",
        objectives=f"{row['title']}: dose response and reference data at {energies} MeV/u.",
        method=f"Irradiation with {'carbon ions' if row['ion'] == 'C' else 'protons'} at {energies} MeV/u.",
        sample=row["sample"],
        biosafety_level=level,
        safety=f"Biosafety level {level}; samples arrive and leave sealed." if level else "",
        equipment="Own detector and cables." if row["sample"] == "detector" else "",
        grant_programme=grant.partition("-")[0],
        grant_number=grant,
        needs=Needs.ANY,
        parts=tuple(_parts(row, beam)),
    )


def _parts(row: Mapping[str, Any], beam: Beam) -> Iterator[PartContent]:
    """One part for each visit, the first ones longer when the shifts do not divide; and one for the nights."""
    visits, shifts, nights = row["split_max_parts"], row["shifts_8h"], row["night_blocks_4h"]
    windows, instruments = tuple(_windows(row, beam)), (beam.instruments[row["ion"]],)
    for visit in range(min(visits, shifts)):
        yield PartContent(
            name=f"Visit {visit + 1}" if visits > 1 else "Beam time",
            instrument_ids=instruments,
            amount_minutes=(shifts + visits - 1 - visit) // visits * SHIFT_MINUTES,
            least_minutes=SHIFT_MINUTES,
            lengths_minutes=(SHIFT_MINUTES,),
            gap_least_minutes=0,
            gap_most_minutes=LONGEST_PAUSE_MINUTES,
            windows=windows,
        )
    if nights:
        yield PartContent(
            name="Nights",
            instrument_ids=instruments,
            amount_minutes=nights * NIGHT_MINUTES,
            least_minutes=NIGHT_MINUTES,
            lengths_minutes=(NIGHT_MINUTES,),
            windows=windows,
        )


def _windows(row: Mapping[str, Any], beam: Beam) -> Iterator[WindowContent]:
    """Impossible weeks, and the shifts or nights it would like, outside of those weeks."""
    impossible = union(week_of(beam, week) for week in row["unavailable_weeks"])
    for interval in impossible:
        yield WindowContent(interval.start, interval.end, WindowKind.IMPOSSIBLE)
    wanted = WANTED_MINUTES.get(row["preferred_window"])
    liked = union(shift for shift in beam.shifts if shift.minutes == wanted)
    for interval in liked:
        if not any(interval.overlaps(other) for other in impossible):
            yield WindowContent(interval.start, interval.end, WindowKind.PREFERRED)


def week_of(beam: Beam, week: int) -> Interval:
    """The week of the round, counted from 1, from local Monday to local Monday."""
    monday = beam.horizon.start.astimezone(beam.zone).date() + timedelta(weeks=week - 1)
    return Interval(local_instant(monday, 0, beam.zone), local_instant(monday, 7 * DAY_MINUTES, beam.zone))


def held_back(beam: Beam) -> list[Interval]:
    """The buffer of about 10 %: Sunday's shift of weeks 3, 6, 9, 12 and Thursday's night of weeks 4, 8, 12."""
    found = []
    for shift in beam.shifts:
        start = shift.start.astimezone(beam.zone)
        week = (start.date() - beam.horizon.start.astimezone(beam.zone).date()).days // 7 + 1
        sunday, thursday = start.weekday() == 6, start.weekday() == 3
        if (sunday and week % 3 == 0) or (thursday and week % 4 == 0):
            found.append(shift)
    return found
