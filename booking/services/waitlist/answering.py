"""What a person does with their own place: accept or decline an offer, leave."""

from datetime import datetime
from uuid import UUID

from accounts.policy import Actor, No
from booking.lifecycle import BookingState
from booking.models import Booking, Waiting, WaitState
from booking.policy import waitlist as policy
from booking.queries import ledger
from booking.queries import waitlist as queries
from booking.services.ledger.admission import Wish, admit
from booking.services.ledger.common import tell
from booking.services.ledger.holding import change_state, lock_instruments
from booking.services.waitlist.offering import back_to_waiting, end_place, settle
from core.db import Tx, transaction
from core.errors import Conflict, Forbidden, Refusal
from core.i18n import N_


def accept(place_id: UUID, booking_id: UUID, actor: Actor, now: datetime) -> UUID:
    """Take the offered time: booked at once, or waiting for a manager where managers approve. Gives the booking's id.

    All rules are asked again. Accepting twice changes nothing. Refusals: Forbidden (policy; who has lost the right to
    book loses offer and place too), Conflict "offer_over", what `admit` refuses (then the offer still stands).
    """
    refusal: Refusal | None = None
    with transaction() as tx:
        row = _locked(tx, place_id, actor)
        if row.state is WaitState.BOOKED and row.booking_id == booking_id:
            return booking_id
        booking = _offered(tx, row, booking_id)
        refusal = _lost_right(actor, row) or _over(row, now)
        if refusal is None:
            _take(tx, row, booking, actor, now)
        else:
            settle(tx, row, now)
    if refusal is not None:  # the offer's end is stored by now
        raise refusal
    return booking_id


def decline(place_id: UUID, booking_id: UUID, actor: Actor, now: datetime) -> None:
    """Let an offer go to the next one and wait on for another time. Declining twice changes nothing."""
    with transaction() as tx:
        row = _locked(tx, place_id, actor)
        if row.booking_id != booking_id:
            return
        booking = _offered(tx, row, booking_id)
        change_state(tx, booking, "cancel", actor, now)
        back_to_waiting(tx, row, "decline", actor, now)


def leave(place_id: UUID, actor: Actor, now: datetime) -> None:
    """Wait no longer; a standing offer goes to the next one. Leaving twice changes nothing."""
    with transaction() as tx:
        row = _locked(tx, place_id, actor)
        if row.state not in queries.STANDING:
            return
        if row.state is WaitState.OFFERED and row.booking_id is not None:
            booking = tx.lock(ledger.booking(row.booking_id))
            if booking.is_offer:
                change_state(tx, booking, "cancel", actor, now)
        end_place(tx, row, WaitState.LEFT, "leave", actor, now)


def _locked(tx: Tx, place_id: UUID, actor: Actor) -> Waiting:
    """The actor's place, held after its instrument (docs/reference/locking.md)."""
    seen = tx.one(queries.place(place_id))
    policy.may_answer(actor, seen.person_id, seen.instrument.facility_id).or_refuse()
    lock_instruments(tx, [seen.instrument_id])
    return tx.lock(queries.place(place_id))


def _offered(tx: Tx, row: Waiting, booking_id: UUID) -> Booking:
    """The booking that holds the offer; Conflict when this offer does not stand (any more)."""
    if row.state is not WaitState.OFFERED or row.booking_id != booking_id:
        raise _offer_over()
    booking = tx.lock(ledger.booking(booking_id))
    if not booking.is_offer:
        raise _offer_over()
    return booking


def _lost_right(actor: Actor, row: Waiting) -> Refusal | None:
    answer = policy.may_wait(actor, row.organisation_id)
    return Forbidden(answer.reason, code=answer.code) if isinstance(answer, No) else None


def _over(row: Waiting, now: datetime) -> Refusal | None:
    return _offer_over() if row.offered_until is None or row.offered_until <= now else None


def _offer_over() -> Conflict:
    return Conflict(N_("This offer is over; the time may have gone to somebody else."), code="offer_over")


def _take(tx: Tx, row: Waiting, booking: Booking, actor: Actor, now: datetime) -> None:
    """Ask all rules once more, the hold being in nobody's way, and take the step that they lead to."""
    wish = Wish(
        booking.interval,
        row.person_id,
        row.organisation_id,
        row.title,
        is_assisted=booking.is_assisted,
        gives_back=frozenset({booking.id}),
        unit=booking.unit,
    )
    claim = admit(tx, row.instrument, wish, actor, now)
    booking.kind = claim.kind
    is_sure = claim.state is BookingState.CONFIRMED
    change_state(tx, booking, "accept" if is_sure else "accept_for_approval", actor, now)
    end_place(tx, row, WaitState.BOOKED, "accept", actor, now)
    tell(tx, booking, "booking_confirmed" if is_sure else "booking_asked", now)
