"""The same decision on several bookings: each by itself, and the page tells which went through and which did not."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.models import Person
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind
from booking.services import ledger
from core import clock
from core.db import db
from core.errors import Invalid
from core.outbox import OutboxMessage
from facilities.models import Facility
from tests.booking.approvers import a_request_for, state_of, with_levels
from tests.booking.bookers import NINE, a_booker
from tests.factories import BEFORE, a_booking, a_facility, a_manager, a_person, actor
from tests.support import Browser, browser, on_both_databases


@pytest.fixture
def facility(context: Flask) -> Facility:
    return a_facility()


@pytest.fixture
def marco(facility: Facility) -> Person:
    return a_manager(facility, name="Marco")


@pytest.fixture
def desk(app: Flask, marco: Person) -> Browser:
    return browser(app, marco.id)


@pytest.fixture
def asked(facility: Facility) -> list[Booking]:
    """Three that can be approved."""
    anna = a_booker(name="Anna")
    scope = with_levels(facility, 1, name="Scope")
    return [a_request_for(scope, anna, NINE + timedelta(days=n)) for n in range(3)]


def post(client: Browser, **data: Any) -> Any:
    with clock.frozen_at(BEFORE):
        return client.post_form("/inbox?lang=en", data)


@on_both_databases
def test_what_one_refuses_the_others_have(facility: Facility, marco: Person, asked: list[Booking]) -> None:
    own = a_booking(
        with_levels(facility, 1), kind=BookingKind.APPROVAL, state=BookingState.TENTATIVE, person_id=marco.id
    )
    theirs = a_request_for(with_levels(a_facility(), 1), a_booker())
    ledger.refuse(asked[1].id, actor(a_manager(facility)), BEFORE, "No.")
    rows = [asked[0], own, asked[1], theirs, asked[2]]
    wanted = [ledger.Wanted(row.id, 1) for row in rows] + [ledger.Wanted(uuid4())]
    results = ledger.decide_each(wanted, ledger.Decision.APPROVE, actor(marco), BEFORE)
    assert [one.refusal.code if one.refusal else one.state for one in results] == [
        BookingState.CONFIRMED,
        "own_booking",
        "illegal_step",
        "not_found",
        BookingState.CONFIRMED,
        "not_found",
    ]
    states = [state_of(row.id) for row in rows]
    assert states == [
        BookingState.CONFIRMED,
        BookingState.TENTATIVE,
        BookingState.REFUSED,
        BookingState.TENTATIVE,
        BookingState.CONFIRMED,
    ]


def test_one_that_is_named_twice_is_decided_once(marco: Person, asked: list[Booking]) -> None:
    wanted = [ledger.Wanted(asked[0].id, 1)] * 3
    assert len(ledger.decide_each(wanted, ledger.Decision.APPROVE, actor(marco), BEFORE)) == 1


@pytest.mark.parametrize(
    ("count", "decision", "code"),
    [(1, ledger.Decision.REFUSE, "reason_missing"), (101, ledger.Decision.APPROVE, "too_many")],
)
def test_what_is_wrong_with_all_of_them_is_said_before_any_is_decided(
    marco: Person, asked: list[Booking], count: int, decision: ledger.Decision, code: str
) -> None:
    wanted = [ledger.Wanted(asked[0].id, 1), *(ledger.Wanted(uuid4()) for _ in range(count - 1))]
    with pytest.raises(Invalid) as refused:
        ledger.decide_each(wanted, decision, actor(marco), BEFORE, " ")
    assert refused.value.code == code
    assert state_of(asked[0].id) is BookingState.TENTATIVE


def test_the_page_tells_which_went_through_and_why_others_did_not(
    desk: Browser, facility: Facility, asked: list[Booking]
) -> None:
    two = a_request_for(with_levels(facility, 2, name="Laser"), a_booker(name="Bruno"))
    ledger.approve(two.id, actor(a_manager(facility)), BEFORE)
    answer = post(desk, act="approve", booking=[f"{asked[0].id}:1", f"{two.id}:1", f"{asked[2].id}:1", "nonsense"])
    assert answer.status_code == 200
    assert answer.text.count("</span> done</span>") == 2
    assert answer.text.count("</span> not done</span>") == 1
    assert "Bruno · Laser · Mon 4 Jan 2027, 10:00–12:00</strong>: Somebody else has given this level" in answer.text
    assert [state_of(row.id) for row in (*asked, two)] == [
        BookingState.CONFIRMED,
        BookingState.TENTATIVE,
        BookingState.CONFIRMED,
        BookingState.TENTATIVE,
    ]


def test_a_booking_one_may_not_know_of_is_not_named_in_the_results(desk: Browser) -> None:
    theirs = a_request_for(with_levels(a_facility(), 1, name="Hidden"), a_booker(name="Somebody"))
    text = post(desk, act="approve", booking=[f"{theirs.id}:1"]).text
    assert "A booking</strong>: There is no such page" in text
    assert "Hidden" not in text


def test_several_are_refused_with_one_reason(desk: Browser, asked: list[Booking]) -> None:
    sent = {"act": "refuse", "booking": [f"{row.id}:1" for row in asked[:2]]}
    missing = post(desk, reason=" ", **sent)
    assert missing.status_code == 422
    assert "Please say why" in missing.text
    assert missing.text.count(" checked ") == 2, "what was ticked stays ticked"
    assert post(desk, reason="No operator that week.", **sent).text.count("The booking is refused.") == 2
    assert [state_of(row.id) for row in asked] == [*[BookingState.REFUSED] * 2, BookingState.TENTATIVE]


def test_the_button_of_one_line_decides_on_that_one_only(desk: Browser, asked: list[Booking]) -> None:
    post(desk, only=f"{asked[1].id}:1", booking=[f"{row.id}:1" for row in asked])
    assert [state_of(row.id) for row in asked] == [
        BookingState.TENTATIVE,
        BookingState.CONFIRMED,
        BookingState.TENTATIVE,
    ]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"act": "approve"}, 422),
        ({"act": "approve", "booking": ["x", "1:2:3", ":"]}, 422),
        ({"act": "delete", "booking": "{id}"}, 409),
    ],
)
def test_what_no_page_of_ours_sends_changes_nothing(
    desk: Browser, asked: list[Booking], sent: dict[str, Any], status: int
) -> None:
    data = {key: str(asked[0].id) if value == "{id}" else value for key, value in sent.items()}
    assert post(desk, **data).status_code == status
    assert state_of(asked[0].id) is BookingState.TENTATIVE


def test_who_has_no_say_anywhere_decides_on_nothing(app: Flask, asked: list[Booking]) -> None:
    client = browser(app, a_person().id)
    assert post(client, act="approve", booking=[f"{asked[0].id}:1"]).status_code == 403


def test_a_press_on_the_bookings_own_page_gives_its_level(desk: Browser, asked: list[Booking]) -> None:
    with clock.frozen_at(BEFORE):
        answer = desk.post_form(f"/inbox/bookings/{asked[0].id}?lang=en", {"act": "refuse", "level": "1"})
        assert answer.status_code == 422
        assert "Please say why" in answer.text
        assert desk.post_form(f"/inbox/bookings/{asked[0].id}", {"act": "approve", "level": "1"}).status_code == 303
    assert state_of(asked[0].id) is BookingState.CONFIRMED


def test_the_same_form_sent_twice_tells_the_member_once(desk: Browser, asked: list[Booking]) -> None:
    for _ in range(2):
        assert "</span> done</span>" in post(desk, act="approve", booking=[f"{asked[0].id}:1"]).text
    assert len(db.session.scalars(select(OutboxMessage)).all()) == 1
