"""The list of facilities as answered to one wish: a page of rows, the facets with their counts, the map."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.errors import NotFound
from core.i18n import either
from facilities import queries
from facilities.facets import Facet, Listed, Wish, counts, narrowed, ordered
from facilities.maps import Picture, picture
from facilities.search import folded
from facilities.vocabulary import say, vocabulary


@dataclass(frozen=True)
class Option:
    """One value of a facet: how many facilities it would show, and whether it is chosen."""

    value: str
    label: str
    count: int
    is_chosen: bool


@dataclass(frozen=True)
class Listing:
    """The answer to a wish."""

    wish: Wish
    rows: tuple[Listed, ...]
    found: int
    pages: int
    facets: dict[Facet, tuple[Option, ...]]
    picture: Picture

    @property
    def chosen(self) -> list[tuple[Facet, Option]]:
        """What the list is narrowed by, for removing it again."""
        return [(facet, option) for facet, options in self.facets.items() for option in options if option.is_chosen]


@dataclass(frozen=True)
class Summary:
    """The network at a glance."""

    facilities: int
    instruments: int
    organisations: int
    techniques: int
    picture: Picture


def listing(session: Session, wish: Wish, language: str) -> Listing:
    """All that a page of the list shows, in at most four statements; NotFound for a page after the last one."""
    rows = queries.listed(session, wish.query)
    found = ordered(narrowed(rows, wish), wish, language)
    pages = max(1, math.ceil(len(found) / wish.per_page))
    if wish.page > pages:
        raise NotFound
    first = (wish.page - 1) * wish.per_page
    return Listing(
        wish=wish,
        rows=tuple(found[first : first + wish.per_page]),
        found=len(found),
        pages=pages,
        facets={facet: _options(rows, wish, facet, language) for facet in Facet},
        picture=picture(found),
    )


def summary(session: Session) -> Summary:
    """Counts and map of the whole catalogue, in three statements."""
    rows = queries.listed(session, "")
    return Summary(
        facilities=len(rows),
        instruments=sum(row.instruments for row in rows),
        organisations=len({row.organisation.value for row in rows}),
        techniques=len({technique.value for row in rows for technique in row.techniques}),
        picture=picture(rows),
    )


def _options(rows: Sequence[Listed], wish: Wish, facet: Facet, language: str) -> tuple[Option, ...]:
    """Most frequent first; equal ones by name."""
    labels = _labels(rows, facet, language)
    chosen = wish.chosen.get(facet, ())
    options = [
        Option(value, labels.get(value, value), count, value in chosen)
        for value, count in counts(rows, wish, facet).items()
    ]
    return tuple(sorted(options, key=lambda option: (-option.count, folded(option.label), option.value)))


def _labels(rows: Sequence[Listed], facet: Facet, language: str) -> dict[str, str]:
    words = vocabulary()
    if facet is Facet.TECHNIQUE:
        return {t.value: either(language, t.it, t.en) for row in rows for t in row.techniques}
    if facet is Facet.ORGANISATION:
        return {row.organisation.value: row.organisation.en for row in rows}
    terms = {Facet.ACCESS: words.facility_access, Facet.MODE: words.booking_modes}.get(facet, {})
    return {code: say(terms, code, language) for code in terms}
