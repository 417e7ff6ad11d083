"""A calendar program asks for a feed that has not changed: the whole text beside `304 Not Modified`."""

from datetime import timedelta
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from accounts.models import Person
from accounts.queries import actor_of
from benchmarks.comparison import Table, alternate
from benchmarks.installation import demo_installation
from booking import demo
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, CalendarKind
from calendars import services
from calendars.policy import Detail
from core import clock
from core.db import db, transaction
from facilities.models import Facility, Instrument

BOOKINGS = 1_000
RUNS = 30
MANAGER = "marco.manager@example.org"


def run() -> Table:
    """Subscribe to a busy facility, then fetch with and without the ETag."""
    with demo_installation() as app:
        facility = db.session.scalars(select(Facility).where(Facility.slug == demo.FACILITY)).one().id
        _fill(facility)
        path = f"/calendars/feeds/{_subscribe(facility)}.ics"
        etag, size = _first(app, path)
        client = app.test_client()
        pairs = alternate(lambda: client.get(path), lambda: client.get(path, headers={"If-None-Match": etag}), RUNS)
    full, unchanged = pairs.medians
    return Table(
        "Feed of a facility",
        ("answer", "median ms", "bytes"),
        (("whole text", f"{full * 1000:.1f}", str(size)), ("304", f"{unchanged * 1000:.1f}", "0")),
        (
            f"{BOOKINGS} bookings, {RUNS} pairs, without the network. Unchanged is faster by {pairs.describe()}.",
            "Times are of one machine; the ratio is what counts.",
        ),
    )


def _fill(facility: UUID) -> None:
    """Book one instrument every second hour from tomorrow on."""
    tomorrow = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    with transaction() as tx:
        used = select(Booking.instrument_id)
        free = select(Instrument).where(Instrument.facility_id == facility, Instrument.id.not_in(used))
        instrument = tx.session.scalars(free.order_by(Instrument.slug)).first()
        if instrument is None:
            raise RuntimeError("the demo leaves no instrument of the facility free")
        starts = [tomorrow + timedelta(hours=2 * n) for n in range(BOOKINGS)]
        tx.session.add_all(
            Booking(
                uid=f"bench-{n}@localhost",
                kind=BookingKind.INSTANT,
                state=BookingState.CONFIRMED,
                instrument_id=instrument.id,
                starts_at=start,
                ends_at=start + timedelta(hours=1),
                title=f"Measurement {n}",
                created_at=tomorrow,
                changed_at=tomorrow,
            )
            for n, start in enumerate(starts)
        )


def _subscribe(facility: UUID) -> str:
    person = db.session.scalars(select(Person).where(Person.email == MANAGER)).one()
    actor = actor_of(db.session(), person.id)
    return services.subscribe(CalendarKind.FACILITY, facility, Detail.FULL, "en", "bench", actor, clock.now())


def _first(app: Flask, path: str) -> tuple[str, int]:
    answer = app.test_client().get(path)
    events = answer.text.count("BEGIN:VEVENT")
    again = app.test_client().get(path, headers={"If-None-Match": answer.headers["ETag"]})
    if (answer.status_code, again.status_code) != (200, 304) or events < BOOKINGS:
        raise RuntimeError(f"the feed answered {answer.status} with {events} events, then {again.status}")
    return answer.headers["ETag"], len(answer.data)
