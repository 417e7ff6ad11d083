"""Managers decide on bookings that wait for them: approve, refuse."""

from datetime import datetime
from uuid import UUID

from accounts.policy import Actor
from booking.lifecycle import BookingState
from booking.models import Booking
from booking.policy import ledger as policy
from booking.queries import ledger as queries
from booking.services.ledger.common import locked, reason_missing, tell
from booking.services.ledger.holding import change_state
from core.db import transaction
from core.errors import Conflict
from core.i18n import N_


def approve(booking_id: UUID, actor: Actor, now: datetime) -> None:
    """A manager confirms a tentative booking. Approving twice changes nothing."""
    with transaction() as tx:
        row = locked(tx, booking_id)
        policy.may_decide(actor, queries.held(row)).or_refuse()
        if row.state is BookingState.CONFIRMED:
            return
        _check_not_begun(row, now)
        change_state(tx, row, "approve", actor, now)
        tell(tx, row, "booking_confirmed", now)


def refuse(booking_id: UUID, actor: Actor, now: datetime, reason: str) -> None:
    """A manager refuses a tentative booking and says why. Refusing twice changes nothing."""
    with transaction() as tx:
        row = locked(tx, booking_id)
        policy.may_decide(actor, queries.held(row)).or_refuse()
        if row.state is BookingState.REFUSED:
            return
        if not reason.strip():
            raise reason_missing()
        change_state(tx, row, "refuse", actor, now, reason.strip())
        tell(tx, row, "booking_refused", now, reason=reason.strip())


def _check_not_begun(row: Booking, now: datetime) -> None:
    if row.state is BookingState.TENTATIVE and policy.has_begun(queries.held(row), now):
        raise Conflict(N_("This booking has begun and can no longer be approved."), code="has_begun")
