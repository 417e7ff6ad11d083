"""Rules of bookings that repeat: which local days, and which instants these are in the instrument's zone.

A pattern is kept in wall time, so 09:00 stays 09:00 when the clocks change. The days come from dateutil's recurrence
rules, which follow RFC 5545: weeks begin on Monday, a month without the wanted day has no occurrence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil import rrule

from core.errors import Invalid
from core.i18n import N_
from core.intervals import Interval
from core.localtime import instants_at

MOST_OCCURRENCES = 200
FURTHEST_DAYS = 731
"""Days from the first one to the last that a pattern may name: the longest horizon of an instrument."""
MOST_INTERVAL = 52
MOST_DAYS = 31
LAST = -1
"""The last day of a month, or the last such weekday in it."""
DAY_MINUTES = 24 * 60
EARLIEST, LATEST = date(1971, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True)
class Weekly:
    """Some weekdays (0 = Monday) of every n-th week, the week of the first day being one."""

    every: int
    weekdays: frozenset[int]


@dataclass(frozen=True)
class MonthlyOnDay:
    """A day of the month (1 to 31, or LAST) of every n-th month; a month that lacks it is left out."""

    every: int
    month_day: int


@dataclass(frozen=True)
class MonthlyOnWeekday:
    """The k-th weekday (nth 1 to 5, or LAST) of every n-th month; a month that lacks it is left out."""

    every: int
    nth: int
    weekday: int


Rule = Weekly | MonthlyOnDay | MonthlyOnWeekday
NAMES: Mapping[str, type[Rule]] = {
    "weekly": Weekly,
    "monthly_on_day": MonthlyOnDay,
    "monthly_on_weekday": MonthlyOnWeekday,
}


@dataclass(frozen=True)
class Pattern:
    """What repeats, from local day `first` on, `until` a day (which may still be one) or `count` times.

    `start` and `end` are minutes of wall time after midnight; an occurrence ends `days` days after the one on which it
    begins. `excepted` days are left out; they count all the same, as in RFC 5545.
    """

    rule: Rule
    first: date
    start: int
    end: int
    days: int = 0
    until: date | None = None
    count: int | None = None
    excepted: frozenset[date] = frozenset()

    @property
    def wall_minutes(self) -> int:
        """How long each occurrence is by the clock on the wall."""
        return self.days * DAY_MINUTES + self.end - self.start


@dataclass(frozen=True)
class Occurrence:
    """One day of a pattern with its time; None where a clock change skips its start or end.

    `is_doubled`: its start or end comes twice on that day, and the first pass is meant.
    """

    day: date
    interval: Interval | None
    is_doubled: bool = False


# --- days and instants ------------------------------------------------------------------------------------


def days_of(pattern: Pattern) -> list[date]:
    """The local days of a pattern, without the excepted ones, in order."""
    return [day for day in rule_days(pattern) if day not in pattern.excepted]


def rule_days(pattern: Pattern) -> list[date]:
    """The local days of a pattern, excepted ones too; at most one more than is allowed, none beyond the furthest."""
    furthest = pattern.first + timedelta(days=FURTHEST_DAYS)
    until = min(pattern.until or furthest, furthest)
    found = _ruled(pattern.rule, pattern.first, until)
    most = MOST_OCCURRENCES + 1 if pattern.count is None else min(pattern.count, MOST_OCCURRENCES + 1)
    return [at.date() for at in islice(found, most)]


def occurrences(pattern: Pattern, zone: ZoneInfo) -> list[Occurrence]:
    """Each day of a pattern with its instants."""
    return [occurrence(pattern, day, zone) for day in days_of(pattern)]


def occurrence(pattern: Pattern, day: date, zone: ZoneInfo) -> Occurrence:
    """What a pattern's times are on a day."""
    starts = instants_at(day, pattern.start, zone)
    ends = instants_at(day + timedelta(days=pattern.days), pattern.end, zone)
    if not starts or not ends:
        return Occurrence(day, None)
    return Occurrence(day, Interval(starts[0], ends[0]), is_doubled=len(starts) > 1 or len(ends) > 1)


def _ruled(rule: Rule, first: date, until: date) -> rrule.rrule:
    """The days of a rule as dateutil gives them: midnights of no zone."""
    frequency, by = _as_rrule(rule)
    return rrule.rrule(
        frequency, dtstart=_midnight(first), until=_midnight(until), interval=rule.every, wkst=rrule.MO, **by
    )


def _as_rrule(rule: Rule) -> tuple[int, dict[str, Any]]:
    if isinstance(rule, Weekly):
        return rrule.WEEKLY, {"byweekday": sorted(rule.weekdays)}
    if isinstance(rule, MonthlyOnDay):
        return rrule.MONTHLY, {"bymonthday": rule.month_day}
    return rrule.MONTHLY, {"byweekday": rrule.weekday(rule.weekday, rule.nth)}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


# --- changes ----------------------------------------------------------------------------------------------


def at_times(pattern: Pattern, start: int, end: int, days: int) -> Pattern:
    """The same days at other times; Invalid when these are none."""
    return checked(replace(pattern, start=start, end=end, days=days))


def beginning_at(pattern: Pattern, start: int) -> Pattern:
    """The same days and the same length by the clock, from another minute on."""
    days, end = divmod(start + pattern.wall_minutes, DAY_MINUTES)
    if end == 0:
        days, end = days - 1, DAY_MINUTES
    return replace(pattern, start=start, end=end, days=days)


def before(pattern: Pattern, day: date) -> Pattern:
    """What is left of a pattern when another one goes on from `day`, one of its days but not the first."""
    return replace(pattern, until=day - timedelta(days=1), count=None)


def since(pattern: Pattern, day: date) -> Pattern:
    """The part of a pattern from `day`, one of its days, on: with `before` it gives the same days as the whole."""
    if pattern.count is None:
        return replace(pattern, first=day)
    return replace(pattern, first=day, count=sum(1 for one in rule_days(pattern) if one >= day))


# --- what is allowed --------------------------------------------------------------------------------------


def checked(pattern: Pattern) -> Pattern:
    """The pattern, if it is sound; else Invalid with a code and the field that is wrong."""
    _check_times(pattern)
    _check_rule(pattern.rule)
    _check_end(pattern)
    found = rule_days(pattern)
    if not found:
        raise _wrong("first", "no_occurrence", N_("No day fits this repetition."))
    if len(found) > MOST_OCCURRENCES:
        raise _wrong(
            _end_field(pattern), "too_many", N_("A series has at most %(most)s bookings."), most=MOST_OCCURRENCES
        )
    if pattern.count is not None and len(found) < pattern.count:
        raise _wrong("count", "too_long_a_series", N_("A series lasts at most %(days)s days."), days=FURTHEST_DAYS)
    return pattern


def check_horizon(pattern: Pattern, today: date, horizon_days: int) -> None:
    """Invalid when a pattern begins before today or ends beyond the days for which time is booked."""
    if pattern.first < today:
        raise _wrong("first", "in_the_past", N_("The first day is in the past."))
    if max(rule_days(pattern)) > today + timedelta(days=horizon_days):
        raise _wrong(
            _end_field(pattern),
            "too_far_ahead",
            N_("Time can be booked at most %(days)s days ahead."),
            days=horizon_days,
        )


def _end_field(pattern: Pattern) -> str:
    return "until" if pattern.count is None else "count"


def _check_times(pattern: Pattern) -> None:
    if not EARLIEST <= pattern.first <= LATEST:
        raise _wrong("first", "no_day", N_("Give a day as year-month-day, for example 2027-01-09."))
    for field, minute, least in (("start", pattern.start, 0), ("end", pattern.end, 1)):
        if not least <= minute <= DAY_MINUTES - 1 + least:
            raise _wrong(field, "no_time", N_("Give a time between 00:00 and 24:00."))
    if not 0 <= pattern.days <= MOST_DAYS:
        raise _wrong("days", "too_many_days", N_("Each booking ends at most %(most)s days later."), most=MOST_DAYS)
    if pattern.wall_minutes <= 0:
        raise _wrong("end", "ends_before_start", N_("The end must be after the start."))


def _check_rule(rule: Rule) -> None:
    if not 1 <= rule.every <= MOST_INTERVAL:
        raise _wrong("every", "no_interval", N_("Give a number from 1 to %(most)s."), most=MOST_INTERVAL)
    if isinstance(rule, Weekly) and not (rule.weekdays and rule.weekdays <= set(range(7))):
        raise _wrong("weekdays", "no_weekday", N_("Choose at least one weekday."))
    if isinstance(rule, MonthlyOnDay) and not (rule.month_day == LAST or 1 <= rule.month_day <= 31):
        raise _wrong("month_day", "no_month_day", N_("Please choose one of these."))
    if isinstance(rule, MonthlyOnWeekday) and not (0 <= rule.weekday <= 6 and (rule.nth == LAST or 1 <= rule.nth <= 5)):
        raise _wrong("nth", "no_nth", N_("Please choose one of these."))


def _check_end(pattern: Pattern) -> None:
    if (pattern.until is None) == (pattern.count is None):
        raise _wrong("until", "no_end", N_("Say until which day, or how often."))
    if pattern.until is not None and not pattern.first <= pattern.until <= LATEST:
        raise _wrong("until", "ends_before_first", N_("The last day must not be before the first."))
    if pattern.until is not None and pattern.until > pattern.first + timedelta(days=FURTHEST_DAYS):
        raise _wrong("until", "too_long_a_series", N_("A series lasts at most %(days)s days."), days=FURTHEST_DAYS)
    if pattern.count is not None and not 1 <= pattern.count <= MOST_OCCURRENCES:
        raise _wrong("count", "too_many", N_("A series has at most %(most)s bookings."), most=MOST_OCCURRENCES)


def _wrong(field: str, code: str, message: str, **values: object) -> Invalid:
    return Invalid(message, code=code, fields={field: message}, **values)


# --- as JSON ----------------------------------------------------------------------------------------------


def written(pattern: Pattern) -> dict[str, Any]:
    """A pattern as plain JSON values; `read` gives the same pattern back."""
    rule = pattern.rule
    name = next(name for name, kind in NAMES.items() if isinstance(rule, kind))
    numbers = {key: sorted(value) if isinstance(value, frozenset) else value for key, value in vars(rule).items()}
    return {
        "repeats": name,
        **numbers,
        "first": pattern.first.isoformat(),
        "start": pattern.start,
        "end": pattern.end,
        "days": pattern.days,
        "until": pattern.until.isoformat() if pattern.until else None,
        "count": pattern.count,
        "excepted": [day.isoformat() for day in sorted(pattern.excepted)],
    }


def read(values: Mapping[str, Any]) -> Pattern:
    """The pattern of what `written` gave; Invalid when it is none."""
    try:
        pattern = Pattern(
            rule=_rule_of(values),
            first=date.fromisoformat(values["first"]),
            start=_whole(values["start"]),
            end=_whole(values["end"]),
            days=_whole(values["days"]),
            until=None if values["until"] is None else date.fromisoformat(values["until"]),
            count=None if values["count"] is None else _whole(values["count"]),
            excepted=frozenset(date.fromisoformat(day) for day in values["excepted"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid(N_("This repetition cannot be read."), code="unreadable_pattern") from error
    return checked(pattern)


def _rule_of(values: Mapping[str, Any]) -> Rule:
    kind, every = NAMES[values["repeats"]], _whole(values["every"])
    if kind is Weekly:
        return Weekly(every, frozenset(_whole(day) for day in values["weekdays"]))
    if kind is MonthlyOnDay:
        return MonthlyOnDay(every, _whole(values["month_day"]))
    return MonthlyOnWeekday(every, _whole(values["nth"]), _whole(values["weekday"]))


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError(value)
