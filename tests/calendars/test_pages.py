"""The pages: my calendar addresses, making one, seeing it once, revoking it."""

import re
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select

from booking.models import CalendarKind
from calendars.links import links_to, qr_code
from calendars.models import Subscription
from calendars.programs import program_of
from core import clock
from core.db import db
from tests.calendars.factories import a_feed
from tests.factories import BEFORE, a_booking, a_facility, a_manager, a_member, a_person, an_instrument
from tests.support import Browser, browser

pytestmark = pytest.mark.usefixtures("context")
FORM = {"name": "On my phone", "detail": "title", "language": "en", "key": "one form"}


def form_of(kind: CalendarKind, subject_id: object) -> str:
    """Where the form for an address is."""
    return f"/calendars/subscribe/{kind.value}/{subject_id}"


def subscriptions() -> list[Subscription]:
    """All of them, as they are now."""
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(Subscription).order_by(Subscription.created_at)))


def test_visitors_are_led_to_the_login_and_back(visitor: Browser) -> None:
    person = a_member()
    for path in ("/calendars", form_of(CalendarKind.PERSON, person.id)):
        answer = visitor.get(path)
        assert answer.status_code == 303
        assert answer.location.startswith("/login?next=%2Fcalendars") or answer.location.startswith(
            "/login?next=/calendars"
        )


def test_a_member_makes_an_address_and_it_works(app: Flask, visitor: Browser) -> None:
    person = a_member()
    me = browser(app, person.id)
    assert "Make the address" in me.get(form_of(CalendarKind.PERSON, person.id) + "?lang=en").get_data(as_text=True)
    answer = me.post_form(form_of(CalendarKind.PERSON, person.id), FORM)
    page = unescape(answer.get_data(as_text=True))
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "private, no-store"
    address = re.search(r'value="http://localhost(/calendars/feeds/[\w-]{43}\.ics)"', page)
    assert address is not None
    assert f'href="webcal://localhost{address.group(1)}"' in page
    assert '<svg viewBox="0 0 ' in page
    assert "style=" not in page
    feed = visitor.get(address.group(1))
    assert feed.status_code == 200
    assert b"\r\nNAME:On my phone\r\n" in feed.get_data()


def test_an_address_is_shown_once(app: Flask) -> None:
    person = a_member()
    me = browser(app, person.id)
    path = form_of(CalendarKind.PERSON, person.id)
    secret = re.search(r"/feeds/([\w-]{43})\.ics", me.post_form(path, FORM).get_data(as_text=True))
    assert secret is not None
    again = me.post_form(path, FORM)
    assert (again.status_code, again.location) == (303, "/calendars")
    assert len(subscriptions()) == 1
    for page in ("/calendars", path):
        assert secret.group(1) not in me.get(page).get_data(as_text=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "x" * 121), ("detail", "everything"), ("language", "de"), ("detail", "")],
)
def test_a_form_that_does_not_fit_comes_back_with_what_is_wrong(app: Flask, field: str, value: str) -> None:
    person = a_member()
    answer = browser(app, person.id).post_form(form_of(CalendarKind.PERSON, person.id), {**FORM, field: value})
    assert answer.status_code == 422
    assert "field-error" in answer.get_data(as_text=True)
    assert subscriptions() == []


def test_a_form_needs_its_token(app: Flask) -> None:
    person = a_member()
    assert browser(app, person.id).post(form_of(CalendarKind.PERSON, person.id), data=FORM).status_code == 400
    assert subscriptions() == []


@pytest.mark.parametrize("method", ["get", "post_form"])
def test_what_one_may_not_subscribe_to_is_refused(app: Flask, method: str) -> None:
    instrument = an_instrument()
    other = a_member()
    outsider = browser(app, a_person().id)
    for kind, subject_id, status in (
        (CalendarKind.PERSON, other.id, 404),
        (CalendarKind.INSTRUMENT, instrument.id, 403),
        (CalendarKind.FACILITY, instrument.facility_id, 403),
        (CalendarKind.FACILITY, instrument.id, 404),
    ):
        path = form_of(kind, subject_id)
        answer = outsider.get(path) if method == "get" else outsider.post_form(path, FORM)
        assert answer.status_code == status, kind
    assert outsider.get(f"/calendars/subscribe/planet/{other.id}").status_code == 404
    assert subscriptions() == []


def test_the_list_shows_mine_with_their_last_fetch_and_nobody_else_s(app: Flask, visitor: Browser) -> None:
    person, facility = a_member(), a_facility(name_en="Laser laboratory")
    with clock.frozen_at(BEFORE):
        path = a_feed(person, facility, name="At the desk")
        a_feed(a_member(), facility, name="Not mine")
        visitor.get(path, headers={"User-Agent": "Mozilla/5.0 Thunderbird/140.0"})
    page = browser(app, person.id).get("/calendars?lang=en").get_data(as_text=True)
    assert "At the desk" in page
    assert "Laser laboratory" in page
    assert "Thunderbird" in page
    assert "Not mine" not in page


def test_the_list_proposes_my_bookings_my_facilities_and_the_instruments_i_booked(app: Flask) -> None:
    facility = a_facility(name_en="Laser laboratory")
    person = a_manager(facility)
    booked = an_instrument(name="Cryostat")
    an_instrument(name="Orbitrap")
    a_booking(booked, person_id=person.id)
    page = browser(app, person.id).get("/calendars?lang=en").get_data(as_text=True)
    for kind, subject_id in (("person", person.id), ("facility", facility.id), ("instrument", booked.id)):
        assert f'href="/calendars/subscribe/{kind}/{subject_id}"' in page
    assert "Orbitrap" not in page


def test_revoking_takes_one_click_and_leaves_the_others(app: Flask, visitor: Browser) -> None:
    person = a_member()
    lost, kept = a_feed(person, name="Lost"), a_feed(person, name="Kept", now=BEFORE + timedelta(seconds=1))
    me = browser(app, person.id)
    row = subscriptions()[0]
    assert browser(app, a_member().id).post_form(f"/calendars/{row.id}/revoke").status_code == 404
    answer = me.post_form(f"/calendars/{row.id}/revoke")
    assert (answer.status_code, answer.location) == (303, "/calendars")
    page = me.get("/calendars").get_data(as_text=True)
    assert "Kept" in page
    assert "Lost" not in page
    assert visitor.get(lost).status_code == 404
    assert visitor.get(kept).status_code == 200


@pytest.mark.parametrize("language", ["it", "en"])
def test_every_page_is_translated(app: Flask, language: str) -> None:
    person = a_member()
    me = browser(app, person.id)
    path = form_of(CalendarKind.PERSON, person.id)
    pages = [me.get(f"/calendars?lang={language}"), me.get(path), me.post_form(path, FORM)]
    texts = [page.get_data(as_text=True) for page in pages]
    headings = {
        "it": ("Calendari", "Abbonati a «Le mie prenotazioni»", "Il tuo indirizzo di calendario è pronto"),
        "en": ("Calendars", "Subscribe to “My bookings”", "Your calendar address is ready"),
    }[language]
    for text, heading in zip(texts, headings, strict=True):
        assert f"<h1>{heading}</h1>" in text
        assert text.count("<h1") == 1


def test_the_links_of_the_large_services_carry_the_whole_address() -> None:
    links = links_to("https://equora.example/calendars/feeds/a-b_c.ics", "Mine & theirs")
    assert links.webcal == "webcal://equora.example/calendars/feeds/a-b_c.ics"
    assert links.google.endswith("?cid=webcal%3A%2F%2Fequora.example%2Fcalendars%2Ffeeds%2Fa-b_c.ics")
    assert "url=https%3A%2F%2Fequora.example%2Fcalendars%2Ffeeds%2Fa-b_c.ics&name=Mine+%26+theirs" in links.outlook


def test_the_qr_code_fits_the_content_security_policy() -> None:
    picture = qr_code("webcal://equora.example/calendars/feeds/a.ics")
    assert picture.startswith("<svg")
    for forbidden in ("style", "script", "<?xml", "http://equora"):
        assert forbidden not in picture


@pytest.mark.parametrize(
    ("user_agent", "program"),
    [
        ("Google-Calendar-Importer", "Google Calendar"),
        ("iOS/18.1 (22B83) dataaccessd/1.0", "Apple (iPhone, iPad)"),
        ("macOS/15.1 (24B83) CalendarAgent/961", "Apple (Mac)"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0", "Thunderbird"),
        ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17)", "Outlook"),
        ("vdirsyncer/0.21.0", "vdirsyncer"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0", "a browser"),
        ("calcurse/4.8 (x)", "calcurse"),
        ("<script>", ""),
        ("", ""),
    ],
)
def test_the_program_is_named_as_its_owner_knows_it(user_agent: str, program: str) -> None:
    assert program_of(user_agent) == program
