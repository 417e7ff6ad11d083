"""Ten wait for two freed stretches, and everybody offers, accepts and declines at the same moment."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text

from accounts.policy import SYSTEM
from accounts.queries import actor_of
from booking.lifecycle import BookingState
from booking.models import Booking, Waiting, WaitState
from booking.queries import waitlist as queries
from booking.services import ledger, waitlist
from booking.services.waitlist.offering import first_admitted
from core.db import Tx, db, transaction
from core.errors import Busy
from facilities.models import Instrument
from tests.booking.bookers import HOUR, NINE, a_booker
from tests.booking.waiters import waits
from tests.factories import BEFORE, actor, an_instrument
from tests.support import on_both_databases

pytestmark = on_both_databases
PEOPLE, PATIENCE = 10, 60.0
OVERLAPS = """
    SELECT count(*) FROM bookings a JOIN bookings b ON a.id < b.id
    WHERE a.state IN ('tentative', 'confirmed') AND b.state IN ('tentative', 'confirmed')
    AND a.instrument_id = b.instrument_id AND a.unit = b.unit
    AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at"""


@pytest.fixture
def scope_id(context: Flask) -> UUID:
    """Four hours are taken, ten people wait for two of them each, and all becomes free."""
    scope, holder = an_instrument(), a_booker()
    taken = [holder.book(scope, NINE + 2 * n * HOUR) for n in range(2)]
    for who in [a_booker() for _ in range(PEOPLE)]:
        waits(who, scope, end=NINE + 4 * HOUR)
    for booking_id in taken:
        ledger.cancel(booking_id, actor(holder.person), BEFORE)
    scope_id = scope.id
    db.session.rollback()
    return scope_id


def everybody(app: Flask, act: Callable[[UUID, Barrier], None]) -> None:
    """Each who waits acts in a thread with a connection of their own, all let go at once; a fault fails the test."""
    places = list(db.session.scalars(select(Waiting.id).order_by(Waiting.created_at, Waiting.id)))
    db.session.rollback()
    start = Barrier(len(places))

    def run(place_id: UUID) -> None:
        with app.app_context():
            start.wait(PATIENCE)
            act(place_id, start)
            db.session.remove()

    with ThreadPoolExecutor(len(places)) as pool:
        for done in [pool.submit(run, place_id) for place_id in places]:
            done.result(PATIENCE)
    db.session.rollback()


def patiently(act: Callable[[], object]) -> None:
    """Again when the database is busy, as a worker would."""
    for _ in range(20):
        try:
            act()
        except Busy:
            continue
        return
    pytest.fail("always busy")


def overlaps() -> int:
    return int(db.session.execute(text(OVERLAPS)).scalar_one())


def bookings(*states: BookingState) -> list[Booking]:
    return list(db.session.scalars(select(Booking).where(Booking.state.in_(states)).order_by(Booking.starts_at)))


def test_all_who_look_at_once_offer_each_stretch_to_one_person(context: Flask, scope_id: UUID) -> None:
    everybody(context, lambda _place, _start: patiently(lambda: waitlist.offer_freed(scope_id, BEFORE)))
    offers = bookings(BookingState.TENTATIVE)
    assert [row.starts_at for row in offers] == [NINE, NINE + 2 * HOUR]
    assert len({row.person_id for row in offers}) == 2
    assert overlaps() == 0


def test_offering_accepting_and_declining_at_once_gives_each_stretch_to_one_person(
    context: Flask, scope_id: UUID
) -> None:
    def act(place_id: UUID, _start: Barrier) -> None:
        for _ in range(6):
            patiently(lambda: waitlist.offer_freed(scope_id, BEFORE))
            db.session.rollback()
            row = db.session.scalars(queries.place(place_id)).one()
            if row.state is WaitState.OFFERED and row.booking_id is not None:
                held, who = row.booking_id, actor_of(db.session(), row.person_id)
                answer = waitlist.accept if place_id.int % 2 or row.declined else waitlist.decline
                patiently(lambda held=held, who=who, answer=answer: answer(place_id, held, who, BEFORE))  # type: ignore[misc]

    everybody(context, act)
    waitlist.lapse(BEFORE)
    assert overlaps() == 0
    asked = Counter((row.person_id, row.starts_at) for row in db.session.scalars(select(Booking)))
    assert set(asked.values()) == {1}, "nobody is asked twice about the same start"
    booked = {row.id for row in bookings(BookingState.CONFIRMED)}
    kept = db.session.scalars(select(Waiting.booking_id).where(Waiting.state == WaitState.BOOKED)).all()
    assert set(kept) == booked
    assert len(bookings(BookingState.CONFIRMED, BookingState.TENTATIVE)) == 2, "no stretch is left while many wait"


def test_control_without_lock_and_guard_two_people_are_offered_the_same_time(context: Flask, scope_id: UUID) -> None:
    _drop_the_guard()

    def act(place_id: UUID, start: Barrier) -> None:
        row = db.session.scalars(queries.place(place_id)).one()
        claim = first_admitted(Tx(db.session()), row.instrument, row, BEFORE)
        assert claim is not None
        db.session.rollback()
        start.wait(PATIENCE)
        with transaction() as tx:
            ledger.hold(tx, tx.one(select(Instrument)), claim, SYSTEM, BEFORE)

    everybody(context, act)
    assert overlaps() > 0


def _drop_the_guard() -> None:
    if db.engine.dialect.name == "postgresql":
        drops = [f"ALTER TABLE bookings DROP CONSTRAINT {one}" for one in ("bookings_no_overlap", "bookings_exclusive")]
    else:
        drops = [f"DROP TRIGGER bookings_no_overlap_{event}" for event in ("insert", "update")]
    with transaction() as tx:
        for drop in drops:
            tx.session.execute(text(drop))
