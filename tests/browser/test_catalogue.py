"""A visitor looks for an instrument: by words, filters and map, with and without scripts, on desk and phone."""

from collections.abc import Callable

import pytest

from tests.browser.conftest import DESKTOP, PHONE, Visit

PAGES = (
    "/facilities",
    "/facilities?q=micro&city=Milano",
    "/facilities?q=zzz",
    "/facilities/cnao",
    "/facilities/ht-nf-data",
)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("size", "language", "dark"), [(DESKTOP, "it", False), (PHONE, "en", True), (PHONE, "it", False)]
)
def test_every_page_of_the_catalogue_is_accessible_and_fits(
    visit: Callable[..., Visit], path: str, size: tuple[int, int], language: str, dark: bool
) -> None:
    window = visit(size, language, dark=dark)
    page = window.go(path)
    for details in page.locator("main details").all():
        details.evaluate("box => { box.open = true; }")
    assert window.broken_rules() == []
    assert not window.is_wider_than_its_window()


def test_the_list_follows_what_one_types_and_chooses(visit: Callable[..., Visit]) -> None:
    page = visit(language="en").go("/facilities")
    page.locator("#q").press_sequentially("cryo")
    page.wait_for_url("**/facilities?q=cryo")
    assert page.locator("#found").inner_text() == "2 facilities"
    page.get_by_label("by call").check()
    page.wait_for_url("**/facilities?q=cryo&mode=round")
    page.locator(".card-facility").get_by_role("link").wait_for()
    assert page.locator("#found").inner_text() == "1 facility"
    assert page.evaluate("document.activeElement.id") == "mode-round"
    page.go_back()
    page.wait_for_url("**/facilities?q=cryo")
    page.get_by_text("2 facilities").wait_for()


def test_a_marker_leads_to_the_facilities_of_its_place(visit: Callable[..., Visit]) -> None:
    page = visit(PHONE).go("/facilities")
    page.get_by_role("link", name="Pavia 3 infrastrutture").click()
    page.wait_for_url("**/facilities?city=Pavia")
    assert page.locator(".card-facility").count() == 3


def test_search_and_filters_work_without_scripts(visit: Callable[..., Visit]) -> None:
    page = visit(PHONE, "it", script=False).go("/facilities")
    page.locator("#q").fill("protoni")
    page.get_by_role("button", name="Cerca").click()
    assert page.locator(".card-facility").count() == 1
    page.locator("#filters > summary").click()
    page.get_by_label("a bando").check()
    page.get_by_role("button", name="Applica i filtri").click()
    assert page.locator(".card-facility h3").inner_text().startswith("Centro Nazionale di Adroterapia")
