"""Equora itself, as `./dev run` serves it: gunicorn with threads, SQLite beside it."""

import re
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from flask import Flask  # noqa: TC002 - for the type of an attribute
from flask_migrate import upgrade
from sqlalchemy import Engine, event, insert

from accounts.models import Membership, Organisation, Person
from accounts.passwords import hash_of
from accounts.policy import Role
from app import create_app
from benchmarks.products.data import INSTRUMENTS, PEOPLE, Workload
from benchmarks.products.product import Call, Product, Visitor
from booking.lifecycle import BookingState
from booking.models import LONG, Booking, BookingKind, CalendarKind, CalendarVersion
from core import clock
from core.config import ROOT, settings_from
from core.db import db, transaction
from facilities.models import Facility, Instrument
from facilities.policy import BookingMode

FACILITIES = 6
PASSWORD = "a bench mark's password"  # noqa: S105 - of invented people
ZONE = "Europe/Rome"
CHUNK = 5_000
CSRF = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')


class Equora(Product):
    """Rows are written straight into the migrated database, guarded by its triggers."""

    name = "Equora"

    def __init__(self, database_url: str | None = None) -> None:
        self.database_url = database_url
        self.folder = Path()
        self.app: Flask | None = None
        self.people: list[UUID] = []
        self.instruments: list[tuple[UUID, str, str]] = []
        self.organisation = uuid4()
        self.email = "person0@bench.example.org"

    def environment(self, port: int) -> dict[str, str]:
        """The settings of its installation."""
        found = {
            "INSTANCE_PATH": str(self.folder),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "PORT": str(port),
            "EQUORA_DEMO": "0",
            "BROKER_URL": "memory://",
        }
        return found | ({"DATABASE_URL": self.database_url} if self.database_url else {})

    def prepare(self, folder: Path, work: Workload) -> None:
        """Migrate and fill."""
        self.folder = folder
        self.app = create_app(settings_from(self.environment(5000)))
        with self.app.app_context():
            upgrade()
            self._people()
            self._facilities()
            self.book(work)
            db.session.remove()
            db.engine.dispose()

    def _people(self) -> None:
        hashed, now = hash_of(PASSWORD), clock.now()
        self.people = [uuid4() for _ in range(PEOPLE)]
        with transaction() as tx:
            tx.session.add(Organisation(id=self.organisation, slug="bench", name="Bench", is_member=True))
            tx.session.flush()
            tx.session.add_all(
                Person(
                    id=key,
                    email=f"person{n}@bench.example.org",
                    name=f"Person {n}",
                    password_hash=hashed,
                    language="en",
                    created_at=now,
                )
                for n, key in enumerate(self.people)
            )
            tx.session.flush()
            tx.session.add_all(
                Membership(person_id=key, organisation_id=self.organisation, role=Role.MEMBER, since=now)
                for key in self.people
            )

    def _facilities(self) -> None:
        with transaction() as tx:
            for n in range(FACILITIES):
                facility = Facility(
                    slug=f"lab-{n}",
                    organisation_id=self.organisation,
                    name_it=f"Laboratorio {n}",
                    name_en=f"Laboratory {n}",
                    description_it="",
                    description_en="",
                    city="Pavia",
                    province="PV",
                    latitude=45.2,
                    longitude=9.1,
                    timezone=ZONE,
                )
                tx.session.add(facility)
                tx.session.flush()
                for m in range(INSTRUMENTS // FACILITIES):
                    one = Instrument(
                        id=uuid4(),
                        facility_id=facility.id,
                        slug=f"scope-{m}",
                        position=m,
                        name=f"Microscope {n}.{m}",
                        kind="microscope",
                        booking_mode=BookingMode.INSTANT,
                        slot_minutes=15,
                        least_minutes=15,
                        most_minutes=1440,
                    )
                    tx.session.add(one)
                    self.instruments.append((one.id, facility.slug, one.slug))
                tx.session.add(
                    CalendarVersion(
                        kind=CalendarKind.FACILITY, subject_id=facility.id, version=1, changed_at=clock.now()
                    )
                )

    def book(self, work: Workload) -> None:
        """Store these bookings; in an application context."""
        now = clock.now()
        rows = [
            {
                "id": uuid4(),
                "uid": f"{uuid4()}@bench",
                "sequence": 0,
                "kind": BookingKind.INSTANT,
                "state": BookingState.CONFIRMED,
                "instrument_id": self.instruments[slot.instrument][0],
                "unit": 0,
                "starts_at": slot.start,
                "ends_at": slot.end,
                "held_from": slot.start,
                "held_until": slot.end,
                "is_long": slot.end - slot.start > LONG,
                "title": "Measured",
                "is_confidential": False,
                "is_assisted": False,
                "person_id": self.people[slot.person],
                "organisation_id": self.organisation,
                "created_at": now,
                "changed_at": now,
            }
            for slot in work.slots
        ]
        for first in range(0, len(rows), CHUNK):
            with transaction() as tx:
                tx.session.execute(insert(Booking), rows[first : first + CHUNK])

    def command(self, port: int, workers: int) -> tuple[list[str], dict[str, str], Path]:
        """Gunicorn with our own configuration."""
        gunicorn = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "app:create_app()"]
        return gunicorn, {**self.environment(port), "WEB_WORKERS": str(workers), "PYTHONPATH": str(ROOT)}, self.folder

    def sign_in(self, visitor: Visitor) -> None:
        """By the form, as everybody does."""
        fields = {"email": self.email, "password": PASSWORD, "csrf_token": _token(visitor, "/login")}
        visitor.send(Call("/login", fields, expect=(302, 303)))

    def calls(self, visitor: Visitor, work: Workload) -> dict[str, Call]:
        """The pages and answers that people and programs ask for most."""
        week = f"from={work.week}T00:00:00Z&to={work.until}T00:00:00Z"
        one, everything = (
            f"/api/v1/instruments/{self.instruments[0][0]}/availability?{week}",
            f"/api/v1/availability?{week}",
        )
        found = {
            "one": Call(one),
            "all": Call(everything),
            "mine": Call("/bookings"),
            "catalogue": Call("/facilities"),
        }
        for name in ("one", "all"):
            tag = visitor.send(found[name])[2]["ETag"]
            found[f"{name}, 304"] = Call(found[name].path, headers={"If-None-Match": tag}, expect=(304,))
        return found

    def create(self, visitor: Visitor, work: Workload, n: int) -> Call:
        """The booking form of one instrument after the other."""
        _, facility, slug = self.instruments[n % INSTRUMENTS]
        path = f"/facilities/{facility}/{slug}"
        if n == 0 or "token" not in self.__dict__:
            self.token = _token(visitor, path)
        start = work.free_from + timedelta(days=n // INSTRUMENTS // 8, hours=n // INSTRUMENTS % 8)
        day = f"{start:%Y-%m-%d}"
        fields = {
            "csrf_token": self.token,
            "organisation_id": str(self.organisation),
            "title": "Measured",
            "day": day,
            "end_day": day,
            "start": f"{start.hour + 2:02}:00",
            "end": f"{start.hour + 2:02}:45",
            "key": f"bench-{n}",
        }
        return Call(path, fields, expect=(302, 303))

    def statements(self, call: Call) -> int | None:
        """Counted in a process of our own, as the signed-in person."""
        assert self.app is not None  # noqa: S101 - prepared before
        client, sent = self.app.test_client(), []
        page = client.get("/login", base_url="http://127.0.0.1").data
        fields = {"email": self.email, "password": PASSWORD, "csrf_token": _found(page)}
        client.post("/login", data=fields, base_url="http://127.0.0.1")

        def count(*_arguments: object) -> None:
            sent.append(1)

        event.listen(Engine, "before_cursor_execute", count)
        try:
            answer = client.get(call.path, headers=call.headers, base_url="http://127.0.0.1")
        finally:
            event.remove(Engine, "before_cursor_execute", count)
        if answer.status_code not in call.expect:
            raise RuntimeError(f"{call.path}: {answer.status_code}")
        return len(sent)


def _token(visitor: Visitor, path: str) -> str:
    return _found(visitor.send(Call(path))[1])


def _found(page: bytes) -> str:
    match = CSRF.search(page)
    if match is None:
        raise RuntimeError("the page has no form")
    return match[1].decode()
