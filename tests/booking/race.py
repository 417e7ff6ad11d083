"""A race for time slots: real processes, each with its own copy of the application and its own connection to the
database, let go at the same moment.

Run as `python -m tests.booking.race` with a Race as JSON on standard input; the outcomes come as JSON. The application
is made once and then the contenders are forked, as gunicorn does with its workers; nothing is connected before that.
"""

import json
import multiprocessing
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import configure_mappers

from accounts.policy import Actor
from accounts.queries import actor_of
from app import create_app
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind
from booking.queries import ledger as queries
from booking.recurrence import Pattern, Weekly
from booking.services import ledger
from booking.services.ledger.quotas import check_quotas
from booking.services.series import SeriesWish, book_series
from core.db import Tx, db, transaction
from core.errors import Conflict, Refusal
from core.intervals import Interval
from tests.conftest import settings_for

HOUR = timedelta(hours=1)
PATIENCE = 120.0
TRIES = 8


@dataclass(frozen=True)
class Race:
    """Who races for what. Ids and instants are texts, because a race travels as JSON."""

    database_url: str
    folder: str
    conduct: str
    contenders: list[tuple[str, str]]
    managers: list[str]
    instruments: list[str]
    first_slot: str
    slots: int
    now: str

    @property
    def moment(self) -> datetime:
        """The present of all contenders."""
        return datetime.fromisoformat(self.now)

    def slot(self, number: int) -> Interval:
        """The hour with this number."""
        start = datetime.fromisoformat(self.first_slot) + number * HOUR
        return Interval(start, start + HOUR)


@dataclass(frozen=True)
class Outcome:
    """What one contender was told: the verb, the slot, and the booking's id or the refusal's code."""

    verb: str
    slot: int
    booking: str = ""
    refusal: str = ""
    status: int = 0


@dataclass(frozen=True)
class Contender:
    """One process in the race; a manager has no organisation."""

    race: Race
    number: int
    actor: Actor
    organisation: UUID | None
    start: Barrier
    chance: random.Random

    def tries(self, verb: str, slot: int, act: Callable[[], UUID]) -> Outcome:
        """Do something and note what came of it; anything but a refusal ends the race as a failure."""
        try:
            return Outcome(verb, slot, booking=str(act()))
        except Refusal as refusal:
            return Outcome(verb, slot, refusal=refusal.code, status=refusal.status)

    def book(self, slot: int, key: str = "") -> Outcome:
        """Book by the service."""
        instrument = UUID(self.chance.choice(self.race.instruments))
        time = self.race.slot(slot)

        def act() -> UUID:
            return ledger.book(
                instrument, self.organisation, time.start, time.end, "", self.actor, self.race.moment, key
            )

        return self.tries("book", slot, act)

    def cancel(self, made: Outcome) -> Outcome:
        """Give back."""

        def act() -> UUID:
            ledger.cancel(UUID(made.booking), self.actor, self.race.moment)
            return UUID(made.booking)

        return self.tries("cancel", made.slot, act)

    def move(self, made: Outcome, slot: int) -> Outcome:
        """Put elsewhere, on any of the instruments."""
        instrument, time = UUID(self.chance.choice(self.race.instruments)), self.race.slot(slot)

        def act() -> UUID:
            db.session.rollback()
            sequence = db.session.get_one(Booking, UUID(made.booking)).sequence
            now = self.race.moment
            ledger.move(UUID(made.booking), time.start, time.end, sequence, self.actor, now, instrument)
            return UUID(made.booking)

        return self.tries("move", slot, act)

    def hold_several(self, slots: list[int]) -> Iterator[Outcome]:
        """Hold several slots in one transaction, as publishing a plan does: all of them or none."""
        ids = [UUID(one) for one in self.race.instruments]
        made: list[UUID] = []
        try:
            with transaction() as tx:
                instruments = ledger.lock_instruments(tx, ids)
                for slot in slots:
                    claim = ledger.Claim(BookingKind.ROUND, BookingState.CONFIRMED, self.race.slot(slot), unit=0)
                    beam = instruments[ids[slot % len(ids)]]
                    made.append(ledger.hold(tx, beam, claim, self.actor, self.race.moment).id)
        except Refusal as refusal:
            yield Outcome("publish", slots[0], refusal=refusal.code, status=refusal.status)
            return
        for slot, booking in zip(slots, made, strict=True):
            yield Outcome("publish", slot, booking=str(booking))


# --- conducts ---------------------------------------------------------------------------------------------


def book_everything(me: Contender) -> Iterator[Outcome]:
    """Try some slots, in an order of one's own."""
    for slot in me.chance.sample(range(me.race.slots), TRIES):
        yield me.book(slot)


def mix(me: Contender) -> Iterator[Outcome]:
    """Members book, cancel and move; managers approve what they find and publish, also into slots of their own."""
    for slot in me.chance.sample(range(me.race.slots), TRIES // 2):
        yield from _manage(me, slot) if me.organisation is None else _use(me, slot)


def _use(me: Contender, slot: int) -> Iterator[Outcome]:
    made = me.book(slot)
    yield made
    if made.booking and me.chance.random() < 0.4:
        yield me.cancel(made)
    elif made.booking:
        yield me.move(made, (slot + 1) % me.race.slots)


def _manage(me: Contender, slot: int) -> Iterator[Outcome]:
    db.session.rollback()
    waiting = db.session.scalars(select(Booking.id).where(Booking.state == BookingState.TENTATIVE).limit(3)).all()
    for booking_id in waiting:
        yield me.tries("approve", slot, lambda booking_id=booking_id: _approve(me, booking_id))  # type: ignore[misc]
    yield from me.hold_several([slot, (slot + 1) % me.race.slots])
    yield from me.hold_several([me.race.slots + me.number % 4, me.race.slots + 4])


def _approve(me: Contender, booking_id: UUID) -> UUID:
    ledger.approve(booking_id, me.actor, me.race.moment)
    return booking_id


def submit_the_same_form(me: Contender) -> Iterator[Outcome]:
    """The same create with the same key, by everybody."""
    yield me.book(0, key="one form")


def look_then_write(me: Contender) -> Iterator[Outcome]:
    """Check first and insert afterwards, without a lock: everybody has looked before anybody writes."""
    for slot in range(me.race.slots):
        yield me.tries("book", slot, lambda slot=slot: _carelessly(me, slot))  # type: ignore[misc]


def _carelessly(me: Contender, slot: int) -> UUID:
    time = me.race.slot(slot)
    db.session.rollback()
    instrument = db.session.scalars(queries.instrument(UUID(me.race.instruments[0]))).one()
    looked = db.session.scalars(queries.held_on(instrument, time)).all()
    me.start.wait(PATIENCE)
    if looked:
        raise Conflict(code="taken")
    claim = ledger.Claim(BookingKind.INSTANT, BookingState.CONFIRMED, time, unit=0, person_id=me.actor.person_id)
    with transaction() as tx:
        return ledger.hold(tx, tx.one(queries.instrument(instrument.id)), claim, me.actor, me.race.moment).id


def count_then_write(me: Contender) -> Iterator[Outcome]:
    """Everybody on another instrument: count what the quotas allow, and insert afterwards without their locks."""
    yield me.tries("book", me.number, lambda: _without_quota_locks(me))


def _without_quota_locks(me: Contender) -> UUID:
    time = me.race.slot(me.number)
    instrument_id = UUID(me.race.instruments[me.number % len(me.race.instruments)])
    assert me.actor.person_id is not None
    assert me.organisation is not None
    people = (me.actor.person_id, me.organisation)
    db.session.rollback()
    instrument = db.session.scalars(queries.instrument(instrument_id)).one()
    check_quotas(Tx(db.session()), instrument, *people, time, (), me.race.moment)
    db.session.rollback()
    me.start.wait(PATIENCE)
    claim = ledger.Claim(
        BookingKind.INSTANT, BookingState.CONFIRMED, time, unit=0, person_id=people[0], organisation_id=people[1]
    )
    with transaction() as tx:
        return ledger.hold(tx, tx.one(queries.instrument(instrument_id)), claim, me.actor, me.race.moment).id


def book_a_series(me: Contender) -> Iterator[Outcome]:
    """Book five days in a row, every second contender one day later: all of them or none."""
    first = (me.race.slot(0).start + timedelta(days=me.number % 2)).date()
    pattern = Pattern(Weekly(1, frozenset(range(7))), first, start=540, end=600, count=5)
    instrument = UUID(me.chance.choice(me.race.instruments))
    wish = SeriesWish(pattern, instrument, me.organisation)
    yield me.tries("book_series", 0, lambda: book_series(wish, me.actor, me.race.moment, ""))


def ask_for_help(me: Contender) -> Iterator[Outcome]:
    """Book with somebody's help, each on an instrument of their own."""
    time, instrument = me.race.slot(0), UUID(me.race.instruments[me.number])
    order = ledger.Order((instrument,), me.organisation, time.start, time.end, is_assisted=True)
    yield me.tries("book", 0, lambda: ledger.book_together(order, me.actor, me.race.moment, ""))


def look_for_help_then_write(me: Contender) -> Iterator[Outcome]:
    """The same in two transactions: everybody has looked for a helper before anybody writes."""

    def act() -> UUID:
        assert me.actor.person_id is not None
        assert me.organisation is not None
        wish = ledger.Wish(me.race.slot(0), me.actor.person_id, me.organisation, is_assisted=True)
        instrument_id = UUID(me.race.instruments[me.number])
        with transaction() as tx:
            instrument = ledger.lock_instruments(tx, [instrument_id])[instrument_id]
            claim = ledger.admit(tx, instrument, wish, me.actor, me.race.moment)
        me.start.wait(PATIENCE)
        with transaction() as tx:
            instrument = ledger.lock_instruments(tx, [instrument_id])[instrument_id]
            return ledger.hold(tx, instrument, claim, me.actor, me.race.moment).id

    yield me.tries("book", 0, act)


CONDUCTS = {
    conduct.__name__: conduct
    for conduct in (
        book_everything,
        mix,
        submit_the_same_form,
        look_then_write,
        count_then_write,
        book_a_series,
        ask_for_help,
        look_for_help_then_write,
    )
}


# --- the race ---------------------------------------------------------------------------------------------


def contend(application: Flask, race: Race, number: int, start: Barrier, results: Connection) -> None:
    """One process: get ready, wait for all others, race, report."""
    members = len(race.contenders)
    person, organisation = race.contenders[number] if number < members else (race.managers[number - members], "")
    with application.app_context():
        actor = actor_of(db.session(), UUID(person))
        me = Contender(race, number, actor, UUID(organisation) if organisation else None, start, random.Random(number))
        start.wait(PATIENCE)
        results.send([asdict(outcome) for outcome in CONDUCTS[race.conduct](me)])
        db.session.remove()
        db.engine.dispose()


def run(race: Race) -> list[dict[str, Any]]:
    """Let all contenders go at once and gather what they were told; a contender that breaks fails the race."""
    application = create_app(settings_for(race.database_url, Path(race.folder)))
    configure_mappers()
    fork = multiprocessing.get_context("fork")
    size = len(race.contenders) + len(race.managers)
    start = fork.Barrier(size)
    pipes = [fork.Pipe(duplex=False) for _ in range(size)]
    runners = [fork.Process(target=contend, args=(application, race, n, start, pipes[n][1])) for n in range(size)]
    for runner in runners:
        runner.start()
    for _, ours in pipes:
        ours.close()
    outcomes = [outcome for theirs, _ in pipes for outcome in _received(theirs)]
    for runner in runners:
        runner.join(PATIENCE)
    if any(runner.exitcode != 0 for runner in runners):
        raise SystemExit("a contender broke")
    return outcomes


def _received(theirs: Connection) -> list[dict[str, Any]]:
    try:
        return list(theirs.recv())
    except EOFError:
        return []


if __name__ == "__main__":
    json.dump(run(Race(**json.load(sys.stdin))), sys.stdout)
