"""What a change to a booking is held to, and how much of freed time was taken again; plain values."""

from collections.abc import Iterable
from dataclasses import replace

from booking.terms import DAY_MINUTES, Terms
from core.intervals import Interval, intersection

FAR_DAYS = 3660


def limits_within(terms: Terms) -> Terms:
    """Of a booking that gives back some of its own time: it need not be early, nor are its nights asked about again."""
    return replace(terms, lead_minutes=0, horizon_days=FAR_DAYS, allows_overnight=True, allows_several_days=True)


def limits_while_running(terms: Terms) -> Terms:
    """Of a booking that has begun: it was early enough when it was made, and may end at once."""
    return replace(terms, lead_minutes=0, least_minutes=1)


def limits_for_managers(terms: Terms) -> Terms:
    """Of somebody else's booking that a manager moves: grid and opening hours; what limits members does not count."""
    return replace(limits_within(terms), least_minutes=1, most_minutes=FAR_DAYS * DAY_MINUTES)


def minutes_taken(freed: Interval, taken: Iterable[Interval]) -> int:
    """How many minutes of freed time somebody has taken again."""
    return sum(piece.minutes for piece in intersection([freed], taken))
