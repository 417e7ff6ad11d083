"""Where a wish for free time fits first: the instrument's terms, what is held on it, the days and hours that suit."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from math import asin, cos, radians, sin, sqrt
from zoneinfo import ZoneInfo

from booking.availability import Busy
from booking.terms import DAY_MINUTES, LONGEST_SHIFT, Terms, check_times
from core.errors import Refusal
from core.intervals import Interval, intersection, union
from facilities.openings import local_instant, shifts_between

EARTH_RADIUS = 6371.0
EVERY_DAY = frozenset(range(7))
MOST_TRIES = 400
"""How many starts of one free stretch are tried: a day in steps of five minutes, and more."""


@dataclass(frozen=True)
class Wish:
    """`minutes` on end inside `when`, on these weekdays (0 = Monday), between two wall times (minutes after midnight).

    A stretch may cross midnight only where the hours of both days meet there.
    """

    when: Interval
    minutes: int
    weekdays: frozenset[int] = EVERY_DAY
    from_minute: int = 0
    until_minute: int = DAY_MINUTES


@dataclass(frozen=True, order=True)
class Offer:
    """The earliest booking that a free stretch allows, and until when one could stay."""

    booking: Interval
    free_until: datetime


def offers(terms: Terms, busy: Sequence[Busy], capacity: int, wish: Wish, now: datetime, most: int) -> list[Offer]:
    """The earliest booking in each free stretch that suits, by start, at most `most`; each passes `check_times`.

    A wish that is shorter than the instrument's shortest booking gets that one, a longer one than its longest nothing.
    """
    found: dict[datetime, Offer] = {}
    if bookable_minutes(terms, wish.minutes) > terms.most_minutes:
        return []
    for window in windows(terms, busy, capacity, _within(terms, wish, now)):
        if len(found) >= most and window.start > max(found):
            break
        booking = _earliest(terms, window, wish.minutes, now)
        if booking is not None:
            known = found.get(booking.start)
            until = max(window.end, known.free_until) if known else window.end
            found[booking.start] = Offer(booking, until)
    return sorted(found.values())[:most]


def bookable_minutes(terms: Terms, wanted: int) -> int:
    """The shortest booking that is as long as wanted: at least the instrument's shortest, in whole slots."""
    slots = -(-max(wanted, terms.least_minutes) // terms.slot_minutes)
    return slots * terms.slot_minutes


def suitable(wish: Wish, zone: ZoneInfo) -> list[Interval]:
    """The hours of the wished weekdays, by the wall clock of a zone."""
    day = wish.when.start.astimezone(zone).date()
    last = wish.when.end.astimezone(zone).date()
    hours = []
    while day <= last:
        if day.weekday() in wish.weekdays:
            start, end = (local_instant(day, minute, zone) for minute in (wish.from_minute, wish.until_minute))
            if start < end:
                hours.append(Interval(start, end))
        day += timedelta(days=1)
    return intersection(hours, [wish.when])


def windows(terms: Terms, busy: Iterable[Busy], capacity: int, within: Iterable[Interval]) -> list[Interval]:
    """Stretches inside `within` in which a booking finds one and the same unit free, its buffers included; by start.

    Buffers may reach outside `within` (beyond the opening hours), not into what is held.
    """
    held = list(busy)
    before, after = terms.buffers
    found = set()
    for unit in range(capacity):
        there = union(one.interval for one in held if one.unit in (unit, None))
        for one in within:
            for gap in _gaps(Interval(one.start - before, one.end + after), there):
                if gap.length > before + after:
                    found.add(Interval(gap.start + before, gap.end - after))
    return sorted(found)


def kilometres(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Great-circle distance of two places in degrees north and east (haversine formula, mean radius of the Earth)."""
    (north, east), (north_2, east_2) = ([radians(degrees) for degrees in place] for place in (here, there))
    half = sin((north_2 - north) / 2) ** 2 + cos(north) * cos(north_2) * sin((east_2 - east) / 2) ** 2
    return 2 * EARTH_RADIUS * asin(sqrt(half))


def _gaps(frame: Interval, held: Iterable[Interval]) -> Iterator[Interval]:
    """What disjoint, sorted stretches leave of a frame; one walk, for years of bookings may be searched."""
    at = frame.start
    for one in held:
        if one.start >= frame.end:
            break
        if one.start > at:
            yield Interval(at, one.start)
        at = max(at, one.end)
    if at < frame.end:
        yield Interval(at, frame.end)


def _within(terms: Terms, wish: Wish, now: datetime) -> list[Interval]:
    """When the instrument runs, may be booked already, and the wish is met."""
    first = max(wish.when.start, terms.first_start(now))
    last = min(wish.when.end, terms.last_end(now))
    if first >= last:
        return []
    return intersection(terms.openings(Interval(first, last)), suitable(wish, terms.zone))


def _earliest(terms: Terms, window: Interval, wanted: int, now: datetime) -> Interval | None:
    """The first booking in a window that the terms allow."""
    minutes = bookable_minutes(terms, wanted)
    for start in islice(grid_starts(terms, window), MOST_TRIES):
        end = _end(terms, start, minutes)
        if end > window.end:
            return None
        try:
            return check_times(terms, start, end, now)
        except Refusal:
            continue
    return None


def _end(terms: Terms, start: datetime, minutes: int) -> datetime:
    """Real minutes later; whole local days later where time is given by the day."""
    if terms.slot_minutes % DAY_MINUTES:
        return start + timedelta(minutes=minutes)
    wall = start.astimezone(terms.zone)
    return local_instant(wall.date(), wall.hour * 60 + wall.minute + minutes, terms.zone)


def grid_starts(terms: Terms, window: Interval) -> Iterator[datetime]:
    """Instants of a window that may be on the grid, in order; `check_times` has the last word on each."""
    anchors = _anchors(terms, window)
    at = window.start.replace(second=0, microsecond=0)
    at += timedelta(minutes=1) if at < window.start else timedelta()
    while at < window.end:
        minute = _week_minute(at, terms.zone)
        away = min((anchor - minute) % terms.slot_minutes for anchor in anchors)
        if away == 0:
            yield at
        at += timedelta(minutes=away or 1)


def _anchors(terms: Terms, window: Interval) -> list[int]:
    """Wall minutes of the week from which slots are counted: Monday's midnight, or each shift's start and end."""
    if terms.shifts is None:
        return [0]
    around = Interval(window.start - LONGEST_SHIFT, window.end + LONGEST_SHIFT)
    touching = [one for one in shifts_between(terms.shifts, terms.zone, around) if one.overlaps(window)]
    return sorted({_week_minute(edge, terms.zone) for one in touching for edge in (one.start, one.end)}) or [0]


def _week_minute(at: datetime, zone: ZoneInfo) -> int:
    wall = at.astimezone(zone)
    return (wall.weekday() * 24 + wall.hour) * 60 + wall.minute
