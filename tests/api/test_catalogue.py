"""The catalogue as JSON."""

from typing import Any

import pytest
from flask import Flask

from tests.facilities.factories import Statements
from tests.facilities.test_search import HOSTILE
from tests.support import Browser

LIST = "/api/v1/facilities"
BEAM = f"{LIST}/cnao/instruments/xpr-beamline-carbon-ions"
MOST_STATEMENTS = 4


def body(visitor: Browser, url: str) -> dict[str, Any]:
    answer = visitor.get(url)
    assert (answer.status_code, answer.mimetype) == (200, "application/json"), answer.text
    data: dict[str, Any] = answer.get_json()
    return data


def test_the_list_has_every_facility_in_both_languages(visitor: Browser) -> None:
    data = body(visitor, f"{LIST}?per_page=100")
    assert (data["total"], len(data["items"]), data["pages"]) == (24, 24, 1)
    assert all(item["name"]["it"] and item["name"]["en"] for item in data["items"])
    assert data["items"][0]["href"].startswith(f"{LIST}/")


def test_the_list_takes_words_and_facets_and_counts_what_is_left(visitor: Browser) -> None:
    data = body(visitor, f"{LIST}?q=microscopy&city=Milano&mode=instant&mode=round&lang=en")
    assert data["sort"] == "relevance"
    assert {item["place"]["city"] for item in data["items"]} == {"Milano"}
    chosen = [option["value"] for option in data["facets"]["mode"] if option["is_chosen"]]
    assert sorted(chosen) == ["instant", "round"]
    assert {"value": "Milano", "label": "Milano", "count": data["total"], "is_chosen": True} in data["facets"]["city"]


def test_pages_follow_each_other_without_gap_or_repetition(visitor: Browser) -> None:
    pages = [body(visitor, f"{LIST}?per_page=7&sort=city&page={n}") for n in (1, 2, 3, 4)]
    slugs = [item["slug"] for page in pages for item in page["items"]]
    assert len(slugs) == len(set(slugs)) == 24


def test_a_facility_has_its_instruments_sources_and_assumptions(visitor: Browser) -> None:
    data = body(visitor, f"{LIST}/cnao")
    assert [instrument["slug"] for instrument in data["instruments"]][:2] == [
        "xpr-beamline-protons",
        "xpr-beamline-carbon-ions",
    ]
    assert len(data["sources"]) == 9
    assert "energy ranges" in data["assumptions"]
    assert data["organisation"] == {
        "slug": "fondazione-cnao",
        "name": "Fondazione CNAO",
        "ror": None,
        "ror_confirmed": False,
    }


def test_an_instrument_has_typed_specifications_plan_and_group(visitor: Browser) -> None:
    data = body(visitor, BEAM)
    energy = next(each for each in data["specifications"] if each["key"] == "energy_MeV_u")
    assert energy == {
        "key": "energy_MeV_u",
        "name": {"it": "Energia", "en": "Energy"},
        "value": [120, 400],
        "unit": "MeV/u",
        "assumed": True,
    }
    assert data["operating_plan"]["weekly_shifts"][0] == {"weekday": 1, "start": "22:00", "minutes": 240}
    assert data["exclusion_group"] == {"slug": "cnao-beam", "changeover": {"C>p": 60, "p>C": 60}}
    assert data["booking_mode"] == "round"


@pytest.mark.parametrize(
    ("url", "status", "field"),
    [
        (f"{LIST}?colour=red", 422, "colour"),
        (f"{LIST}?page=0", 422, "page"),
        (f"{LIST}?page=one", 422, "page"),
        (f"{LIST}?page=1&page=2", 422, "page"),
        (f"{LIST}?per_page=1000", 422, "per_page"),
        (f"{LIST}?sort=id", 422, "sort"),
        (f"{LIST}?mode=teleport", 422, "mode"),
        (f"{LIST}?lang=de", 422, "lang"),
        (f"{LIST}?q=" + "x" * 201, 422, "q"),
        (f"{LIST}?page=2", 404, None),
        (f"{LIST}?q=%00", 400, None),
        (f"{LIST}/unheard-of", 404, None),
        (f"{LIST}/cnao?page=1", 422, "page"),
        (f"{LIST}/cnao/instruments/unheard-of", 404, None),
        (f"{LIST}/unimi-omics/instruments/xpr-beamline-protons", 404, None),
        ("/api/v1/unheard-of", 404, None),
    ],
)
def test_what_makes_no_sense_is_a_problem_document(visitor: Browser, url: str, status: int, field: str | None) -> None:
    answer = visitor.get(url)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    problem = answer.get_json()
    assert problem["status"] == status
    assert problem["code"]
    assert list(problem.get("fields", {})) == ([field] if field else [])


def test_it_only_reads(visitor: Browser) -> None:
    answer = visitor.post_form(LIST)
    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")


@pytest.mark.parametrize("query", HOSTILE)
def test_no_search_breaks_it(visitor: Browser, query: str) -> None:
    assert visitor.get(LIST, query_string={"q": query}).status_code in (200, 400)


@pytest.mark.parametrize("url", [LIST, f"{LIST}/cnao", BEAM])
def test_who_has_the_answer_already_is_told_so(visitor: Browser, url: str) -> None:
    tag = visitor.get(url).headers["ETag"]
    again = visitor.get(url, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert visitor.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("url", [f"{LIST}?q=microscopy", f"{LIST}/cnao", BEAM])
def test_each_answer_takes_a_fixed_number_of_statements(app: Flask, visitor: Browser, url: str) -> None:
    with Statements(app) as statements:
        body(visitor, url)
    catalogue = [s for s in statements.sent if "sessions" not in s and "persons" not in s]
    assert len(catalogue) <= MOST_STATEMENTS, catalogue


def test_the_openapi_document_describes_the_catalogue_and_no_page(visitor: Browser) -> None:
    document = body(visitor, "/api/v1/openapi.json")
    assert all(path.startswith("/api/v1/") for path in document["paths"])
    operation = document["paths"][LIST]["get"]
    assert {parameter["name"] for parameter in operation["parameters"]} == {
        "q", "technique", "city", "organisation", "access", "mode", "sort", "page", "per_page", "lang",
    }  # fmt: skip
    assert "application/problem+json" in operation["responses"]["422"]["content"]
