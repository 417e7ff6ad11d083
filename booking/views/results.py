"""What came of decisions on several bookings, in words: each by itself, for each was decided by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask_babel import gettext as _

from accounts.policy import Actor
from booking.lifecycle import BookingState
from booking.models import Booking
from booking.queries import approvals as queries
from booking.services import ledger
from core import formats
from core.db import db
from core.errors import Refusal
from core.i18n import either
from core.web import current_language


@dataclass(frozen=True)
class Told:
    """One booking's outcome: which it was, what is said, and the refusal, if it was one."""

    booking_id: UUID
    which: str
    says: str
    refusal: Refusal | None = None


def told_of(
    wanted: Sequence[ledger.Wanted], decision: ledger.Decision, actor: Actor, now: datetime, reason: str
) -> list[Told]:
    """Decide on each and tell of each; a booking that the actor has no say in is not named."""
    ids = [one.booking_id for one in wanted]
    rows = db.session.scalars(queries.waiting_for(actor, now).where(Booking.id.in_(ids))).unique().all()
    which = {row.id: _which(row) for row in rows}
    return [
        Told(one.booking_id, which.get(one.booking_id, str(_("A booking"))), _says(one), one.refusal)
        for one in ledger.decide_each(wanted, decision, actor, now, reason)
    ]


def _which(row: Booking) -> str:
    language, zone = current_language(), row.instrument.facility.timezone
    name = either(language, row.instrument.name_it, row.instrument.name)
    when = formats.span(row.starts_at, row.ends_at, zone, language)
    return f"{row.person.name if row.person else ''} · {name} · {when}"


def _says(one: ledger.Result) -> str:
    if one.refusal is not None:
        return str(_(one.refusal.message, **one.refusal.values))
    return {
        BookingState.CONFIRMED: str(_("Approved. The member is told by mail.")),
        BookingState.TENTATIVE: str(_("This level is given; the next one is somebody else’s.")),
        BookingState.REFUSED: str(_("The booking is refused.")),
    }.get(one.state or BookingState.CANCELLED, str(_("Nothing has changed.")))
