"""Booking and giving back time: what is allowed, what is refused and how it says so."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, CalendarKind, CalendarVersion
from booking.services import ledger
from core.audit import AuditEntry
from core.db import db
from core.errors import Conflict, Forbidden, NotFound, Refusal
from core.outbox import OutboxMessage
from facilities.policy import BookingMode
from tests.factories import (
    BEFORE,
    MONDAY,
    a_facility,
    a_manager,
    a_member,
    a_person,
    actor,
    an_exclusion_group,
    an_instrument,
    an_operating_plan,
    an_organisation,
)
from tests.support import on_both_databases

NINE = MONDAY + timedelta(hours=9)
HOUR = timedelta(hours=1)


@on_both_databases
def test_a_member_books_an_instant_instrument(context: Flask) -> None:
    organisation = an_organisation()
    member = a_member(organisation)
    instrument = an_instrument()
    made = ledger.book(instrument.id, organisation.id, NINE, NINE + HOUR, " A title ", actor(member), BEFORE, "k")
    row = db.session.get_one(Booking, made)
    assert (row.state, row.kind, row.unit, row.title) == (BookingState.CONFIRMED, BookingKind.INSTANT, 0, "A title")
    assert (row.starts_at, row.ends_at, row.person_id) == (NINE, NINE + HOUR, member.id)
    assert row.uid.endswith("@localhost")
    assert db.session.scalars(select(AuditEntry.verb).where(AuditEntry.subject_id == made)).all() == ["book"]
    assert [m.payload["template"] for m in db.session.scalars(select(OutboxMessage))] == ["booking_confirmed"]
    versions = {(v.kind, v.subject_id): v.version for v in db.session.scalars(select(CalendarVersion))}
    assert versions == {
        (CalendarKind.PERSON, member.id): 1,
        (CalendarKind.INSTRUMENT, instrument.id): 1,
        (CalendarKind.FACILITY, instrument.facility_id): 1,
    }
