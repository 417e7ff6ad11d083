"""Where a stretch of time stands in the timeline: quarters of local wall time, as static classes (no inline styles)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.intervals import Interval
from core.localtime import day_interval, instants_at

QUARTERS = 96  # of an hour in a day, by the wall clock
PIXELS_A_DAY = (36, 130, 384, 768, 1536)  # at zoom 0 … 4, the widths of timeline.css
PIXELS_ONE_DAY = (960, 960, 960, 1920, 1920)
LAST_LANE = 19


@dataclass(frozen=True)
class Day:
    """A column. `hours` is 23 or 25 on the days of a clock change; `changed` is the place of the hour that moves."""

    date: date
    when: Interval
    is_weekend: bool
    is_today: bool
    hours: int
    changed: str = ""


@dataclass(frozen=True)
class Place:
    """Where a stretch stands, in the cell of the day (by its number) on which the visible part begins."""

    day: int
    start: int
    days: int
    quarters: int
    from_before: bool
    goes_on: bool

    @property
    def classes(self) -> list[str]:
        """Start and length as static classes."""
        names = [f"s{self.start}", f"w{self.quarters}"]
        return [*names, f"d{self.days}"] if self.days else names


@dataclass(frozen=True)
class Label:
    """What stands on a bar: a sign before it (or none), the shortest label, the next one."""

    has_sign: bool
    code: str
    who: str


def days_from(first: date, count: int, zone: str, now: datetime) -> list[Day]:
    """`count` local days from `first`."""
    local = ZoneInfo(zone)
    today = now.astimezone(local).date()
    found = []
    for offset in range(count):
        one = first + timedelta(days=offset)
        when = day_interval(one, local)
        hours = when.minutes // 60
        changed = "" if hours == 24 else _changed(one, local)
        found.append(Day(one, when, one.weekday() >= 5, one == today, hours, changed))
    return found


def _changed(day: date, local: ZoneInfo) -> str:
    """Classes of the quarters that a clock change skips or doubles."""
    odd = [q for q in range(QUARTERS) if len(instants_at(day, q * 15, local)) != 1]
    return f"s{odd[0]} w{len(odd)}" if odd else ""


def quarter(at: datetime, local: ZoneInfo) -> int:
    """The quarter of the day in which an instant lies, by the wall clock."""
    wall = at.astimezone(local)
    return wall.hour * 4 + wall.minute // 15


def place(when: Interval, days: Sequence[Day], local: ZoneInfo) -> Place | None:
    """Where a stretch stands among days; None when it touches none of them."""
    if when.end <= days[0].when.start or when.start >= days[-1].when.end:
        return None
    from_before = when.start < days[0].when.start
    index = 0 if from_before else day_of(when.start, days)
    start = 0 if from_before else quarter(when.start, local)
    goes_on = when.end > days[-1].when.end
    end_day, end = (len(days) - 1, QUARTERS) if goes_on else _end(when.end, days, local)
    whole, rest = divmod(max(1, (end_day - index) * QUARTERS + end - start), QUARTERS)
    return Place(index, start, whole, rest, from_before, goes_on)


def day_of(at: datetime, days: Sequence[Day]) -> int:
    """The number of the day in which an instant lies; it lies in one of them."""
    guess = (at - days[0].when.start) // timedelta(days=1)
    for index in (guess, guess - 1, guess + 1):
        if 0 <= index < len(days) and days[index].when.start <= at < days[index].when.end:
            return index
    raise ValueError(f"{at} lies in none of the days")


def _end(at: datetime, days: Sequence[Day], local: ZoneInfo) -> tuple[int, int]:
    """Day and quarter of an end, rounded up; midnight belongs to the day that it ends."""
    index = day_of(at - timedelta(microseconds=1), days)
    if at == days[index].when.end:
        return index, QUARTERS
    wall = at.astimezone(local)
    return index, wall.hour * 4 + -(-wall.minute // 15)


def lanes(bars: Sequence[Interval]) -> tuple[list[int], int]:
    """The first lane that is free for each stretch (in order of start), and how many lanes that takes."""
    ends: list[datetime] = []
    found = []
    for bar in bars:
        lane = next((n for n, end in enumerate(ends) if end <= bar.start), len(ends))
        if lane == len(ends):
            ends.append(bar.end)
        else:
            ends[lane] = bar.end
        found.append(lane)
    return found, max(1, len(ends))


def in_lane(lane: int) -> list[str]:
    """Classes of a lane; the first needs none."""
    return [f"y{min(lane, LAST_LANE)}"] if lane else []


def fitting(label: Label, quarters: int, days: int) -> list[str]:
    """From which zoom on the sign, the code, the person and the time fit whole (widths of the 12 px label)."""
    pixels = PIXELS_ONE_DAY if days == 1 else PIXELS_A_DAY
    sign = 13 if label.has_sign else 0
    code = 10 + sign + 9.2 * len(label.code)
    who = code + 5 + 6.9 * len(label.who)
    steps = (
        ("j", 19.0 if sign else None),
        ("k", code),
        ("l", who if label.who else None),
        ("m", who + 5 + 6.9 * 11),
    )
    names = []
    for letter, needed in steps:
        if needed is None:
            continue
        zoom = next((z for z, day in enumerate(pixels) if quarters * day / QUARTERS - 1 >= needed), None)
        if zoom is not None:
            names.append(f"{letter}{zoom}")
    return names


def shaded(closed: Sequence[Interval], day: Day, local: ZoneInfo) -> list[str]:
    """Classes of the parts of a day that lie in closed stretches."""
    found = []
    for one in closed:
        if not one.overlaps(day.when):
            continue
        start = 0 if one.start <= day.when.start else quarter(one.start, local)
        end = QUARTERS if one.end >= day.when.end else -(-_minutes(one.end, local) // 15)
        if end > start:
            whole = end - start == QUARTERS
            found.append(f"s{start} w{0 if whole else end - start}" + (" d1" if whole else ""))
    return found


def _minutes(at: datetime, local: ZoneInfo) -> int:
    wall = at.astimezone(local)
    return wall.hour * 60 + wall.minute
