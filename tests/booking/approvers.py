"""Levels, deputies and rows that wait, for the tests of approvals."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from accounts.models import Person
from accounts.policy import Actor
from booking.lifecycle import BookingState
from booking.models import Approval, ApprovalLevel, Booking, BookingKind, Deputy
from booking.services import ledger
from core.db import db
from facilities.models import Facility, Instrument, InstrumentRules
from facilities.policy import BookingMode
from tests.booking.bookers import NINE, Booker
from tests.factories import BEFORE, a_booking, an_instrument, stored


def with_levels(facility: Facility, count: int, *named: tuple[int, Person], **values: Any) -> Instrument:
    """An instrument that takes `count` approvals, its levels given by who is named."""
    instrument = an_instrument(facility, **{"booking_mode": BookingMode.APPROVAL, **values})
    stored(InstrumentRules(instrument_id=instrument.id, approval_levels=count, changed_at=BEFORE))
    for level, person in named:
        stored(ApprovalLevel(instrument_id=instrument.id, level=level, person_id=person.id, name=f"Level {level}"))
    return instrument


def a_request_for(instrument: Instrument, booker: Booker, start: datetime = NINE, **values: Any) -> Booking:
    """A booking that waits for approval."""
    return a_booking(
        instrument,
        **{
            "kind": BookingKind.APPROVAL,
            "state": BookingState.TENTATIVE,
            "starts_at": start,
            "person_id": booker.person.id,
            "organisation_id": booker.organisation.id,
            **values,
        },
    )


def a_deputy(manager: Person, person: Person, facility: Facility, **values: Any) -> Deputy:
    """Somebody who stands in for a manager, from BEFORE for a week."""
    return stored(
        Deputy(
            **{
                "facility_id": facility.id,
                "manager_id": manager.id,
                "person_id": person.id,
                "starts_at": BEFORE,
                "ends_at": BEFORE + timedelta(days=7),
                **values,
            }
        )
    )


def state_of(booking_id: UUID) -> BookingState:
    """What the database says."""
    db.session.rollback()
    return db.session.get_one(Booking, booking_id, populate_existing=True).state


def given(booking_id: UUID) -> list[tuple[int, UUID | None, UUID | None]]:
    """Level, by whom, for whom."""
    db.session.rollback()
    rows = db.session.query(Approval).filter_by(booking_id=booking_id).order_by(Approval.level)
    return [(row.level, row.person_id, row.for_id) for row in rows]


def approve(booking_id: UUID, who: Actor, now: datetime) -> BookingState:
    """Give the next level."""
    return ledger.approve(booking_id, who, now)


def refuse(booking_id: UUID, who: Actor, now: datetime) -> BookingState:
    """Say no, with a reason."""
    return ledger.refuse(booking_id, who, now, "why")


DECISIONS = (approve, refuse)
