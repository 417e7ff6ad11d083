"""Which instruments members book themselves, and when: by mode, with their parent, or what a round has left."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from booking.models import Round
from booking.queries import ledger as ledger_queries
from booking.queries import qualified as queries
from booking.terms import check_mode
from core.db import Tx
from core.errors import Conflict, Refusal
from core.i18n import N_, either
from core.intervals import Interval, difference
from facilities.models import Instrument
from facilities.policy import BookingMode


def check_bookable(
    tx: Tx,
    instrument: Instrument,
    wanted: Interval,
    together_with: Collection[UUID],
    now: datetime,
    language: str,
) -> None:
    """Conflict when members cannot book this time of the instrument themselves, in the reader's language."""
    mode = instrument.booking_mode
    if mode is BookingMode.WITH_PARENT:
        parent_id = instrument.rules.parent_id if instrument.rules else None
        if parent_id is not None and parent_id not in together_with:
            raise without_its_parent(tx.one(ledger_queries.instrument(parent_id)), language)
        is_given = parent_id is not None
    else:
        is_given = any(one.holds(wanted) for one in leftover_of(tx.session, instrument, now))
    if not is_given:
        check_mode(mode)


def without_its_parent(parent: Instrument, language: str) -> Refusal:
    """The refusal of an instrument that is booked alone, naming the one it belongs to."""
    message = N_("This instrument is booked only together with %(parent)s.")
    name = either(language, parent.name_it, parent.name)
    return Conflict(message, code="given_with_another", parent=name)


def leftover_of(session: Session, instrument: Instrument, now: datetime) -> list[Interval]:
    """Where published rounds let members book at once what is free: their horizons without the time they keep back.

    What another round that is under way gives is not left either. None of it where the instrument's time is not given
    in rounds, or its managers have said no.
    """
    if instrument.booking_mode is not BookingMode.ROUND or not _opens(instrument):
        return []
    rounds = session.scalars(queries.published_rounds_with(instrument.id, now)).all()
    if not rounds:
        return []
    kept = session.scalars(queries.kept_back([one.id for one in rounds], instrument.id))
    others = session.scalars(queries.rounds_under_way_with(instrument.id, now))
    closed = [*(Interval(one.starts_at, one.ends_at) for one in kept), *map(_horizon, others)]
    return difference(map(_horizon, rounds), closed)


def _horizon(round_: Round) -> Interval:
    return Interval(round_.horizon_start, round_.horizon_end)


def _opens(instrument: Instrument) -> bool:
    return instrument.rules is None or instrument.rules.opens_leftover
