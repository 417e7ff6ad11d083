"""A member finds an instrument, asks for time in a round, books another at once, and takes both back."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.journeys import BOTH, MEMBER, Size, Windows, press, send_a_request, speak

SEARCH = {"it": "sincrotrone", "en": "synchrotron"}
SUBMITTED = {"it": "Inviata", "en": "Submitted"}
WITHDRAWN = {"it": "Ritirata", "en": "Withdrawn"}
CANCELLED = {"it": "Annullata", "en": "Cancelled"}
INSTANT = "/facilities/unimi-nolimits/sem"


def is_well_made(window: Visit) -> None:
    """Accessible, and no wider than its window."""
    assert window.broken_rules() == []
    assert not window.is_wider_than_its_window()


@BOTH
def test_a_visitor_finds_the_synchrotron_by_its_name(visit: Windows, language: str, size: Size) -> None:
    window = visit(size, language)
    page = window.go("/")
    expect(page.locator("html")).to_have_attribute("lang", language)
    is_well_made(window)
    page.locator("main input[name='q']").first.fill(SEARCH[language])
    page.locator("main input[name='q']").first.press("Enter")
    expect(page).to_have_url(re.compile(r"/facilities\?.*q="))
    page.locator("main .card-facility a[href$='/facilities/cnao']").first.click()
    expect(page.locator("h1")).to_contain_text("CNAO")
    page.locator("main a[href*='/facilities/cnao/']").first.click()
    expect(page.locator("h1")).to_contain_text("XPR")
    is_well_made(window)


@BOTH
def test_a_member_asks_for_beamtime_follows_it_and_withdraws(
    visit: Windows, demo: dict[str, Any], language: str, size: Size
) -> None:
    window = visit(size, language)
    window.sign_in(MEMBER)
    speak(window, language)
    title = f"Proton range, {language}"
    page = send_a_request(window, demo["round"]["slug"], title)
    expect(page.locator("main")).to_contain_text(SUBMITTED[language])
    is_well_made(window)
    request = page.url

    page = window.go("/requests")
    expect(page.locator("main").get_by_role("link", name=title)).to_be_visible()
    is_well_made(window)

    page.goto(request)
    page.locator("details:has(form[action$='/withdraw']) > summary").click()
    page.locator("form[action$='/withdraw'] [name='reason']").fill("No samples.")
    press(page, page.locator("form[action$='/withdraw'] button").last)
    expect(page.locator("main")).to_contain_text(WITHDRAWN[language])


@BOTH
def test_a_member_books_an_instrument_at_once_and_cancels(visit: Windows, language: str, size: Size) -> None:
    window = visit(size, language)
    window.sign_in(MEMBER)
    speak(window, language)
    page = window.go(f"{INSTANT}?week=next")
    is_well_made(window)
    title = f"Sample check {language}"
    form = page.locator("form:has([name='title'])").last
    form.locator("[name='title']").fill(title)
    press(page, form.locator("button.btn-primary").last)
    expect(page.locator("main")).to_contain_text(title)
    is_well_made(window)

    page = window.go("/bookings")
    expect(page.locator("main")).to_contain_text(title)
    is_well_made(window)
    page.locator("main :is(li, article)", has_text=title).locator("h3 a").first.click()
    expect(page.locator("main")).to_contain_text(title)
    page.locator("main a[href$='/cancel']").first.click()
    is_well_made(window)
    press(page, page.locator("main form button").last)
    expect(page.locator("main")).to_contain_text(CANCELLED[language])
    window.go("/outbox")
    expect(page.locator("main")).to_contain_text("SEM")
