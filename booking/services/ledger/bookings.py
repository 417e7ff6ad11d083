"""Members' bookings: book, cancel; managers' decisions on them: approve, refuse."""

from datetime import datetime
from uuid import UUID

from accounts import queries as accounts
from accounts.policy import Actor
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind
from booking.policy import ledger as policy
from booking.queries import ledger as queries
from booking.services.ledger.holding import Claim, change_state, free_unit, hold, lock_instruments
from booking.terms import check_mode, check_times
from core import idempotency, mail
from core.db import Tx, transaction
from core.errors import Conflict, Invalid
from core.i18n import N_, either
from facilities.policy import BookingMode

LONGEST_TITLE = 200


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
        known = idempotency.made_before(tx, actor.person_id, key, "book")
        if known is not None:
            return known
        instrument = lock_instruments(tx, [instrument_id])[instrument_id]
        check_mode(instrument.booking_mode)
        wanted = check_times(queries.terms_of(instrument), start, end, now)
        is_instant = instrument.booking_mode is BookingMode.INSTANT
        claim = Claim(
            kind=BookingKind.INSTANT if is_instant else BookingKind.APPROVAL,
            state=BookingState.CONFIRMED if is_instant else BookingState.TENTATIVE,
            interval=wanted,
            unit=free_unit(tx, instrument, wanted, actor),
            title=_sound_title(title),
            person_id=actor.person_id,
            organisation_id=organisation_id,
        )
        row = hold(tx, instrument, claim, actor, now)
        idempotency.remember(tx, actor.person_id, key, "book", row.id, now)
        _tell(tx, row, "booking_confirmed" if is_instant else "booking_asked", now)
        return row.id


def cancel(booking_id: UUID, actor: Actor, now: datetime, reason: str = "") -> None:
    """Give the time back before it begins: the holder, or a manager with a reason. Cancelling twice changes nothing."""
    with transaction() as tx:
        row = _locked(tx, booking_id)
        held = queries.held(row)
        policy.may_cancel(actor, held).or_refuse()
        if row.state is BookingState.CANCELLED:
            return
        if policy.is_live(held) and policy.has_begun(held, now):
            raise Conflict(N_("This booking has begun and can no longer be cancelled."), code="has_begun")
        is_own = actor.is_person(row.person_id)
        if row.person_id is not None and not is_own and not reason.strip():
            raise _reason_missing()
        for each in _whole(tx, row):
            change_state(tx, each, "cancel", actor, now, reason.strip())
        _tell(tx, row, "booking_cancelled", now, reason=reason.strip(), by="" if is_own else actor.name)


def approve(booking_id: UUID, actor: Actor, now: datetime) -> None:
    """A manager confirms a tentative booking. Approving twice changes nothing."""
    with transaction() as tx:
        row = _locked(tx, booking_id)
        policy.may_decide(actor, queries.held(row)).or_refuse()
        if row.state is BookingState.CONFIRMED:
            return
        _check_not_begun(row, now)
        change_state(tx, row, "approve", actor, now)
        _tell(tx, row, "booking_confirmed", now)


def refuse(booking_id: UUID, actor: Actor, now: datetime, reason: str) -> None:
    """A manager refuses a tentative booking and says why. Refusing twice changes nothing."""
    with transaction() as tx:
        row = _locked(tx, booking_id)
        policy.may_decide(actor, queries.held(row)).or_refuse()
        if row.state is BookingState.REFUSED:
            return
        if not reason.strip():
            raise _reason_missing()
        change_state(tx, row, "refuse", actor, now, reason.strip())
        _tell(tx, row, "booking_refused", now, reason=reason.strip())


def _locked(tx: Tx, booking_id: UUID) -> Booking:
    """The booking, held after its instrument (docs/reference/locking.md)."""
    seen = tx.one(queries.booking(booking_id))
    lock_instruments(tx, [seen.instrument_id])
    return tx.lock(queries.booking(booking_id))


def _whole(tx: Tx, row: Booking) -> list[Booking]:
    """The booking itself; of a closure every unit's row."""
    if row.kind in (BookingKind.CLOSURE, BookingKind.MAINTENANCE):
        return list(tx.session.scalars(queries.same_closure(row).with_for_update())) or [row]
    return [row]


def _check_not_begun(row: Booking, now: datetime) -> None:
    if row.state is BookingState.TENTATIVE and policy.has_begun(queries.held(row), now):
        raise Conflict(N_("This booking has begun and can no longer be approved."), code="has_begun")


def _sound_title(title: str) -> str:
    if len(title.strip()) > LONGEST_TITLE:
        message = N_("At most %(most)s characters, please.")
        raise Invalid(message, code="title_too_long", fields={"title": message}, most=LONGEST_TITLE)
    return title.strip()


def _reason_missing() -> Invalid:
    message = N_("Please say why: the person who holds the booking reads it.")
    return Invalid(message, code="reason_missing", fields={"reason": message})


def _tell(tx: Tx, row: Booking, template: str, now: datetime, **more: str) -> None:
    """Mail the holder what has become of their booking; closures have no holder."""
    if row.person_id is None:
        return
    person = tx.one(accounts.person(row.person_id))
    instrument = row.instrument
    facility = instrument.facility
    mail.send(
        tx,
        key=f"{template}:{row.id}:{row.sequence}",
        to=person.email,
        language=person.language,
        template=template,
        values={
            "name": person.name,
            "title": row.title,
            "instrument": either(person.language, instrument.name_it, instrument.name),
            "facility": either(person.language, facility.name_it, facility.name_en),
            "city": facility.city,
            "starts_at": row.starts_at.isoformat(),
            "ends_at": row.ends_at.isoformat(),
            "zone": facility.timezone,
            "path": f"/bookings/{row.id}",
            **more,
        },
        at=now,
    )
