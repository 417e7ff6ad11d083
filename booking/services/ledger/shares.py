"""The share ledger: hours of organisations, booked against used."""

from datetime import datetime
from zoneinfo import ZoneInfo

from booking.models import Booking, ShareEntry, ShareKind
from booking.queries import changes as queries
from core.db import Tx


def charge(
    tx: Tx, row: Booking, kind: ShareKind, *, booked: int, used: int, charged: int, now: datetime
) -> ShareEntry | None:
    """Write what a locked booking costs its organisation, in minutes; a second call for the same kind changes nothing.

    None: a booking that is no organisation's is not charged. `charged` is negative for a credit.
    """
    if row.organisation_id is None:
        return None
    known = tx.session.scalars(queries.share_entry(row, kind)).one_or_none()
    if known is not None:
        return known
    facility = row.instrument.facility
    entry = ShareEntry(
        booking_id=row.id,
        facility_id=facility.id,
        instrument_id=row.instrument_id,
        organisation_id=row.organisation_id,
        person_id=row.person_id,
        kind=kind,
        day=row.starts_at.astimezone(ZoneInfo(facility.timezone)).date(),
        booked_minutes=booked,
        used_minutes=used,
        charged_minutes=charged,
        at=now,
    )
    tx.session.add(entry)
    tx.session.flush()
    return entry
