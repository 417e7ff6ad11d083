"""Quotas as plain rules: which period a booking falls in, how much of it counts, what is left.

A booking counts in the local period in which it begins; with a prime time only its part inside that time counts.
Bookings made at the last minute count nowhere: vacant time is better used than kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from core.intervals import Interval, intersection
from core.localtime import midnight
from facilities.openings import WeeklyShift, shifts_between

LAST_MINUTE_MINUTES = 1440
"""Of instruments without rules of their own."""
DAY_MINUTES = 24 * 60


class QuotaOf(StrEnum):
    """Whose bookings a quota adds up."""

    PERSON = "person"
    ORGANISATION = "organisation"


class Measure(StrEnum):
    """What a quota adds up: minutes or bookings in a period, or bookings that have not ended yet."""

    MINUTES = "minutes"
    BOOKINGS = "bookings"
    OPEN_BOOKINGS = "open_bookings"


class Period(StrEnum):
    """Local calendar periods; a booking counts in the one in which it begins."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True)
class Prime:
    """The time that counts: on `weekdays` (0 = Monday), [from_minute, until_minute) after local midnight."""

    weekdays: frozenset[int]
    from_minute: int = 0
    until_minute: int = DAY_MINUTES

    def shifts(self) -> list[WeeklyShift]:
        """The same as weekly stretches."""
        return [
            WeeklyShift(day, self.from_minute, self.until_minute - self.from_minute) for day in sorted(self.weekdays)
        ]


@dataclass(frozen=True)
class QuotaRule:
    """At most `most` (minutes or bookings) per person or organisation; `instrument_id` None: of the whole facility."""

    of: QuotaOf
    measure: Measure
    period: Period
    most: int
    instrument_id: UUID | None = None
    prime: Prime | None = None


@dataclass(frozen=True)
class Counted:
    """A live booking as quotas see it."""

    interval: Interval
    made_at: datetime
    last_minute_minutes: int
    instrument_id: UUID
    person_id: UUID | None
    organisation_id: UUID | None


@dataclass(frozen=True)
class Use:
    """How much of a quota is used, how much more is wanted, and when it begins anew (None: when a booking ends)."""

    rule: QuotaRule
    used: int
    wanted: int
    renews_at: datetime | None

    @property
    def left(self) -> int:
        """What may still be booked."""
        return max(0, self.rule.most - self.used)

    @property
    def is_exceeded(self) -> bool:
        """Whether the wanted booking would be too much; one that counts for nothing never is."""
        return self.wanted > 0 and self.used + self.wanted > self.rule.most


def weekdays_of(bits: int) -> frozenset[int]:
    """Days (0 = Monday) of a number whose lowest bit is Monday."""
    return frozenset(day for day in range(7) if bits >> day & 1)


def bits_of(weekdays: Iterable[int]) -> int:
    """The same the other way round."""
    return sum(1 << day for day in set(weekdays))


def is_last_minute(start: datetime, made_at: datetime, last_minute_minutes: int) -> bool:
    """Whether a booking was made too late before its start to count."""
    return start - made_at < timedelta(minutes=last_minute_minutes)


def period_of(period: Period, at: datetime, zone: ZoneInfo) -> Interval:
    """The local day, week (from Monday), month or year in which an instant lies."""
    day = at.astimezone(zone).date()
    first = {
        Period.DAY: day,
        Period.WEEK: day - timedelta(days=day.weekday()),
        Period.MONTH: day.replace(day=1),
        Period.YEAR: day.replace(month=1, day=1),
    }[period]
    return Interval(midnight(first, zone), midnight(_next(period, first), zone))


def _next(period: Period, first: date) -> date:
    """The first day of the period after."""
    if period is Period.MONTH:
        return (first + timedelta(days=31)).replace(day=1)
    if period is Period.YEAR:
        return first.replace(year=first.year + 1)
    return first + timedelta(days=1 if period is Period.DAY else 7)


def prime_minutes(prime: Prime, interval: Interval, zone: ZoneInfo) -> int:
    """How many minutes of a stretch lie inside prime time."""
    around = Interval(interval.start - timedelta(days=2), interval.end + timedelta(days=2))
    shifts = shifts_between(prime.shifts(), zone, around)
    return sum(one.minutes for one in intersection(shifts, [interval]))


def amount(rule: QuotaRule, interval: Interval, zone: ZoneInfo) -> int:
    """What a booking of a stretch counts: minutes, or 1; 0 when none of it lies inside the prime time."""
    minutes = interval.minutes if rule.prime is None else prime_minutes(rule.prime, interval, zone)
    return minutes if rule.measure is Measure.MINUTES else min(1, minutes)


def concerns(rule: QuotaRule, booking: Counted, subject_id: UUID) -> bool:
    """Whether a booking is one of those that the rule adds up for a person or an organisation."""
    holder = booking.person_id if rule.of is QuotaOf.PERSON else booking.organisation_id
    if holder != subject_id or is_last_minute(booking.interval.start, booking.made_at, booking.last_minute_minutes):
        return False
    return rule.instrument_id is None or rule.instrument_id == booking.instrument_id


def use_of(
    rule: QuotaRule,
    subject_id: UUID,
    bookings: Iterable[Counted],
    wanted: Interval | None,
    now: datetime,
    zone: ZoneInfo,
) -> Use:
    """What of a quota a person or organisation has used, and what a wanted booking would add.

    In the period in which the wanted booking begins (None: in the present one), or now where open bookings count.
    """
    mine = [one.interval for one in bookings if concerns(rule, one, subject_id)]
    more = amount(rule, wanted, zone) if wanted else 0
    if rule.measure is Measure.OPEN_BOOKINGS:
        return Use(rule, sum(amount(rule, one, zone) for one in mine if one.end > now), more, None)
    period = period_of(rule.period, wanted.start if wanted else now, zone)
    inside = [one for one in mine if period.start <= one.start < period.end]
    return Use(rule, sum(amount(rule, one, zone) for one in inside), more, period.end)
