"""The journey of a manager, from the inbox to the published plan; each file that walks it has its own installation."""

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.journeys import MANAGER, MEMBER, Size, Windows, press, send_a_request, speak

PUBLISHED = {"it": "Pubblicat", "en": "Published"}
SOLVER_PATIENCE = 120_000


def walk(visit: Windows, demo: dict[str, Any], language: str, size: Size) -> None:
    """A member asks; the manager reviews, proposes, reads, publishes; the member reads the result."""
    slug = demo["round"]["slug"]
    member = visit(size, language)
    member.sign_in(MEMBER)
    speak(member, language)
    mine = send_a_request(member, slug, "The twenty-fifth").url

    manager = visit(size, language)
    manager.sign_in(MANAGER)
    manager.page.on("dialog", lambda dialog: dialog.accept())
    speak(manager, language)
    review_the_new_one(manager, slug)
    plan = propose(manager, slug)
    read(manager, plan)
    publish(manager, plan, language)

    page = member.page
    page.goto(mine)
    expect(page.locator("main .timeline, main ol").first).to_be_visible()
    well_made(member, "the member's result")
    outbox = member.go("/outbox?to=" + MEMBER)
    expect(outbox.locator("main article").first).to_be_visible()


def well_made(window: Visit, what: str) -> None:
    """Accessible, and no wider than its window."""
    broken = window.broken_rules()
    assert not broken, f"{what}: {broken}"
    assert not window.is_wider_than_its_window(), what


def review_the_new_one(window: Visit, slug: str) -> None:
    page = window.go(f"/rounds/{slug}/requests")
    expect(page.locator("main tbody tr")).to_have_count(25)
    well_made(window, "inbox")
    page.locator("main tr", has_text="The twenty-fifth").locator("a[href$='/review']").last.click()
    well_made(window, "review")
    page.locator("[name='feasibility'][value='feasible']").check()
    page.locator("[name='safety_is_cleared']").check()
    page.locator("[name='score_given']").fill("74")
    press(page, page.locator("main form[method='post'] button").last)


def step(page: Page, verb: str) -> None:
    press(page, page.locator(f"form[action$='/steps/{verb}'] button").first)


def propose(window: Visit, slug: str) -> str:
    page = window.go(f"/rounds/{slug}")
    step(page, "close_submissions")
    step(page, "start_allocation")
    well_made(window, "round in allocation")
    window.go(f"/rounds/{slug}/plans")
    well_made(window, "plans")
    press(page, page.locator(f"form[action$='/rounds/{slug}/plans'] button").last)
    expect(page).to_have_url(re.compile(r"/plans/1$"))
    well_made(window, "progress")
    expect(page.locator("table.tl")).to_be_visible(timeout=SOLVER_PATIENCE)
    return page.url


def read(window: Visit, plan: str) -> None:
    """Fairness as picture and table, the timeline by keyboard or as an agenda, reasons, baselines, proof."""
    page = window.page
    page.goto(plan)
    well_made(window, "plan")
    for part in ("fairness", "timeline", "served", "refusals", "baselines", "proof"):
        expect(page.locator(f"section:has(> #{part})")).to_be_visible()
    assert page.locator("section:has(> #refusals) li h3").count() >= 5
    page.locator("nav.weeks a:not(.is-empty)").nth(1).click()
    if window.page.viewport_size and window.page.viewport_size["width"] > 640:
        walk_the_grid(page)
    else:
        expect(page.locator(".tl-days a")).to_have_count(7)
        page.locator(".tl-days a").nth(5).click()
        expect(page.locator(".tl td:nth-child(7) .tl-agenda").first).to_be_visible()


def walk_the_grid(page: Page) -> None:
    rows = page.locator(".tl tbody tr")
    place = int(rows.evaluate_all("rows => rows.findIndex(row => row.querySelector('td > .b'))"))
    rows.nth(place).locator("td > .b").first.focus()
    page.keyboard.press("End")
    page.keyboard.press("Home")
    expect(rows.nth(place).locator("th a")).to_be_focused()
    step = 1 if place + 1 < rows.count() else -1
    page.keyboard.press("ArrowDown" if step > 0 else "ArrowUp")
    expect(rows.nth(place + step).locator(":focus")).to_have_count(1)


def publish(window: Visit, plan: str, language: str) -> None:
    page = window.page
    page.goto(plan)
    press(page, page.locator("form[action$='/publish'] button"))
    expect(page.locator("main")).to_contain_text(re.compile(PUBLISHED[language], re.I))
    well_made(window, "published plan")
    reserve = plan.split("/plans/")[0] + "/reserve"
    page.goto(reserve)
    expect(page.locator("main table tbody tr").first).to_be_visible()
    well_made(window, "reserve list")
