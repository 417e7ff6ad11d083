"""Giving time back, deciding on tentative bookings, and closures."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import Post
from accounts.policy import Actor, Role
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, CalendarVersion
from booking.services import ledger
from core.audit import AuditEntry
from core.db import db, transaction
from core.errors import Conflict, Forbidden, NotFound, Refusal
from core.intervals import Interval
from core.outbox import OutboxMessage
from facilities.models import Facility, Instrument
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, Booker, a_booker
from tests.factories import (
    BEFORE,
    a_booking,
    a_facility,
    a_manager,
    a_member,
    actor,
    an_exclusion_group,
    an_instrument,
    stored,
)
from tests.support import on_both_databases


@pytest.fixture
def facility(context: Flask) -> Facility:
    return a_facility()


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna")


@pytest.fixture
def marco(facility: Facility) -> Actor:
    return actor(a_manager(facility, name="Marco"))


def state_of(booking_id: UUID) -> BookingState:
    db.session.rollback()
    return db.session.get_one(Booking, booking_id, populate_existing=True).state


def templates_sent() -> list[str]:
    return [mail.payload["template"] for mail in db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.key))]


# --- cancel -----------------------------------------------------------------------------------------------


@on_both_databases
def test_a_cancelled_booking_frees_its_time_and_calendars_learn_of_it(anna: Booker) -> None:
    instrument = an_instrument()
    made = anna.book(instrument)
    ledger.cancel(made, actor(anna.person), BEFORE)
    row = db.session.get_one(Booking, made, populate_existing=True)
    assert (row.state, row.sequence) == (BookingState.CANCELLED, 1)
    assert set(db.session.scalars(select(CalendarVersion.version))) == {2}
    assert db.session.scalars(select(AuditEntry.verb).order_by(AuditEntry.id)).all() == ["book", "cancel"]
    assert templates_sent() == ["booking_cancelled", "booking_confirmed"]
    anna.book(instrument)


def test_cancelling_twice_changes_nothing(anna: Booker) -> None:
    made = anna.book(an_instrument())
    for _ in range(2):
        ledger.cancel(made, actor(anna.person), BEFORE)
    assert db.session.get_one(Booking, made).sequence == 1
    assert templates_sent() == ["booking_cancelled", "booking_confirmed"]


def test_a_booking_that_has_begun_cannot_be_cancelled(anna: Booker) -> None:
    made = anna.book(an_instrument())
    with pytest.raises(Conflict) as refused:
        ledger.cancel(made, actor(anna.person), NINE)
    assert refused.value.code == "has_begun"
    assert state_of(made) is BookingState.CONFIRMED


def test_a_manager_cancels_with_a_reason(anna: Booker, facility: Facility, marco: Actor) -> None:
    made = anna.book(an_instrument(facility))
    with pytest.raises(Refusal) as refused:
        ledger.cancel(made, marco, BEFORE, "  ")
    assert refused.value.code == "reason_missing"
    ledger.cancel(made, marco, BEFORE, "The laser broke.")
    assert state_of(made) is BookingState.CANCELLED
    assert db.session.scalars(select(AuditEntry.reason).where(AuditEntry.verb == "cancel")).one() == "The laser broke."


def test_a_stranger_does_not_learn_that_a_booking_exists(anna: Booker) -> None:
    made = anna.book(an_instrument())
    other_manager = actor(a_manager(a_facility()))
    colleague = actor(a_member(anna.organisation))
    for stranger in (actor(a_booker().person), other_manager, colleague):
        with pytest.raises(NotFound):
            ledger.cancel(made, stranger, BEFORE, "why")
        with pytest.raises(NotFound):
            ledger.approve(made, stranger, BEFORE)
        with pytest.raises(NotFound):
            ledger.refuse(made, stranger, BEFORE, "why")
    assert state_of(made) is BookingState.CONFIRMED


# --- approve and refuse -----------------------------------------------------------------------------------


@pytest.fixture
def asked(anna: Booker, facility: Facility) -> Booking:
    made = anna.book(an_instrument(facility, booking_mode=BookingMode.APPROVAL))
    return db.session.get_one(Booking, made)


def test_a_tentative_booking_keeps_others_out(asked: Booking) -> None:
    with pytest.raises(Conflict):
        a_booker().book(db.session.get_one(Instrument, asked.instrument_id))


def test_a_manager_approves(asked: Booking, marco: Actor) -> None:
    for _ in range(2):
        ledger.approve(asked.id, marco, BEFORE)
    assert state_of(asked.id) is BookingState.CONFIRMED
    assert templates_sent() == ["booking_asked", "booking_confirmed"]


def test_a_manager_refuses_and_says_why(asked: Booking, marco: Actor) -> None:
    with pytest.raises(Refusal) as refused:
        ledger.refuse(asked.id, marco, BEFORE, "")
    assert refused.value.code == "reason_missing"
    for _ in range(2):
        ledger.refuse(asked.id, marco, BEFORE, "No operator that day.")
    assert state_of(asked.id) is BookingState.REFUSED
    assert templates_sent() == ["booking_asked", "booking_refused"]
    with pytest.raises(Conflict):
        ledger.approve(asked.id, marco, BEFORE)


def test_nobody_decides_on_their_own_booking(anna: Booker, facility: Facility, asked: Booking) -> None:
    stored(Post(person_id=anna.person.id, facility_id=facility.id, role=Role.MANAGER, since=BEFORE))
    both = actor(anna.person)
    with pytest.raises(Forbidden) as refused:
        ledger.approve(asked.id, both, BEFORE)
    assert refused.value.code == "own_booking"
    with pytest.raises(Forbidden):
        ledger.refuse(asked.id, both, BEFORE, "why")
    assert state_of(asked.id) is BookingState.TENTATIVE


def test_a_time_that_has_begun_is_no_longer_approved(asked: Booking, marco: Actor) -> None:
    with pytest.raises(Conflict) as refused:
        ledger.approve(asked.id, marco, NINE)
    assert refused.value.code == "has_begun"


def test_the_holder_may_not_approve_what_they_hold(anna: Booker, asked: Booking) -> None:
    with pytest.raises(Forbidden):
        ledger.approve(asked.id, actor(anna.person), BEFORE)


def test_a_reviewer_does_not_decide(facility: Facility, asked: Booking) -> None:
    with pytest.raises(NotFound):
        ledger.approve(asked.id, actor(a_manager(facility, Role.REVIEWER)), BEFORE)


# --- closures ---------------------------------------------------------------------------------------------


def close(instrument: Instrument, who: Actor, hours: int = 4, key: str = "") -> UUID:
    return ledger.close(instrument.id, NINE, NINE + hours * HOUR, BookingKind.CLOSURE, "Repair", who, BEFORE, key)


@on_both_databases
def test_a_closure_holds_every_unit_and_members_find_the_time_taken(
    context: Flask, anna: Booker, facility: Facility, marco: Actor
) -> None:
    instrument = an_instrument(facility, capacity=3)
    assert close(instrument, marco, key="k") == close(instrument, marco, key="k")
    assert db.session.scalars(select(Booking.unit).order_by(Booking.unit)).all() == [0, 1, 2]
    with pytest.raises(Conflict):
        anna.book(instrument)


def test_a_closure_is_refused_while_bookings_are_in_the_way_and_names_them(
    anna: Booker, facility: Facility, marco: Actor
) -> None:
    instrument = an_instrument(facility)
    anna.book(instrument)
    with pytest.raises(Conflict, match=r"2027-01-04 10:00 – 2027-01-04 12:00 \(Anna\)") as refused:
        close(instrument, marco)
    assert refused.value.code == "bookings_hit"
    assert db.session.scalar(select(func.count(Booking.id))) == 1


def test_cancelling_one_row_of_a_closure_reopens_every_unit(facility: Facility, marco: Actor) -> None:
    instrument = an_instrument(facility, capacity=2)
    made = close(instrument, marco)
    ledger.cancel(made, marco, BEFORE)
    assert set(db.session.scalars(select(Booking.state))) == {BookingState.CANCELLED}


def test_a_closure_does_not_stop_the_other_beams_of_its_group(anna: Booker, facility: Facility, marco: Actor) -> None:
    group = an_exclusion_group(facility)
    protons, carbon = (an_instrument(facility, exclusion_group_id=group.id) for _ in range(2))
    anna.book(carbon)
    close(protons, marco)
    anna.book(carbon, NINE + 2 * HOUR)


def test_only_managers_of_the_facility_close(anna: Booker, facility: Facility) -> None:
    for who in (actor(anna.person), actor(a_manager(a_facility()))):
        with pytest.raises(Forbidden):
            close(an_instrument(facility), who)


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (NINE, NINE, "ends_before_start"),
        (BEFORE - timedelta(days=2), BEFORE - timedelta(days=1), "in_the_past"),
    ],
)
def test_a_closure_needs_a_sound_time(
    facility: Facility, marco: Actor, start: datetime, end: datetime, code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        ledger.close(an_instrument(facility).id, start, end, BookingKind.CLOSURE, "", marco, BEFORE, "")
    assert refused.value.code == code


def test_a_closure_is_never_a_members_booking(facility: Facility, marco: Actor) -> None:
    with pytest.raises(Refusal):
        ledger.close(an_instrument(facility).id, NINE, NINE + HOUR, BookingKind.INSTANT, "", marco, BEFORE, "")


def test_a_published_booking_is_given_back_by_its_holder_too(anna: Booker) -> None:
    row = a_booking(an_instrument(), kind=BookingKind.ROUND, person_id=anna.person.id)
    ledger.cancel(row.id, actor(anna.person), BEFORE)
    assert state_of(row.id) is BookingState.CANCELLED


def test_a_unit_that_the_instrument_does_not_have_is_a_bug(anna: Booker) -> None:
    instrument = an_instrument()
    claim = ledger.Claim(BookingKind.INSTANT, BookingState.CONFIRMED, Interval(NINE, NINE + HOUR), unit=1)
    with pytest.raises(ValueError, match="unit 1"), transaction() as tx:
        ledger.hold(tx, instrument, claim, actor(anna.person), BEFORE)
