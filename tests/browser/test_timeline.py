"""The calendar in a real browser: bars are drawn, dragged and walked; the server decides, a refused bar goes home."""

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, Visit
from tests.browser.journeys import MEMBER, Windows, press

FACILITY = "unimi-nolimits"
SEM = f"/facilities/{FACILITY}/sem"
REFUSED = "409 (CONFLICT)"


def monday(weeks: int) -> date:
    """A Monday some weeks ahead; each test has a week of its own."""
    today = date.today()  # noqa: DTZ011 - the server lives in the same days
    return today + timedelta(days=7 * weeks - today.weekday())


def last_sunday(month: int) -> date:
    """The next last Sunday of a month of 31 days: its clocks change."""
    today = date.today()  # noqa: DTZ011 - likewise
    for year in (today.year, today.year + 1):
        last = date(year, month, 31)
        sunday = last - timedelta(days=(last.weekday() + 1) % 7)
        if sunday > today:
            return sunday
    raise AssertionError


@pytest.fixture
def member(visit: Windows) -> Visit:
    """A desktop window of a member."""
    window = visit(language="en")
    window.sign_in(MEMBER)
    window.go("/calendar?lang=en")
    return window


def book(window: Visit, day: date, start: str, end: str) -> None:
    """Book the microscope by its form."""
    page = window.go(f"{SEM}?week={day}&start={day}T{start}&end={day}T{end}")
    press(page, page.locator("#book form button.btn-primary"))
    expect(page).to_have_url(re.compile(r"/bookings/[0-9a-f-]{36}"))


def calendar(window: Visit, day: date, view: str = "week") -> Page:
    return window.go(f"/calendar/{FACILITY}?view={view}&day={day}")


def row(page: Page) -> Locator:
    return page.locator(f"tr[data-book='{SEM}']")


def bar(page: Page, day: date, start: str) -> Locator:
    return row(page).locator(f"a.b[data-from='{day}T{start}']")


def point(page: Page, days: float) -> tuple[float, float]:
    """Where a moment stands in the microscope's row: days since the first midnight."""
    row(page).scroll_into_view_if_needed()
    x, y = page.evaluate(
        """([days, book]) => {
            const table = document.querySelector(".tl"), row = document.querySelector(`tr[data-book='${book}']`);
            const box = table.getBoundingClientRect(), at = row.getBoundingClientRect();
            const head = row.cells[0].offsetWidth;
            const x = box.left + head + (box.width - head) * days / Number(table.dataset.days);
            return [x, at.top + at.height / 2];
        }""",
        [days, SEM],
    )
    return x, y


def hours(clock: float, day: int = 0) -> float:
    return day + clock / 24


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=3)
    page.mouse.move(*end, steps=3)
    page.mouse.up()


def said(page: Page, *words: str) -> None:
    for word in words:
        expect(page.locator("[data-live]")).to_contain_text(word)


def test_dragging_over_free_time_opens_the_form_with_the_times(member: Visit) -> None:
    day = monday(5)
    page = calendar(member, day)
    with page.expect_navigation():
        drag(page, point(page, hours(9.1, 1)), point(page, hours(10.9, 1)))
    tuesday = day + timedelta(days=1)
    expect(page.locator("#book [name=day]")).to_have_value(str(tuesday))
    expect(page.locator("#book [name=start]")).to_have_value("09:00")
    expect(page.locator("#book [name=end]")).to_have_value("11:00")
    press(page, page.locator("#book form button.btn-primary"))
    expect(page).to_have_url(re.compile(r"/bookings/[0-9a-f-]{36}"))
    expect(bar(calendar(member, day), tuesday, "09:00")).to_be_visible()


def test_a_bar_is_dragged_and_stays_where_the_server_put_it(member: Visit) -> None:
    day = monday(6)
    book(member, day, "09:00", "11:00")
    page = calendar(member, day)
    drag(page, point(page, hours(9.5)), point(page, hours(14.5, 1)))
    moved = bar(page, day + timedelta(days=1), "14:00")
    expect(moved).to_be_visible()
    expect(moved).to_be_focused()
    said(page, "Moved:", "14:00–16:00")
    expect(page.locator(".ghost, .is-lifted")).to_have_count(0)
    page.reload()
    expect(bar(page, day + timedelta(days=1), "14:00")).to_be_visible()


def test_a_refused_bar_goes_home_and_the_reason_stands_where_it_was_dropped(member: Visit) -> None:
    day = monday(7)
    book(member, day, "09:00", "11:00")
    book(member, day, "14:00", "16:00")
    page = calendar(member, day)
    home = bar(page, day, "09:00").bounding_box()
    drag(page, point(page, hours(9.5)), point(page, hours(14.5)))
    refusal = page.locator(".tl-refusal")
    expect(refusal).to_contain_text("This time is taken")
    expect(page.locator(".ghost, .is-lifted")).to_have_count(0)
    assert bar(page, day, "09:00").bounding_box() == home
    box, x = refusal.bounding_box(), point(page, hours(14))[0]
    assert box is not None
    assert abs(box["x"] - x) < 30
    assert member.broken_rules() == []
    refusal.get_by_role("button", name="Close").click()
    expect(refusal).to_have_count(0)
    member.faults[:] = [fault for fault in member.faults if REFUSED not in fault]


def test_the_end_of_a_bar_is_dragged_to_make_it_longer(member: Visit) -> None:
    day = monday(8)
    book(member, day, "09:00", "11:00")
    page = calendar(member, day, view="day")
    x, y = point(page, hours(11))
    drag(page, (x - 4, y), (point(page, hours(13))[0] - 4, y))
    expect(page.locator(f"a.b[data-from='{day}T09:00'][data-until='{day}T13:00']")).to_be_visible()


def test_escape_during_a_drag_takes_it_back(member: Visit) -> None:
    day = monday(9)
    book(member, day, "09:00", "11:00")
    page = calendar(member, day)
    page.mouse.move(*point(page, hours(9.5)))
    page.mouse.down()
    page.mouse.move(*point(page, hours(15)), steps=4)
    expect(page.locator(".ghost")).to_have_count(1)
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.locator(".ghost, .is-lifted")).to_have_count(0)
    expect(page).to_have_url(re.compile(rf"/calendar/{FACILITY}"))
    page.reload()
    expect(bar(page, day, "09:00")).to_be_visible()


def test_a_bar_is_moved_made_longer_and_put_back_by_keyboard(member: Visit) -> None:
    day = monday(10)
    book(member, day, "09:00", "11:00")
    page = calendar(member, day)
    bar(page, day, "09:00").focus()
    page.keyboard.press("Space")
    said(page, "Picked up")
    assert member.broken_rules() == []
    page.keyboard.press("ArrowRight")
    said(page, "10:00–12:00", "free")
    page.keyboard.press("Escape")
    said(page, "Taken back.")
    expect(bar(page, day, "09:00")).to_be_focused()
    for key in ("Space", "ArrowRight", "Shift+ArrowRight", "PageDown"):
        page.keyboard.press(key)
    said(page, "10:00–13:00")
    page.keyboard.press("Enter")
    moved = bar(page, day + timedelta(days=1), "10:00")
    expect(moved).to_be_focused()
    expect(moved).to_have_attribute("data-until", f"{day + timedelta(days=1)}T13:00")
    page.keyboard.press("Home")
    expect(row(page).locator("th a")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator(".ghost")).to_have_count(0)


def test_n_makes_a_new_booking_in_the_next_free_place(member: Visit) -> None:
    day = monday(11)
    book(member, day, "09:00", "11:00")
    page = calendar(member, day)
    bar(page, day, "09:00").focus()
    page.keyboard.press("n")
    said(page, "11:00–", "New booking")
    page.keyboard.press("Shift+ArrowRight")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator("#book [name=start]")).to_have_value("11:00")
    expect(page.locator("#book [name=day]")).to_have_value(str(day))


def test_a_tap_on_free_time_opens_the_form(member: Visit) -> None:
    day = monday(12)
    page = calendar(member, day)
    x, y = point(page, hours(9.2))
    with page.expect_navigation():
        page.evaluate(
            """([x, y]) => document.elementFromPoint(x, y).dispatchEvent(
                new PointerEvent("click", {bubbles: true, clientX: x, clientY: y, pointerType: "touch"}))""",
            [x, y],
        )
    expect(page.locator("#book [name=start]")).to_have_value("09:00")


def test_on_a_phone_the_day_is_a_list_with_what_is_free(visit: Windows) -> None:
    window = visit(PHONE, "it")
    window.sign_in(MEMBER)
    window.go("/calendar?lang=it")
    day = monday(13)
    book(window, day, "09:00", "11:00")
    page = calendar(window, day)
    entries = row(page).locator("td:visible .entry")
    expect(entries.filter(has_text="Libero")).to_have_count(2)
    expect(entries.filter(has_text="Tu 09:00–11:00")).to_be_visible()
    assert not window.is_wider_than_its_window()
    with page.expect_navigation():
        page.locator(".tl-days a").nth(1).click()
    expect(page).to_have_url(re.compile(f"shown={day + timedelta(days=1)}"))
    free = row(page).locator("td:visible .entry.is-free").first
    expect(free).to_contain_text("Prenota")
    with page.expect_navigation():
        free.click()
    expect(page.locator("#book [name=day]")).to_have_value(str(day + timedelta(days=1)))


@pytest.mark.parametrize("month", [3, 10])
def test_on_the_day_of_a_clock_change_nine_o_clock_stands_under_nine_and_moves_to_ten(
    member: Visit, month: int
) -> None:
    sunday = last_sunday(month)
    book(member, sunday, "09:00", "11:00")
    page = calendar(member, sunday, view="day")
    expect(page.locator(".tl-change")).to_contain_text("23 h" if month == 3 else "25 h")
    expect(row(page).locator(".changed")).to_have_count(1)
    drawn, label = bar(page, sunday, "09:00").bounding_box(), page.locator(".tl-hours i").nth(9).bounding_box()
    assert drawn is not None
    assert label is not None
    assert abs(drawn["x"] - label["x"]) < 3
    bar(page, sunday, "09:00").focus()
    for key in ("Space", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    moved = bar(page, sunday, "10:00")
    expect(moved).to_have_attribute("data-until", f"{sunday}T12:00")
    expect(moved).to_contain_text("10:00–12:00")


def test_the_rest_of_a_large_month_is_added_on_demand_and_is_walked_too(member: Visit) -> None:
    page = member.go("/calendar?view=month")
    rows = page.locator("tr[data-row]")
    expect(rows).to_have_count(20)
    page.locator("#tl-more a[hx-get]").click()
    expect(rows).to_have_count(40)
    expect(page).to_have_url(re.compile(r"view=month$"))
    stops = page.locator(".tl tbody :is(th > a, td > .b)[tabindex='0']")
    expect(stops).to_have_count(1)
    page.locator("#tl-more a[hx-get]").click()
    expect(page.locator("#tl-more a[hx-get]")).to_have_count(0)
    assert rows.count() > 40
    expect(stops).to_have_count(1)


def test_without_script_everything_is_reached_by_links_and_forms(visit: Windows) -> None:
    window = visit(language="en", script=False)
    page = window.go("/calendar?view=month&lang=en")
    page.locator("#tl-more a").click()
    expect(page).to_have_url(re.compile("after=20"))
    expect(page.locator("tr[data-row]")).to_have_count(20)
    page.get_by_label("Facility").select_option(FACILITY)
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(f"view=month.*facility={FACILITY}"))
    page.locator("tbody th a[href$='/sem']").click()
    expect(page).to_have_url(re.compile(f"{SEM}$"))


def test_the_finder_leads_from_a_wish_to_a_booking(member: Visit) -> None:
    page = member.go("/find?lang=en")
    page.locator("[name=q]").fill("scanning electron")
    page.locator("[name=hours]").fill("3")
    page.locator("[name=first]").fill(str(monday(14)))
    page.locator("[name=last]").fill(str(monday(14) + timedelta(days=4)))
    page.locator("[name=start]").select_option("10:00")
    page.locator("[name=end]").select_option("15:00")
    press(page, page.get_by_role("button", name="Find", exact=True))
    first = page.locator(".find-slot").first
    expect(first).to_contain_text("10:00–13:00")
    with page.expect_navigation():
        first.get_by_role("link", name="Book").click()
    expect(page.locator("#book [name=start]")).to_have_value("10:00")
    expect(page.locator("#book [name=end]")).to_have_value("13:00")
    press(page, page.locator("#book form button.btn-primary"))
    expect(page).to_have_url(re.compile(r"/bookings/[0-9a-f-]{36}"))
