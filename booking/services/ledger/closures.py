"""Closures and maintenance: time in which an instrument does not run, entered by its facility's managers.

A closure may cancel the bookings in its way, once the manager has seen and confirmed each of them: a broken instrument
does not wait for a second signature, not even where a round has allocated the time. So that nobody frees a slot for
themselves in this way, whoever closed over other people's bookings does not reopen: a second person has to
(`check_may_reopen`). The holders are told by one mail each, with other times; nothing is charged to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.policy import Actor
from booking.closing import hits, weekly
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind
from booking.policy import approvals as approvals_policy
from booking.policy import ledger as policy
from booking.queries import changes
from booking.queries import closures as queries
from booking.queries import ledger as ledger_queries
from booking.services.ledger.common import changed_meanwhile, reason_missing
from booking.services.ledger.holding import Claim, change_state, hold, lock_instruments
from booking.services.ledger.telling import tell_closed_out
from core import audit, idempotency
from core.db import Tx, transaction
from core.errors import Conflict, Invalid
from core.i18n import N_
from core.intervals import Interval
from facilities.models import Instrument

CLOSING_KINDS = queries.CLOSING_KINDS


@dataclass(frozen=True)
class Closing:
    """[start, end) of an instrument and the same in the weeks after it, `weeks` in all.

    `cancels` are the bookings in the way that the manager has seen and gives up; their holders read `reason`.
    """

    start: datetime
    end: datetime
    kind: BookingKind
    note: str = ""
    weeks: int = 1
    cancels: frozenset[UUID] = frozenset()
    reason: str = ""


def close(
    instrument_id: UUID,
    start: datetime,
    end: datetime,
    kind: BookingKind,
    note: str,
    actor: Actor,
    now: datetime,
    key: str,
) -> UUID:
    """Hold every unit of an instrument once, where nothing is in the way; as `close_over`."""
    return close_over(instrument_id, Closing(start, end, kind, note), actor, now, key)


def close_over(instrument_id: UUID, closing: Closing, actor: Actor, now: datetime, key: str) -> UUID:
    """Hold every unit of an instrument for a closure, all of its weeks or none, and cancel what it hits.

    Gives the id of the first unit's row in the first week: cancelling any row of a week reopens that week. The same
    `key` gives the same again. Conflict "bookings_hit" lists what is in the way and was not confirmed, "running" what
    has begun, "closed_already" closures; Invalid "reason_missing" when bookings are cancelled without one.
    """
    with transaction() as tx:
        policy.may_close(actor, tx.one(ledger_queries.instrument(instrument_id)).facility_id).or_refuse()
        assert actor.person_id is not None  # noqa: S101 - the policy has just said so
        known = idempotency.made_before(tx, actor.person_id, key, "close")
        if known is not None:
            return known
        stretches = _checked(tx, instrument_id, closing, now)
        instrument, hit, given_up = _locked(tx, instrument_id, stretches)
        _check_confirmed(hit, closing, instrument, now)
        for each in given_up:
            change_state(tx, each, "cancel", actor, now, closing.reason.strip(), {"closed_out": True})
        made = [_held(tx, instrument, closing, one, actor, now) for one in stretches]
        _keep_whom_it_hit(tx, made, hit, actor, now, closing.reason.strip())
        tell_closed_out(tx, given_up, actor, now, closing.reason.strip())
        idempotency.remember(tx, actor.person_id, key, "close", made[0].id, now)
        return made[0].id


def check_may_reopen(tx: Tx, rows: Sequence[Booking], actor: Actor) -> None:
    """Refuse whoever closed over other people's bookings to reopen; bookings that are no closure pass."""
    if rows[0].kind in CLOSING_KINDS:
        approvals_policy.may_reopen(actor, tx.session.scalar(queries.closed_out_by(rows))).or_refuse()


# --- checks -----------------------------------------------------------------------------------------------


def stretches_of(instrument: Instrument, closing: Closing, now: datetime) -> list[Interval]:
    """The weeks of a closure; Invalid when they are none."""
    if closing.kind not in CLOSING_KINDS:
        raise Invalid(code="not_a_closure")
    if closing.end <= closing.start:
        message = N_("The end must be after the start.")
        raise Invalid(message, code="ends_before_start", fields={"end": message})
    if closing.end <= now:
        message = N_("A closure cannot lie in the past.")
        raise Invalid(message, code="in_the_past", fields={"end": message})
    return weekly(Interval(closing.start, closing.end), closing.weeks, ledger_queries.terms_of(instrument).zone)


def _checked(tx: Tx, instrument_id: UUID, closing: Closing, now: datetime) -> list[Interval]:
    return stretches_of(tx.one(ledger_queries.instrument(instrument_id)), closing, now)


def _locked(
    tx: Tx, instrument_id: UUID, stretches: Sequence[Interval]
) -> tuple[Instrument, list[Booking], list[Booking]]:
    """The instrument, what is in the way, and that together with what was booked along with it; all held.

    What is hit is looked for twice: without a lock, to know the instruments of its bundles, and then behind theirs.
    """
    instrument = tx.one(ledger_queries.instrument(instrument_id))
    seen = _with_bundles(tx, queries.in_the_way(tx.session, instrument, stretches))
    instruments = lock_instruments(tx, {instrument_id, *(row.instrument_id for row in seen)})
    hit = queries.in_the_way(tx.session, instruments[instrument_id], stretches)
    given_up = _with_bundles(tx, hit)
    tx.session.scalars(queries.these([row.id for row in given_up]).with_for_update()).all()
    if any(row.instrument_id not in instruments for row in given_up):
        raise changed_meanwhile()
    return instruments[instrument_id], hit, given_up


def _with_bundles(tx: Tx, rows: Sequence[Booking]) -> list[Booking]:
    """These bookings and all live ones that stand or fall with them, each once."""
    found = {row.id: row for row in rows}
    for row in rows:
        if row.bundle_id is not None:
            found.update((each.id, each) for each in tx.session.scalars(changes.bundle_of(row)))
    return list(found.values())


def _check_confirmed(hit: Sequence[Booking], closing: Closing, instrument: Instrument, now: datetime) -> None:
    if closed := [row for row in hit if row.kind in CLOSING_KINDS]:
        message = N_("The instrument is closed already for a part of this time: %(bookings)s")
        raise _in_the_way(message, "closed_already", closed, instrument)
    if running := [row for row in hit if row.starts_at <= now]:
        message = N_("These bookings have begun. End them first, or close from their end on: %(bookings)s")
        raise _in_the_way(message, "running", running, instrument)
    if {row.id for row in hit} - closing.cancels:
        message = N_("These bookings are in the way; cancel or move them first: %(bookings)s")
        raise _in_the_way(message, "bookings_hit", hit, instrument)
    if hit and not closing.reason.strip():
        raise reason_missing()


def _in_the_way(message: str, code: str, rows: Sequence[Booking], instrument: Instrument) -> Conflict:
    zone = ledger_queries.terms_of(instrument).zone
    listed = "; ".join(
        f"{row.starts_at.astimezone(zone):%Y-%m-%d %H:%M} – {row.ends_at.astimezone(zone):%Y-%m-%d %H:%M} "
        f"({row.person.name if row.person else row.title or row.kind})"
        for row in rows
    )
    return Conflict(message, code=code, bookings=listed)


# --- acts -------------------------------------------------------------------------------------------------


def _held(tx: Tx, instrument: Instrument, closing: Closing, one: Interval, actor: Actor, now: datetime) -> Booking:
    """One week's closure: a row of each unit; gives the first."""
    note = closing.note.strip()[:200]
    rows = [
        hold(tx, instrument, Claim(closing.kind, BookingState.CONFIRMED, one, unit, note), actor, now)
        for unit in range(instrument.capacity)
    ]
    return rows[0]


def _keep_whom_it_hit(
    tx: Tx, made: Sequence[Booking], hit: Sequence[Booking], actor: Actor, now: datetime, reason: str
) -> None:
    """Note with each week's closure whose bookings it has cancelled; one's own need no second person to come back."""
    for closure in made:
        others = [row for row in hit if not actor.is_person(row.person_id) and hits(row.held, [closure.interval])]
        if others:
            detail = {"bookings": [str(row.id) for row in others]}
            audit.record(tx, actor.person_id, queries.CLOSED_OUT, closure, now, reason=reason, detail=detail)
