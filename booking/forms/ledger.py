"""What members and managers send about held time: bookings, reasons, closures. Wall times are read here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import Field, HiddenField, SelectChoice, SelectField  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.widgets import DateInput, Input

from booking.forms.fields import Boxes, Choice, Line, Prose, Typed, Yes
from booking.models import BookingKind
from booking.terms import DAY_MINUTES, WEEK_MINUTES, Terms
from core.forms import Form, new_key
from core.localtime import instants_at

EARLIEST_YEAR, LATEST_YEAR = 1971, 2199
MOST_CHOICES = 97
FORM_STEP = 15
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)


def day_of(text: str) -> date:
    """'2027-01-04'; ValueError with a sentence when it is no day of a plausible year."""
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        raise ValueError(_("Give a day as year-month-day, for example 2027-01-09."))
    return day


def clock_text(minute: int) -> str:
    """Minutes after midnight as '08:30'; the midnight that ends a day is '24:00'."""
    return f"{minute // 60:02}:{minute % 60:02}"


def clock_minutes(text: str) -> int | None:
    """'08:30' as minutes after midnight; None when it is no time of the 24-hour clock."""
    return int(text[:2]) * 60 + int(text[3:]) if _CLOCK.fullmatch(text) else None


class DayField(Typed):
    """A calendar day."""

    widget: Input = DateInput()

    def read(self, text: str) -> date:
        """'2027-01-04'."""
        return day_of(text)

    def write(self, value: date) -> str:
        """'2027-01-04'."""
        return value.isoformat()


class ClockField(SelectField):
    """A time of the 24-hour clock, out of a list; another one that is sent is kept and judged by the rules."""

    def __init__(self, label: Any, **options: Any) -> None:
        super().__init__(label, validate_choice=False, choices=[], **options)

    def offer(self, minutes: Iterable[int]) -> None:
        """Let these minutes after midnight be chosen, and what was sent already."""
        texts = {clock_text(minute) for minute in minutes}
        if self.data and clock_minutes(self.data) is not None:
            texts.add(self.data)
        self.choices = [SelectChoice(text, text) for text in sorted(texts)]


class Pass(Choice):
    """Which of the two passes of a doubled hour is meant; shown only where there are two."""

    def __init__(self, label: Any, **options: Any) -> None:
        super().__init__(
            label,
            choices=[
                SelectChoice("", lazy_gettext("Please choose")),
                SelectChoice("1", lazy_gettext("the first time (summer time)")),
                SelectChoice("2", lazy_gettext("the second time (winter time)")),
            ],
            default="",
            **options,
        )
        self.is_asked = False


class StretchForm(Form):
    """A stretch of local wall time."""

    day = DayField(lazy_gettext("Day"))
    start = ClockField(lazy_gettext("From"))
    start_pass = Pass(lazy_gettext("Which of the two?"))
    end_day = DayField(lazy_gettext("Last day"))
    end = ClockField(lazy_gettext("To"))
    end_pass = Pass(lazy_gettext("Which of the two?"))
    key = HiddenField(default=new_key)

    def offer(self, terms: Terms) -> None:
        """Let the times of the instrument's grid be chosen."""
        starts = grid_minutes(terms)
        self.start.offer(starts)
        self.end.offer([minute or DAY_MINUTES for minute in starts])

    def times(self, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Both instants; None when a field cannot be read, which is then said beside it."""
        if self.day.data is None and not self.day.errors:
            self.day.errors = [*self.day.errors, _("Please choose a day.")]
        if self.errors:
            return None
        start = self._instant(self.day.data, self.start, self.start_pass, zone)
        end = self._instant(self.end_day.data or self.day.data, self.end, self.end_pass, zone)
        return (start, end) if start and end else None

    def peek(self, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Both instants as the fields stand, the first of a doubled hour; None, silently, when they are none."""
        found = []
        for day, clock in ((self.day.data, self.start.data), (self.end_day.data or self.day.data, self.end.data)):
            minute = clock_minutes(clock or "")
            instants = instants_at(day, minute, zone) if day and minute is not None else ()
            if not instants:
                return None
            found.append(instants[0])
        return found[0], found[1]

    def _instant(self, day: date, clock: ClockField, which: Pass, zone: ZoneInfo) -> datetime | None:
        minute = clock_minutes(clock.data or "")
        if minute is None:
            _wrong(clock, _("Give a time between 00:00 and 24:00."))
            return None
        found = instants_at(day, minute, zone)
        if len(found) == 1:
            return found[0]
        if not found:
            _wrong(clock, _("This time does not exist on that day: the clocks go forward over it."))
            return None
        which.is_asked = True
        if which.data not in ("1", "2"):
            _wrong(clock, _("This time comes twice on that day, because the clocks go back. Say which one."))
            return None
        return found[int(which.data) - 1]


class AlongField(Boxes):
    """Other instruments to book along, by id."""

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Read their ids, each once."""
        try:
            self.data = list(dict.fromkeys(UUID(str(value)) for value in valuelist))
        except ValueError:
            raise ValueError(_("Please choose one of these.")) from None


class BookingForm(StretchForm):
    """A member's booking."""

    organisation_id = Choice(lazy_gettext("For which organisation?"))
    title = Line(lazy_gettext("What for?"))
    is_assisted = Yes(lazy_gettext("With assistance: somebody of the facility is there"))
    also = AlongField(lazy_gettext("Book along"), choices=[])

    def offer_organisations(self, names: Mapping[UUID, str]) -> None:
        """Let one of these be chosen; the only one is chosen already."""
        choices = [SelectChoice(str(key), name) for key, name in names.items()]
        if len(choices) != 1:
            choices.insert(0, SelectChoice("", _("Please choose")))
        elif not self.organisation_id.raw_data:
            self.organisation_id.data = choices[0].value
        self.organisation_id.choices = choices


class ClosureForm(StretchForm):
    """A manager's closure."""

    kind = Choice(
        lazy_gettext("What is it?"),
        choices=[
            SelectChoice(BookingKind.MAINTENANCE.value, lazy_gettext("Maintenance")),
            SelectChoice(BookingKind.CLOSURE.value, lazy_gettext("Closure")),
        ],
    )
    note = Line(lazy_gettext("Note for the staff"))


class ReasonForm(Form):
    """Why something is cancelled or refused."""

    reason = Prose(lazy_gettext("Why?"))


class ActForm(Form):
    """A button and nothing else."""


def grid_minutes(terms: Terms) -> list[int]:
    """Wall times of a day on which a slot of any weekday may begin, in minutes after midnight."""
    step = max(terms.slot_minutes, FORM_STEP)
    anchors = [0] if terms.shifts is None else [shift.start_minute for shift in terms.shifts]
    week = [minute for anchor in anchors for minute in range(anchor, anchor + WEEK_MINUTES, step)]
    found = sorted({minute % DAY_MINUTES for minute in week})
    return found if len(found) < MOST_CHOICES else list(range(0, DAY_MINUTES, FORM_STEP))


def _wrong(field: Field, sentence: str) -> None:
    field.errors = [*field.errors, sentence]
