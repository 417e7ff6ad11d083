"""How a series is written: its rule as words, its dates as lines with what can be chosen for each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from flask_babel import ngettext

from booking.forms.ledger import clock_text
from booking.forms.series import NTH, SKIP, WEEKDAYS, shift_value
from booking.recurrence import LAST, MonthlyOnDay, MonthlyOnWeekday, Pattern, Rule, Weekly
from booking.services.series import Line, SeriesWish
from core import formats
from core.errors import Refusal
from core.intervals import Interval
from core.web import current_language


@dataclass(frozen=True)
class Option:
    """One thing that can be done with a date."""

    value: str
    words: str
    is_chosen: bool


@dataclass(frozen=True)
class DayLine:
    """A date of a series as the page shows it; `why` it cannot be had, else empty."""

    field: str
    day: str
    times: str
    is_held: bool
    is_moved: bool
    is_doubled: bool
    why: str
    options: Sequence[Option]


def refusal_words(refusal: Refusal) -> str:
    """A refusal's sentence in the reader's language."""
    return str(_(refusal.message, **refusal.values))


def pattern_words(pattern: Pattern) -> str:
    """'every week · Mon, Thu · 09:00–11:00 · 10 times'."""
    end = (
        ngettext("%(num)d time", "%(num)d times", pattern.count)
        if pattern.count is not None
        else _("until %(day)s", day=formats.full_day(pattern.until, current_language()) if pattern.until else "")
    )
    later = f" (+{pattern.days})" if pattern.days else ""
    times = f"{clock_text(pattern.start)}–{clock_text(pattern.end)}{later}"
    return " · ".join([*_rule_words(pattern.rule), times, end])


def _rule_words(rule: Rule) -> Iterable[str]:
    if isinstance(rule, Weekly):
        yield ngettext("every week", "every %(num)d weeks", rule.every)
        yield ", ".join(str(WEEKDAYS[day]) for day in sorted(rule.weekdays))
        return
    yield ngettext("every month", "every %(num)d months", rule.every)
    if isinstance(rule, MonthlyOnDay):
        is_last = rule.month_day == LAST
        yield _("on the last day") if is_last else _("on day %(n)s", n=rule.month_day)
    if isinstance(rule, MonthlyOnWeekday):
        yield f"{dict(NTH)[rule.nth]} {WEEKDAYS[rule.weekday]}"


def day_lines(lines: Iterable[Line], wish: SeriesWish, zone: str) -> list[DayLine]:
    """The dates of a preview in the reader's words."""
    return [_line(line, wish, zone) for line in lines]


def _line(line: Line, wish: SeriesWish, zone: str) -> DayLine:
    return DayLine(
        field=f"day-{line.day.isoformat()}",
        day=formats.full_day(line.day, current_language()),
        times=_times(line.interval, line.day, zone) if line.interval else "",
        is_held=line.interval is not None and line.refusal is None,
        is_moved=line.is_moved,
        is_doubled=line.is_doubled,
        why=refusal_words(line.refusal) if line.refusal else "",
        options=list(_options(line, wish, zone)),
    )


def _options(line: Line, wish: SeriesWish, zone: str) -> Iterable[Option]:
    chosen = wish.moved.get(line.day)
    is_out = line.day in wish.pattern.excepted
    if line.refusal is not None:
        yield Option("", _("Please choose"), is_chosen=True)
    else:
        planned = _("Book at %(time)s, as planned", time=clock_text(wish.pattern.start))
        yield Option("", planned, is_chosen=chosen is None and not is_out)
        if chosen is not None:
            yield Option(shift_value(chosen), _("Book at %(time)s", time=clock_text(chosen)), is_chosen=True)
    if line.shift is not None:
        times = _times(line.shift.interval, line.day, zone)
        yield Option(shift_value(line.shift.start), _("Book %(times)s instead", times=times), is_chosen=False)
    yield Option(SKIP, _("Leave it out"), is_chosen=is_out)


def _times(interval: Interval, day: date, zone: str) -> str:
    """'09:00–11:00'; with the end's day when it is another one."""
    language = current_language()
    start = formats.clock_time(interval.start, zone, language)
    end = formats.end_time(interval.end, zone, language)
    last = formats.local_date(interval.end, zone)
    if last == day or (end == "24:00" and (last - day).days == 1):
        return f"{start}–{end}"
    end_day, end = (write(interval.end, zone, language) for write in (formats.short_day, formats.clock_time))
    return f"{start} – {end_day}, {end}"
