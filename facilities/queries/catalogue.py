"""Every question asked of the catalogue."""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, TextClause, func, select, text
from sqlalchemy.orm import Session, joinedload, selectinload

from accounts.models import Organisation
from facilities.facets import Listed, Named
from facilities.models import (
    ExclusionGroup,
    Facility,
    Instrument,
    InstrumentRules,
    OperatingPlan,
    Technique,
    facility_techniques,
)
from facilities.search import fts5_query, tsquery, words_of

_SQLITE_SEARCH = text(
    "SELECT facility_id, -bm25(catalogue_search, 0, 10, 4, 1) AS weight "
    "FROM catalogue_search WHERE catalogue_search MATCH :query"
)
_POSTGRESQL_SEARCH = text(
    "SELECT facility_id, ts_rank('{0.05, 0.1, 0.4, 1}', document, query) AS weight "
    "FROM catalogue_search, to_tsquery('simple', :query) AS query WHERE document @@ query"
)


def facility_by_slug(slug: str) -> Select[Facility]:
    """The facility with all that its page shows, in a fixed number of statements."""
    return (
        select(Facility)
        .where(Facility.slug == slug)
        .options(
            joinedload(Facility.organisation),
            selectinload(Facility.techniques),
            selectinload(Facility.instruments).joinedload(Instrument.operating_plan),
        )
    )


def instrument_by_slugs(facility_slug: str, slug: str) -> Select[Instrument]:
    """The instrument with its facility, organisation, techniques, operating plan and exclusion group."""
    return (
        select(Instrument)
        .join(Instrument.facility)
        .where(Facility.slug == facility_slug, Instrument.slug == slug)
        .options(
            joinedload(Instrument.facility).joinedload(Facility.organisation),
            joinedload(Instrument.facility).selectinload(Facility.techniques),
            joinedload(Instrument.operating_plan).selectinload(OperatingPlan.shifts),
            joinedload(Instrument.exclusion_group),
        )
    )


def facility(facility_id: UUID) -> Select[Facility]:
    """The facility with this id."""
    return select(Facility).where(Facility.id == facility_id)


def facilities_by_slug(slugs: Collection[str]) -> Select[Facility]:
    """The facilities with these slugs, with instruments and techniques."""
    return (
        select(Facility)
        .where(Facility.slug.in_(slugs))
        .options(
            joinedload(Facility.organisation), selectinload(Facility.techniques), selectinload(Facility.instruments)
        )
    )


def slugs_of_all_facilities() -> Select[str]:
    """Every facility's slug, sorted."""
    return select(Facility.slug).order_by(Facility.slug)


def organisations_named(names: Collection[str]) -> Select[Organisation]:
    """The organisations with these names."""
    return select(Organisation).where(Organisation.name.in_(names))


def slugs_of_organisations() -> Select[str]:
    """Every organisation's slug."""
    return select(Organisation.slug)


def techniques() -> Select[Technique]:
    """The catalogue's techniques."""
    return select(Technique).order_by(Technique.slug)


def operating_plans(slugs: Collection[str]) -> Select[OperatingPlan]:
    """The operating plans with these slugs, with their shifts."""
    return select(OperatingPlan).where(OperatingPlan.slug.in_(slugs)).options(selectinload(OperatingPlan.shifts))


def instruments_with_rules() -> Select[UUID]:
    """The ids of the instruments whose managers have set rules."""
    return select(InstrumentRules.instrument_id)


def exclusion_groups(slugs: Collection[str]) -> Select[ExclusionGroup]:
    """The exclusion groups with these slugs."""
    return select(ExclusionGroup).where(ExclusionGroup.slug.in_(slugs))


# --- the list ---------------------------------------------------------------------------------------------


def facilities_matching(session: Session, query: str) -> dict[UUID, float]:
    """Facilities whose texts hold a word beginning with each word of the query, with a weight (more is better)."""
    words = words_of(query)
    if not words:
        return {}
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    statement: TextClause = _POSTGRESQL_SEARCH if on_postgresql else _SQLITE_SEARCH
    found = session.execute(statement, {"query": tsquery(words) if on_postgresql else fts5_query(words)})
    return {UUID(str(row.facility_id)): float(row.weight) for row in found}


def listed(session: Session, query: str) -> list[Listed]:
    """Every facility, or every one that fits the searched words, as the list shows it; three or four statements."""
    weights = facilities_matching(session, query) if query else None
    if weights is not None and not weights:
        return []
    statement = select(Facility, Organisation.slug, Organisation.name).join(Facility.organisation)
    techniques_of: dict[UUID, list[Named]] = defaultdict(list)
    for facility_id, slug, name_it, name_en in session.execute(_TECHNIQUES):
        techniques_of[facility_id].append(Named(slug, name_it, name_en))
    modes_of: dict[UUID, dict[str, int]] = defaultdict(dict)
    for facility_id, mode, number in session.execute(_MODES):
        modes_of[facility_id][mode.value] = number
    return [
        Listed(
            id=row.id,
            slug=row.slug,
            name_it=row.name_it,
            name_en=row.name_en,
            description_it=row.description_it,
            description_en=row.description_en,
            city=row.city,
            province=row.province,
            latitude=row.latitude,
            longitude=row.longitude,
            organisation=Named(organisation_slug, organisation, organisation),
            access_modes=tuple(row.access_modes),
            techniques=tuple(techniques_of[row.id]),
            instruments_by_mode=modes_of[row.id],
            weight=weights[row.id] if weights is not None else 0.0,
        )
        for row, organisation_slug, organisation in session.execute(statement)
        if weights is None or row.id in weights
    ]


_TECHNIQUES = (
    select(facility_techniques.c.facility_id, Technique.slug, Technique.name_it, Technique.name_en)
    .join(Technique, Technique.id == facility_techniques.c.technique_id)
    .order_by(Technique.slug)
)
_MODES = (
    select(Instrument.facility_id, Instrument.booking_mode, func.count())
    .group_by(Instrument.facility_id, Instrument.booking_mode)
    .order_by(Instrument.booking_mode)
)
