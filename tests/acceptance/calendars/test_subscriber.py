"""A real subscriber: vdirsyncer fetches a feed over HTTP from a running server, khal shows what it got."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from accounts.models import Person
from booking.models import Booking
from booking.services import ledger
from calendars import services
from calendars.models import Subscription
from core import clock
from core.config import ROOT
from core.db import db
from facilities.models import Instrument
from tests.calendars.factories import a_feed
from tests.factories import a_facility, a_member, actor, an_instrument, an_organisation

ROME = ZoneInfo("Europe/Rome")
CLIENTS = ROOT / ".venv-clients" / "bin"
pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(
        not (CLIENTS / "vdirsyncer").exists() or not (CLIENTS / "khal").exists(),
        reason="vdirsyncer and khal are not there: `./dev test` installs them into .venv-clients",
    ),
]
VDIRSYNCER = """
[general]
status_path = "{folder}/status/"
[pair equora]
a = "remote"
b = "local"
collections = null
conflict_resolution = "a wins"
[storage remote]
type = "http"
url = "{url}"
[storage local]
type = "filesystem"
path = "{folder}/calendar/"
fileext = ".ics"
"""
KHAL = """
[calendars]
[[equora]]
path = {folder}/calendar/
type = calendar
readonly = True
[locale]
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
local_timezone = Europe/Rome
default_timezone = Europe/Rome
[sqlite]
path = {folder}/khal.db
"""
FORMAT = "{title} | {start-long} | {end-long} | {status}"  # no {uid}: vdirsyncer gives what it fetches UIDs of its own


@dataclass(frozen=True)
class Subscriber:
    """A person's own computer: a folder with a calendar in it."""

    folder: Path

    def sync(self) -> "subprocess.CompletedProcess[str]":
        """Fetch the feed as a cron job would."""
        return self._run("vdirsyncer", "-c", f"{self.folder}/vdirsyncer.ini", "sync")

    def shown(self) -> list[list[str]]:
        """The events of the next ten weeks as khal lists them: title, start, end, status."""
        form = ("--day-format", "", "--format", FORMAT)
        listed = self._run("khal", "-c", f"{self.folder}/khal.ini", "list", *form, "today", "70d")
        assert listed.returncode == 0, listed.stderr
        return [[part.strip() for part in line.split("|")] for line in listed.stdout.splitlines() if "|" in line]

    def _run(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        here = {"HOME": str(self.folder), "XDG_CACHE_HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)}
        return subprocess.run(
            [CLIENTS / program, *arguments],
            env={**os.environ, **here, "TZ": "Europe/Rome", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def server(app: Flask) -> Iterator[str]:
    """The product on a free port of loopback, answering over real HTTP."""
    running = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def subscriber(server: str, tmp_path: Path) -> Callable[[str], Subscriber]:
    """Sets up a computer that subscribes to a path."""

    def subscribing(path: str) -> Subscriber:
        for name, text in (("vdirsyncer", VDIRSYNCER), ("khal", KHAL)):
            config = text.format(folder=tmp_path, url=server + path)
            (tmp_path / f"{name}.ini").write_text(config, encoding="utf-8")
        (tmp_path / "calendar").mkdir()
        made = Subscriber(tmp_path)
        discovered = made._run("vdirsyncer", "-c", f"{tmp_path}/vdirsyncer.ini", "discover")
        assert discovered.returncode == 0, discovered.stderr
        return made

    return subscribing


def at(day: date, hour: int) -> datetime:
    """An hour of a day in Rome."""
    return datetime.combine(day, time(hour), ROME).astimezone(UTC)


def book(person: Person, instrument: Instrument, start: datetime, title: str) -> Booking:
    """Two hours held by the product's own verb."""
    who = actor(person)
    organisation_id = next(iter(who.memberships))
    end = start + timedelta(hours=2)
    return db.session.get_one(
        Booking, ledger.book(instrument.id, organisation_id, start, end, title, who, clock.now(), title)
    )


@pytest.mark.usefixtures("context")
def test_a_calendar_program_follows_bookings_from_the_first_sync_to_the_revocation(
    subscriber: Callable[[str], Subscriber],
) -> None:
    today = clock.now().astimezone(ROME).date()
    days = [today + timedelta(days=n) for n in (20, 21, 22)]
    other_day = today + timedelta(days=27)
    person = a_member(an_organisation())
    orbitrap = an_instrument(a_facility(), name="Orbitrap")
    titles = ("Perché, no; \\ 😀", "A second one", "A third one")
    bookings = [book(person, orbitrap, at(day, 9), title) for title, day in zip(titles, days, strict=True)]
    computer = subscriber(a_feed(person))

    first = computer.sync()
    assert first.returncode == 0, first.stderr
    assert computer.shown() == [
        [f"{title} · Orbitrap", f"{day} 09:00", f"{day} 11:00", "CONFIRMED"]
        for title, day in zip(titles, days, strict=True)
    ]

    quiet = computer.sync()
    assert quiet.returncode == 0, quiet.stderr
    assert "Copying" not in quiet.stderr + quiet.stdout

    moved, cancelled = bookings[0], bookings[1]
    ledger.move(moved.id, at(other_day, 12), at(other_day, 14), moved.sequence, actor(person), clock.now())
    ledger.cancel(cancelled.id, actor(person), clock.now())
    assert computer.sync().returncode == 0
    seen = [
        ["Cancelled: A second one · Orbitrap", f"{days[1]} 09:00", f"{days[1]} 11:00", "CANCELLED"],
        ["A third one · Orbitrap", f"{days[2]} 09:00", f"{days[2]} 11:00", "CONFIRMED"],
        [f"{titles[0]} · Orbitrap", f"{other_day} 12:00", f"{other_day} 14:00", "CONFIRMED"],
    ]
    assert computer.shown() == seen

    services.revoke(db.session.scalars(select(Subscription.id)).one(), actor(person), clock.now())
    refused = computer.sync()
    assert refused.returncode != 0
    assert "NOT FOUND" in refused.stderr
    assert computer.shown() == seen, "what the program has stays; it only gets nothing new"
