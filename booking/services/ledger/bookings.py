"""Members book: one instrument, or several at once, all or none."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from accounts.policy import Actor
from booking.lifecycle import BookingState
from booking.models import Booking
from booking.policy import ledger as policy
from booking.services.ledger.admission import Wish, admit
from booking.services.ledger.common import sound_title, tell
from booking.services.ledger.holding import hold, lock_instruments
from booking.terms import stretch
from core import idempotency
from core.db import Tx, transaction
from core.errors import Invalid, Refusal
from core.i18n import N_, either, say
from facilities.models import Instrument

MOST_INSTRUMENTS = 20


@dataclass(frozen=True)
class Order:
    """The same time on one or several instruments of a facility, the first being the one it is about."""

    instrument_ids: tuple[UUID, ...]
    organisation_id: UUID | None
    start: datetime
    end: datetime
    title: str = ""
    is_assisted: bool = False


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
    """Hold [start, end) of one instrument for the actor; as `book_together`."""
    return book_together(Order((instrument_id,), organisation_id, start, end, title), actor, now, key)


def book_together(order: Order, actor: Actor, now: datetime, key: str) -> UUID:
    """Hold the time for the actor on all instruments or on none: confirmed, or tentative where a manager approves.

    Gives the id of the first instrument's booking; several have one `bundle_id`. The same `key` gives the same booking
    again. Refusals: Forbidden (policy), Conflict (mode, rules, taken), Invalid (times); those of a further instrument
    name it, beside the field "also".
    """
    with transaction() as tx:
        policy.may_book(actor, order.organisation_id).or_refuse()
        assert actor.person_id is not None  # noqa: S101 - the policy has just said so
        assert order.organisation_id is not None  # noqa: S101 - likewise
        known = idempotency.made_before(tx, actor.person_id, key, "book")
        if known is not None:
            return known
        instruments = _instruments(tx, order)
        bundle_id = uuid4() if len(instruments) > 1 else None
        wish = Wish(
            stretch(order.start, order.end),
            actor.person_id,
            order.organisation_id,
            sound_title(order.title),
            order.is_assisted,
            bundle_id=bundle_id,
        )
        rows = [_one_of(tx, one, instruments, wish, actor, now) for one in instruments]
        idempotency.remember(tx, actor.person_id, key, "book", rows[0].id, now)
        tell(tx, rows[0], _template(rows[0]), now)
        return rows[0].id


def _instruments(tx: Tx, order: Order) -> list[Instrument]:
    """The instruments of an order, locked at once, in its order; Invalid when they are not of one facility.

    Whoever decides on one of them decides on all, and staff is counted by facility.
    """
    wanted = list(dict.fromkeys(order.instrument_ids))
    if not 0 < len(wanted) <= MOST_INSTRUMENTS:
        raise Invalid(code="instruments")
    locked = lock_instruments(tx, wanted)
    if len({one.facility_id for one in locked.values()}) > 1:
        message = N_("Only instruments of one facility are booked together.")
        raise Invalid(message, code="other_facility", fields={"also": message})
    return [locked[one] for one in wanted]


def _one_of(
    tx: Tx, instrument: Instrument, instruments: list[Instrument], wish: Wish, actor: Actor, now: datetime
) -> Booking:
    """Admit and hold one of the instruments; the refusal of a further one names it."""
    others = frozenset(one.id for one in instruments if one is not instrument)
    try:
        return hold(tx, instrument, admit(tx, instrument, replace(wish, together_with=others), actor, now), actor, now)
    except Refusal as refusal:
        if instrument is instruments[0]:
            raise
        raise _named(refusal, instrument, actor) from refusal


def _named(refusal: Refusal, instrument: Instrument, actor: Actor) -> Refusal:
    sentence = N_("%(instrument)s: %(why)s")
    name = either(actor.language, instrument.name_it, instrument.name)
    why = say(actor.language, refusal.message, refusal.values)
    return type(refusal)(sentence, code=refusal.code, fields={"also": sentence}, instrument=name, why=why)


def _template(row: Booking) -> str:
    return "booking_confirmed" if row.state is BookingState.CONFIRMED else "booking_asked"
