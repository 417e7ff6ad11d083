"""The list of facilities: what readers may wish for, and what each further wish would leave."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from core.i18n import either
from facilities.search import folded


class Sort(StrEnum):
    """The orders in which facilities can be listed; ties are broken by slug."""

    RELEVANCE = "relevance"
    NAME = "name"
    CITY = "city"


class Facet(StrEnum):
    """What the list can be narrowed by; the values are the names of query parameters."""

    TECHNIQUE = "technique"
    CITY = "city"
    ORGANISATION = "organisation"
    ACCESS = "access"
    MODE = "mode"


@dataclass(frozen=True)
class Wish:
    """What a reader asked the list for; several values of one facet mean any of them."""

    query: str = ""
    chosen: dict[Facet, tuple[str, ...]] = field(default_factory=dict)
    sort: Sort = Sort.NAME
    page: int = 1
    per_page: int = 24

    def without(self, facet: Facet) -> "Wish":
        """The same wish with one facet left open."""
        return replace(self, chosen={name: values for name, values in self.chosen.items() if name != facet})


@dataclass(frozen=True)
class Named:
    """A value of a facet with its name in both languages."""

    value: str
    it: str
    en: str


@dataclass(frozen=True)
class Listed:
    """A facility as the list shows it. `weight` says how well it fits the searched words; more is better."""

    id: UUID
    slug: str
    name_it: str
    name_en: str
    description_it: str
    description_en: str
    city: str
    province: str
    latitude: float
    longitude: float
    organisation: Named
    access_modes: tuple[str, ...]
    techniques: tuple[Named, ...]
    instruments_by_mode: dict[str, int]
    weight: float = 0.0

    @property
    def instruments(self) -> int:
        """How many instruments there are."""
        return sum(self.instruments_by_mode.values())


VALUES: Final[dict[Facet, Callable[[Listed], Iterable[str]]]] = {
    Facet.TECHNIQUE: lambda row: (technique.value for technique in row.techniques),
    Facet.CITY: lambda row: (row.city,),
    Facet.ORGANISATION: lambda row: (row.organisation.value,),
    Facet.ACCESS: lambda row: row.access_modes,
    Facet.MODE: lambda row: row.instruments_by_mode,
}


def narrowed(rows: Iterable[Listed], wish: Wish) -> list[Listed]:
    """The rows that have, for every facet with a choice, one of the chosen values."""
    return [
        row
        for row in rows
        if all(not set(values).isdisjoint(VALUES[facet](row)) for facet, values in wish.chosen.items() if values)
    ]


def counts(rows: Sequence[Listed], wish: Wish, facet: Facet) -> dict[str, int]:
    """For each value of a facet: how many facilities choosing it would show, all other choices kept.

    Chosen values are always there, be it with 0.
    """
    counter = Counter(value for row in narrowed(rows, wish.without(facet)) for value in set(VALUES[facet](row)))
    return {**dict.fromkeys(wish.chosen.get(facet, ()), 0), **counter}


def ordered(rows: Iterable[Listed], wish: Wish, language: str) -> list[Listed]:
    """The rows in the wished order."""

    def key(row: Listed) -> tuple[float, str, str, str]:
        name = folded(either(language, row.name_it, row.name_en))
        if wish.sort is Sort.RELEVANCE:
            return (-row.weight, "", name, row.slug)
        return (0.0, folded(row.city) if wish.sort is Sort.CITY else "", name, row.slug)

    return sorted(rows, key=key)
