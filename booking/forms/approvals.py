"""What managers and their deputies send about approvals: decisions on one or several bookings, deputies."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import HiddenField

from booking.forms.fields import Line, Prose
from booking.forms.ledger import DayField
from booking.services.ledger import Wanted
from core.forms import Form, new_key
from core.localtime import midnight


class DecisionForm(Form):
    """The reason of a decision; which bookings it is about are boxes and buttons of the page."""

    reason = Prose(lazy_gettext("Why?"))


class DeputyForm(Form):
    """Who approves for a manager, and on which days."""

    email = Line(lazy_gettext("E-mail address of the deputy"))
    first = DayField(lazy_gettext("First day"))
    last = DayField(lazy_gettext("Last day"))
    key = HiddenField(default=new_key)

    def times(self, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """From the first day's midnight to that which ends the last one; None when a day is missing, said beside it."""
        for day in (self.first, self.last):
            if day.data is None and not day.errors:
                day.errors = [_("Please choose a day.")]
        if self.errors:
            return None
        return midnight(self.first.data, zone), midnight(self.last.data + timedelta(days=1), zone)


def wanted_of(values: Iterable[str]) -> list[Wanted]:
    """What boxes and buttons name: '<booking>:<level>'; what is none of ours is left out."""
    found = []
    for value in values:
        booking, _colon, level = value.partition(":")
        try:
            found.append(Wanted(UUID(booking), int(level) if level.isdecimal() and len(level) < 3 else None))
        except ValueError:
            continue
    return found
