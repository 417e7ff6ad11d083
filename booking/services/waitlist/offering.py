"""Offering what has become free: one person at a time, in fair order, by a row of the ledger that holds the time."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from accounts import queries as accounts
from accounts.policy import SYSTEM, Actor
from booking.lifecycle import BookingState
from booking.models import BookingKind, Waiting, WaitState
from booking.policy import waitlist as policy
from booking.queries import ledger
from booking.queries import waitlist as queries
from booking.services.ledger.admission import Wish, admit
from booking.services.ledger.common import tell
from booking.services.ledger.holding import Claim, change_state, hold, lock_instruments
from booking.terms import Terms
from booking.vacancies import Wait, vacancies
from booking.waiting import LEAST_NOTICE, offer_until
from core import audit
from core.db import Tx, db, transaction
from core.errors import Refusal
from core.intervals import Interval
from facilities.models import Instrument

MOST_TRIES = 14
"""How many starts are tried for one person before the next one's turn: two weeks of days that a quota forbids."""

logger = logging.getLogger("equora.waitlist")


def offer_freed(instrument_id: UUID, now: datetime) -> int:
    """Look what is free of an instrument (and of those of its exclusion group) and offer it to those who wait.

    Ends first what has run out: offers nobody answered, places whose window is over. Each person is asked in a
    transaction of their own under the instrument's lock (docs/reference/locking.md: one person's quotas at a time).
    Calling it again changes nothing more. Gives the number of offers made.
    """
    return sum(_offer_to(place_id, now) for place_id in _tidied(instrument_id, now))


def lapse(now: datetime) -> int:
    """End all that has run out and look again everywhere: what a lost message has missed. Gives the offers made."""
    session = db.session()
    session.rollback()
    made = 0
    for instrument_id in list(session.scalars(queries.instruments_awaited())):
        try:
            made += offer_freed(instrument_id, now)
        except Refusal as refusal:  # busy: the next sweep comes in a minute, and others wait for theirs
            logger.warning("the waitlist of instrument %s was left for later: %s", instrument_id, refusal)
    return made


def first_admitted(tx: Tx, instrument: Instrument, row: Waiting, now: datetime) -> Claim | None:
    """The first free time inside a place's window that the rules give to the person who waits; None: there is none."""
    person: Actor | None = None
    for interval in islice(_vacancies(tx, instrument, row, now), MOST_TRIES):
        person = person or accounts.actor_of(tx.session, row.person_id)
        wish = Wish(interval, row.person_id, row.organisation_id, row.title)
        try:
            return admit(tx, instrument, wish, person, now)
        except Refusal:  # a quota or a person on duty may allow another time
            continue
    return None


def earliest(terms: Terms, now: datetime) -> datetime:
    """Before this no time is offered: it could not be booked any more, or nobody could answer."""
    return terms.first_start(now) + LEAST_NOTICE


def settle(tx: Tx, row: Waiting, now: datetime) -> None:
    """Bring a place whose offer is over back into the queue (its instrument is locked): unanswered, or its hold gone.

    Who has lost the right to book loses offer and place.
    """
    if row.state is not WaitState.OFFERED or row.booking_id is None:
        return
    booking = tx.lock(ledger.booking(row.booking_id))
    if not booking.is_offer:
        back_to_waiting(tx, row, "cancel", SYSTEM, now)
    elif not policy.may_wait(accounts.actor_of(tx.session, row.person_id), row.organisation_id):
        change_state(tx, booking, "lapse", SYSTEM, now)
        end_place(tx, row, WaitState.LAPSED, "lapse", SYSTEM, now)
    elif row.offered_until is None or row.offered_until <= now:
        change_state(tx, booking, "lapse", SYSTEM, now)
        back_to_waiting(tx, row, "lapse", SYSTEM, now)
        tell(tx, booking, "waitlist_lapsed", now, path="/waitlist")


def back_to_waiting(tx: Tx, row: Waiting, verb: str, actor: Actor, now: datetime) -> None:
    """An offer was in vain: the person waits on, and is not asked about that time again."""
    start = row.booking.starts_at if row.booking else now
    row.declined = [*row.declined, start.isoformat()]
    row.state = WaitState.WAITING
    row.booking_id = None
    row.offered_until = None
    _note(tx, row, verb, actor, now)


def end_place(tx: Tx, row: Waiting, state: WaitState, verb: str, actor: Actor, now: datetime) -> None:
    """A place that is no longer in the waitlist."""
    row.state = state
    row.offered_until = None
    _note(tx, row, verb, actor, now)


def _note(tx: Tx, row: Waiting, verb: str, actor: Actor, now: datetime) -> None:
    row.changed_at = now
    audit.record(tx, actor.person_id, verb, row, now, detail={"state": row.state.value})


def _end_if_over(tx: Tx, row: Waiting, instrument: Instrument, now: datetime) -> None:
    """A place ends when its length no longer fits into what is left of its window."""
    last_start = row.ends_at - timedelta(minutes=row.minutes)
    if row.state is WaitState.WAITING and last_start < earliest(ledger.terms_of(instrument), now):
        end_place(tx, row, WaitState.LAPSED, "lapse", SYSTEM, now)


def _in_turn(tx: Tx, waiting: Mapping[UUID, Waiting], now: datetime) -> Sequence[Waiting]:
    """Instruments of one exclusion group are of one facility, so all who wait for them are in one order."""
    rows = list(waiting.values())
    if not rows:
        return []
    turns = queries.queues(tx.session, rows, now)
    return [waiting[turn.place.id] for turn in turns[queries.contested(rows[0].instrument)]]


def _tidied(instrument_id: UUID, now: datetime) -> list[UUID]:
    """End what has run out; the places of those for whom something is free now, in turn."""
    with transaction() as tx:
        awaited = list(tx.session.scalars(queries.affected_by(instrument_id)))
        instruments = lock_instruments(tx, awaited)
        rows = [row for one in awaited for row in tx.session.scalars(queries.standing_on(one))]
        for row in rows:
            settle(tx, row, now)
            _end_if_over(tx, row, instruments[row.instrument_id], now)
        waiting = {row.id: row for row in rows if row.state is WaitState.WAITING}
        turns = _in_turn(tx, waiting, now)
        return [row.id for row in turns if any(_vacancies(tx, instruments[row.instrument_id], row, now))]


def _offer_to(place_id: UUID, now: datetime) -> int:
    """Let one person have the first time that fits, if it still is free: how many offers were made."""
    with transaction() as tx:
        instrument_id = tx.one(queries.place(place_id)).instrument_id
        instrument = lock_instruments(tx, [instrument_id])[instrument_id]
        row = tx.lock(queries.place(place_id))
        return _offer(tx, row, instrument, now) if row.state is WaitState.WAITING else 0


def _offer(tx: Tx, row: Waiting, instrument: Instrument, now: datetime) -> int:
    claim = first_admitted(tx, instrument, row, now)
    until = offer_until(claim.interval.start, now, _lead(instrument)) if claim else None
    if claim is None or until is None:
        return 0
    if not policy.may_wait(accounts.actor_of(tx.session, row.person_id), row.organisation_id):
        end_place(tx, row, WaitState.LAPSED, "lapse", SYSTEM, now)
        return 0
    offer = replace(claim, kind=BookingKind.INSTANT, state=BookingState.TENTATIVE)
    booking = hold(tx, instrument, offer, SYSTEM, now)
    row.state = WaitState.OFFERED
    row.booking_id = booking.id
    row.offered_until = until
    _note(tx, row, "offer", SYSTEM, now)
    tell(tx, booking, "waitlist_offer", now, until=until.isoformat(), path="/waitlist")
    return 1


def _lead(instrument: Instrument) -> timedelta:
    return timedelta(minutes=ledger.terms_of(instrument).lead_minutes)


def _vacancies(tx: Tx, instrument: Instrument, row: Waiting, now: datetime) -> Iterator[Interval]:
    terms = ledger.terms_of(instrument)
    start = max(row.starts_at, earliest(terms, now))
    if start >= row.ends_at:
        return iter(())
    window = Interval(start, row.ends_at)
    busy = ledger.busy(tx.session.scalars(ledger.held_on(instrument, terms.held(window))), instrument)
    starts = (datetime.fromisoformat(text) for text in row.declined)
    never = tuple(Interval(at, at + timedelta(minutes=row.minutes)) for at in starts)
    return vacancies(terms, instrument.capacity, busy, Wait(window, row.minutes, never), now)
