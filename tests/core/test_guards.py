"""The database itself refuses what must never happen."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from booking.lifecycle import BookingState
from core.audit import AuditEntry
from core.db import db, transaction
from tests.factories import MONDAY, a_booking, a_facility, an_exclusion_group, an_instrument
from tests.support import on_both_databases

NINE = MONDAY + timedelta(hours=9)


@on_both_databases
def test_two_live_bookings_of_one_unit_cannot_overlap(context: Flask) -> None:
    instrument = an_instrument()
    a_booking(instrument, starts_at=NINE)
    with pytest.raises(DBAPIError, match="bookings_no_overlap"):
        a_booking(instrument, starts_at=NINE + timedelta(hours=1))


@on_both_databases
def test_bookings_that_touch_are_no_overlap(context: Flask) -> None:
    instrument = an_instrument()
    a_booking(instrument, starts_at=NINE)
    a_booking(instrument, starts_at=NINE + timedelta(hours=2))
    a_booking(instrument, starts_at=NINE - timedelta(hours=2))


@on_both_databases
def test_each_unit_of_an_instrument_holds_its_own_booking(context: Flask) -> None:
    instrument = an_instrument(capacity=2)
    a_booking(instrument, starts_at=NINE, unit=0)
    a_booking(instrument, starts_at=NINE, unit=1)


@on_both_databases
def test_a_cancelled_booking_holds_nothing_and_cannot_come_back_over_another(context: Flask) -> None:
    instrument = an_instrument()
    cancelled = a_booking(instrument, starts_at=NINE, state=BookingState.CANCELLED)
    a_booking(instrument, starts_at=NINE)
    with pytest.raises(DBAPIError, match="bookings_no_overlap"), transaction() as tx:
        tx.session.execute(text("UPDATE bookings SET state = 'confirmed' WHERE uid = :uid"), {"uid": cancelled.uid})


@on_both_databases
def test_two_instruments_of_one_exclusion_group_never_run_at_once(context: Flask) -> None:
    facility = a_facility()
    group = an_exclusion_group(facility)
    protons, carbon = (an_instrument(facility, exclusion_group_id=group.id) for _ in range(2))
    a_booking(protons, starts_at=NINE, exclusion_group_id=group.id)
    with pytest.raises(DBAPIError, match="bookings_exclusive"):
        a_booking(carbon, starts_at=NINE + timedelta(hours=1), exclusion_group_id=group.id)


@on_both_databases
def test_the_audit_trail_can_only_grow(context: Flask) -> None:
    with transaction() as tx:
        tx.session.add(AuditEntry(at=NINE, verb="try", subject="tests", detail={}))
    for statement in ("UPDATE audit_entries SET verb = 'other'", "DELETE FROM audit_entries"):
        with pytest.raises(DBAPIError, match="append-only"), transaction() as tx:
            tx.session.execute(text(statement))
    assert db.session.query(AuditEntry).one().verb == "try"
