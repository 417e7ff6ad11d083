"""Quotas in words, for refusals, the managers' list and the booking form; put together in the reader's language."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from booking.quotas import Measure, Period, Prime, QuotaOf, QuotaRule
from core import formats
from core.i18n import N_, Spoken, spoken

_NAMES = {
    Measure.MINUTES: N_("booked time %(period)s %(of)s, %(where)s%(prime)s: at most %(most)s"),
    Measure.BOOKINGS: N_("bookings %(period)s %(of)s, %(where)s%(prime)s: at most %(most)s"),
    Measure.OPEN_BOOKINGS: N_("open bookings %(of)s, %(where)s%(prime)s: at most %(most)s"),
}
_PERIODS = {
    Period.DAY: N_("a day"),
    Period.WEEK: N_("a week"),
    Period.MONTH: N_("a month"),
    Period.YEAR: N_("a year"),
}
_OF = {QuotaOf.PERSON: N_("per person"), QuotaOf.ORGANISATION: N_("per organisation")}
_ON_ONE = N_("on this instrument")
_ON_ALL = N_("on all instruments of the facility together")
_PRIME = N_("only %(days)s, %(start)s–%(end)s")
_MONDAY = date(2027, 1, 4)


def name(rule: QuotaRule) -> Spoken:
    """'booked time a week per organisation, on this instrument: at most 40 h'."""
    return spoken(
        _NAMES[rule.measure],
        period=spoken(_PERIODS[rule.period]),
        of=spoken(_OF[rule.of]),
        where=spoken(_ON_ALL if rule.instrument_id is None else _ON_ONE),
        prime=_prime(rule.prime) if rule.prime else "",
        most=quantity(rule, rule.most),
    )


def quantity(rule: QuotaRule, amount: int) -> Spoken:
    """An amount of what the quota measures: '2.5 h', '3'."""
    is_time = rule.measure is Measure.MINUTES
    return Spoken(lambda language: formats.hours(amount, language) if is_time else str(amount))


def day_of(at: datetime, zone: str) -> Spoken:
    """'Monday 11 January 2027'."""
    return Spoken(lambda language: formats.day(at, zone, language))


def weekdays(days: Iterable[int], language: str) -> str:
    """'Mon, Tue, Fri'."""
    return ", ".join(formats.weekday_short(_MONDAY + timedelta(days=day), language) for day in sorted(days))


def clock(minute: int) -> str:
    """Minutes after midnight as '08:30'; the end of the day is '24:00'."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _prime(prime: Prime) -> Spoken:
    days = Spoken(lambda language: weekdays(prime.weekdays, language))
    words = spoken(_PRIME, days=days, start=clock(prime.from_minute), end=clock(prime.until_minute))
    return Spoken(lambda _language: f" ({words})")
