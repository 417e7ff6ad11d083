"""Where a booking that moves may go: through the ledger's gate, by a manager's leave, or into time it holds already."""

from datetime import datetime
from uuid import UUID

from accounts.policy import Actor
from booking.changing import limits_for_managers, limits_while_running, limits_within
from booking.models import Booking, BookingKind
from booking.policy import changes as policy
from booking.queries import ledger as queries
from booking.services.ledger.admission import Wish, admit
from booking.services.ledger.holding import Claim, free_unit
from booking.services.ledger.qualified import check_qualified, check_staff
from booking.services.ledger.quotas import check_quotas
from booking.terms import check_times
from core.db import Tx
from core.errors import Conflict, Invalid
from core.i18n import N_
from core.intervals import Interval
from facilities.models import Instrument


def new_place(
    tx: Tx,
    row: Booking,
    wanted: Interval,
    instrument: Instrument,
    actor: Actor,
    now: datetime,
    others: frozenset[UUID],
    together_with: frozenset[UUID],
) -> Claim:
    """What a locked booking may become; `others` are bookings that the transaction moves, too.

    Its holder asks `admit`, as for a new one. Three things are easier: time that is only given back is not asked for
    anew; of a booking that runs the end alone moves, and it was early enough when it was made; managers put others'
    bookings where the instrument runs and is free, whatever limits members (mode, lengths, lead, horizon, quotas).
    """
    stays, runs = instrument.id == row.instrument_id, policy.runs(row.starts_at, row.checked_in_at, now)
    if runs:
        _check_end_alone(row, wanted, stays, now)
    terms, since = queries.terms_of(instrument), wanted.start if runs else now
    if stays and policy.gives_back_only(row.interval, wanted):
        limits = limits_while_running(terms) if runs else limits_within(terms)
        return _kept(row, check_times(limits, wanted.start, wanted.end, since))
    gives_back = others | {row.id}
    if not actor.is_person(row.person_id) or row.kind is BookingKind.ROUND:
        if row.person_id is not None and not stays:
            check_qualified(tx, instrument, row.person_id, wanted, row.is_assisted, now)
        check_times(limits_for_managers(terms), wanted.start, wanted.end, since)
        return _free(tx, row, instrument, wanted, actor, gives_back)
    wish = _wish(row, wanted, gives_back, together_with)
    if not runs:
        return admit(tx, instrument, wish, actor, now)
    check_times(limits_while_running(terms), wanted.start, wanted.end, since)
    check_qualified(tx, instrument, wish.person_id, wanted, wish.is_assisted, now)
    check_quotas(tx, instrument, wish.person_id, wish.organisation_id, wanted, wish.gives_back, now)
    return _free(tx, row, instrument, wanted, actor, gives_back)


def _wish(row: Booking, wanted: Interval, gives_back: frozenset[UUID], together_with: frozenset[UUID]) -> Wish:
    assert row.person_id is not None  # noqa: S101 - it is the actor's
    assert row.organisation_id is not None  # noqa: S101 - members book in the name of one
    return Wish(
        wanted,
        row.person_id,
        row.organisation_id,
        row.title,
        row.is_assisted,
        gives_back,
        together_with,
        row.unit,
        row.bundle_id,
    )


def _kept(row: Booking, wanted: Interval) -> Claim:
    """The booking at a part of its time, with the buffers that it has."""
    before, after = row.starts_at - row.held_from, row.held_until - row.ends_at
    return Claim(row.kind, row.state, wanted, row.unit, held=Interval(wanted.start - before, wanted.end + after))


def _free(
    tx: Tx, row: Booking, instrument: Instrument, wanted: Interval, actor: Actor, gives_back: frozenset[UUID]
) -> Claim:
    """The booking at a stretch that has staff, where it needs some, and a free unit."""
    check_staff(tx, instrument, wanted, row.is_assisted, gives_back, row.bundle_id)
    unit = free_unit(tx, instrument, wanted, actor, gives_back, row.unit)
    return Claim(row.kind, row.state, wanted, unit, held=queries.terms_of(instrument).held(wanted))


def _check_end_alone(row: Booking, wanted: Interval, stays: bool, now: datetime) -> None:
    if wanted.start != row.starts_at or not stays:
        message = N_("This booking has begun: only its end can be moved.")
        raise Conflict(message, code="has_begun", fields={"start": message})
    if wanted.end <= now:
        message = N_("The end is in the past.")
        raise Invalid(message, code="in_the_past", fields={"end": message})
