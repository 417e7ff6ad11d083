"""What the first page asks: open calls, an organisation's balance, what waits for a manager."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, exists, func, select

from booking.lifecycle import LIVE, RequestState, RoundState
from booking.models import Booking, BookingKind, Part, Request, Review, Round, RoundInstrument
from facilities.models import Instrument

SENT = (
    RequestState.SUBMITTED,
    RequestState.ALLOCATED,
    RequestState.PARTLY_ALLOCATED,
    RequestState.RESERVE,
    RequestState.REFUSED,
)
TO_ALLOCATE = (RoundState.REVIEW, RoundState.ALLOCATION)


def open_calls(now: datetime) -> Select[Round]:
    """Rounds that take requests now, the next deadline first."""
    return (
        select(Round)
        .where(Round.state == RoundState.OPEN, Round.opens_at <= now, Round.deadline_at > now)
        .order_by(Round.deadline_at, Round.slug)
    )


def open_calls_for(instrument_id: UUID, now: datetime) -> Select[Round]:
    """Those that give an instrument's time."""
    return open_calls(now).join(RoundInstrument).where(RoundInstrument.instrument_id == instrument_id)


def minutes_asked(organisation_ids: Collection[UUID]) -> Select[UUID, int]:
    """Per organisation, what its sent requests asked for together."""
    return (
        select(Request.organisation_id, func.sum(Part.amount_minutes))
        .join(Part, Part.request_id == Request.id)
        .where(Request.organisation_id.in_(organisation_ids), Request.state.in_(SENT))
        .group_by(Request.organisation_id)
    )


def time_granted(organisation_ids: Collection[UUID]) -> Select[UUID | None, datetime, datetime]:
    """Organisation, start and end of each stretch that a round gave it and that it still holds."""
    return select(Booking.organisation_id, Booking.starts_at, Booking.ends_at).where(
        Booking.organisation_id.in_(organisation_ids), Booking.kind == BookingKind.ROUND, Booking.state.in_(LIVE)
    )


def _rounds_at(facility_ids: Collection[UUID] | None) -> Select[UUID]:
    """Rounds that give time of one of these facilities (None: of any)."""
    rounds = select(RoundInstrument.round_id).join(Instrument, Instrument.id == RoundInstrument.instrument_id)
    return rounds if facility_ids is None else rounds.where(Instrument.facility_id.in_(facility_ids))


def how_many_reviews_are_missing(facility_ids: Collection[UUID] | None) -> Select[int]:
    """Sent requests of running rounds without verdict or score."""
    done = exists().where(Review.request_id == Request.id, Review.feasibility.is_not(None), Review.score.is_not(None))
    return (
        select(func.count(Request.id))
        .join(Round, Round.id == Request.round_id)
        .where(
            Request.state == RequestState.SUBMITTED,
            Round.state.in_((RoundState.OPEN, *TO_ALLOCATE)),
            Round.id.in_(_rounds_at(facility_ids)),
            ~done,
        )
    )


def rounds_to_allocate(facility_ids: Collection[UUID] | None) -> Select[Round]:
    """Rounds whose requests are in and whose result is not out."""
    return (
        select(Round)
        .where(Round.state.in_(TO_ALLOCATE), Round.id.in_(_rounds_at(facility_ids)))
        .order_by(Round.deadline_at, Round.slug)
    )


def rounds_run_at(facility_ids: Collection[UUID] | None, now: datetime) -> Select[Round]:
    """Rounds of these facilities that are open, in review or being allocated; the next deadline first."""
    running = (RoundState.OPEN, *TO_ALLOCATE)
    return (
        select(Round)
        .where(Round.state.in_(running), Round.horizon_end > now, Round.id.in_(_rounds_at(facility_ids)))
        .order_by(Round.deadline_at, Round.slug)
    )
