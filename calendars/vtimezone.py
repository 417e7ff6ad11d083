"""VTIMEZONE from a zone's POSIX rule (IEEE Std 1003.1, TZ): STANDARD and DAYLIGHT with RRULE, as programs need it.

The rule is the last line of the zone's TZif file (RFC 9636, section 3.3). What it says is compared with `zoneinfo`
before it is used; a zone that one pair of yearly rules cannot say (Casablanca, where Ramadan moves the clocks) has no
VTIMEZONE, and its events are written in UTC.
"""

import importlib.resources
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard, vRecur

CHECKED_YEARS = 12
FIRST_YEAR = 1970  # where every onset begins; feeds hold nothing that is older than the present rules
DAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_NAME = r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]+>)"
_TIME = r"[+-]?\d{1,3}(?::\d{2}){0,2}"
_CHANGE = rf"M(\d{{1,2}})\.([1-5])\.([0-6])(?:/({_TIME}))?"
_POSIX = re.compile(rf"({_NAME})({_TIME})(?:({_NAME})({_TIME})?,{_CHANGE},{_CHANGE})?")


@dataclass(frozen=True)
class Change:
    """A yearly clock change: the `week`-th `weekday` (0 = Sunday, week 5 = the last) of `month`.

    `at` counts from midnight in the wall time before the change and may lie outside of that day (-1 h, 26 h).
    """

    month: int
    week: int
    weekday: int
    at: timedelta

    def wall_in(self, year: int) -> datetime:
        """The wall time of the change in a year, as a clock not yet changed shows it."""
        first = date(year, self.month, 1)
        day = first + timedelta(days=(self.weekday - first.isoweekday()) % 7 + 7 * (self.week - 1))
        while day.month != self.month:
            day -= timedelta(days=7)
        return datetime(day.year, day.month, day.day) + self.at  # noqa: DTZ001 - a wall time has no zone

    def rrule(self) -> dict[str, list[str] | list[int]] | None:
        """The same as an RRULE; None when the shifted days would leave the month or depend on its length."""
        shift = self.at // timedelta(days=1)
        day = DAYS[(self.weekday + shift) % 7]
        if shift == 0:
            return {
                "FREQ": ["YEARLY"],
                "BYMONTH": [self.month],
                "BYDAY": [f"{self.week if self.week < 5 else -1}{day}"],
            }
        length = MONTH_DAYS[self.month - 1]
        first = (length - 6 if self.week == 5 else 7 * self.week - 6) + shift
        if first < 1 or first + 6 > length or (self.week == 5 and self.month == 2):
            return None
        return {
            "FREQ": ["YEARLY"],
            "BYMONTH": [self.month],
            "BYMONTHDAY": list(range(first, first + 7)),
            "BYDAY": [day],
        }


@dataclass(frozen=True)
class Observance:
    """A stretch of the year with one offset from UTC; `begins` is None when it never changes."""

    name: str
    offset: timedelta
    begins: Change | None = None


@dataclass(frozen=True)
class Rule:
    """The observances of a zone: one, or the standard one and the one with the larger offset."""

    zone: str
    standard: Observance
    daylight: Observance | None = None


@lru_cache(maxsize=256)
def rule_of(zone: str, year: int) -> Rule | None:
    """The yearly rule of a zone if it holds from `year` on, for CHECKED_YEARS; None if it can't be said or is UTC."""
    rule = parsed(zone, _posix_rule(zone))
    return rule if rule is not None and _can_be_said(rule) and _holds(rule, year) else None


def _posix_rule(zone: str) -> str:
    file = importlib.resources.files("tzdata.zoneinfo").joinpath(*zone.split("/"))
    return file.read_bytes().rstrip(b"\n").rpartition(b"\n")[2].decode("ascii") if file.is_file() else ""


def parsed(zone: str, posix: str) -> Rule | None:
    """The rule in a POSIX TZ text such as CET-1CEST,M3.5.0,M10.5.0/3; None when of another form, or plain UTC."""
    found = _POSIX.fullmatch(posix)
    if found is None or posix == "UTC0":
        return None
    name, offset, other_name, other_offset, *changes = found.groups()
    base = -_duration(offset)
    if other_name is None:
        return Rule(zone, Observance(_plain(name), base))
    other = -_duration(other_offset) if other_offset else base + timedelta(hours=1)
    to_other, to_base = _change(changes[:4]), _change(changes[4:])
    first, second = Observance(_plain(name), base, to_base), Observance(_plain(other_name), other, to_other)
    if first.offset > second.offset:  # Dublin calls its summer time the standard one
        first, second = second, first
    return Rule(zone, first, second)


def _plain(name: str) -> str:
    return name.strip("<>")


def _change(parts: list[str]) -> Change:
    month, week, weekday, at = parts
    return Change(int(month), int(week), int(weekday), _duration(at or "2"))


def _duration(text: str) -> timedelta:
    hours, minutes, seconds = (int(part) for part in [*text.lstrip("+-").split(":"), "0", "0"][:3])
    span = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return -span if text.startswith("-") else span


def _can_be_said(rule: Rule) -> bool:
    return all(o is None or o.begins is None or o.begins.rrule() is not None for o in (rule.standard, rule.daylight))


def _holds(rule: Rule, year: int) -> bool:
    """Whether `zoneinfo` agrees at each change, and in each week in between (no zone has ever changed for less)."""
    zone = ZoneInfo(rule.zone)
    start = datetime(year, 1, 1, tzinfo=UTC)
    weeks = (start + timedelta(weeks=n) for n in range(53 * CHECKED_YEARS))
    changes = [at for y in range(year, year + CHECKED_YEARS) for at in _instants(rule, y)]
    edges = (at + timedelta(seconds=s) for at in changes for s in (-1, 0))
    return all(offset_at(rule, at) == at.astimezone(zone).utcoffset() for at in (*weeks, *edges))


def _instants(rule: Rule, year: int) -> list[datetime]:
    """When the clocks change in a year: to daylight time, then to standard time."""
    if rule.daylight is None or rule.daylight.begins is None or rule.standard.begins is None:
        return []
    spring = rule.daylight.begins.wall_in(year) - rule.standard.offset
    autumn = rule.standard.begins.wall_in(year) - rule.daylight.offset
    return [spring.replace(tzinfo=UTC), autumn.replace(tzinfo=UTC)]


def offset_at(rule: Rule, at: datetime) -> timedelta:
    """The zone's offset from UTC at an instant, by the rule alone."""
    if rule.daylight is None:
        return rule.standard.offset
    spring, autumn = _instants(rule, at.year)
    is_daylight = spring <= at < autumn if spring < autumn else not autumn <= at < spring
    return rule.daylight.offset if is_daylight else rule.standard.offset


@lru_cache(maxsize=256)
def vtimezone(rule: Rule) -> bytes:
    """The rule as a VTIMEZONE component."""
    component = Timezone()
    component.add("tzid", rule.zone)
    other = rule.daylight or rule.standard
    component.add_component(_observance(TimezoneStandard(), rule.standard, other.offset))
    if rule.daylight is not None:
        component.add_component(_observance(TimezoneDaylight(), rule.daylight, rule.standard.offset))
    return bytes(component.to_ical())


def _observance(
    component: TimezoneStandard | TimezoneDaylight, observance: Observance, before: timedelta
) -> TimezoneStandard | TimezoneDaylight:
    begins = observance.begins
    onset = begins.wall_in(FIRST_YEAR) if begins else datetime(FIRST_YEAR, 1, 1)  # noqa: DTZ001 - a wall time
    component.add("dtstart", onset)
    component.add("tzoffsetfrom", before)
    component.add("tzoffsetto", observance.offset)
    component.add("tzname", observance.name)
    if begins is not None:
        component.add("rrule", vRecur(begins.rrule() or {}))
    return component
