"""Deputies: what they may before, during and after their time, and what ends it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.models import Person, Post
from accounts.policy import Role
from booking.lifecycle import BookingState
from booking.models import Booking, Deputy
from booking.queries import approvals as queries
from booking.services import deputies, ledger
from core.audit import AuditEntry
from core.db import db, transaction
from core.errors import Forbidden, NotFound, Refusal
from core.mail import render
from core.outbox import OutboxMessage
from facilities.models import Facility
from tests.booking.approvers import DECISIONS, a_deputy, a_request_for, given, state_of, with_levels
from tests.booking.bookers import HOUR, Booker, a_booker
from tests.factories import BEFORE, a_facility, a_manager, a_member, a_person, actor, an_organisation, stored
from tests.support import on_both_databases

WEEK = timedelta(days=7)


@pytest.fixture
def facility(context: Flask) -> Facility:
    return a_facility()


@pytest.fixture
def marco(facility: Facility) -> Person:
    return a_manager(facility, name="Marco")


@pytest.fixture
def dora(context: Flask) -> Person:
    return a_person(name="Dora", email="dora@example.org", language="en")


@pytest.fixture
def asked(facility: Facility) -> Booking:
    return a_request_for(with_levels(facility, 1), a_booker())


def deputise(marco: Person, facility: Facility, email: str = "dora@example.org", **values: Any) -> UUID:
    times = {"start": BEFORE, "end": BEFORE + WEEK, "key": "", **values}
    return deputies.deputise(
        facility.id,
        email,
        times["start"],
        times["end"],
        actor(marco),
        BEFORE,
        times["key"],
    )


# --- what a deputy may ----------------------------------------------------------------------------------------


@on_both_databases
def test_a_deputy_approves_and_the_audit_names_both(
    facility: Facility, marco: Person, dora: Person, asked: Booking
) -> None:
    a_deputy(marco, dora, facility)
    assert ledger.approve(asked.id, actor(dora), BEFORE) is BookingState.CONFIRMED
    assert given(asked.id) == [(1, dora.id, marco.id)]
    act = db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "approve")).one()
    assert (act.person_id, act.detail["for"]) == (dora.id, str(marco.id))


def test_a_deputy_refuses_and_the_audit_names_both(
    facility: Facility, marco: Person, dora: Person, asked: Booking
) -> None:
    a_deputy(marco, dora, facility)
    assert ledger.refuse(asked.id, actor(dora), BEFORE, "No operator.") is BookingState.REFUSED
    act = db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "refuse")).one()
    assert (act.person_id, act.detail["for"]) == (dora.id, str(marco.id))


@pytest.mark.parametrize(
    ("now", "may"),
    [
        (BEFORE - timedelta(seconds=1), False),
        (BEFORE, True),
        (BEFORE + WEEK - timedelta(seconds=1), True),
        (BEFORE + WEEK, False),
    ],
)
def test_the_right_lasts_as_long_as_its_time(
    facility: Facility, marco: Person, dora: Person, asked: Booking, now: datetime, may: bool
) -> None:
    a_deputy(marco, dora, facility)
    if may:
        assert ledger.approve(asked.id, actor(dora), now) is BookingState.CONFIRMED
        return
    for act in DECISIONS:
        with pytest.raises(NotFound):
            act(asked.id, actor(dora), now)
    assert state_of(asked.id) is BookingState.TENTATIVE


@pytest.mark.parametrize("ended_by", ["dismissed", "made reviewer", "account closed"])
def test_the_right_ends_with_that_of_the_manager(
    facility: Facility, marco: Person, dora: Person, asked: Booking, ended_by: str
) -> None:
    a_deputy(marco, dora, facility)
    with transaction() as tx:
        post = tx.one(select(Post).where(Post.person_id == marco.id))
        if ended_by == "dismissed":
            tx.session.delete(post)
        elif ended_by == "made reviewer":
            post.role = Role.REVIEWER
        else:
            tx.one(select(Person).where(Person.id == marco.id)).is_active = False
    with pytest.raises(NotFound):
        ledger.approve(asked.id, actor(dora), BEFORE)


def test_the_right_is_that_of_one_facility(facility: Facility, marco: Person, dora: Person) -> None:
    elsewhere = a_facility()
    stored(Post(person_id=marco.id, facility_id=elsewhere.id, role=Role.MANAGER, since=BEFORE))
    a_deputy(marco, dora, elsewhere)
    row = a_request_for(with_levels(facility, 1), a_booker())
    with pytest.raises(NotFound):
        ledger.approve(row.id, actor(dora), BEFORE)


@pytest.mark.parametrize("whose", ["the deputy's", "the manager's"])
def test_a_deputy_does_not_decide_on_their_own_nor_on_the_managers_booking(
    facility: Facility, marco: Person, dora: Person, whose: str
) -> None:
    a_deputy(marco, dora, facility)
    holder = dora if whose == "the deputy's" else marco
    row = a_request_for(with_levels(facility, 1), Booker(holder, an_organisation()))
    for act in DECISIONS:
        with pytest.raises(Forbidden) as refused:
            act(row.id, actor(dora), BEFORE)
        assert refused.value.code == "own_booking"


def test_manager_and_deputy_together_are_one_pair_of_eyes(facility: Facility, marco: Person, dora: Person) -> None:
    a_deputy(marco, dora, facility)
    row = a_request_for(with_levels(facility, 2), a_booker())
    ledger.approve(row.id, actor(dora), BEFORE)
    with pytest.raises(Forbidden) as refused:
        ledger.approve(row.id, actor(marco), BEFORE)
    assert refused.value.code == "same_person"
    assert ledger.approve(row.id, actor(a_manager(facility)), BEFORE) is BookingState.CONFIRMED


def test_a_deputy_gives_the_level_for_which_the_manager_is_named(
    facility: Facility, marco: Person, dora: Person
) -> None:
    a_deputy(marco, dora, facility)
    row = a_request_for(with_levels(facility, 1, (1, marco)), a_booker())
    assert ledger.approve(row.id, actor(dora), BEFORE) is BookingState.CONFIRMED


def test_a_deputy_approves_and_does_nothing_else_a_manager_may(
    facility: Facility, marco: Person, dora: Person, asked: Booking
) -> None:
    a_deputy(marco, dora, facility)
    with pytest.raises(NotFound):
        ledger.cancel(asked.id, actor(dora), BEFORE, "why")
    with pytest.raises(Forbidden):
        deputies.deputise(facility.id, "x@example.org", BEFORE, BEFORE + WEEK, actor(dora), BEFORE, "")


# --- naming and ending ----------------------------------------------------------------------------------------


@on_both_databases
def test_naming_a_deputy_is_one_row_one_mail_and_audited(facility: Facility, marco: Person, dora: Person) -> None:
    assert deputise(marco, facility, key="k") == deputise(marco, facility, key="k")
    row = db.session.scalars(select(Deputy)).one()
    assert (row.manager_id, row.person_id, row.starts_at, row.ends_at) == (marco.id, dora.id, BEFORE, BEFORE + WEEK)
    mail = db.session.scalars(select(OutboxMessage)).one().payload
    subject, body = render(mail["template"], "en", mail["values"])
    assert (mail["to"], "Marco" in subject, "/inbox" in body) == ("dora@example.org", True, True)
    act = db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "deputise")).one()
    assert act.detail["person_id"] == str(dora.id)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"email": "nobody@example.org"}, "unknown_person"),
        ({"email": "gone@example.org"}, "unknown_person"),
        ({"email": "marco@example.org"}, "yourself"),
        ({"end": BEFORE}, "ends_before_start"),
        ({"start": BEFORE - 2 * WEEK, "end": BEFORE}, "in_the_past"),
        ({"end": BEFORE + timedelta(days=367)}, "too_long"),
    ],
)
def test_what_a_deputy_needs(facility: Facility, dora: Person, values: dict[str, Any], code: str) -> None:
    a_person(email="gone@example.org", is_active=False)
    with pytest.raises(Refusal) as refused:
        deputise(a_manager(facility, email="marco@example.org"), facility, **values)
    assert (refused.value.code, len(refused.value.fields)) == (code, 1)
    assert db.session.scalars(select(Deputy)).all() == []


def test_only_managers_of_the_facility_name_deputies(facility: Facility, dora: Person) -> None:
    for who in (a_member(), a_manager(a_facility()), a_manager(facility, Role.REVIEWER)):
        with pytest.raises(Forbidden):
            deputise(who, facility)
    deputise(a_person(is_office=True), facility)


@pytest.mark.parametrize("who", ["the manager", "another manager", "the deputy", "the office"])
def test_a_deputys_time_is_ended_early(
    facility: Facility, marco: Person, dora: Person, asked: Booking, who: str
) -> None:
    row = a_deputy(marco, dora, facility)
    ends = {
        "the manager": marco,
        "another manager": a_manager(facility),
        "the deputy": dora,
        "the office": a_person(is_office=True),
    }[who]
    for _ in range(2):
        deputies.end_deputy(row.id, actor(ends), BEFORE + HOUR)
    with pytest.raises(NotFound):
        ledger.approve(asked.id, actor(dora), BEFORE + HOUR)
    assert len(db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "end_deputy")).all()) == 1


def test_a_time_that_has_not_begun_is_taken_away(facility: Facility, marco: Person, dora: Person) -> None:
    row = a_deputy(marco, dora, facility, starts_at=BEFORE + HOUR)
    deputies.end_deputy(row.id, actor(marco), BEFORE)
    assert db.session.scalars(select(Deputy)).all() == []
    with pytest.raises(NotFound):
        deputies.end_deputy(row.id, actor(marco), BEFORE)


def test_strangers_do_not_know_of_a_deputy(facility: Facility, marco: Person, dora: Person) -> None:
    row = a_deputy(marco, dora, facility)
    for who in (a_member(), a_manager(a_facility()), a_manager(facility, Role.REVIEWER)):
        with pytest.raises(NotFound):
            deputies.end_deputy(row.id, actor(who), BEFORE)


def test_a_facilitys_deputies_are_listed_until_their_time_is_over(
    facility: Facility, marco: Person, dora: Person
) -> None:
    a_deputy(marco, dora, facility)
    listed = queries.deputies_at(facility.id, BEFORE)
    assert [row.person.name for row in db.session.scalars(listed)] == ["Dora"]
    assert db.session.scalars(queries.deputies_at(facility.id, BEFORE + WEEK)).all() == []
