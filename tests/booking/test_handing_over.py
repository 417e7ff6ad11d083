"""Handing a booking over to a colleague without losing the slot."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts import queries as accounts
from accounts.models import Membership, Person
from accounts.policy import Role
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, CalendarVersion, Measure, Period, Quota, QuotaOf
from booking.policy.ledger import may_read_title
from booking.queries import ledger as queries
from booking.services import ledger
from core.audit import AuditEntry
from core.db import db, transaction
from core.errors import Forbidden, NotFound, Refusal
from core.mail import render
from core.outbox import OutboxMessage
from facilities.models import Instrument, InstrumentQualification, Qualification, QualificationGrant
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, Booker, a_booker
from tests.factories import (
    BEFORE,
    a_booking,
    a_facility,
    a_manager,
    a_member,
    a_person,
    actor,
    an_instrument,
    an_organisation,
    stored,
)
from tests.support import on_both_databases


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


@pytest.fixture
def bruno(anna: Booker) -> Person:
    return a_member(anna.organisation, name="Bruno", language="en")


def row_of(booking_id: UUID) -> Booking:
    db.session.rollback()
    return db.session.get_one(Booking, booking_id)


def gives(booking_id: UUID, giver: Person, to: Person, now: datetime = BEFORE, reason: str = "") -> Booking:
    ledger.hand_over(booking_id, to.email, actor(giver), now, reason)
    return row_of(booking_id)


def refused(booking_id: UUID, giver: Person, email: str, now: datetime = BEFORE, reason: str = "") -> Refusal:
    holder = row_of(booking_id).person_id
    with pytest.raises(Refusal) as caught:
        ledger.hand_over(booking_id, email, actor(giver), now, reason)
    assert row_of(booking_id).person_id == holder
    return caught.value


@on_both_databases
def test_a_booking_is_handed_over_and_stays_the_same_one(anna: Booker, bruno: Person) -> None:
    made = anna.book(an_instrument(), title="Cells")
    uid = row_of(made).uid
    row = gives(made, anna.person, bruno)
    assert (row.person_id, row.organisation_id, row.title) == (bruno.id, anna.organisation.id, "Cells")
    assert (row.uid, row.sequence, row.state) == (uid, 1, BookingState.CONFIRMED)
    versions = {one.subject_id: one.version for one in db.session.scalars(select(CalendarVersion))}
    assert (versions[anna.person.id], versions[bruno.id]) == (2, 1), "it leaves one calendar and comes into the other"


@on_both_databases
def test_the_colleague_may_hand_it_back(anna: Booker, bruno: Person) -> None:
    made = anna.book(an_instrument())
    gives(made, anna.person, bruno)
    assert gives(made, bruno, anna.person).person_id == anna.person.id


def test_handing_over_twice_changes_nothing(anna: Booker, bruno: Person) -> None:
    facility = a_facility()
    manager = a_manager(facility)
    made = anna.book(an_instrument(facility))
    for _ in range(2):
        assert gives(made, manager, bruno, reason="Anna is ill.").sequence == 1
    assert db.session.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.verb == "hand_over")) == 1


def test_both_are_told(anna: Booker, bruno: Person) -> None:
    made = anna.book(an_instrument(name="Microscope"))
    gives(made, anna.person, bruno, reason="I am ill.")
    mails = {one.payload["template"]: one.payload for one in db.session.scalars(select(OutboxMessage))}
    given, received = mails["booking_handed_over"], mails["booking_received"]
    assert (given["to"], received["to"]) == (anna.person.email, bruno.email)
    assert "held by Bruno" in render("booking_handed_over", "en", given["values"])[1]
    subject, body = render("booking_received", "en", received["values"])
    assert subject == "Yours now: Microscope, Mon 4 Jan 2027, 10:00–12:00"
    assert "Anna has handed this booking over to you." in body
    assert "I am ill." in body


def test_a_confidential_title_stays_so(anna: Booker, bruno: Person) -> None:
    delegate = a_member(anna.organisation, role=Role.DELEGATE)
    values = {"person_id": anna.person.id, "organisation_id": anna.organisation.id, "is_confidential": True}
    made = a_booking(an_instrument(), title="Secret", **values).id
    held = queries.held(gives(made, anna.person, bruno))
    readers = [bool(may_read_title(actor(person), held)) for person in (bruno, anna.person, delegate)]
    assert readers == [True, False, False]


def test_a_bundle_is_handed_over_as_a_whole(anna: Booker, bruno: Person) -> None:
    values = {"bundle_id": uuid4(), "person_id": anna.person.id, "organisation_id": anna.organisation.id}
    one, other = (a_booking(an_instrument(), **values).id for _ in range(2))
    gives(one, anna.person, bruno)
    assert row_of(other).person_id == bruno.id


def test_a_booking_that_waits_for_approval_goes_on_waiting(anna: Booker, bruno: Person) -> None:
    made = anna.book(an_instrument(booking_mode=BookingMode.APPROVAL))
    assert gives(made, anna.person, bruno).state is BookingState.TENTATIVE


def test_what_a_round_has_allocated_is_handed_over_inside_the_organisation(anna: Booker, bruno: Person) -> None:
    beam = an_instrument(booking_mode=BookingMode.ROUND)
    values = {"kind": BookingKind.ROUND, "person_id": anna.person.id, "organisation_id": anna.organisation.id}
    made = a_booking(beam, **values).id
    assert gives(made, anna.person, bruno).person_id == bruno.id


def test_a_running_booking_is_handed_over_one_that_is_over_is_not(anna: Booker, bruno: Person) -> None:
    made = anna.book(an_instrument())
    assert refused(made, anna.person, bruno.email, now=NINE + 2 * HOUR).code == "has_ended"
    assert gives(made, anna.person, bruno, now=NINE + HOUR).person_id == bruno.id


def test_a_cancelled_booking_is_not_handed_over(anna: Booker, bruno: Person) -> None:
    made = anna.book(an_instrument())
    ledger.cancel(made, actor(anna.person), BEFORE)
    assert refused(made, anna.person, bruno.email).code == "illegal_step"


# --- to whom ----------------------------------------------------------------------------------------------


def test_only_people_of_the_same_organisation_and_nothing_is_told_about_others(anna: Booker) -> None:
    made = anna.book(an_instrument())
    elsewhere, gone = a_booker().person, a_member(anna.organisation, is_active=False)
    for email in (elsewhere.email, gone.email, a_person().email, "nobody@example.org", "", "x" * 400):
        answer = refused(made, anna.person, email)
        assert (answer.code, list(answer.fields)) == ("not_a_colleague", ["email"])


def test_an_address_is_read_as_people_type_it(anna: Booker, bruno: Person) -> None:
    made = anna.book(an_instrument())
    ledger.hand_over(made, f"  {bruno.email.upper()} ", actor(anna.person), BEFORE)
    assert row_of(made).person_id == bruno.id


def a_qualification(instrument: Instrument) -> Qualification:
    made = stored(Qualification(facility_id=instrument.facility_id, slug="laser", name="Laser safety"))
    stored(InstrumentQualification(instrument_id=instrument.id, qualification_id=made.id))
    return made


def has(person: Person, qualification: Qualification, **values: Any) -> None:
    stored(QualificationGrant(person_id=person.id, qualification_id=qualification.id, granted_at=BEFORE, **values))


def test_the_colleague_must_be_qualified(anna: Booker, bruno: Person) -> None:
    instrument = an_instrument()
    laser = a_qualification(instrument)
    has(anna.person, laser)
    made = anna.book(instrument)
    answer = refused(made, anna.person, bruno.email)
    assert (answer.code, list(answer.fields)) == ("not_qualified", ["email"])
    assert "Laser safety" in str(answer)
    has(bruno, laser)
    assert gives(made, anna.person, bruno).person_id == bruno.id


def test_the_colleagues_own_quota_holds(anna: Booker, bruno: Person) -> None:
    instrument = an_instrument()
    made = anna.book(instrument)
    Booker(bruno, anna.organisation).book(instrument, NINE + 5 * HOUR)
    stored(
        Quota(
            facility_id=instrument.facility_id,
            instrument_id=instrument.id,
            of=QuotaOf.PERSON,
            measure=Measure.BOOKINGS,
            period=Period.WEEK,
            most=1,
            created_at=BEFORE,
        )
    )
    answer = refused(made, anna.person, bruno.email)
    assert (answer.code, list(answer.fields)) == ("quota", ["email"])


def test_whoever_approved_a_booking_does_not_get_it(anna: Booker) -> None:
    facility = a_facility()
    manager = a_manager(facility)
    stored(Membership(person_id=manager.id, organisation_id=anna.organisation.id, role=Role.MEMBER, since=BEFORE))
    made = anna.book(an_instrument(facility, booking_mode=BookingMode.APPROVAL))
    ledger.approve(made, actor(manager), BEFORE)
    assert refused(made, anna.person, manager.email).code == "own_booking"


# --- who may ----------------------------------------------------------------------------------------------


def test_a_manager_hands_over_with_a_reason(anna: Booker, bruno: Person) -> None:
    facility = a_facility()
    manager = a_manager(facility)
    made = anna.book(an_instrument(facility))
    assert list(refused(made, manager, bruno.email).fields) == ["reason"]
    assert gives(made, manager, bruno, reason="Anna is ill.").person_id == bruno.id


def test_nobody_else_hands_a_booking_over(anna: Booker, bruno: Person) -> None:
    made = anna.book(an_instrument())
    delegate = a_member(anna.organisation, role=Role.DELEGATE)
    assert isinstance(refused(made, delegate, bruno.email, reason="A reason"), Forbidden)
    for person in (bruno, a_booker().person, a_manager(a_facility())):
        assert isinstance(refused(made, person, bruno.email, reason="A reason"), NotFound)


def test_time_that_is_no_organisations_is_not_handed_over(anna: Booker, bruno: Person) -> None:
    facility = a_facility()
    closed = a_booking(an_instrument(facility), kind=BookingKind.CLOSURE).id
    assert isinstance(refused(closed, a_manager(facility), bruno.email, reason="A reason"), Forbidden)


def test_after_leaving_the_organisation_nothing_comes_back(anna: Booker, bruno: Person) -> None:
    made = anna.book(an_instrument())
    gives(made, anna.person, bruno)
    elsewhere = an_organisation()
    with transaction() as tx:
        tx.one(accounts.membership(anna.person.id, anna.organisation.id)).organisation_id = elsewhere.id
    assert refused(made, bruno, anna.person.email).code == "not_a_colleague"
