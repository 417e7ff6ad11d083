"""What is sent to move a booking, hand it over or offer it for another one."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from wtforms import HiddenField, SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.widgets import EmailInput

from booking.forms.fields import Choice, Line, Prose, WholeNumberField
from booking.forms.ledger import StretchForm, clock_text
from booking.queries.swaps import Slot
from booking.terms import DAY_MINUTES
from core.forms import Form, new_key
from core.intervals import Interval

_INSTANT = "%Y%m%dT%H%MZ"


class MoveForm(StretchForm):
    """Where and when a booking shall be; `sequence` is its version that the person saw."""

    instrument_id = Choice(lazy_gettext("Instrument"), choices=[])
    reason = Prose(lazy_gettext("Why?"))
    sequence = WholeNumberField()

    def offer_instruments(self, names: Iterable[tuple[UUID, str]]) -> None:
        """Let one of these be chosen."""
        self.instrument_id.choices = [SelectChoice(str(key), name) for key, name in names]


class HandOverForm(Form):
    """To whom a booking goes."""

    email = Line(lazy_gettext("Your colleague's e-mail address"), widget=EmailInput())
    reason = Prose(lazy_gettext("Message"))


class SwapForm(Form):
    """Whose time is asked for: a slot, not a person."""

    slot = Choice(lazy_gettext("Which time would you like instead?"), choices=[])
    message = Line(lazy_gettext("Message"))
    key = HiddenField(default=new_key)

    def offer_slots(self, named: Iterable[tuple[Slot, str]]) -> None:
        """Let one of these be chosen."""
        first = SelectChoice("", lazy_gettext("Please choose"))
        self.slot.choices = [first, *(SelectChoice(slot_text(slot), name) for slot, name in named)]


def slot_text(slot: Slot) -> str:
    """A slot as a form sends it."""
    return f"{slot.instrument_id}_{slot.unit}_{slot.start:{_INSTANT}}"


def filled_in(when: Interval, zone: ZoneInfo) -> dict[str, Any]:
    """How a form shows a stretch; the midnight that ends a day is its 24:00, of a doubled hour the pass is chosen."""
    start, end = (at.astimezone(zone) for at in (when.start, when.end))
    end_day, end_minute = end.date(), end.hour * 60 + end.minute
    if end_minute == 0:
        end_day, end_minute = end_day - timedelta(days=1), DAY_MINUTES
    return {
        "day": start.date(),
        "start": clock_text(start.hour * 60 + start.minute),
        "start_pass": _pass(start),
        "end_day": end_day,
        "end": clock_text(end_minute),
        "end_pass": _pass(end),
    }


def _pass(at: datetime) -> str:
    """Which of the two it is, where a wall time comes twice."""
    if at.replace(fold=0).utcoffset() == at.replace(fold=1).utcoffset():
        return ""
    return str(at.fold + 1)
