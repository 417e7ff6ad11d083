"""How times and amounts are written for people: local zone, 24-hour clock, the reader's language."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_decimal


def moment(at: datetime, zone: str, language: str) -> str:
    """'sab 9 gen 2027, 08:00' / 'Sat 9 Jan 2027, 08:00'."""
    return format_datetime(at.astimezone(ZoneInfo(zone)), "EEE d MMM y, HH:mm", locale=_locale(language))


def day(at: datetime, zone: str, language: str) -> str:
    """'sabato 9 gennaio 2027' / 'Saturday 9 January 2027'."""
    return full_day(at.astimezone(ZoneInfo(zone)).date(), language)


def full_day(on: date, language: str) -> str:
    """The same for a calendar day."""
    return format_date(on, "EEEE d MMMM y", locale=_locale(language))


def short_date(at: datetime, zone: str, language: str) -> str:
    """'9 gen 2027' / '9 Jan 2027'."""
    return format_date(at.astimezone(ZoneInfo(zone)).date(), "d MMM y", locale=_locale(language))


def short_day(at: datetime, zone: str, language: str) -> str:
    """'sab 9 gen' / 'Sat 9 Jan'."""
    return format_date(at.astimezone(ZoneInfo(zone)).date(), "EEE d MMM", locale=_locale(language))


def weekday_short(on: date, language: str) -> str:
    """'sab' / 'Sat'."""
    return format_date(on, "EEE", locale=_locale(language))


def month_short(on: date, language: str) -> str:
    """'gen' / 'Jan'."""
    return format_date(on, "MMM", locale=_locale(language))


def clock_time(at: datetime, zone: str, language: str) -> str:
    """'08:00', always 24 hours."""
    return format_time(at.astimezone(ZoneInfo(zone)), "HH:mm", locale=_locale(language))


def end_time(at: datetime, zone: str, language: str) -> str:
    """The same for an end: a midnight is the '24:00' of the day that it ends."""
    written = clock_time(at, zone, language)
    return "24:00" if written == "00:00" else written


def local_date(at: datetime, zone: str) -> date:
    """The calendar day of an instant."""
    return at.astimezone(ZoneInfo(zone)).date()


def span(start: datetime, end: datetime, zone: str, language: str) -> str:
    """'sab 9 gen 2027, 08:00–16:00'; the end's day is written only when it is another one."""
    first, last = start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    begin = moment(start, zone, language)
    if first.date() == last.date():
        return f"{begin}–{clock_time(end, zone, language)}"
    return f"{begin} – {short_day(end, zone, language)}, {clock_time(end, zone, language)}"


def period(first: date, last: date, language: str) -> str:
    """Whole days in few words: 'Monday 4 January 2027', '4 – 10 Jan 2027', 'January 2027'."""
    if first == last:
        return full_day(first, language)
    locale = _locale(language)
    if first.day == 1 and (last + timedelta(days=1)).day == 1 and (last - first).days <= 31:
        return format_date(first, "LLLL y", locale=locale)
    begin = "d" if first.month == last.month else "d MMM" if first.year == last.year else "d MMM y"
    return f"{format_date(first, begin, locale=locale)} – {format_date(last, 'd MMM y', locale=locale)}"


def number(value: float, language: str, digits: int = 1) -> str:
    """A number with at most `digits` decimals, as the language writes it."""
    return format_decimal(round(value, digits), locale=_locale(language))


def hours(minutes: float, language: str) -> str:
    """Minutes as hours: '8 h', '2,5 h'."""
    return f"{number(minutes / 60, language, 2)} h"


def percent(share: float, language: str) -> str:
    """A share of 1 as percent: '81 %'."""
    return f"{number(share * 100, language, 0)} %"


def _locale(language: str) -> str:
    return "it_IT" if language == "it" else "en_GB"
