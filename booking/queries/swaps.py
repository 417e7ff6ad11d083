"""Every question asked of offers to swap, and which bookings can be swapped for which."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, Swap, SwapState
from facilities.models import Instrument

AHEAD = timedelta(days=28)
MOST_SLOTS = 200
T = TypeVar("T")
KINDS = (BookingKind.INSTANT, BookingKind.APPROVAL)


@dataclass(frozen=True)
class Slot:
    """Somebody's time as free/busy shows it; whose it is, it does not say."""

    instrument_id: UUID
    unit: int
    start: datetime


def swap(swap_id: UUID) -> Select[Swap]:
    """The offer with this id."""
    return select(Swap).where(Swap.id == swap_id)


def swap_for_its_page(swap_id: UUID) -> Select[Swap]:
    """The offer with this id and all that its page shows."""
    return _listed().where(Swap.id == swap_id)


def holds(slot: Slot) -> Select[Booking]:
    """The confirmed booking that is this slot."""
    return select(Booking).where(
        Booking.instrument_id == slot.instrument_id,
        Booking.unit == slot.unit,
        Booking.starts_at == slot.start,
        Booking.state == BookingState.CONFIRMED,
    )


def both(offered_id: UUID, wanted_id: UUID) -> Select[Booking]:
    """The two bookings of an offer, in the order in which they are locked."""
    return select(Booking).where(Booking.id.in_((offered_id, wanted_id))).order_by(Booking.id)


def is_swappable(row: Booking, now: datetime) -> bool:
    """Whether a booking can be swapped at all: confirmed, somebody's own, to come, made for itself alone."""
    return (
        row.state is BookingState.CONFIRMED
        and row.kind in KINDS
        and row.person_id is not None
        and row.organisation_id is not None
        and row.bundle_id is None
        and row.starts_at > now
        and row.checked_in_at is None
    )


def are_comparable(one: Booking, other: Booking) -> bool:
    """Whether two bookings are of one instrument, or of two of one facility that are booked without approval."""
    if one.instrument_id == other.instrument_id:
        return True
    is_approved = BookingKind.APPROVAL in (one.kind, other.kind)
    return one.instrument.facility_id == other.instrument.facility_id and not is_approved


def slots_for(session: Session, own: Booking, now: datetime) -> Sequence[Booking]:
    """Others' bookings of the next four weeks, and of those after one's own, that one can ask for; by time."""
    until = max(now, own.starts_at) + AHEAD
    statement = (
        select(Booking)
        .join(Booking.instrument)
        .options(joinedload(Booking.instrument, innerjoin=True))
        .where(
            Instrument.facility_id == own.instrument.facility_id,
            Booking.state == BookingState.CONFIRMED,
            Booking.kind.in_(KINDS),
            Booking.person_id.is_distinct_from(own.person_id),
            Booking.starts_at > now,
            Booking.starts_at < until,
        )
        .order_by(Booking.starts_at, Booking.instrument_id, Booking.unit)
        .limit(MOST_SLOTS)
    )
    return [row for row in session.scalars(statement) if is_swappable(row, now) and are_comparable(own, row)]


def between(offered_id: UUID, wanted_id: UUID) -> Select[Swap]:
    """Offers of one booking for another that stand or were declined."""
    return select(Swap).where(
        Swap.offered_id == offered_id,
        Swap.wanted_id == wanted_id,
        Swap.state.in_((SwapState.OFFERED, SwapState.DECLINED)),
    )


def how_many_stand(offered_id: UUID, now: datetime) -> Select[int]:
    """For how many bookings one is offered at the moment."""
    return select(func.count(Swap.id)).where(
        Swap.offered_id == offered_id, Swap.state == SwapState.OFFERED, Swap.expires_at > now
    )


def is_stale(swap: Swap) -> bool:
    """Whether one of the bookings is no longer what was offered or asked for."""
    return any(
        row.state is not BookingState.CONFIRMED or row.changed_at > swap.created_at
        for row in (swap.offered, swap.wanted)
    )


def asked_of(person_id: UUID, now: datetime) -> Select[Swap]:
    """Offers that wait for a person's answer, next booking first."""
    return _standing(now).where(_wanted.person_id == person_id).order_by(_wanted.starts_at, Swap.id)


def offered_by(person_id: UUID, now: datetime) -> Select[Swap]:
    """A person's own offers that wait for an answer, next booking first."""
    return _standing(now).where(_offered.person_id == person_id).order_by(_offered.starts_at, Swap.id)


def lapsed(now: datetime) -> Select[UUID]:
    """Offers whose time is over, or one of whose bookings has changed since."""
    lives = and_(Swap.expires_at > now, *_fresh())
    return _with_bookings(select(Swap.id)).where(Swap.state == SwapState.OFFERED, ~lives).order_by(Swap.id)


_offered, _wanted = aliased(Booking), aliased(Booking)


def _with_bookings(statement: Select[T]) -> Select[T]:
    return statement.join(_offered, _offered.id == Swap.offered_id).join(_wanted, _wanted.id == Swap.wanted_id)


def _fresh() -> list[ColumnElement[bool]]:
    return [
        condition
        for row in (_offered, _wanted)
        for condition in (row.state == BookingState.CONFIRMED, row.changed_at <= Swap.created_at)
    ]


def _standing(now: datetime) -> Select[Swap]:
    return _with_bookings(_listed()).where(Swap.state == SwapState.OFFERED, Swap.expires_at > now, *_fresh())


def _listed() -> Select[Swap]:
    return select(Swap).options(
        *(
            joinedload(row, innerjoin=True)
            .joinedload(Booking.instrument, innerjoin=True)
            .joinedload(Instrument.facility)
            for row in (Swap.offered, Swap.wanted)
        )
    )
