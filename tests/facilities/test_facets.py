"""The list of facilities: what fits a wish, and how many each further wish would leave."""

from uuid import uuid4

import pytest
from werkzeug.datastructures import MultiDict

from core.errors import Invalid
from facilities.facets import Facet, Listed, Named, Sort, Wish, counts, narrowed, ordered
from facilities.forms import arguments_of, only_known, wish_from


def a_row(slug: str, city: str = "Milano", techniques: str = "", modes: str = "instant", weight: float = 0) -> Listed:
    return Listed(
        id=uuid4(),
        slug=slug,
        name_it=slug,
        name_en=slug,
        description_it="",
        description_en="",
        city=city,
        province="MI",
        latitude=45.4,
        longitude=9.2,
        organisation=Named("o", "O", "O"),
        access_modes=("paid",),
        techniques=tuple(Named(t, t, t) for t in techniques.split()),
        instruments_by_mode=dict.fromkeys(modes.split(), 1),
        weight=weight,
    )


ROWS = [
    a_row("a", "Milano", "nmr tem", "instant"),
    a_row("b", "Milano", "tem", "round instant"),
    a_row("c", "Pavia", "nmr", "round"),
]


def slugs(*chosen: tuple[Facet, str]) -> list[str]:
    wish = Wish(chosen={facet: tuple(values.split()) for facet, values in chosen})
    return [row.slug for row in narrowed(ROWS, wish)]


def test_values_of_one_facet_mean_any_and_facets_mean_all() -> None:
    assert slugs((Facet.TECHNIQUE, "nmr tem")) == ["a", "b", "c"]
    assert slugs((Facet.TECHNIQUE, "nmr"), (Facet.CITY, "Milano")) == ["a"]
    assert slugs((Facet.MODE, "round")) == ["b", "c"]
    assert slugs((Facet.TECHNIQUE, "none")) == []


def test_a_count_says_what_choosing_the_value_would_show() -> None:
    wish = Wish(chosen={Facet.CITY: ("Milano",)})
    assert counts(ROWS, wish, Facet.CITY) == {"Milano": 2, "Pavia": 1}
    assert counts(ROWS, wish, Facet.TECHNIQUE) == {"nmr": 1, "tem": 2}
    assert counts(ROWS, wish, Facet.MODE) == {"instant": 2, "round": 1}


def test_a_chosen_value_without_facilities_can_still_be_taken_back() -> None:
    assert counts(ROWS, Wish(chosen={Facet.CITY: ("Roma",)}), Facet.CITY)["Roma"] == 0


def test_ties_are_broken_by_slug_whatever_the_order() -> None:
    rows = [a_row("z"), a_row("y", weight=2), a_row("x", "Como")]
    assert [r.slug for r in ordered(rows, Wish(sort=Sort.CITY), "it")] == ["x", "y", "z"]
    assert [r.slug for r in ordered(rows, Wish(sort=Sort.RELEVANCE), "it")] == ["y", "x", "z"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page", "0"), ("page", "-1"), ("page", "x"), ("page", "1.5"), ("page", "١"), ("page", "9" * 400),
        ("sort", "id"), ("sort", "name; drop"), ("mode", "teleport"), ("access", "gratis"),
        ("per_page", "101"), ("q", "x" * 201),
    ],
)  # fmt: skip
def test_impossible_values_are_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        wish_from(MultiDict([(name, value)]))
    assert set(caught.value.fields) == {name}


def test_blank_values_are_no_wish() -> None:
    blank = MultiDict([("q", " "), ("city", ""), ("page", ""), ("sort", "")])
    assert wish_from(blank) == Wish()


def test_programs_hear_of_unknown_and_repeated_parameters() -> None:
    with pytest.raises(Invalid) as caught:
        only_known(
            MultiDict([("techniqe", "x"), ("page", "1"), ("page", "2"), ("city", "a"), ("city", "b")]), ["page", "city"]
        )
    assert set(caught.value.fields) == {"techniqe", "page"}


def test_a_wish_can_be_written_as_parameters_and_read_again() -> None:
    wish = Wish("cryo", {Facet.CITY: ("Milano", "Pavia"), Facet.MODE: ("round",)}, Sort.CITY, page=2)
    pairs = [
        (k, v) for k, values in arguments_of(wish).items() for v in (values if isinstance(values, list) else [values])
    ]
    assert wish_from(MultiDict([(k, str(v)) for k, v in pairs])) == wish
    assert arguments_of(Wish()) == {}
