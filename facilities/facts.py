"""What the pages say about a facility or instrument, in words of one language: facts, specifications, the week."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import get_day_names

from core import formats
from core.i18n import either
from core.intervals import Interval
from facilities.models import Facility, Instrument, OperatingPlan
from facilities.openings import WeeklyShift, shifts_between
from facilities.vocabulary import Term, say, say_text, vocabulary

DAY: Final = 1440
LOOK_AHEAD: Final = timedelta(weeks=6)
_CITED_URL = re.compile(r"(https?://\S+)\s*(.*)", re.DOTALL)


@dataclass(frozen=True)
class Fact:
    """One line about an instrument; `assumed` when the value is an assumption of the demo."""

    code: str
    label: str
    text: str
    assumed: bool


@dataclass(frozen=True)
class Source:
    """Where a fact comes from: a link with a note, or only words."""

    url: str
    note: str


@dataclass(frozen=True)
class Bar:
    """A piece of a shift inside one day, in minutes after midnight; `shift` is the whole one, '22:00–02:00'."""

    start: int
    end: int
    shift: str


@dataclass(frozen=True)
class Day:
    """One day of the week; `shifts` are those that begin on it."""

    name: str
    short_name: str
    bars: tuple[Bar, ...]
    shifts: tuple[str, ...]


def name_of(instrument: Instrument, language: str) -> str:
    """The instrument's name."""
    return either(language, instrument.name_it, instrument.name)


def is_assumed(instrument: Instrument, field: str) -> bool:
    """Whether the demo had to assume this field of a catalogue file."""
    return bool({"whole resource", field, field.split(".", maxsplit=1)[0]} & set(instrument.assumed_fields))


def facts_of(instrument: Instrument, language: str) -> list[Fact]:
    """The plain fields of an instrument that a reader needs to decide, in their order."""
    words = vocabulary()
    yes, no = ("sì", "no") if language == "it" else ("yes", "no")
    values = {
        "kind": say(words.kinds, instrument.kind, language),
        "booking_mode": say(words.booking_modes, instrument.booking_mode.value, language),
        "operation": say(words.operations, instrument.operation, language),
        "training_required": yes if instrument.training_required else no,
        "capacity": formats.number(instrument.capacity, language),
        "min_minutes": duration(instrument.least_minutes, language),
        "max_minutes": duration(instrument.most_minutes, language),
        "slot_minutes": "" if instrument.operating_plan_id else duration(instrument.slot_minutes, language),
        "access": ", ".join(say(words.instrument_access, code, language) for code in instrument.access),
    }
    if instrument.access_type == "mail-in":
        values["booking_mode"] += f" ({say(words.access_types, instrument.access_type, language)})"
    return [
        Fact(code, words.fields[code].text(language), text, is_assumed(instrument, code))
        for code, text in values.items()
        if text
    ]


def duration(minutes: int, language: str) -> str:
    """'30 min', '4 h', '2 d' ('2 g' in Italian): the largest unit that fits without a rest."""
    if minutes % DAY == 0 and minutes > DAY:
        return f"{formats.number(minutes // DAY, language)} {'g' if language == 'it' else 'd'}"
    if minutes % 30 == 0 and minutes >= 60:
        return formats.hours(minutes, language)
    return f"{formats.number(minutes, language)} min"


def specs_of(instrument: Instrument, language: str) -> list[Fact]:
    """The technical specifications with their units."""
    terms = vocabulary().specs
    return [
        Fact(
            key,
            say(terms, key, language),
            _spec_text(value, terms.get(key, Term("", "")).unit, language),
            is_assumed(instrument, f"specs.{key}"),
        )
        for key, value in instrument.specs.items()
    ]


def _spec_text(value: Any, unit: str, language: str) -> str:
    if isinstance(value, list) and len(value) == 2 and not any(isinstance(each, str) for each in value):
        text = f"{_number(value[0], language)}–{_number(value[1], language)}"
    elif isinstance(value, list):
        text = ", ".join(say_text(str(each), language) for each in value)
    elif isinstance(value, str):
        text = say_text(value, language).replace("-", "–") if unit else say_text(value, language)
    else:
        text = _number(value, language)
    return text + ("" if not unit else unit if unit == "°" else f" {unit}")


def _number(value: float, language: str) -> str:
    return formats.number(value, language, 4)


def assumed_labels(instrument: Instrument, language: str) -> list[str]:
    """What was assumed about the instrument, in words."""
    words = vocabulary()
    return [
        say(words.specs, field.removeprefix("specs."), language)
        if field.startswith("specs.")
        else say(words.fields, field, language)
        for field in instrument.assumed_fields
    ]


def source_of(text: str) -> Source:
    """'https://… (note)' taken apart; a source without a link is only its words."""
    cited = _CITED_URL.fullmatch(text.strip())
    if cited is None:
        return Source("", text)
    note = cited[2].strip()
    return Source(cited[1], note[1:-1] if note.startswith("(") and note.endswith(")") else note)


# --- the operating plan -----------------------------------------------------------------------------------


def week_of(plan: OperatingPlan, language: str) -> list[Day]:
    """The seven days from Monday; a shift that passes midnight has a bar on both days, one over Sunday wraps round."""
    names = get_day_names("wide", locale=language)
    short = get_day_names("abbreviated", locale=language)
    bars: dict[int, list[Bar]] = {day: [] for day in range(7)}
    begun: dict[int, list[str]] = {day: [] for day in range(7)}
    for shift in plan.shifts:
        told = f"{clock_of(shift.start_minute)}–{clock_of(shift.start_minute + shift.minutes)}"
        begun[shift.weekday].append(told)
        position, end = shift.start_minute, shift.start_minute + shift.minutes
        while position < end:
            day, minute = divmod(position, DAY)
            stop = min(end, (day + 1) * DAY)
            bars[(shift.weekday + day) % 7].append(Bar(minute, stop - day * DAY, told))
            position = stop
    return [Day(names[day], short[day], tuple(bars[day]), tuple(begun[day])) for day in range(7)]


def clock_of(minute: int) -> str:
    """Minutes after midnight as '22:00'; what lies on the next day begins at 00:00 again."""
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def weekly_minutes(plan: OperatingPlan) -> int:
    """How long the plan runs in a week."""
    return sum(shift.minutes for shift in plan.shifts)


def next_shifts(plan: OperatingPlan, now: datetime, most: int) -> list[Interval]:
    """The next shifts that have not begun; whether they are still free is the ledger's to say."""
    weekly = [WeeklyShift(shift.weekday, shift.start_minute, shift.minutes) for shift in plan.shifts]
    return shifts_between(weekly, ZoneInfo(plan.timezone), Interval(now, now + LOOK_AHEAD))[:most]


# --- schema.org -------------------------------------------------------------------------------------------


def facility_data(facility: Facility, url: str, instrument_urls: Mapping[str, str], language: str) -> dict[str, Any]:
    """The facility in schema.org's words."""
    organisation = {"@type": "Organization", "name": facility.organisation.name}
    if facility.organisation.ror:
        organisation["sameAs"] = facility.organisation.ror
    return {
        "@context": "https://schema.org",
        "@type": "ResearchOrganization",
        "@id": url,
        "url": url,
        "name": either(language, facility.name_it, facility.name_en),
        "description": either(language, facility.description_it, facility.description_en),
        "inLanguage": language,
        **({"sameAs": facility.url} if facility.url else {}),
        "parentOrganization": organisation,
        "knowsAbout": [either(language, t.name_it, t.name_en) for t in facility.techniques],
        "location": {
            "@type": "Place",
            "address": {
                "@type": "PostalAddress",
                "addressLocality": facility.city,
                "addressRegion": facility.province,
                "addressCountry": "IT",
            },
            "geo": {"@type": "GeoCoordinates", "latitude": facility.latitude, "longitude": facility.longitude},
        },
        "owns": [
            {"@type": "Product", "name": name_of(i, language), "url": instrument_urls[i.slug]}
            for i in facility.instruments
        ],
    }


def instrument_data(instrument: Instrument, url: str, facility_url: str, language: str) -> dict[str, Any]:
    """The instrument in schema.org's words."""
    facility = instrument.facility
    return {
        "@context": "https://schema.org",
        "@type": "Product",
        "@id": url,
        "url": url,
        "name": name_of(instrument, language),
        "category": say(vocabulary().kinds, instrument.kind, language),
        "additionalProperty": [
            {"@type": "PropertyValue", "propertyID": fact.code, "name": fact.label, "value": fact.text}
            for fact in specs_of(instrument, language)
        ],
        "offers": {
            "@type": "Offer",
            "offeredBy": {
                "@type": "ResearchOrganization",
                "@id": facility_url,
                "name": either(language, facility.name_it, facility.name_en),
            },
        },
    }
