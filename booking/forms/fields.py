"""Fields that say what is wrong in our own words and never raise on hostile input: hours, whole numbers, choices."""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from wtforms import BooleanField, Field, SelectField, SelectMultipleField, StringField
from wtforms.utils import unset_value
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, Input, ListWidget, TextArea, TextInput

from booking.content import WindowContent, WindowKind
from booking.painting import instant_of, windows_of
from core.intervals import Interval

_HOURS = re.compile(r"[0-9]{1,6}(?:[.,][0-9]{1,4})?")
_WHOLE = re.compile(r"[0-9]{1,9}")
_CELL = re.compile(r"([0-9]{8}T[0-9]{4}Z)-([0-9]{1,6})")
MINUTES_OF_AN_HOUR = 60


def minutes_of(text: str) -> int:
    """'8', '2.5' or '2,5' hours in minutes; ValueError with a sentence when it is none or no whole minutes."""
    if not _HOURS.fullmatch(text):
        raise ValueError(_("Give hours, for example 8 or 2.5."))
    minutes = Decimal(text.replace(",", ".")) * MINUTES_OF_AN_HOUR
    if minutes != int(minutes):
        raise ValueError(_("Give whole minutes, for example 2.5 or 0.25 hours."))
    return int(minutes)


def hours_of(minutes: int) -> str:
    """Minutes as a form shows them: '8', '2.5'."""
    hours = Decimal(minutes) / MINUTES_OF_AN_HOUR
    return f"{hours.quantize(Decimal('0.0001')).normalize():f}"


class Line(StringField):
    """One line of text; spaces at its ends mean nothing."""

    data: str

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Take the text."""
        self.data = str(valuelist[0]).strip() if valuelist else ""


class Prose(Line):
    """Several lines; a browser's line ends become plain ones."""

    widget = TextArea()

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Take the text."""
        super().process_formdata([str(value).replace("\r\n", "\n").replace("\r", "\n") for value in valuelist])


class Typed(Field):
    """A text input whose value is read from what was typed; what cannot be read is shown again as typed."""

    widget: Input = TextInput()

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Read the text; an empty one is None."""
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = self.read(text) if text else None

    def read(self, text: str) -> Any:
        """The value of a text; ValueError with a sentence when it has none."""
        raise NotImplementedError

    def write(self, value: Any) -> str:
        """The text of a value."""
        raise NotImplementedError

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else self.write(self.data)


class HoursField(Typed):
    """Minutes, typed as hours."""

    def read(self, text: str) -> int:
        """'2,5' is 150."""
        return minutes_of(text)

    def write(self, value: int) -> str:
        """150 is '2.5'."""
        return hours_of(value)


class HoursListField(Typed):
    """Several amounts of minutes, typed as hours with spaces or semicolons between them."""

    def read(self, text: str) -> list[int]:
        """'4 8' is [240, 480]."""
        return [minutes_of(word) for word in text.replace(";", " ").split()]

    def write(self, value: Iterable[int]) -> str:
        """[240, 480] is '4 8'."""
        return " ".join(hours_of(minutes) for minutes in value)


class WholeNumberField(Typed):
    """A whole number, not negative."""

    def read(self, text: str) -> int:
        """'3' is 3."""
        if not _WHOLE.fullmatch(text):
            raise ValueError(_("Give a whole number."))
        return int(text)

    def write(self, value: int) -> str:
        """3 is '3'."""
        return str(value)


class Choice(SelectField):
    """One of a list."""

    def pre_validate(self, form: Any) -> None:
        """Only what the list holds."""
        if self.data not in {value for value, *_rest in self.iter_choices()}:
            raise ValidationError(_("Please choose one of these."))


class Yes(BooleanField):
    """A box to tick; only what our own pages send counts."""

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Ticked or not; anything else is refused."""
        if valuelist and valuelist[0] not in ("y", ""):
            raise ValueError(_("Please choose one of these."))
        self.data = bool(valuelist) and valuelist[0] == "y"


def _as_it_is(value: Any) -> Any:
    return value


class Boxes(SelectMultipleField):
    """Any of a list, as boxes to tick."""

    def __init__(self, label: Any, **options: Any) -> None:
        super().__init__(label, coerce=_as_it_is, **options)

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: Any) -> None:
        """What is not in the list is the rules' affair, which know more than the list."""


class InstrumentsField(Boxes):
    """Instruments to tick."""

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Read their ids, in the order of the page."""
        try:
            self.data = [UUID(str(value)) for value in valuelist]
        except ValueError:
            raise ValueError(_("This instrument is not offered in this round.")) from None


class LengthsField(Boxes):
    """Usual block lengths to tick, in minutes."""

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Read the minutes."""
        if not all(_WHOLE.fullmatch(str(value)) for value in valuelist):
            raise ValueError(_("Please choose one of these."))
        self.data = [int(value) for value in valuelist]


class CalendarField(Field):
    """Painted cells, each its own input: '<name>-20270109T0700Z-480' is '', 'preferred' or 'impossible'."""

    data: tuple[WindowContent, ...]

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        """Collect this field's cells."""
        self.process_errors: list[str] = []
        self.data = () if data is unset_value else tuple(data)
        if formdata is None:
            return
        prefix = f"{self.name}-"
        cells = [(name.removeprefix(prefix), formdata[name]) for name in formdata if name.startswith(prefix)]
        try:
            self.data = windows_of([_cell(key, value) for key, value in cells if value])
        except (ValueError, OverflowError):
            self.data = ()
            self.process_errors.append(_("The calendar could not be read. Please load the page again."))


def _cell(key: str, value: str) -> tuple[Interval, WindowKind]:
    """A painted cell; ValueError or OverflowError when key or value is none of ours."""
    found = _CELL.fullmatch(key)
    if found is None:
        raise ValueError(key)
    start = instant_of(found[1])
    return Interval(start, start + timedelta(minutes=int(found[2]))), WindowKind(value)
