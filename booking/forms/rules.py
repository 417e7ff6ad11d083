"""What managers send about an instrument's rules and a facility's quotas."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import Field, FormField, HiddenField
from wtforms import Form as Part
from wtforms.validators import InputRequired
from wtforms.widgets import HiddenInput

from booking.forms.fields import Boxes, Choice, HoursField, Typed, WholeNumberField, Yes
from booking.forms.ledger import clock_minutes, clock_text
from booking.instrument_rules import Hours, RulesContent
from booking.lengths import length_text, minutes_in
from booking.quotas import Measure, Period, Prime, QuotaOf, QuotaRule
from booking.terms import DAY_MINUTES
from core.forms import Form, choice, new_key
from core.web import current_language
from facilities.models.rules import Assistance
from facilities.openings import WeeklyShift
from facilities.policy import BookingMode

DAYS = 7
NEEDED = InputRequired(lazy_gettext("Please fill this in."))


class LengthField(Typed):
    """Minutes, typed as a length of time."""

    def read(self, text: str) -> int:
        """'1 h 30 min' is 90."""
        minutes = minutes_in(text)
        if minutes is None:
            raise ValueError(_("Give a length such as 30 min, 2 h or 1 d 12 h."))
        return minutes

    def write(self, value: int) -> str:
        """90 is '1 h 30 min'."""
        return length_text(value, current_language())


class MinuteField(Typed):
    """A wall time as minutes after midnight, '24:00' included."""

    def read(self, text: str) -> int:
        """'08:30' is 510."""
        minute = clock_minutes(text)
        if minute is None:
            raise ValueError(_("Give a time between 00:00 and 24:00."))
        return minute

    def write(self, value: int) -> str:
        """510 is '08:30'."""
        return clock_text(value)


class DayHours(Part):
    """Up to two stretches of a weekday; one that ends before it starts ends on the next day."""

    start = MinuteField(lazy_gettext("From"))
    end = MinuteField(lazy_gettext("To"))
    start_again = MinuteField(lazy_gettext("and from"))
    end_again = MinuteField(lazy_gettext("To"))

    def stretches(self, weekday: int) -> list[WeeklyShift]:
        """The stretches of the day; a half of one gets a complaint."""
        pairs = ((self.start, self.end), (self.start_again, self.end_again))
        return [made for first, last in pairs if (made := _stretch(weekday, first, last)) is not None]


def _stretch(weekday: int, first: MinuteField, last: MinuteField) -> WeeklyShift | None:
    if first.data is None and last.data is None:
        return None
    if first.data is None or last.data is None:
        complain(first if first.data is None else last, _("Give both times, or none."))
        return None
    if first.data == DAY_MINUTES:
        complain(first, _("Give a time between 00:00 and 24:00."))
        return None
    length = last.data - first.data
    return WeeklyShift(weekday, first.data, length if length > 0 else length + DAY_MINUTES)


class RulesForm(Form):
    """An instrument's rules; a field has the name of what it says in `RulesContent`."""

    version = WholeNumberField(default=0, widget=HiddenInput())
    broken = HiddenField(default="")
    mode = Choice(
        lazy_gettext("How is its time given?"),
        choices=[
            choice(BookingMode.INSTANT, lazy_gettext("members book it at once")),
            choice(BookingMode.APPROVAL, lazy_gettext("members ask, managers approve")),
            choice(BookingMode.ROUND, lazy_gettext("in rounds, by request")),
            choice(BookingMode.WITH_PARENT, lazy_gettext("only together with another instrument")),
            choice(BookingMode.CLOSED, lazy_gettext("not at present")),
        ],
    )
    parent = Choice(lazy_gettext("Together with"))
    approval_levels = WholeNumberField(lazy_gettext("How many approvals, one after the other"), [NEEDED])
    opens_leftover = Yes(lazy_gettext("What a published round has left can be booked at once"))
    slot_minutes = LengthField(lazy_gettext("Step of the time grid"), [NEEDED])
    least_minutes = LengthField(lazy_gettext("Shortest booking"), [NEEDED])
    most_minutes = LengthField(lazy_gettext("Longest booking"), [NEEDED])
    lead_minutes = LengthField(lazy_gettext("Booked at least this long before it starts"), [NEEDED])
    horizon_days = WholeNumberField(lazy_gettext("Booked at most this many days ahead"), [NEEDED])
    buffer_before = LengthField(lazy_gettext("Kept free before each booking"), [NEEDED])
    buffer_after = LengthField(lazy_gettext("Kept free after each booking"), [NEEDED])
    allows_overnight = Yes(lazy_gettext("May be booked over night"))
    allows_several_days = Yes(lazy_gettext("May be booked for longer than 24 hours"))
    hours = Choice(lazy_gettext("When does it run?"))
    day_0 = FormField(DayHours)
    day_1 = FormField(DayHours)
    day_2 = FormField(DayHours)
    day_3 = FormField(DayHours)
    day_4 = FormField(DayHours)
    day_5 = FormField(DayHours)
    day_6 = FormField(DayHours)
    free_cancel_minutes = LengthField(lazy_gettext("Cancelled freely until this long before the start"), [NEEDED])
    last_minute_minutes = LengthField(lazy_gettext("Last minute: free of quotas from this long before"), [NEEDED])
    no_show_minutes = LengthField(lazy_gettext("Not checked in: the time is free again after"))
    assistance = Choice(
        lazy_gettext("Does somebody of the facility help?"),
        choices=[
            choice(Assistance.NONE, lazy_gettext("nobody")),
            choice(Assistance.OPTIONAL, lazy_gettext("who wants it, asks for it")),
            choice(Assistance.REQUIRED, lazy_gettext("always")),
        ],
    )

    @property
    def weekly(self) -> list[DayHours]:
        """The hours of each weekday, Monday first."""
        return [self[f"day_{day}"].form for day in range(DAYS)]

    def offer(self, parents: Mapping[UUID, str], *, has_shared_plan: bool) -> None:
        """Let these instruments be chosen as parent, and the plan of the catalogue where there is one."""
        self.parent.choices = [choice("", _("no other")), *(choice(str(key), name) for key, name in parents.items())]
        kinds = {Hours.ALWAYS: _("day and night"), Hours.OWN: _("in the hours below")}
        if has_shared_plan:
            kinds = {Hours.SHARED: _("as the operating plan of the catalogue says"), **kinds}
        self.hours.choices = [choice(kind, words) for kind, words in kinds.items()]

    def content(self) -> RulesContent | None:
        """What a valid form says; None when half of a stretch is missing, which is then said beside it."""
        hours, mode = Hours(self.hours.data), BookingMode(self.mode.data)
        weekly = [one for day, part in enumerate(self.weekly) for one in part.stretches(day)]
        if any(_complaints(part) for part in self.weekly):
            return None
        plain = {one.name: self[one.name].data for one in fields(RulesContent) if one.name in self}
        plain |= {"mode": mode, "hours": hours, "assistance": Assistance(self.assistance.data)}
        own = sorted(weekly, key=lambda one: (one.weekday, one.start_minute)) if hours is Hours.OWN else ()
        with_parent = mode is BookingMode.WITH_PARENT and self.parent.data
        parent_id = UUID(self.parent.data) if with_parent else None
        return RulesContent(**{**plain, "weekly": tuple(own), "parent_id": parent_id})

    def seen(self) -> frozenset[UUID]:
        """The bookings that the page has shown as breaking the new rules; what is no id is none."""
        return frozenset(filter(None, map(_id, str(self.broken.data or "").split())))


def _complaints(part: Part) -> list[str]:
    return [str(error) for field in part for error in field.errors]


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def values_of(content: RulesContent, version: int) -> dict[str, Any]:
    """What the form shows of rules as they stand."""
    plain = {one.name: getattr(content, one.name) for one in fields(content) if one.name not in ("weekly", "parent_id")}
    days: list[dict[str, int]] = [{} for _day in range(DAYS)]
    for one in content.weekly:
        again = "_again" if "start" in days[one.weekday] else ""
        end = one.start_minute + one.minutes
        days[one.weekday] |= {f"start{again}": one.start_minute, f"end{again}": _wrapped(end)}
    parent = str(content.parent_id) if content.parent_id else ""
    return {**plain, "version": version, "parent": parent, **{f"day_{day}": times for day, times in enumerate(days)}}


def _wrapped(minute: int) -> int:
    """The wall time of an end that may lie on the next day; midnight itself is 24:00."""
    return minute if minute <= DAY_MINUTES else minute - DAY_MINUTES


class QuotaForm(Form):
    """A new quota."""

    key = HiddenField(default=new_key)
    of = Choice(
        lazy_gettext("Whose bookings"),
        choices=[
            choice(QuotaOf.PERSON, lazy_gettext("each person’s")),
            choice(QuotaOf.ORGANISATION, lazy_gettext("each organisation’s")),
        ],
    )
    measure = Choice(
        lazy_gettext("What is added up"),
        choices=[
            choice(Measure.MINUTES, lazy_gettext("booked hours")),
            choice(Measure.BOOKINGS, lazy_gettext("bookings")),
            choice(Measure.OPEN_BOOKINGS, lazy_gettext("bookings that have not ended")),
        ],
    )
    period = Choice(
        lazy_gettext("In each"),
        choices=[
            choice(Period.DAY, lazy_gettext("day")),
            choice(Period.WEEK, lazy_gettext("week")),
            choice(Period.MONTH, lazy_gettext("month")),
            choice(Period.YEAR, lazy_gettext("year")),
        ],
        default=Period.WEEK.value,
    )
    most = HoursField(lazy_gettext("At most"), [NEEDED])
    instrument = Choice(lazy_gettext("On which instruments"))
    weekdays = Boxes(lazy_gettext("Only in prime time, on these days"), default=())
    prime_from = MinuteField(lazy_gettext("From"), default=0)
    prime_until = MinuteField(lazy_gettext("To"), default=DAY_MINUTES)

    def offer(self, instruments: Mapping[UUID, str], days: Mapping[int, str]) -> None:
        """Let these be chosen."""
        everything = choice("", _("all of the facility together"))
        self.instrument.choices = [everything, *(choice(str(key), name) for key, name in instruments.items())]
        self.weekdays.choices = [choice(str(day), name) for day, name in days.items()]

    def rule(self) -> QuotaRule | None:
        """What a valid form says; None when the number does not fit what it counts, which is then said beside it."""
        measure = Measure(self.measure.data)
        most = self.most.data
        if measure is not Measure.MINUTES:
            most, rest = divmod(most, 60)
            if rest:
                complain(self.most, _("Give a whole number."))
                return None
        days = frozenset(day for day in range(DAYS) if str(day) in (self.weekdays.data or ()))
        until = DAY_MINUTES if self.prime_until.data is None else self.prime_until.data
        prime = Prime(days, self.prime_from.data or 0, until) if days else None
        instrument_id = UUID(self.instrument.data) if self.instrument.data else None
        return QuotaRule(QuotaOf(self.of.data), measure, Period(self.period.data), most, instrument_id, prime)


class EndForm(Form):
    """The button that switches a quota off."""


def complain(field: Field, sentence: str) -> None:
    """Say something beside a field."""
    field.errors = [*field.errors, sentence]
