"""Fields that say what is wrong in our own words and never raise on hostile input: days, numbers of days, boxes."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from flask_babel import gettext as _
from wtforms import Field, SelectMultipleField, StringField
from wtforms.widgets import CheckboxInput, DateInput, Input, ListWidget, TextInput

EARLIEST_YEAR, LATEST_YEAR = 1971, 2199
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAYS = re.compile(r"[0-9]{1,6}")


class Text(StringField):
    """One line of text; spaces at its ends mean nothing."""

    data: str

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Take the text."""
        self.data = str(valuelist[0]).strip() if valuelist else ""


class _Typed(Field):
    """A value that is read from what was typed; what cannot be read is shown again as typed."""

    widget: Input = TextInput()

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Read the text; an empty one is None."""
        text = str(valuelist[0]).strip() if valuelist else ""
        self.data = self.read(text) if text else None

    def read(self, text: str) -> Any:
        """The value of a text; ValueError with a sentence when it has none."""
        raise NotImplementedError

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else str(self.data or "")


class NumberOfDays(_Typed):
    """A number of days, or nothing."""

    def read(self, text: str) -> int:
        """'365'."""
        if not _DAYS.fullmatch(text):
            raise ValueError(_("Give a number of days, at least 1, or nothing."))
        return int(text)


class Day(_Typed):
    """A calendar day, or nothing."""

    widget: Input = DateInput()

    def read(self, text: str) -> date:
        """'2027-01-09'."""
        try:
            day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
        except ValueError:
            day = None
        if day is None or not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            raise ValueError(_("Give a day as year-month-day, for example 2027-01-09."))
        return day


class Ids(SelectMultipleField):
    """Any of a list, by id, as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Read the ids."""
        try:
            self.data = [UUID(str(value)) for value in valuelist]
        except ValueError:
            raise ValueError(_("Please choose one of these.")) from None

    def pre_validate(self, form: Any) -> None:
        """What is not in the list is refused by the rules, which know more than the list."""
