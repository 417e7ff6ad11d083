"""What the gate to the ledger asks about help and about time that goes with other time."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select

from booking.lifecycle import LIVE, RequestState, RoundState
from booking.models import Booking, Part, PartAlternative, Request, Round, RoundHold, RoundInstrument
from booking.queries.ledger import touching
from core.intervals import Interval
from facilities.models import Instrument, InstrumentRules
from facilities.policy import BookingMode


def assisted_at(facility_id: UUID, during: Interval) -> Select[Booking]:
    """Live bookings with somebody of the facility's staff that overlap a stretch."""
    return (
        select(Booking)
        .join(Booking.instrument)
        .where(
            Instrument.facility_id == facility_id,
            Booking.is_assisted,
            Booking.state.in_(LIVE),
            touching(during),
            Booking.starts_at < during.end,
            Booking.ends_at > during.start,
        )
    )


def made_together(row: Booking) -> Select[Booking]:
    """All bookings that were made together with one, itself among them, whatever has become of them."""
    return select(Booking).where(Booking.bundle_id == row.bundle_id).order_by(Booking.created_at, Booking.id)


def offered_along(instrument: Instrument) -> Select[Instrument]:
    """The facility's other instruments that may be bookable together with this one, in their order."""
    return (
        select(Instrument)
        .outerjoin(InstrumentRules, InstrumentRules.instrument_id == Instrument.id)
        .where(
            Instrument.facility_id == instrument.facility_id,
            Instrument.id != instrument.id,
            Instrument.booking_mode.in_((BookingMode.INSTANT, BookingMode.APPROVAL, BookingMode.WITH_PARENT)),
            (Instrument.booking_mode != BookingMode.WITH_PARENT) | (InstrumentRules.parent_id == instrument.id),
            (Instrument.exclusion_group_id.is_(None))
            | (Instrument.exclusion_group_id.is_distinct_from(instrument.exclusion_group_id)),
        )
        .order_by(Instrument.position, Instrument.id)
    )


# --- what rounds have left ----------------------------------------------------------------------------------


def published_rounds_with(instrument_id: UUID, now: datetime) -> Select[Round]:
    """Rounds that have given this instrument's time and whose horizon is not over, by horizon."""
    return (
        select(Round)
        .join(RoundInstrument, RoundInstrument.round_id == Round.id)
        .where(
            RoundInstrument.instrument_id == instrument_id,
            Round.state == RoundState.PUBLISHED,
            Round.published_at <= now,
            Round.horizon_end > now,
        )
        .order_by(Round.horizon_start, Round.id)
    )


def rounds_under_way_with(instrument_id: UUID, now: datetime) -> Select[Round]:
    """Rounds in which this instrument's time is competed for: open, in review or being allocated."""
    under_way = (RoundState.OPEN, RoundState.REVIEW, RoundState.ALLOCATION)
    return (
        select(Round)
        .join(RoundInstrument, RoundInstrument.round_id == Round.id)
        .where(RoundInstrument.instrument_id == instrument_id, Round.state.in_(under_way), Round.horizon_end > now)
    )


def kept_back(round_ids: Collection[UUID], instrument_id: UUID) -> Select[RoundHold]:
    """Time that these rounds keep back on an instrument: buffers, commissioning."""
    return select(RoundHold).where(
        RoundHold.round_id.in_(round_ids),
        RoundHold.instrument_id.is_(None) | (RoundHold.instrument_id == instrument_id),
    )


def how_many_on_reserve(round_ids: Collection[UUID], instrument_id: UUID) -> Select[int]:
    """How many requests on the reserve lists of these rounds could use an instrument."""
    wanting = (
        select(Part.request_id)
        .join(PartAlternative, PartAlternative.part_id == Part.id)
        .where(PartAlternative.instrument_id == instrument_id)
    )
    return select(func.count(Request.id)).where(
        Request.round_id.in_(round_ids), Request.state == RequestState.RESERVE, Request.id.in_(wanting)
    )
