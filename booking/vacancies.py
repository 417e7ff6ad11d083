"""Which starts inside a window are worth trying for somebody who waits: the earliest of each free piece and day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge

from booking.availability import Busy
from booking.finding import Wish, offers, windows
from booking.terms import Terms
from core.intervals import Interval, difference
from core.localtime import midnight


@dataclass(frozen=True)
class Wait:
    """`minutes` anywhere in `window`, but not in time that touches one of `never`."""

    window: Interval
    minutes: int
    never: tuple[Interval, ...] = ()


def vacancies(terms: Terms, capacity: int, busy: Sequence[Busy], wait: Wait, now: datetime) -> Iterator[Interval]:
    """Bookings that the terms allow and that find a unit free; earliest first, found as they are asked for.

    Of each free piece the first start, and the first one of each local day in it: where a quota forbids one day, the
    next may do.
    """
    pieces = windows(terms, busy, capacity, difference(terms.openings(wait.window), wait.never))
    last = None
    for one in merge(*(_daily(terms, capacity, busy, Wait(piece, wait.minutes), now) for piece in pieces)):
        if one != last:
            yield one
        last = one


def _daily(terms: Terms, capacity: int, busy: Sequence[Busy], wait: Wait, now: datetime) -> Iterator[Interval]:
    at = wait.window.start
    while at < wait.window.end:
        found = offers(terms, busy, capacity, Wish(Interval(at, wait.window.end), wait.minutes), now, most=1)
        if not found:
            return
        yield found[0].booking
        day = found[0].booking.start.astimezone(terms.zone).date()
        at = midnight(day + timedelta(days=1), terms.zone)
