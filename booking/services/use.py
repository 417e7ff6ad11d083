"""Checking in and out, releasing what nobody uses, and writing used hours into the share ledger.

What was booked together is used together: a check-in at one instrument of a bundle counts for all of it.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select

from accounts.policy import SYSTEM, Actor
from booking import use
from booking.lifecycle import BookingState
from booking.models import Booking, ShareKind
from booking.policy import use as policy
from booking.queries import ledger
from booking.queries import use as queries
from booking.services.ledger.common import tell
from booking.services.ledger.holding import change_state, lock_instruments
from booking.services.ledger.shares import charge
from core.db import Tx, transaction
from core.errors import Conflict
from core.i18n import N_
from facilities.services.qualifications import used

MINUTE = timedelta(minutes=1)

logger = logging.getLogger("equora.booking")


def check_in(booking_id: UUID, actor: Actor, now: datetime) -> None:
    """Say that the time is used, from a quarter of an hour before its start. Twice changes nothing.

    Refusals: Conflict "not_confirmed", "too_early" or "is_over".
    """
    with transaction() as tx:
        row, together = _locked(tx, booking_id)
        policy.may_check_in(actor, ledger.held(row)).or_refuse()
        if row.checked_in_at is not None:
            return
        _check_may_begin(row, now)
        for each in together:
            if use.can_check_in(queries.slot_of(each), now):
                each.checked_in_at = now
                change_state(tx, each, "check_in", actor, now)


def check_out(booking_id: UUID, actor: Actor, now: datetime) -> None:
    """Leave: what is left of the time after the next instant of the grid is free again. Twice changes nothing.

    Refusals: Conflict "not_checked_in" or "is_over".
    """
    with transaction() as tx:
        row, together = _locked(tx, booking_id)
        policy.may_check_in(actor, ledger.held(row)).or_refuse()
        if row.checked_out_at is not None:
            return
        if row.checked_in_at is None:
            raise Conflict(N_("Nobody has checked in to this booking."), code="not_checked_in")
        if not use.can_check_out(queries.slot_of(row), now):
            raise _is_over()
        for each in together:
            if use.can_check_out(queries.slot_of(each), now):
                _leave(tx, each, actor, now)


def release_no_shows(now: datetime) -> int:
    """Release every booking that nobody has checked in to in time; how many. Safe on several workers at once."""
    return _each(queries.perhaps_unused(now), _release, now)


def close_past_bookings(now: datetime) -> int:
    """Write the use of bookings that are over into the share ledger; how many. Safe on several workers at once."""
    return _each(queries.ended_and_not_settled(now), _close, now)


def _each(wanted: Select[UUID], act: Callable[[UUID, datetime], bool], now: datetime) -> int:
    """Act on each booking in a transaction of its own, so that one that cannot be settled stops no other."""
    with transaction() as tx:
        booking_ids = tx.session.scalars(wanted).all()
    done = 0
    for booking_id in booking_ids:
        try:
            done += act(booking_id, now)
        except Exception:
            logger.exception("booking %s could not be settled", booking_id)
    return done


def _release(booking_id: UUID, now: datetime) -> bool:
    with transaction() as tx:
        row, together = _locked(tx, booking_id)
        if not _nobody_came(row, together, now):
            return False
        for each in (one for one in together if one.id == row.id or one.ends_at > now):
            minutes = use.minutes_of_no_show(queries.slot_of(each))
            each.no_show_at = now
            change_state(tx, each, "release", SYSTEM, now)
            _charge(tx, each, ShareKind.NO_SHOW, minutes, now)
        tell(tx, row, "booking_released", now)
        return True


def _close(booking_id: UUID, now: datetime) -> bool:
    with transaction() as tx:
        row, together = _locked(tx, booking_id)
        is_over = row.state is BookingState.CONFIRMED and row.ends_at <= now
        if not is_over or _nobody_came(row, together, now) or tx.session.scalar(queries.use_written(row)):
            return False
        if row.checked_in_at is not None and row.checked_out_at is None:
            row.checked_out_at = row.ends_at
            change_state(tx, row, "check_out", SYSTEM, now)
        _settle(tx, row, now)
        return True


def _leave(tx: Tx, row: Booking, actor: Actor, now: datetime) -> None:
    end = use.end_after_check_out(queries.slot_of(row), ledger.terms_of(row.instrument), now)
    freed = row.ends_at - end
    if freed:
        row.booked_until = row.ends_at
        row.ends_at = end
        row.held_until -= freed
    row.checked_out_at = now
    change_state(tx, row, "check_out", actor, now, facts={"ends_at": end.isoformat(), "freed_minutes": freed // MINUTE})
    _settle(tx, row, now)


def _settle(tx: Tx, row: Booking, now: datetime) -> None:
    """Write a use into the share ledger, once; qualifications that end unused hear of it."""
    _charge(tx, row, ShareKind.USED, use.minutes_used(queries.slot_of(row)), now)
    if row.person_id is not None:
        used(tx, row.person_id, row.instrument, row.checked_out_at or row.ends_at)


def _charge(tx: Tx, row: Booking, kind: ShareKind, minutes: use.Minutes, now: datetime) -> None:
    charge(tx, row, kind, booked=minutes.booked, used=minutes.used, charged=minutes.charged, now=now)


def _locked(tx: Tx, booking_id: UUID) -> tuple[Booking, Sequence[Booking]]:
    """The booking and all that is confirmed together with it, held after their instruments."""
    seen = tx.one(ledger.booking(booking_id))
    instruments = {
        seen.instrument_id,
        *(each.instrument_id for each in tx.session.scalars(queries.made_together(seen))),
    }
    lock_instruments(tx, instruments)
    together = queries.made_together(seen).with_for_update().execution_options(populate_existing=True)
    rows = tx.session.scalars(together).all()
    return tx.lock(ledger.booking(booking_id)), rows


def _nobody_came(row: Booking, together: Sequence[Booking], now: datetime) -> bool:
    return use.is_no_show(queries.slot_of(row), now) and all(each.checked_in_at is None for each in together)


def _check_may_begin(row: Booking, now: datetime) -> None:
    slot = queries.slot_of(row)
    if not slot.is_confirmed:
        raise Conflict(N_("Only a confirmed booking can be checked in to."), code="not_confirmed")
    if now < use.opens_at(slot):
        zone = ledger.terms_of(row.instrument).zone
        opens = f"{use.opens_at(slot).astimezone(zone):%Y-%m-%d %H:%M}"
        raise Conflict(N_("Check-in opens at %(opens)s."), code="too_early", opens=opens)
    if not use.can_check_in(slot, now):
        raise _is_over()


def _is_over() -> Conflict:
    return Conflict(N_("This booking is over."), code="is_over")
