"""The form of a request: what pages send as `RequestContent`, and back; problems of the rules beside their fields.

Names: "title", "parts-0-amount", "parts-0-windows-20270109T0700Z-480", "lags-0-after" (ASCII digits only).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.datastructures import MultiDict
from wtforms import Field, FieldList, Form, FormField, RadioField

from booking.content import LagContent, Needs, PartContent, RequestContent
from booking.forms.fields import (
    CalendarField,
    Choice,
    HoursField,
    HoursListField,
    InstrumentsField,
    LengthsField,
    Line,
    Prose,
    WholeNumberField,
    Yes,
)
from booking.request_rules import MOST_LAGS, MOST_PARTS, Problem
from core.errors import Invalid
from core.i18n import N_

T = TypeVar("T")
_TEXTS = "background|objectives|method|impact|safety|equipment"
_LINES = "title|acronym|team_size|sample|biosafety_level|grant_programme|grant_number|needs"
_BOXES = "is_confidential|is_shared|wants_partners|wants_grant_help"
_PART = "name|configuration|amount|least|other_lengths|most_blocks|gap_least|gap_most"
_ONCE = re.compile(
    rf"csrf_token|version|do|{_TEXTS}|{_LINES}|{_BOXES}"
    rf"|parts-[0-9]-(?:{_PART})|parts-[0-9]-windows-[0-9]{{8}}T[0-9]{{4}}Z-[0-9]{{1,6}}"
    r"|lags-[0-9]{1,2}-(?:after|then|least|most)"
)
_SEVERAL = re.compile(r"parts-[0-9]-(?:instruments|lengths)")
STRANGE = N_("This form holds something that does not belong to it. Please load the page again.")


def refuse_strange_names(formdata: MultiDict[str, str]) -> None:
    """Nothing but our own fields, and one value where one is meant; Invalid otherwise."""
    for name, values in formdata.lists():
        if _SEVERAL.fullmatch(name):
            continue
        if not _ONCE.fullmatch(name) or len(values) > 1:
            raise Invalid(STRANGE, code="strange_field")


class PartForm(Form):
    """One instrument need."""

    name = Line(lazy_gettext("Name of this part"))
    instruments = InstrumentsField(lazy_gettext("Instruments"))
    configuration = Choice(lazy_gettext("Set-up"), default="")
    amount = HoursField(lazy_gettext("Hours in all"))
    least = HoursField(lazy_gettext("Smallest useful amount (hours)"))
    lengths = LengthsField(lazy_gettext("Block lengths"))
    other_lengths = HoursListField(lazy_gettext("Other block lengths (hours)"))
    most_blocks = WholeNumberField(lazy_gettext("At most this many blocks"))
    gap_least = HoursField(lazy_gettext("Shortest pause between blocks (hours)"))
    gap_most = HoursField(lazy_gettext("Longest pause between blocks (hours)"))
    windows = CalendarField(lazy_gettext("Calendar"))


class LagForm(Form):
    """A rule between two parts."""

    after = Choice(lazy_gettext("After part"), default="")
    then = Choice(lazy_gettext("starts part"), default="")
    least = HoursField(lazy_gettext("at least (hours later)"))
    most = HoursField(lazy_gettext("at most (hours later)"))


class RequestForm(Form):
    """Everything a request says."""

    title = Line(lazy_gettext("Title"))
    acronym = Line(lazy_gettext("Acronym"))
    team_size = WholeNumberField(lazy_gettext("People in the team"))
    background = Prose(lazy_gettext("Background"))
    objectives = Prose(lazy_gettext("Objectives"))
    method = Prose(lazy_gettext("Method"))
    impact = Prose(lazy_gettext("Expected impact"))
    sample = Line(lazy_gettext("Sample"))
    biosafety_level = Choice(lazy_gettext("Biosafety level"), default="0")
    safety = Prose(lazy_gettext("Safety and ethics"))
    equipment = Prose(lazy_gettext("Equipment you bring"))
    grant_programme = Line(lazy_gettext("Grant programme"))
    grant_number = Line(lazy_gettext("Grant number"))
    is_confidential = Yes(lazy_gettext("Keep the description confidential"))
    is_shared = Yes(lazy_gettext("My organisation’s delegate may read it all the same"))
    wants_partners = Yes(lazy_gettext("I am looking for partners"))
    wants_grant_help = Yes(lazy_gettext("I need help with a European project"))
    needs = RadioField(lazy_gettext("If not everything can be given"), default=Needs.ALL.value, validate_choice=False)
    parts = FieldList(FormField(PartForm), max_entries=MOST_PARTS + 1)
    lags = FieldList(FormField(LagForm), max_entries=MOST_LAGS + 1)

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether every field could be read."""
        sound = super().validate(extra_validators)
        if self.needs.data not in tuple(Needs):
            add_error(self.needs, _("Please choose one of these."))
            return False
        return sound


# what a button does to the content ------------------------------------------------------------------------------------


def changed(content: RequestContent, button: str) -> RequestContent:
    """The content after a button that adds or removes; Invalid for a button that is none of ours."""
    verb, _dash, place = button.partition("-")
    if verb in ("save", "review", "") and not place:
        return content
    if button == "add_part":
        return replace(content, parts=(*content.parts, PartContent()))
    if button == "add_lag":
        return replace(content, lags=(*content.lags, LagContent(after=0, then=1)))
    if verb == "remove_part" and place in _places(content.parts):
        return _without_part(content, int(place))
    if verb == "remove_lag" and place in _places(content.lags):
        return replace(content, lags=_without(content.lags, int(place)))
    raise Invalid(STRANGE, code="strange_field")


def _places(things: Sequence[object]) -> set[str]:
    return {str(place) for place in range(len(things))}


def _without(things: tuple[T, ...], place: int) -> tuple[T, ...]:
    return things[:place] + things[place + 1 :]


def _without_part(content: RequestContent, place: int) -> RequestContent:
    """The rules that name the part go with it; the others follow their parts to the new places."""
    lags = tuple(
        replace(lag, after=lag.after - (lag.after > place), then=lag.then - (lag.then > place))
        for lag in content.lags
        if place not in (lag.after, lag.then)
    )
    return replace(content, parts=_without(content.parts, place), lags=lags)


# from and to content --------------------------------------------------------------------------------------------------

PLAIN = (
    "title", "acronym", "team_size", "background", "objectives", "method", "impact", "sample", "safety", "equipment",
    "grant_programme", "grant_number", "is_confidential", "is_shared", "wants_partners", "wants_grant_help",
)  # fmt: skip


def data_of(content: RequestContent, usual_lengths: Sequence[int]) -> dict[str, Any]:
    """What the form shows of a request."""
    return {
        **{name: getattr(content, name) for name in PLAIN},
        "biosafety_level": str(content.biosafety_level),
        "needs": content.needs.value,
        "parts": [_part_data(part, usual_lengths) for part in content.parts],
        "lags": [
            {"after": str(lag.after), "then": str(lag.then), "least": lag.least_minutes, "most": lag.most_minutes}
            for lag in content.lags
        ],
    }


def _part_data(part: PartContent, usual_lengths: Sequence[int]) -> dict[str, Any]:
    others = [length for length in part.lengths_minutes if length not in usual_lengths]
    return {
        "name": part.name,
        "instruments": list(part.instrument_ids),
        "configuration": part.configuration or "",
        "amount": part.amount_minutes or None,
        "least": None if part.least_minutes == part.amount_minutes else part.least_minutes,
        "lengths": [length for length in part.lengths_minutes if length in usual_lengths],
        "other_lengths": others or None,
        "most_blocks": part.most_blocks,
        "gap_least": part.gap_least_minutes,
        "gap_most": part.gap_most_minutes,
        "windows": part.windows,
    }


def content_of(form: RequestForm) -> RequestContent:
    """What a form that could be read says."""
    return RequestContent(
        **{name: getattr(form, name).data for name in PLAIN},
        biosafety_level=int(form.biosafety_level.data),
        needs=Needs(form.needs.data),
        parts=tuple(_part_of(entry.form) for entry in form.parts.entries),
        lags=tuple(_lag_of(entry.form) for entry in form.lags.entries),
    )


def _part_of(form: Any) -> PartContent:
    amount = form.amount.data or 0
    return PartContent(
        name=form.name.data,
        instrument_ids=tuple(form.instruments.data),
        configuration=form.configuration.data or None,
        amount_minutes=amount,
        least_minutes=amount if form.least.data is None else form.least.data,
        lengths_minutes=tuple(sorted({*form.lengths.data, *(form.other_lengths.data or ())})),
        most_blocks=form.most_blocks.data,
        gap_least_minutes=form.gap_least.data,
        gap_most_minutes=form.gap_most.data,
        windows=form.windows.data,
    )


def parts_shown(form: RequestForm) -> list[PartContent]:
    """What decides the calendar of each part, also while other fields cannot be read."""
    return [
        PartContent(instrument_ids=tuple(entry.form.instruments.data or ()), windows=entry.form.windows.data)
        for entry in form.parts.entries
    ]


def _lag_of(form: Any) -> LagContent:
    return LagContent(
        after=_place(form.after.data),
        then=_place(form.then.data),
        least_minutes=form.least.data or 0,
        most_minutes=form.most.data,
    )


def _place(text: str) -> int:
    """A part's place; one not chosen is no part."""
    return int(text) if text else -1


# problems beside fields -----------------------------------------------------------------------------------------------


def add_error(field: Field, sentence: str) -> None:
    """Show a sentence beside a field, once."""
    if sentence not in field.errors:
        field.errors = [*field.errors, sentence]


def add_problems(form: RequestForm, problems: Iterable[Problem]) -> list[str]:
    """Show each problem beside its field; the sentences that belong to no single field are given back."""
    general = []
    for path, msgid in problems:
        field = _field_at(form, path)
        if field is None:
            general.append(_(msgid))
        else:
            add_error(field, _(msgid))
    return general


def _field_at(form: RequestForm, path: str) -> Field | None:
    match path.split("-"):
        case [name] if name not in ("parts", "lags") and name in form:
            return form[name]
        case ["parts", place, name] if int(place) < len(form.parts.entries):
            return _named(form.parts.entries[int(place)].form, name)
        case ["lags", place, name] if int(place) < len(form.lags.entries):
            return _named(form.lags.entries[int(place)].form, name)
    return None


def _named(form: Form, name: str) -> Field:
    return form[name]


def all_fields(form: RequestForm) -> Iterable[tuple[str, Field]]:
    """Every field with the heading it stands under: '' or 'Part 2'."""
    for field in form:
        if field.name not in ("parts", "lags"):
            yield "", field
    for place, part in enumerate(form.parts.entries, 1):
        yield from ((_("Part %(number)s", number=place), field) for field in part.form)
    for place, lag in enumerate(form.lags.entries, 1):
        yield from ((_("Rule %(number)s", number=place), field) for field in lag.form)
