"""Forms of rounds: the call itself, a review, a proposal. Local wall times in, instants out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]  # newer than its stubs
    BooleanField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectField,
)
from wtforms.fields import DateField
from wtforms.validators import InputRequired, Length, Optional, ValidationError
from wtforms.widgets import HiddenInput

from booking.forms.fields import InstrumentsField, Line, Prose, Typed, WholeNumberField
from booking.forms.ledger import EARLIEST_YEAR, LATEST_YEAR
from booking.forms.requests import STRANGE
from booking.models import Fairness, Feasibility, Review, Round
from booking.services.plans import DEFAULT_TIME_LIMIT, TIME_LIMITS
from booking.services.reviews import Verdict
from booking.services.rounds import GRAINS, EntitlementContent, HoldContent, RoundContent
from facilities.openings import local_instant

MINUTES_A_DAY = 24 * 60
MOST_HOLDS = 200
SPARE_ROWS = 3


class DayField(DateField):
    """A local day of a plausible year: others have no instant in every time zone."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what the browser sent."""
        super().process_formdata(valuelist)
        if self.data is not None and not EARLIEST_YEAR <= self.data.year <= LATEST_YEAR:
            self.data = None
            raise ValueError(_("Give a day as year-month-day, for example 2027-01-09."))


class VersionField(IntegerField):
    """The version that a page was made from, carried along unseen."""

    widget = HiddenInput()
    data: Any


class NumberField(Typed):
    """A number, typed with a point or a comma."""

    def read(self, text: str) -> float:
        """'2,5' is 2.5."""
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            raise ValueError(_("Please give a number.")) from None
        if not abs(value) < 1e9:  # also what is not a number at all
            raise ValueError(_("Please give a number."))
        return value

    def write(self, value: float) -> str:
        """2.5 is '2.5', 3.0 is '3'."""
        return f"{value:.6g}"


class ClockField(Typed):
    """A wall time as minutes after midnight, typed '08:00' on a 24-hour clock (a browser's own field may say PM)."""

    def read(self, text: str) -> int:
        """'08:30' is 510."""
        hour, mark, minute = text.partition(":")
        if not (mark and hour.isdecimal() and minute.isdecimal() and len(hour) <= 2 and len(minute) == 2):
            raise ValueError(_("Please give a time such as 08:00."))
        minutes = int(hour) * 60 + int(minute)
        if int(minute) > 59 or minutes >= MINUTES_A_DAY:
            raise ValueError(_("Please give a time such as 08:00."))
        return minutes

    def write(self, value: int) -> str:
        """510 is '08:30'."""
        return f"{value // 60:02d}:{value % 60:02d}"


class EntitlementForm(Form):
    """One organisation's row; without a weight it has no entitlement in the round."""

    organisation_id = HiddenField()
    weight = NumberField(lazy_gettext("Weight"), [Optional()])
    past_use = NumberField(lazy_gettext("Past use, hours"), [Optional()])

    def validate_organisation_id(self, field: HiddenField) -> None:
        """The id comes from the page; anything else is no id."""
        try:
            UUID(field.data or "")
        except ValueError:
            raise ValidationError(_(STRANGE)) from None


class HoldForm(Form):
    """Time kept back; a row without a day is none."""

    day = DayField(lazy_gettext("Day"), [Optional()])
    at = ClockField(lazy_gettext("From"), [Optional()])
    length = NumberField(lazy_gettext("Hours"))
    note = Line(lazy_gettext("What for"), [Length(max=200)])
    instrument = SelectField(lazy_gettext("Instrument"), [Optional()], choices=[])

    def validate_length(self, field: NumberField) -> None:
        """A hold with a day needs hours."""
        if self.day.data and not (field.data and 0 < field.data <= 24 * 366):
            raise ValidationError(_("Please give the hours that are kept back."))


class RoundForm(FlaskForm):
    """The call."""

    key = HiddenField()
    version = VersionField(default=0)
    title_it = Line(lazy_gettext("Title in Italian"), [InputRequired(), Length(max=200)])
    title_en = Line(lazy_gettext("Title in English"), [InputRequired(), Length(max=200)])
    description_it = Prose(lazy_gettext("Description in Italian"), [Length(max=6000)])
    description_en = Prose(lazy_gettext("Description in English"), [Length(max=6000)])
    instruments = InstrumentsField(lazy_gettext("Instruments"), choices=[])
    opens_day = DayField(lazy_gettext("Opens on"), [InputRequired()])
    opens_at = ClockField(lazy_gettext("at"), [InputRequired()])
    deadline_day = DayField(lazy_gettext("Deadline on"), [InputRequired()])
    deadline_at = ClockField(lazy_gettext("at"), [InputRequired()])
    horizon_start = DayField(lazy_gettext("Time is given from"), [InputRequired()])
    horizon_end = DayField(lazy_gettext("to the end of"), [InputRequired()])
    fairness = RadioField(lazy_gettext("How the time is shared"), choices=[])
    value_slack = NumberField(lazy_gettext("Satisfaction that may be given up for value"), [Optional()], default=0.0)
    seed = WholeNumberField(lazy_gettext("Seed of the solver"), [InputRequired()], default=1)
    grain_minutes = SelectField(lazy_gettext("Step of the time grid, minutes"), coerce=int)
    scale_worst = NumberField(lazy_gettext("Worst score"), [InputRequired()], default=0.0)
    scale_best = NumberField(lazy_gettext("Best score"), [InputRequired()], default=100.0)
    entitlements = FieldList(FormField(EntitlementForm), max_entries=2000)
    holds = FieldList(FormField(HoldForm), max_entries=MOST_HOLDS)

    def validate_seed(self, field: WholeNumberField) -> None:
        """What the scheduler takes."""
        if field.data is None or not 0 <= field.data < 2**31:
            raise ValidationError(_("Please give a whole number, not below 0."))

    def offer(self, instruments: Mapping[str, Sequence[tuple[str, str]]], policies: Mapping[Fairness, str]) -> None:
        """Tell the fields what can be chosen: (id, name) by facility, and the policies in words."""
        pairs = [SelectChoice(value, name) for rows in instruments.values() for value, name in rows]
        self.instruments.choices = pairs
        self.fairness.choices = [SelectChoice(policy.value, words) for policy, words in policies.items()]
        self.grain_minutes.choices = [SelectChoice(minutes, str(minutes)) for minutes in GRAINS]
        for row in self.holds:
            row.form.instrument.choices = [SelectChoice("", _("all instruments")), *pairs]


def content_of(form: RoundForm, zone: ZoneInfo, *, slug: str = "", demo: bool = False) -> RoundContent:
    """What a valid form says; its days and clock times are local to `zone`."""
    return RoundContent(
        slug=slug,
        demo=demo,
        title_it=form.title_it.data,
        title_en=form.title_en.data,
        description_it=form.description_it.data,
        description_en=form.description_en.data,
        instrument_ids=tuple(form.instruments.data or ()),
        opens_at=local_instant(form.opens_day.data, form.opens_at.data, zone),
        deadline_at=local_instant(form.deadline_day.data, form.deadline_at.data, zone),
        horizon_start=local_instant(form.horizon_start.data, 0, zone),
        horizon_end=local_instant(form.horizon_end.data + timedelta(days=1), 0, zone),
        fairness=Fairness(form.fairness.data),
        value_slack=form.value_slack.data or 0.0,
        seed=form.seed.data,
        grain_minutes=form.grain_minutes.data,
        scale_worst=form.scale_worst.data,
        scale_best=form.scale_best.data,
        entitlements=tuple(_entitlements(row.form for row in form.entitlements)),
        holds=tuple(_holds((row.form for row in form.holds), zone)),
    )


def _entitlements(rows: Iterable[Any]) -> Iterable[EntitlementContent]:
    for row in rows:
        if row.weight.data is not None:
            yield EntitlementContent(UUID(row.organisation_id.data), row.weight.data, row.past_use.data or 0.0)


def _holds(rows: Iterable[Any], zone: ZoneInfo) -> Iterable[HoldContent]:
    for row in rows:
        if row.day.data is None:
            continue
        starts_at = local_instant(row.day.data, row.at.data or 0, zone)
        instrument = UUID(row.instrument.data) if row.instrument.data else None
        yield HoldContent(starts_at, starts_at + timedelta(hours=row.length.data), row.note.data, instrument)


SAME = (
    *("title_it", "title_en", "description_it", "description_en", "value_slack", "seed"),
    *("grain_minutes", "scale_worst", "scale_best"),
)
"""What form and round call alike."""


def values_of(round_: Round, zone: ZoneInfo) -> dict[str, Any]:
    """What the form shows of a round, besides entitlements and holds."""
    opens, deadline = (at.astimezone(zone) for at in (round_.opens_at, round_.deadline_at))
    return {
        **{name: getattr(round_, name) for name in SAME},
        "version": round_.version,
        "instruments": [row.instrument_id for row in round_.instruments],
        "fairness": round_.fairness.value,
        "opens_day": opens.date(),
        "opens_at": opens.hour * 60 + opens.minute,
        "deadline_day": deadline.date(),
        "deadline_at": deadline.hour * 60 + deadline.minute,
        "horizon_start": round_.horizon_start.astimezone(zone).date(),
        "horizon_end": _last_day(round_.horizon_end, zone),
        "holds": [_hold_values(row.starts_at, row.ends_at, row.note, row.instrument_id, zone) for row in round_.holds],
    }


def _last_day(end: datetime, zone: ZoneInfo) -> date:
    return (end - timedelta(minutes=1)).astimezone(zone).date()


def _hold_values(start: datetime, end: datetime, note: str, instrument: UUID | None, zone: ZoneInfo) -> dict[str, Any]:
    local = start.astimezone(zone)
    return {
        "day": local.date(),
        "at": local.hour * 60 + local.minute,
        "length": (end - start) / timedelta(hours=1),
        "note": note,
        "instrument": str(instrument) if instrument else "",
    }


class ReviewForm(FlaskForm):
    """What a reviewer says of a request."""

    version = VersionField()
    feasibility = RadioField(lazy_gettext("Is it technically feasible?"), [InputRequired()], choices=[])
    safety_is_cleared = BooleanField(lazy_gettext("Safety is cleared"))
    score_given = NumberField(lazy_gettext("Score"), [Optional()])
    comment = Prose(lazy_gettext("Comment to the applicant"), [Length(max=4000)])

    def fill(self, review: Review | None, version: int) -> None:
        """Show what was said before."""
        self.version.data = version
        if review is not None:
            self.feasibility.data = review.feasibility.value if review.feasibility else None
            self.safety_is_cleared.data = review.safety_is_cleared
            self.score_given.data = review.score_given
            self.comment.data = review.comment

    def verdict(self) -> Verdict:
        """What a valid form says."""
        return Verdict(
            feasibility=Feasibility(self.feasibility.data),
            safety_is_cleared=bool(self.safety_is_cleared.data),
            score_given=self.score_given.data,
            comment=self.comment.data,
        )


class ProposeForm(FlaskForm):
    """How long the solver may work."""

    key = HiddenField()
    version = VersionField()
    time_limit = SelectField(
        lazy_gettext("Time limit"),
        coerce=int,
        default=DEFAULT_TIME_LIMIT,
        choices=[
            SelectChoice(seconds, f"{seconds} s" if seconds < 60 else f"{seconds // 60} min") for seconds in TIME_LIMITS
        ],
    )


class StepForm(FlaskForm):
    """A button that takes a step, on the version its page was made from."""

    version = VersionField()
