"""Every question asked of trouble reports."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from accounts.models import Person, Post
from accounts.policy import Role
from booking.models import Booking, ShareEntry, ShareKind, Trouble, TroubleState
from facilities.models import Instrument


def trouble(trouble_id: UUID) -> Select[Trouble]:
    """The report with this id."""
    return select(Trouble).where(Trouble.id == trouble_id)


def trouble_for_its_page(trouble_id: UUID) -> Select[Trouble]:
    """The same with all that its page shows."""
    return _listed().where(Trouble.id == trouble_id).execution_options(populate_existing=True)


def reported_at(facility_ids: Collection[UUID] | None, state: TroubleState | None) -> Select[Trouble]:
    """Reports of bookings at these facilities (None: at all), of one state or of all, newest first."""
    found = _listed().order_by(Trouble.created_at.desc(), Trouble.id)
    found = found if state is None else found.where(Trouble.state == state)
    return found if facility_ids is None else found.where(Trouble.booking_id.in_(_bookings_at(facility_ids)))


def counts_at(facility_ids: Collection[UUID] | None) -> Select[TroubleState, int]:
    """How many reports there are in each state."""
    counted = select(Trouble.state, func.count(Trouble.id)).group_by(Trouble.state)
    return counted if facility_ids is None else counted.where(Trouble.booking_id.in_(_bookings_at(facility_ids)))


def reports_of(booking_id: UUID) -> Select[Trouble]:
    """The reports of one booking, newest first."""
    return select(Trouble).where(Trouble.booking_id == booking_id).order_by(Trouble.created_at.desc(), Trouble.id)


def credit_of(booking_id: UUID) -> Select[UUID]:
    """The credit that a booking has had already."""
    return select(ShareEntry.id).where(ShareEntry.booking_id == booking_id, ShareEntry.kind == ShareKind.CREDITED)


def managers_of(facility_id: UUID) -> Select[Person]:
    """The people who manage a facility."""
    return (
        select(Person)
        .join(Post, Post.person_id == Person.id)
        .where(Post.facility_id == facility_id, Post.role == Role.MANAGER, Person.is_active)
        .order_by(Person.email)
    )


def _listed() -> Select[Trouble]:
    booking = joinedload(Trouble.booking, innerjoin=True)
    return select(Trouble).options(
        booking.joinedload(Booking.instrument, innerjoin=True).joinedload(Instrument.facility, innerjoin=True),
        booking.joinedload(Booking.organisation),
        joinedload(Trouble.person, innerjoin=True),
    )


def _bookings_at(facility_ids: Collection[UUID]) -> Select[UUID]:
    at = select(Instrument.id).where(Instrument.facility_id.in_(facility_ids))
    return select(Booking.id).where(Booking.instrument_id.in_(at))
