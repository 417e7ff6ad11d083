"""What templates may ask about the catalogue: `catalogue.…` in every template, in the reader's language."""

from dataclasses import dataclass, replace
from typing import Any

from flask import url_for
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

import facilities.facts as told
from core import clock
from core.config import installed
from core.intervals import Interval
from core.web import current_language
from facilities.facets import Facet, Wish
from facilities.forms import arguments_of
from facilities.maps import Marker
from facilities.models import Facility, Instrument, OperatingPlan
from facilities.vocabulary import panet, say, say_text, vocabulary


@dataclass(frozen=True)
class CataloguePages:
    """Facts about facilities and instruments, as pages show them."""

    def name(self, instrument: Instrument) -> str:
        """The instrument's name."""
        return told.name_of(instrument, current_language())

    def facts(self, instrument: Instrument) -> list[told.Fact]:
        """Mode, limits, access and operation."""
        return told.facts_of(instrument, current_language())

    def specs(self, instrument: Instrument) -> list[told.Fact]:
        """Technical specifications with units."""
        return told.specs_of(instrument, current_language())

    def assumed(self, instrument: Instrument) -> list[str]:
        """What was assumed about the instrument."""
        return told.assumed_labels(instrument, current_language())

    def week(self, plan: OperatingPlan) -> list[told.Day]:
        """The days from Monday with their shifts."""
        return told.week_of(plan, current_language())

    def weekly_minutes(self, plan: OperatingPlan) -> int:
        """How long the plan runs in a week."""
        return told.weekly_minutes(plan)

    def next_shifts(self, plan: OperatingPlan, most: int = 5) -> list[Interval]:
        """The next shifts that have not begun."""
        return told.next_shifts(plan, clock.now(), most)

    def word(self, kind: str, code: str) -> str:
        """The word for a code of one of the vocabulary's lists: `catalogue.word('kinds', instrument.kind)`."""
        return say(getattr(vocabulary(), kind), code, current_language())

    def text(self, text: str) -> str:
        """A short text of a catalogue file."""
        return say_text(text, current_language())

    def source(self, text: str) -> told.Source:
        """A source taken apart into link and note."""
        return told.source_of(text)

    def panet_label(self, iri: str) -> str:
        """PaNET's own English label of a term."""
        term = panet().get(iri)
        return term.label if term else iri

    def duration(self, minutes: int) -> str:
        """'30 min', '4 h', '2 d'."""
        return told.duration(minutes, current_language())

    def facility_data(self, facility: Facility) -> Markup:
        """The facility as schema.org JSON-LD, safe inside a script element."""
        urls = {
            i.slug: public_url("instruments.show", facility_slug=facility.slug, slug=i.slug)
            for i in facility.instruments
        }
        url = public_url("facilities.show", slug=facility.slug)
        return _script(told.facility_data(facility, url, urls, current_language()))

    def instrument_data(self, instrument: Instrument) -> Markup:
        """The instrument as schema.org JSON-LD, safe inside a script element."""
        facility = instrument.facility
        url = public_url("instruments.show", facility_slug=facility.slug, slug=instrument.slug)
        facility_url = public_url("facilities.show", slug=facility.slug)
        return _script(told.instrument_data(instrument, url, facility_url, current_language()))

    def list_url(self, wish: Wish, page: int = 1) -> str:
        """The list for a wish."""
        return url_for("facilities.index", **arguments_of(replace(wish, page=page)))

    def without_url(self, wish: Wish, facet: Facet, value: str) -> str:
        """The list without one of the choices."""
        rest = tuple(other for other in wish.chosen.get(facet, ()) if other != value)
        return self.list_url(replace(wish, chosen={**wish.chosen, facet: rest}))

    def marker_url(self, marker: Marker, wish: Wish | None = None) -> str:
        """A facility's page, or the list of all that share the marker."""
        if len(marker.facilities) == 1:
            return url_for("facilities.show", slug=marker.facilities[0].slug)
        wish = wish or Wish()
        return self.list_url(replace(wish, chosen={**wish.chosen, Facet.CITY: marker.cities}))

    def public_url(self, endpoint: str, **values: Any) -> str:
        """A page's address as the world knows it."""
        return public_url(endpoint, **values)


def public_url(endpoint: str, **values: Any) -> str:
    """A page's address as the world knows it, whatever host this request came through."""
    return installed().public_url + url_for(endpoint, **values)


def _script(data: dict[str, Any]) -> Markup:
    return htmlsafe_json_dumps(data, ensure_ascii=False)
