"""Every question that changes to bookings ask of the ledger."""

from uuid import UUID

from sqlalchemy import Delete, Select, delete, select

from booking.lifecycle import LIVE
from booking.models import Approval, Booking, ShareEntry, ShareKind, Waiting, WaitState


def bundle_of(row: Booking) -> Select[Booking]:
    """The live bookings of a bundle, in the order in which they are locked; of a booking without one, itself."""
    where = Booking.id == row.id if row.bundle_id is None else Booking.bundle_id == row.bundle_id
    return select(Booking).where(where, Booking.state.in_(LIVE)).order_by(Booking.id)


def standing_offer(row: Booking) -> Select[UUID]:
    """The place in the waitlist for which a booking is only offered."""
    return select(Waiting.id).where(Waiting.booking_id == row.id, Waiting.state == WaitState.OFFERED)


def without_approvals(row: Booking) -> Delete:
    """Take back the approvals that were given to a booking."""
    return delete(Approval).where(Approval.booking_id == row.id)


def share_entry(row: Booking, kind: ShareKind) -> Select[ShareEntry]:
    """What stands in the share ledger for a booking."""
    return select(ShareEntry).where(ShareEntry.booking_id == row.id, ShareEntry.kind == kind)
