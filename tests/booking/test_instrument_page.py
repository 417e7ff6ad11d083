"""The instrument's page: the week, the booking form, who sees what."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import Membership
from accounts.policy import Role
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind
from core import clock
from core.db import db
from facilities.models import Facility, Instrument
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, a_booker, statements
from tests.factories import (
    BEFORE,
    a_booking,
    a_facility,
    a_manager,
    a_member,
    a_round,
    an_instrument,
    an_operating_plan,
    an_organisation,
    stored,
)
from tests.support import Browser, browser


@pytest.fixture
def instrument(context: Flask) -> Instrument:
    return an_instrument(a_facility(slug="lab"), slug="scope", name="Scope")


def page(client: Browser, **query: str) -> str:
    with clock.frozen_at(BEFORE):
        answer = client.get("/facilities/lab/scope", query_string={"lang": "en", "week": "2027-01-04", **query})
    assert answer.status_code == 200
    return answer.text


def sent(client: Browser, **fields: Any) -> Any:
    form = {"day": "2027-01-04", "start": "10:00", "end_day": "", "end": "12:00", "key": "k", **fields}
    with clock.frozen_at(BEFORE):
        return client.post_form("/facilities/lab/scope?lang=en", form)


def how_many() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Booking.id))) or 0


def test_an_unknown_instrument_is_not_found(visitor: Browser, instrument: Instrument) -> None:
    for address in ("/facilities/lab/nothing", "/facilities/elsewhere/scope"):
        assert visitor.get(address).status_code == 404


def test_a_visitor_sees_when_it_is_free_but_not_by_whom(visitor: Browser, instrument: Instrument) -> None:
    anna = a_booker(name="Anna Secret")
    anna.book(instrument, title="Very secret")
    text = page(visitor)
    assert "Booked 10:00–12:00, Monday 4 January 2027" in text
    assert "Secret" not in text
    assert "secret" not in text
    assert "Sign in to book" in text
    assert 'name="start"' not in text


def test_a_facility_may_keep_its_free_busy_from_visitors(visitor: Browser, context: Flask) -> None:
    an_instrument(a_facility(slug="lab", free_busy_is_public=False), slug="scope")
    text = page(visitor)
    assert "Please sign in to see when this instrument is free." in text
    assert "tl-wrap" not in text


def test_ones_own_booking_is_marked_and_links_to_it(app: Flask, instrument: Instrument) -> None:
    anna = a_booker(name="Anna")
    made = anna.book(instrument)
    text = page(browser(app, anna.person.id))
    assert "You 10:00–12:00, your booking, Monday 4 January 2027" in text
    assert f"/bookings/{made}" in text


def test_a_manager_sees_who_has_booked(app: Flask, instrument: Instrument) -> None:
    a_booker(name="Anna").book(instrument)
    manager = a_manager(db.session.get_one(Facility, instrument.facility_id))
    assert "Anna 10:00–12:00, Booked, Monday 4 January 2027" in page(browser(app, manager.id))


def test_a_free_stretch_leads_to_a_prefilled_form(app: Flask, instrument: Instrument) -> None:
    anna = a_booker()
    a_booking(instrument, starts_at=NINE)
    text = page(browser(app, anna.person.id), start="2027-01-04T12:00", end="2027-01-04T13:00")
    assert "week=2027-01-04&amp;start=2027-01-04T12:00&amp;end=2027-01-04T13:00#book" in text
    assert 'value="2027-01-04"' in text
    assert '<option selected value="12:00">12:00</option>' in text
    assert '<option selected value="13:00">13:00</option>' in text


def test_booking_by_the_form_leads_to_the_booking(app: Flask, instrument: Instrument) -> None:
    anna = a_booker()
    answer = sent(browser(app, anna.person.id), organisation_id=str(anna.organisation.id), title="Cells")
    assert answer.status_code == 303
    row = db.session.scalars(select(Booking)).one()
    assert answer.location.endswith(f"/bookings/{row.id}")
    assert (row.starts_at, row.ends_at, row.title) == (NINE, NINE + 2 * HOUR, "Cells")


def test_the_same_form_sent_twice_books_once(app: Flask, instrument: Instrument) -> None:
    anna = a_booker()
    client = browser(app, anna.person.id)
    places = {sent(client, organisation_id=str(anna.organisation.id)).location for _ in range(3)}
    assert (len(places), how_many()) == (1, 1)


def test_a_booking_may_end_at_midnight_or_on_another_day(app: Flask, instrument: Instrument) -> None:
    anna = a_booker()
    client = browser(app, anna.person.id)
    own = {"organisation_id": str(anna.organisation.id)}
    assert sent(client, start="22:00", end="24:00", key="1", **own).status_code == 303
    over_night = {"day": "2027-01-05", "start": "22:00", "end_day": "2027-01-06", "end": "02:00", "key": "2"}
    assert sent(client, **over_night, **own).status_code == 303


WRONG = [
    ({"start": "10:30"}, 422, "Time is given in steps of 60 minutes."),
    ({"end": "10:00"}, 422, "The end must be after the start."),
    ({"start": "25:00"}, 422, "Give a time between 00:00 and 24:00."),
    ({"start": "9 o'clock"}, 422, "Give a time between 00:00 and 24:00."),
    ({"day": ""}, 422, "Please choose a day."),
    ({"day": "2027-02-30"}, 422, "Give a day as year-month-day"),
    ({"day": "9999-12-31"}, 422, "Give a day as year-month-day"),
    ({"day": "0001-01-01"}, 422, "Give a day as year-month-day"),
    ({"day": "2199-12-31"}, 422, "at most 365 days ahead"),
    ({"day": "2026-01-05"}, 422, "The start is in the past."),
    ({"day": "2027-03-28", "start": "02:00", "end": "04:00"}, 422, "This time does not exist on that day"),
    ({"day": "2027-03-28", "start": "02:30", "end": "04:00"}, 422, "This time does not exist on that day"),
    ({"day": "2027-10-31", "start": "02:00", "end": "04:00"}, 422, "This time comes twice on that day"),
    ({"day": "2027-10-31", "start": "02:30", "end": "04:00"}, 422, "This time comes twice on that day"),
    ({"organisation_id": ""}, 422, "Please choose one of these."),
    ({"organisation_id": "not an id"}, 422, "Please choose one of these."),
    ({"title": "x" * 201}, 422, "At most 200 characters, please."),
]


@pytest.mark.parametrize(("fields", "status", "sentence"), WRONG, ids=[str(case[0])[:40] for case in WRONG])
def test_a_wrong_field_is_told_beside_it_and_changes_nothing(
    app: Flask, instrument: Instrument, fields: dict[str, str], status: int, sentence: str
) -> None:
    anna = a_booker()
    answer = sent(browser(app, anna.person.id), **{"organisation_id": str(anna.organisation.id), **fields})
    assert answer.status_code == status
    assert sentence in answer.text
    assert "aria-invalid" in answer.text
    assert how_many() == 0


def test_a_doubled_hour_is_booked_once_it_is_said_which(app: Flask, instrument: Instrument) -> None:
    anna = a_booker()
    client = browser(app, anna.person.id)
    night = {"organisation_id": str(anna.organisation.id), "day": "2027-10-31", "start": "02:00", "end": "04:00"}
    assert 'name="start_pass"' in sent(client, **night).text
    assert sent(client, start_pass="2", **night).status_code == 303
    assert db.session.scalars(select(Booking)).one().starts_at.isoformat() == "2027-10-31T01:00:00+00:00"


def test_a_taken_time_is_told_with_what_is_free_next(app: Flask, instrument: Instrument) -> None:
    anna = a_booker()
    a_booking(instrument, starts_at=NINE)
    answer = sent(browser(app, anna.person.id), organisation_id=str(anna.organisation.id))
    assert answer.status_code == 409
    assert "This time is taken. The next free start is 2027-01-04 12:00." in answer.text
    assert "Booked 10:00–12:00, Monday 4 January 2027" in answer.text, "the days that were asked for are shown"


def test_another_organisation_cannot_be_smuggled_in(app: Flask, instrument: Instrument) -> None:
    anna = a_booker()
    answer = sent(browser(app, anna.person.id), organisation_id=str(an_organisation().id), person_id="x", state="x")
    assert answer.status_code == 422
    assert how_many() == 0


def test_a_member_of_several_organisations_chooses_one(app: Flask, instrument: Instrument) -> None:
    anna = a_booker()
    second = an_organisation(name="Second")
    stored(Membership(person_id=anna.person.id, organisation_id=second.id, role=Role.MEMBER, since=BEFORE))
    client = browser(app, anna.person.id)
    assert "For which organisation?" in page(client)
    assert sent(client, organisation_id=str(second.id)).status_code == 303
    assert db.session.scalars(select(Booking.organisation_id)).one() == second.id


def test_a_visitor_who_sends_the_form_is_led_to_sign_in(visitor: Browser, instrument: Instrument) -> None:
    answer = sent(visitor, organisation_id="")
    assert answer.status_code == 303
    assert "/login" in answer.location


def test_the_form_needs_its_token(app: Flask, instrument: Instrument) -> None:
    anna = a_booker()
    client = browser(app, anna.person.id)
    assert client.post("/facilities/lab/scope", data={"day": "2027-01-04"}).status_code == 400


def test_a_round_instrument_names_the_open_calls(app: Flask, context: Flask) -> None:
    instrument = an_instrument(a_facility(slug="lab"), slug="scope", booking_mode=BookingMode.ROUND)
    a_round(instrument, title_en="Spring call")
    text = page(browser(app, a_member().id))
    assert "The time of this instrument is given in rounds, by request." in text
    assert "Spring call" in text


def test_an_instrument_with_approval_says_that_somebody_decides(app: Flask, context: Flask) -> None:
    an_instrument(a_facility(slug="lab"), slug="scope", booking_mode=BookingMode.APPROVAL)
    anna = a_booker()
    client = browser(app, anna.person.id)
    assert "until then the time is held for you" in page(client)
    assert sent(client, organisation_id=str(anna.organisation.id)).status_code == 303
    assert db.session.scalars(select(Booking.state)).one() is BookingState.TENTATIVE


def test_only_the_opening_hours_are_offered(app: Flask, context: Flask) -> None:
    plan = an_operating_plan((1, 480, 240))
    an_instrument(a_facility(slug="lab"), slug="scope", operating_plan_id=plan.id)
    text = page(browser(app, a_booker().person.id))
    assert text.count('class="free"') == 1
    assert "08:00–12:00" in text


@pytest.mark.parametrize("week", ["", "now", "2027-13-01", "9999-99-99", "0001-01-01", "2027-01-06"])
def test_any_week_that_is_asked_for_gives_a_page(visitor: Browser, instrument: Instrument, week: str) -> None:
    page(visitor, week=week, start="x", end="9999-12-31T23:59")


def test_the_weeks_of_the_clock_changes_are_shown(visitor: Browser, instrument: Instrument) -> None:
    assert "23 h" in page(visitor, week="2027-03-22")
    assert "25 h" in page(visitor, week="2027-10-25")


def test_the_page_costs_as_many_statements_with_many_bookings_as_with_few(app: Flask, instrument: Instrument) -> None:
    client = browser(app, a_booker().person.id)

    def cost() -> int:
        with statements() as sent_now:
            page(client)
        return len(sent_now)

    for day in range(5):
        a_booking(instrument, starts_at=NINE + timedelta(days=day), person_id=a_booker().person.id)
    page(client)  # what is looked up once only
    few = cost()
    for day in range(5):
        for hour in (3, 6, 9):
            a_booking(instrument, starts_at=NINE + timedelta(days=day, hours=hour), person_id=a_booker().person.id)
    assert cost() == few <= 14


# --- closures ---------------------------------------------------------------------------------------------


def test_a_manager_closes_and_everyone_sees_it(app: Flask, visitor: Browser, instrument: Instrument) -> None:
    manager = browser(app, a_manager(db.session.get_one(Facility, instrument.facility_id)).id)
    form = {"kind": "maintenance", "day": "2027-01-04", "start": "08:00", "end_day": "2027-01-06", "end": "18:00"}
    with clock.frozen_at(BEFORE):
        assert manager.get("/facilities/lab/scope/close").status_code == 200
        answer = manager.post_form("/facilities/lab/scope/close", {**form, "note": "Secret leak", "key": "k"})
    assert answer.status_code == 303
    assert how_many() == 1
    assert db.session.scalars(select(Booking.kind)).one() is BookingKind.MAINTENANCE
    text = page(visitor)
    assert "Closed 08:00–18:00, Monday 4 January 2027 – Wednesday 6 January 2027" in text
    assert "leak" not in text


def test_a_closure_over_bookings_is_refused_and_names_them(app: Flask, instrument: Instrument) -> None:
    a_booker(name="Anna").book(instrument)
    manager = browser(app, a_manager(db.session.get_one(Facility, instrument.facility_id)).id)
    form = {"kind": "closure", "day": "2027-01-04", "start": "08:00", "end_day": "", "end": "18:00", "key": "k"}
    with clock.frozen_at(BEFORE):
        answer = manager.post_form("/facilities/lab/scope/close?lang=en", form)
    assert answer.status_code == 409
    for words in ("One booking is in the way.", "<strong>Anna</strong>", "Mon 4 Jan 2027, 10:00–12:00"):
        assert words in answer.text


def test_a_member_may_not_close(app: Flask, instrument: Instrument) -> None:
    client = browser(app, a_booker().person.id)
    assert client.get("/facilities/lab/scope/close").status_code == 403
    assert "/facilities/lab/scope/close" not in page(client)


def test_bookings_of_a_past_week_are_not_offered(app: Flask, instrument: Instrument) -> None:
    text = page(browser(app, a_booker().person.id), week=(BEFORE - timedelta(days=14)).date().isoformat())
    assert 'class="free"' not in text
