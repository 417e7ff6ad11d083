"""Which days and instants a repeated booking falls on, against an oracle that walks day by day and minute by minute."""

from calendar import monthrange
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking.recurrence import (
    FURTHEST_DAYS,
    LAST,
    MOST_OCCURRENCES,
    MonthlyOnDay,
    MonthlyOnWeekday,
    Occurrence,
    Pattern,
    Rule,
    Weekly,
    at_times,
    before,
    beginning_at,
    check_horizon,
    checked,
    days_of,
    occurrence,
    occurrences,
    read,
    rule_days,
    since,
    written,
)
from core.errors import Invalid
from core.intervals import Interval

ROME = ZoneInfo("Europe/Rome")
MONDAY = date(2027, 1, 4)
DAY = timedelta(days=1)


def a_pattern(rule: Rule | None = None, **values: Any) -> Pattern:
    """Each Monday from MONDAY on, four times, 09:00–11:00."""
    chosen = rule or Weekly(1, frozenset({0}))
    if "until" not in values:
        values.setdefault("count", 4)
    return Pattern(**{"rule": chosen, "first": MONDAY, "start": 540, "end": 660, **values})


def days(text: str) -> list[date]:
    """'2027-01-04 01-11' as days; a year holds until another one is named."""
    found: list[date] = []
    for word in text.split():
        found.append(date.fromisoformat(word if len(word) > 5 else f"{found[-1].year}-{word}"))
    return found


# --- days -------------------------------------------------------------------------------------------------

DAYS = [
    ("weekly", Weekly(1, frozenset({0})), {}, "2027-01-04 01-11 01-18 01-25"),
    ("until its day, which is one", Weekly(1, frozenset({0})), {"until": date(2027, 1, 18)}, "2027-01-04 01-11 01-18"),
    ("until the day before", Weekly(1, frozenset({0})), {"until": date(2027, 1, 17)}, "2027-01-04 01-11"),
    ("several weekdays", Weekly(1, frozenset({4, 1})), {}, "2027-01-05 01-08 01-12 01-15"),
    ("every second week", Weekly(2, frozenset({0, 2})), {}, "2027-01-04 01-06 01-18 01-20"),
    (
        "the week of the first day counts from Monday",
        Weekly(2, frozenset({1, 4})),
        {"first": date(2027, 1, 7)},
        "2027-01-08 01-19 01-22 02-02",
    ),
    (
        "over the year's end",
        Weekly(1, frozenset({4})),
        {"first": date(2027, 12, 20)},
        "2027-12-24 12-31 2028-01-07 01-14",
    ),
    ("day of the month", MonthlyOnDay(1, 15), {}, "2027-01-15 02-15 03-15 04-15"),
    ("months without a 31st are left out", MonthlyOnDay(1, 31), {}, "2027-01-31 03-31 05-31 07-31"),
    ("last day of the month", MonthlyOnDay(1, LAST), {}, "2027-01-31 02-28 03-31 04-30"),
    (
        "29 February comes in leap years",
        MonthlyOnDay(1, 29),
        {"first": date(2028, 1, 30)},
        "2028-02-29 03-29 04-29 05-29",
    ),
    ("every third month", MonthlyOnDay(3, 1), {}, "2027-04-01 07-01 10-01 2028-01-01"),
    ("second Tuesday", MonthlyOnWeekday(1, 2, 1), {}, "2027-01-12 02-09 03-09 04-13"),
    ("last Friday", MonthlyOnWeekday(1, LAST, 4), {}, "2027-01-29 02-26 03-26 04-30"),
    ("months without a fifth Monday are left out", MonthlyOnWeekday(1, 5, 0), {}, "2027-03-29 05-31 08-30 11-29"),
    (
        "excepted days count",
        Weekly(1, frozenset({0})),
        {"excepted": frozenset({date(2027, 1, 11)})},
        "2027-01-04 01-18 01-25",
    ),
]


@pytest.mark.parametrize(("rule", "values", "expected"), [pytest.param(*case[1:], id=case[0]) for case in DAYS])
def test_the_days_of_a_pattern(rule: Rule, values: dict[str, Any], expected: str) -> None:
    assert days_of(checked(a_pattern(rule, **values))) == days(expected)


def rules() -> st.SearchStrategy[Rule]:
    every = st.integers(1, 6)
    nth = st.sampled_from([1, 2, 3, 4, 5, LAST])
    return st.one_of(
        st.builds(Weekly, every, st.frozensets(st.integers(0, 6), min_size=1)),
        st.builds(MonthlyOnDay, every, st.one_of(st.just(LAST), st.integers(1, 31))),
        st.builds(MonthlyOnWeekday, every, nth, st.integers(0, 6)),
    )


@st.composite
def patterns(draw: st.DrawFn) -> Pattern:
    first = draw(st.dates(date(2024, 1, 1), date(2030, 12, 31)))
    ends: dict[str, Any] = (
        {"count": draw(st.integers(1, 40))}
        if draw(st.booleans())
        else {"until": first + draw(st.integers(0, 400)) * DAY}
    )
    start, length = draw(st.integers(0, 1439)), draw(st.integers(1, 3000))
    span, end = divmod(start + length, 1440)
    excepted = frozenset(first + n * DAY for n in draw(st.frozensets(st.integers(0, 60), max_size=5)))
    values: dict[str, Any] = {"start": start, "end": end or 1440, "days": span if end else span - 1}
    return Pattern(rule=draw(rules()), first=first, excepted=excepted, **values, **ends)


def fits(rule: Rule, first: date, day: date) -> bool:
    """Whether a rule names a day, by counting on fingers."""
    if isinstance(rule, Weekly):
        weeks = ((day - day.weekday() * DAY) - (first - first.weekday() * DAY)).days // 7
        return weeks % rule.every == 0 and day.weekday() in rule.weekdays
    if ((day.year - first.year) * 12 + day.month - first.month) % rule.every:
        return False
    length = monthrange(day.year, day.month)[1]
    if isinstance(rule, MonthlyOnDay):
        return day.day == (length if rule.month_day == LAST else rule.month_day)
    if day.weekday() != rule.weekday:
        return False
    return day.day + 7 > length if rule.nth == LAST else (day.day - 1) // 7 + 1 == rule.nth


def walked(pattern: Pattern) -> list[date]:
    """The days of a pattern, excepted ones too, by walking through the calendar."""
    every = [pattern.first + n * DAY for n in range(FURTHEST_DAYS + 1)]
    found = [day for day in every if fits(pattern.rule, pattern.first, day)]
    if pattern.until is not None:
        return [day for day in found if day <= pattern.until]
    return found[: pattern.count]


@settings(max_examples=200, deadline=None)
@given(patterns())
def test_the_days_are_those_that_a_walk_through_the_calendar_finds(pattern: Pattern) -> None:
    expected = walked(pattern)
    if len(expected) <= MOST_OCCURRENCES:
        assert rule_days(pattern) == expected
        assert days_of(pattern) == [day for day in expected if day not in pattern.excepted]
    else:
        assert len(rule_days(pattern)) == MOST_OCCURRENCES + 1


@settings(max_examples=100, deadline=None)
@given(patterns(), st.integers(0, 400))
def test_a_pattern_cut_in_two_gives_the_same_days(pattern: Pattern, at: int) -> None:
    every = rule_days(pattern)
    if len(every) < 2 or len(every) > MOST_OCCURRENCES:
        return
    cut = every[1 + at % (len(every) - 1)]
    head, tail = before(pattern, cut), since(pattern, cut)
    assert rule_days(head) + rule_days(tail) == every
    assert days_of(head) + days_of(tail) == days_of(pattern)


@settings(max_examples=100, deadline=None)
@given(patterns())
def test_what_is_written_is_read_back(pattern: Pattern) -> None:
    try:
        checked(pattern)
    except Invalid:
        with pytest.raises(Invalid):
            read(written(pattern))
        return
    assert read(written(pattern)) == pattern


# --- instants ---------------------------------------------------------------------------------------------


def at(*wall: int) -> datetime:
    """An instant in UTC."""
    return datetime(*wall, tzinfo=UTC)  # type: ignore[misc,arg-type]


def test_nine_stays_nine_across_both_clock_changes() -> None:
    spring = occurrences(a_pattern(first=date(2027, 3, 22)), ROME)
    assert [one.interval.start.hour for one in spring if one.interval] == [8, 7, 7, 7]
    autumn = occurrences(a_pattern(first=date(2027, 10, 25)), ROME)
    assert [one.interval.start.hour for one in autumn if one.interval] == [7, 8, 8, 8]
    for one in spring + autumn:
        assert one.interval is not None
        assert one.interval.start.astimezone(ROME).hour == 9


INSTANTS = [
    ("a start that is skipped", 150, 300, 0, date(2027, 3, 28), None, False),
    ("an end that is skipped", 60, 150, 0, date(2027, 3, 28), None, False),
    ("around the skipped hour", 90, 210, 0, date(2027, 3, 28), (at(2027, 3, 28, 0, 30), at(2027, 3, 28, 1, 30)), False),
    ("a start that comes twice", 150, 300, 0, date(2027, 10, 31), (at(2027, 10, 31, 0, 30), at(2027, 10, 31, 4)), True),
    ("an end that comes twice", 60, 150, 0, date(2027, 10, 31), (at(2027, 10, 30, 23), at(2027, 10, 31, 0, 30)), True),
    ("until midnight", 1320, 1440, 0, date(2027, 1, 4), (at(2027, 1, 4, 21), at(2027, 1, 4, 23)), False),
    ("over night", 1320, 120, 1, date(2027, 1, 4), (at(2027, 1, 4, 21), at(2027, 1, 5, 1)), False),
    ("an end that is skipped on the next day", 1320, 150, 1, date(2027, 3, 27), None, False),
    ("a whole day of 23 hours", 0, 1440, 0, date(2027, 3, 28), (at(2027, 3, 27, 23), at(2027, 3, 28, 22)), False),
]


@pytest.mark.parametrize(
    ("start", "end", "span", "day", "expected", "doubled"), [pytest.param(*case[1:], id=case[0]) for case in INSTANTS]
)
def test_the_instants_of_an_occurrence(
    start: int, end: int, span: int, day: date, expected: tuple[datetime, datetime] | None, doubled: bool
) -> None:
    found = occurrence(a_pattern(start=start, end=end, days=span), day, ROME)
    assert found == Occurrence(day, Interval(*expected) if expected else None, doubled)


ZONES = [ZoneInfo(name) for name in ("Europe/Rome", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu")]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), st.dates(date(2026, 1, 1), date(2028, 12, 31)), st.integers(0, 1439))
def test_an_instant_is_the_first_one_at_which_the_clocks_show_its_wall_time(
    zone: ZoneInfo, day: date, minute: int
) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    wall = (midnight + timedelta(minutes=minute)).replace(tzinfo=None)
    around = (wall.replace(tzinfo=UTC) + timedelta(minutes=n) for n in range(-15 * 60, 15 * 60))
    showing = [instant for instant in around if instant.astimezone(zone).replace(tzinfo=None) == wall]
    found = occurrence(a_pattern(start=minute, end=1440, days=3), day, zone)
    if not showing:
        assert found.interval is None
    elif found.interval is not None:
        assert found.interval.start == showing[0]
        assert found.is_doubled >= (len(showing) > 1)


# --- changes ----------------------------------------------------------------------------------------------


def test_another_start_keeps_the_length_by_the_clock() -> None:
    night = a_pattern(start=1320, end=120, days=1)
    moved = beginning_at(night, 1200)
    assert (moved.start, moved.end, moved.days) == (1200, 1440, 0)
    assert beginning_at(moved, 1320) == night
    assert beginning_at(night, 1439).wall_minutes == night.wall_minutes


def test_other_times_are_checked() -> None:
    assert at_times(a_pattern(), 600, 720, 0) == replace(a_pattern(), start=600, end=720)
    with pytest.raises(Invalid) as refused:
        at_times(a_pattern(), 600, 600, 0)
    assert (refused.value.code, list(refused.value.fields)) == ("ends_before_start", ["end"])


# --- what is allowed --------------------------------------------------------------------------------------

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("no weekday", {"rule": Weekly(1, frozenset())}, "no_weekday", "weekdays"),
    ("an eighth weekday", {"rule": Weekly(1, frozenset({0, 7}))}, "no_weekday", "weekdays"),
    ("every 0 weeks", {"rule": Weekly(0, frozenset({0}))}, "no_interval", "every"),
    ("every 53 weeks", {"rule": Weekly(53, frozenset({0}))}, "no_interval", "every"),
    ("the 32nd", {"rule": MonthlyOnDay(1, 32)}, "no_month_day", "month_day"),
    ("the day 0", {"rule": MonthlyOnDay(1, 0)}, "no_month_day", "month_day"),
    ("the last day but one", {"rule": MonthlyOnDay(1, -2)}, "no_month_day", "month_day"),
    ("a sixth Monday", {"rule": MonthlyOnWeekday(1, 6, 0)}, "no_nth", "nth"),
    ("no such weekday", {"rule": MonthlyOnWeekday(1, 1, 7)}, "no_nth", "nth"),
    ("no end at all", {"count": None}, "no_end", "until"),
    ("two ends", {"until": MONDAY + 30 * DAY}, "no_end", "until"),
    ("never", {"count": 0}, "too_many", "count"),
    ("too often", {"count": MOST_OCCURRENCES + 1}, "too_many", "count"),
    (
        "too often until a day",
        {"rule": Weekly(1, frozenset(range(7))), "count": None, "until": MONDAY + 200 * DAY},
        "too_many",
        "until",
    ),
    ("an end before the first day", {"count": None, "until": MONDAY - DAY}, "ends_before_first", "until"),
    ("until far away", {"count": None, "until": MONDAY + 732 * DAY}, "too_long_a_series", "until"),
    ("so often that it takes years", {"count": 120}, "too_long_a_series", "count"),
    ("a day that never comes", {"rule": MonthlyOnDay(12, 30), "first": date(2027, 2, 1)}, "no_occurrence", "first"),
    (
        "no day until the end",
        {"count": None, "first": MONDAY + DAY, "until": MONDAY + 3 * DAY},
        "no_occurrence",
        "first",
    ),
    ("a year of another age", {"first": date(9999, 1, 1)}, "no_day", "first"),
    ("a start at 24:00", {"start": 1440, "end": 60, "days": 1}, "no_time", "start"),
    ("an end at 00:00", {"end": 0, "days": 1}, "no_time", "end"),
    ("no length", {"end": 540}, "ends_before_start", "end"),
    ("days that go back", {"days": -1}, "too_many_days", "days"),
    ("days without end", {"days": 32}, "too_many_days", "days"),
]


@pytest.mark.parametrize(("values", "code", "field"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
def test_what_is_no_pattern_is_refused_beside_its_field(values: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(
            Pattern(
                **{"rule": Weekly(1, frozenset({0})), "first": MONDAY, "start": 540, "end": 660, "count": 4, **values}
            )
        )
    assert (refused.value.code, list(refused.value.fields)) == (code, [field])


def test_the_most_and_the_longest_are_allowed() -> None:
    daily = Weekly(1, frozenset(range(7)))
    assert len(days_of(checked(a_pattern(daily, count=MOST_OCCURRENCES)))) == MOST_OCCURRENCES
    assert len(days_of(checked(a_pattern(MonthlyOnDay(1, 4), until=MONDAY + FURTHEST_DAYS * DAY)))) == 25


HORIZONS = [
    ("all inside", MONDAY, 21, None),
    ("the last day is too far", MONDAY, 20, ("too_far_ahead", "count")),
    ("begins yesterday", MONDAY + DAY, 365, ("in_the_past", "first")),
]


@pytest.mark.parametrize(("today", "horizon", "expected"), [pytest.param(*case[1:], id=case[0]) for case in HORIZONS])
def test_a_pattern_lies_between_today_and_the_horizon(
    today: date, horizon: int, expected: tuple[str, str] | None
) -> None:
    if expected is None:
        check_horizon(a_pattern(), today, horizon)
        return
    with pytest.raises(Invalid) as refused:
        check_horizon(a_pattern(), today, horizon)
    assert (refused.value.code, *refused.value.fields) == expected


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("another repetition", {"repeats": "yearly"}),
    ("a list as its name", {"repeats": ["weekly"]}),
    ("a text as a number", {"every": "1"}),
    ("a truth as a number", {"every": True}),
    ("no list of weekdays", {"weekdays": 3}),
    ("no day", {"first": "2027-02-30"}),
    ("a number as a day", {"first": 20270104}),
    ("nonsense as exceptions", {"excepted": ["x"]}),
    ("a fraction of a minute", {"start": 540.5}),
    ("more than is allowed", {"count": 201}),
]


@pytest.mark.parametrize("values", [pytest.param(case[1], id=case[0]) for case in BROKEN])
def test_what_is_stored_is_checked_when_it_is_read(values: dict[str, Any]) -> None:
    assert read(written(a_pattern())) == a_pattern()
    with pytest.raises(Invalid):
        read({**written(a_pattern()), **values})


@pytest.mark.parametrize("key", sorted(written(a_pattern())))
def test_nothing_may_be_missing_from_what_is_stored(key: str) -> None:
    stored = written(a_pattern())
    del stored[key]
    with pytest.raises(Invalid):
        read(stored)
