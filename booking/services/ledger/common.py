"""What the ledger's verbs share: the lock on a booking, sound texts, the mail to its holder."""

from collections.abc import Container
from datetime import datetime
from uuid import UUID

from accounts import queries as accounts
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind
from booking.policy import changes
from booking.queries import changes as change_queries
from booking.queries import ledger as queries
from booking.queries import qualified as bundle_queries
from booking.services.ledger.holding import lock_instruments
from core import mail
from core.db import Tx
from core.errors import Conflict, Invalid
from core.i18n import N_, either

LONGEST_TITLE = 200


def locked(tx: Tx, booking_id: UUID) -> Booking:
    """The booking, held after its instrument (docs/reference/locking.md)."""
    seen = tx.one(queries.booking(booking_id))
    return locked_with(tx, booking_id, lock_instruments(tx, [seen.instrument_id]))


def locked_with(tx: Tx, booking_id: UUID, instruments: Container[UUID]) -> Booking:
    """The booking, held after these instruments; Conflict when it has left them for another one meanwhile."""
    row = tx.lock(queries.booking(booking_id))
    if row.instrument_id not in instruments:
        raise changed_meanwhile()
    return row


def locked_bundle(tx: Tx, booking_id: UUID, *instrument_ids: UUID) -> tuple[Booking, list[Booking]]:
    """The booking and the others that were made together with it, held after all of their instruments and these."""
    seen = tx.one(queries.booking(booking_id))
    together = tx.session.scalars(change_queries.bundle_of(seen)).all()
    concerned = {seen.instrument_id, *(each.instrument_id for each in together), *instrument_ids}
    instruments = lock_instruments(tx, concerned)
    row = locked_with(tx, booking_id, instruments)
    statement = change_queries.bundle_of(row).with_for_update().execution_options(populate_existing=True)
    beside = [each for each in tx.session.scalars(statement) if each.id != row.id]
    if any(each.instrument_id not in instruments for each in beside):
        raise changed_meanwhile()
    return row, beside


def free_until(row: Booking) -> datetime:
    """Until when a confirmed booking is cancelled free of charge: its start, or earlier where a rule says so."""
    rules = row.instrument.rules
    return changes.free_until(row.starts_at, rules.free_cancel_minutes if rules else 0)


def is_late(row: Booking, now: datetime) -> bool:
    """Whether it is too late to give confirmed time back free of charge."""
    return row.state is BookingState.CONFIRMED and now > free_until(row)


def check_is_no_offer(row: Booking) -> None:
    """Conflict "is_offer" while a tentative booking only holds time that the waitlist offers."""
    if row.is_offer:
        raise Conflict(N_("This time is only offered to you. Accept it first."), code="is_offer")


def changed_meanwhile() -> Conflict:
    """The refusal of a change to something that is no longer what the person saw."""
    return Conflict(code="changed_meanwhile")


def whole(tx: Tx, row: Booking) -> list[Booking]:
    """The booking itself; of a closure every unit's row; of a bundle all that is still held together with it."""
    if row.kind in (BookingKind.CLOSURE, BookingKind.MAINTENANCE):
        return list(tx.session.scalars(queries.same_closure(row).with_for_update())) or [row]
    return bundle_of(tx, row) or [row]


def bundle_of(tx: Tx, row: Booking) -> list[Booking]:
    """The live bookings that were made together with one, itself among them; `locked_bundle` has locked all of them."""
    return list(tx.session.scalars(change_queries.bundle_of(row))) if row.bundle_id is not None else []


def sound_title(title: str) -> str:
    """Without blanks around it; Invalid when it is too long."""
    if len(title.strip()) > LONGEST_TITLE:
        message = N_("At most %(most)s characters, please.")
        raise Invalid(message, code="title_too_long", fields={"title": message}, most=LONGEST_TITLE)
    return title.strip()


def reason_missing() -> Invalid:
    """The refusal of an act that somebody else will want to know the reason of."""
    message = N_("Please say why: the person who holds the booking reads it.")
    return Invalid(message, code="reason_missing", fields={"reason": message})


def tell(tx: Tx, row: Booking, template: str, now: datetime, **more: str) -> None:
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
            "instrument": _instruments_named(tx, row, person.language),
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


def _instruments_named(tx: Tx, row: Booking, language: str) -> str:
    """The instrument of a booking, and those that were booked together with it."""
    beside = tx.session.scalars(bundle_queries.made_together(row)).all() if row.bundle_id is not None else []
    instruments = dict.fromkeys([row.instrument, *(each.instrument for each in beside)])
    return ", ".join(either(language, one.name_it, one.name) for one in instruments)
