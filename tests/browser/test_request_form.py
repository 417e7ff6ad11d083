"""The request's form in a real browser: painting by pointer, keyboard and plain form, the autosave, two windows."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Visit

Windows = Callable[..., Visit]
ROUND = "demo-xpr-s1"
MEMBER, DELEGATE = "anna.member@example.org", "davide.delegate@example.org"
LOOKS = pytest.mark.parametrize(
    ("size", "dark"), [(DESKTOP, False), (DESKTOP, True), (PHONE, False)], ids=["light", "dark", "phone"]
)


def a_draft(window: Visit) -> Page:
    """A fresh draft's form."""
    page = window.sign_in(MEMBER, "/requests")
    page.goto(f"{window.url}/requests/new?round={ROUND}&lang=en")
    page.locator("form[action='/requests'] button").last.click()
    page.wait_for_url(re.compile(r"/requests/[0-9a-f-]+/edit$"))
    return page


def cell(page: Page, row: int, column: int) -> Locator:
    """A cell of the first part's calendar; rows are weeks from 1, columns shifts from 1."""
    return page.locator(f"[data-paint] tbody tr:nth-child({row}) td:nth-child({column + 1})").first


def kinds(page: Page, *places: tuple[int, int]) -> list[str]:
    """What the form would send of these cells."""
    return [cell(page, *place).locator("select").input_value() for place in places]


def saved(page: Page) -> None:
    """Wait for the autosave's word."""
    expect(page.locator("#save-status")).to_contain_text("Saved as a draft at")


@LOOKS
def test_every_page_of_a_request_is_accessible(visit: Windows, size: tuple[int, int], dark: bool) -> None:
    window = visit(size, "en", dark=dark)
    page = a_draft(window)
    edit = page.url
    broken = {"edit": window.broken_rules()}
    page.locator("button[value=add_part]").click()
    expect(page.locator("fieldset.part")).to_have_count(2)
    page.locator("button[value=add_lag]").click()
    expect(page.locator("fieldset.lag")).to_have_count(1)
    broken["parts"] = window.broken_rules()
    wide = [window.is_wider_than_its_window()]
    for name, path in {
        "check": f"{edit}?check",
        "submit": edit.replace("/edit", "/submit"),
        "show": edit.replace("/edit", ""),
        "mine": f"{window.url}/requests",
        "new": f"{window.url}/requests/new",
    }.items():
        page.goto(path)
        broken[name] = window.broken_rules()
        wide.append(window.is_wider_than_its_window())
    page.goto(f"{window.url}/requests")
    page.get_by_role("link", name=re.compile("Clonogenic")).click()
    page.locator(".part-read summary").first.click()
    broken["sent"] = window.broken_rules()
    assert {name: rules for name, rules in broken.items() if rules} == {}
    assert not any(wide)


def test_a_delegates_list_is_accessible(visit: Windows) -> None:
    window = visit(DESKTOP, "en")
    window.sign_in(DELEGATE, "/requests")
    window.page.locator(".page-head a[href*='/requests/of/']").first.click()
    expect(window.page.locator("table")).to_contain_text("Clonogenic")
    assert window.broken_rules() == []


def test_the_pointer_paints_what_it_crosses(visit: Windows) -> None:
    window = visit(DESKTOP, "en")
    page = a_draft(window)
    start, end = cell(page, 1, 3), cell(page, 2, 4)
    start.scroll_into_view_if_needed()
    a, z = start.bounding_box(), end.bounding_box()
    assert a is not None
    assert z is not None
    page.mouse.move(a["x"] + 9, a["y"] + 9)
    page.mouse.down()
    page.mouse.move(a["x"] + 9, z["y"] + 9, steps=5)
    page.mouse.move(z["x"] + 9, z["y"] + 9, steps=5)
    page.mouse.up()
    assert kinds(page, (1, 3), (2, 3), (2, 4), (1, 4)) == ["preferred", "preferred", "preferred", ""]
    saved(page)
    page.reload()
    assert kinds(page, (1, 3), (2, 3), (2, 4), (1, 4)) == ["preferred", "preferred", "preferred", ""]


def test_the_keyboard_paints_too(visit: Windows) -> None:
    window = visit(DESKTOP, "en")
    page = a_draft(window)
    cell(page, 1, 1).locator("button").focus()
    for key in ("Space", "p", "ArrowRight", "p", "ArrowDown", "Enter", "Home", "p", "End", "Space", "Space"):
        page.keyboard.press(key)
    assert kinds(page, (1, 1), (1, 2), (2, 2), (2, 1), (2, 5)) == [
        "impossible",
        "preferred",
        "preferred",
        "preferred",
        "impossible",
    ]
    expect(page.locator("[data-paint-status]").first).to_contain_text("impossible")
    expect(page.locator(".paint-button[tabindex='0']")).to_have_count(1)
    saved(page)


def test_heads_paint_whole_weeks_and_shifts(visit: Windows) -> None:
    window = visit(DESKTOP, "en")
    page = a_draft(window)
    page.locator("[data-paint] thead button").nth(2).click()
    page.locator("[data-paint] tbody tr:nth-child(2) th button").click()
    assert kinds(page, (1, 3), (2, 3), (11, 3), (2, 1), (1, 1)) == [
        "preferred",
        "preferred",
        "preferred",
        "preferred",
        "",
    ]
    saved(page)


def test_a_finger_taps(visit: Windows) -> None:
    window = visit(PHONE, "en")
    page = a_draft(window)
    cell(page, 1, 1).locator("button").tap()
    assert kinds(page, (1, 1), (1, 2)) == ["preferred", ""]
    saved(page)


def test_everything_works_without_a_script(visit: Windows) -> None:
    window = visit(DESKTOP, "en", script=False)
    page = a_draft(window)
    page.locator("[name=title]").fill("Without a script")
    cell(page, 1, 3).locator("select").select_option("impossible")
    page.locator("button[value=add_part]").click()
    expect(page.locator("fieldset.part")).to_have_count(2)
    expect(page.locator("[name=title]")).to_have_value("Without a script")
    expect(cell(page, 1, 3).locator("select")).to_have_value("impossible")
    page.locator("button[value=add_lag]").click()
    expect(page.locator("fieldset.lag")).to_have_count(1)
    page.locator("button[value=remove_part-1]").click()
    expect(page.locator("fieldset.part")).to_have_count(1)
    page.locator(".save-bar button[value=save]").click()
    expect(page.get_by_role("status").first).to_contain_text("Draft saved")


def test_the_autosave_keeps_what_was_typed_and_never_fights_with_a_button(visit: Windows) -> None:
    window = visit(DESKTOP, "en")
    page = a_draft(window)
    page.locator("[name=title]").fill("Typed")
    page.locator("[name=acronym]").click()
    saved(page)
    page.locator("[name=acronym]").fill("SHORT")
    page.locator("[name=team_size]").fill("4")
    page.locator(".save-bar button[value=save]").click()
    expect(page.get_by_role("status").first).to_contain_text("Draft saved")
    expect(page.locator("[name=acronym]")).to_have_value("SHORT")
    expect(page.locator("h1")).to_have_text("Typed")


def test_the_slower_of_two_windows_is_told_and_keeps_its_text(visit: Windows) -> None:
    window = visit(DESKTOP, "en")
    page = a_draft(window)
    other = page.context.new_page()
    other.goto(page.url)
    page.locator("[name=title]").fill("The faster one")
    page.locator(".save-bar button[value=save]").click()
    expect(page.locator("h1")).to_have_text("The faster one")
    other.locator("[name=title]").fill("The slower one")
    other.locator(".save-bar button[value=save]").click()
    expect(other.get_by_role("alert")).to_contain_text("changed in another window")
    expect(other.locator("[name=title]")).to_have_value("The slower one")
    window.faults.clear()  # a browser notes the 409 itself as an error
