"""At the instrument, on a phone: what is on, check-in, check-out, labels, trouble; my bookings and the first page."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from sqlalchemy import select

from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, BookingSeries, ShareEntry, Trouble, TroubleState, Waiting, WaitState
from booking.services import use
from core import clock
from core.db import db
from facilities.models import Facility, Instrument, InstrumentRules
from facilities.policy import BookingMode
from tests import support
from tests.booking.bookers import HOUR, NINE, Booker, a_booker, statements
from tests.factories import BEFORE, a_booking, a_facility, a_manager, a_person, an_instrument, stored
from tests.support import Browser

MINUTE = timedelta(minutes=1)


@pytest.fixture
def facility(context: Flask) -> Facility:
    return a_facility(slug="lab", name_en="The lab")


@pytest.fixture
def scope(facility: Facility) -> Instrument:
    return an_instrument(facility, slug="scope", name="Scope", slot_minutes=30, least_minutes=30)


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna")


def browser(app: Flask, person_id: UUID) -> Browser:
    """A browser whose session lasts all through the day of the tests."""
    with clock.frozen_at(NINE + 9 * HOUR):
        return support.browser(app, person_id)


def get(client: Browser, path: str, at: datetime = NINE, **query: Any) -> Any:
    with clock.frozen_at(at):
        return client.get(path, query_string={"lang": "en", **query})


def post(client: Browser, path: str, at: datetime = NINE, /, **data: Any) -> Any:
    with clock.frozen_at(at):
        return client.post_form(f"{path}?lang=en", data)


def fresh(booking_id: UUID) -> Booking:
    db.session.rollback()
    return db.session.get_one(Booking, booking_id)


# --- what the code opens ------------------------------------------------------------------------------------


def test_a_visitor_is_sent_to_the_login_and_back(visitor: Browser, scope: Instrument) -> None:
    answer = get(visitor, "/at/lab/scope")
    assert answer.status_code == 303
    assert answer.location.startswith("/login?next=/at/lab/scope") or "next=%2Fat%2Flab%2Fscope" in answer.location


def test_an_unknown_instrument_is_not_found(app: Flask, anna: Booker, scope: Instrument) -> None:
    for path in ("/at/lab/none", "/at/none/scope"):
        assert get(browser(app, anna.person.id), path).status_code == 404


def test_my_booking_is_checked_in_to_and_out_of_where_i_stand(app: Flask, anna: Booker, scope: Instrument) -> None:
    made, client = anna.book(scope), browser(app, anna.person.id)
    page = get(client, "/at/lab/scope", NINE - 10 * MINUTE).text
    assert f"/bookings/{made}/check-in" in page
    assert "/check-out" not in page
    answer = post(client, f"/bookings/{made}/check-in", NINE - 10 * MINUTE, back="/at/lab/scope")
    assert (answer.status_code, answer.location) == (303, "/at/lab/scope")
    page = get(client, "/at/lab/scope", NINE + 10 * MINUTE).text
    assert f"/bookings/{made}/check-out" in page
    assert "/check-in" not in page
    post(client, f"/bookings/{made}/check-out", NINE + 40 * MINUTE, back="/at/lab/scope")
    assert fresh(made).ends_at == NINE + HOUR
    page = get(client, "/at/lab/scope", NINE + 41 * MINUTE).text
    assert "/check-out" not in page
    assert f"/bookings/{made}/trouble" in page


def test_buttons_lead_nowhere_but_to_our_own_pages(app: Flask, anna: Booker, scope: Instrument) -> None:
    made = anna.book(scope)
    for back in ("https://example.org/", "//example.org", "", "\\example.org"):
        answer = post(browser(app, anna.person.id), f"/bookings/{made}/check-in", back=back)
        assert answer.location == f"/bookings/{made}"


def test_too_early_is_a_clear_refusal(app: Flask, anna: Booker, scope: Instrument) -> None:
    made = anna.book(scope)
    answer = post(browser(app, anna.person.id), f"/bookings/{made}/check-in", NINE - HOUR)
    assert answer.status_code == 409
    assert "Check-in opens at 2027-01-04 09:45." in answer.text


def test_others_see_that_it_is_in_use_and_not_by_whom_nor_what_for(
    app: Flask, anna: Booker, scope: Instrument, facility: Facility
) -> None:
    anna.book(scope, title="Secret cells")
    anna.book(scope, NINE + 5 * HOUR)
    stranger = get(browser(app, a_booker().person.id), "/at/lab/scope").text
    assert "In use" in stranger
    assert "15:00–17:00" in stranger  # what comes next, by Rome's clock
    assert "Anna" not in stranger
    assert "Secret" not in stranger
    assert "Anna" in get(browser(app, a_manager(facility).id), "/at/lab/scope").text


def test_a_free_instrument_is_booked_from_here_with_the_form_filled_in(
    app: Flask, anna: Booker, scope: Instrument
) -> None:
    client = browser(app, anna.person.id)
    page = get(client, "/at/lab/scope", NINE + 5 * MINUTE).text
    assert "Nobody has booked it now." in page
    assert "Book 10:30–11:00" in page
    assert "start=2027-01-04T10:30&amp;end=2027-01-04T11:00#book" in page
    a_booker().book(scope, NINE + 30 * MINUTE)
    assert "Book 10:30" not in get(client, "/at/lab/scope", NINE + 5 * MINUTE).text


def test_who_cannot_book_now_is_offered_nothing(app: Flask, anna: Booker, facility: Facility) -> None:
    an_instrument(facility, slug="beam", booking_mode=BookingMode.ROUND)
    late = an_instrument(facility, slug="late")
    stored(InstrumentRules(instrument_id=late.id, lead_minutes=3 * 1440, changed_at=BEFORE))
    for slug in ("beam", "late"):
        assert "#book" not in get(browser(app, anna.person.id), f"/at/lab/{slug}").text
    an_instrument(facility, slug="free")
    assert "#book" not in get(browser(app, a_person().id), "/at/lab/free").text


def test_a_closure_is_shown_as_closed(app: Flask, anna: Booker, scope: Instrument) -> None:
    a_booking(scope, kind=BookingKind.MAINTENANCE, title="Staff only")
    page = get(browser(app, anna.person.id), "/at/lab/scope").text
    assert "Closed · until" in page
    assert "Staff only" not in page


# --- labels -------------------------------------------------------------------------------------------------


def test_a_manager_prints_a_label_that_holds_the_address_and_no_inline_style(
    app: Flask, facility: Facility, scope: Instrument
) -> None:
    client = browser(app, a_manager(facility).id)
    for size in ("a6", "a5"):
        page = get(client, "/facilities/lab/scope/label", size=size).text
        assert f"label-{size}" in page
        assert "http://localhost/at/lab/scope" in page
        assert "/facilities/lab/scope/label.svg" in page
    assert "label-a6" in get(client, "/facilities/lab/scope/label", size="poster").text
    drawn = get(client, "/facilities/lab/scope/label.svg")
    assert drawn.mimetype == "image/svg+xml"
    assert ET.fromstring(drawn.data).tag.endswith("svg")  # noqa: S314 - our own picture
    assert b"style" not in drawn.data
    assert b"script" not in drawn.data
    other = an_instrument(facility, slug="other")
    assert get(client, f"/facilities/lab/{other.slug}/label.svg").data != drawn.data


def test_members_print_no_labels(app: Flask, anna: Booker, scope: Instrument) -> None:
    for path in ("/facilities/lab/scope/label", "/facilities/lab/scope/label.svg"):
        assert get(browser(app, anna.person.id), path).status_code == 403


# --- trouble ------------------------------------------------------------------------------------------------


def test_trouble_goes_from_the_member_to_the_manager_and_back(
    app: Flask, anna: Booker, facility: Facility, scope: Instrument
) -> None:
    made = anna.book(scope)
    member, manager = browser(app, anna.person.id), browser(app, a_manager(facility, name="Marco").id)
    assert "What happened?" in get(member, f"/bookings/{made}/trouble").text
    answer = post(member, f"/bookings/{made}/trouble", NINE + HOUR, text="The lamp is dark.", lost_minutes="30")
    assert answer.status_code == 303
    assert "Waiting for an answer" in get(member, answer.location).text
    assert "/credit" not in get(member, answer.location).text
    assert "<b>1</b> problem to answer" in get(manager, "/").text
    listed = get(manager, "/troubles").text
    assert "The lamp is dark." in listed
    assert 'value="30"' in get(manager, answer.location).text
    done = post(manager, f"{answer.location}/credit", answer="A new one is in.", minutes="20")
    assert done.status_code == 303
    assert "The lamp is dark." not in get(manager, "/troubles").text
    assert "The lamp is dark." in get(manager, "/troubles", show="credited").text
    told = get(member, answer.location).text
    assert "A new one is in." in told
    assert "20 minutes credited" in told
    assert "Marco" not in told
    assert "The lamp is dark." in get(member, f"/bookings/{made}").text
    assert db.session.scalars(select(ShareEntry.charged_minutes)).all() == [-20]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"text": "", "lost_minutes": "5"}, "Please write a sentence."),
        ({"text": "It broke.", "lost_minutes": "121"}, "Not more than the 120 minutes"),
        ({"text": "It broke.", "lost_minutes": "x"}, "Give a whole number."),
    ],
)
def test_an_unsound_report_is_shown_again_with_the_reason(
    app: Flask, anna: Booker, scope: Instrument, values: dict[str, str], words: str
) -> None:
    made = anna.book(scope)
    answer = post(browser(app, anna.person.id), f"/bookings/{made}/trouble", **values)
    assert answer.status_code == 422
    assert words in answer.text
    assert db.session.scalars(select(Trouble)).all() == []


def test_an_answer_without_words_or_a_second_credit_is_shown_beside_its_field(
    app: Flask, anna: Booker, facility: Facility, scope: Instrument
) -> None:
    made = anna.book(scope)
    member, manager = browser(app, anna.person.id), browser(app, a_manager(facility).id)
    first, second = (post(member, f"/bookings/{made}/trouble", text="Dark.").location for _ in range(2))
    assert post(manager, f"{first}/credit", answer="", minutes="5").status_code == 422
    assert post(manager, f"{first}/credit", answer="Sorry.", minutes="5").status_code == 303
    again = post(manager, f"{second}/credit", answer="Sorry.", minutes="5")
    assert again.status_code == 409
    assert "has had a credit already" in again.text
    assert post(manager, f"{second}/close", answer="See the first.", minutes="5").status_code == 303
    assert db.session.scalars(select(Trouble.state).order_by(Trouble.state)).all() == [
        TroubleState.CLOSED,
        TroubleState.CREDITED,
    ]


def test_a_manager_does_not_answer_their_own_report_and_reads_why(app: Flask, facility: Facility) -> None:
    manager = a_manager(facility)
    row = a_booking(an_instrument(facility), person_id=manager.id)
    client = browser(app, manager.id)
    place = post(client, f"/bookings/{row.id}/trouble", text="Dark.").location
    assert "a second person has to" in get(client, place).text
    assert post(client, f"{place}/close", answer="Fine.").status_code == 403


def test_the_list_costs_as_many_statements_with_much_data_as_with_little(app: Flask, facility: Facility) -> None:
    client = browser(app, a_manager(facility).id)

    def more(n: int) -> None:
        for _ in range(n):
            anna = a_booker()
            made = anna.book(an_instrument(facility))
            stored(Trouble(booking_id=made, person_id=anna.person.id, text="Dark.", state="reported", created_at=NINE))

    assert_same_cost(lambda: get(client, "/troubles"), more, 12)


# --- my bookings and the first page -------------------------------------------------------------------------


def assert_same_cost(ask: Callable[[], Any], more: Callable[[int], None], most: int) -> None:
    """The page sends as many statements for seven things as for one."""
    more(1)
    ask()
    with statements() as few:
        ask()
    more(6)
    with statements() as many:
        ask()
    assert 3 < len(many) <= len(few) <= most, "\n".join(many)


def test_my_bookings_are_grouped_by_day_with_what_i_can_do_now(app: Flask, anna: Booker, scope: Instrument) -> None:
    first = anna.book(scope)
    anna.book(scope, NINE + 4 * HOUR)
    anna.book(scope, NINE + timedelta(days=1))
    client = browser(app, anna.person.id)
    page = get(client, "/bookings").text
    assert page.count('class="day-title"') == 2
    assert "Monday 4 January 2027" in page
    assert page.count("/check-in") == 1
    assert 'name="back" value="/bookings?show=upcoming&amp;page=1"' in page
    answer = post(client, f"/bookings/{first}/check-in", back="/bookings?show=upcoming&page=1")
    assert answer.location == "/bookings?show=upcoming&page=1"


def test_a_slot_that_is_released_says_until_when_one_has_to_come(app: Flask, anna: Booker, scope: Instrument) -> None:
    stored(InstrumentRules(instrument_id=scope.id, no_show_minutes=20, changed_at=BEFORE))
    made = anna.book(scope)
    client = browser(app, anna.person.id)
    for path in ("/bookings", "/", f"/bookings/{made}", "/at/lab/scope"):
        assert "Check in before 10:20, or the time is released" in get(client, path).text, path
    use.release_no_shows(NINE + HOUR)
    gone = get(client, "/bookings", NINE + HOUR, show="cancelled").text
    assert "Released: nobody came" in gone
    assert f"/bookings/{made}/trouble" in gone
    assert "released, because nobody checked in" in get(client, f"/bookings/{made}", NINE + HOUR).text


def test_offers_of_the_waitlist_and_series_are_marked(app: Flask, anna: Booker, scope: Instrument) -> None:
    owner = {"person_id": anna.person.id, "organisation_id": anna.organisation.id}
    offered = a_booking(scope, kind=BookingKind.INSTANT, state=BookingState.TENTATIVE, **owner)
    stored(
        Waiting(
            instrument_id=scope.id, **owner, starts_at=NINE, ends_at=NINE + 9 * HOUR, minutes=120,
            state=WaitState.OFFERED, booking_id=offered.id, offered_until=NINE - HOUR, created_at=BEFORE,
            changed_at=BEFORE,
        )
    )  # fmt: skip
    series = stored(
        BookingSeries(
            instrument_id=scope.id, **owner, zone="Europe/Rome", pattern={}, created_at=BEFORE, changed_at=BEFORE
        )
    )
    a_booking(scope, starts_at=NINE + 5 * HOUR, series_id=series.id, **owner)
    a_booking(scope, starts_at=NINE + 9 * HOUR, **owner)
    page = get(browser(app, anna.person.id), "/bookings", NINE - 2 * HOUR).text
    assert page.count("Offered from the waitlist") == 1
    assert page.count("Accept or decline until Mon 4 Jan 2027, 09:00") == 1
    assert page.count("part of a series") == 1


def test_the_first_page_has_my_next_slot_with_its_check_in(app: Flask, anna: Booker, scope: Instrument) -> None:
    made = anna.book(scope)
    client = browser(app, anna.person.id)
    assert "/check-in" not in get(client, "/", NINE - HOUR).text
    assert f"/bookings/{made}/check-in" in get(client, "/").text
    assert post(client, f"/bookings/{made}/check-in", back="/").location == "/"


def test_a_manager_checks_a_member_in_from_the_bookings_page(
    app: Flask, anna: Booker, facility: Facility, scope: Instrument
) -> None:
    made = anna.book(scope)
    manager = browser(app, a_manager(facility).id)
    page = get(manager, f"/bookings/{made}").text
    assert f"/bookings/{made}/check-in" in page
    assert f"/bookings/{made}/trouble" not in page
    assert post(manager, f"/bookings/{made}/check-in").status_code == 303
    assert fresh(made).checked_in_at == NINE


@pytest.mark.parametrize(("path", "most"), [("/bookings", 12), ("/at/lab/scope", 20)])
def test_pages_cost_as_many_statements_with_much_data_as_with_little(
    app: Flask, anna: Booker, scope: Instrument, path: str, most: int
) -> None:
    client, places = browser(app, anna.person.id), iter(range(100))

    def more(n: int) -> None:
        for _ in range(n):
            other = an_instrument(scope.facility)
            stored(InstrumentRules(instrument_id=other.id, no_show_minutes=20, changed_at=BEFORE))
            anna.book(other)
            start = NINE + next(places) * 30 * MINUTE
            anna.book(scope, start, start + 30 * MINUTE)

    assert_same_cost(lambda: get(client, path), more, most)


def test_the_pages_are_italian_too(app: Flask, anna: Booker, scope: Instrument) -> None:
    anna.book(scope)
    with clock.frozen_at(NINE):
        page = browser(app, anna.person.id).get("/at/lab/scope?lang=it").text
    assert "Le mie prenotazioni qui" in page
