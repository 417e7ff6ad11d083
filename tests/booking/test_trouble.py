"""Trouble reports: who reports and who decides, what is credited, what is told, what is refused."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import Person
from accounts.policy import VISITOR, Role
from booking.models import ShareEntry, ShareKind, Trouble, TroubleState
from booking.services import trouble, use
from core.audit import AuditEntry
from core.db import db
from core.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from core.mail import render
from core.outbox import OutboxMessage
from facilities.models import Facility, InstrumentRules
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
    stored,
)
from tests.support import on_both_databases

END = NINE + 2 * HOUR
WEEK = timedelta(days=7)
SECOND = timedelta(seconds=1)


@pytest.fixture
def facility(context: Flask) -> Facility:
    return a_facility()


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


@pytest.fixture
def manager(facility: Facility) -> Person:
    return a_manager(facility, name="Marco", language="en")


@pytest.fixture
def booked(anna: Booker, facility: Facility, manager: Person) -> UUID:
    return anna.book(an_instrument(facility, name="Scope"))


def reported(who: Person, booking_id: UUID, **more: Any) -> UUID:
    return trouble.report(
        booking_id,
        more.get("text", "The laser failed."),
        more.get("lost", 30),
        actor(who),
        more.get("now", END),
        more.get("key", ""),
    )


def fresh(trouble_id: UUID) -> Trouble:
    db.session.rollback()
    return db.session.get_one(Trouble, trouble_id)


def mails(template: str) -> list[OutboxMessage]:
    db.session.rollback()
    return [one for one in db.session.scalars(select(OutboxMessage)) if one.payload.get("template") == template]


def code_of(act: Callable[[], object], kind: type[Refusal]) -> str:
    with pytest.raises(kind) as refused:
        act()
    return refused.value.code


def test_a_report_is_stored_audited_and_told_to_the_managers(anna: Booker, manager: Person, booked: UUID) -> None:
    made = reported(anna.person, booked)
    row = fresh(made)
    assert (row.text, row.lost_minutes, row.state) == ("The laser failed.", 30, TroubleState.REPORTED)
    assert db.session.scalars(select(AuditEntry.verb).where(AuditEntry.subject_id == made)).all() == ["report_trouble"]
    (mail,) = mails("trouble_reported")
    assert mail.payload["to"] == manager.email
    subject, body = render("trouble_reported", "en", mail.payload["values"])
    assert subject == "Problem reported: Scope"
    assert all(words in body for words in ("Anna reports", "The laser failed.", "30", f"/troubles/{made}"))


@on_both_databases
def test_the_same_key_reports_once(anna: Booker, booked: UUID) -> None:
    assert reported(anna.person, booked, key="one") == reported(anna.person, booked, key="one")
    assert db.session.scalar(select(func.count(Trouble.id))) == 1
    assert len(mails("trouble_reported")) == 1


@pytest.mark.parametrize(
    ("now", "allowed"), [(NINE - SECOND, False), (NINE, True), (END + WEEK - SECOND, True), (END + WEEK, False)]
)
def test_trouble_is_reported_from_the_start_until_a_week_after_the_end(
    anna: Booker, booked: UUID, now: datetime, allowed: bool
) -> None:
    if allowed:
        assert fresh(reported(anna.person, booked, now=now)).created_at == now
    else:
        assert code_of(lambda: reported(anna.person, booked, now=now), Conflict) == "not_now"


def test_who_was_released_as_a_no_show_can_say_that_the_door_was_locked(anna: Booker, manager: Person) -> None:
    facility = a_facility()
    instrument = an_instrument(facility)
    stored(InstrumentRules(instrument_id=instrument.id, no_show_minutes=30, changed_at=BEFORE))
    made = anna.book(instrument)
    use.release_no_shows(NINE + HOUR)
    report = reported(anna.person, made)
    trouble.credit(report, 120, "The card reader was broken.", actor(a_manager(facility)), END)
    assert db.session.scalar(select(func.sum(ShareEntry.charged_minutes))) == 0


def test_a_cancelled_booking_has_no_trouble(anna: Booker, booked: UUID) -> None:
    row = a_booking(an_instrument(), person_id=anna.person.id, state="cancelled")
    assert code_of(lambda: reported(anna.person, row.id), Conflict) == "not_now"


def test_only_the_holder_reports(anna: Booker, facility: Facility, manager: Person, booked: UUID) -> None:
    for person in (manager, a_member(anna.organisation, Role.DELEGATE), a_person(is_office=True)):
        with pytest.raises(Forbidden):
            reported(person, booked)
    for person in (a_member(anna.organisation), a_booker().person, a_manager(facility, Role.REVIEWER)):
        with pytest.raises(NotFound):
            reported(person, booked)
    with pytest.raises(Forbidden):
        trouble.report(booked, "It failed.", 0, VISITOR, END, "")
    assert db.session.scalar(select(func.count(Trouble.id))) == 0


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"text": "  "}, "text"),
        ({"text": "x" * 2001}, "text"),
        ({"lost": 121}, "lost_minutes"),
        ({"lost": -1}, "lost_minutes"),
    ],
)
def test_an_unsound_report_is_refused_beside_its_field(
    anna: Booker, booked: UUID, more: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        reported(anna.person, booked, **more)
    assert list(refused.value.fields) == [field]


# --- deciding -----------------------------------------------------------------------------------------------


@on_both_databases
def test_a_credit_gives_minutes_back_is_audited_and_told(anna: Booker, manager: Person, booked: UUID) -> None:
    use.close_past_bookings(END)
    made = reported(anna.person, booked)
    trouble.credit(made, 45, " Sorry. ", actor(manager), END + HOUR)
    row = fresh(made)
    assert (row.state, row.credited_minutes, row.answer) == (TroubleState.CREDITED, 45, "Sorry.")
    assert (row.decided_at, row.decided_by_id) == (END + HOUR, manager.id)
    entries = {one.kind: one.charged_minutes for one in db.session.scalars(select(ShareEntry))}
    assert entries == {ShareKind.USED: 120, ShareKind.CREDITED: -45}
    verbs = db.session.scalars(select(AuditEntry.verb).where(AuditEntry.subject_id == made).order_by(AuditEntry.id))
    assert verbs.all() == ["report_trouble", "credit_trouble"]
    (mail,) = mails("trouble_answered")
    assert mail.payload["to"] == anna.person.email
    body = render("trouble_answered", "en", mail.payload["values"])[1]
    assert "Minutes credited: 45" in body
    assert "Sorry." in body


def test_closing_answers_without_a_credit(anna: Booker, manager: Person, booked: UUID) -> None:
    made = reported(anna.person, booked)
    trouble.close(made, "It was switched off.", actor(manager), END)
    assert (fresh(made).state, fresh(made).credited_minutes) == (TroubleState.CLOSED, 0)
    assert db.session.scalars(select(ShareEntry)).all() == []
    assert "credited" not in render("trouble_answered", "en", mails("trouble_answered")[0].payload["values"])[1]


def test_deciding_twice_changes_nothing_and_differently_is_refused(anna: Booker, manager: Person, booked: UUID) -> None:
    made, who = reported(anna.person, booked), actor(manager)
    trouble.credit(made, 30, "Sorry.", who, END)
    trouble.credit(made, 30, "Sorry.", who, END + HOUR)
    assert fresh(made).decided_at == END
    assert code_of(lambda: trouble.credit(made, 31, "More.", who, END), Conflict) == "decided"
    assert code_of(lambda: trouble.close(made, "No.", who, END), Conflict) == "decided"
    assert len(mails("trouble_answered")) == 1
    second = reported(anna.person, booked, text="And the lamp.")
    trouble.close(second, "Known.", who, END)
    trouble.close(second, "Known.", who, END)
    assert len(mails("trouble_answered")) == 2


def test_a_booking_is_credited_once(anna: Booker, manager: Person, booked: UUID) -> None:
    first, second = reported(anna.person, booked), reported(anna.person, booked, text="And the lamp.")
    trouble.credit(first, 90, "Sorry.", actor(manager), END)
    assert code_of(lambda: trouble.credit(second, 90, "Sorry.", actor(manager), END), Conflict) == "credited"
    assert (fresh(second).state, fresh(second).credited_minutes) == (TroubleState.REPORTED, 0)


@pytest.mark.parametrize("minutes", [0, -5, 121])
def test_a_credit_is_neither_nothing_nor_more_than_was_booked(
    anna: Booker, manager: Person, booked: UUID, minutes: int
) -> None:
    made = reported(anna.person, booked)
    with pytest.raises(Invalid) as refused:
        trouble.credit(made, minutes, "Sorry.", actor(manager), END)
    assert list(refused.value.fields) == ["minutes"]
    assert fresh(made).state is TroubleState.REPORTED


def test_after_an_early_check_out_the_booked_minutes_count_not_the_used_ones(
    anna: Booker, manager: Person, booked: UUID
) -> None:
    use.check_in(booked, actor(anna.person), NINE)
    use.check_out(booked, actor(anna.person), NINE + 10 * SECOND)
    made = reported(anna.person, booked, lost=120, now=NINE + HOUR)
    trouble.credit(made, 120, "Sorry.", actor(manager), END)
    assert fresh(made).credited_minutes == 120


@pytest.mark.parametrize("answer", ["", "  ", "x" * 401])
def test_a_decision_says_why(anna: Booker, manager: Person, booked: UUID, answer: str) -> None:
    made = reported(anna.person, booked)
    acts: tuple[Callable[[], None], ...] = (
        lambda: trouble.close(made, answer, actor(manager), END),
        lambda: trouble.credit(made, 10, answer, actor(manager), END),
    )
    for act in acts:
        with pytest.raises(Invalid) as refused:
            act()
        assert list(refused.value.fields) == ["answer"]
    assert db.session.scalars(select(ShareEntry)).all() == []


def test_nobody_decides_on_their_own(facility: Facility) -> None:
    own = a_booker()
    stored_post = a_manager(facility)
    row = a_booking(an_instrument(facility), person_id=stored_post.id, organisation_id=own.organisation.id)
    made = reported(stored_post, row.id)
    assert mails("trouble_reported") == []
    for act in (
        lambda: trouble.credit(made, 10, "For me.", actor(stored_post), END),
        lambda: trouble.close(made, "For me.", actor(stored_post), END),
    ):
        assert code_of(act, Forbidden) == "own_booking"
    trouble.credit(made, 10, "A second person.", actor(a_manager(facility)), END)


def test_only_the_facilitys_managers_decide(anna: Booker, facility: Facility, booked: UUID) -> None:
    made = reported(anna.person, booked)
    people = (a_manager(a_facility()), a_manager(facility, Role.REVIEWER), a_member(anna.organisation, Role.DELEGATE))
    for person in people:
        with pytest.raises(NotFound):
            trouble.close(made, "No.", actor(person), END)
    with pytest.raises(Forbidden):
        trouble.close(made, "No.", actor(anna.person), END)
    trouble.close(made, "Looked into.", actor(a_person(is_office=True)), END)
