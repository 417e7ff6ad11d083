"""Steps that several journeys share, said as a person would say them."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Visit

MEMBER, MANAGER = "anna.member@example.org", "marco.manager@example.org"
BOTH = pytest.mark.parametrize(("language", "size"), [("it", DESKTOP), ("en", PHONE)], ids=["it-desktop", "en-phone"])

Windows = Callable[..., Visit]
Size = tuple[int, int]


def press(page: Page, button: Locator) -> None:
    """Press a button that sends a form, and wait for the answer."""
    with page.expect_navigation():
        button.click()


def speak(window: Visit, language: str) -> None:
    """Choose the language of all pages that follow."""
    window.go(f"/facilities?lang={language}")
    expect(window.page.locator("html")).to_have_attribute("lang", language)


def send_a_request(window: Visit, round_slug: str, title: str) -> Page:
    """From the call to the sent request: eight hours of the first instrument, one cell painted by keyboard."""
    page = window.go(f"/rounds/{round_slug}")
    press(page, page.locator("main a[href*='/requests/new']").first)
    press(page, page.locator("form[action='/requests'] button").last)
    expect(page).to_have_url(re.compile(r"/requests/[0-9a-f-]+/edit$"))
    for name, value in {
        "title": title,
        "team_size": "3",
        "parts-0-amount": "8",
        "sample": "PMMA",
        "objectives": "Range verification of 150 MeV protons.",
    }.items():
        page.locator(f"[name='{name}']").fill(value)
    page.locator("[name='parts-0-instruments']").first.check()
    page.locator("[name='parts-0-lengths'][value='480']").check()
    page.locator("[data-paint] .paint-button").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.locator("[data-paint] td:nth-child(3) select").first).to_have_value("preferred")
    press(page, page.locator("button[name='do'][value='review']").last)
    expect(page).to_have_url(re.compile(r"/submit$"))
    press(page, page.locator("form[action$='/submit'] button").last)
    expect(page).to_have_url(re.compile(r"/requests/[0-9a-f-]+$"))
    expect(page.locator("h1")).to_contain_text(title)
    return page
