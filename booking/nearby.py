"""What is free near a wish that cannot be met: the nearest stretch before and after it, as long as it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from booking.availability import Busy
from booking.finding import MOST_TRIES, grid_starts, windows
from booking.terms import DAY_MINUTES, Terms, check_times
from core.errors import Refusal
from core.intervals import Interval, intersection
from facilities.openings import local_instant

DAY = timedelta(days=1)
AROUND = 14 * DAY
"""How far before and after a wish one looks."""


@dataclass(frozen=True)
class Nearest:
    """The latest free stretch that begins before a wish, and the earliest that begins after it; None: not found."""

    before: Interval | None = None
    after: Interval | None = None


def around(wanted: Interval) -> Interval:
    """Where one looks for what is free."""
    return Interval(wanted.start - AROUND, wanted.end + AROUND)


def nearest(terms: Terms, busy: Sequence[Busy], capacity: int, wanted: Interval, now: datetime) -> Nearest:
    """Stretches of the wish's length that the terms allow and that find one unit free, on both sides of its start.

    `busy`: what is held in `around(wanted)` with the terms' buffers. A wish of a length that is never allowed has none.
    """
    free = windows(terms, busy, capacity, terms.openings(around(wanted)))
    return Nearest(
        before=_first(terms, free, _backwards(terms, free, wanted.start), wanted, now),
        after=_first(terms, free, _forwards(terms, free, wanted.start), wanted, now),
    )


def is_free(terms: Terms, busy: Iterable[Busy], capacity: int, wanted: Interval, now: datetime) -> bool:
    """Whether the terms allow a stretch and one unit is free all through it."""
    return _is_allowed(terms, wanted, now) and any(
        window.holds(wanted) for window in windows(terms, busy, capacity, [wanted])
    )


def _forwards(terms: Terms, free: Sequence[Interval], at: datetime) -> Iterator[datetime]:
    """Starts on the grid after an instant, nearest first; a day at a time, for most are never asked for."""
    for day in range(AROUND.days):
        first = at + day * DAY
        yield from (start for start in _starts(terms, free, Interval(first, first + DAY)) if start > at)


def _backwards(terms: Terms, free: Sequence[Interval], at: datetime) -> Iterator[datetime]:
    """Starts on the grid before an instant, nearest first."""
    for day in range(AROUND.days):
        last = at - day * DAY
        yield from reversed(_starts(terms, free, Interval(last - DAY, last)))


def _starts(terms: Terms, free: Iterable[Interval], within: Interval) -> list[datetime]:
    return sorted({start for piece in intersection(free, [within]) for start in grid_starts(terms, piece)})


def _first(
    terms: Terms, free: Sequence[Interval], starts: Iterable[datetime], wanted: Interval, now: datetime
) -> Interval | None:
    for start in islice(starts, MOST_TRIES):
        candidate = Interval(start, _end(terms, start, wanted))
        if any(window.holds(candidate) for window in free) and _is_allowed(terms, candidate, now):
            return candidate
    return None


def _end(terms: Terms, start: datetime, wanted: Interval) -> datetime:
    """As long as the wish; whole local days where time is given by the day."""
    if terms.slot_minutes % DAY_MINUTES:
        return start + wanted.length
    wall = start.astimezone(terms.zone)
    return local_instant(wall.date(), wall.hour * 60 + wall.minute + terms.minutes(wanted), terms.zone)


def _is_allowed(terms: Terms, wanted: Interval, now: datetime) -> bool:
    try:
        check_times(terms, wanted.start, wanted.end, now)
    except Refusal:
        return False
    return True
