"""The calendar of many instruments: who sees what, which rows and days, how much it costs, and what a drop does."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.policy import SYSTEM
from booking.demo import CATALOGUE
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind
from core import clock
from core.db import db, transaction
from facilities.models import Facility, Instrument, InstrumentRules
from facilities.policy import BookingMode
from facilities.services import import_catalogue
from tests.booking.bookers import HOUR, NINE, Booker, a_booker, rome, statements
from tests.booking.busy_world import a_busy_world
from tests.factories import (
    BEFORE,
    MONDAY,
    a_booking,
    a_facility,
    a_manager,
    a_person,
    an_exclusion_group,
    an_instrument,
    an_operating_plan,
    stored,
)
from tests.support import Browser, browser

ROWS = re.compile(r'<tr class="r\d+" data-row="([0-9a-f-]+)"')


@pytest.fixture
def lab(context: Flask) -> Facility:
    return a_facility(slug="lab", name_en="Laboratory", name_it="Laboratorio")


@pytest.fixture
def scope(lab: Facility) -> Instrument:
    return an_instrument(lab, slug="scope", name="Scope")


def page(client: Browser, path: str = "/calendar", now: datetime = BEFORE, status: int = 200, **query: Any) -> str:
    with clock.frozen_at(now):
        answer = client.get(path, query_string={"lang": "en", "day": "2027-01-04", **query})
    assert answer.status_code == status, answer.text
    return answer.text


def rows(text: str) -> list[str]:
    return ROWS.findall(text)


def row_of(text: str, instrument: Instrument) -> str:
    """The row of one instrument."""
    return text.partition(f'data-row="{instrument.id}"')[2].partition("</tr>")[0]


# --- who sees what ----------------------------------------------------------------------------------------


def test_a_visitor_sees_what_is_held_without_names(visitor: Browser, scope: Instrument) -> None:
    a_booker(name="Anna Secret").book(scope, title="Very secret")
    text = page(visitor)
    assert "Booked 10:00–12:00, Monday 4 January 2027" in text
    assert "ecret" not in text


def test_a_visitor_sees_no_row_of_a_facility_that_keeps_its_free_busy(visitor: Browser, scope: Instrument) -> None:
    hidden = an_instrument(a_facility(slug="quiet", free_busy_is_public=False), name="Hidden")
    text = page(visitor)
    assert rows(text) == [str(scope.id)]
    assert "Hidden" not in text
    assert "quiet" not in text
    assert rows(page(visitor, "/calendar/quiet")) == []
    assert str(hidden.id) in rows(page(browser(visitor.application, a_person().id)))


def test_ones_own_booking_is_marked_and_can_be_dragged(app: Flask, scope: Instrument) -> None:
    anna = a_booker(name="Anna")
    made = anna.book(scope)
    text = page(browser(app, anna.person.id))
    assert "You 10:00–12:00, your booking, Monday 4 January 2027" in text
    assert f'data-key="{made}" data-seq="0" data-from="2027-01-04T10:00" data-until="2027-01-04T12:00"' in text


def test_a_manager_sees_who_has_booked_but_moves_it_by_the_form(app: Flask, scope: Instrument, lab: Facility) -> None:
    made = a_booker(name="Anna Rossi").book(scope)
    text = page(browser(app, a_manager(lab).id))
    assert "Anna Rossi 10:00–12:00, Booked, Monday 4 January 2027" in text
    assert f'href="/bookings/{made}"' in text
    assert "data-seq" not in text


def test_a_stranger_learns_neither_name_nor_address(app: Flask, scope: Instrument) -> None:
    made = a_booker(name="Anna Rossi").book(scope)
    text = page(browser(app, a_booker().person.id))
    assert "Booked 10:00–12:00" in text
    assert "Rossi" not in text
    assert str(made) not in text


@pytest.mark.parametrize(
    ("values", "is_fixed"),
    [
        ({}, False),
        ({"kind": BookingKind.ROUND}, True),
        ({"starts_at": BEFORE - 4 * HOUR}, True),
        ({"starts_at": BEFORE - HOUR}, False),
    ],
)
def test_what_is_over_or_was_allocated_in_a_round_is_not_dragged(
    app: Flask, scope: Instrument, values: dict[str, Any], is_fixed: bool
) -> None:
    anna = a_booker()
    row = a_booking(scope, person_id=anna.person.id, organisation_id=anna.organisation.id, **values)
    text = page(browser(app, anna.person.id), day=row.starts_at.date().isoformat())
    assert f'data-key="{row.id}"' in text
    assert ("data-seq" not in text) is is_fixed


# --- rows and periods -------------------------------------------------------------------------------------


def test_rows_stand_by_facility_under_its_name(visitor: Browser, context: Flask) -> None:
    second = an_instrument(a_facility(name_en="Beta", name_it="Beta"))
    first = an_instrument(a_facility(name_en="Alpha", name_it="Alpha"))
    text = page(visitor)
    assert rows(text) == [str(first.id), str(second.id)]
    assert text.index("Alpha · Pavia") < text.index(f"Instrument {first.name[11:]}") < text.index("Beta · Pavia")


def test_filters_narrow_the_rows_and_stand_in_every_address(visitor: Browser, scope: Instrument) -> None:
    nmr = an_instrument(a_facility(slug="other"), kind="nmr")
    assert set(rows(page(visitor))) == {str(scope.id), str(nmr.id)}
    text = page(visitor, kind="nmr")
    assert rows(text) == [str(nmr.id)]
    assert 'href="/calendar?view=month&amp;day=2027-01-04&amp;kind=nmr"' in text
    assert 'href="/calendar?day=2027-01-11&amp;kind=nmr"' in text
    assert rows(page(visitor, facility="lab")) == [str(scope.id)]
    assert rows(page(visitor, "/calendar/lab")) == [str(scope.id)]
    assert "No instrument fits." in page(visitor, kind="nothing")
    page(visitor, "/calendar/nowhere", status=404)


def test_mine_shows_the_instruments_that_one_has_booked(app: Flask, visitor: Browser, scope: Instrument) -> None:
    an_instrument(a_facility())
    anna = a_booker()
    anna.book(scope)
    assert rows(page(browser(app, anna.person.id), mine="y")) == [str(scope.id)]
    assert "/login" in visitor.get("/calendar?mine=y").location


@pytest.mark.parametrize(
    ("view", "day", "first", "days", "title"),
    [
        ("day", "2027-01-06", "2027-01-06", 1, "Wednesday 6 January 2027"),
        ("week", "2027-01-06", "2027-01-04", 7, "4 – 10 Jan 2027"),
        ("week", "2027-01-01", "2026-12-28", 7, "28 Dec 2026 – 3 Jan 2027"),
        ("month", "2027-02-06", "2027-02-01", 28, "February 2027"),
        ("month", "2027-10-31", "2027-10-01", 31, "October 2027"),
        ("nonsense", "2027-01-06", "2027-01-04", 7, "4 – 10 Jan 2027"),
    ],
)
def test_a_period_is_a_day_a_week_from_monday_or_a_month(
    visitor: Browser, scope: Instrument, view: str, day: str, first: str, days: int, title: str
) -> None:
    text = page(visitor, view=view, day=day)
    assert f'data-first="{first}" data-days="{days}"' in text
    assert title in text


@pytest.mark.parametrize(
    ("view", "before", "after"),
    [
        ("day", "day=2027-01-03", "day=2027-01-05"),
        ("week", "day=2027-01-03", "day=2027-01-11"),
        ("month", "day=2026-12-31", "day=2027-02-01"),
    ],
)
def test_one_goes_from_period_to_period(
    visitor: Browser, scope: Instrument, view: str, before: str, after: str
) -> None:
    text = page(visitor, view=view)
    assert re.search(rf'href="/calendar\?[^"]*{before}[^"]*" rel="prev', text)
    assert re.search(rf'href="/calendar\?[^"]*{after}[^"]*" rel="next', text)


def test_without_a_day_the_week_of_today_is_shown(visitor: Browser, scope: Instrument) -> None:
    assert 'data-first="2027-01-04"' in page(visitor, now=NINE, day="")
    assert 'data-first="2027-01-04"' in page(visitor, now=NINE, day="2027-02-30")


@pytest.mark.parametrize(("day", "hours"), [("2027-03-28", 23), ("2027-10-31", 25)])
def test_a_day_with_a_clock_change_says_so_and_shows_the_hour(
    visitor: Browser, scope: Instrument, day: str, hours: int
) -> None:
    text = page(visitor, view="day", day=day)
    assert f"Clock change: this day has {hours} hours" in text
    assert '<i class="changed s8 w4"></i>' in text


def test_a_large_month_comes_in_groups_and_the_rest_on_demand(visitor: Browser, context: Flask) -> None:
    here = a_facility()
    every = [str(an_instrument(here, position=n).id) for n in range(45)]
    first, second, third = (page(visitor, view="month", after=after) for after in (0, 20, 40))
    assert rows(first) + rows(second) + rows(third) == every
    assert "25 more instruments" in first
    assert 'hx-get="/calendar?view=month&amp;day=2027-01-04&amp;after=20"' in first
    assert "5 more instruments" in second
    assert "Instruments before these" in second
    assert "more instrument" not in third
    assert len(rows(page(visitor))) == 45


def test_rows_can_be_drawn_anew_alone(visitor: Browser, scope: Instrument) -> None:
    an_instrument()
    assert rows(page(visitor, only=str(scope.id))) == [str(scope.id)]
    assert len(rows(page(visitor, only="nonsense"))) == 2


# --- what is drawn ----------------------------------------------------------------------------------------


def test_a_booking_of_another_instrument_in_the_group_is_in_the_way(visitor: Browser, lab: Facility) -> None:
    group = an_exclusion_group(lab)
    first, second = (an_instrument(lab, exclusion_group_id=group.id, name=f"Port {n}") for n in (1, 2))
    a_booker().book(first)
    text = page(visitor)
    assert "Booked 10:00–12:00" in row_of(text, first)
    assert "Not free 10:00–12:00, another instrument of this group is running" in row_of(text, second)


def test_bars_of_several_units_stand_in_lanes(visitor: Browser, lab: Facility) -> None:
    pool = an_instrument(lab, capacity=2)
    for _ in range(2):
        a_booker().book(pool)
    text = page(visitor)
    assert f'<tr class="r2" data-row="{pool.id}"' in text
    assert len(re.findall(r'class="b [^"]*\by1\b', text)) == 1


def test_a_bar_from_before_the_period_is_drawn_from_its_edge(visitor: Browser, scope: Instrument) -> None:
    a_booking(scope, starts_at=rome(2027, 1, 3, 20), ends_at=rome(2027, 1, 4, 6))
    assert re.search(r'class="b is-confirmed s0 w24 [^"]*from-before', page(visitor))


def test_buffers_are_drawn_faintly_and_explained(visitor: Browser, scope: Instrument) -> None:
    stored(InstrumentRules(instrument_id=scope.id, buffer_before=30, buffer_after=60, changed_at=BEFORE))
    a_booker().book(scope)
    text = page(visitor)
    assert '<i class="buffer s38 w14"></i>' in text
    assert "Buffer</li>" in text


def test_closed_hours_are_hatched(visitor: Browser, lab: Facility) -> None:
    an_instrument(lab, operating_plan_id=an_operating_plan((0, 480, 480)).id)
    text = page(visitor)
    assert '<i class="off s0 w32"></i><i class="off s64 w32"></i>' in text


# --- the phone's agenda -----------------------------------------------------------------------------------


def test_the_agenda_is_of_one_day_and_leads_to_the_others(app: Flask, scope: Instrument) -> None:
    anna = a_booker()
    anna.book(scope)
    text = page(browser(app, anna.person.id), shown="2027-01-04")
    assert text.count('<ul class="tl-agenda">') == 1
    assert "<span>Free 00:00–10:00</span> <span>Book</span>" in text
    assert "<span>Free 12:00–24:00</span>" in text
    assert "start=2027-01-04T12:00&amp;end=2027-01-04T13:00#book" in text
    assert 'href="/calendar?day=2027-01-04&amp;shown=2027-01-05"' in text
    assert "Free 00:00–24:00" in page(browser(app, anna.person.id), shown="2027-01-05")


def test_the_agenda_offers_only_what_can_still_be_booked(app: Flask, scope: Instrument) -> None:
    stored(InstrumentRules(instrument_id=scope.id, buffer_after=60, lead_minutes=120, changed_at=BEFORE))
    anna = a_booker()
    anna.book(scope, start=rome(2027, 1, 4, 14))
    now = rome(2027, 1, 4, 8)
    with clock.frozen_at(now):
        client = browser(app, anna.person.id)
    text = page(client, now=now)
    assert re.findall(r"<span>Free (\S+)</span>", text) == ["11:00–13:00", "17:00–24:00"]


def test_who_may_not_book_is_offered_nothing(app: Flask, scope: Instrument) -> None:
    text = page(browser(app, a_person().id))
    assert "is-free" not in text
    assert "data-book" not in text


@pytest.mark.parametrize("mode", [BookingMode.ROUND, BookingMode.CLOSED, BookingMode.WITH_PARENT])
def test_what_members_do_not_book_themselves_is_offered_to_nobody(app: Flask, lab: Facility, mode: BookingMode) -> None:
    an_instrument(lab, booking_mode=mode)
    text = page(browser(app, a_booker().person.id))
    assert "is-free" not in text
    assert "data-book" not in text


@pytest.mark.parametrize(
    ("values", "shifts", "grid"),
    [
        ({}, (), ("60", "0", "60")),
        ({"slot_minutes": 15, "least_minutes": 20}, (), ("15", "0", "30")),
        ({"slot_minutes": 480, "least_minutes": 480}, ((0, 360, 480), (0, 840, 480)), ("480", "360", "480")),
        ({"slot_minutes": 480, "least_minutes": 480}, ((0, 360, 480), (5, 480, 480)), ("120", "0", "480")),
        ({"slot_minutes": 1440, "least_minutes": 1440}, (), ("1440", "0", "1440")),
    ],
)
def test_the_row_tells_the_script_its_grid(
    app: Flask, lab: Facility, values: dict[str, int], shifts: tuple[Any, ...], grid: tuple[str, str, str]
) -> None:
    plan_id = an_operating_plan(*shifts).id if shifts else None
    an_instrument(lab, slug="grid", operating_plan_id=plan_id, **values)
    text = page(browser(app, a_booker().person.id))
    step, anchor, least = grid
    assert f'data-book="/facilities/lab/grid" data-step="{step}" data-anchor="{anchor}" data-least="{least}"' in text


def test_an_instrument_of_another_time_zone_says_so_and_is_not_dragged(app: Flask, scope: Instrument) -> None:
    an_instrument(a_facility(slug="far", timezone="Atlantic/Canary"), slug="mast")
    an_instrument(db.session.get_one(Facility, scope.facility_id))
    text = page(browser(app, a_booker().person.id))
    assert "Atlantic/Canary" in text
    assert 'data-book="/facilities/far/mast"' not in text


# --- a bar is dropped -------------------------------------------------------------------------------------


def dropped(client: Browser, row: Booking, status: int, **fields: Any) -> Any:
    form = {
        "booking": str(row.id),
        "instrument": str(row.instrument_id),
        "sequence": "0",
        "start": "2027-01-05T10:00",
        "end": "2027-01-05T12:00",
        **fields,
    }
    with clock.frozen_at(BEFORE):
        answer = client.post("/calendar/move?lang=en", data=form, headers={"X-CSRFToken": client.csrf})
    assert answer.status_code == status, answer.text
    return answer


def booked(anna: Any, instrument: Instrument) -> Booking:
    made = anna.book(instrument)
    return db.session.get_one(Booking, made)


def when(row: Booking) -> datetime:
    db.session.rollback()
    return db.session.scalars(select(Booking.starts_at).where(Booking.id == row.id)).one()


def test_a_drop_moves_the_booking(app: Flask, scope: Instrument) -> None:
    anna = a_booker()
    row = booked(anna, scope)
    answer = dropped(browser(app, anna.person.id), row, 200)
    assert answer.json == {"booking": str(row.id)}
    assert when(row) == rome(2027, 1, 5, 10)


def test_a_drop_on_another_row_changes_the_instrument(app: Flask, scope: Instrument, lab: Facility) -> None:
    anna, other = a_booker(), an_instrument(lab)
    row = booked(anna, scope)
    dropped(browser(app, anna.person.id), row, 200, instrument=str(other.id))
    db.session.rollback()
    assert db.session.get_one(Booking, row.id).instrument_id == other.id


@pytest.mark.parametrize(
    ("fields", "status", "code", "words"),
    [
        ({"start": "2027-01-05T10:10"}, 422, "off_grid", "steps of 60 minutes"),
        ({"start": "2027-01-04T14:00", "end": "2027-01-04T16:00"}, 409, "taken", "This time is taken."),
        ({"sequence": "7"}, 409, None, ""),
        ({"sequence": "x"}, 422, "not_a_move", ""),
        ({"booking": "x"}, 422, "not_a_move", ""),
        ({"start": "tomorrow"}, 422, "not_a_move", ""),
        ({"instrument": "00000000-0000-0000-0000-000000000007"}, 404, "not_found", ""),
        ({"booking": "00000000-0000-0000-0000-000000000007"}, 404, "not_found", ""),
        ({"start": "2027-03-28T02:30"}, 422, "clock_change", "does not exist on that day"),
        ({"end": "2027-10-31T02:30"}, 422, "clock_change", "comes twice on that day"),
    ],
)
def test_a_refused_drop_says_why_and_changes_nothing(
    app: Flask, scope: Instrument, fields: dict[str, str], status: int, code: str | None, words: str
) -> None:
    anna = a_booker()
    row = booked(anna, scope)
    a_booking(scope, starts_at=rome(2027, 1, 4, 14))
    answer = dropped(browser(app, anna.person.id), row, status, **fields)
    assert answer.mimetype == "application/problem+json"
    assert code is None or answer.json["code"] == code
    assert words in answer.json["title"]
    assert when(row) == NINE


def test_nobody_drops_what_is_not_theirs(app: Flask, scope: Instrument, lab: Facility, visitor: Browser) -> None:
    row = booked(a_booker(), scope)
    assert dropped(browser(app, a_booker().person.id), row, 404).json["code"] == "not_found"
    assert dropped(browser(app, a_manager(lab).id), row, 422).json["code"] == "reason_missing"
    assert "/login" in dropped(visitor, row, 303).location
    assert when(row) == NINE


def test_a_drop_without_the_token_of_our_page_is_refused(app: Flask, scope: Instrument) -> None:
    anna = a_booker()
    row = booked(anna, scope)
    answer = browser(app, anna.person.id).post("/calendar/move", data={"booking": str(row.id)})
    assert answer.status_code == 400
    assert when(row) == NINE


# --- what it costs ----------------------------------------------------------------------------------------


WHO_ASKS = ("FROM sessions", "FROM persons", "FROM memberships", "FROM posts")


@pytest.mark.parametrize(
    ("reader", "query", "shown"),
    [
        ("visitor", {}, 60),
        ("member", {}, 60),
        ("member", {"view": "day"}, 60),
        ("member", {"view": "month"}, 20),
        ("member", {"mine": "y", "view": "week"}, 25),
    ],
)
def test_sixty_instruments_and_thousands_of_bookings_take_five_statements(
    app: Flask, context: Flask, reader: str, query: dict[str, Any], shown: int
) -> None:
    person_id = a_busy_world(MONDAY - timedelta(days=7), 56, 9000).people[0].id
    client = browser(app, person_id if reader == "member" else None)
    db.session.remove()
    with statements() as sent:
        text = page(client, **query)
    asked = [one for one in sent if not any(table in one for table in WHO_ASKS)]
    assert len(asked) <= 5, asked
    assert len(rows(text)) == shown
    assert text.count('class="b ') > 100


def test_a_cancelled_booking_is_not_drawn(visitor: Browser, scope: Instrument) -> None:
    a_booking(scope, state=BookingState.CANCELLED)
    assert "Booked" not in page(visitor)


def test_a_booked_week_of_the_shipped_catalogue_weighs_at_most_150_kilobytes(app: Flask, context: Flask) -> None:
    import_catalogue(json.loads(CATALOGUE.read_text(encoding="utf-8")), SYSTEM, BEFORE)
    anna, others = a_booker(), a_booker()
    instruments = db.session.scalars(select(Instrument)).all()
    assert len(instruments) > 50
    with transaction() as tx:
        for instrument in instruments:
            for day in range(7):
                at = rome(2027, 1, 4 + day, 9)
                tx.session.add(a_row(instrument, at, others if day else anna))
    text = page(browser(app, anna.person.id))
    assert text.count('class="b is-own s') == len(instruments)
    assert text.count('class="b is-confirmed s') == 6 * len(instruments)
    assert len(text.encode()) <= 150_000


def a_row(instrument: Instrument, at: datetime, anna: Booker) -> Booking:
    return Booking(
        uid=f"{instrument.id}-{at:%d}@localhost",
        kind=BookingKind.INSTANT,
        state=BookingState.CONFIRMED,
        instrument_id=instrument.id,
        starts_at=at,
        ends_at=at + 2 * HOUR,
        person_id=anna.person.id,
        organisation_id=anna.organisation.id,
        created_at=BEFORE,
        changed_at=BEFORE,
    )
