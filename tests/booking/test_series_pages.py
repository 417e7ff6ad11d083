"""Pages of series: without script, from the pattern over its dates to all of them booked, changed or cancelled."""

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
from facilities.models import Facility, Instrument
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, ROME, Booker, a_booker, rome, statements
from tests.factories import BEFORE, a_booking, a_facility, a_manager, a_member, an_instrument
from tests.support import Browser, browser

MONDAYS = {
    "do": "preview",
    "start": "09:00",
    "end": "11:00",
    "days": "0",
    "repeats": "weekly",
    "every": "1",
    "weekdays": "0",
    "month_day": "4",
    "nth": "1",
    "weekday": "0",
    "first": "2027-01-04",
    "ends": "count",
    "until": "",
    "count": "3",
    "title": "Cells",
}


@pytest.fixture
def facility(context: Flask) -> Facility:
    return a_facility(slug="lab", name_en="The lab")


@pytest.fixture
def scope(facility: Facility) -> Instrument:
    return an_instrument(facility, slug="scope", name="Scope")


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


@pytest.fixture
def client(app: Flask, anna: Booker) -> Browser:
    return browser(app, anna.person.id)


def get(client: Browser, path: str, language: str = "en") -> Any:
    with clock.frozen_at(BEFORE):
        return client.get(path, query_string={"lang": language})


def post(client: Browser, path: str, language: str = "en", **data: str) -> Any:
    with clock.frozen_at(BEFORE):
        return client.post_form(f"{path}?lang={language}", data)


def send(client: Browser, anna: Booker, **data: str) -> Any:
    """The form of the scope's series, with these fields."""
    values = {**MONDAYS, "organisation_id": str(anna.organisation.id), **data}
    return post(client, "/facilities/lab/scope/series", **values)


def rows() -> list[Booking]:
    db.session.rollback()
    found = select(Booking).where(Booking.series_id.is_not(None)).order_by(Booking.series_day)
    return list(db.session.scalars(found.execution_options(populate_existing=True)))


def begins() -> list[str]:
    return [f"{row.starts_at.astimezone(ROME):%m-%d %H:%M}" for row in rows()]


@pytest.fixture
def booked(client: Browser, anna: Booker, scope: Instrument) -> list[Booking]:
    assert send(client, anna, do="book").status_code == 303
    return rows()


# --- booking ----------------------------------------------------------------------------------------------


def test_the_booking_form_leads_to_repeating_with_what_it_holds(client: Browser, scope: Instrument) -> None:
    assert 'formaction="/facilities/lab/scope/series"' in get(client, "/facilities/lab/scope").text
    text = post(
        client,
        "/facilities/lab/scope/series",
        day="2027-01-05",
        start="13:00",
        end="15:00",
        end_day="2027-01-05",
        title="Cells",
    ).text
    for held in ('value="2027-01-05"', '<option selected value="13:00">', 'value="Cells"'):
        assert held in text
    assert '<input checked class="form-check-input" id="weekdays-1"' in text


def test_the_dates_are_shown_before_anything_is_booked(client: Browser, anna: Booker, scope: Instrument) -> None:
    answer = send(client, anna)
    assert answer.status_code == 200
    for words in ("3 dates can be booked", "Monday 4 January 2027", "09:00–11:00", "Book these dates"):
        assert words in answer.text
    assert rows() == []


def test_a_press_books_all_and_leads_to_the_first(client: Browser, anna: Booker, scope: Instrument) -> None:
    answer = send(client, anna, do="book", key="one form")
    assert answer.status_code == 303
    assert begins() == ["01-04 09:00", "01-11 09:00", "01-18 09:00"]
    assert answer.location.endswith(f"/bookings/{rows()[0].id}")
    again = send(client, anna, do="book", key="one form")
    assert again.location == answer.location
    assert "3 dates are booked" in get(client, "/bookings").text


def test_each_conflict_is_named_with_what_can_be_chosen(client: Browser, anna: Booker, scope: Instrument) -> None:
    a_booking(scope, starts_at=rome(2027, 1, 11, 10), ends_at=rome(2027, 1, 11, 12))
    text = send(client, anna).text
    for words in (
        "2 dates can be booked",
        "1 cannot",
        "This time is taken",
        "Book 08:00–10:00 instead",
        "Leave it out",
    ):
        assert words in text
    refused = send(client, anna, do="book")
    assert refused.status_code == 409
    assert "1 of 3 dates cannot be had, so nothing was changed: 2027-01-11" in refused.text
    assert rows() == []


CHOICES = [("skip", ["01-04 09:00", "01-18 09:00"]), ("shift-480", ["01-04 09:00", "01-11 08:00", "01-18 09:00"])]


@pytest.mark.parametrize(("choice", "expected"), CHOICES)
def test_a_choice_for_a_date_is_shown_again_and_booked(
    client: Browser, anna: Booker, scope: Instrument, choice: str, expected: list[str]
) -> None:
    a_booking(scope, starts_at=rome(2027, 1, 11, 10), ends_at=rome(2027, 1, 11, 12))
    text = send(client, anna, **{"day-2027-01-11": choice}).text
    assert f'<option value="{choice}" selected>' in text
    assert "cannot" not in text
    assert send(client, anna, do="book", **{"day-2027-01-11": choice}).status_code == 303
    assert begins() == expected


def test_a_time_that_the_clocks_leave_out_is_said(client: Browser, anna: Booker, scope: Instrument) -> None:
    text = send(client, anna, weekdays="6", first="2027-03-21", start="02:00", end="04:00", count="2").text
    assert "the clocks go forward over it" in text
    assert "Book 03:00–05:00 instead" in text
    doubled = send(client, anna, weekdays="6", first="2027-10-31", start="02:00", end="04:00", count="1").text
    assert "This time comes twice on that day" in doubled


WRONG: list[tuple[str, dict[str, str], str]] = [
    ("no weekday", {"weekdays": "9"}, "Choose at least one weekday."),
    ("no day", {"first": ""}, "Please choose a day."),
    ("no number", {"count": ""}, "Give a whole number."),
    ("too many", {"count": "201"}, "A series has at most 200 bookings."),
    ("too far ahead", {"count": "60"}, "Time can be booked at most 365 days ahead."),
    ("in the past", {"first": "2026-01-05"}, "The first day is in the past."),
    ("ends before it starts", {"end": "08:00"}, "The end must be after the start."),
    ("no such month day", {"repeats": "monthly_on_day", "month_day": "x"}, "Please choose one of these."),
    ("no such repetition", {"repeats": "yearly"}, "Please choose one of these."),
    ("the last day before the first", {"ends": "until", "until": "2027-01-03"}, "must not be before the first"),
    ("a choice of another page", {"day-2027-01-11": "shift-9999"}, "Please check the marked fields."),
    ("a long title", {"title": "x" * 201}, "At most 200 characters, please."),
    ("nothing left", {"count": "1", "day-2027-01-04": "skip"}, "No date is left to book."),
]


@pytest.mark.parametrize(("data", "sentence"), [pytest.param(*case[1:], id=case[0]) for case in WRONG])
def test_what_is_wrong_is_said_beside_its_field(
    client: Browser, anna: Booker, scope: Instrument, data: dict[str, str], sentence: str
) -> None:
    answer = send(client, anna, do="book", **data)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert rows() == []


MONTHLY = [
    ({"repeats": "monthly_on_day", "month_day": "-1"}, ["01-31 09:00", "02-28 09:00", "03-31 09:00"]),
    ({"repeats": "monthly_on_weekday", "nth": "2", "weekday": "1"}, ["01-12 09:00", "02-09 09:00", "03-09 09:00"]),
    ({"ends": "until", "until": "2027-01-12"}, ["01-04 09:00", "01-11 09:00"]),
    ({"every": "2"}, ["01-04 09:00", "01-18 09:00", "02-01 09:00"]),
]


@pytest.mark.parametrize(("data", "expected"), MONTHLY)
def test_every_kind_of_pattern_can_be_sent(
    client: Browser, anna: Booker, scope: Instrument, data: dict[str, str], expected: list[str]
) -> None:
    assert send(client, anna, do="book", **data).status_code == 303
    assert begins() == expected


def test_who_may_not_book_sees_no_form(app: Flask, scope: Instrument, visitor: Browser) -> None:
    path = "/facilities/lab/scope/series"
    assert "/login" in visitor.get(path).location
    assert get(browser(app, a_manager(scope.facility).id), path).status_code == 403
    assert get(browser(app, a_booker().person.id), "/facilities/lab/none/series").status_code == 404


# --- a booking's series -----------------------------------------------------------------------------------


def test_the_page_of_a_booking_shows_its_series(client: Browser, booked: list[Booking]) -> None:
    text = get(client, f"/bookings/{booked[1].id}").text
    for words in ("Part of a series", "every week · Mon · 09:00–11:00 · 3 times", "3 bookings", "Change the series…"):
        assert words in text
    assert f'href="/bookings/{booked[2].id}"' in text
    assert "fa parte di una serie" in get(client, "/bookings", "it").text
    assert "Parte di una serie" in get(client, f"/bookings/{booked[1].id}", "it").text


def test_a_booking_alone_has_no_series(client: Browser, anna: Booker, scope: Instrument) -> None:
    alone = anna.book(scope, rome(2027, 1, 5, 9))
    assert "series" not in get(client, f"/bookings/{alone}").text.replace("/series", "")
    for verb in ("change", "cancel", "refuse"):
        assert get(client, f"/bookings/{alone}/series/{verb}").status_code == 404


SCOPES = [
    ("this", ["01-04 09:00", "01-11 13:00", "01-18 09:00"]),
    ("following", ["01-04 09:00", "01-11 13:00", "01-18 13:00"]),
    ("all", ["01-04 13:00", "01-11 13:00", "01-18 13:00"]),
]


@pytest.mark.parametrize(("of", "expected"), SCOPES)
def test_times_are_changed_in_each_scope(client: Browser, booked: list[Booking], of: str, expected: list[str]) -> None:
    path = f"/bookings/{booked[1].id}/series/change"
    text = get(client, path).text
    assert '<option selected value="09:00">' in text
    answer = post(client, path, scope=of, start="13:00", end="15:00", days="0", title="Cells", reason="")
    assert answer.status_code == 303
    assert begins() == expected


def test_the_title_alone_can_be_changed(client: Browser, booked: list[Booking]) -> None:
    path = f"/bookings/{booked[1].id}/series/change"
    post(client, path, scope="following", start="09:00", end="11:00", days="0", title="Tissue", reason="")
    assert [row.title for row in rows()] == ["Cells", "Tissue", "Tissue"]
    assert "renamed" in get(client, f"/bookings/{booked[1].id}").text


def test_a_change_that_cannot_be_says_for_which_days(client: Browser, booked: list[Booking], scope: Instrument) -> None:
    a_booking(scope, starts_at=rome(2027, 1, 18, 13), ends_at=rome(2027, 1, 18, 14))
    path = f"/bookings/{booked[0].id}/series/change"
    data = {"start": "13:00", "end": "15:00", "days": "0", "title": "Cells", "reason": ""}
    answer = post(client, path, scope="all", **data)
    assert answer.status_code == 409
    assert "Monday 18 January 2027</b>: This time is taken" in answer.text
    assert begins() == ["01-04 09:00", "01-11 09:00", "01-18 09:00"]
    for broken in ({"start": "x"}, {"scope": "none"}, {"days": "-1"}, {"end": "12:00"}):
        assert post(client, path, **{"scope": "all", **data, **broken}).status_code == 422


CANCELS = [("this", [1]), ("following", [1, 2]), ("all", [0, 1, 2])]


@pytest.mark.parametrize(("of", "expected"), CANCELS)
def test_a_series_is_cancelled_in_each_scope(
    client: Browser, booked: list[Booking], of: str, expected: list[int]
) -> None:
    path = f"/bookings/{booked[1].id}/series/cancel"
    assert "Cancel the series?" in get(client, path).text
    assert post(client, path).status_code == 422, "nobody cancels without saying which"
    assert post(client, path, scope=of, reason="").status_code == 303
    assert [n for n, row in enumerate(rows()) if row.state is BookingState.CANCELLED] == expected


def test_a_manager_gives_a_reason_beside_its_field(app: Flask, facility: Facility, booked: list[Booking]) -> None:
    manager = browser(app, a_manager(facility).id)
    path = f"/bookings/{booked[0].id}/series"
    answer = post(manager, f"{path}/cancel", scope="all", reason=" ")
    assert answer.status_code == 422
    assert "Please say why" in answer.text
    data = {"scope": "all", "start": "13:00", "end": "15:00", "days": "0", "title": "Cells"}
    assert post(manager, f"{path}/change", **data, reason="").status_code == 422
    assert post(manager, f"{path}/change", **data, reason="Repair.").status_code == 303
    assert begins()[0] == "01-04 13:00"


def test_who_may_not_know_of_a_series_finds_nothing(app: Flask, anna: Booker, booked: list[Booking]) -> None:
    for person in (a_booker().person, a_manager(a_facility())):
        client = browser(app, person.id)
        for verb in ("change", "cancel", "refuse"):
            assert get(client, f"/bookings/{booked[0].id}/series/{verb}").status_code == 404
        for verb in ("change", "cancel", "refuse", "approve"):
            assert post(client, f"/bookings/{booked[0].id}/series/{verb}", scope="all").status_code == 404
    delegate = browser(app, a_member(anna.organisation, role=Role.DELEGATE).id)
    assert "Part of a series" in get(delegate, f"/bookings/{booked[0].id}").text
    for verb in ("change", "cancel", "refuse"):
        assert get(delegate, f"/bookings/{booked[0].id}/series/{verb}").status_code == 403


def test_a_manager_decides_on_the_whole_series(app: Flask, anna: Booker, facility: Facility) -> None:
    an_instrument(facility, slug="scope", name="Scope", booking_mode=BookingMode.APPROVAL)
    client = browser(app, anna.person.id)
    assert "Ask for these dates" in send(client, anna).text
    send(client, anna, do="book")
    asked = rows()
    assert "series/approve" not in get(client, f"/bookings/{asked[0].id}").text
    manager = browser(app, a_manager(facility).id)
    assert "Approve all 3 of the series" in get(manager, f"/bookings/{asked[0].id}").text
    assert "Refuse the series?" in get(manager, f"/bookings/{asked[0].id}/series/refuse").text
    assert post(manager, f"/bookings/{asked[0].id}/series/refuse", reason="").status_code == 422
    assert post(manager, f"/bookings/{asked[0].id}/series/approve").status_code == 303
    assert {row.state for row in rows()} == {BookingState.CONFIRMED}
    assert "series/approve" not in get(manager, f"/bookings/{asked[0].id}").text


def test_a_long_series_takes_as_many_statements_as_a_short_one(
    client: Browser, anna: Booker, scope: Instrument, booked: list[Booking]
) -> None:
    with statements() as few:
        get(client, f"/bookings/{booked[0].id}")
    send(client, anna, do="book", first="2027-01-05", weekdays="1", count="40")
    long = next(row for row in rows() if row.starts_at.astimezone(ROME).weekday() == 1)
    with statements() as many:
        get(client, f"/bookings/{long.id}")
    assert len(many) <= len(few)
    assert long.ends_at - long.starts_at == 2 * HOUR
    assert timedelta(0) < long.starts_at - BEFORE
