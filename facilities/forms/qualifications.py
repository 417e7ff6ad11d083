"""What managers send about qualifications and the staff's duties."""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, EmailField, HiddenField, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from core.forms import Form, choice, new_key
from facilities.forms.fields import Day, Ids, NumberOfDays, Text
from facilities.models import Qualification
from facilities.openings import local_instant
from facilities.services.duties import DAY_MINUTES, DutyContent
from facilities.services.qualifications import QualificationContent

REQUIRED = InputRequired(_("Please fill in this field."))
STEP = 30
WEEKDAYS = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)
CLOCK = [choice(str(minute), f"{minute // 60:02}:{minute % 60:02}") for minute in range(0, DAY_MINUTES + 1, STEP)]


class QualificationForm(Form):
    """A qualification and which instruments need it."""

    name = Text(_("Name"), [REQUIRED])
    name_it = Text(_("Name in Italian"))
    valid_days = NumberOfDays(_("Lasts how many days?"))
    unused_days = NumberOfDays(_("Ends after how many days without use?"))
    instrument_ids = Ids(_("Instruments that need it"), choices=[])
    is_active = BooleanField(_("In use"), default=True)
    key = HiddenField(default=new_key)

    def content(self) -> QualificationContent:
        """What was sent."""
        return QualificationContent(
            self.name.data or "",
            self.name_it.data or "",
            self.valid_days.data,
            self.unused_days.data,
            bool(self.is_active.data),
            frozenset(self.instrument_ids.data or []),
        )


def form_of(row: Qualification, instrument_ids: list[UUID]) -> QualificationForm:
    """The form with what is known of a qualification."""
    return QualificationForm(
        name=row.name,
        name_it=row.name_it,
        valid_days=row.valid_days,
        unused_days=row.unused_days,
        instrument_ids=instrument_ids,
        is_active=row.is_active,
    )


class GrantForm(Form):
    """Who has a qualification, and until when."""

    email = EmailField(
        _("E-mail address of the account"), [REQUIRED, Length(max=254)], render_kw={"autocomplete": "off"}
    )
    expires_on = Day(_("Last day"))
    note = Text(_("Note for the staff"))


class RevokeForm(Form):
    """Why a qualification is taken back."""

    reason = TextAreaField(_("Why?"))


class DutyForm(Form):
    """A weekly duty of somebody."""

    email = EmailField(
        _("E-mail address of the account"), [REQUIRED, Length(max=254)], render_kw={"autocomplete": "off"}
    )
    weekday = SelectField(_("Every"), choices=[choice(str(n), name) for n, name in enumerate(WEEKDAYS)])
    start = SelectField(_("From"), choices=CLOCK[:-1], default="540")
    end = SelectField(_("To"), choices=CLOCK, default="1020")
    from_day = Day(_("First day"), [REQUIRED])
    until_day = Day(_("Last day"), [Optional()])
    key = HiddenField(default=new_key)

    def content(self, person_id: UUID) -> DutyContent:
        """What was sent, for a person; an end that is not after the start is on the next day."""
        start, end = int(self.start.data), int(self.end.data)
        minutes = (end - start) % DAY_MINUTES or DAY_MINUTES
        return DutyContent(person_id, int(self.weekday.data), start, minutes, self.from_day.data, self.until_day.data)


class AbsenceForm(Form):
    """Somebody is away, from a time of one day to a time of another."""

    person = SelectField(_("Who?"), [REQUIRED], choices=[])
    first_day = Day(_("First day"), [REQUIRED])
    start = SelectField(_("From"), choices=CLOCK[:-1], default="0")
    last_day = Day(_("Last day"))
    end = SelectField(_("To"), choices=CLOCK, default=str(DAY_MINUTES))
    key = HiddenField(default=new_key)

    def times(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Both instants by the facility's wall clock."""
        first: date = self.first_day.data
        last: date = self.last_day.data or first
        return local_instant(first, int(self.start.data), zone), local_instant(last, int(self.end.data), zone)
