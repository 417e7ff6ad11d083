"""The catalogue as JSON: the list with search and facets, a facility, an instrument. Read only, for everyone."""

from typing import Any, Final

from apiflask import APIBlueprint
from flask import request, url_for

from accounts.access import current_actor
from accounts.models import Organisation
from api.v1.answers import RESPONSES
from api.v1.schemas import FacilityList, FacilityOut, InstrumentOut, LanguageQuery, ListQuery
from core.db import db
from core.errors import Invalid, NotFound
from core.i18n import LANGUAGES, N_
from core.web import current_language
from facilities import policy, queries
from facilities.facets import Listed
from facilities.facts import clock_of, is_assumed
from facilities.forms import PARAMETERS, only_known, wish_from
from facilities.listing import listing
from facilities.models import Facility, Instrument, OperatingPlan, Technique
from facilities.vocabulary import Term, vocabulary

LANGUAGE: Final = "lang"
blueprint = APIBlueprint("catalogue", __name__, tag="Catalogue")


@blueprint.get("/facilities")
@blueprint.doc(
    summary="Search facilities",
    operation_id="listFacilities",
    responses=RESPONSES,
)
@blueprint.input(ListQuery, location="query", validation=False)
@blueprint.output(FacilityList)
def index(**_unchecked: Any) -> dict[str, Any]:
    """One page of the facilities that fit all of the wishes, and how many each further wish would leave.

    Orders: `name` (usual), `city`, `relevance` (usual with `q`); ties are broken by slug.
    """
    _check(PARAMETERS | {LANGUAGE})
    wish = wish_from(request.args)
    found = listing(db.session(), wish, current_language())
    return {
        "items": [_listed(row) for row in found.rows],
        "total": found.found,
        "page": wish.page,
        "pages": found.pages,
        "per_page": wish.per_page,
        "sort": wish.sort.value,
        "facets": {facet.value: list(options) for facet, options in found.facets.items()},
    }


@blueprint.get("/facilities/<slug>")
@blueprint.doc(
    summary="One facility",
    operation_id="showFacility",
    responses=RESPONSES,
)
@blueprint.input(LanguageQuery, location="query", validation=False)
@blueprint.output(FacilityOut)
def show(slug: str, **_unchecked: Any) -> dict[str, Any]:
    """A facility with its instruments."""
    _check({LANGUAGE})
    facility = db.session.scalars(queries.facility_by_slug(slug)).one_or_none()
    if facility is None:
        raise NotFound
    return _facility(facility)


@blueprint.get("/facilities/<facility_slug>/instruments/<slug>")
@blueprint.doc(
    summary="One instrument",
    operation_id="showInstrument",
    responses=RESPONSES,
)
@blueprint.input(LanguageQuery, location="query", validation=False)
@blueprint.output(InstrumentOut)
def show_instrument(facility_slug: str, slug: str, **_unchecked: Any) -> dict[str, Any]:
    """An instrument with its specifications, limits and operating plan."""
    _check({LANGUAGE})
    instrument = db.session.scalars(queries.instrument_by_slugs(facility_slug, slug)).one_or_none()
    if instrument is None:
        raise NotFound
    return _instrument(instrument)


def _check(known: frozenset[str] | set[str]) -> None:
    """The actor may read, and the query has only parameters that exist."""
    policy.may_read_catalogue(current_actor()).or_refuse()
    only_known(request.args, known)
    if request.args.get(LANGUAGE, LANGUAGES[0]) not in LANGUAGES:
        raise Invalid(fields={LANGUAGE: N_("This is not one of the possible values.")})


# --- rows as values ---------------------------------------------------------------------------------------


def _text(italian: str, english: str) -> dict[str, str]:
    return {"it": italian or english, "en": english or italian}


def _place(row: Listed | Facility) -> dict[str, Any]:
    return {"city": row.city, "province": row.province, "latitude": row.latitude, "longitude": row.longitude}


def _listed(row: Listed) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "href": url_for("api.catalogue.show", slug=row.slug),
        "name": _text(row.name_it, row.name_en),
        "description": _text(row.description_it, row.description_en),
        "organisation": {"slug": row.organisation.value, "name": row.organisation.en},
        "place": _place(row),
        "techniques": [{"slug": t.value, "name": _text(t.it, t.en)} for t in row.techniques],
        "access_modes": row.access_modes,
        "instruments_by_mode": row.instruments_by_mode,
    }


def _organisation(row: Organisation) -> dict[str, Any]:
    return {"slug": row.slug, "name": row.name, "ror": row.ror, "ror_confirmed": row.ror_confirmed}


def _technique(row: Technique) -> dict[str, Any]:
    return {"slug": row.slug, "name": _text(row.name_it, row.name_en), "panet": row.panet}


def _facility(row: Facility) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "href": url_for("api.catalogue.show", slug=row.slug),
        "name": _text(row.name_it, row.name_en),
        "description": _text(row.description_it, row.description_en),
        "organisation": _organisation(row.organisation),
        "place": _place(row),
        "coordinate_quality": row.coordinate_quality,
        "url": row.url or None,
        "esfri_domain": row.esfri_domain,
        "timezone": row.timezone,
        "techniques": [_technique(technique) for technique in row.techniques],
        "access_modes": row.access_modes,
        "sources": row.sources,
        "assumptions": row.assumptions,
        "instruments": [_instrument_brief(row, instrument) for instrument in row.instruments],
    }


def _instrument_brief(facility: Facility, row: Instrument) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "href": url_for("api.catalogue.show_instrument", facility_slug=facility.slug, slug=row.slug),
        "name": _text(row.name_it, row.name),
        "kind": row.kind,
        "booking_mode": row.booking_mode.value,
        "access_type": row.access_type,
        "capacity": row.capacity,
    }


def _instrument(row: Instrument) -> dict[str, Any]:
    group = row.exclusion_group
    return {
        **_instrument_brief(row.facility, row),
        "facility": row.facility.slug,
        "slot_minutes": row.slot_minutes,
        "min_minutes": row.least_minutes,
        "max_minutes": row.most_minutes,
        "training_required": row.training_required,
        "operation": row.operation,
        "configuration": row.configuration,
        "access": row.access,
        "specifications": [_specification(row, key) for key in row.specs],
        "assumed_fields": row.assumed_fields,
        "operating_plan": _plan(row.operating_plan) if row.operating_plan else None,
        "exclusion_group": {"slug": group.slug, "changeover": group.changeover} if group else None,
    }


def _specification(row: Instrument, key: str) -> dict[str, Any]:
    term = vocabulary().specs.get(key, Term(key, key))
    return {
        "key": key,
        "name": _text(term.it, term.en),
        "value": row.specs[key],
        "unit": term.unit,
        "assumed": is_assumed(row, f"specs.{key}"),
    }


def _plan(row: OperatingPlan) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "timezone": row.timezone,
        "is_assumed": row.is_assumed,
        "basis": row.basis,
        "weekly_shifts": [
            {"weekday": shift.weekday, "start": clock_of(shift.start_minute), "minutes": shift.minutes}
            for shift in row.shifts
        ],
        "shutdowns": row.shutdowns,
        "buffer_fraction": row.buffer_fraction,
    }
