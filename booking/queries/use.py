"""Every question that check-in, check-out, no-shows and the page at an instrument ask of the ledger."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import joinedload

from booking.lifecycle import LIVE, BookingState
from booking.models import Booking, BookingKind, ShareEntry, ShareKind, Waiting, WaitState
from booking.queries.ledger import touching
from booking.use import REPORTABLE, Slot
from core.intervals import Interval
from facilities.models import Instrument, InstrumentRules

USED_KINDS = (BookingKind.INSTANT, BookingKind.APPROVAL, BookingKind.ROUND)
LOOK_BACK = timedelta(days=180)
"""Bookings that began longer ago are no longer looked at: without a bound each run would read the whole history."""


def slot_of(row: Booking) -> Slot:
    """What the rules of use look at in a booking; rules that were set after its start do not take it away."""
    rules = row.instrument.rules
    counts = rules is not None and rules.changed_at <= row.starts_at
    return Slot(
        booked=Interval(row.starts_at, row.booked_until or row.ends_at),
        until=row.ends_at,
        is_confirmed=row.state is BookingState.CONFIRMED,
        checked_in_at=row.checked_in_at,
        checked_out_at=row.checked_out_at,
        no_show_at=row.no_show_at,
        no_show_minutes=rules.no_show_minutes if rules is not None and counts else None,
    )


def made_together(row: Booking) -> Select[Booking]:
    """The confirmed bookings that were made together with one, itself included, in the order of locks."""
    where = Booking.id == row.id if row.bundle_id is None else Booking.bundle_id == row.bundle_id
    return select(Booking).where(where, Booking.state == BookingState.CONFIRMED).order_by(Booking.id)


def perhaps_unused(now: datetime) -> Select[UUID]:
    """Begun bookings without a check-in on instruments that release those; the rules decide on each."""
    return (
        select(Booking.id)
        .join(InstrumentRules, InstrumentRules.instrument_id == Booking.instrument_id)
        .where(
            _begun(now),
            Booking.checked_in_at.is_(None),
            InstrumentRules.no_show_minutes.is_not(None),
            InstrumentRules.changed_at <= Booking.starts_at,
        )
        .order_by(Booking.starts_at, Booking.id)
    )


def ended_and_not_settled(now: datetime) -> Select[UUID]:
    """Bookings of organisations that are over and whose use is not in the share ledger yet."""
    settled = exists().where(ShareEntry.booking_id == Booking.id, ShareEntry.kind == ShareKind.USED)
    return (
        select(Booking.id)
        .where(_begun(now), Booking.ends_at <= now, Booking.organisation_id.is_not(None), ~settled)
        .order_by(Booking.starts_at, Booking.id)
    )


def use_written(row: Booking) -> Select[UUID]:
    """The entry of a booking's use in the share ledger, if there is one."""
    return select(ShareEntry.id).where(ShareEntry.booking_id == row.id, ShareEntry.kind == ShareKind.USED)


def _begun(now: datetime) -> ColumnElement[bool]:
    return and_(
        Booking.state == BookingState.CONFIRMED,
        Booking.starts_at > now - LOOK_BACK,
        Booking.starts_at <= now,
        Booking.kind.in_(USED_KINDS),
        Booking.person_id.is_not(None),
    )


# --- at the instrument ------------------------------------------------------------------------------------


def around(instrument: Instrument, during: Interval) -> Select[Booking]:
    """What an instrument's own units are held for in a stretch of time, with who holds it; next first."""
    return (
        select(Booking)
        .where(Booking.state.in_(LIVE), touching(during, Booking.instrument_id == instrument.id))
        .options(joinedload(Booking.instrument), joinedload(Booking.person), joinedload(Booking.organisation))
        .order_by(Booking.starts_at, Booking.unit)
    )


def mine_at(instrument_id: UUID, person_id: UUID, now: datetime) -> Select[Booking]:
    """A person's bookings of an instrument that can matter on the spot: of today, tomorrow and the past week."""
    return (
        select(Booking)
        .where(
            Booking.instrument_id == instrument_id,
            Booking.person_id == person_id,
            or_(Booking.state.in_(LIVE), Booking.no_show_at.is_not(None)),
            Booking.ends_at > now - REPORTABLE,
            Booking.starts_at < now + timedelta(days=1),
        )
        .options(joinedload(Booking.instrument), joinedload(Booking.person), joinedload(Booking.organisation))
        .order_by(Booking.starts_at, Booking.id)
    )


def offered_among(booking_ids: Collection[UUID]) -> Select[UUID | None, datetime | None]:
    """Which of these bookings are only offers of the waitlist, and until when each stands."""
    return select(Waiting.booking_id, Waiting.offered_until).where(
        Waiting.booking_id.in_(booking_ids), Waiting.state == WaitState.OFFERED
    )
