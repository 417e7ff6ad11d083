"""The ledger's low level: one insert, one change of state, one place that raises the calendars' versions.

Whoever holds or changes time locks its instruments first (`lock_instruments`); the order of all locks is in
docs/reference/locking.md. The database's guard refuses what slips through.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from accounts.policy import Actor
from booking import availability
from booking.lifecycle import BOOKING_STEPS, BookingState, step
from booking.models import Booking, BookingKind, CalendarKind, CalendarVersion
from booking.policy import ledger as policy
from booking.queries import ledger as queries
from booking.services.ledger import freed
from core import audit
from core.config import installed
from core.db import Tx
from core.errors import Conflict, NotFound
from core.i18n import N_
from core.intervals import Interval
from facilities.models import Instrument

GUARDS = ("bookings_no_overlap", "bookings_exclusive")
LOOK_AHEAD = timedelta(days=14)
RUNNING_KINDS = (BookingKind.INSTANT, BookingKind.APPROVAL, BookingKind.ROUND)
_VERBS = {
    BookingKind.INSTANT: "book",
    BookingKind.APPROVAL: "ask",
    BookingKind.ROUND: "allocate",
    BookingKind.CLOSURE: "close",
    BookingKind.MAINTENANCE: "close",
}


@dataclass(frozen=True)
class Claim:
    """What is to be held, for whom and why; closures and maintenance are nobody's.

    `held` is the interval with its buffers (None: it has none).
    """

    kind: BookingKind
    state: BookingState
    interval: Interval
    unit: int
    title: str = ""
    is_confidential: bool = False
    person_id: UUID | None = None
    organisation_id: UUID | None = None
    request_id: UUID | None = None
    plan_id: UUID | None = None
    held: Interval | None = None
    series_id: UUID | None = None
    series_day: date | None = None
    bundle_id: UUID | None = None
    is_assisted: bool = False


def lock_instruments(tx: Tx, instrument_ids: Iterable[UUID]) -> dict[UUID, Instrument]:
    """Hold these instruments, and the exclusion groups they are in, until the end of the transaction.

    Always in the same order, so that two transactions never wait for each other. NotFound when one is missing.
    """
    wanted = set(instrument_ids)
    tx.session.scalars(queries.exclusion_groups_of(wanted).with_for_update()).all()
    locked = queries.instruments(wanted).with_for_update().execution_options(populate_existing=True)
    rows = tx.session.scalars(locked).all()
    if len(rows) != len(wanted):
        raise NotFound
    return {row.id: row for row in rows}


def free_unit(
    tx: Tx,
    instrument: Instrument,
    wanted: Interval,
    actor: Actor,
    gives_back: Collection[UUID] = (),
    unit: int | None = None,
) -> int:
    """The first unit that is free all through a stretch and its buffers, `unit` before all others.

    Bookings in `gives_back` are not in the way: the transaction frees their time. Conflict "taken" when there is none.
    """
    held = queries.terms_of(instrument).held(wanted)
    rows = [row for row in tx.session.scalars(queries.held_on(instrument, held)) if row.id not in gives_back]
    units = availability.free_units(queries.busy(rows, instrument), instrument.capacity, held)
    if not units:
        raise taken(tx, instrument, wanted, actor, gives_back)
    return unit if unit in units else units[0]


@contextmanager
def guarded(tx: Tx, instrument: Instrument, wanted: Interval, actor: Actor) -> Iterator[None]:
    """Rows of the ledger written in here are undone, alone, when the database refuses an overlap: Conflict "taken"."""
    try:
        with tx.session.begin_nested():
            yield
    except IntegrityError as error:
        if not _is_guard(error):
            raise
        raise taken(tx, instrument, wanted, actor) from error


def hold(tx: Tx, instrument: Instrument, claim: Claim, actor: Actor, now: datetime) -> Booking:
    """Insert one row of the ledger, audited, its calendars raised; Conflict "taken" when the database refuses it.

    The transaction goes on after a refusal: only this insert is undone.
    """
    if not 0 <= claim.unit < instrument.capacity:
        raise ValueError(f"unit {claim.unit} of an instrument with {instrument.capacity}")
    held = claim.held or claim.interval
    row = Booking(
        uid=f"{uuid4()}@{urlsplit(installed().public_url).hostname}",
        kind=claim.kind,
        state=claim.state,
        instrument_id=instrument.id,
        unit=claim.unit,
        exclusion_group_id=instrument.exclusion_group_id if claim.kind in RUNNING_KINDS else None,
        starts_at=claim.interval.start,
        ends_at=claim.interval.end,
        held_from=held.start,
        held_until=held.end,
        series_id=claim.series_id,
        series_day=claim.series_day,
        bundle_id=claim.bundle_id,
        is_assisted=claim.is_assisted,
        title=claim.title,
        is_confidential=claim.is_confidential,
        person_id=claim.person_id,
        organisation_id=claim.organisation_id,
        request_id=claim.request_id,
        plan_id=claim.plan_id,
        created_at=now,
        changed_at=now,
    )
    row.instrument = instrument
    with guarded(tx, instrument, claim.interval, actor):
        tx.session.add(row)
    audit.record(tx, actor.person_id, _verb(row), row, now, detail=_facts(row))
    touch(tx, row, now)
    return row


def change_state(
    tx: Tx,
    row: Booking,
    verb: str,
    actor: Actor,
    now: datetime,
    reason: str = "",
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Take a step of the table on a locked booking, audited; calendar programs see a new sequence number.

    `facts` are what the step changed beside the state, for the audit.
    """
    before = row.state
    row.state = step(BOOKING_STEPS, before, verb, policy.acting_role(actor, queries.held(row)))
    row.sequence += 1
    row.changed_at = now
    detail = {**(facts or {}), "before": before.value, "after": row.state.value}
    audit.record(tx, actor.person_id, verb, row, now, reason=reason, detail=detail)
    touch(tx, row, now)


def touch(tx: Tx, row: Booking, now: datetime) -> None:
    """Raise the versions of the calendars that show a booking, once each, at the end of the transaction.

    Those who wait for the instrument are looked after once it is stored: some of its time may be free now.
    """
    calendars = [(CalendarKind.INSTRUMENT, row.instrument_id), (CalendarKind.FACILITY, row.instrument.facility_id)]
    if row.person_id is not None:
        calendars.append((CalendarKind.PERSON, row.person_id))
    for kind, subject_id in calendars:
        raise_version = partial(_raise_version, tx, kind, subject_id, now)
        tx.before_commit(("calendar", kind.value, str(subject_id)), raise_version)
    freed.look_again(tx, row.instrument_id, now)


def taken(
    tx: Tx, instrument: Instrument, wanted: Interval, actor: Actor, gives_back: Collection[UUID] = ()
) -> Conflict:
    """The refusal of a stretch that is not free: who has it, and what is free next, as far as the actor may know."""
    ahead = Interval(wanted.start, wanted.end + LOOK_AHEAD)
    terms = queries.terms_of(instrument)
    found = tx.session.scalars(queries.held_on(instrument, terms.held(ahead)))
    rows = [row for row in found if row.id not in gives_back]
    busy = availability.with_buffers(queries.busy(rows, instrument), *terms.buffers)
    starts = terms.starts_among((one.interval.end for one in busy), ahead)
    free = availability.next_free(busy, instrument.capacity, wanted, starts, terms.fits)
    values: dict[str, Any] = {}
    if free is not None:
        values["free"] = f"{free.astimezone(terms.zone):%Y-%m-%d %H:%M}"
    held = terms.held(wanted)
    holder = next((row for row in rows if row.held.overlaps(held) and row.person and _may_know(actor, row)), None)
    if holder is not None and holder.person is not None:
        values["who"] = holder.person.name
    sentence = _SENTENCES[frozenset(values)]
    return Conflict(sentence, code="taken", fields={"start": sentence}, **values)


_SENTENCES = {
    frozenset(): N_("This time is taken."),
    frozenset({"free"}): N_("This time is taken. The next free start is %(free)s."),
    frozenset({"who"}): N_("This time is taken by %(who)s."),
    frozenset({"who", "free"}): N_("This time is taken by %(who)s. The next free start is %(free)s."),
}


def _verb(row: Booking) -> str:
    return "offer" if row.is_offer else _VERBS[row.kind]


def _may_know(actor: Actor, row: Booking) -> bool:
    return bool(policy.may_see(actor, queries.held(row)))


def _is_guard(error: IntegrityError) -> bool:
    """Whether the database refused an overlap (SQLite: by trigger, PostgreSQL: by exclusion constraint)."""
    text = str(error.orig)
    return any(name in text for name in GUARDS)


def _facts(row: Booking) -> dict[str, Any]:
    return {
        "instrument_id": str(row.instrument_id),
        "unit": row.unit,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "state": row.state.value,
    }


def _raise_version(tx: Tx, kind: CalendarKind, subject_id: UUID, now: datetime) -> None:
    insert = postgresql.insert if tx.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    first = insert(CalendarVersion).values(kind=kind, subject_id=subject_id, version=1, changed_at=now)
    tx.session.execute(
        first.on_conflict_do_update(
            index_elements=["kind", "subject_id"],
            set_={"version": CalendarVersion.version + 1, "changed_at": now},
        )
    )
