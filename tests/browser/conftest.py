"""A real chromium before a really served product: gunicorn and a worker on a copy of a furnished demo installation."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from core.config import ROOT

AXE = next((Path(__file__).parent / "vendor").glob("axe-core@*/axe.min.js"))
NAMES = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in NAMES if name and (found := shutil.which(name))), None)
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_SECONDS = 60
PASSWORD = "equora-demo"
DESKTOP, PHONE = (1280, 900), (360, 740)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser; the tests of one file share one served product, so they stay on one worker."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@dataclass(frozen=True)
class Site:
    """A running product: its address and its installation."""

    url: str
    instance: Path


@dataclass
class Visit:
    """One browser window that notes everything a user should never meet."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open a path of the site."""
        self.page.goto(self.url + path)
        return self.page

    def sign_in(self, email: str, path: str = "/") -> Page:
        """Sign in through the login page and go on to a path."""
        self.go(f"/login?next={path}")
        self.page.locator("input[name=email]").fill(email)
        self.page.locator("input[name=password]").fill(PASSWORD)
        self.page.locator(
            "form:has(input[name=password]) [type=submit], form:has(input[name=password]) button"
        ).first.click()
        self.page.wait_for_url(self.url + path)
        return self.page

    def broken_rules(self) -> list[str]:
        """What axe-core finds on the page as it is now, a line each."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        result: dict[str, Any] = self.page.evaluate(
            "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS
        )
        return [f"{v['id']}: {v['nodes'][0]['html'][:160]} ({len(v['nodes'])}×)" for v in result["violations"]]

    def is_wider_than_its_window(self) -> bool:
        """Whether the page scrolls sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def _environment(instance: Path, port: int) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "BROKER_URL", "SMTP_URL")},
        "INSTANCE_PATH": str(instance),
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WEB_WORKERS": "1",
    }


def _flask(instance: Path, port: int, *arguments: str) -> str:
    command = [sys.executable, "-m", "flask", "--app", "app", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=_environment(instance, port), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with the demo data, made once for all workers of a test run."""
    shared = tmp_path_factory.getbasetemp().parent
    folder = shared / "furnished"
    with (shared / "furnished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            _flask(folder, 5000, "setup")
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="module")
def site(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The product served from a fresh copy of the furnished installation, for the tests of one file."""
    instance = tmp_path_factory.mktemp("site") / "instance"
    shutil.copytree(furnished, instance)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    environment = _environment(instance, port)
    log = (instance / "server.log").open("wb")
    commands = (
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app:create_app()"],
        [sys.executable, "-m", "flask", "--app", "app", "worker"],
    )
    processes = [
        subprocess.Popen(c, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True) for c in commands
    ]
    try:
        _until_it_answers(f"http://127.0.0.1:{port}/healthz", processes, instance / "server.log")
        yield Site(f"http://127.0.0.1:{port}", instance)
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        log.close()


def _until_it_answers(url: str, processes: list[subprocess.Popen[bytes]], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert all(process.poll() is None for process in processes), log.read_text(errors="replace")
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own server
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"the server did not answer within {START_SECONDS} s: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's own chromium."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (Debian: apt install chromium)")
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, site: Site) -> Iterator[Callable[..., Visit]]:
    """Opens windows: `visit(size=PHONE, language="en", dark=True)`. At the end none may have met a fault."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def open_window(
        size: tuple[int, int] = DESKTOP, language: str = "it", *, dark: bool = False, script: bool = True
    ) -> Visit:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale={"it": "it-IT", "en": "en-GB"}[language],
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            has_touch=size == PHONE,
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        window = Visit(context.new_page(), site.url)
        visits.append(window)
        window.page.on("console", lambda message: _note_console(window, message))
        window.page.on("pageerror", lambda error: window.faults.append(f"script error: {error}"))
        window.page.on("request", lambda request: _note_request(window, request))
        return window

    yield open_window
    faults = [fault for window in visits for fault in window.faults]
    for context in contexts:
        context.close()
    assert not faults


def _note_console(window: Visit, message: ConsoleMessage) -> None:
    if message.type in ("error", "warning"):
        window.faults.append(f"console {message.type}: {message.text}")


def _note_request(window: Visit, request: Request) -> None:
    if not request.url.startswith(("data:", "blob:")) and urlsplit(request.url).netloc != urlsplit(window.url).netloc:
        window.faults.append(f"outside request: {request.url}")


@pytest.fixture(scope="module")
def demo(site: Site) -> dict[str, Any]:
    """What `./dev demo` prints of this site."""
    port = urlsplit(site.url).port
    assert port is not None
    facts: dict[str, Any] = json.loads(_flask(site.instance, port, "demo", "json"))
    return facts
