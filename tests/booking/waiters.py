"""People who wait, for the tests of the waitlist."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, Waiting, WaitState
from booking.services import waitlist
from core.db import db
from core.outbox import OutboxMessage
from facilities.models import Instrument
from tests.booking.bookers import HOUR, NINE, Booker
from tests.factories import BEFORE, actor

JOINED = BEFORE


def waits(who: Booker, instrument: Instrument, **more: Any) -> UUID:
    """Wait for two hours from NINE on, unless told otherwise."""
    start: datetime = more.get("start", NINE)
    window = waitlist.Window(start, more.get("end", start + 2 * HOUR), more.get("minutes", 120))
    return waitlist.join(
        instrument.id,
        more.get("organisation_id", who.organisation.id),
        window,
        more.get("title", "Cells"),
        actor(who.person),
        more.get("now", JOINED),
        more.get("key", ""),
    )


def the_place(place_id: UUID) -> Waiting:
    """The row as it is stored now."""
    db.session.rollback()
    return db.session.get_one(Waiting, place_id)


def states(*place_ids: UUID) -> list[WaitState]:
    """Where these places stand."""
    return [the_place(place_id).state for place_id in place_ids]


def offer_to(place_id: UUID) -> Booking:
    """The booking that holds a place's offer."""
    booking = the_place(place_id).booking
    assert booking is not None
    return booking


def holds() -> list[tuple[UUID | None, datetime]]:
    """Whom time is held for by an offer, from when."""
    db.session.rollback()
    rows = db.session.scalars(
        select(Booking)
        .where(Booking.kind == BookingKind.INSTANT, Booking.state == BookingState.TENTATIVE)
        .order_by(Booking.starts_at)
    )
    return [(row.person_id, row.starts_at) for row in rows]


def mails(template: str) -> list[str]:
    """To whom mails of a template wait to be sent."""
    db.session.rollback()
    payloads = [row.payload for row in db.session.scalars(select(OutboxMessage)) if row.kind == "mail"]
    return [payload["to"] for payload in payloads if payload["template"] == template]
