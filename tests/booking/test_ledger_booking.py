"""Booking time: what is allowed, what is refused and how it says so."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.policy import VISITOR
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, CalendarKind, CalendarVersion
from booking.services import ledger
from core.audit import AuditEntry
from core.db import db, transaction
from core.errors import Conflict, Forbidden, NotFound, Refusal
from core.intervals import Interval
from core.mail import render
from core.outbox import OutboxMessage
from facilities.models import Instrument
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, Booker, a_booker, rome
from tests.factories import (
    BEFORE,
    a_booking,
    a_facility,
    a_manager,
    a_person,
    actor,
    an_exclusion_group,
    an_instrument,
    an_operating_plan,
    an_organisation,
)
from tests.support import on_both_databases


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


@on_both_databases
def test_a_member_books_an_instant_instrument(anna: Booker) -> None:
    instrument = an_instrument()
    made = anna.book(instrument, title=" Cells ")
    row = db.session.get_one(Booking, made)
    assert (row.state, row.kind, row.unit, row.title) == (BookingState.CONFIRMED, BookingKind.INSTANT, 0, "Cells")
    assert (row.starts_at, row.ends_at) == (NINE, NINE + 2 * HOUR)
    assert (row.person_id, row.organisation_id) == (anna.person.id, anna.organisation.id)
    assert row.uid.endswith("@localhost")


@on_both_databases
def test_a_booking_is_audited_told_and_raises_the_calendars_of_person_instrument_and_facility(anna: Booker) -> None:
    instrument = an_instrument()
    first = anna.book(instrument)
    anna.book(instrument, NINE + 2 * HOUR)
    acts = db.session.scalars(select(AuditEntry).where(AuditEntry.subject_id == first)).all()
    assert [(act.verb, act.person_id) for act in acts] == [("book", anna.person.id)]
    mails = db.session.scalars(select(OutboxMessage)).all()
    assert {mail.payload["template"] for mail in mails} == {"booking_confirmed"}
    assert mails[0].payload["to"] == anna.person.email
    versions = {(v.kind, v.subject_id): v.version for v in db.session.scalars(select(CalendarVersion))}
    assert versions == {
        (CalendarKind.PERSON, anna.person.id): 2,
        (CalendarKind.INSTRUMENT, instrument.id): 2,
        (CalendarKind.FACILITY, instrument.facility_id): 2,
    }


def test_an_instrument_with_approval_holds_the_time_tentatively(anna: Booker) -> None:
    made = anna.book(an_instrument(booking_mode=BookingMode.APPROVAL))
    row = db.session.get_one(Booking, made)
    assert (row.state, row.kind) == (BookingState.TENTATIVE, BookingKind.APPROVAL)
    assert db.session.scalars(select(OutboxMessage)).one().payload["template"] == "booking_asked"


@on_both_databases
def test_the_same_key_books_once(anna: Booker) -> None:
    instrument = an_instrument()
    assert anna.book(instrument, key="a key") == anna.book(instrument, key="a key")
    assert db.session.scalar(select(func.count(Booking.id))) == 1


def test_bookings_fill_the_units_of_an_instrument_one_after_the_other(anna: Booker) -> None:
    instrument = an_instrument(capacity=2)
    units = [db.session.get_one(Booking, anna.book(instrument)).unit for _ in range(2)]
    assert units == [0, 1]
    with pytest.raises(Conflict, match="taken"):
        anna.book(instrument)


@on_both_databases
def test_a_taken_time_is_refused_with_the_next_free_start(anna: Booker) -> None:
    instrument = an_instrument()
    a_booking(instrument, starts_at=NINE)
    a_booking(instrument, starts_at=NINE + 3 * HOUR)
    with pytest.raises(Conflict) as refused:
        anna.book(instrument, NINE + HOUR)
    assert refused.value.code == "taken"
    assert str(refused.value) == "This time is taken. The next free start is 2027-01-04 15:00."
    assert db.session.scalar(select(func.count(Booking.id))) == 2


def test_who_holds_a_taken_time_is_told_only_to_those_who_may_know(anna: Booker) -> None:
    facility = a_facility()
    instrument = an_instrument(facility)
    anna.book(instrument)
    stranger = a_booker()
    with pytest.raises(Conflict) as refused:
        stranger.book(instrument)
    assert "Anna" not in str(refused.value)
    with pytest.raises(Conflict, match="taken by Anna"):
        anna.book(instrument)


@on_both_databases
def test_another_beam_of_the_same_synchrotron_makes_the_time_taken(anna: Booker) -> None:
    facility = a_facility()
    group = an_exclusion_group(facility)
    protons, carbon = (an_instrument(facility, exclusion_group_id=group.id) for _ in range(2))
    made = anna.book(protons)
    assert db.session.get_one(Booking, made).exclusion_group_id == group.id
    with pytest.raises(Conflict) as refused:
        anna.book(carbon, NINE + HOUR)
    assert refused.value.code == "taken"


@on_both_databases
def test_what_slips_through_the_check_is_refused_by_the_database_in_the_same_words(anna: Booker) -> None:
    instrument = an_instrument()
    a_booking(instrument, starts_at=NINE)
    claim = ledger.Claim(BookingKind.INSTANT, BookingState.CONFIRMED, Interval(NINE, NINE + HOUR), unit=0)
    with transaction() as tx:
        with pytest.raises(Conflict) as refused:
            ledger.hold(tx, tx.one(select(Instrument)), claim, actor(anna.person), BEFORE)
        later = ledger.Claim(
            BookingKind.INSTANT, BookingState.CONFIRMED, Interval(NINE + 3 * HOUR, NINE + 4 * HOUR), unit=0
        )
        ledger.hold(tx, tx.one(select(Instrument)), later, actor(anna.person), BEFORE)
    assert refused.value.code == "taken"
    assert db.session.scalar(select(func.count(Booking.id))) == 2, "the transaction went on after the refusal"


# --- who may ----------------------------------------------------------------------------------------------


def test_a_visitor_cannot_book(context: Flask) -> None:
    with pytest.raises(Forbidden):
        ledger.book(an_instrument().id, an_organisation().id, NINE, NINE + HOUR, "", VISITOR, BEFORE, "")


def test_only_members_book_and_only_for_their_own_organisation(anna: Booker) -> None:
    instrument = an_instrument()
    outsider = Booker(a_person(), anna.organisation)
    stranger = Booker(anna.person, an_organisation())
    for booker, code in ((outsider, "no_organisation"), (stranger, "not_your_organisation")):
        with pytest.raises(Forbidden) as refused:
            booker.book(instrument)
        assert refused.value.code == code


def test_a_manager_books_only_as_a_member_too(context: Flask) -> None:
    facility = a_facility()
    manager = Booker(a_manager(facility), an_organisation())
    with pytest.raises(Forbidden):
        manager.book(an_instrument(facility))


def test_an_unknown_instrument_is_not_found(anna: Booker) -> None:
    with pytest.raises(NotFound):
        ledger.book(UUID(int=1), anna.organisation.id, NINE, NINE + HOUR, "", actor(anna.person), BEFORE, "")


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        (BookingMode.ROUND, "given_in_rounds"),
        (BookingMode.WITH_PARENT, "given_with_another"),
        (BookingMode.CLOSED, "not_bookable"),
    ],
)
def test_other_modes_are_not_booked_by_members(anna: Booker, mode: BookingMode, code: str) -> None:
    with pytest.raises(Conflict) as refused:
        anna.book(an_instrument(booking_mode=mode))
    assert refused.value.code == code


# --- when -------------------------------------------------------------------------------------------------

HALF = timedelta(minutes=30)
REFUSED_TIMES = [
    ("end before start", NINE, NINE - HOUR, "ends_before_start", "end"),
    ("nothing at all", NINE, NINE, "ends_before_start", "end"),
    ("yesterday", BEFORE - timedelta(days=1), BEFORE - timedelta(hours=22), "in_the_past", "start"),
    ("in two years", NINE + timedelta(days=730), NINE + timedelta(days=730, hours=2), "too_far_ahead", "start"),
    ("year 9999", NINE.replace(year=9999), NINE.replace(year=9999) + HOUR, "too_far_ahead", "start"),
    ("half an hour", NINE, NINE + HALF, "too_short", "end"),
    ("two days", NINE, NINE + timedelta(days=2), "too_long", "end"),
    ("starts between slots", NINE + HALF, NINE + 2 * HOUR, "off_grid", "start"),
    ("ends between slots", NINE, NINE + HOUR + HALF, "off_grid", "end"),
    ("odd seconds", NINE + timedelta(seconds=1), NINE + 2 * HOUR, "off_grid", "start"),
]


@pytest.mark.parametrize(
    ("start", "end", "code", "field"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED_TIMES]
)
def test_a_wrong_time_is_refused_beside_its_field(
    anna: Booker, start: datetime, end: datetime, code: str, field: str
) -> None:
    with pytest.raises(Refusal) as refused:
        anna.book(an_instrument(), start, end)
    assert (refused.value.code, list(refused.value.fields)) == (code, [field])
    assert db.session.scalar(select(func.count(Booking.id))) == 0


def test_the_grid_is_counted_in_local_time(anna: Booker) -> None:
    instrument = an_instrument(slot_minutes=480, least_minutes=480)
    anna.book(instrument, rome(2027, 1, 4, 8), rome(2027, 1, 4, 16))
    anna.book(instrument, rome(2027, 7, 5, 8), rome(2027, 7, 5, 16))
    with pytest.raises(Refusal) as refused:
        anna.book(instrument, rome(2027, 1, 6, 9), rome(2027, 1, 6, 17))
    assert refused.value.code == "off_grid"


def test_a_day_with_a_clock_change_is_one_day(anna: Booker) -> None:
    instrument = an_instrument(slot_minutes=1440, least_minutes=1440, most_minutes=2880)
    spring = anna.book(instrument, rome(2027, 3, 28), rome(2027, 3, 29))
    autumn = anna.book(instrument, rome(2027, 10, 31), rome(2027, 11, 1))
    lengths = [row.ends_at - row.starts_at for row in (db.session.get_one(Booking, made) for made in (spring, autumn))]
    assert lengths == [timedelta(hours=23), timedelta(hours=25)]


def test_a_week_long_slot_begins_on_monday(anna: Booker) -> None:
    instrument = an_instrument(slot_minutes=10080, least_minutes=10080, most_minutes=20160)
    anna.book(instrument, rome(2027, 1, 4), rome(2027, 1, 11))
    with pytest.raises(Refusal) as refused:
        anna.book(instrument, rome(2027, 1, 12), rome(2027, 1, 19))
    assert refused.value.code == "off_grid"


def test_time_is_booked_inside_the_opening_hours_only(anna: Booker) -> None:
    plan = an_operating_plan((5, 480, 480), (5, 960, 480), (1, 1320, 240))  # Sat 08–16, 16–24; Tue 22–02
    instrument = an_instrument(operating_plan_id=plan.id)
    anna.book(instrument, rome(2027, 1, 9, 14), rome(2027, 1, 9, 18))  # two shifts that follow each other
    anna.book(instrument, rome(2027, 1, 5, 23), rome(2027, 1, 6, 1))  # a shift may end on the next day
    for start, end in (
        (rome(2027, 1, 4, 9), rome(2027, 1, 4, 11)),
        (rome(2027, 1, 16, 7), rome(2027, 1, 16, 9)),
        (rome(2027, 1, 13, 1), rome(2027, 1, 13, 3)),
    ):
        with pytest.raises(Refusal) as refused:
            anna.book(instrument, start, end)
        assert refused.value.code == "outside_hours"


def test_the_grid_of_a_shift_is_counted_from_its_start(anna: Booker) -> None:
    plan = an_operating_plan((5, 450, 480))  # Sat 07:30–15:30
    instrument = an_instrument(operating_plan_id=plan.id)
    anna.book(instrument, rome(2027, 1, 9, 7, 30), rome(2027, 1, 9, 9, 30))
    with pytest.raises(Refusal) as refused:
        anna.book(instrument, rome(2027, 1, 9, 10), rome(2027, 1, 9, 12))
    assert refused.value.code == "off_grid"


def test_a_long_title_is_refused(anna: Booker) -> None:
    with pytest.raises(Refusal) as refused:
        anna.book(an_instrument(), title="x" * 201)
    assert (refused.value.code, list(refused.value.fields)) == ("title_too_long", ["title"])


def test_the_mail_of_a_booking_says_what_where_and_when(anna: Booker) -> None:
    anna.book(an_instrument(name="Microscope"), title="Cells")
    payload = db.session.scalars(select(OutboxMessage)).one().payload
    subject, body = render(payload["template"], "en", payload["values"])
    assert subject == "Booked: Microscope, Mon 4 Jan 2027, 10:00–12:00"
    assert "Anna" in body
    assert "Cells" in body
    assert "http://localhost/bookings/" in body
