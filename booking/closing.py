"""Closures that repeat, and what stands in the way of one; plain arithmetic."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from core.errors import Invalid, Refusal
from core.i18n import N_
from core.intervals import Interval
from core.localtime import instants_at

MOST_WEEKS = 52
WEEK = timedelta(days=7)


def weekly(first: Interval, weeks: int, zone: ZoneInfo) -> list[Interval]:
    """The stretch, and the same one by the wall clock in each of the following weeks; `weeks` counts the first, too.

    A wall time that a clock change skips is the instant after it, a doubled one its first pass. Invalid "weeks",
    "overlaps_itself".
    """
    if not 1 <= weeks <= MOST_WEEKS:
        raise _wrong("weeks", "weeks", N_("For 1 to %(most)s weeks, please."), most=MOST_WEEKS)
    if weeks > 1 and first.length > WEEK:
        raise _wrong("end", "overlaps_itself", N_("What takes longer than a week cannot come every week."))
    later = [Interval(_weeks_on(first.start, week, zone), _weeks_on(first.end, week, zone)) for week in range(1, weeks)]
    return [first, *later]


def hits(held: Interval, stretches: Iterable[Interval]) -> bool:
    """Whether time that is held with its buffers lies in one of the stretches."""
    return any(held.overlaps(one) for one in stretches)


def _weeks_on(at: datetime, weeks: int, zone: ZoneInfo) -> datetime:
    """The instant at which clocks show the same on the same weekday, so many weeks on."""
    wall = at.astimezone(zone) + weeks * WEEK
    found = instants_at(wall.date(), wall.hour * 60 + wall.minute, zone)
    return found[0] if found else wall.astimezone(UTC)


def _wrong(field: str, code: str, message: str, **values: object) -> Refusal:
    return Invalid(message, code=code, fields={field: message}, **values)
