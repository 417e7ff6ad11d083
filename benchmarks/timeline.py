"""The calendar in chromium: how soon it is painted, how heavy the page is, how smoothly a bar is dragged."""

import gzip
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random

from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import update

from benchmarks.comparison import Table
from benchmarks.options import Options
from benchmarks.products import Equora
from benchmarks.products.data import INSTRUMENTS, PEOPLE, Slot, Workload
from benchmarks.products.equora import PASSWORD
from benchmarks.products.server import served
from core import clock
from core.config import ROOT
from core.db import db, transaction
from facilities.models import Instrument

RUNS, QUICK_RUNS = 7, 2
WINDOW = {"width": 1400, "height": 900}
NAMES = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
SHOWN_KIND = "nmr"
STEPS = 90
PAINTED = """async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    await frame(); await frame();
    const first = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
    return [first, performance.now()];
}"""
WATCH = """() => {
    window.frames_seen = []; let last = performance.now();
    const note = (now) => { window.frames_seen.push(now - last); last = now; requestAnimationFrame(note); };
    requestAnimationFrame(note);
}"""


@dataclass(frozen=True)
class View:
    """What is shown: bars in a period of some instruments, and the sketch's figures beside which they stand."""

    name: str
    rows: int
    bars: int
    days: int
    query: str
    sketch: str
    others: str


@dataclass(frozen=True)
class Drawn:
    """One load: milliseconds to the first paint and to the last frame, kilobytes of HTML."""

    first: float
    last: float
    kilobytes: float


VIEWS = (
    View("20 rows × 500 bars, a week", 20, 500, 7, f"view=week&kind={SHOWN_KIND}", "366–488 ms", "1,240 ms"),
    View("60 rows × 5,000 bars, a month in groups of 20", 60, 5000, 28, "view=month", "1,376–1,421 ms", "5,739 ms"),
)


def run(options: Options) -> list[Table]:
    """Each view on an installation of its own."""
    runs = QUICK_RUNS if options.quick else RUNS
    rows = [row for view in VIEWS for row in _measured(view, runs)]
    return [
        Table(
            "The calendar in chromium",
            ("view", "figure", "measured", "the sketch (TIMELINE.md)", "@event-calendar 5.15 (TIMELINE.md)"),
            tuple(rows),
            (
                f"Median of {runs} loads (smallest – largest) as a signed-in member, server and chromium on one",
                f"machine, {WINDOW['width']} × {WINDOW['height']} pixels. The sketch and the other one were measured",
                "earlier and without a server's work: compare the order of magnitude.",
                f"Timeline scripts and styles: {_code_kilobytes():.1f} kB gzip.",
            ),
        )
    ]


def _measured(view: View, runs: int) -> Iterator[tuple[str, ...]]:
    with tempfile.TemporaryDirectory(prefix="equora-timeline-") as folder:
        product, first = Equora(), _monday(clock.now().date())
        product.prepare(Path(folder), Workload(tuple(_slots(view, first)), first, datetime.now(UTC)))
        _mark(product, view.rows)
        with served(product, 2, "/healthz") as server, _chromium() as browser:
            page = _signed_in(browser, f"http://127.0.0.1:{server.port}", product.email)
            address = f"http://127.0.0.1:{server.port}/calendar?{view.query}&day={first + timedelta(days=14)}"
            loads = [_load(page, address) for _ in range(runs + 1)][1:]
            more = _all_rows(page, view.rows)
            frames = _drag(page)
    yield view.name, "first contentful paint", _spread([one.first for one in loads], "ms"), "", ""
    yield "", "last frame of the first paint", _spread([one.last for one in loads], "ms"), view.sketch, view.others
    if more:
        yield "", "each further group of 20 rows, asked for and painted", _spread(more, "ms"), "", ""
    yield "", "HTML of the page", _spread([one.kilobytes for one in loads], "kB"), "", ""
    dragged = f"{statistics.median(frames):.1f} / {max(frames):.1f} ms"
    yield "", "frame while dragging, median / longest", dragged, "16.7 / 16.8 ms", "100 / 1,500 ms"


def _monday(today: date) -> date:
    """Of the next month, so that nothing shown is over: the first Monday of a month of the calendar, or before it."""
    first = (today.replace(day=1) + timedelta(days=63)).replace(day=1)
    return first + timedelta(days=-first.weekday() % 7) - timedelta(days=7)


def _slots(view: View, first: date) -> Iterator[Slot]:
    """The bars of the shown instruments in each period of the view's length around the shown one."""
    random = Random(1)
    each = view.bars // view.rows
    pace = view.days * 1440 / each
    for instrument in range(view.rows):
        for n in range(each * 42 // view.days):
            at = int((n * pace + random.uniform(0, pace * 0.3)) // 15) * 15
            length = max(30, int(pace * random.uniform(0.3, 0.6) // 15) * 15)
            start = datetime.combine(first, time(), UTC) + timedelta(minutes=at)
            person = 0 if n % 5 == 2 else 1 + random.randrange(PEOPLE - 1)
            yield Slot(instrument, person, start, start + timedelta(minutes=length))


def _mark(product: Equora, rows: int) -> None:
    """Give the shown instruments a kind of their own, when they are not all."""
    if rows == INSTRUMENTS or product.app is None:
        return
    shown = [key for key, _facility, _slug in product.instruments[:rows]]
    with product.app.app_context():
        with transaction() as tx:
            tx.session.execute(update(Instrument).where(Instrument.id.in_(shown)).values(kind=SHOWN_KIND))
        db.session.remove()
        db.engine.dispose()


@contextmanager
def _chromium() -> Iterator[Browser]:
    path = next((found for name in NAMES if name and (found := shutil.which(name))), None)
    if path is None:
        raise RuntimeError("no chromium on this machine")
    flags = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


def _signed_in(browser: Browser, url: str, email: str) -> Page:
    page = browser.new_page(viewport=WINDOW)  # type: ignore[arg-type]
    page.goto(f"{url}/login?next=/calendar")
    page.locator("input[name=email]").fill(email)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form:has(input[name=password]) button").first.click()
    page.wait_for_url(f"{url}/calendar")
    return page


def _load(page: Page, address: str) -> Drawn:
    answer = page.goto(address)
    if answer is None or not answer.ok:
        raise RuntimeError(f"{address}: {answer.status if answer else 'no answer'}")
    first, last = page.evaluate(PAINTED)
    return Drawn(first, last, len(answer.body()) / 1000)


def _all_rows(page: Page, rows: int) -> list[float]:
    """Ask for further groups until all rows are there; milliseconds of each."""
    found = []
    while (shown := page.locator("tr[data-row]").count()) < rows:
        began = page.evaluate("performance.now()")
        page.locator("#tl-more a[hx-get]").click()
        page.wait_for_function("n => document.querySelectorAll('tr[data-row]').length > n", arg=shown)
        found.append(page.evaluate(PAINTED)[1] - began)
    return found


def _drag(page: Page) -> list[float]:
    """Carry a bar of one's own about; milliseconds between frames meanwhile."""
    bar = page.locator("td > a.b[data-seq]").nth(3)
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    if box is None:
        raise RuntimeError("there is no bar to drag")
    x, y = box["x"] + min(box["width"] / 3, 6), box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(WATCH)
    for step in range(STEPS):
        page.mouse.move(x + 4 * (step if step < STEPS / 2 else STEPS - step), y + step % 30)
        page.wait_for_timeout(8)
    frames: list[float] = page.evaluate("window.frames_seen")
    if page.locator(".ghost").count() != 1:
        raise RuntimeError("nothing was dragged")
    page.keyboard.press("Escape")
    page.mouse.up()
    return frames[2:]


def _code_kilobytes() -> float:
    files = [*(ROOT / "static").glob("js/timeline*.js"), *(ROOT / "static").glob("css/timeline*.css")]
    return sum(len(gzip.compress(file.read_bytes())) for file in files) / 1000


def _spread(values: list[float], unit: str) -> str:
    digits: Callable[[float], str] = "{:,.0f}".format
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{digits(middle)} {unit} ({digits(low)} – {digits(high)})"
