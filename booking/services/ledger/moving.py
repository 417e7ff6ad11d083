"""Moving held time: elsewhere, longer, shorter, to another instrument; the booking stays the same one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.policy import Actor, Answer
from booking.lifecycle import BOOKING_STEPS, LIVE, BookingState, can_step
from booking.models import Booking, BookingKind
from booking.policy import changes as policy
from booking.queries import changes as queries
from booking.queries import ledger as ledger_queries
from booking.services.ledger.common import (
    changed_meanwhile,
    check_is_no_offer,
    is_late,
    locked_bundle,
    reason_missing,
    tell,
)
from booking.services.ledger.holding import RUNNING_KINDS, Claim, change_state, guarded, touch
from booking.services.ledger.placing import new_place
from booking.terms import stretch
from core.db import Tx, transaction
from core.errors import Conflict
from core.i18n import N_
from core.intervals import Interval
from facilities.models import Instrument


def move(
    booking_id: UUID,
    start: datetime,
    end: datetime,
    sequence: int,
    actor: Actor,
    now: datetime,
    instrument_id: UUID | None = None,
    reason: str = "",
) -> None:
    """Put a booking, and those of its bundle, at [start, end), on this instrument of the facility (None: where it is).

    `sequence` is the booking's, as the person saw it. Moving to where it is changes nothing. Refusals: what `admit`
    refuses; Conflict "changed_meanwhile", "has_begun", "has_ended", "is_offer"; Invalid "reason_missing" (a manager).
    """
    with transaction() as tx:
        row, beside = locked_bundle(tx, booking_id, *([instrument_id] if instrument_id else []))
        check_may_move(actor, row)
        wanted = stretch(start, end)
        instrument = tx.one(ledger_queries.instrument(instrument_id)) if instrument_id else row.instrument
        if _is_there(row, wanted, instrument):
            return
        if row.sequence != sequence:
            raise changed_meanwhile()
        if not actor.is_person(row.person_id) and not reason.strip():
            raise reason_missing()
        earlier, later = wanted.start - row.starts_at, wanted.end - row.ends_at
        move_locked(tx, row, wanted, actor, now, instrument, reason.strip(), frozenset(each.id for each in beside))
        while beside:
            each = beside.pop()
            moved, still = stretch(each.starts_at + earlier, each.ends_at + later), frozenset(one.id for one in beside)
            move_locked(tx, each, moved, actor, now, each.instrument, reason.strip(), still)
        tell_moved(tx, row, actor, now, reason.strip())


def move_locked(
    tx: Tx,
    row: Booking,
    wanted: Interval,
    actor: Actor,
    now: datetime,
    instrument: Instrument | None = None,
    reason: str = "",
    gives_back: frozenset[UUID] = frozenset(),
) -> None:
    """Move one locked booking; both instruments are locked too. For every verb that moves; it tells nobody.

    The verb has asked `check_may_move`. `gives_back`: other bookings that the same transaction is about to move.
    """
    instrument = instrument or row.instrument
    if _is_there(row, wanted, instrument):
        return
    _check_movable(tx, row, instrument, now)
    bundle = tx.session.scalars(queries.bundle_of(row)).all()
    together_with = frozenset(each.instrument_id for each in bundle if each.id != row.id)
    shrinks = instrument.id == row.instrument_id and policy.gives_back_only(row.interval, wanted)
    claim = new_place(tx, row, wanted, instrument, actor, now, gives_back, together_with)
    is_asked_again = not shrinks and actor.is_person(row.person_id) and row.kind is not BookingKind.ROUND
    verb = _asked_again(tx, row, claim) if is_asked_again else "move"
    facts: dict[str, Any] = {"from": _where(row)}
    if is_asked_again and is_late(row, now):
        facts["late"] = True
    touch(tx, row, now)
    with guarded(tx, instrument, wanted, actor):
        _write(row, instrument, claim)
        tx.session.flush()
    change_state(tx, row, verb, actor, now, reason, {**facts, "to": _where(row)})


def check_may_move(actor: Actor, row: Booking) -> None:
    """Refuse who may not move this booking."""
    answer_to_move(actor, row).or_refuse()


def answer_to_move(actor: Actor, row: Booking) -> Answer:
    """Whether the actor may move this booking; allocations of a round have a rule of their own."""
    rule = policy.may_move_allocation if row.kind is BookingKind.ROUND else policy.may_move
    return rule(actor, ledger_queries.held(row))


def tell_moved(tx: Tx, row: Booking, actor: Actor, now: datetime, reason: str = "") -> None:
    """Mail the holder where their booking is now, and by whom it was moved."""
    by = "" if actor.is_person(row.person_id) else actor.name
    tell(tx, row, "booking_moved", now, reason=reason, by=by, state=row.state.value)


def _is_there(row: Booking, wanted: Interval, instrument: Instrument) -> bool:
    return row.state in LIVE and (row.interval, row.instrument_id) == (wanted, instrument.id)


def _check_movable(tx: Tx, row: Booking, instrument: Instrument, now: datetime) -> None:
    if row.kind not in RUNNING_KINDS or not can_step(BOOKING_STEPS, row.state, "move"):
        raise Conflict(N_("This booking can no longer be moved."), code="illegal_step")
    if row.ends_at <= now or row.checked_out_at is not None:
        raise Conflict(N_("This booking is over."), code="has_ended")
    check_is_no_offer(row)
    if instrument.facility_id != row.instrument.facility_id:
        message = N_("A booking stays at its facility.")
        raise Conflict(message, code="another_facility", fields={"instrument_id": message})


def _asked_again(tx: Tx, row: Booking, claim: Claim) -> str:
    """The step of a holder's move: what managers had approved was another time."""
    tx.session.execute(queries.without_approvals(row))
    if row.state is BookingState.CONFIRMED and claim.state is BookingState.TENTATIVE:
        return "ask_again"
    if row.state is not claim.state:
        message = N_("This booking waits for approval, the other instrument needs none: cancel, and book that one.")
        raise Conflict(message, code="another_mode", fields={"instrument_id": message})
    return "move"


def _write(row: Booking, instrument: Instrument, claim: Claim) -> None:
    held = claim.held or claim.interval
    row.kind = claim.kind
    row.instrument, row.instrument_id, row.unit = instrument, instrument.id, claim.unit
    row.exclusion_group_id = instrument.exclusion_group_id
    row.starts_at, row.ends_at = claim.interval.start, claim.interval.end
    row.held_from, row.held_until = held.start, held.end


def _where(row: Booking) -> dict[str, Any]:
    return {
        "instrument_id": str(row.instrument_id),
        "unit": row.unit,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
    }
