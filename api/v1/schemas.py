"""The shapes of the catalogue's answers, as the OpenAPI document shows them."""

from apiflask import Schema
from apiflask.fields import Boolean, Dict, Float, Integer, List, Nested, Raw, String
from apiflask.validators import Length, OneOf, Range

from facilities.facets import Sort
from facilities.forms import LAST_PAGE, MOST_PER_PAGE
from facilities.policy import BookingMode
from facilities.search import LONGEST_QUERY
from facilities.vocabulary import vocabulary

LANGUAGES = ("it", "en")
MODES = [mode.value for mode in BookingMode]


class ListQuery(Schema):
    """What the list can be asked; several values of one name mean any of them."""

    q = String(validate=Length(max=LONGEST_QUERY), metadata={"description": "Words, each the beginning of a word."})
    technique = List(String(), metadata={"description": "Slugs of techniques."})
    city = List(String())
    organisation = List(String(), metadata={"description": "Slugs of organisations."})
    access = List(String(validate=OneOf(list(vocabulary().facility_access))))
    mode = List(String(validate=OneOf(MODES)), metadata={"description": "How instruments are booked."})
    sort = String(validate=OneOf(list(Sort)))
    page = Integer(validate=Range(min=1, max=LAST_PAGE))
    per_page = Integer(validate=Range(min=1, max=MOST_PER_PAGE))
    lang = String(validate=OneOf(LANGUAGES), metadata={"description": "Language of labels and errors."})


class LanguageQuery(Schema):
    """What a single thing can be asked."""

    lang = String(validate=OneOf(LANGUAGES), metadata={"description": "Language of labels and errors."})


class Text(Schema):
    """A text in both languages."""

    it = String(required=True)
    en = String(required=True)


class TechniqueOut(Schema):
    """A technique."""

    slug = String(required=True)
    name = Nested(Text, required=True)
    panet = String(allow_none=True, metadata={"description": "IRI in the PaNET ontology."})


class OrganisationOut(Schema):
    """The organisation that runs a facility."""

    slug = String(required=True)
    name = String(required=True)
    ror = String(allow_none=True)
    ror_confirmed = Boolean()


class PlaceOut(Schema):
    """Where a facility is."""

    city = String(required=True)
    province = String(required=True)
    latitude = Float(required=True)
    longitude = Float(required=True)


class FacilityBrief(Schema):
    """A facility in the list."""

    slug = String(required=True)
    href = String(required=True)
    name = Nested(Text, required=True)
    description = Nested(Text, required=True)
    organisation = Nested(OrganisationOut, required=True)
    place = Nested(PlaceOut, required=True)
    techniques = List(Nested(TechniqueOut), required=True)
    access_modes = List(String(), required=True)
    instruments_by_mode = Dict(keys=String(), values=Integer(), required=True)


class OptionOut(Schema):
    """A value of a facet and how many facilities it would show."""

    value = String(required=True)
    label = String(required=True)
    count = Integer(required=True)
    is_chosen = Boolean(required=True)


class FacilityList(Schema):
    """One page of the list."""

    items = List(Nested(FacilityBrief), required=True)
    total = Integer(required=True)
    page = Integer(required=True)
    pages = Integer(required=True)
    per_page = Integer(required=True)
    sort = String(required=True, validate=OneOf(list(Sort)))
    facets = Dict(keys=String(), values=List(Nested(OptionOut)), required=True)


class InstrumentBrief(Schema):
    """An instrument of a facility."""

    slug = String(required=True)
    href = String(required=True)
    name = Nested(Text, required=True)
    kind = String(required=True)
    booking_mode = String(required=True, validate=OneOf(MODES))
    access_type = String(required=True)
    capacity = Integer(required=True)


class FacilityOut(Schema):
    """A facility with its instruments."""

    slug = String(required=True)
    href = String(required=True)
    name = Nested(Text, required=True)
    description = Nested(Text, required=True)
    organisation = Nested(OrganisationOut, required=True)
    place = Nested(PlaceOut, required=True)
    coordinate_quality = String()
    url = String(allow_none=True)
    esfri_domain = String()
    timezone = String(required=True)
    techniques = List(Nested(TechniqueOut), required=True)
    access_modes = List(String(), required=True)
    sources = List(String(), required=True)
    assumptions = List(String(), required=True)
    instruments = List(Nested(InstrumentBrief), required=True)


class SpecificationOut(Schema):
    """A technical specification: a number, a text, a range [least, most] or a list of texts."""

    key = String(required=True)
    name = Nested(Text, required=True)
    value = Raw(required=True)
    unit = String(required=True)
    assumed = Boolean(required=True)


class ShiftOut(Schema):
    """A weekly shift in local time; it may end on the next day."""

    weekday = Integer(required=True, metadata={"description": "0 is Monday."})
    start = String(required=True)
    minutes = Integer(required=True)


class PlanOut(Schema):
    """When an instrument runs."""

    slug = String(required=True)
    timezone = String(required=True)
    is_assumed = Boolean(required=True)
    basis = String(required=True)
    weekly_shifts = List(Nested(ShiftOut), required=True)
    shutdowns = Dict(required=True)
    buffer_fraction = Float(required=True)


class GroupOut(Schema):
    """Instruments of which only one runs at a time; `changeover` maps "from>to" to minutes."""

    slug = String(required=True)
    changeover = Dict(keys=String(), values=Integer(), required=True)


class InstrumentOut(InstrumentBrief):
    """An instrument with its specifications and limits."""

    facility = String(required=True)
    slot_minutes = Integer(required=True)
    min_minutes = Integer(required=True)
    max_minutes = Integer(required=True)
    training_required = Boolean(required=True)
    operation = String(required=True)
    configuration = String(allow_none=True)
    access = List(String(), required=True)
    specifications = List(Nested(SpecificationOut), required=True)
    assumed_fields = List(String(), required=True)
    operating_plan = Nested(PlanOut, allow_none=True)
    exclusion_group = Nested(GroupOut, allow_none=True)
