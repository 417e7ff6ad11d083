"""Wall time and instants: local days, and wall times that a clock change skips or doubles."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.intervals import Interval


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a local day begins."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_interval(day: date, zone: ZoneInfo) -> Interval:
    """A whole local day: 23, 24 or 25 hours."""
    return Interval(midnight(day, zone), midnight(day + timedelta(days=1), zone))


def monday_of(at: datetime, zone: ZoneInfo) -> date:
    """The Monday of the local week that an instant lies in."""
    day = at.astimezone(zone).date()
    return day - timedelta(days=day.weekday())


def instants_at(day: date, minute: int, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The instants at which clocks show `minute` minutes after the midnight that begins `day`.

    None for a wall time that a clock change skips, two (in order) for one that it doubles.
    """
    wall = datetime.combine(day, time(), zone) + timedelta(minutes=minute)  # wall-clock arithmetic
    passes = {wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    return tuple(sorted(at for at in passes if _shows(at, wall, zone)))


def _shows(at: datetime, wall: datetime, zone: ZoneInfo) -> bool:
    return at.astimezone(zone).replace(tzinfo=None, fold=0) == wall.replace(tzinfo=None, fold=0)
