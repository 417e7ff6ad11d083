"""Reads the query of the list of facilities; names, values and orders come from fixed lists."""

from collections.abc import Collection
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from core.errors import Invalid
from core.i18n import N_
from facilities.facets import Facet, Sort, Wish
from facilities.policy import BookingMode
from facilities.search import LONGEST_QUERY
from facilities.vocabulary import vocabulary

QUERY: Final = "q"
SORT: Final = "sort"
PAGE: Final = "page"
PER_PAGE: Final = "per_page"
PARAMETERS: Final = frozenset({QUERY, SORT, PAGE, PER_PAGE, *Facet})
MOST_CHOICES: Final = 40
MOST_PER_PAGE: Final = 100
LAST_PAGE: Final = 10_000
DEFAULT_PER_PAGE: Final = 24


def wish_from(args: MultiDict[str, str]) -> Wish:
    """What the reader asked for; blank values are no wish; Invalid names the parameters that make no sense."""
    fields: dict[str, str] = {}
    query = args.get(QUERY, "").strip()
    if len(query) > LONGEST_QUERY:
        fields[QUERY] = N_("Please search for fewer words.")
    chosen = {facet: _choices(args, facet, fields) for facet in Facet}
    wish = Wish(
        query=query,
        chosen={facet: values for facet, values in chosen.items() if values},
        sort=_sort(args.get(SORT, ""), query, fields),
        page=_whole(args, PAGE, 1, LAST_PAGE, fields),
        per_page=_whole(args, PER_PAGE, DEFAULT_PER_PAGE, MOST_PER_PAGE, fields),
    )
    if fields:
        raise Invalid(fields=fields)
    return wish


def arguments_of(wish: Wish) -> dict[str, Any]:
    """The query parameters that say this wish; what is usual is left out."""
    usual = Sort.RELEVANCE if wish.query else Sort.NAME
    arguments: dict[str, Any] = {
        QUERY: wish.query,
        **{str(facet): list(values) for facet, values in wish.chosen.items()},
        SORT: "" if wish.sort is usual else str(wish.sort),
        PAGE: "" if wish.page == 1 else wish.page,
        PER_PAGE: "" if wish.per_page == DEFAULT_PER_PAGE else wish.per_page,
    }
    return {name: value for name, value in arguments.items() if value}


def only_known(args: MultiDict[str, str], known: Collection[str]) -> None:
    """For programs: a misspelt or repeated parameter is a mistake that they should hear of."""
    fields = {name: N_("There is no such parameter.") for name in args if name not in known}
    single = (QUERY, SORT, PAGE, PER_PAGE)
    fields |= {name: N_("Please give this only once.") for name in single if len(args.getlist(name)) > 1}
    if fields:
        raise Invalid(fields=fields)


def _choices(args: MultiDict[str, str], facet: Facet, fields: dict[str, str]) -> tuple[str, ...]:
    values = tuple(dict.fromkeys(value.strip() for value in args.getlist(facet) if value.strip()))
    fixed: dict[Facet, Collection[str]] = {
        Facet.MODE: [mode.value for mode in BookingMode],
        Facet.ACCESS: vocabulary().facility_access,
    }
    if any(value not in fixed.get(facet, values) for value in values):
        fields[facet] = N_("This is not one of the possible values.")
    if len(values) > MOST_CHOICES:
        fields[facet] = N_("Please choose fewer values.")
    return values


def _sort(text: str, query: str, fields: dict[str, str]) -> Sort:
    if text and text not in list(Sort):
        fields[SORT] = N_("This is not one of the possible values.")
    elif text and (query or text != Sort.RELEVANCE):
        return Sort(text)
    return Sort.RELEVANCE if query else Sort.NAME


def _whole(args: MultiDict[str, str], name: str, otherwise: int, most: int, fields: dict[str, str]) -> int:
    text = args.get(name, "").strip()
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= most):
        fields[name] = N_("This is not one of the possible values.")
        return otherwise
    return int(text)
