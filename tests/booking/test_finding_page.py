"""The finder's page: who is shown what, in which order, and how much it costs."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from core import clock
from core.db import db
from facilities.models import InstrumentRules, Technique
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, a_booker, rome, statements
from tests.booking.busy_world import a_busy_world
from tests.factories import (
    BEFORE,
    MONDAY,
    a_booking,
    a_facility,
    a_member,
    a_person,
    an_exclusion_group,
    an_instrument,
    an_organisation,
    stored,
)
from tests.support import Browser, browser

WHO_ASKS = ("FROM sessions", "FROM persons", "FROM memberships", "FROM posts")
NOW = rome(2027, 1, 4, 8)


def page(client: Browser, status: int = 200, now: datetime = NOW, **query: Any) -> str:
    asked = {"lang": "en", "first": "2027-01-04", "last": "2027-01-05", **query}
    with clock.frozen_at(now):
        answer = client.get("/find", query_string={name: value for name, value in asked.items() if value is not None})
    assert answer.status_code == status, answer.text
    return answer.text


def found(text: str) -> list[tuple[str, str]]:
    """Instrument and time of each answer."""
    pattern = r"<b>(\d\d:\d\d–\d\d:\d\d)</b>.*?<h4>([^<]+)</h4>"
    return [(name, time) for time, name in re.findall(pattern, text, re.DOTALL)]


def as_person(app: Flask, person_id: UUID) -> Browser:
    """A browser of somebody who signed in at NOW."""
    with clock.frozen_at(NOW):
        return browser(app, person_id)


def test_what_is_free_first_stands_first_and_leads_to_the_filled_form(visitor: Browser, context: Flask) -> None:
    scope = an_instrument(a_facility(slug="lab"), slug="scope", name="Scope")
    an_instrument(name="Later")
    a_booking(scope, starts_at=rome(2027, 1, 4, 8), ends_at=rome(2027, 1, 4, 10))
    text = page(visitor)
    assert found(text) == [("Later", "08:00–10:00"), ("Scope", "10:00–12:00")]
    assert (
        'href="/facilities/lab/scope?week=2027-01-04&amp;start=2027-01-04T10:00&amp;end=2027-01-04T12:00#book"' in text
    )
    assert "free until Wed 6 Jan 2027, 00:00" in text


def test_at_the_same_time_the_nearest_stands_first(app: Flask, context: Flask) -> None:
    for city, latitude in (("Pavia", 45.19), ("Como", 45.81), ("Milano", 45.46)):
        an_instrument(a_facility(city=city, latitude=latitude), name=city)
    names = [name for name, _time in found(page(browser(app), near="Pavia"))]
    assert names == ["Pavia", "Milano", "Como"]
    member = a_member(an_organisation(city="Como"))
    text = page(as_person(app, member.id))
    assert [name for name, _time in found(text)] == ["Como", "Milano", "Pavia"]
    assert "· 39 km" in text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, {"Titan", "Bruker"}),
        ({"q": "bruk"}, {"Bruker"}),
        ({"q": "crio micr"}, {"Titan"}),
        ({"q": "nuclear"}, {"Bruker"}),
        ({"q": "pavia"}, {"Titan"}),
        ({"q": "zzz"}, set()),
        ({"kind": "nmr"}, {"Bruker"}),
        ({"technique": "resonance"}, {"Bruker"}),
        ({"facility": "here"}, {"Titan"}),
    ],
)
def test_a_wish_is_narrowed_by_words_kind_technique_and_facility(
    visitor: Browser, context: Flask, query: dict[str, Any], names: set[str]
) -> None:
    resonance = stored(Technique(slug="resonance", name_it="Risonanza nucleare", name_en="Nuclear resonance"))
    an_instrument(a_facility(slug="here"), name="Titan", kind="cryo_em")
    an_instrument(a_facility(slug="there", city="Milano", techniques=[resonance]), name="Bruker", kind="nmr")
    text = page(visitor, **query)
    assert {name for name, _time in found(text)} == names
    assert names or "Nothing free fits" in text


@pytest.mark.parametrize("mode", [BookingMode.ROUND, BookingMode.CLOSED, BookingMode.WITH_PARENT])
def test_what_members_do_not_book_themselves_is_not_found(visitor: Browser, context: Flask, mode: BookingMode) -> None:
    an_instrument(booking_mode=mode)
    assert found(page(visitor)) == []


def test_visitors_find_only_what_facilities_show(app: Flask, context: Flask) -> None:
    an_instrument(a_facility(free_busy_is_public=False, slug="quiet"), name="Hidden")
    assert "Hidden" not in page(browser(app))
    assert "quiet" not in page(browser(app))
    assert "Hidden" in page(as_person(app, a_booker().person.id))


def test_who_belongs_to_no_organisation_is_told_so(app: Flask, context: Flask) -> None:
    an_instrument(name="Scope")
    text = page(as_person(app, a_person().id))
    assert "Only members of an organisation book time." in text
    assert found(text) == []


def test_other_instruments_of_a_group_and_buffers_are_in_the_way(visitor: Browser, context: Flask) -> None:
    lab = a_facility()
    group = an_exclusion_group(lab)
    first, second = (an_instrument(lab, exclusion_group_id=group.id, name=f"Port {n}") for n in (1, 2))
    stored(InstrumentRules(instrument_id=second.id, buffer_before=60, changed_at=BEFORE))
    a_booking(first, starts_at=rome(2027, 1, 4, 8), ends_at=rome(2027, 1, 4, 10), exclusion_group_id=group.id)
    assert found(page(visitor)) == [("Port 1", "10:00–12:00"), ("Port 2", "11:00–13:00")]


def test_days_hours_and_weekdays_are_kept_to(visitor: Browser, context: Flask) -> None:
    an_instrument(name="Scope")
    text = page(visitor, last="2027-01-10", start="13:00", end="15:30", weekdays=["2", "4"])
    assert found(text) == [("Scope", "13:00–15:00")] * 2
    assert "Wednesday 6 January 2027" in text
    assert "Friday 8 January 2027" in text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"hours": "soon"}, "Give hours, for example 8 or 2.5."),
        ({"hours": ""}, "Please fill this in."),
        ({"hours": "0"}, "Between a minute and 31 days, please."),
        ({"hours": "800"}, "Between a minute and 31 days, please."),
        ({"first": "2027-02-30"}, "Give a day as year-month-day"),
        ({"last": "2027-01-03"}, "The last day is before the first one."),
        ({"last": "2027-03-07"}, "At most 62 days at a time, please."),
        ({"start": "25:00"}, "Give a time between 00:00 and 24:00."),
        ({"start": "12:00", "end": "12:00"}, "The end must be after the start."),
        ({"weekdays": "8"}, "Please choose a day of the week."),
        ({"technique": "nothing"}, "Please choose one of these."),
        ({"near": "Atlantis"}, "Please choose one of these."),
    ],
)
def test_a_wish_without_sense_is_said_beside_its_field(
    visitor: Browser, context: Flask, query: dict[str, Any], sentence: str
) -> None:
    an_instrument(name="Scope")
    text = page(visitor, status=422, **query)
    assert sentence in text
    assert found(text) == []


def test_the_longest_search_is_allowed(visitor: Browser, context: Flask) -> None:
    an_instrument(name="Scope", most_minutes=31 * 1440)
    assert found(page(visitor, last="2027-03-06", hours="744"))[0] == ("Scope", "08:00–08:00")


def test_without_a_query_two_hours_in_the_next_fortnight_are_looked_for(visitor: Browser, context: Flask) -> None:
    an_instrument(name="Scope")
    text = page(visitor, first=None, last=None)
    assert found(text) == [("Scope", "08:00–10:00")]
    assert 'value="2027-01-17"' in text


def test_nothing_that_is_found_is_taken(app: Flask, context: Flask) -> None:
    world = a_busy_world(MONDAY, 14, 300, instruments=6, people=6)
    anna = a_booker()
    text = page(as_person(app, anna.person.id), last="2027-01-12", hours="2")
    assert len(found(text)) == 18
    by_slug = {one.slug: one for one in world.instruments}
    pattern = r"/facilities/[\w-]+/([\w-]+)\?week=[\d-]+&amp;start=([\dT:-]+)&amp;end=([\dT:-]+)#book"
    links = re.findall(pattern, text)
    assert len(links) == 18
    for number, (slug, start, end) in enumerate(links):
        times = [rome(*map(int, re.split(r"[T:-]", wall))) for wall in (start, end)]
        assert times[1] - times[0] == 2 * HOUR
        anna.book(by_slug[slug], *times, now=NOW, key=f"found {number}")


@pytest.mark.parametrize("reader", ["visitor", "member"])
def test_sixty_instruments_and_thousands_of_bookings_take_five_statements(
    app: Flask, context: Flask, reader: str
) -> None:
    person_id = a_busy_world(MONDAY - timedelta(days=7), 56, 9000).people[0].id
    client = as_person(app, person_id) if reader == "member" else browser(app)
    db.session.remove()
    with statements() as sent:
        text = page(client, last="2027-02-20")
    asked = [one for one in sent if not any(table in one for table in WHO_ASKS)]
    assert len(asked) <= 5, asked
    assert len(found(text)) == 40
