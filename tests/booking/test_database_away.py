"""The disk is full, or the database has dropped its connections: said as such, nothing half done, then it goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, func, select, text

from booking.models import Booking
from core import clock
from core.db import db
from facilities.models import Instrument
from tests.booking.bookers import Booker, a_booker
from tests.factories import BEFORE, MONDAY, a_facility, an_instrument
from tests.support import browser


@contextmanager
def a_full_disk() -> Iterator[None]:
    """No page more for any connection, as when the disk is full."""

    def stop_growing(connection: Any) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # SQLite takes the present size if that is more

    event.listen(Engine, "engine_connect", stop_growing)
    try:
        yield
    finally:
        event.remove(Engine, "engine_connect", stop_growing)


@pytest.fixture
def scope(context: Flask) -> Instrument:
    return an_instrument(a_facility(slug="lab"), slug="scope")


@pytest.fixture
def anna(scope: Instrument) -> Booker:
    return a_booker()


def form_of(anna: Booker, hour: int) -> dict[str, str]:
    day = f"{MONDAY:%Y-%m-%d}"
    return {
        "organisation_id": str(anna.organisation.id),
        "title": "x" * 200,
        "day": day,
        "end_day": day,
        "start": f"{hour:02}:00",
        "end": f"{hour + 1:02}:00",
        "key": f"key {hour}",
    }


def how_many() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Booking)) or 0


def test_on_a_full_disk_a_booking_is_refused_whole_and_made_when_there_is_room(app: Flask, anna: Booker) -> None:
    with clock.frozen_at(BEFORE):
        person = browser(app, anna.person.id)
        db.engine.dispose()
        with a_full_disk():
            full = [person.post_form("/facilities/lab/scope", form_of(anna, hour)) for hour in range(8, 20)]
        assert {answer.status_code for answer in full} <= {303, 503}
        refused = [answer for answer in full if answer.status_code == 503]
        assert refused
        assert {answer.headers["Retry-After"] for answer in refused} == {"2"}
        assert how_many() == len(full) - len(refused)
        db.engine.dispose()
        again = [person.post_form("/facilities/lab/scope", form_of(anna, hour)) for hour in range(8, 20)]
        assert {answer.status_code for answer in again} == {303}
        assert how_many() == len(full)


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_after_the_database_has_dropped_every_connection_pages_come_back(app: Flask, anna: Booker) -> None:
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with clock.frozen_at(BEFORE):
        person = browser(app, anna.person.id)
        assert person.post_form("/facilities/lab/scope", form_of(anna, 8)).status_code == 303
        db.session.rollback()
        with db.engine.connect() as connection:
            connection.execute(text(f"{others} AND pid <> pg_backend_pid()"))
        statuses = [person.post_form("/facilities/lab/scope", form_of(anna, 9)).status_code for _ in range(3)]
        assert set(statuses) <= {303, 503}
        assert statuses[-1] == 303
        assert how_many() == 2
