"""Every page, as each role that has it: no rule of axe-core broken, no fault noted, nothing that scrolls sideways."""

from collections.abc import Mapping

import pytest
from flask import Flask

from tests.browser.conftest import DESKTOP, PHONE, Visit
from tests.browser.journeys import MANAGER, MEMBER, Size, Windows

DELEGATE, REVIEWER, OFFICE = "davide.delegate@example.org", "rita.reviewer@example.org", "olga.office@example.org"
SEM = "/facilities/unimi-nolimits/sem"
ROUND = "/rounds/demo-xpr-s1"
IN_SERIES = "main .slot:has(.slot-series) h3 a"

# role → endpoint → path; a path with " > " is the first link of that form on the page before it
PAGES: Mapping[str, Mapping[str, str]] = {
    "": {
        "home.index": "/",
        "facilities.index": "/facilities",
        "facilities.show": "/facilities/cnao",
        "instruments.show": SEM,
        "calendar.show": "/calendar",
        "calendar.of_facility": "/calendar/cnao",
        "finding.find": "/find",
        "rounds.index": "/rounds",
        "rounds.show": ROUND,
        "accounts.login": "/login",
        "accounts.forgot_password": "/password/reset",
        "accounts.invitation": "/invitations/unknown",
        "accounts.choose_password": "/password/reset/unknown",
        "mailbox.index": "/outbox",
    },
    MEMBER: {
        "home.index": "/",
        "instruments.show": SEM,
        "rounds.show": ROUND,
        "requests.mine": "/requests",
        "requests.new": "/requests/new",
        "requests.show": "/requests > main a[href^='/requests/']:not([href*='/new']):not([href*='/of/'])",
        "bookings.mine": "/bookings",
        "bookings.show": "/bookings > main h3 a[href^='/bookings/']",
        "troubles.new": "/bookings?show=past > main a[href$='/trouble']",
        "troubles.show": "/bookings?show=past > main h3 a[href^='/bookings/'] > main a[href^='/troubles/']",
        "use.at": "/at/unimi-nolimits/sem",
        "bookings.cancel": "/bookings > main h3 a[href^='/bookings/'] > main a[href$='/cancel']",
        "waitlist.mine": "/waitlist",
        "waitlist.wait": f"{SEM}/wait",
        "changes.move": "/bookings > main h3 a[href^='/bookings/'] > main a[href$='/move']",
        "changes.hand_over": "/bookings > main h3 a[href^='/bookings/'] > main a[href$='/hand-over']",
        "swaps.new": "/bookings > main h3 a[href^='/bookings/'] > main a[href$='/swap']",
        "swaps.show": "/bookings > main a[href^='/swaps/']",
        "series.new": f"{SEM}/series",
        "series.change": f"/bookings > {IN_SERIES} > main a[href$='/series/change']",
        "series.cancel": f"/bookings > {IN_SERIES} > main a[href$='/series/cancel']",
        "calendar.show": "/calendar",
        "calendar.of_facility": "/calendar/cnao?view=month",
        "finding.find": "/find?hours=4",
        "calendars.index": "/calendars",
        "calendars.subscribe": "/bookings > main a[href*='/calendars/subscribe/']",
        "accounts.account": "/account",
        "facilities.my_qualifications": "/qualifications",
        "accounts.organisations": "/organisations",
        "accounts.organisation": "/organisations/demo-university",
    },
    DELEGATE: {
        "home.index": "/",
        "requests.of_organisation": "/requests/of/demo-university",
        "accounts.organisation": "/organisations/demo-university",
        "shares.of_organisation": "/organisations/demo-university/use",
    },
    REVIEWER: {
        "rounds.inbox": f"{ROUND}/requests",
        "rounds.review": f"{ROUND}/requests > main a[href$='/review']",
    },
    MANAGER: {
        "home.index": "/",
        "rounds.new": "/rounds/new",
        "rounds.show": ROUND,
        "rounds.edit": f"{ROUND}/edit",
        "rounds.inbox": f"{ROUND}/requests",
        "rounds.review": f"{ROUND}/requests > main a[href$='/review']",
        "rounds.plans": f"{ROUND}/plans",
        "inbox.index": "/inbox",
        "labels.label": "/facilities/cnao/xpr-beamline-protons/label",
        "facilities.qualifications": "/facilities/cnao/qualifications",
        "facilities.new_qualification": "/facilities/cnao/qualifications/new",
        "facilities.qualification": "/facilities/cnao/qualifications > main tbody a",
        "facilities.edit_qualification": "/facilities/cnao/qualifications > main tbody a > main a[href$='/edit']",
        "facilities.revoke_qualification": "/facilities/cnao/qualifications > main tbody a > main a[href$='/revoke']",
        "facilities.duties": "/facilities/cnao/duties",
        "instruments.close": "/facilities/cnao/xpr-beamline-protons/close",
        "waitlist.queue": "/facilities/cnao/waitlist",
        "rules.show": "/facilities/cnao/xpr-beamline-protons/rules",
        "rules.quotas": "/facilities/cnao/quotas",
    },
    OFFICE: {
        "home.index": "/",
        "accounts.organisations": "/organisations",
        "accounts.new_organisation": "/organisations/new",
        "accounts.edit_organisation": "/organisations/demo-university/edit",
        "accounts.posts": "/posts",
        "queue.index": "/queue",
        "troubles.index": "/troubles",
        "troubles.show": "/troubles > main a[href^='/troubles/']",
        "inbox.index": "/inbox",
        "inbox.booking": "/inbox > main h3 a[href^='/inbox/bookings/']",
        "deputies.index": "/facilities/cnao/deputies",
    },
}
ELSEWHERE = {
    "requests.edit": "test_request_form",
    "requests.review": "test_request_form",
    "rounds.plan": "the manager's journey",
    "rounds.progress": "the manager's journey: a piece of the plan's page",
    "rounds.reserve": "the manager's journey",
    "bookings.approvals": "leads to inbox.index",
    "bookings.refuse": "the same page as bookings.cancel, with other words",
    "series.refuse": "the same page as series.cancel, with other words",
}
NO_PAGES = (
    "api.",
    "openapi.",
    "health.",
    "static",
    "calendars.feed",
    "rounds.atom",
    "rounds.problem",
    "labels.code",
    "shares.table",
)


def test_no_page_is_forgotten(app: Flask) -> None:
    known = {endpoint for pages in PAGES.values() for endpoint in pages} | set(ELSEWHERE)
    every = {rule.endpoint for rule in app.url_map.iter_rules() if rule.methods and "GET" in rule.methods}
    assert {endpoint for endpoint in every if not endpoint.startswith(NO_PAGES)} == known


def reach(window: Visit, way: str) -> None:
    """Open the page at the end of a way."""
    first, *links = way.split(" > ")
    window.go(first)
    for link in links:
        target = window.page.locator(link).first.get_attribute("href")
        assert target, way
        window.go(target)


@pytest.mark.parametrize("email", PAGES, ids=lambda email: email.partition("@")[0] or "visitor")
@pytest.mark.parametrize(
    ("language", "size", "dark"),
    [("it", DESKTOP, False), ("en", DESKTOP, True), ("en", PHONE, False)],
    ids=["it-light", "en-dark", "en-phone"],
)
def test_every_page_is_well_made(visit: Windows, email: str, language: str, size: Size, dark: bool) -> None:
    window = visit(size, language, dark=dark)
    if email:
        window.sign_in(email)
    found: dict[str, list[str]] = {}
    for endpoint, way in PAGES[email].items():
        reach(window, way)
        faults = window.broken_rules()
        if window.is_wider_than_its_window():
            faults.append("scrolls sideways")
        if faults:
            found[endpoint] = faults
    window.faults[:] = [fault for fault in window.faults if "404 (NOT FOUND)" not in fault]  # two links are unknown
    assert found == {}
