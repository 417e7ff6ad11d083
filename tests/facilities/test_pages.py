"""The public pages of the catalogue, as a visitor's browser gets them."""

import json
import re
import shutil
from pathlib import Path

import pytest
from flask import Flask

from core.db import transaction
from facilities import queries
from tests.facilities.factories import Statements
from tests.facilities.test_search import HOSTILE
from tests.support import Browser

MOST_STATEMENTS_OF_THE_LIST = 4
MOST_STATEMENTS_OF_A_FACILITY = 4


@pytest.fixture
def database_url(furnished_catalogue: Path, tmp_path: Path) -> str:
    shutil.copy(furnished_catalogue, tmp_path / "equora.db")
    return f"sqlite:///{tmp_path / 'equora.db'}"


def page(visitor: Browser, url: str) -> str:
    answer = visitor.get(url)
    assert answer.status_code == 200, url
    return answer.text


def slugs_on(text: str) -> list[str]:
    return re.findall(r'<h3><a href="/facilities/([a-z0-9-]+)"', text)


def json_ld(text: str) -> dict[str, object]:
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data: dict[str, object] = json.loads(found[1])
    return data


def test_everybody_sees_all_facilities_in_their_language(visitor: Browser) -> None:
    italian, english = page(visitor, "/facilities?lang=it"), page(visitor, "/facilities?lang=en")
    assert len(slugs_on(italian)) == len(slugs_on(english)) == 24
    assert "Microscopia elettronica" in italian
    assert "Electron microscopy" in english
    assert "sala sperimentale XPR" in italian
    assert "XPR experimental room" in english


def test_the_list_narrows_by_words_and_facets(visitor: Browser) -> None:
    assert slugs_on(page(visitor, "/facilities?q=criomicroscopia")) == ["ht-nf-structural-biology"]
    assert set(slugs_on(page(visitor, "/facilities?city=Pavia"))) == {"cnao", "unipv-lena", "unipv-cgs"}
    assert slugs_on(page(visitor, "/facilities?city=Pavia&mode=round")) == ["cnao"]
    assert "No facility fits" in page(visitor, "/facilities?lang=en&technique=unheard-of")


def test_the_best_match_comes_first_when_words_are_searched(visitor: Browser) -> None:
    assert slugs_on(page(visitor, "/facilities?q=genomica"))[0] in {"ht-nf-genomics", "ptp-lodi"}


def test_each_facet_shows_how_many_it_would_leave(visitor: Browser) -> None:
    text = page(visitor, "/facilities?lang=en")
    row = re.search(r'value="Pavia"[^>]*> <span>Pavia</span> <span class="facet-count">.*?</span> (\d+)</span>', text)
    assert row is not None
    assert row[1] == "3"


@pytest.mark.parametrize("query", HOSTILE)
def test_no_search_breaks_the_page(visitor: Browser, query: str) -> None:
    assert visitor.get("/facilities", query_string={"q": query}).status_code in (200, 400)


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/facilities?page=2", 404),
        ("/facilities?page=0", 422),
        ("/facilities?sort=password", 422),
        ("/facilities?mode=teleport", 422),
        ("/facilities?q=" + "x" * 201, 422),
        ("/facilities?q=%00", 400),
        ("/facilities?endpoint=x&_external=1&_scheme=ftp&_anchor=y", 200),
        ("/facilities/unheard-of", 404),
        ("/facilities/CNAO", 404),
    ],
)
def test_bad_addresses_are_answered_politely(visitor: Browser, url: str, status: int) -> None:
    assert visitor.get(url).status_code == status


def test_searched_words_are_text_and_never_markup(visitor: Browser) -> None:
    text = page(visitor, '/facilities?q="><script>alert(1)</script>')
    assert "<script>alert" not in text


def test_pages_of_the_list_follow_each_other(visitor: Browser) -> None:
    first = page(visitor, "/facilities?per_page=10")
    rest = page(visitor, "/facilities?per_page=10&page=2") + page(visitor, "/facilities?per_page=10&page=3")
    assert len(set(slugs_on(first) + slugs_on(rest))) == 24
    assert 'rel="next"' in first


def test_a_facility_shows_its_facts_sources_and_assumptions(visitor: Browser) -> None:
    text = page(visitor, "/facilities/cnao?lang=en")
    for part in (
        "A synchrotron of 25 m diameter",
        "Proton irradiation",
        "XPR beamline – protons",
        "by call",
        "peer reviewed, paid",
        "Assumed for the demo",
        "energy ranges",
        "https://doi.org/10.3390/physics4010017",
    ):
        assert part in text, part


def test_a_facility_of_an_organisation_with_a_ror_id_links_it_as_unverified(visitor: Browser) -> None:
    text = page(visitor, "/facilities/unimi-omics?lang=en")
    assert 'href="https://ror.org/00wjc7c48"' in text
    assert "unverified" in text


def test_a_facility_says_what_it_is_to_machines(visitor: Browser) -> None:
    text = page(visitor, "/facilities/cnao?lang=it")
    data = json_ld(text)
    assert data["@type"] == "ResearchOrganization"
    assert data["inLanguage"] == "it"
    assert len(data["owns"]) == 5  # type: ignore[arg-type]
    assert '<link rel="canonical" href="http://localhost/facilities/cnao?lang=it">' in text
    assert '<meta property="og:title" content="Centro Nazionale' in text
    assert 'hreflang="en"' in text


def test_a_description_cannot_leave_its_script_element(app: Flask, visitor: Browser) -> None:
    with app.app_context(), transaction() as tx:
        facility = tx.one(queries.facility_by_slug("cnao"))
        facility.description_it = facility.description_en = "</script><script>alert(1)</script>"
    text = page(visitor, "/facilities/cnao")
    assert "<script>alert" not in text
    assert json_ld(text)["description"] == "</script><script>alert(1)</script>"


def test_the_list_asks_the_database_a_fixed_number_of_times(app: Flask, visitor: Browser) -> None:
    for url in ("/facilities", "/facilities?q=microscopia&mode=instant&sort=city"):
        visitor.get(url)
        with Statements(app) as statements:
            page(visitor, url)
        catalogue = [s for s in statements.sent if "sessions" not in s and "persons" not in s]
        assert len(catalogue) <= MOST_STATEMENTS_OF_THE_LIST, catalogue


def test_a_facility_asks_the_database_a_fixed_number_of_times(app: Flask, visitor: Browser) -> None:
    for slug in ("cnao", "ht-nf-data"):
        with Statements(app) as statements:
            page(visitor, f"/facilities/{slug}")
        catalogue = [s for s in statements.sent if "sessions" not in s and "persons" not in s]
        assert len(catalogue) <= MOST_STATEMENTS_OF_A_FACILITY, catalogue
