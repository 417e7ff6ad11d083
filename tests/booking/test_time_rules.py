"""Lead time, horizon, nights, several days and buffers: what each allows and refuses, also when the clocks change."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from booking.models import Booking
from booking.terms import Terms, check_times
from core import clock
from core.db import db
from core.errors import Conflict, Invalid
from core.intervals import Interval
from facilities.models import Instrument, InstrumentRules
from facilities.openings import WeeklyShift
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, ROME, Booker, a_booker, rome
from tests.factories import (
    BEFORE,
    a_booking,
    a_facility,
    an_exclusion_group,
    an_instrument,
    an_operating_plan,
    stored,
)
from tests.support import Browser, browser, on_both_databases

TERMS = Terms(BookingMode.INSTANT, ROME, slot_minutes=30, least_minutes=30, most_minutes=60 * 24 * 20)
NOW = rome(2027, 3, 1, 12, 0)
SUMMER, WINTER = (2027, 3, 28), (2027, 10, 31)
"""The days of Rome's clock changes: 23 and 25 hours."""


def verdict(terms: Terms, start: datetime, end: datetime, now: datetime = NOW) -> tuple[str, str]:
    """The refusal's code and the field it speaks of; empty when the time is allowed."""
    try:
        check_times(terms, start, end, now)
    except Invalid as refusal:
        return refusal.code, next(iter(refusal.fields))
    return "", ""


OK = ("", "")
TOO_SOON, TOO_FAR, TOO_FAR_END = ("too_soon", "start"), ("too_far_ahead", "start"), ("too_far_ahead", "end")
NIGHT, DAYS = ("overnight", "end"), ("several_days", "end")


@pytest.mark.parametrize(
    ("lead", "start", "expected"),
    [
        (0, rome(2027, 3, 1, 12, 0), OK),
        (0, rome(2027, 3, 1, 11, 30), ("in_the_past", "start")),
        (90, rome(2027, 3, 1, 13, 30), OK),
        (90, rome(2027, 3, 1, 13, 0), TOO_SOON),
        (60 * 48, rome(2027, 3, 3, 12, 0), OK),
        (60 * 48, rome(2027, 3, 3, 11, 30), TOO_SOON),
    ],
)
def test_lead_time(lead: int, start: datetime, expected: tuple[str, str]) -> None:
    assert verdict(replace(TERMS, lead_minutes=lead), start, start + HOUR) == expected


@pytest.mark.parametrize(
    ("now", "start", "expected"),
    [
        (rome(2027, 3, 27, 12, 0), rome(2027, 3, 28, 13, 0), OK),
        (rome(2027, 3, 27, 12, 0), rome(2027, 3, 28, 12, 30), TOO_SOON),
        (rome(2027, 10, 30, 12, 0), rome(2027, 10, 31, 11, 0), OK),
        (rome(2027, 10, 30, 12, 0), rome(2027, 10, 31, 10, 30), TOO_SOON),
    ],
)
def test_lead_time_is_real_time_when_the_clocks_change(
    now: datetime, start: datetime, expected: tuple[str, str]
) -> None:
    assert verdict(replace(TERMS, lead_minutes=60 * 24), start, start + HOUR, now) == expected


def test_whoever_is_too_late_reads_the_earliest_start() -> None:
    start = rome(2027, 3, 1, 12, 30)
    with pytest.raises(Invalid, match="the earliest start is now 2027-03-01 14:00"):
        check_times(replace(TERMS, lead_minutes=105), start, start + HOUR, NOW)


@pytest.mark.parametrize(
    ("now", "days", "start", "hours", "expected"),
    [
        (NOW, 14, rome(2027, 3, 15, 10, 0), 2, OK),
        (NOW, 14, rome(2027, 3, 15, 11, 0), 2, TOO_FAR_END),
        (NOW, 14, rome(2027, 3, 15, 12, 0), 2, TOO_FAR),
        (rome(2027, 3, 27, 12, 0), 1, rome(2027, 3, 28, 11, 0), 1, OK),
        (rome(2027, 3, 27, 12, 0), 1, rome(2027, 3, 28, 11, 30), 1, TOO_FAR_END),
        (rome(2027, 10, 30, 12, 0), 1, rome(2027, 10, 31, 11, 0), 1, OK),
        (rome(2027, 10, 30, 12, 0), 1, rome(2027, 10, 31, 11, 30), 1, TOO_FAR_END),
    ],
)
def test_horizon_is_days_of_the_calendar(
    now: datetime, days: int, start: datetime, hours: int, expected: tuple[str, str]
) -> None:
    assert verdict(replace(TERMS, horizon_days=days), start, start + hours * HOUR, now) == expected


NIGHTS = [
    # start, end, neither allowed, nights only, several days only
    (rome(2027, 3, 3, 8, 0), rome(2027, 3, 3, 20, 0), OK, OK, OK),
    (rome(2027, 3, 3, 20, 0), rome(2027, 3, 4, 0, 0), OK, OK, OK),
    (rome(2027, 3, 3, 0, 0), rome(2027, 3, 4, 0, 0), OK, OK, OK),
    (rome(2027, 3, 3, 20, 0), rome(2027, 3, 4, 0, 30), NIGHT, OK, NIGHT),
    (rome(2027, 3, 3, 9, 0), rome(2027, 3, 4, 9, 0), NIGHT, OK, NIGHT),
    (rome(2027, 3, 3, 9, 0), rome(2027, 3, 4, 9, 30), DAYS, DAYS, OK),
    (rome(2027, 3, 3, 0, 0), rome(2027, 3, 6, 0, 0), DAYS, DAYS, OK),
    (rome(*SUMMER, 0, 0), rome(2027, 3, 29, 0, 0), OK, OK, OK),
    (rome(2027, 3, 27, 12, 0), rome(*SUMMER, 12, 0), NIGHT, OK, NIGHT),
    (rome(2027, 3, 27, 12, 0), rome(*SUMMER, 12, 30), DAYS, DAYS, OK),
    (rome(*SUMMER, 1, 0), rome(*SUMMER, 4, 0), OK, OK, OK),
    (rome(*WINTER, 0, 0), rome(2027, 11, 1, 0, 0), OK, OK, OK),
    (rome(2027, 10, 30, 12, 0), rome(*WINTER, 12, 0), NIGHT, OK, NIGHT),
    (rome(2027, 10, 30, 12, 0), rome(*WINTER, 12, 30), DAYS, DAYS, OK),
    (rome(*WINTER, 0, 0), rome(2027, 11, 1, 0, 30), DAYS, DAYS, OK),
]


@pytest.mark.parametrize(("start", "end", "neither", "nights", "days"), NIGHTS)
def test_nights_and_several_days(start: datetime, end: datetime, neither: Any, nights: Any, days: Any) -> None:
    plain = replace(TERMS, allows_overnight=False, allows_several_days=False)
    assert verdict(TERMS, start, end) == OK
    assert verdict(plain, start, end) == neither
    assert verdict(replace(plain, allows_overnight=True), start, end) == nights
    assert verdict(replace(plain, allows_several_days=True), start, end) == days


def test_opening_hours_are_the_bookings_and_not_its_buffers() -> None:
    day = replace(TERMS, shifts=(WeeklyShift(2, 480, 600),), buffer_before=60, buffer_after=60)
    assert verdict(day, rome(2027, 3, 3, 8, 0), rome(2027, 3, 3, 18, 0)) == OK
    assert verdict(day, rome(2027, 3, 3, 7, 30), rome(2027, 3, 3, 18, 0)) == ("outside_hours", "start")


@pytest.mark.parametrize(
    ("slot", "at", "expected"),
    [
        (60, rome(2027, 3, 3, 8, 0), rome(2027, 3, 3, 8, 0)),
        (60, rome(2027, 3, 3, 8, 0) + timedelta(seconds=1), rome(2027, 3, 3, 9, 0)),
        (60 * 24, rome(2027, 3, 27, 12, 0), rome(*SUMMER, 0, 0)),
        (60 * 24, rome(*SUMMER, 0, 30), rome(2027, 3, 29, 0, 0)),
        (60 * 24, rome(*WINTER, 0, 30), rome(2027, 11, 1, 0, 0)),
        (60 * 24 * 7, rome(2027, 3, 23, 9, 0), rome(2027, 3, 29, 0, 0)),
    ],
)
def test_the_next_slot_of_the_grid(slot: int, at: datetime, expected: datetime) -> None:
    assert replace(TERMS, slot_minutes=slot).next_slot(at) == expected


def test_the_next_slot_may_be_where_the_next_shift_begins() -> None:
    shifts = replace(TERMS, slot_minutes=480, shifts=(WeeklyShift(2, 15 * 60, 480),))
    assert shifts.next_slot(rome(2027, 3, 3, 14, 0)) == rome(2027, 3, 3, 15, 0)


# --- buffers in the ledger ---------------------------------------------------------------------------------


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


def ruled(instrument: Instrument, **rules: Any) -> Instrument:
    """The instrument with rules of its managers."""
    stored(InstrumentRules(**{"instrument_id": instrument.id, "changed_at": BEFORE, **rules}))
    return instrument


def free_in(refused: Conflict) -> str:
    return str(refused.values.get("free", ""))


@on_both_databases
def test_buffers_stand_around_a_booking_and_keep_others_away(anna: Booker) -> None:
    instrument = ruled(an_instrument(slot_minutes=15), buffer_before=15, buffer_after=30)
    made = db.session.get_one(Booking, anna.book(instrument))
    assert made.interval == Interval(NINE, NINE + 2 * HOUR)
    assert made.held == Interval(NINE - timedelta(minutes=15), NINE + 2 * HOUR + timedelta(minutes=30))
    for start in (NINE + 2 * HOUR, NINE + 2 * HOUR + timedelta(minutes=30)):
        with pytest.raises(Conflict) as refused:
            anna.book(instrument, start)
        assert (refused.value.code, free_in(refused.value)) == ("taken", "2027-01-04 12:45")
        assert refused.value.values["who"] == "Anna"
    anna.book(instrument, NINE + 2 * HOUR + timedelta(minutes=45))
    with pytest.raises(Conflict, match="taken"):
        anna.book(instrument, NINE - 2 * HOUR - timedelta(minutes=30))
    anna.book(instrument, NINE - 2 * HOUR - timedelta(minutes=45))


def test_the_next_free_start_respects_buffers_grid_and_hours(anna: Booker) -> None:
    plan = an_operating_plan((0, 480, 600), (1, 480, 600))
    instrument = ruled(an_instrument(operating_plan_id=plan.id), buffer_after=20)
    anna.book(instrument, rome(2027, 1, 4, 9, 0), rome(2027, 1, 4, 11, 0))
    with pytest.raises(Conflict) as refused:
        anna.book(instrument, rome(2027, 1, 4, 10, 0), rome(2027, 1, 4, 12, 0))
    assert free_in(refused.value) == "2027-01-04 12:00", "11:20 is not on the grid"
    with pytest.raises(Conflict) as refused:
        anna.book(instrument, rome(2027, 1, 4, 9, 0), rome(2027, 1, 4, 17, 0))
    assert free_in(refused.value) == "2027-01-05 08:00", "eight hours fit into the next day only"


def test_the_next_free_start_is_one_that_the_nights_allow(anna: Booker) -> None:
    instrument = ruled(an_instrument(), allows_overnight=False)
    anna.book(instrument, rome(2027, 1, 4, 9, 0), rome(2027, 1, 4, 21, 0))
    anna.book(instrument, rome(2027, 1, 4, 23, 0), rome(2027, 1, 5, 0, 0))
    with pytest.raises(Conflict) as refused:
        anna.book(instrument, rome(2027, 1, 4, 18, 0), rome(2027, 1, 4, 22, 0))
    assert free_in(refused.value) == "2027-01-05 00:00"


def test_a_buffer_reaches_the_other_instruments_of_the_group(anna: Booker) -> None:
    facility = a_facility()
    group = an_exclusion_group(facility)
    first = ruled(an_instrument(facility, exclusion_group_id=group.id), buffer_after=60)
    second = an_instrument(facility, exclusion_group_id=group.id)
    anna.book(first)
    with pytest.raises(Conflict) as refused:
        anna.book(second, NINE + 2 * HOUR)
    assert free_in(refused.value) == "2027-01-04 13:00"


# --- the week ----------------------------------------------------------------------------------------------


def week(client: Browser) -> str:
    with clock.frozen_at(BEFORE):
        answer = client.get("/facilities/lab/scope?week=2027-01-04&lang=en")
    assert answer.status_code == 200
    return " ".join(answer.text.split())


@pytest.fixture
def scope(context: Flask) -> Instrument:
    plan = an_operating_plan((0, 480, 600))
    return an_instrument(a_facility(slug="lab"), slug="scope", operating_plan_id=plan.id)


def test_the_week_offers_no_time_that_buffers_keep(app: Flask, scope: Instrument) -> None:
    ruled(scope, buffer_before=20, buffer_after=30)
    a_booking(scope, starts_at=rome(2027, 1, 4, 12, 0), held_until=rome(2027, 1, 4, 14, 30))
    text = week(browser(app, a_booker().person.id))
    assert "08:00–11:30" in text, "half an hour after a booking here ends when the next begins"
    assert "15:00–18:00" in text, "14:50 is not on the grid"
    assert "start=2027-01-04T15:00" in text
    assert "start=2027-01-04T14" not in text


def test_a_booking_of_the_day_before_keeps_time_by_its_buffer(app: Flask, scope: Instrument) -> None:
    ruled(scope, buffer_before=120)
    a_booking(
        scope, starts_at=rome(2027, 1, 3, 20, 0), ends_at=rome(2027, 1, 3, 22, 0), held_until=rome(2027, 1, 4, 8, 0)
    )
    text = week(browser(app, a_booker().person.id))
    assert "start=2027-01-04T10:00" in text
    assert "start=2027-01-04T08:00" not in text


def test_the_week_offers_nothing_within_the_lead_time_or_beyond_the_horizon(app: Flask, scope: Instrument) -> None:
    ruled(scope, horizon_days=30)
    assert 'class="free"' not in week(browser(app, a_booker().person.id))
    rules = db.session.get_one(InstrumentRules, scope.id)
    rules.horizon_days, rules.lead_minutes = 365, 60 * 24 * 70
    db.session.commit()
    assert 'class="free"' not in week(browser(app, a_booker().person.id))
    rules.lead_minutes = 0
    db.session.commit()
    assert 'class="free"' in week(browser(app, a_booker().person.id))
