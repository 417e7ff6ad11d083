"""Checking in and out: what is written, what becomes free, what is refused."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.policy import VISITOR, Role
from booking.lifecycle import BookingState
from booking.models import Booking, CalendarKind, CalendarVersion, ShareEntry, ShareKind
from booking.services import use
from core.audit import AuditEntry
from core.db import db
from core.errors import Conflict, Forbidden, NotFound
from facilities.models import (
    Instrument,
    InstrumentQualification,
    InstrumentRules,
    Qualification,
    QualificationGrant,
)
from tests.booking.bookers import HOUR, NINE, Booker, a_booker
from tests.booking.test_no_shows import let_the_database_refuse
from tests.factories import BEFORE, a_booking, a_facility, a_manager, a_member, actor, an_instrument, stored
from tests.support import on_both_databases

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def rules(instrument: Instrument, **values: Any) -> Instrument:
    """The instrument, with rules of its managers."""
    stored(InstrumentRules(instrument_id=instrument.id, **{"changed_at": BEFORE, **values}))
    return instrument


def fresh(booking_id: UUID) -> Booking:
    db.session.rollback()
    return db.session.get_one(Booking, booking_id)


def entries() -> list[tuple[ShareKind, int, int, int]]:
    db.session.rollback()
    rows = db.session.scalars(select(ShareEntry).order_by(ShareEntry.at, ShareEntry.kind))
    return [(row.kind, row.booked_minutes, row.used_minutes, row.charged_minutes) for row in rows]


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


@pytest.fixture
def booked(anna: Booker) -> UUID:
    """Two hours from nine on an instrument in steps of half an hour."""
    return anna.book(an_instrument(slot_minutes=30, least_minutes=30))


@on_both_databases
def test_a_check_in_is_written_audited_and_raises_the_calendars(anna: Booker, booked: UUID) -> None:
    before = fresh(booked).sequence
    use.check_in(booked, actor(anna.person), NINE - 5 * MINUTE)
    row = fresh(booked)
    assert (row.checked_in_at, row.state, row.sequence) == (NINE - 5 * MINUTE, BookingState.CONFIRMED, before + 1)
    acts = db.session.scalars(select(AuditEntry.verb).where(AuditEntry.subject_id == booked).order_by(AuditEntry.id))
    assert acts.all() == ["book", "check_in"]
    person = CalendarVersion.kind == CalendarKind.PERSON
    assert db.session.scalars(select(CalendarVersion.version).where(person)).one() == 2
    assert entries() == []


def test_checking_in_twice_changes_nothing_more(anna: Booker, booked: UUID) -> None:
    use.check_in(booked, actor(anna.person), NINE)
    first = fresh(booked).sequence
    use.check_in(booked, actor(anna.person), NINE + HOUR)
    assert (fresh(booked).checked_in_at, fresh(booked).sequence) == (NINE, first)


@pytest.mark.parametrize(
    ("at", "code"), [(NINE - 16 * MINUTE, "too_early"), (NINE + 2 * HOUR, "is_over"), (NINE + 9 * HOUR, "is_over")]
)
def test_a_check_in_too_early_or_too_late_is_refused(anna: Booker, booked: UUID, at: Any, code: str) -> None:
    with pytest.raises(Conflict) as refused:
        use.check_in(booked, actor(anna.person), at)
    assert refused.value.code == code
    assert fresh(booked).checked_in_at is None


def test_too_early_says_when_by_the_facilitys_clock(anna: Booker, booked: UUID) -> None:
    with pytest.raises(Conflict, match="2027-01-04 09:45"):
        use.check_in(booked, actor(anna.person), NINE - HOUR)


@pytest.mark.parametrize("state", [BookingState.TENTATIVE, BookingState.CANCELLED, BookingState.REFUSED])
def test_only_a_confirmed_booking_is_checked_in_to(anna: Booker, state: BookingState) -> None:
    row = a_booking(an_instrument(), state=state, person_id=anna.person.id)
    with pytest.raises(Conflict) as refused:
        use.check_in(row.id, actor(anna.person), NINE)
    assert refused.value.code == "not_confirmed"


def test_who_may_check_in_and_who_may_not_know(anna: Booker) -> None:
    facility = a_facility()
    instrument = an_instrument(facility)
    made = anna.book(instrument)
    for hidden in (a_member(anna.organisation), a_booker().person, a_manager(facility, Role.REVIEWER)):
        with pytest.raises(NotFound):
            use.check_in(made, actor(hidden), NINE)
    with pytest.raises(Forbidden):
        use.check_in(made, VISITOR, NINE)
    with pytest.raises(Forbidden):
        use.check_in(made, actor(a_member(anna.organisation, Role.DELEGATE)), NINE)
    with pytest.raises(NotFound):
        use.check_in(uuid4(), actor(anna.person), NINE)
    use.check_in(made, actor(a_manager(facility)), NINE)
    assert fresh(made).checked_in_at == NINE


@on_both_databases
def test_leaving_early_frees_the_rest_after_the_next_step_of_the_grid(anna: Booker, booked: UUID) -> None:
    use.check_in(booked, actor(anna.person), NINE)
    sequence = fresh(booked).sequence
    use.check_out(booked, actor(anna.person), NINE + 40 * MINUTE)
    row = fresh(booked)
    assert (row.ends_at, row.booked_until, row.held_until) == (NINE + HOUR, NINE + 2 * HOUR, NINE + HOUR)
    assert (row.checked_out_at, row.sequence) == (NINE + 40 * MINUTE, sequence + 1)
    assert entries() == [(ShareKind.USED, 120, 40, 60)]
    other = a_booker()
    assert fresh(other.book(row.instrument, NINE + HOUR, now=NINE + 41 * MINUTE)).starts_at == NINE + HOUR
    use.check_out(booked, actor(anna.person), NINE + 50 * MINUTE)
    assert (fresh(booked).checked_out_at, fresh(booked).ends_at) == (NINE + 40 * MINUTE, NINE + HOUR)
    assert entries() == [(ShareKind.USED, 120, 40, 60)]


def test_the_buffer_behind_a_booking_moves_with_its_end(anna: Booker) -> None:
    instrument = rules(an_instrument(slot_minutes=30, least_minutes=30), buffer_after=30)
    made = anna.book(instrument)
    assert fresh(made).held_until == NINE + 2 * HOUR + 30 * MINUTE
    use.check_in(made, actor(anna.person), NINE)
    use.check_out(made, actor(anna.person), NINE + 40 * MINUTE)
    assert fresh(made).held_until == NINE + HOUR + 30 * MINUTE


def test_leaving_in_the_last_step_changes_no_time(anna: Booker, booked: UUID) -> None:
    use.check_in(booked, actor(anna.person), NINE)
    use.check_out(booked, actor(anna.person), NINE + 100 * MINUTE)
    row = fresh(booked)
    assert (row.ends_at, row.booked_until) == (NINE + 2 * HOUR, None)
    assert entries() == [(ShareKind.USED, 120, 100, 120)]


def test_one_cannot_leave_before_one_came_nor_after_the_end(anna: Booker, booked: UUID) -> None:
    with pytest.raises(Conflict) as refused:
        use.check_out(booked, actor(anna.person), NINE)
    assert refused.value.code == "not_checked_in"
    use.check_in(booked, actor(anna.person), NINE)
    with pytest.raises(Conflict) as refused:
        use.check_out(booked, actor(anna.person), NINE + 2 * HOUR)
    assert refused.value.code == "is_over"


def test_who_may_not_know_of_a_booking_cannot_end_it(anna: Booker, booked: UUID) -> None:
    use.check_in(booked, actor(anna.person), NINE)
    with pytest.raises(NotFound):
        use.check_out(booked, actor(a_booker().person), NINE + MINUTE)
    assert fresh(booked).checked_out_at is None


def test_what_was_booked_together_is_checked_in_to_and_out_of_together(anna: Booker) -> None:
    facility, bundle = a_facility(), uuid4()
    owner = {"person_id": anna.person.id, "organisation_id": anna.organisation.id}
    first, second = (a_booking(an_instrument(facility), bundle_id=bundle, **owner) for _ in range(2))
    later = a_booking(an_instrument(facility), bundle_id=bundle, starts_at=NINE + 5 * HOUR, **owner)
    use.check_in(first.id, actor(anna.person), NINE)
    assert [fresh(one.id).checked_in_at for one in (first, second, later)] == [NINE, NINE, None]
    use.check_out(second.id, actor(anna.person), NINE + 30 * MINUTE)
    assert [fresh(one.id).ends_at for one in (first, second)] == [NINE + HOUR, NINE + HOUR]
    assert entries() == [(ShareKind.USED, 120, 30, 60)] * 2


# --- what ends by itself ------------------------------------------------------------------------------------


@on_both_databases
def test_a_booking_that_is_over_is_written_into_the_share_ledger_once(anna: Booker, booked: UUID) -> None:
    assert use.close_past_bookings(NINE + 2 * HOUR - SECOND) == 0
    assert use.close_past_bookings(NINE + 2 * HOUR) == 1
    assert use.close_past_bookings(NINE + 3 * HOUR) == 0
    assert entries() == [(ShareKind.USED, 120, 120, 120)]
    entry = db.session.scalars(select(ShareEntry)).one()
    row = fresh(booked)
    assert (entry.organisation_id, entry.person_id) == (anna.organisation.id, anna.person.id)
    assert (entry.facility_id, entry.day.isoformat()) == (row.instrument.facility_id, "2027-01-04")
    assert (row.state, row.checked_out_at) == (BookingState.CONFIRMED, None)


def test_who_forgets_to_check_out_has_used_the_time_since_the_check_in(anna: Booker, booked: UUID) -> None:
    use.check_in(booked, actor(anna.person), NINE + 15 * MINUTE)
    assert use.close_past_bookings(NINE + 4 * HOUR) == 1
    assert entries() == [(ShareKind.USED, 120, 105, 120)]
    assert fresh(booked).checked_out_at == NINE + 2 * HOUR


def test_only_confirmed_bookings_of_organisations_are_written(anna: Booker) -> None:
    owner = {"person_id": anna.person.id, "organisation_id": anna.organisation.id}
    for state in (BookingState.TENTATIVE, BookingState.CANCELLED, BookingState.REFUSED):
        a_booking(an_instrument(), state=state, **owner)
    a_booking(an_instrument(), person_id=anna.person.id)
    a_booking(an_instrument())  # a closure is nobody's
    assert use.close_past_bookings(NINE + 3 * HOUR) == 0
    assert entries() == []


def test_one_booking_that_cannot_be_settled_stops_no_other(anna: Booker, caplog: pytest.LogCaptureFixture) -> None:
    bad, good = anna.book(an_instrument()), anna.book(an_instrument(), NINE + HOUR)
    let_the_database_refuse(bad)
    assert use.close_past_bookings(NINE + 9 * HOUR) == 1
    assert db.session.scalars(select(ShareEntry.booking_id)).all() == [good]
    assert str(bad) in caplog.text


def test_a_use_refreshes_a_qualification_that_ends_unused(anna: Booker) -> None:
    instrument = an_instrument(a_facility())
    laser = stored(Qualification(facility_id=instrument.facility_id, slug="laser", name="Laser", unused_days=90))
    stored(InstrumentQualification(instrument_id=instrument.id, qualification_id=laser.id))
    grant = stored(QualificationGrant(qualification_id=laser.id, person_id=anna.person.id, granted_at=BEFORE))
    early, late = anna.book(instrument), anna.book(instrument, NINE + 5 * HOUR)

    def last_used() -> Any:
        db.session.rollback()
        return db.session.get_one(QualificationGrant, grant.id).last_used_at

    use.check_in(early, actor(anna.person), NINE)
    assert last_used() is None
    use.check_out(early, actor(anna.person), NINE + 10 * MINUTE)
    assert last_used() == NINE + 10 * MINUTE
    use.close_past_bookings(NINE + 9 * HOUR)
    assert last_used() == NINE + 7 * HOUR
    assert fresh(late).checked_out_at is None
