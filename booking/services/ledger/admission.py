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
from booking.services.ledger.qualified import check_qualified, check_staff, is_helped
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
    in the way nor counted. `together_with` names the other instruments that are booked along with this one, all under
    one `bundle_id`. `unit` is taken before all others when it is free.
    """

    interval: Interval
    person_id: UUID
    organisation_id: UUID
    title: str = ""
    is_assisted: bool = False
    gives_back: frozenset[UUID] = frozenset()
    together_with: frozenset[UUID] = frozenset()
    unit: int | None = None
    bundle_id: UUID | None = None


def admit(tx: Tx, instrument: Instrument, wish: Wish, actor: Actor, now: datetime) -> Claim:
    """What `hold` may insert for a wish: confirmed on an instant instrument, tentative where managers approve.

    What is booked together waits together: one instrument with approval makes all of them tentative.

    Refusals, in this order: Conflict (mode), Invalid (times, each beside its field), Conflict (qualification, staff,
    quota), Conflict "taken" with who has it and what is free next as far as the actor may know.
    """
    check_bookable(tx, instrument, wish.interval, wish.together_with, now, actor.language)
    terms = queries.terms_of(instrument)
    wanted = check_times(terms, wish.interval.start, wish.interval.end, now)
    is_assisted = is_helped(instrument, wish.is_assisted)
    check_qualified(tx, instrument, wish.person_id, wanted, is_assisted, now)
    check_staff(tx, instrument, wanted, is_assisted, wish.gives_back, wish.bundle_id)
    check_quotas(tx, instrument, wish.person_id, wish.organisation_id, wanted, wish.gives_back, now)
    needs_approval = _needs_approval(tx, instrument, wish)
    return Claim(
        kind=BookingKind.APPROVAL if needs_approval else BookingKind.INSTANT,
        state=BookingState.TENTATIVE if needs_approval else BookingState.CONFIRMED,
        interval=wanted,
        held=terms.held(wanted),
        unit=free_unit(tx, instrument, wanted, actor, wish.gives_back, wish.unit),
        title=wish.title,
        person_id=wish.person_id,
        organisation_id=wish.organisation_id,
        is_assisted=is_assisted,
        bundle_id=wish.bundle_id,
    )


def _needs_approval(tx: Tx, instrument: Instrument, wish: Wish) -> bool:
    along = tx.session.scalars(queries.instruments(wish.together_with)) if wish.together_with else ()
    return any(one.booking_mode is BookingMode.APPROVAL for one in (instrument, *along))
