"""Waiting for a free slot by the pages: the form, my places and offers, the managers' queue."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking.lifecycle import BookingState
from booking.models import Booking, Waiting, WaitState
from booking.services import ledger, waitlist
from core import clock
from core.db import db
from facilities.models import Instrument
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, Booker, a_booker, statements
from tests.booking.waiters import offer_to, states, the_place, waits
from tests.factories import BEFORE, a_facility, a_manager, a_person, actor, an_instrument
from tests.support import Browser, browser

DAY = timedelta(days=1)


@pytest.fixture
def scope(context: Flask) -> Instrument:
    return an_instrument(a_facility(name_en="The lab"), name="Scope")


@pytest.fixture
def holder(scope: Instrument) -> Booker:
    return a_booker(name="Hanna")


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna")


@pytest.fixture
def taken(scope: Instrument, holder: Booker) -> UUID:
    return holder.book(scope)


@pytest.fixture
def offered(taken: UUID, scope: Instrument, holder: Booker, anna: Booker) -> UUID:
    """Anna's place, with an offer."""
    made = waits(anna, scope)
    ledger.cancel(taken, actor(holder.person), BEFORE)
    waitlist.offer_freed(scope.id, BEFORE)
    return made


def get(client: Browser, path: str, **query: Any) -> Any:
    with clock.frozen_at(BEFORE):
        return client.get(path, query_string={"lang": "en", **query})


def post(client: Browser, path: str, **data: str) -> Any:
    with clock.frozen_at(BEFORE):
        return client.post_form(f"{path}?lang=en", data)


def address(instrument: Instrument) -> str:
    return f"/facilities/{instrument.facility.slug}/{instrument.slug}"


def filled_in(who: Booker, **changed: str) -> dict[str, str]:
    form = {"day": "2027-01-04", "start": "10:00", "end_day": "2027-01-04", "end": "12:00", "minutes": "2"}
    return {**form, "organisation_id": str(who.organisation.id), "title": "Cells", **changed}


# --- joining ----------------------------------------------------------------------------------------------


def test_the_instruments_page_leads_to_the_form(app: Flask, scope: Instrument, anna: Booker) -> None:
    assert f'href="{address(scope)}/wait"' in get(browser(app, anna.person.id), address(scope)).text


def test_a_visitor_sees_no_way_to_wait(visitor: Browser, scope: Instrument) -> None:
    assert "/wait" not in get(visitor, address(scope)).text
    for path in (f"{address(scope)}/wait", "/waitlist", f"/facilities/{scope.facility.slug}/waitlist"):
        answer = get(visitor, path)
        assert (answer.status_code, "/login" in answer.location) == (303, True)


def test_a_booking_refused_as_taken_offers_to_wait_for_that_very_time(
    app: Flask, taken: UUID, scope: Instrument, anna: Booker
) -> None:
    client = browser(app, anna.person.id)
    answer = post(client, address(scope), **filled_in(anna))
    assert answer.status_code == 409
    link = f"{address(scope)}/wait?start=2027-01-04T10:00&amp;end=2027-01-04T12:00"
    assert link in answer.text.replace("%3A", ":")
    page = get(client, f"{address(scope)}/wait", start="2027-01-04T10:00", end="2027-01-04T12:00").text
    for value in (
        'value="2027-01-04"',
        '<option selected value="10:00">',
        '<option selected value="12:00">',
        'value="2"',
    ):
        assert value in page, value


def test_joining_leads_to_my_places(app: Flask, taken: UUID, scope: Instrument, anna: Booker) -> None:
    client = browser(app, anna.person.id)
    answer = post(client, f"{address(scope)}/wait", **filled_in(anna))
    assert (answer.status_code, answer.location) == (303, "/waitlist")
    row = db.session.scalars(select(Waiting)).one()
    assert (row.starts_at, row.ends_at, row.minutes) == (NINE, NINE + 2 * HOUR, 120)
    page = get(client, "/waitlist").text
    for words in ("Scope", "The lab", "Cells", "2 h anywhere in: Mon 4 Jan 2027, 10:00–12:00", "Place 1 of 1"):
        assert words in page
    assert "You are in the waitlist" in page


WRONG = [
    ("no length", {"minutes": ""}, 422, "Give hours"),
    ("nonsense for a length", {"minutes": "long"}, 422, "Give hours"),
    ("too long", {"minutes": "30"}, 422, "between 60 and 1440 minutes"),
    ("no day", {"day": ""}, 422, "Please choose a day."),
    ("no room", {"minutes": "3"}, 422, "no room for that length"),
    ("a time that does not exist", {"start": "25:00"}, 422, "Give a time between"),
    ("another's organisation", {"organisation_id": str(UUID(int=7))}, 422, "Please choose one of these."),
]


@pytest.mark.parametrize(("changed", "status", "words"), [pytest.param(*case[1:], id=case[0]) for case in WRONG])
def test_what_is_wrong_is_said_beside_its_field(
    app: Flask, taken: UUID, scope: Instrument, anna: Booker, changed: dict[str, str], status: int, words: str
) -> None:
    answer = post(browser(app, anna.person.id), f"{address(scope)}/wait", **filled_in(anna, **changed))
    assert (answer.status_code, words in answer.text) == (status, True)
    assert "field-error" in answer.text
    assert db.session.scalar(select(func.count(Waiting.id))) == 0


def test_free_time_is_refused_with_a_link_that_books_it(app: Flask, scope: Instrument, anna: Booker) -> None:
    client = browser(app, anna.person.id)
    answer = post(client, f"{address(scope)}/wait", **filled_in(anna))
    assert answer.status_code == 409
    found = re.search(r'href="([^"]+)">Book it now', answer.text)
    assert found is not None
    path, _, query = found[1].replace("&amp;", "&").partition("#")[0].partition("?")
    page = get(client, path, **dict(parse_qsl(query))).text
    assert '<option selected value="10:00">' in page


def test_a_mode_that_is_not_booked_is_said_in_the_form(app: Flask, anna: Booker) -> None:
    closed = an_instrument(booking_mode=BookingMode.CLOSED)
    client = browser(app, anna.person.id)
    assert f'href="{address(closed)}/wait"' not in get(client, address(closed)).text
    answer = post(client, f"{address(closed)}/wait", **filled_in(anna))
    assert (answer.status_code, "not bookable" in answer.text) == (409, True)


def test_who_belongs_to_no_organisation_cannot_wait(app: Flask, scope: Instrument) -> None:
    client = browser(app, a_person().id)
    assert get(client, f"{address(scope)}/wait").status_code == 403
    assert post(client, f"{address(scope)}/wait").status_code == 403


# --- my places --------------------------------------------------------------------------------------------


def test_each_place_says_where_it_stands_and_why(app: Flask, taken: UUID, scope: Instrument, anna: Booker) -> None:
    other, bruno = an_instrument(scope.facility), a_booker(name="Bruno")
    anna.book(other, end=NINE + 3 * HOUR)
    bruno.book(other, NINE + DAY, end=NINE + DAY + HOUR)
    waits(anna, scope)
    waits(bruno, scope)
    text = get(browser(app, anna.person.id), "/waitlist").text
    assert "Place 2 of 2" in text
    assert f"{anna.organisation.name} has used 3 h of a fair share of 2 h here." in text
    assert "Bruno" not in text
    assert bruno.organisation.name not in text


def test_the_number_of_statements_does_not_grow_with_the_places(app: Flask, scope: Instrument, anna: Booker) -> None:
    client, holder = browser(app, anna.person.id), a_booker()

    def wait_for(count: int) -> int:
        for _ in range(count):
            each = an_instrument(scope.facility)
            holder.book(each)
            waits(anna, each)
        with statements() as sent:
            assert get(client, "/waitlist").status_code == 200
        return len(sent)

    few = wait_for(1)
    assert wait_for(6) <= few


def test_an_offer_is_accepted_by_a_form_never_by_a_link(app: Flask, offered: UUID, anna: Booker) -> None:
    client, held = browser(app, anna.person.id), offer_to(offered).id
    page = get(client, "/waitlist").text
    assert "Mon 4 Jan 2027, 10:00–12:00" in page
    assert "Held for you until Fri 6 Nov 2026, 01:00" in page
    path = f"/waitlist/{offered}/offers/{held}/accept"
    assert f'action="{path}"' in page
    assert get(client, path).status_code == 405
    assert states(offered) == [WaitState.OFFERED]
    answer = post(client, path)
    assert (answer.status_code, answer.location) == (303, f"/bookings/{held}")
    assert states(offered) == [WaitState.BOOKED]
    assert "Confirmed" in get(client, f"/bookings/{held}").text


def test_an_offer_is_declined_and_left(app: Flask, offered: UUID, anna: Booker) -> None:
    client, held = browser(app, anna.person.id), offer_to(offered).id
    assert post(client, f"/waitlist/{offered}/offers/{held}/decline").location == "/waitlist"
    assert (states(offered), the_place(offered).booking_id) == ([WaitState.WAITING], None)
    assert post(client, f"/waitlist/{offered}/leave").location == "/waitlist"
    assert states(offered) == [WaitState.LEFT]
    assert "You wait for nothing" in get(client, "/waitlist").text


def test_strangers_do_not_find_a_place_and_managers_do_not_answer(
    app: Flask, offered: UUID, scope: Instrument, anna: Booker
) -> None:
    held = offer_to(offered).id
    for person, status in ((a_booker().person, 404), (a_manager(scope.facility), 403)):
        client = browser(app, person.id)
        for verb in (f"offers/{held}/accept", f"offers/{held}/decline", "leave"):
            assert post(client, f"/waitlist/{offered}/{verb}").status_code == status
    assert states(offered) == [WaitState.OFFERED]


def test_an_offer_is_a_badge_on_the_first_page_and_no_booking_to_approve(
    app: Flask, offered: UUID, scope: Instrument, anna: Booker
) -> None:
    client, manager = browser(app, anna.person.id), browser(app, a_manager(scope.facility).id)
    held = offer_to(offered).id
    assert "1 slot is offered to you" in get(client, "/").text
    assert "Accept or decline" in get(client, f"/bookings/{held}").text
    assert "Offered from the waitlist" in get(client, "/bookings").text
    assert "Waiting for approval" not in get(client, "/bookings").text
    page = get(manager, f"/bookings/{held}").text
    assert f"/bookings/{held}/approve" not in page
    assert "Offered from the waitlist" in page
    assert "Anna" not in get(manager, "/bookings/approvals").text
    assert post(manager, f"/bookings/{held}/approve").status_code == 409
    db.session.rollback()
    assert db.session.get_one(Booking, held).state is BookingState.TENTATIVE
    post(client, f"/waitlist/{offered}/offers/{held}/decline")
    assert "offered to you" not in get(client, "/").text


def test_the_instruments_week_shows_an_offer_as_held_not_as_waiting_for_approval(
    app: Flask, offered: UUID, scope: Instrument, anna: Booker
) -> None:
    own = get(browser(app, anna.person.id), address(scope), week="2027-01-04").text
    others = get(browser(app, a_booker().person.id), address(scope), week="2027-01-04").text
    assert "offered to you" in own
    assert "Held for the waitlist" in others
    assert "waiting for approval" not in own + others
    assert "Anna" not in others


# --- a facility's queues ----------------------------------------------------------------------------------


def test_managers_see_who_waits_in_which_order_and_why(
    app: Flask, offered: UUID, scope: Instrument, anna: Booker
) -> None:
    bruno, clara = a_booker(name="Bruno"), a_booker(name="Clara")
    bruno.book(an_instrument(scope.facility), end=NINE + 5 * HOUR)
    for who in (bruno, clara):
        waits(who, scope, now=BEFORE + HOUR)
    client, path = browser(app, a_manager(scope.facility).id), f"/facilities/{scope.facility.slug}/waitlist"
    assert f'href="{path}"' in get(client, f"/facilities/{scope.facility.slug}").text, (
        "the facility's page leads the manager there"
    )
    text = get(client, path).text
    assert text.index("Anna") < text.index("Clara") < text.index("Bruno")
    for words in ("Scope", "asked", "Has Mon 4 Jan 2027, 10:00–12:00 until Fri 6 Nov 2026, 01:00", "has used 5 h of"):
        assert words in text
    assert "Cells" not in text


def test_only_managers_of_the_facility_see_its_queues(app: Flask, scope: Instrument, anna: Booker) -> None:
    path = f"/facilities/{scope.facility.slug}/waitlist"
    for person in (anna.person, a_manager(a_facility())):
        assert get(browser(app, person.id), path).status_code == 403
    office = browser(app, a_person(is_office=True).id)
    assert "Nobody waits." in get(office, path).text
    assert get(office, "/facilities/none/waitlist").status_code == 404
