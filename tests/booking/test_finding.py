"""The finder offers only what can be booked, and the earliest of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from booking.availability import Busy
from booking.finding import EVERY_DAY, Wish, bookable_minutes, kilometres, offers, suitable, windows
from booking.terms import Terms
from core.intervals import Interval
from facilities.openings import WeeklyShift
from facilities.policy import BookingMode
from tests.booking.bookers import ROME, rome

NOW = rome(2027, 1, 4, 6)  # a Monday
WEEK = Interval(rome(2027, 1, 4), rome(2027, 1, 11))
WEEKDAYS = frozenset(range(5))
BY_SHIFT = {"shifts": (WeeklyShift(0, 360, 480), WeeklyShift(0, 840, 480)), "slot_minutes": 480, "least_minutes": 480}


def terms(**values: Any) -> Terms:
    usual: dict[str, Any] = {"slot_minutes": 60, "least_minutes": 60, "most_minutes": 1440}
    return Terms(**{"mode": BookingMode.INSTANT, "zone": ROME, **usual, **values})


def wish(minutes: int = 120, **values: Any) -> Wish:
    usual: dict[str, Any] = {"when": WEEK}
    return Wish(minutes=minutes, **{**usual, **values})


def hours(first: int, last: int, day: int = 4) -> Interval:
    """From one full hour to another of a day in January 2027."""
    return Interval(rome(2027, 1, day, first), rome(2027, 1, day, last))


def starts(
    terms: Terms, *busy: Busy, capacity: int = 1, now: datetime = NOW, most: int = 1, **wished: Any
) -> list[str]:
    found = [one.booking for one in offers(terms, busy, capacity, wish(**wished), now, most)]
    return [f"{one.start.astimezone(ROME):%d %H:%M}–{one.end.astimezone(ROME):%d %H:%M}" for one in found]


@pytest.mark.parametrize(
    ("rules", "wished", "expected"),
    [
        ({}, {}, ["04 06:00–04 08:00"]),
        ({}, {"now": rome(2027, 1, 4, 6, 1)}, ["04 07:00–04 09:00"]),
        ({"slot_minutes": 15}, {"now": rome(2027, 1, 4, 6, 1), "minutes": 40}, ["04 06:15–04 07:15"]),
        ({"slot_minutes": 15, "least_minutes": 15}, {"minutes": 40}, ["04 06:00–04 06:45"]),
        ({"lead_minutes": 150}, {}, ["04 09:00–04 11:00"]),
        ({"horizon_days": 1}, {"minutes": 24 * 60}, ["04 06:00–05 06:00"]),
        ({"horizon_days": 1}, {"minutes": 24 * 60, "now": rome(2027, 1, 4, 6, 1)}, []),
        ({"most_minutes": 119}, {}, []),
        ({"shifts": (WeeklyShift(2, 480, 240),)}, {}, ["06 08:00–06 10:00"]),
        ({"shifts": (WeeklyShift(2, 480, 90),)}, {}, []),
        ({"shifts": (WeeklyShift(2, 510, 240),)}, {}, ["06 08:30–06 10:30"]),
        (BY_SHIFT, {}, ["04 06:00–04 14:00"]),
        (BY_SHIFT, {"now": rome(2027, 1, 4, 6, 1)}, ["04 14:00–04 22:00"]),
        ({"slot_minutes": 1440, "least_minutes": 1440}, {}, ["05 00:00–06 00:00"]),
        ({}, {"from_minute": 540, "until_minute": 1020}, ["04 09:00–04 11:00"]),
        ({}, {"from_minute": 540, "until_minute": 1020, "minutes": 540}, []),
        ({}, {"weekdays": frozenset({5, 6}), "minutes": 1440}, ["09 00:00–10 00:00"]),
        ({"most_minutes": 3000}, {"weekdays": frozenset({5}), "minutes": 1500}, []),
        ({"most_minutes": 3000}, {"weekdays": frozenset({5, 6}), "minutes": 1500}, ["09 00:00–10 01:00"]),
        ({}, {"when": hours(7, 8)}, []),
    ],
)
def test_the_earliest_booking_keeps_to_terms_and_wish(
    rules: dict[str, Any], wished: dict[str, Any], expected: list[str]
) -> None:
    assert starts(terms(**rules), **wished) == expected


@pytest.mark.parametrize(
    ("rules", "busy", "capacity", "expected"),
    [
        ({}, [Busy(hours(7, 9), 0)], 1, ["04 09:00–04 11:00"]),
        ({}, [Busy(hours(8, 9), 0)], 1, ["04 06:00–04 08:00"]),
        ({}, [Busy(hours(7, 9), 0)], 2, ["04 06:00–04 08:00"]),
        ({}, [Busy(hours(7, 9), 0), Busy(hours(6, 7), 1)], 2, ["04 07:00–04 09:00"]),
        ({}, [Busy(hours(6, 9), 0), Busy(hours(8, 12), 1)], 2, ["04 06:00–04 08:00"]),
        ({}, [Busy(hours(6, 9), None)], 2, ["04 09:00–04 11:00"]),
        ({"buffer_after": 30}, [Busy(hours(8, 9), 0)], 1, ["04 09:00–04 11:00"]),
        ({"buffer_before": 30}, [Busy(hours(7, 9), 0)], 1, ["04 10:00–04 12:00"]),
        ({"buffer_after": 60, "shifts": (WeeklyShift(0, 540, 120),)}, [], 1, ["04 09:00–04 11:00"]),
        ({"buffer_after": 60, "shifts": (WeeklyShift(0, 540, 120),)}, [Busy(hours(11, 12), 0)], 1, []),
    ],
)
def test_the_earliest_booking_finds_one_unit_free_with_its_buffers(
    rules: dict[str, Any], busy: list[Busy], capacity: int, expected: list[str]
) -> None:
    assert starts(terms(**rules), *busy, capacity=capacity) == expected


def test_a_stretch_that_changes_units_is_not_one_window() -> None:
    busy = [Busy(hours(6, 8), 0), Busy(hours(10, 12), 1)]
    assert windows(terms(), busy, 2, [hours(6, 12)]) == [hours(6, 10), hours(8, 12)]


def test_each_free_stretch_makes_one_offer_in_order_of_time() -> None:
    found = offers(terms(), [Busy(hours(8, 9), 0), Busy(hours(12, 13), 0)], 1, wish(), NOW, 5)
    assert [one.booking for one in found] == [hours(6, 8), hours(9, 11), hours(13, 15)]
    assert [one.free_until for one in found[:2]] == [rome(2027, 1, 4, 8), rome(2027, 1, 4, 12)]


def test_an_instrument_that_is_not_used_at_night_offers_the_next_morning() -> None:
    late = rome(2027, 1, 4, 20)
    day_only = terms(shifts=tuple(WeeklyShift(day, 480, 720) for day in range(7)))
    assert starts(day_only, now=late, minutes=300) == ["05 08:00–05 13:00"]


@pytest.mark.parametrize(("first", "length"), [(rome(2027, 3, 27, 20), 9), (rome(2027, 10, 30, 20), 11)])
def test_a_night_of_a_clock_change_has_its_true_length(first: datetime, length: int) -> None:
    night = Interval(first, first + timedelta(hours=length))
    [found] = offers(terms(), [], 1, Wish(night, length * 60), first - timedelta(days=1), 1)
    assert found.booking == night
    assert offers(terms(), [], 1, Wish(night, length * 60 + 1), first, 1) == []


@pytest.mark.parametrize(("month", "day", "hours_long"), [(3, 28, 23), (10, 31, 25)])
def test_a_day_of_a_clock_change_is_one_day_all_the_same(month: int, day: int, hours_long: int) -> None:
    by_day = terms(slot_minutes=1440, least_minutes=1440)
    when = Interval(rome(2027, month, day), rome(2027, month, day) + timedelta(days=2))
    [found] = offers(by_day, [], 1, Wish(when, 600), when.start - timedelta(days=1), 1)
    assert found.booking.length == timedelta(hours=hours_long)


def test_hours_of_the_day_follow_the_wall_clock_and_meet_at_midnight() -> None:
    office = Wish(Interval(rome(2027, 3, 26), rome(2027, 3, 30)), 60, WEEKDAYS, 540, 1020)
    assert [one.start for one in suitable(office, ROME)] == [rome(2027, 3, 26, 9), rome(2027, 3, 29, 9)]
    assert suitable(Wish(WEEK, 60, EVERY_DAY), ROME) == [WEEK]


@pytest.mark.parametrize(
    ("slot", "least", "wanted", "booked"), [(60, 60, 30, 60), (60, 60, 61, 120), (480, 480, 60, 480), (15, 60, 70, 75)]
)
def test_a_wish_is_rounded_up_to_what_can_be_booked(slot: int, least: int, wanted: int, booked: int) -> None:
    assert bookable_minutes(terms(slot_minutes=slot, least_minutes=least), wanted) == booked


def test_distances_are_those_of_the_globe() -> None:
    milan, pavia = (45.4642, 9.19), (45.1847, 9.1582)
    assert kilometres(milan, pavia) == pytest.approx(31.2, abs=0.2)
    assert kilometres(milan, milan) == 0
