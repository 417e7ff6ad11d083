"""The calendar to paint: cells are real stretches of time, right across clock changes, and read back as painted."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from booking.content import WindowContent, WindowKind
from booking.painting import Calendar, Cell, calendar, instant_of, windows_of
from core.intervals import Interval
from facilities.openings import WeeklyShift

ROME = ZoneInfo("Europe/Rome")
SHIFTS = (
    WeeklyShift(5, 480, 480),
    WeeklyShift(5, 960, 480),
    WeeklyShift(6, 480, 480),
    WeeklyShift(1, 1320, 240),
    WeeklyShift(3, 1320, 240),
)


def local(day: date, hour: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=ROME).astimezone(UTC)


def weeks(first: date, count: int) -> Interval:
    return Interval(local(first), local(first + timedelta(weeks=count)))


def cells(table: Calendar) -> list[Cell]:
    return [cell for week in table.weeks for cell in week.cells if cell]


SPRING = weeks(date(2027, 3, 22), 2)
AUTUMN = weeks(date(2027, 10, 25), 2)


def test_there_is_a_row_a_week_and_a_column_a_shift() -> None:
    table = calendar(SHIFTS, ROME, weeks(date(2027, 1, 4), 12), (), ())
    assert len(table.weeks) == 12
    assert len(cells(table)) == 60
    assert [column.weekday for column in table.columns] == [1, 3, 5, 5, 6]
    assert table.weeks[0].monday == date(2027, 1, 4)


def test_without_shifts_there_is_a_column_a_day() -> None:
    table = calendar((), ROME, weeks(date(2027, 1, 4), 2), (), ())
    assert table.by_day
    assert [cell.time.minutes for cell in cells(table)] == [1440] * 14


def test_a_day_may_have_23_or_25_hours() -> None:
    spring = [cell.time.minutes for cell in cells(calendar((), ROME, SPRING, (), ()))]
    autumn = [cell.time.minutes for cell in cells(calendar((), ROME, AUTUMN, (), ()))]
    assert sorted(set(spring)) == [1380, 1440]
    assert spring.index(1380) == 6
    assert sorted(set(autumn)) == [1440, 1500]
    assert autumn.index(1500) == 6


def test_shifts_keep_their_wall_clock_across_the_change() -> None:
    for horizon in (SPRING, AUTUMN):
        for cell in cells(calendar(SHIFTS, ROME, horizon, (), ())):
            assert cell.time.start.astimezone(ROME).hour in (8, 16, 22)


def test_a_shift_over_the_change_is_as_long_as_it_really_is() -> None:
    night = (WeeklyShift(5, 1320, 480),)
    [spring] = [c for c in cells(calendar(night, ROME, SPRING, (), ())) if c.time.minutes != 480]
    [autumn] = [c for c in cells(calendar(night, ROME, AUTUMN, (), ())) if c.time.minutes != 480]
    assert (spring.time.minutes, autumn.time.minutes) == (420, 540)


def test_a_shift_that_is_not_wholly_inside_is_no_cell_but_a_day_is_cut() -> None:
    horizon = Interval(local(date(2027, 1, 9), 10), local(date(2027, 1, 18)))
    table = calendar(SHIFTS, ROME, horizon, (), ())
    assert [cell is None for cell in table.weeks[0].cells] == [True, True, True, False, False]
    first = cells(calendar((), ROME, horizon, (), ()))[0]
    assert first.time == Interval(horizon.start, local(date(2027, 1, 10)))


def test_what_is_wholly_held_back_is_not_offered() -> None:
    horizon = weeks(date(2027, 1, 4), 1)
    saturday = Interval(local(date(2027, 1, 9), 8), local(date(2027, 1, 9), 20))
    held = [cell.is_held for cell in cells(calendar(SHIFTS, ROME, horizon, (), [saturday]))]
    assert held == [False, False, True, False, False]


def test_impossible_wins_where_both_touch_a_cell() -> None:
    horizon = weeks(date(2027, 1, 4), 1)
    start = local(date(2027, 1, 9), 8)
    windows = [
        WindowContent(start, start + timedelta(hours=1), WindowKind.PREFERRED),
        WindowContent(start + timedelta(hours=2), start + timedelta(hours=3), WindowKind.IMPOSSIBLE),
    ]
    kinds = [cell.kind for cell in cells(calendar(SHIFTS, ROME, horizon, windows, ()))]
    assert kinds == [None, None, WindowKind.IMPOSSIBLE, None, None]


def test_a_key_names_start_and_length() -> None:
    cell = cells(calendar(SHIFTS, ROME, weeks(date(2027, 1, 4), 1), (), ()))[0]
    assert cell.key == "20270105T2100Z-240"
    assert instant_of("20270105T2100Z") == cell.time.start


@given(
    st.sampled_from([(), SHIFTS]),
    st.sampled_from([SPRING, AUTUMN, weeks(date(2027, 1, 4), 3)]),
    st.lists(st.sampled_from([None, WindowKind.PREFERRED, WindowKind.IMPOSSIBLE]), min_size=21, max_size=21),
)
def test_what_was_painted_is_read_back(
    shifts: tuple[WeeklyShift, ...], horizon: Interval, kinds: list[WindowKind | None]
) -> None:
    blank = cells(calendar(shifts, ROME, horizon, (), ()))
    painted = dict(zip((cell.time for cell in blank), kinds, strict=False))
    windows = windows_of((time, kind) for time, kind in painted.items() if kind)
    again = cells(calendar(shifts, ROME, horizon, windows, ()))
    assert {cell.time: cell.kind for cell in again} == {cell.time: painted.get(cell.time) for cell in again}
