"""Every question that changes to bookings ask of the ledger."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Delete, Select, delete, exists, select

from booking.lifecycle import LIVE, BookingState
from booking.models import Approval, Booking, ShareEntry, ShareKind
from core.audit import AuditEntry
from facilities.models import Instrument

LATE_SINCE = timedelta(days=366)
"""How far back late cancellations are looked for that nobody has settled."""


def bundle_of(row: Booking) -> Select[Booking]:
    """The live bookings of a bundle, in the order in which they are locked; of a booking without one, itself."""
    where = Booking.id == row.id if row.bundle_id is None else Booking.bundle_id == row.bundle_id
    return select(Booking).where(where, Booking.state.in_(LIVE)).order_by(Booking.id)


def without_approvals(row: Booking) -> Delete:
    """Take back the approvals that were given to a booking."""
    return delete(Approval).where(Approval.booking_id == row.id)


def approval_by(row: Booking, person_id: UUID) -> Select[int]:
    """Whether a person has approved a booking, at any level."""
    return select(AuditEntry.id).where(
        AuditEntry.subject == Booking.__tablename__,
        AuditEntry.subject_id == row.id,
        AuditEntry.person_id == person_id,
        AuditEntry.verb.in_(("approve", "approve_level")),
    )


def moves_of(row: Booking) -> Select[AuditEntry]:
    """How a booking was moved."""
    return select(AuditEntry).where(
        AuditEntry.subject == Booking.__tablename__,
        AuditEntry.subject_id == row.id,
        AuditEntry.verb.in_(("move", "ask_again")),
    )


def last_hand_over(row: Booking) -> Select[AuditEntry]:
    """How a booking was last handed over."""
    return (
        select(AuditEntry)
        .where(
            AuditEntry.subject == Booking.__tablename__,
            AuditEntry.subject_id == row.id,
            AuditEntry.verb == "hand_over",
        )
        .order_by(AuditEntry.id.desc())
        .limit(1)
    )


def other_instruments(wanted: Instrument) -> Select[Instrument]:
    """The other instruments of an instrument's facility, in their order."""
    return (
        select(Instrument)
        .where(Instrument.facility_id == wanted.facility_id, Instrument.id != wanted.id)
        .order_by(Instrument.position, Instrument.id)
    )


def share_entry(row: Booking, kind: ShareKind) -> Select[ShareEntry]:
    """What stands in the share ledger for a booking."""
    return select(ShareEntry).where(ShareEntry.booking_id == row.id, ShareEntry.kind == kind)


def late_cancellations_to_settle(now: datetime) -> Select[UUID]:
    """Bookings that were cancelled late, whose time is over and which are not in the share ledger yet."""
    late = exists().where(
        AuditEntry.subject == Booking.__tablename__,
        AuditEntry.subject_id == Booking.id,
        AuditEntry.verb == "cancel_late",
    )
    settled = exists().where(ShareEntry.booking_id == Booking.id, ShareEntry.kind == ShareKind.LATE_CANCELLATION)
    return (
        select(Booking.id)
        .where(
            Booking.state == BookingState.CANCELLED,
            Booking.starts_at > now - LATE_SINCE,
            Booking.starts_at < now,
            Booking.ends_at <= now,
            Booking.organisation_id.is_not(None),
            late,
            ~settled,
        )
        .order_by(Booking.starts_at, Booking.id)
    )
