"""Subscriptions, changed bookings, and feeds as their subscribers get them."""

from datetime import datetime
from typing import Any

from accounts.models import Person
from booking.models import Booking, CalendarKind
from booking.services.ledger import touch
from calendars import services
from calendars.policy import Detail
from core.db import transaction
from facilities.models import Facility, Instrument
from tests.factories import BEFORE, actor
from tests.support import Browser


def a_feed(
    person: Person,
    subject: Person | Instrument | Facility | None = None,
    detail: Detail = Detail.FULL,
    language: str = "en",
    **values: Any,
) -> str:
    """The path of a new feed of one's own bookings, or of an instrument or a facility."""
    subject = subject or person
    kinds = {Person: CalendarKind.PERSON, Instrument: CalendarKind.INSTRUMENT, Facility: CalendarKind.FACILITY}
    secret = services.subscribe(
        kinds[type(subject)],
        subject.id,
        detail,
        language,
        values.get("name", "Equora"),
        actor(person),
        values.get("now", BEFORE),
    )
    return f"/calendars/feeds/{secret}.ics"


def touched(booking: Booking, now: datetime = BEFORE) -> Booking:
    """The booking, with the versions of its calendars raised as every service does."""
    return changed(booking, now)


def changed(booking: Booking, now: datetime, **values: Any) -> Booking:
    """The booking with other values, its sequence and its calendars' versions raised."""
    with transaction() as tx:
        row = tx.session.get_one(Booking, booking.id)
        for name, value in values.items():
            setattr(row, name, value)
        if values:
            row.sequence += 1
            row.changed_at = now
        touch(tx, row, now)
    return row


def text_of(visitor: Browser, path: str, **headers: str) -> str:
    """The feed's content lines, unfolded, one string."""
    answer = visitor.get(path, headers=headers)
    assert answer.status_code == 200, answer.status
    return answer.get_data().decode().replace("\r\n ", "").replace("\r\n", "\n")
