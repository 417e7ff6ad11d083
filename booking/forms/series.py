"""What people send about bookings that repeat: the pattern, what to do with each day, and which bookings to change."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import Field, HiddenField
from wtforms.utils import unset_value

from booking.forms.fields import Boxes, Choice, Line, Prose, WholeNumberField, Yes
from booking.forms.ledger import ClockField, DayField, clock_minutes, clock_text, day_of, grid_minutes
from booking.recurrence import LAST, MonthlyOnDay, MonthlyOnWeekday, Pattern, Rule, Weekly
from booking.services.series_changes import Change, Scope, WallTimes
from booking.terms import DAY_MINUTES, Terms
from core.forms import Form, choice, new_key

SKIP = "skip"
_SHIFT = re.compile(r"shift-(\d{1,4})", re.ASCII)
WEEKDAYS = (
    lazy_gettext("Mon"),
    lazy_gettext("Tue"),
    lazy_gettext("Wed"),
    lazy_gettext("Thu"),
    lazy_gettext("Fri"),
    lazy_gettext("Sat"),
    lazy_gettext("Sun"),
)
NTH = (
    (1, lazy_gettext("first")),
    (2, lazy_gettext("second")),
    (3, lazy_gettext("third")),
    (4, lazy_gettext("fourth")),
    (5, lazy_gettext("fifth")),
    (LAST, lazy_gettext("last")),
)


def shift_value(start: int) -> str:
    """What is sent for a day that gets another start: 'shift-480'."""
    return f"shift-{start}"


class DaysField(Field):
    """A choice per day, each its own input: '<name>-2027-01-11' is '', 'skip' or 'shift-480'.

    Its data: None for a day that is left out, else the minute of the other start.
    """

    data: dict[date, int | None]

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        """Collect this field's days."""
        self.process_errors: list[str] = []
        self.data = {} if data is unset_value else dict(data)
        prefix = f"{self.name}-"
        sent = {name: formdata[name] for name in formdata or () if name.startswith(prefix)}
        try:
            self.data.update(
                {day_of(name.removeprefix(prefix)): _choice(value) for name, value in sent.items() if value}
            )
        except ValueError:
            self.data = {}
            self.process_errors.append(_("The choices could not be read. Please look at the dates again."))


class TimesForm(Form):
    """Wall times of each booking."""

    start = ClockField(lazy_gettext("From"))
    end = ClockField(lazy_gettext("To"))
    days = WholeNumberField(lazy_gettext("Ends how many days later?"), default=0)
    title = Line(lazy_gettext("What for?"))

    def offer_times(self, terms: Terms) -> None:
        """Let the times of the instrument's grid be chosen."""
        starts = grid_minutes(terms)
        self.start.offer(starts)
        self.end.offer([minute or DAY_MINUTES for minute in starts])

    def wall_times(self) -> WallTimes | None:
        """The times; None when they cannot be read, which is then said beside them."""
        start, end = _minute(self.start), _minute(self.end)
        days = _number(self.days)
        return None if start is None or end is None or days is None else WallTimes(start, end, days)


class SeriesForm(TimesForm):
    """A member's pattern, with a choice for each of its days once they were shown."""

    organisation_id = Choice(lazy_gettext("For which organisation?"))
    is_assisted = Yes(lazy_gettext("With assistance"))
    repeats = Choice(
        lazy_gettext("Repeats"),
        choices=[
            choice("weekly", lazy_gettext("every week, on weekdays")),
            choice("monthly_on_day", lazy_gettext("every month, on a day of the month")),
            choice("monthly_on_weekday", lazy_gettext("every month, on a certain weekday")),
        ],
    )
    every = WholeNumberField(lazy_gettext("Every how many weeks or months?"), default=1)
    weekdays = Boxes(
        lazy_gettext("On which weekdays?"), choices=[choice(str(n), one) for n, one in enumerate(WEEKDAYS)]
    )
    month_day = Choice(
        lazy_gettext("Day of the month"),
        choices=[*(choice(str(n), str(n)) for n in range(1, 32)), choice(str(LAST), lazy_gettext("the last day"))],
    )
    nth = Choice(lazy_gettext("Which one of the month?"), choices=[choice(str(n), name) for n, name in NTH])
    weekday = Choice(lazy_gettext("Weekday"), choices=[choice(str(n), name) for n, name in enumerate(WEEKDAYS)])
    first = DayField(lazy_gettext("From day"))
    ends = Choice(
        lazy_gettext("Until when?"),
        choices=[choice("until", lazy_gettext("until a day")), choice("count", lazy_gettext("so many times"))],
    )
    until = DayField(lazy_gettext("Last day"))
    count = WholeNumberField(lazy_gettext("How many times?"))
    key = HiddenField(default=new_key)
    day = DaysField()

    def offer(self, terms: Terms, organisations: Mapping[UUID, str]) -> None:
        """Let the instrument's times and one's own organisations be chosen; the only one is chosen already."""
        self.offer_times(terms)
        choices = [choice(str(key), name) for key, name in organisations.items()]
        if len(choices) != 1:
            choices.insert(0, choice("", _("Please choose")))
        elif not self.organisation_id.raw_data:
            self.organisation_id.data = choices[0].value
        self.organisation_id.choices = choices

    def pattern(self) -> Pattern | None:
        """What is sent, the days that are left out among it; None when a field cannot be read, said beside it."""
        if self.errors:
            return None
        times, rule, first = self.wall_times(), self._rule(), _day(self.first)
        until = _day(self.until) if self.ends.data == "until" else None
        count = _number(self.count) if self.ends.data == "count" else None
        if self.errors or times is None or rule is None or first is None:
            return None
        left_out = frozenset(day for day, start in self.day.data.items() if start is None)
        return Pattern(rule, first, times.start, times.end, times.days, until, count, left_out)

    def moved(self) -> dict[date, int]:
        """The days that get another start."""
        return {day: start for day, start in self.day.data.items() if start is not None}

    def _rule(self) -> Rule | None:
        every = _number(self.every)
        if every is None:
            return None
        if self.repeats.data == "monthly_on_day":
            return MonthlyOnDay(every, int(self.month_day.data))
        if self.repeats.data == "monthly_on_weekday":
            return MonthlyOnWeekday(every, int(self.nth.data), int(self.weekday.data))
        known = {str(n) for n in range(7)}
        return Weekly(every, frozenset(int(one) for one in self.weekdays.data or () if one in known))


class ScopeForm(Form):
    """Which bookings of a series are meant, and why."""

    scope = Choice(
        lazy_gettext("Which bookings?"),
        choices=[
            choice(Scope.THIS.value, lazy_gettext("only this one")),
            choice(Scope.FOLLOWING.value, lazy_gettext("this one and the following")),
            choice(Scope.ALL.value, lazy_gettext("all that are still to come")),
        ],
    )
    reason = Prose(lazy_gettext("Why?"))


class SeriesChangeForm(TimesForm, ScopeForm):
    """Other times or another title for bookings of a series."""

    def change(self, now_are: WallTimes, title: str) -> Change | None:
        """What is to be different from how the booking is; None when a field cannot be read."""
        times = self.wall_times()
        if times is None or self.errors:
            return None
        return Change(None if times == now_are else times, None if self.title.data == title else self.title.data)


def wall_times_of(start: datetime, end: datetime, zone: ZoneInfo) -> WallTimes:
    """How a form shows a stretch: the midnight that ends a day is its 24:00."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    days, minute = (last.date() - first.date()).days, last.hour * 60 + last.minute
    if minute == 0 and days:
        days, minute = days - 1, DAY_MINUTES
    return WallTimes(first.hour * 60 + first.minute, minute, days)


def as_typed(times: WallTimes) -> dict[str, Any]:
    """Times as the form's fields hold them."""
    return {"start": clock_text(times.start), "end": clock_text(times.end), "days": times.days}


def _choice(value: str) -> int | None:
    """The minute of 'shift-480', None for 'skip'; ValueError for anything else."""
    if value == SKIP:
        return None
    found = _SHIFT.fullmatch(value)
    if found is None or int(found[1]) >= DAY_MINUTES:
        raise ValueError(value)
    return int(found[1])


def _minute(clock: ClockField) -> int | None:
    minute = clock_minutes(clock.data or "")
    if minute is None:
        _say(clock, _("Give a time between 00:00 and 24:00."))
    return minute


def _number(field: WholeNumberField) -> int | None:
    if field.data is None and not field.errors:
        _say(field, _("Give a whole number."))
    return field.data if isinstance(field.data, int) else None


def _day(field: DayField) -> date | None:
    if field.data is None and not field.errors:
        _say(field, _("Please choose a day."))
    return field.data if isinstance(field.data, date) else None


def _say(field: Field, sentence: str) -> None:
    said: Iterable[str] = field.errors
    field.errors = [*said, sentence]
