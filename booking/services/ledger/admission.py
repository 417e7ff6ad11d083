"""The one gate to the ledger: whoever wants time on an instrument meets all of its rules here, in one order.

Booking, moving, repeating, handing over, swapping and the waitlist's offers all ask `admit`; the instrument is locked.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.policy import Actor
from booking.lifecycle import BookingState
from booking.models import BookingKind
from booking.queries import ledger as queries
from booking.services.ledger.holding import Claim, free_unit
from booking.services.ledger.leftover import check_bookable
from booking.services.ledger.qualified import check_qualified, check_staff
from booking.services.ledger.quotas import check_quotas
from booking.terms import check_times
from core.db import Tx
from core.intervals import Interval
from facilities.models import Instrument
from facilities.policy import BookingMode


@dataclass(frozen=True)
class Wish:
    """Time that a person wants on an instrument, in the name of an organisation.

    `gives_back` names bookings whose time the same transaction frees (a move gives its old time back): they are neither
    in the way nor counted. `together_with` names the other instruments that are booked along with this one. `unit` is
    taken before all others when it is free.
    """

    interval: Interval
    person_id: UUID
    organisation_id: UUID
    title: str = ""
    is_assisted: bool = False
    gives_back: frozenset[UUID] = frozenset()
    together_with: frozenset[UUID] = frozenset()
    unit: int | None = None


def admit(tx: Tx, instrument: Instrument, wish: Wish, actor: Actor, now: datetime) -> Claim:
    """What `hold` may insert for a wish: confirmed on an instant instrument, tentative where managers approve.

    Refusals, in this order: Conflict (mode), Invalid (times, each beside its field), Conflict (qualification, staff,
    quota), Conflict "taken" with who has it and what is free next as far as the actor may know.
    """
    check_bookable(tx, instrument, wish.interval, wish.together_with, now)
    terms = queries.terms_of(instrument)
    wanted = check_times(terms, wish.interval.start, wish.interval.end, now)
    check_qualified(tx, instrument, wish.person_id, wanted, wish.is_assisted, now)
    check_staff(tx, instrument, wanted, wish.is_assisted, wish.gives_back)
    check_quotas(tx, instrument, wish.person_id, wish.organisation_id, wanted, wish.gives_back, now)
    held = terms.held(wanted)
    needs_approval = instrument.booking_mode is BookingMode.APPROVAL
    return Claim(
        kind=BookingKind.APPROVAL if needs_approval else BookingKind.INSTANT,
        state=BookingState.TENTATIVE if needs_approval else BookingState.CONFIRMED,
        interval=wanted,
        held=held,
        unit=free_unit(tx, instrument, held, actor, wish.gives_back, wish.unit),
        title=wish.title,
        person_id=wish.person_id,
        organisation_id=wish.organisation_id,
        is_assisted=wish.is_assisted,
    )
