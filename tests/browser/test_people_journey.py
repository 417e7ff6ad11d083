"""A delegate invites somebody by mail, who makes an account, forgets the password, and is removed again."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Visit

Windows = Callable[..., Visit]
DELEGATE = "davide.delegate@example.org"
ORGANISATION = "/organisations/demo-university"
EVERYWHERE = pytest.mark.parametrize(
    ("language", "size", "dark"), [("it", DESKTOP, False), ("en", PHONE, True)], ids=["it-desktop", "en-phone-dark"]
)


def _mailed_link(page: Page, window: Visit, email: str, kind: str) -> str:
    """The path of the link in the newest mail to an address; the worker may need a moment."""
    link = page.locator(f".mail-body a[href*='/{kind}/']").first
    for _ in range(40):
        window.go(f"/outbox?to={email}")
        if link.count():
            break
        page.wait_for_timeout(250)
    return (link.get_attribute("href") or "").removeprefix(window.url)


def _check(window: Visit) -> None:
    assert window.broken_rules() == []
    assert not window.is_wider_than_its_window()


@EVERYWHERE
def test_from_an_invitation_to_the_farewell(
    visit: Windows, language: str, size: tuple[int, int], *, dark: bool
) -> None:
    email = f"new.{language}@example.org"
    desk, guest = visit(size, language, dark=dark), visit(size, language, dark=dark)
    page = desk.sign_in(DELEGATE, ORGANISATION)
    _check(desk)
    page.locator("[name=email]").fill(email)
    page.locator("form[action$='/invitations'] button").click()
    expect(page.locator(".rows")).to_contain_text(email)

    theirs = guest.page
    invitation = _mailed_link(theirs, guest, email, "invitations")
    guest.go(invitation)
    _check(guest)
    theirs.locator("[name=name]").fill("Nuova Persona")
    theirs.locator("[name=password]").fill("a long first password")
    theirs.locator("form[action$='/join'] button").click()
    expect(theirs).to_have_url(re.compile(ORGANISATION))
    guest.go("/account")
    _check(guest)
    theirs.locator("form[action$='/sessions/end'] button").click()
    expect(theirs).to_have_url(re.compile("/login"))
    _check(guest)

    guest.go("/password/reset")
    theirs.locator("[name=email]").fill(email)
    theirs.locator("main form button").click()
    guest.go(_mailed_link(theirs, guest, email, "password/reset"))
    _check(guest)
    theirs.locator("[name=password]").fill("a long second password")
    theirs.locator("main form button").click()
    expect(theirs).to_have_url(re.compile("/login"))
    theirs.locator("[name=email]").fill(email)
    theirs.locator("[name=password]").fill("a long second password")
    theirs.locator("form:has([name=password]) button").click()
    expect(theirs).not_to_have_url(re.compile("/login"))
    guest.go("/requests")
    expect(theirs).to_have_url(re.compile("/requests"))

    page.on("dialog", lambda dialog: dialog.accept())
    desk.go(ORGANISATION)
    page.locator("tr", has_text=email).locator("form[action$='/remove'] button").click()
    expect(page.locator("main")).not_to_contain_text(email)
    guest.go("/account")
    expect(theirs.locator("main")).not_to_contain_text("demo-university")


@EVERYWHERE
def test_each_of_the_demos_people_is_one_click_away(
    visit: Windows, language: str, size: tuple[int, int], *, dark: bool
) -> None:
    window = visit(size, language, dark=dark)
    page = window.go("/login?next=/account")
    _check(window)
    page.locator("li.person", has_text="olga.office@example.org").get_by_role("button").click()
    expect(page).to_have_url(re.compile("/account"))
    for path in ("/account", "/organisations", "/posts", "/organisations/new"):
        window.go(path)
        _check(window)
