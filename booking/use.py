"""Using booked time: when one checks in and out, when nobody came, and which minutes are booked, used and charged."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from booking.terms import Terms
from core.intervals import Interval

EARLY = timedelta(minutes=15)
"""How long before the start one may check in: people arrive before their time."""
REPORTABLE = timedelta(days=7)
"""How long after a booking its trouble can be reported."""


@dataclass(frozen=True)
class Slot:
    """What the rules of use look at in a booking.

    `booked` is the time as it was booked, `until` the end that it has now: earlier than booked after a check-out.
    `no_show_minutes`: how long after its start it is released when nobody checks in; None: never.
    """

    booked: Interval
    until: datetime
    is_confirmed: bool = True
    checked_in_at: datetime | None = None
    checked_out_at: datetime | None = None
    no_show_at: datetime | None = None
    no_show_minutes: int | None = None


@dataclass(frozen=True)
class Minutes:
    """Whole minutes of one booking, as the share ledger keeps them."""

    booked: int
    used: int
    charged: int


def opens_at(slot: Slot) -> datetime:
    """From when on one may check in."""
    return slot.booked.start - EARLY


def can_check_in(slot: Slot, now: datetime) -> bool:
    """From a quarter of an hour before the start until the end, once."""
    return slot.is_confirmed and slot.checked_in_at is None and opens_at(slot) <= now < slot.until


def can_check_out(slot: Slot, now: datetime) -> bool:
    """After a check-in, until the end, once; what ends by itself needs no check-out."""
    return slot.is_confirmed and slot.checked_in_at is not None and slot.checked_out_at is None and now < slot.until


def released_at(slot: Slot) -> datetime | None:
    """When the booking is released unless somebody checks in before; at its end at the latest. None: never."""
    if slot.no_show_minutes is None or slot.checked_in_at is not None or not slot.is_confirmed:
        return None
    return min(slot.booked.start + timedelta(minutes=slot.no_show_minutes), slot.until)


def is_no_show(slot: Slot, now: datetime) -> bool:
    """Whether nobody came in time."""
    due = released_at(slot)
    return due is not None and due <= now


def can_report(slot: Slot, now: datetime) -> bool:
    """Trouble is reported during a booking and for a week after it; also of one that was released as unused."""
    has_counted = slot.is_confirmed or slot.no_show_at is not None
    return has_counted and slot.booked.start <= now < slot.booked.end + REPORTABLE


def end_after_check_out(slot: Slot, terms: Terms, now: datetime) -> datetime:
    """The booking's end when one leaves now: the next instant of the grid after at least one slot, never later."""
    at_least = slot.booked.start + timedelta(minutes=terms.slot_minutes)
    return min(terms.next_slot(max(now, at_least)) or slot.until, slot.until)


def minutes_used(slot: Slot) -> Minutes:
    """Of a booking that is over: used from check-in to check-out, or all of it where nobody checks in.

    Charged is the time that nobody else could have: from the start to the end that the booking has now.
    """
    came = max(slot.checked_in_at or slot.booked.start, slot.booked.start)
    left = min(slot.checked_out_at or slot.until, slot.until)
    return Minutes(slot.booked.minutes, _between(came, left), _between(slot.booked.start, slot.until))


def minutes_of_no_show(slot: Slot) -> Minutes:
    """Of a booking that nobody used: charged in full."""
    return Minutes(slot.booked.minutes, 0, slot.booked.minutes)


def _between(start: datetime, end: datetime) -> int:
    return max(0, int((end - start).total_seconds() // 60))
