"""The rules of use, by table: when one checks in and out, when nobody came, and which minutes count."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from booking.terms import Terms
from booking.use import (
    Minutes,
    Slot,
    can_check_in,
    can_check_out,
    can_report,
    end_after_check_out,
    is_no_show,
    minutes_of_no_show,
    minutes_used,
    released_at,
)
from core.intervals import Interval
from facilities.openings import WeeklyShift
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, ROME, rome

END = NINE + 2 * HOUR
BOOKED = Interval(NINE, END)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def slot(**values: Any) -> Slot:
    """Two hours from nine, held and not yet begun."""
    return Slot(**{"booked": BOOKED, "until": END, **values})


IN = slot(checked_in_at=NINE)
OUT = slot(checked_in_at=NINE, checked_out_at=NINE + HOUR, until=NINE + HOUR)


@pytest.mark.parametrize(
    ("one", "now", "allowed"),
    [
        (slot(), NINE - 15 * MINUTE - SECOND, False),
        (slot(), NINE - 15 * MINUTE, True),
        (slot(), NINE, True),
        (slot(), END - SECOND, True),
        (slot(), END, False),
        (slot(is_confirmed=False), NINE, False),
        (IN, NINE, False),
        (slot(no_show_minutes=30), NINE + 31 * MINUTE, True),  # late, and not released yet
    ],
)
def test_check_in_is_open_from_a_quarter_before_the_start_until_the_end(
    one: Slot, now: datetime, allowed: bool
) -> None:
    assert can_check_in(one, now) is allowed


@pytest.mark.parametrize(
    ("one", "now", "allowed"),
    [
        (slot(), NINE, False),
        (IN, NINE, True),
        (IN, END - SECOND, True),
        (IN, END, False),
        (OUT, NINE + HOUR - SECOND, False),
        (slot(checked_in_at=NINE, is_confirmed=False), NINE, False),
    ],
)
def test_check_out_follows_a_check_in_and_comes_once_before_the_end(one: Slot, now: datetime, allowed: bool) -> None:
    assert can_check_out(one, now) is allowed


@pytest.mark.parametrize(
    ("one", "due"),
    [
        (slot(), None),
        (slot(no_show_minutes=30), NINE + 30 * MINUTE),
        (slot(no_show_minutes=1440), END),  # at its end at the latest
        (slot(no_show_minutes=30, checked_in_at=NINE + 29 * MINUTE), None),
        (slot(no_show_minutes=30, is_confirmed=False), None),
    ],
)
def test_nobody_came_when_the_minutes_are_over_without_a_check_in(one: Slot, due: datetime | None) -> None:
    assert released_at(one) == due
    if due is None:
        assert not is_no_show(one, END + HOUR)
    else:
        assert not is_no_show(one, due - SECOND)
        assert is_no_show(one, due)


@pytest.mark.parametrize(
    ("one", "now", "allowed"),
    [
        (slot(), NINE - SECOND, False),
        (slot(), NINE, True),
        (slot(), END + timedelta(days=7) - SECOND, True),
        (slot(), END + timedelta(days=7), False),
        (OUT, END + timedelta(days=7) - SECOND, True),  # counted from the end that was booked
        (slot(is_confirmed=False), NINE, False),
        (slot(is_confirmed=False, no_show_at=NINE + HOUR), END, True),  # the door was locked, say
    ],
)
def test_trouble_is_reported_during_a_booking_and_a_week_long_after_it(one: Slot, now: datetime, allowed: bool) -> None:
    assert can_report(one, now) is allowed


@pytest.mark.parametrize(
    ("one", "minutes"),
    [
        (slot(), Minutes(120, 120, 120)),  # nobody checks in here: all of it
        (IN, Minutes(120, 120, 120)),
        (slot(checked_in_at=NINE - 10 * MINUTE), Minutes(120, 120, 120)),  # early arrival is no use
        (slot(checked_in_at=NINE + 45 * MINUTE), Minutes(120, 75, 120)),  # late: held, though not used
        (slot(checked_in_at=NINE + 30 * SECOND), Minutes(120, 119, 120)),  # whole minutes
        (OUT, Minutes(120, 60, 60)),  # what was given back in time is not charged
        (slot(checked_in_at=NINE, checked_out_at=NINE + 40 * MINUTE, until=NINE + HOUR), Minutes(120, 40, 60)),
        (slot(checked_in_at=NINE - 9 * MINUTE, checked_out_at=NINE - MINUTE, until=NINE + HOUR), Minutes(120, 0, 60)),
    ],
)
def test_minutes_of_a_use(one: Slot, minutes: Minutes) -> None:
    assert minutes_used(one) == minutes


def test_a_booking_that_nobody_used_is_charged_in_full() -> None:
    assert minutes_of_no_show(slot(no_show_minutes=30)) == Minutes(120, 0, 120)


def terms(slot_minutes: int, *shifts: WeeklyShift) -> Terms:
    return Terms(BookingMode.INSTANT, ROME, slot_minutes, slot_minutes, 10_000, shifts or None)


@pytest.mark.parametrize(
    ("slot_minutes", "now", "end"),
    [
        (60, NINE + 90 * MINUTE, END),  # the grid's next instant is the end
        (60, NINE + 59 * MINUTE, NINE + HOUR),
        (60, NINE + HOUR, NINE + HOUR),
        (60, NINE + HOUR + SECOND, END),
        (60, NINE - 5 * MINUTE, NINE + HOUR),  # one slot at least
        (15, NINE + 31 * MINUTE, NINE + 45 * MINUTE),
        (15, NINE + 30 * MINUTE, NINE + 30 * MINUTE),
        (7 * 60, NINE + 30 * MINUTE, END),  # never later than booked
    ],
)
def test_an_early_check_out_ends_on_the_grid_after_at_least_one_slot(
    slot_minutes: int, now: datetime, end: datetime
) -> None:
    assert end_after_check_out(IN, terms(slot_minutes), now) == end


def test_the_grid_is_the_shifts_where_an_instrument_has_them() -> None:
    saturdays = (WeeklyShift(5, 8 * 60, 8 * 60), WeeklyShift(5, 16 * 60, 8 * 60))
    booked = Interval(rome(2027, 1, 9, 8), rome(2027, 1, 10, 0))
    one = Slot(booked, booked.end, checked_in_at=booked.start)
    assert end_after_check_out(one, terms(480, *saturdays), rome(2027, 1, 9, 9)) == rome(2027, 1, 9, 16)


def test_days_end_at_midnight_also_when_the_clocks_change() -> None:
    booked = Interval(rome(2027, 3, 27), rome(2027, 3, 30))  # Sunday 28 March has 23 hours
    one = Slot(booked, booked.end, checked_in_at=booked.start)
    assert end_after_check_out(one, terms(1440), rome(2027, 3, 28, 12)) == rome(2027, 3, 29)
