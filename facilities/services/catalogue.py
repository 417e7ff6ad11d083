"""Verbs of the catalogue: import a file, keep the search index true."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.exc import IntegrityError

from accounts.identifiers import slug_from
from accounts.models import Organisation
from accounts.policy import Actor
from core import audit
from core.db import Model, Tx, transaction
from core.errors import Conflict
from core.i18n import N_
from facilities import policy, queries
from facilities.importing import (
    CatalogueContent,
    FacilityContent,
    InstrumentContent,
    PlanContent,
    TechniqueContent,
    read_catalogue,
)
from facilities.models import ExclusionGroup, Facility, Instrument, OperatingPlan, Shift, Technique
from facilities.policy import BookingMode
from facilities.search import folded
from facilities.vocabulary import Term, panet, vocabulary

Changes = dict[str, list[str]]
NEW: Final = "new"
FACILITY_FIELDS: Final = (
    "name_it",
    "name_en",
    "description_it",
    "description_en",
    "city",
    "province",
    "latitude",
    "longitude",
    "coordinate_quality",
    "url",
    "esfri_domain",
)
NOT_COLUMNS: Final = frozenset({"slug", "plan", "access", "specs", "assumed_fields"})
INSTRUMENT_FIELDS: Final = tuple(f.name for f in fields(InstrumentContent) if f.name not in NOT_COLUMNS)

MANAGERS_FIELDS: Final = ("booking_mode", "slot_minutes", "least_minutes", "most_minutes", "operating_plan_id")
"""What an import leaves alone once an instrument's managers have set its rules."""


@dataclass
class ImportOutcome:
    """What an import did: for each touched row what changed in it, and what people should know."""

    facilities: int
    instruments: int
    changes: Changes = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    @property
    def changed_nothing(self) -> bool:
        """Whether the catalogue already said all of it."""
        return not self.changes


def import_catalogue(source: Path | Mapping[str, Any], actor: Actor, now: datetime) -> ImportOutcome:
    """Bring the catalogue to what a file (or a document already read) says, all of it or nothing.

    Rows are known by their slugs, so that a second run changes nothing. An instrument that its facility no longer
    names is closed, not deleted, for its bookings stay true; facilities that the file does not name are left alone. So
    is what managers have set in an instrument's rules.
    CatalogueError names every fault by file, entry and field; Conflict when another import ran at the same time.
    """
    policy.may_import_catalogue(actor).or_refuse()
    content = read_catalogue(source)
    try:
        with transaction() as tx:
            return _Import(tx, content, actor.person_id, now).run()
    except IntegrityError as error:
        raise Conflict(N_("Another import ran at the same time. Please run it again.")) from error


def index_for_search(tx: Tx, facility_ids: Iterable[UUID]) -> None:
    """Write anew what the full-text search knows of these facilities; every verb that changes their texts calls it."""
    tx.session.flush()
    tx.session.expire_all()
    for facility_id in facility_ids:
        facility = tx.one(queries.facility(facility_id))
        bind = _search_texts(facility)
        if tx.session.get_bind().dialect.name == "postgresql":
            tx.session.execute(_FORGET_POSTGRESQL, {"facility_id": facility_id})
            tx.session.execute(_INDEX_POSTGRESQL, {"facility_id": facility_id, **bind})
        else:
            tx.session.execute(_FORGET_SQLITE, {"facility_id": str(facility_id)})
            tx.session.execute(_INDEX_SQLITE, {"facility_id": str(facility_id), **bind})


_FORGET_SQLITE = text("DELETE FROM catalogue_search WHERE facility_id = :facility_id")
_INDEX_SQLITE = text(
    "INSERT INTO catalogue_search (facility_id, title, subject, body) VALUES (:facility_id, :title, :subject, :body)"
)
_FORGET_POSTGRESQL = text("DELETE FROM catalogue_search WHERE facility_id = CAST(:facility_id AS uuid)")
_INDEX_POSTGRESQL = text(
    "INSERT INTO catalogue_search (facility_id, document) VALUES (CAST(:facility_id AS uuid), "
    "setweight(to_tsvector('simple', :title), 'A') || setweight(to_tsvector('simple', :subject), 'B') || "
    "setweight(to_tsvector('simple', :body), 'C'))"
)


def _search_texts(facility: Facility) -> dict[str, str]:
    """Both languages in one index: who searches in English finds what has only an Italian description."""
    words = vocabulary()
    title = (facility.name_it, facility.name_en, facility.slug, facility.organisation.name)
    subject = [name for technique in facility.techniques for name in (technique.name_it, technique.name_en)]
    terms = filter(None, (panet().get(technique.panet or "") for technique in facility.techniques))
    subject += [label for term in terms for label in (term.label, *term.other_labels)]
    body = [facility.description_it, facility.description_en, facility.city, facility.province]
    for instrument in facility.instruments:
        kind = words.kinds.get(instrument.kind, Term("", ""))
        subject += [instrument.name, instrument.name_it, instrument.kind, kind.it, kind.en]
        body += [str(value) for value in instrument.specs.values() if isinstance(value, str)]
    texts = {"title": title, "subject": subject, "body": body}
    return {name: folded(" ".join(filter(None, parts))) for name, parts in texts.items()}


# --- the import, table by table ---------------------------------------------------------------------------


def _set(row: Model, values: Mapping[str, Any]) -> list[str]:
    """Set what differs and say which fields did."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    return changed


class _Import:
    """One run: rows that exist are looked up once per table, then brought to what the file says."""

    def __init__(self, tx: Tx, content: CatalogueContent, person_id: UUID | None, now: datetime) -> None:
        self.tx = tx
        self.content = content
        self.person_id = person_id
        self.now = now
        instruments = sum(len(facility.instruments) for facility in content.facilities)
        self.outcome = ImportOutcome(len(content.facilities), instruments)
        self.plans: dict[str, OperatingPlan] = {}
        self.techniques: dict[str, Technique] = {}
        self.organisations: dict[str, Organisation] = {}
        self.groups: dict[str, ExclusionGroup] = {}
        self.ruled: set[UUID] = set()

    def run(self) -> ImportOutcome:
        """Plans, organisations and techniques first, for facilities point to them."""
        self._plans()
        self._techniques()
        self._organisations()
        slugs = [content.slug for content in self.content.facilities]
        known = {row.slug: row for row in self.tx.session.scalars(queries.facilities_by_slug(slugs))}
        groups = [f"{slug}-beam"[:80] for slug in slugs]
        self.groups = {row.slug: row for row in self.tx.session.scalars(queries.exclusion_groups(groups))}
        self.ruled = set(self.tx.session.scalars(queries.instruments_with_rules()))
        touched = [self._facility(content, known.get(content.slug)) for content in self.content.facilities]
        if not self.outcome.changed_nothing:
            index_for_search(self.tx, touched)
        self._notice_others(slugs)
        return self.outcome

    def _note(self, row: Model, name: str, changed: list[str]) -> None:
        if changed:
            self.outcome.changes[name] = changed
            audit.record(self.tx, self.person_id, "import_catalogue", row, self.now, detail={name: changed})

    def _stored(self, row: Model) -> list[str]:
        self.tx.session.add(row)
        self.tx.session.flush()
        return [NEW]

    def _plans(self) -> None:
        wanted = {plan.slug: plan for plan in self.content.plans}
        self.plans = {row.slug: row for row in self.tx.session.scalars(queries.operating_plans(list(wanted)))}
        for slug, content in wanted.items():
            row = self.plans.get(slug)
            values = _plan_values(content)
            if row is None:
                row = self.plans[slug] = OperatingPlan(slug=slug, **values)
                changed = self._stored(row)
            else:
                changed = _set(row, values)
            if self._shifts(row, content) and NEW not in changed:
                changed.append("shifts")
            self._note(row, f"shift plan {slug}", changed)

    def _shifts(self, plan: OperatingPlan, content: PlanContent) -> bool:
        """Whether the shifts had to be written anew."""
        wanted = [(shift.weekday, shift.start_minute, shift.minutes) for shift in content.shifts]
        if wanted == sorted((shift.weekday, shift.start_minute, shift.minutes) for shift in plan.shifts):
            return False
        self.tx.session.execute(delete(Shift).where(Shift.plan_id == plan.id))
        self.tx.session.expire(plan, ["shifts"])
        for weekday, start, minutes in wanted:
            shift = Shift(plan_id=plan.id, weekday=weekday, start_minute=start, minutes=minutes)
            self.tx.session.add(shift)
        return True

    def _techniques(self) -> None:
        self.techniques = {row.slug: row for row in self.tx.session.scalars(queries.techniques())}
        for content in (each for facility in self.content.facilities for each in facility.techniques):
            self._technique(content)

    def _technique(self, content: TechniqueContent) -> None:
        values = {"name_it": content.name_it, "name_en": content.name_en, "panet": content.panet}
        row = self.techniques.get(content.slug)
        if row is None:
            row = self.techniques[content.slug] = Technique(slug=content.slug, **values)
            changed = self._stored(row)
        else:
            changed = _set(row, values)
        self._note(row, f"technique {content.slug}", changed)

    def _organisations(self) -> None:
        """Those that run a facility exist afterwards; their type and membership are for people to say."""
        names = {facility.organisation for facility in self.content.facilities}
        found = self.tx.session.scalars(queries.organisations_named(names))
        self.organisations = {row.name: row for row in found}
        taken = set(self.tx.session.scalars(queries.slugs_of_organisations()))
        for facility in self.content.facilities:
            row = self.organisations.get(facility.organisation)
            if row is None:
                slug = _free_slug(facility.organisation, taken)
                row = Organisation(slug=slug, name=facility.organisation, ror=facility.ror)
                self.organisations[facility.organisation] = row
                self._note(row, f"organisation {slug}", self._stored(row))
            elif facility.ror and not row.ror_confirmed:
                self._note(row, f"organisation {row.slug}", _set(row, {"ror": facility.ror}))

    def _facility(self, content: FacilityContent, row: Facility | None) -> UUID:
        values = {name: getattr(content, name) for name in FACILITY_FIELDS}
        values["organisation_id"] = self.organisations[content.organisation].id
        for name in ("access_modes", "sources", "assumptions"):
            values[name] = list(getattr(content, name))
        if row is None:
            row = Facility(slug=content.slug, **values)
            changed = self._stored(row)
        else:
            changed = _set(row, values)
        wanted = {technique.slug for technique in content.techniques}
        if {technique.slug for technique in row.techniques} != wanted:
            row.techniques = [self.techniques[slug] for slug in sorted(wanted)]
            changed += [] if NEW in changed else ["techniques"]
        self._note(row, f"facility {content.slug}", changed)
        self._instruments(content, row)
        return row.id

    def _instruments(self, content: FacilityContent, facility: Facility) -> None:
        known = {row.slug: row for row in facility.instruments}
        group_of = self._group(content, facility)
        for position, wanted in enumerate(content.instruments):
            values = _instrument_values(wanted)
            values["position"] = position
            values["operating_plan_id"] = self.plans[wanted.plan].id if wanted.plan else None
            values["exclusion_group_id"] = group_of.get(wanted.plan or "")
            row = known.pop(wanted.slug, None)
            if row is None:
                row = Instrument(facility_id=facility.id, slug=wanted.slug, **values)
                changed = self._stored(row)
            else:
                kept = MANAGERS_FIELDS if row.id in self.ruled else ()
                changed = _set(row, {name: value for name, value in values.items() if name not in kept})
            self._note(row, f"instrument {content.slug}/{wanted.slug}", changed)
        for position, row in enumerate(known.values(), len(content.instruments)):
            changed = _set(row, {"booking_mode": BookingMode.CLOSED, "position": position})
            self._note(row, f"instrument {content.slug}/{row.slug}", ["closed"] if changed else [])

    def _group(self, content: FacilityContent, facility: Facility) -> dict[str, UUID]:
        """Instruments that follow a shift plan with a time for changing ions share one beam, hence one group."""
        plans = {plan.slug: plan for plan in self.content.plans if plan.ion_change_minutes is not None}
        shared = [slug for slug in dict.fromkeys(i.plan for i in content.instruments) if slug in plans]
        if not shared:
            return {}
        slug = f"{content.slug}-beam"[:80]
        ions = sorted({i.configuration for i in content.instruments if i.plan in shared and i.configuration})
        changeover = _changeover(plans[shared[0]], ions)
        row = self.groups.get(slug)
        if row is None:
            row = ExclusionGroup(slug=slug, facility_id=facility.id, changeover=changeover)
            changed = self._stored(row)
        else:
            changed = _set(row, {"facility_id": facility.id, "changeover": changeover})
        self._note(row, f"exclusion group {slug}", changed)
        return {plan: row.id for plan in shared if plan}

    def _notice_others(self, slugs: Sequence[str]) -> None:
        others = [slug for slug in self.tx.session.scalars(queries.slugs_of_all_facilities()) if slug not in slugs]
        if others:
            self.outcome.notices.append(f"not in this file and left as they are: {', '.join(others)}")


def _plan_values(content: PlanContent) -> dict[str, Any]:
    return {
        "timezone": content.timezone,
        "basis": content.basis,
        "is_assumed": content.is_assumed,
        "buffer_fraction": content.buffer_fraction,
        "shutdowns": dict(content.shutdowns),
    }


def _instrument_values(content: InstrumentContent) -> dict[str, Any]:
    values = {name: getattr(content, name) for name in INSTRUMENT_FIELDS}
    values["access"] = list(content.access)
    values["specs"] = dict(content.specs)
    values["assumed_fields"] = list(content.assumed_fields)
    return values


def _changeover(plan: PlanContent, ions: list[str]) -> dict[str, int]:
    """Minutes between two runs by "from>to"; pairs that need none are left out."""
    minutes = {
        f"{before}>{after}": plan.same_ion_minutes if before == after else plan.ion_change_minutes or 0
        for before in ions
        for after in ions
    }
    return {pair: length for pair, length in minutes.items() if length}


def _free_slug(name: str, taken: set[str]) -> str:
    base = slug_from(name)
    slug = next(s for s in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if s not in taken)
    taken.add(slug)
    return slug
