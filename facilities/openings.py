"""When an instrument runs: weekly shifts in local wall time turned into instants."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.intervals import Interval


@dataclass(frozen=True)
class WeeklyShift:
    """A stretch of every week: weekday (0 = Monday), minutes after local midnight, length in minutes."""

    weekday: int
    start_minute: int
    minutes: int


def local_instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The instant of a wall time, `minute` minutes after the midnight that begins `day`.

    A wall time that a clock change skips is taken as the instant after the gap, a doubled one as its first pass.
    """
    wall = datetime.combine(day, time(), zone) + timedelta(minutes=minute)  # wall-clock arithmetic
    return wall.astimezone(UTC)


def shifts_between(shifts: Iterable[WeeklyShift], zone: ZoneInfo, horizon: Interval) -> list[Interval]:
    """Every shift that lies wholly inside the horizon, sorted; each keeps its wall-clock start and end."""
    weekly = list(shifts)
    day = horizon.start.astimezone(zone).date() - timedelta(days=1)
    last = horizon.end.astimezone(zone).date()
    found = []
    while day <= last:
        for shift in weekly:
            if shift.weekday == day.weekday():
                start = local_instant(day, shift.start_minute, zone)
                end = local_instant(day, shift.start_minute + shift.minutes, zone)
                if horizon.start <= start < end <= horizon.end:
                    found.append(Interval(start, end))
        day += timedelta(days=1)
    return sorted(found)
