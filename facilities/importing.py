"""What a catalogue file says, as plain values: read_catalogue() checks all of it before anything is stored."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import available_timezones

from accounts.identifiers import ror_from, slug_from
from core.errors import Invalid
from facilities.documents import SLUG, CatalogueError, Complaints, Entry, number_fault, read_json, text_fault
from facilities.policy import BookingMode
from facilities.vocabulary import panet, vocabulary

SCHEMA: Final = "facilities-demo/1"
WEEK: Final = 7 * 1440
YEAR: Final = 366 * 1440
WEEKDAYS: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MODES: Final = {
    "proposal": BookingMode.ROUND,
    "slot": BookingMode.INSTANT,
    "mail_in": BookingMode.APPROVAL,
    "event": BookingMode.APPROVAL,
    "closed": BookingMode.CLOSED,
    "with_parent": BookingMode.WITH_PARENT,
}
ASSUMABLE: Final = frozenset(
    (
        "existence",
        "whole resource",
        "name",
        "kind",
        "booking_mode",
        "capacity",
        "slot_minutes",
        "min_minutes",
        "max_minutes",
        "shift_plan",
        "training_required",
        "operation",
        "access",
        "specs",
    )
)


@dataclass(frozen=True)
class ShiftContent:
    """A weekly stretch; weekday 0 is Monday, `start_minute` counts from local midnight."""

    weekday: int
    start_minute: int
    minutes: int


@dataclass(frozen=True)
class PlanContent:
    """An operating plan. `ion_change_minutes` tells that its instruments share one beam; None that they do not."""

    slug: str
    timezone: str
    basis: str
    is_assumed: bool
    shifts: tuple[ShiftContent, ...]
    shutdowns: Mapping[str, Any]
    buffer_fraction: float
    same_ion_minutes: int
    ion_change_minutes: int | None


@dataclass(frozen=True)
class TechniqueContent:
    """A technique in both languages."""

    slug: str
    name_it: str
    name_en: str
    panet: str | None


@dataclass(frozen=True)
class InstrumentContent:
    """One bookable thing of a facility, in the order of the file."""

    slug: str
    name: str
    name_it: str
    kind: str
    booking_mode: BookingMode
    access_type: str
    capacity: int
    slot_minutes: int
    least_minutes: int
    most_minutes: int
    training_required: bool
    operation: str
    configuration: str | None
    access: tuple[str, ...]
    specs: Mapping[str, Any]
    assumed_fields: tuple[str, ...]
    plan: str | None


@dataclass(frozen=True)
class FacilityContent:
    """One facility."""

    slug: str
    organisation: str
    ror: str | None
    name_it: str
    name_en: str
    description_it: str
    description_en: str
    city: str
    province: str
    latitude: float
    longitude: float
    coordinate_quality: str
    url: str
    esfri_domain: str
    access_modes: tuple[str, ...]
    techniques: tuple[TechniqueContent, ...]
    instruments: tuple[InstrumentContent, ...]
    sources: tuple[str, ...]
    assumptions: tuple[str, ...]


@dataclass(frozen=True)
class CatalogueContent:
    """A whole file."""

    plans: tuple[PlanContent, ...]
    facilities: tuple[FacilityContent, ...]


def read_catalogue(source: Path | Mapping[str, Any]) -> CatalogueContent:
    """A catalogue file, or a document already read; CatalogueError names every fault by file, entry and field."""
    if isinstance(source, Path):
        name, document = source.name, read_json(source)
    else:
        name, document = "document", source
    complaints = Complaints(name)
    try:
        content = _catalogue(Entry(document, "", complaints))
    except RecursionError as error:
        raise CatalogueError([f"{name}: nested too deeply"]) from error
    complaints.raise_any()
    return content


def _catalogue(entry: Entry) -> CatalogueContent:
    if isinstance(entry.value.get("schema"), str) and entry.value["schema"] != SCHEMA:
        entry.complain("schema", f'must be "{SCHEMA}", not {json.dumps(entry.value["schema"][:40])}')
    entry.text("schema", 40)
    entry.optional_text("generated", 40)
    entry.optional_text("note", 2000)
    if entry.has("language"):
        entry.choices("language", ("it", "en"))
    plans_entry = entry.entry("shift_plans")
    plans = tuple(_plan(slug, plans_entry) for slug in plans_entry.value)
    facilities = tuple(_facility(each, frozenset(plan.slug for plan in plans)) for each in entry.entries("facilities"))
    entry.finish()
    _agree(facilities, entry.complaints)
    return CatalogueContent(plans, facilities)


def _agree(facilities: tuple[FacilityContent, ...], complaints: Complaints) -> None:
    """What only shows when facilities are compared: slugs used twice, one thing told in two ways."""
    slugs: dict[str, int] = {}
    rors: dict[str, str] = {}
    techniques: dict[str, TechniqueContent] = {}
    for number, facility in enumerate(facilities):
        place = f'facilities[{number}] "{facility.slug}"'
        if facility.slug and slugs.setdefault(facility.slug, number) != number:
            complaints.add(f"{place} slug", f"is already the slug of facilities[{slugs[facility.slug]}]")
        if facility.ror and rors.setdefault(facility.organisation, facility.ror) != facility.ror:
            complaints.add(f"{place} organisation_ror", f"this organisation has {rors[facility.organisation]} above")
        for technique in facility.techniques:
            if techniques.setdefault(technique.slug, technique) != technique:
                told = json.dumps(technique.name_en)
                complaints.add(f"{place} techniques", f"{told} has another spelling, translation or PaNET term above")


# --- operating plans --------------------------------------------------------------------------------------


def _plan(slug: str, plans: Entry) -> PlanContent:
    if not SLUG.fullmatch(slug) or len(slug) > 80:
        plans.complain(slug, "the name of a plan must be lower-case letters, digits and single hyphens, at most 80")
    entry = plans.entry(slug)
    zone = entry.text("timezone", 64)
    if zone and zone not in available_timezones():
        entry.complain("timezone", f"{json.dumps(zone)} is no time zone of the IANA database")
    plan = PlanContent(
        slug=slug,
        timezone=zone,
        basis=entry.optional_text("basis", 2000),
        is_assumed=entry.truth("assumption") if entry.has("assumption") else False,
        shifts=tuple(sorted((_shift(each) for each in entry.entries("weekly_shifts")), key=_position)),
        shutdowns=_shutdowns(entry),
        buffer_fraction=entry.optional_number("buffer_fraction", 0, 0.9, 0.0),
        same_ion_minutes=entry.optional_whole("turnaround_minutes_same_ion", 0, 1440, 0),
        ion_change_minutes=entry.whole("ion_change_minutes", 0, 1440) if entry.has("ion_change_minutes") else None,
    )
    entry.finish()
    if not plan.shifts:
        entry.complain("weekly_shifts", "must have at least one shift")
    elif _overlap(plan.shifts):
        entry.complain("weekly_shifts", "two shifts overlap")
    return plan


def _position(shift: ShiftContent) -> int:
    return shift.weekday * 1440 + shift.start_minute


def _overlap(shifts: tuple[ShiftContent, ...]) -> bool:
    """Whether two of the sorted shifts share a minute, the last one of the week with the first one of the next too."""
    following = itertools.chain((_position(shift) for shift in shifts[1:]), [_position(shifts[0]) + WEEK])
    return any(_position(shift) + shift.minutes > start for shift, start in zip(shifts, following, strict=True))


def _shift(entry: Entry) -> ShiftContent:
    day = entry.choice("day", WEEKDAYS)
    start = entry.text("start", 5)
    minute = _minute_of_day(start)
    if start and minute is None:
        entry.complain("start", f'must be a time like "08:00", not {json.dumps(start)}')
    minutes = entry.whole("minutes", 1, WEEK)
    entry.finish()
    return ShiftContent(WEEKDAYS.index(day), minute or 0, minutes)


def _minute_of_day(text: str) -> int | None:
    hours, colon, minutes = text.partition(":")
    digits = f"{hours}{minutes}"
    if not (colon and len(hours) == len(minutes) == 2 and digits.isascii() and digits.isdigit()):
        return None
    return int(hours) * 60 + int(minutes) if int(hours) < 24 and int(minutes) < 60 else None


def _shutdowns(plan: Entry) -> Mapping[str, Any]:
    if not plan.has("shutdowns"):
        return {}
    entry = plan.entry("shutdowns")
    found = {
        "months_indicative": entry.texts("months_indicative", 20) if entry.has("months_indicative") else [],
        "source": entry.optional_text("source", 500),
    }
    entry.finish()
    return found


# --- facilities -------------------------------------------------------------------------------------------


def _facility(entry: Entry, plans: frozenset[str]) -> FacilityContent:
    words = vocabulary()
    facility = FacilityContent(
        slug=entry.slug("slug"),
        organisation=entry.text("organisation", 200).strip(),
        ror=_ror(entry),
        name_it=entry.text("name_it", 300),
        name_en=entry.text("name_en", 300),
        description_it=entry.text("description_it", 10_000),
        description_en=entry.text("description_en", 10_000),
        city=entry.text("city", 80),
        province=entry.text("province", 8),
        latitude=entry.number("lat", -90, 90),
        longitude=entry.number("lon", -180, 180),
        coordinate_quality=entry.optional_text("coord_quality", 200),
        url=_url(entry),
        esfri_domain=entry.choice("esfri_domain", words.domains) if entry.has("esfri_domain") else "",
        access_modes=tuple(entry.choices("access_modes", words.facility_access)),
        techniques=_techniques(entry),
        instruments=tuple(_instrument(each, plans) for each in entry.entries("resources")),
        sources=tuple(entry.texts("sources", 1000)),
        assumptions=tuple(entry.texts("assumptions", 500)),
    )
    entry.finish()
    slugs = [instrument.slug for instrument in facility.instruments]
    for number, slug in enumerate(slugs):
        if slug and slug in slugs[:number]:
            other = f"resources[{slugs.index(slug)}]"
            entry.complain(f"resources[{number}].name", f"gives the slug {json.dumps(slug)}, which {other} has too")
    return facility


def _ror(entry: Entry) -> str | None:
    written = entry.optional_text("organisation_ror", 40)
    try:
        return ror_from(written)
    except Invalid as refusal:
        entry.complain("organisation_ror", f"{refusal.fields['ror']} It is {json.dumps(written)}.")
        return None


def _url(entry: Entry) -> str:
    url = entry.optional_text("url", 300)
    if url and (not url.startswith(("http://", "https://")) or " " in url):
        entry.complain("url", f"must begin with http:// or https://, not {json.dumps(url[:40])}")
    return url


def _techniques(facility: Entry) -> tuple[TechniqueContent, ...]:
    found: dict[str, TechniqueContent] = {}
    for entry in facility.entries("techniques"):
        label = entry.text("label", 200)
        iri = entry.optional_text("panet", 200) or None
        if iri and iri not in panet():
            entry.complain("panet", f"{json.dumps(iri)} is no term of PaNET")
        known = vocabulary().techniques.get(label)
        italian = entry.optional_text("label_it", 200) or (known.it if known else label)
        entry.finish()
        slug = slug_from(label, 120)
        if label and slug in found:
            entry.complain("label", "stands here twice")
        found[slug] = TechniqueContent(slug, italian, label, iri)
    return tuple(found.values())


# --- instruments ------------------------------------------------------------------------------------------


def _instrument(entry: Entry, plans: frozenset[str]) -> InstrumentContent:
    words = vocabulary()
    name = entry.text("name", 200)
    mode = entry.choice("booking_mode", MODES)
    plan = entry.optional_text("shift_plan", 80) or None
    if plan and plan not in plans:
        entry.complain("shift_plan", f"there is no shift plan {json.dumps(plan)} in this file")
    specs = _specs(entry)
    known = words.instruments.get(name)
    ion = specs.get("ion")
    instrument = InstrumentContent(
        slug=entry.slug("slug") if entry.has("slug") else slug_from(name, 80),
        name=name,
        name_it=entry.optional_text("name_it", 200) or (known.it if known else name),
        kind=entry.choice("kind", words.kinds),
        booking_mode=MODES[mode],
        access_type="mail-in" if mode == "mail_in" else "physical",
        capacity=entry.whole("capacity", 1, 10_000),
        slot_minutes=entry.optional_whole("slot_minutes", 1, YEAR, 60),
        least_minutes=entry.whole("min_minutes", 1, YEAR),
        most_minutes=entry.whole("max_minutes", 1, YEAR),
        training_required=entry.truth("training_required"),
        operation=entry.choice("operation", words.operations),
        configuration=words.configurations.get(ion) if isinstance(ion, str) else None,
        access=tuple(entry.choices("access", words.instrument_access)),
        specs=specs,
        assumed_fields=tuple(entry.choices("assumed_fields", ASSUMABLE | {f"specs.{key}" for key in specs})),
        plan=plan,
    )
    entry.finish()
    if instrument.most_minutes < instrument.least_minutes:
        entry.complain("max_minutes", f"must not be less than min_minutes ({instrument.least_minutes})")
    return instrument


def _specs(instrument: Entry) -> Mapping[str, Any]:
    """Specifications: a number, a text, a range [least, most] or a list of texts."""
    specs = instrument.entry("specs")
    if not instrument.has("specs"):
        instrument.complain("specs", "is missing")
    good = {}
    for key, value in specs.value.items():
        fault = _spec_fault(key, value)
        if fault:
            specs.complain(key, fault)
        else:
            good[key] = value
    return good


def _spec_fault(key: str, value: Any) -> str:
    if not (key.isascii() and key.isidentifier() and len(key) <= 60):
        return "the name of a specification must be letters, digits and underscores, at most 60"
    if isinstance(value, str):
        return text_fault(value, 500)
    if not isinstance(value, list):
        return number_fault(value).replace("must be a number", "must be a number, a text, a range or a list of texts")
    if len(value) == 2 and not any(isinstance(each, str) for each in value):
        fault = number_fault(value[0]) or number_fault(value[1])
        return fault or ("" if value[0] <= value[1] else "a range must begin with its lower end")
    faults = (text_fault(each, 200) for each in value)
    return next(filter(None, faults), "" if 0 < len(value) <= 50 else "must have 1 to 50 texts")
