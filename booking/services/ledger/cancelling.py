"""Giving time back before it begins, and what giving it back late costs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts.policy import Actor
from booking.changing import minutes_taken
from booking.lifecycle import BookingState
from booking.models import Booking, ShareKind
from booking.policy import ledger as policy
from booking.queries import changes as change_queries
from booking.queries import ledger as queries
from booking.services.ledger.closures import check_may_reopen
from booking.services.ledger.common import is_late, locked_bundle, reason_missing, tell, whole
from booking.services.ledger.holding import change_state
from booking.services.ledger.shares import charge
from core.db import Tx, transaction
from core.errors import Conflict
from core.i18n import N_


def cancel(booking_id: UUID, actor: Actor, now: datetime, reason: str = "") -> None:
    """Give the time back before it begins: the holder, or a manager with a reason. Cancelling twice changes nothing."""
    with transaction() as tx:
        row, _beside = locked_bundle(tx, booking_id)
        policy.may_cancel(actor, queries.held(row)).or_refuse()
        if row.state is BookingState.CANCELLED:
            return
        late = any(is_charged(tx.session, each, actor, now) for each in whole(tx, row))
        cancel_locked(tx, row, actor, now, reason)
        by = "" if actor.is_person(row.person_id) else actor.name
        tell(tx, row, "booking_cancelled", now, reason=reason.strip(), by=by, late="late" if late else "")


def cancel_locked(tx: Tx, row: Booking, actor: Actor, now: datetime, reason: str) -> None:
    """Give the time of a locked booking back; for every verb that cancels. It tells nobody: that is the verb's affair.

    The verb has asked the policy. Refusals: Conflict "has_begun", Invalid "reason_missing" (somebody else's booking),
    Forbidden "own_closure" (a closure over other people's bookings).
    """
    held = queries.held(row)
    if policy.is_live(held) and policy.has_begun(held, now):
        raise Conflict(N_("This booking has begun and can no longer be cancelled."), code="has_begun")
    if row.person_id is not None and not actor.is_person(row.person_id) and not reason.strip():
        raise reason_missing()
    rows = whole(tx, row)
    check_may_reopen(tx, rows, actor)
    for each in rows:
        verb = "cancel_late" if is_charged(tx.session, each, actor, now) else "cancel"
        change_state(tx, each, verb, actor, now, reason.strip())


def is_charged(session: Session, row: Booking, actor: Actor, now: datetime) -> bool:
    """Whether cancelling now counts as use of the organisation: its holder cancels confirmed time late.

    Time that was moved when it was late already is not cancelled freely any more, wherever it is now.
    """
    if row.organisation_id is None or not actor.is_person(row.person_id):
        return False
    if is_late(row, now):
        return True
    rules = row.instrument.rules
    if rules is None or not rules.free_cancel_minutes:
        return False
    return any("late" in entry.detail for entry in session.scalars(change_queries.moves_of(row)))


def settle_late_cancellations(now: datetime) -> int:
    """Charge late cancellations whose time is over, less the minutes that were taken again; how many were settled.

    A second call changes nothing more.
    """
    with transaction() as tx:
        waiting = tx.session.scalars(change_queries.late_cancellations_to_settle(now)).all()
    for booking_id in waiting:
        with transaction() as tx:
            _settle(tx, tx.lock(queries.booking(booking_id)), now)
    return len(waiting)


def _settle(tx: Tx, row: Booking, now: datetime) -> None:
    held = tx.session.scalars(queries.held_on(row.instrument, row.interval)).all()
    again = [one.interval for one in held if one.instrument_id != row.instrument_id or one.unit == row.unit]
    booked = row.interval.minutes
    lost = booked - minutes_taken(row.interval, again)
    charge(tx, row, ShareKind.LATE_CANCELLATION, booked=booked, used=0, charged=lost, now=now)
