"""Bars stand where the wall clock says, also on the days of a clock change, and nothing is lost at the edges."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core import timeline_css
from core.intervals import Interval
from core.timeline import Bar, FreeStretch, Look, Mark, PlacedBar, Row, Timeline, days_from, timeline

ROME = "Europe/Rome"
NOW = datetime(2027, 1, 6, 10, tzinfo=UTC)


def at(text: str) -> datetime:
    """An instant from Roman wall time; a doubled hour is its first pass."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ROME)).astimezone(UTC)


def a_bar(start: str, end: str, look: Look = Look.CONFIRMED, **values: object) -> Bar:
    return Bar(Interval(at(start), at(end)), look, "PV", "says", **values)  # type: ignore[arg-type]


def the_week(*bars: Bar, first: date = date(2027, 1, 4), count: int = 7, **row: object) -> Timeline:
    return timeline([Row("Row", bars, **row)], days_from(first, count, ROME, NOW), ROME, NOW)  # type: ignore[arg-type]


def placed(t: Timeline) -> list[tuple[int, PlacedBar]]:
    return [(n, bar) for n, cell in enumerate(t.rows[0].cells) for bar in cell.bars]


@pytest.mark.parametrize(
    ("start", "end", "day", "quarters"),
    [
        ("2027-01-04T00:00", "2027-01-04T01:00", 0, (0, 0, 4)),
        ("2027-01-05T08:10", "2027-01-05T09:05", 1, (32, 0, 5)),
        ("2027-01-05T22:00", "2027-01-06T02:00", 1, (88, 0, 16)),
        ("2027-01-06T16:00", "2027-01-07T00:00", 2, (64, 0, 32)),
        ("2027-01-06T00:00", "2027-01-08T06:00", 2, (0, 2, 24)),
        ("2027-01-10T20:00", "2027-01-11T06:00", 6, (80, 0, 16)),
        ("2027-01-03T20:00", "2027-01-04T06:00", 0, (0, 0, 24)),
        ("2027-01-01T00:00", "2027-02-01T00:00", 0, (0, 7, 0)),
    ],
)
def test_a_bar_stands_on_the_day_it_begins_with_its_length_in_quarters(
    start: str, end: str, day: int, quarters: tuple[int, int, int]
) -> None:
    [(index, bar)] = placed(the_week(a_bar(start, end)))
    assert index == day
    assert (bar.place.start, bar.place.days, bar.place.quarters) == quarters


def test_a_bar_that_leaves_the_period_says_so_on_both_sides() -> None:
    [(_, bar)] = placed(the_week(a_bar("2027-01-01T00:00", "2027-02-01T00:00")))
    assert bar.place.from_before
    assert bar.place.goes_on


@pytest.mark.parametrize(
    ("first", "hours"), [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25), (date(2027, 1, 4), 24)]
)
def test_a_day_with_a_clock_change_has_its_true_length(first: date, hours: int) -> None:
    assert days_from(first, 1, ROME, NOW)[0].hours == hours


@pytest.mark.parametrize("first", [date(2027, 3, 28), date(2027, 10, 31)])
def test_nine_o_clock_stands_at_nine_on_the_day_of_a_clock_change(first: date) -> None:
    [(_, bar)] = placed(the_week(a_bar(f"{first}T09:00", f"{first}T11:00"), first=first, count=1))
    assert (bar.place.start, bar.place.quarters) == (36, 8)


def test_an_hour_that_the_clock_repeats_is_still_drawn() -> None:
    first_pass = at("2027-10-31T02:15")
    bar = Bar(Interval(first_pass, first_pass + timedelta(hours=1)), Look.CONFIRMED, "PV", "says")
    [(_, one)] = placed(the_week(bar, first=date(2027, 10, 31), count=1))
    assert one.place.quarters == 1


def test_overlapping_bars_stand_in_lanes_of_their_own() -> None:
    t = the_week(
        a_bar("2027-01-04T08:00", "2027-01-04T12:00"),
        a_bar("2027-01-04T10:00", "2027-01-04T14:00"),
        a_bar("2027-01-04T12:00", "2027-01-04T16:00"),
        capacity=2,
    )
    assert [bar.lane for _, bar in placed(t)] == [0, 1, 0]
    assert t.rows[0].lanes == 2


def test_the_agenda_offers_only_time_that_is_open_and_has_a_free_unit() -> None:
    opening = Interval(at("2027-01-04T08:00"), at("2027-01-04T18:00"))
    t = the_week(
        a_bar("2027-01-04T09:00", "2027-01-04T12:00"),
        a_bar("2027-01-04T11:00", "2027-01-04T13:00"),
        capacity=2,
        open=[opening],
        book_url=lambda free: "/book",
    )
    free = [e.when for e in t.rows[0].cells[0].agenda if isinstance(e, FreeStretch)]
    assert free == [
        Interval(at("2027-01-04T08:00"), at("2027-01-04T11:00")),
        Interval(at("2027-01-04T12:00"), at("2027-01-04T18:00")),
    ]
    assert [e for e in t.rows[0].cells[1].agenda if isinstance(e, FreeStretch)] == []


def test_closed_time_is_shaded_up_to_midnight() -> None:
    opening = Interval(at("2027-01-09T08:00"), at("2027-01-09T16:00"))
    cells = the_week(open=[opening]).rows[0].cells
    assert cells[0].off == ["s0 w0 d1"]
    assert cells[5].off == ["s0 w32", "s64 w32"]


def test_use_counts_held_open_time_without_what_a_plan_takes_away() -> None:
    opening = Interval(at("2027-01-04T08:00"), at("2027-01-04T18:00"))
    kept = a_bar("2027-01-04T08:00", "2027-01-04T13:00")
    lost = a_bar("2027-01-04T13:00", "2027-01-04T18:00", marks=frozenset({Mark.LOST}))
    assert the_week(kept, lost, open=[opening]).rows[0].used == pytest.approx(0.5)
    assert the_week(open=[]).rows[0].used is None


def test_a_label_is_shown_only_where_it_fits_whole() -> None:
    narrow, wide = a_bar("2027-01-04T08:00", "2027-01-04T09:00"), a_bar("2027-01-05T08:00", "2027-01-05T20:00")
    (_, first), (_, second) = placed(the_week(narrow, wide))
    assert "k2" not in first.classes.split()
    assert "k3" in first.classes.split()
    assert {"k1", "m2"} <= set(second.classes.split())


def test_the_phone_opens_on_today_or_on_the_first_day_with_something() -> None:
    assert the_week().shown_day == 2
    later = the_week(a_bar("2027-02-04T08:00", "2027-02-04T10:00"), first=date(2027, 2, 1))
    assert later.shown_day == 3


def test_the_static_classes_are_those_that_the_code_makes() -> None:
    assert timeline_css.FILE.read_text(encoding="utf-8").splitlines() == timeline_css.rules()


def test_a_buffer_is_drawn_around_its_bar_and_keeps_the_agenda_free_of_offers() -> None:
    bar = a_bar("2027-01-04T10:00", "2027-01-04T12:00")
    held = Interval(at("2027-01-04T09:30"), at("2027-01-04T13:00"))
    t = the_week(replace(bar, held=held), book_url=lambda free: "/book")
    assert placed(t)[0][1].buffer == "s38 w14"
    assert t.has_buffers
    free = [e.when for e in t.rows[0].cells[0].agenda if isinstance(e, FreeStretch)]
    assert [one.end for one in free] == [held.start, at("2027-01-05T00:00")]
    assert not the_week(bar, replace(bar, held=bar.when)).has_buffers


def test_a_bar_that_fills_its_row_leaves_no_unit_free() -> None:
    bar = a_bar("2027-01-04T10:00", "2027-01-04T12:00")
    for fills, free in ((True, 2), (False, 1)):
        t = the_week(replace(bar, fills=fills), capacity=2, book_url=lambda free: "/book")
        assert sum(isinstance(e, FreeStretch) for e in t.rows[0].cells[0].agenda) == free


@pytest.mark.parametrize(
    ("day", "changed"), [(date(2027, 3, 28), "s8 w4"), (date(2027, 10, 31), "s8 w4"), (date(2027, 1, 4), "")]
)
def test_the_hour_that_the_clocks_skip_or_double_has_a_place(day: date, changed: str) -> None:
    assert days_from(day, 1, ROME, NOW)[0].changed == changed


def test_a_bar_over_the_night_of_a_clock_change_ends_where_the_wall_clock_says() -> None:
    [(index, bar)] = placed(the_week(a_bar("2027-03-27T22:00", "2027-03-28T06:00"), first=date(2027, 3, 22)))
    assert (index, bar.place.start, bar.place.quarters) == (5, 88, 32)


def test_days_that_are_pages_of_their_own_have_one_agenda() -> None:
    days = days_from(date(2027, 1, 4), 7, ROME, NOW)
    t = timeline([Row("Row", [a_bar("2027-01-05T10:00", "2027-01-05T12:00")])], days, ROME, NOW, day_url=str)
    assert list(t.agenda_days) == [2]
    assert t.day_urls[1] == "1"
    t = timeline([Row("Row", t.rows[0].row.bars)], days, ROME, NOW, day_url=str, shown_day=1)
    assert [len(cell.agenda) for cell in t.rows[0].cells] == [0, 1, 0, 0, 0, 0, 0]


def test_rows_of_one_group_stand_together() -> None:
    days = days_from(date(2027, 1, 4), 1, ROME, NOW)
    t = timeline([Row(name, (), group=name[0]) for name in ("A1", "A2", "B1")], days, ROME, NOW)
    assert [[row.row.name for row in group] for group in t.groups] == [["A1", "A2"], ["B1"]]


def test_only_a_bar_that_may_be_dragged_tells_its_times_to_a_script() -> None:
    bar = a_bar("2027-01-04T10:00", "2027-01-04T12:00")
    (_, fixed), (_, loose) = placed(the_week(bar, replace(bar, sequence=3)))
    assert (fixed.drag_from, fixed.drag_until) == ("", "")
    assert (loose.drag_from, loose.drag_until) == ("2027-01-04T10:00", "2027-01-04T12:00")
    assert loose.times == "10:00–12:00"
