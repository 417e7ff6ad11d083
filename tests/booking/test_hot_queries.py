"""What people ask for most: every statement on the ledger is served by an index, and their number does not grow."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, text

from accounts.models import Post
from accounts.policy import Role
from core.db import db
from facilities.models import Instrument
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, Booker
from tests.factories import BEFORE, a_booking, a_facility, a_member, an_instrument, an_organisation, stored
from tests.support import Browser, browser

PAGES = (
    "/",
    "/bookings",
    "/bookings?show=past",
    "/bookings?show=cancelled",
    "/calendar?day=2027-01-04",
    "/calendar?view=month&day=2027-01-04",
    "/find?hours=2&from=2027-01-04&to=2027-01-08",
    "/facilities",
    "/facilities/lab/scope?week=2027-01-04",
    "/at/lab/scope",
    "/waitlist",
    "/inbox",
    "/organisations/institute/use",
    "/api/v1/availability?from=2027-01-04T00:00:00Z&to=2027-01-11T00:00:00Z",
    "/api/v1/facilities/lab/instruments/scope/availability?from=2027-01-04T00:00:00Z&to=2027-01-11T00:00:00Z",
)
MANY = 40


@contextmanager
def selects() -> Iterator[list[tuple[str, Any]]]:
    """Each SELECT that is sent meanwhile, with its parameters."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
def scope(context: Flask) -> Instrument:
    facility = a_facility(slug="lab")
    return an_instrument(facility, slug="scope", booking_mode=BookingMode.APPROVAL)


@pytest.fixture
def booker(scope: Instrument) -> Booker:
    """Somebody who is a member, a delegate and a manager: every page has something to show."""
    organisation = an_organisation(slug="institute")
    person = a_member(organisation, Role.DELEGATE)
    stored(Post(person_id=person.id, facility_id=scope.facility_id, role=Role.MANAGER, since=BEFORE))
    return Booker(person, organisation)


@pytest.fixture
def reader(app: Flask, booker: Booker) -> Browser:
    return browser(app, booker.person.id)


def booked(scope: Instrument, booker: Booker, days: range) -> None:
    for day in days:
        who = {"person_id": booker.person.id, "organisation_id": booker.organisation.id}
        a_booking(scope, starts_at=NINE + timedelta(days=day), ends_at=NINE + timedelta(days=day) + HOUR, **who)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_reads_the_whole_ledger(scope: Instrument, booker: Booker, reader: Browser, page: str) -> None:
    booked(scope, booker, range(3))
    with selects() as sent:
        assert reader.get(page).status_code == 200
    raw = db.session.connection().connection.driver_connection
    assert raw is not None
    scans = [
        (step[3], statement)
        for statement, parameters in sent
        if " bookings" in statement
        for step in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        if step[3].startswith("SCAN bookings")
    ]
    assert scans == []


def test_the_look_for_scans_sees_one(context: Flask) -> None:
    plan = db.session.execute(text("EXPLAIN QUERY PLAN SELECT * FROM bookings WHERE title = 'x'")).fetchall()
    assert plan[0][3].startswith("SCAN bookings")


@pytest.mark.parametrize("page", PAGES)
def test_the_number_of_statements_does_not_grow_with_the_bookings(
    scope: Instrument, booker: Booker, reader: Browser, page: str
) -> None:
    booked(scope, booker, range(2))
    reader.get(page)
    with selects() as few:
        reader.get(page)
    booked(scope, booker, range(2, MANY))
    with selects() as many:
        assert reader.get(page).status_code == 200
    assert len(many) <= len(few), [statement for statement, _ in many]
