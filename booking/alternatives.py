"""Other times on the same day for an occurrence that cannot be where its pattern puts it, nearest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from booking.availability import Busy
from booking.finding import grid_starts, windows
from booking.recurrence import Pattern, beginning_at, occurrence
from booking.terms import Terms
from core.intervals import Interval
from core.localtime import day_interval


@dataclass(frozen=True)
class Shift:
    """The same occurrence from another minute of its day on."""

    start: int
    interval: Interval


def span_of(pattern: Pattern, day: date, terms: Terms) -> Interval:
    """All the time that an occurrence which begins on a day could touch."""
    whole = day_interval(day, terms.zone)
    return Interval(whole.start, whole.end + timedelta(minutes=pattern.wall_minutes))


def shifts(pattern: Pattern, day: date, terms: Terms, busy: Sequence[Busy], capacity: int) -> Iterator[Shift]:
    """Starts on the grid of a day from which a unit is free and the instrument runs, as long as the pattern's times.

    Nearest to the pattern's start first, the later of two that are as near; the pattern's own start is none.
    """
    found: dict[int, Interval] = {}
    for window in windows(terms, busy, capacity, terms.openings(span_of(pattern, day, terms))):
        for at in grid_starts(terms, window):
            wall = at.astimezone(terms.zone)
            minute = wall.hour * 60 + wall.minute
            interval = occurrence(beginning_at(pattern, minute), day, terms.zone).interval
            if wall.date() == day and minute != pattern.start and interval is not None and window.holds(interval):
                found[minute] = interval
    for minute in sorted(found, key=lambda minute: (abs(minute - pattern.start), -minute)):
        yield Shift(minute, found[minute])
