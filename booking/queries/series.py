"""Every question asked of series of bookings."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, BookingSeries
from facilities.models import Instrument


def series(series_id: UUID) -> Select[BookingSeries]:
    """The series with this id."""
    return select(BookingSeries).where(BookingSeries.id == series_id)


def occurrences_of(series_id: UUID) -> Select[Booking]:
    """All bookings of a series, cancelled ones too, in the order of its days."""
    return select(Booking).where(Booking.series_id == series_id).order_by(Booking.series_day, Booking.id)


def occurrences_to_lock(series_id: UUID) -> Select[Booking]:
    """The same in the order in which they are locked."""
    return select(Booking).where(Booking.series_id == series_id).order_by(Booking.id)


def occurrences_with_places(series_id: UUID) -> Select[Booking]:
    """The same as `occurrences_of` with what a list shows of them."""
    return occurrences_of(series_id).options(
        joinedload(Booking.instrument, innerjoin=True).joinedload(Instrument.facility, innerjoin=True)
    )


def instruments_of(series_id: UUID) -> Select[UUID]:
    """The instruments on which a series' bookings are; single ones may have been moved to another one."""
    return select(Booking.instrument_id).where(Booking.series_id == series_id).distinct()


def waiting_in(series_id: UUID, now: datetime) -> Select[Booking]:
    """The bookings of a series on which somebody has to decide."""
    return occurrences_of(series_id).where(
        Booking.kind == BookingKind.APPROVAL, Booking.state == BookingState.TENTATIVE, Booking.starts_at > now
    )
