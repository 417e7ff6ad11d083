"""A subscriber makes a calendar address, a calendar program reads it, and the address dies when it is revoked."""

import re
import urllib.error
import urllib.request

import pytest
from icalendar import Calendar
from playwright.sync_api import expect

from tests.browser.journeys import BOTH, MEMBER, Size, Windows, press, speak

INSTANT = "/facilities/unimi-nolimits/sem"


def fetch(address: str) -> Calendar:
    """What a calendar program gets."""
    with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - our own server
        assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
        return Calendar.from_ical(answer.read())


@BOTH
def test_a_subscription_from_the_button_to_its_end(visit: Windows, language: str, size: Size) -> None:
    window = visit(size, language)
    window.sign_in(MEMBER)
    speak(window, language)
    page = window.go("/bookings")
    page.locator("main a[href*='/calendars/subscribe/person/']").first.click()
    assert window.broken_rules() == []
    press(page, page.locator("main form[method='post'] button").last)

    address = page.locator("#address").input_value()
    assert re.fullmatch(re.escape(window.url) + r"/calendars/feeds/[\w-]{22,}\.ics", address)
    webcal = page.locator("main a[href^='webcal://']").get_attribute("href")
    assert webcal == "webcal://" + address.split("://", 1)[1]
    expect(page.locator(".qr-frame svg")).to_be_visible()
    assert window.broken_rules() == []
    assert not window.is_wider_than_its_window()
    before = {str(event["UID"]) for event in fetch(address).walk("VEVENT")}

    title = f"For my calendar {language}"
    page = window.go(INSTANT)
    form = page.locator("form:has([name='title'])").last
    form.locator("[name='title']").fill(title)
    press(page, form.locator("button.btn-primary").last)
    new = [event for event in fetch(address).walk("VEVENT") if str(event["UID"]) not in before]
    assert [str(event["STATUS"]) for event in new] == ["CONFIRMED"]

    page = window.go("/calendars")
    assert window.broken_rules() == []
    page.on("dialog", lambda dialog: dialog.accept())
    press(page, page.locator("main form[action$='/revoke'] button").first)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(address)
