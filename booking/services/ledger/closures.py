"""Closures and maintenance: time in which an instrument does not run, entered by its facility's managers."""

from datetime import datetime
from uuid import UUID

from accounts.policy import Actor
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind
from booking.policy import ledger as policy
from booking.queries import ledger as queries
from booking.services.ledger.holding import Claim, hold, lock_instruments
from core import idempotency
from core.db import transaction
from core.errors import Conflict, Invalid
from core.i18n import N_
from core.intervals import Interval
from facilities.models import Instrument

CLOSING_KINDS = (BookingKind.CLOSURE, BookingKind.MAINTENANCE)


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
    """Hold every unit of an instrument for a closure; Conflict "bookings_hit" lists what is in the way.

    Gives the id of the first unit's row: cancelling any of them reopens all.
    """
    with transaction() as tx:
        policy.may_close(actor, tx.one(queries.instrument(instrument_id)).facility_id).or_refuse()
        assert actor.person_id is not None  # noqa: S101 - the policy has just said so
        known = idempotency.made_before(tx, actor.person_id, key, "close")
        if known is not None:
            return known
        instrument = lock_instruments(tx, [instrument_id])[instrument_id]
        wanted = _checked(start, end, kind, now)
        hit = [row for row in tx.session.scalars(queries.held_on(instrument, wanted)) if _is_hit(row, instrument)]
        if hit:
            raise _in_the_way(hit, instrument)
        made = [
            hold(tx, instrument, Claim(kind, BookingState.CONFIRMED, wanted, unit, note.strip()[:200]), actor, now)
            for unit in range(instrument.capacity)
        ]
        idempotency.remember(tx, actor.person_id, key, "close", made[0].id, now)
        return made[0].id


def _checked(start: datetime, end: datetime, kind: BookingKind, now: datetime) -> Interval:
    if kind not in CLOSING_KINDS:
        raise Invalid(code="not_a_closure")
    if end <= start:
        message = N_("The end must be after the start.")
        raise Invalid(message, code="ends_before_start", fields={"end": message})
    if end <= now:
        message = N_("A closure cannot lie in the past.")
        raise Invalid(message, code="in_the_past", fields={"end": message})
    return Interval(start, end)


def _is_hit(row: Booking, instrument: Instrument) -> bool:
    """Bookings of other instruments in the group do not mind this one's closure."""
    return row.instrument_id == instrument.id


def _in_the_way(hit: list[Booking], instrument: Instrument) -> Conflict:
    zone = queries.terms_of(instrument).zone
    listed = "; ".join(
        f"{row.starts_at.astimezone(zone):%Y-%m-%d %H:%M} – {row.ends_at.astimezone(zone):%Y-%m-%d %H:%M} "
        f"({row.person.name if row.person else row.title or row.kind})"
        for row in hit
    )
    message = N_("These bookings are in the way; cancel or move them first: %(bookings)s")
    return Conflict(message, code="bookings_hit", bookings=listed)
