"""Giving time back before it begins."""

from datetime import datetime
from uuid import UUID

from accounts.policy import Actor
from booking.lifecycle import BookingState
from booking.policy import ledger as policy
from booking.queries import ledger as queries
from booking.services.ledger.common import locked, reason_missing, tell, whole
from booking.services.ledger.holding import change_state
from core.db import transaction
from core.errors import Conflict
from core.i18n import N_


def cancel(booking_id: UUID, actor: Actor, now: datetime, reason: str = "") -> None:
    """Give the time back before it begins: the holder, or a manager with a reason. Cancelling twice changes nothing."""
    with transaction() as tx:
        row = locked(tx, booking_id)
        held = queries.held(row)
        policy.may_cancel(actor, held).or_refuse()
        if row.state is BookingState.CANCELLED:
            return
        if policy.is_live(held) and policy.has_begun(held, now):
            raise Conflict(N_("This booking has begun and can no longer be cancelled."), code="has_begun")
        is_own = actor.is_person(row.person_id)
        if row.person_id is not None and not is_own and not reason.strip():
            raise reason_missing()
        for each in whole(tx, row):
            change_state(tx, each, "cancel", actor, now, reason.strip())
        tell(tx, row, "booking_cancelled", now, reason=reason.strip(), by="" if is_own else actor.name)
