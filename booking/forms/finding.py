"""What somebody who looks for free time gives: what, how long, between which days and hours, near where."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.datastructures import MultiDict

from booking.finding import EVERY_DAY, Wish
from booking.forms.fields import Boxes, Choice, HoursField, Line
from booking.forms.ledger import ClockField, DayField, clock_minutes, clock_text
from booking.terms import DAY_MINUTES, Terms
from core.forms import Form, choice
from core.intervals import Interval
from core.localtime import midnight

USUAL_DAYS = 14
MOST_DAYS = 62
MOST_MINUTES = 31 * DAY_MINUTES
STEP = 30
WEEKDAYS = (
    lazy_gettext("Mon"),
    lazy_gettext("Tue"),
    lazy_gettext("Wed"),
    lazy_gettext("Thu"),
    lazy_gettext("Fri"),
    lazy_gettext("Sat"),
    lazy_gettext("Sun"),
)


class FindForm(Form):
    """The finder's form; it asks by address, so that a search can be kept and sent."""

    q = Line(lazy_gettext("Instrument, technique or place"))
    technique = Choice(lazy_gettext("Technique"))
    kind = Choice(lazy_gettext("Kind"))
    facility = Choice(lazy_gettext("Facility"))
    near = Choice(lazy_gettext("Near"))
    hours = HoursField(lazy_gettext("Hours"))
    first = DayField(lazy_gettext("From day"))
    last = DayField(lazy_gettext("To day"))
    start = ClockField(lazy_gettext("Not before"))
    end = ClockField(lazy_gettext("Not after"))
    weekdays = Boxes(lazy_gettext("Weekdays"), choices=[choice(str(n), name) for n, name in enumerate(WEEKDAYS)])

    class Meta:
        csrf = False

    @classmethod
    def asked(cls, args: MultiDict[str, str], today: date, near: str) -> "FindForm":
        """The form of an address; what the address leaves out is as usual."""
        usual = {
            "hours": "2",
            "first": today.isoformat(),
            "last": (today + timedelta(days=USUAL_DAYS - 1)).isoformat(),
            "start": clock_text(0),
            "end": clock_text(DAY_MINUTES),
            "near": near,
            **dict.fromkeys(("technique", "kind", "facility"), ""),
        }
        values = MultiDict(args)
        for name, value in usual.items():
            values.setdefault(name, value)
        if "weekdays" not in values:
            values.setlist("weekdays", [str(day) for day in sorted(EVERY_DAY)])
        form = cls(formdata=values)
        form.start.offer(range(0, DAY_MINUTES, STEP))
        form.end.offer(range(STEP, DAY_MINUTES + STEP, STEP))
        return form

    def offer(self, name: str, options: Iterable[tuple[str, str]], nothing: str) -> None:
        """Let one of these be chosen, or nothing."""
        self[name].choices = [choice("", nothing), *(choice(value, label) for value, label in options)]

    def validate(self, extra_validators: Any = None) -> bool:
        """Also what several fields say together."""
        sound = super().validate(extra_validators)
        for field in (self.hours, self.first, self.last):
            if field.data is None and not field.errors:
                self._say(field, _("Please fill this in."))
        if not self.errors:
            self._check_together()
        return sound and not self.errors

    def _check_together(self) -> None:
        if not 0 < self.hours.data <= MOST_MINUTES:
            self._say(self.hours, _("Between a minute and 31 days, please."))
        if self.last.data < self.first.data:
            self._say(self.last, _("The last day is before the first one."))
        elif self.last.data - self.first.data >= timedelta(days=MOST_DAYS):
            self._say(self.last, _("At most %(days)s days at a time, please.", days=MOST_DAYS))
        start, end = clock_minutes(self.start.data or ""), clock_minutes(self.end.data or "")
        if start is None or start == DAY_MINUTES:
            self._say(self.start, _("Give a time between 00:00 and 24:00."))
        if end is None:
            self._say(self.end, _("Give a time between 00:00 and 24:00."))
        elif start is not None and end <= start:
            self._say(self.end, _("The end must be after the start."))
        if not set(self.weekdays.data or ()) & {str(day) for day in EVERY_DAY}:
            self._say(self.weekdays, _("Please choose a day of the week."))

    @staticmethod
    def _say(field: Any, sentence: str) -> None:
        field.errors = [*field.errors, sentence]

    def wish(self, terms: Terms) -> Wish:
        """What is asked of one instrument, by its own wall clock; the form is valid."""
        when = Interval(midnight(self.first.data, terms.zone), midnight(self.last.data + timedelta(days=1), terms.zone))
        return Wish(
            when,
            self.hours.data,
            frozenset(day for day in EVERY_DAY if str(day) in (self.weekdays.data or ())),
            clock_minutes(self.start.data) or 0,
            clock_minutes(self.end.data) or DAY_MINUTES,
        )
