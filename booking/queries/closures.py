"""Every question asked of closures: what is in their way, who closed over whom."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased

from booking.closing import hits
from booking.lifecycle import LIVE, BookingState
from booking.models import Booking, BookingKind
from booking.queries.ledger import held_with_holders
from core.audit import AuditEntry
from core.intervals import Interval
from facilities.models import Instrument

CLOSING_KINDS = (BookingKind.CLOSURE, BookingKind.MAINTENANCE)
CLOSED_OUT = "close_out"
"""The verb under which the audit keeps whose bookings a closure has cancelled; its subject is the closure."""


def in_the_way(session: Session, instrument: Instrument, stretches: Sequence[Interval]) -> list[Booking]:
    """What is held of an instrument in any of these stretches, buffers included, with who holds it; one statement.

    Bookings of other instruments in its group do not mind this one's closure.
    """
    span = Interval(stretches[0].start, stretches[-1].end)
    held = session.scalars(held_with_holders(instrument, span).execution_options(populate_existing=True)).unique()
    return [row for row in held if row.instrument_id == instrument.id and hits(row.held, stretches)]


def these(booking_ids: Collection[UUID]) -> Select[Booking]:
    """Bookings, in the order in which they are locked, as they are now."""
    found = select(Booking).where(Booking.id.in_(booking_ids)).order_by(Booking.id)
    return found.execution_options(populate_existing=True)


def closed_out_by(rows: Collection[Booking]) -> Select[UUID | None]:
    """Who cancelled other people's bookings for a closure (its rows)."""
    return (
        select(AuditEntry.person_id)
        .where(
            AuditEntry.subject == Booking.__tablename__,
            AuditEntry.verb == CLOSED_OUT,
            AuditEntry.subject_id.in_([row.id for row in rows]),
        )
        .limit(1)
    )


def bookings_closed_out(since: datetime, now: datetime) -> Select[Booking]:
    """Bookings (joined to their instrument) still to come that a closure has cancelled since then and holds yet."""
    closure = aliased(Booking)
    by = (
        select(closure.id)
        .where(
            closure.instrument_id == Booking.instrument_id,
            closure.kind.in_(CLOSING_KINDS),
            closure.state.in_(LIVE),
            closure.created_at == Booking.changed_at,
            closure.starts_at < Booking.held_until,
            closure.ends_at > Booking.held_from,
        )
        .exists()
    )
    return (
        select(Booking)
        .join(Instrument, Instrument.id == Booking.instrument_id)
        .where(
            Booking.state == BookingState.CANCELLED,
            Booking.kind.not_in(CLOSING_KINDS),
            Booking.changed_at >= since,
            Booking.starts_at > now - timedelta(days=1),
            by,
        )
    )
