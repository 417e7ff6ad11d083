"""Members book."""

from datetime import datetime
from uuid import UUID

from accounts.policy import Actor
from booking.lifecycle import BookingState
from booking.policy import ledger as policy
from booking.services.ledger.admission import Wish, admit
from booking.services.ledger.common import sound_title, tell
from booking.services.ledger.holding import hold, lock_instruments
from booking.terms import stretch
from core import idempotency
from core.db import transaction


def book(
    instrument_id: UUID,
    organisation_id: UUID | None,
    start: datetime,
    end: datetime,
    title: str,
    actor: Actor,
    now: datetime,
    key: str,
) -> UUID:
    """Hold [start, end) for the actor: confirmed on an instant instrument, tentative where a manager approves.

    The same `key` gives the same booking again. Refusals: Forbidden (policy), Conflict (mode, taken), Invalid (times).
    """
    with transaction() as tx:
        policy.may_book(actor, organisation_id).or_refuse()
        assert actor.person_id is not None  # noqa: S101 - the policy has just said so
        assert organisation_id is not None  # noqa: S101 - likewise
        known = idempotency.made_before(tx, actor.person_id, key, "book")
        if known is not None:
            return known
        instrument = lock_instruments(tx, [instrument_id])[instrument_id]
        wish = Wish(stretch(start, end), actor.person_id, organisation_id, sound_title(title))
        row = hold(tx, instrument, admit(tx, instrument, wish, actor, now), actor, now)
        idempotency.remember(tx, actor.person_id, key, "book", row.id, now)
        tell(tx, row, "booking_confirmed" if row.state is BookingState.CONFIRMED else "booking_asked", now)
        return row.id
