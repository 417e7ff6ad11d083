"""Free and busy: arithmetic on stretches, units and clock changes."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.availability import Busy, free_units, next_free, stretches, with_buffers
from core.intervals import Interval, union
from core.localtime import instants_at
from tests.factories import MONDAY

ROME = ZoneInfo("Europe/Rome")


def hours(start: int, end: int) -> Interval:
    """A stretch of Monday's hours."""
    return Interval(MONDAY + timedelta(hours=start), MONDAY + timedelta(hours=end))


def test_a_stretch_is_free_on_the_units_that_nothing_touches() -> None:
    busy = [Busy(hours(9, 11), 0), Busy(hours(10, 12), 2)]
    assert free_units(busy, 3, hours(8, 9)) == [0, 1, 2]
    assert free_units(busy, 3, hours(10, 11)) == [1]
    assert free_units(busy, 3, hours(11, 12)) == [0, 1]
    assert free_units([Busy(hours(9, 11), None)], 3, hours(10, 11)) == []


def test_the_next_free_start_is_the_first_from_which_the_whole_length_fits() -> None:
    busy = [Busy(hours(9, 11), 0), Busy(hours(12, 14), 0)]
    starts = [MONDAY + timedelta(hours=hour) for hour in (14, 11, 8)]
    assert next_free(busy, 1, hours(10, 12), starts, lambda _stretch: True) == MONDAY + timedelta(hours=14)
    assert next_free(busy, 1, hours(10, 11), starts, lambda _stretch: True) == MONDAY + timedelta(hours=11)
    assert next_free(busy, 1, hours(10, 11), starts, lambda _stretch: False) is None


def test_a_booking_with_buffers_of_its_own_finds_less_time_free() -> None:
    busy = with_buffers([Busy(hours(9, 11), 0)], timedelta(hours=1), timedelta(hours=2))
    assert free_units(busy, 1, hours(6, 7)) == [0], "its two hours afterwards end when the next begins"
    assert free_units(busy, 1, hours(6, 8)) == []
    assert free_units(busy, 1, hours(11, 13)) == []
    assert free_units(busy, 1, hours(12, 13)) == [0]


stretches_of_hours = st.tuples(st.integers(0, 22), st.integers(1, 6)).map(lambda t: hours(t[0], t[0] + t[1]))
held_times = st.lists(st.tuples(stretches_of_hours, st.sampled_from([0, 1, None])), max_size=12)


@given(held_times)
def test_stretches_cover_the_day_once_and_each_hour_counts_right(found: list[tuple[Interval, int | None]]) -> None:
    busy = [Busy(interval, unit) for interval, unit in found]
    pieces = stretches(busy, 2, [hours(0, 24)])
    assert union(piece.interval for piece in pieces) == [hours(0, 24)]
    assert sum(piece.interval.minutes for piece in pieces) == 24 * 60
    for hour in range(24):
        free = next(piece.free_units for piece in pieces if piece.interval.holds(hours(hour, hour + 1)))
        assert free == len(free_units(busy, 2, hours(hour, hour + 1)))


@pytest.mark.parametrize(
    ("day", "minute", "found"),
    [
        (date(2027, 1, 4), 8 * 60, ["2027-01-04T07:00"]),
        (date(2027, 1, 4), 24 * 60, ["2027-01-04T23:00"]),
        (date(2027, 3, 28), 2 * 60 + 30, []),
        (date(2027, 3, 28), 3 * 60, ["2027-03-28T01:00"]),
        (date(2027, 10, 31), 2 * 60 + 30, ["2027-10-31T00:30", "2027-10-31T01:30"]),
        (date(2027, 10, 31), 3 * 60, ["2027-10-31T02:00"]),
    ],
)
def test_a_wall_time_has_no_one_or_two_instants(day: date, minute: int, found: list[str]) -> None:
    expected = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in found]
    assert list(instants_at(day, minute, ROME)) == expected
