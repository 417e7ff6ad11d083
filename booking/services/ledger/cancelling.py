"""Giving time back before it begins."""

from datetime import datetime
from uuid import UUID

from accounts.policy import Actor
from booking.lifecycle import BookingState
from booking.models import Booking
from booking.policy import ledger as policy
from booking.queries import ledger as queries
from booking.services.ledger.common import locked, reason_missing, tell, whole
from booking.services.ledger.holding import change_state
from core.db import Tx, transaction
from core.errors import Conflict
from core.i18n import N_


def cancel(booking_id: UUID, actor: Actor, now: datetime, reason: str = "") -> None:
    """Give the time back before it begins: the holder, or a manager with a reason. Cancelling twice changes nothing."""
    with transaction() as tx:
        row = locked(tx, booking_id)
        policy.may_cancel(actor, queries.held(row)).or_refuse()
        if row.state is BookingState.CANCELLED:
            return
        cancel_locked(tx, row, actor, now, reason)
        by = "" if actor.is_person(row.person_id) else actor.name
        tell(tx, row, "booking_cancelled", now, reason=reason.strip(), by=by)


def cancel_locked(tx: Tx, row: Booking, actor: Actor, now: datetime, reason: str) -> None:
    """Give the time of a locked booking back; for every verb that cancels. It tells nobody: that is the verb's affair.

    The verb has asked the policy. Refusals: Conflict "has_begun", Invalid "reason_missing" (somebody else's booking).
    """
    held = queries.held(row)
    if policy.is_live(held) and policy.has_begun(held, now):
        raise Conflict(N_("This booking has begun and can no longer be cancelled."), code="has_begun")
    if row.person_id is not None and not actor.is_person(row.person_id) and not reason.strip():
        raise reason_missing()
    for each in whole(tx, row):
        change_state(tx, each, "cancel", actor, now, reason.strip())
