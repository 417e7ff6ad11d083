"""My bookings, one booking's page, and the manager's approvals."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.policy import Role
from booking.lifecycle import BookingState
from booking.models import Booking
from core import clock
from core.db import db
from facilities.models import Facility
from facilities.policy import BookingMode
from tests.booking.bookers import NINE, Booker, a_booker, statements
from tests.factories import (
    BEFORE,
    MONDAY,
    a_booking,
    a_facility,
    a_manager,
    a_member,
    a_person,
    an_instrument,
)
from tests.support import Browser, browser


@pytest.fixture
def facility(context: Flask) -> Facility:
    return a_facility(name_en="The lab")


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna")


@pytest.fixture
def asked(anna: Booker, facility: Facility) -> Booking:
    instrument = an_instrument(facility, name="Scope", booking_mode=BookingMode.APPROVAL)
    return db.session.get_one(Booking, anna.book(instrument, title="Cells"))


def get(client: Browser, path: str, **query: Any) -> Any:
    with clock.frozen_at(BEFORE):
        return client.get(path, query_string={"lang": "en", **query})


def post(client: Browser, path: str, **data: str) -> Any:
    with clock.frozen_at(BEFORE):
        return client.post_form(f"{path}?lang=en", data)


def state() -> BookingState:
    db.session.rollback()
    return db.session.scalars(select(Booking.state)).one()


def test_a_visitor_is_led_to_sign_in(visitor: Browser, asked: Booking) -> None:
    for path in ("/bookings", f"/bookings/{asked.id}", f"/bookings/{asked.id}/cancel", "/bookings/approvals"):
        answer = visitor.get(path)
        assert (answer.status_code, "/login" in answer.location) == (303, True)


def test_my_bookings_are_in_three_lists_with_counts(app: Flask, anna: Booker, facility: Facility) -> None:
    scope = an_instrument(facility, name="Scope")
    anna.book(scope)
    a_booking(scope, starts_at=BEFORE - timedelta(days=3), person_id=anna.person.id, title="Long ago")
    a_booking(scope, starts_at=NINE, person_id=anna.person.id, state=BookingState.CANCELLED, title="Given up")
    client = browser(app, anna.person.id)
    upcoming = get(client, "/bookings").text
    assert "Mon 4 Jan 2027, 10:00–12:00" in upcoming
    assert "Long ago" not in upcoming
    assert "Given up" not in upcoming
    assert upcoming.count('<span class="count">1</span>') == 3
    assert "Long ago" in get(client, "/bookings", show="past").text
    assert "Given up" in get(client, "/bookings", show="cancelled").text


def test_a_long_list_comes_in_pages_of_a_bounded_cost(app: Flask, anna: Booker, facility: Facility) -> None:
    client = browser(app, anna.person.id)
    get(client, "/bookings")
    with statements() as empty:
        get(client, "/bookings")
    for n in range(30):
        a_booking(an_instrument(facility), starts_at=NINE + timedelta(days=n), person_id=anna.person.id)
    with statements() as full:
        first = get(client, "/bookings").text
    assert len(full) <= len(empty) + 1
    assert first.count('class="slot"') == 25
    assert get(client, "/bookings", page=2).text.count('class="slot"') == 5
    for page in ("0", "-1", "x", "999999999999"):
        assert get(client, "/bookings", page=page).status_code == 200


def test_nobody_elses_bookings_are_in_my_list(app: Flask, asked: Booking) -> None:
    assert "Scope" not in get(browser(app, a_booker().person.id), "/bookings").text


def test_a_bookings_page_tells_what_it_is_and_what_happened(app: Flask, anna: Booker, asked: Booking) -> None:
    text = get(browser(app, anna.person.id), f"/bookings/{asked.id}").text
    for words in ("Mon 4 Jan 2027, 10:00–12:00", "The lab", "Cells", "Waiting for approval", "asked for", "by you"):
        assert words in text
    assert f"/bookings/{asked.id}/approve" not in text


def test_a_booking_one_may_not_know_of_is_not_found(app: Flask, asked: Booking, anna: Booker) -> None:
    for person in (a_person(), a_booker().person, a_member(anna.organisation), a_manager(a_facility())):
        client = browser(app, person.id)
        for path in ("", "/cancel", "/refuse"):
            assert get(client, f"/bookings/{asked.id}{path}").status_code == 404
        for path in ("/cancel", "/refuse", "/approve"):
            assert post(client, f"/bookings/{asked.id}{path}", reason="why").status_code == 404
    assert state() is BookingState.TENTATIVE


def test_the_delegate_sees_and_does_not_decide(app: Flask, asked: Booking, anna: Booker) -> None:
    client = browser(app, a_member(anna.organisation, role=Role.DELEGATE).id)
    text = get(client, f"/bookings/{asked.id}").text
    assert "Cells" in text
    assert "/cancel" not in text
    assert post(client, f"/bookings/{asked.id}/approve").status_code == 403
    assert post(client, f"/bookings/{asked.id}/cancel", reason="why").status_code == 403


def test_cancelling_asks_once_more(app: Flask, anna: Booker, asked: Booking) -> None:
    client = browser(app, anna.person.id)
    assert f"/bookings/{asked.id}/cancel" in get(client, f"/bookings/{asked.id}").text
    assert "Cancel this booking?" in get(client, f"/bookings/{asked.id}/cancel").text
    assert state() is BookingState.TENTATIVE
    assert post(client, f"/bookings/{asked.id}/cancel", reason="").status_code == 303
    assert state() is BookingState.CANCELLED
    assert "/cancel" not in get(client, f"/bookings/{asked.id}").text


def test_cancelling_what_has_begun_is_refused(app: Flask, anna: Booker, facility: Facility) -> None:
    row = a_booking(an_instrument(facility), starts_at=BEFORE - timedelta(hours=1), person_id=anna.person.id)
    assert post(browser(app, anna.person.id), f"/bookings/{row.id}/cancel").status_code == 409
    assert state() is BookingState.CONFIRMED


def test_a_manager_finds_approves_and_the_history_hides_their_name(
    app: Flask, anna: Booker, facility: Facility, asked: Booking
) -> None:
    manager = browser(app, a_manager(facility, name="Marco").id)
    assert '<span class="count">1</span>' in get(manager, "/bookings").text
    listed = get(manager, "/inbox").text
    assert 'Approvals <span class="count">1</span>' in listed
    assert "Anna" in listed
    answer = post(manager, f"/bookings/{asked.id}/approve", back="approvals")
    assert answer.location.endswith("/inbox")
    assert state() is BookingState.CONFIRMED
    assert "Nothing waits for you." in get(manager, "/inbox").text
    told = get(browser(app, anna.person.id), f"/bookings/{asked.id}").text
    assert "by the facility" in told
    assert "Marco" not in told
    assert "dall’infrastruttura" in browser(app, anna.person.id).get(f"/bookings/{asked.id}?lang=it").text


def test_a_manager_refuses_with_a_reason_beside_the_field(app: Flask, facility: Facility, asked: Booking) -> None:
    manager = browser(app, a_manager(facility).id)
    answer = post(manager, f"/bookings/{asked.id}/refuse", reason=" ")
    assert answer.status_code == 422
    assert "Please say why" in answer.text
    assert post(manager, f"/bookings/{asked.id}/refuse", reason="No operator.").status_code == 303
    assert "No operator." in get(manager, f"/bookings/{asked.id}").text
    assert state() is BookingState.REFUSED


def test_a_manager_sees_only_what_waits_at_their_own_facility(app: Flask, asked: Booking) -> None:
    assert "Anna" not in get(browser(app, a_manager(a_facility()).id), "/inbox").text
    assert "Anna" in get(browser(app, a_person(is_office=True).id), "/inbox").text


def test_members_have_no_inbox(app: Flask, anna: Booker) -> None:
    assert get(browser(app, anna.person.id), "/inbox").status_code == 403


def test_where_the_approvals_were_leads_to_the_inbox(app: Flask, facility: Facility) -> None:
    answer = get(browser(app, a_manager(facility).id), "/bookings/approvals")
    assert (answer.status_code, answer.location.endswith("/inbox")) == (303, True)


def test_what_has_begun_no_longer_waits(app: Flask, facility: Facility, asked: Booking) -> None:
    with clock.frozen_at(MONDAY + timedelta(days=1)):
        manager = browser(app, a_manager(facility).id)
        assert "Nothing waits for you." in manager.get("/inbox?lang=en").text
