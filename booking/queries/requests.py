"""Every question asked of one person's or organisation's requests, and what a request and its round say as values."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from accounts.models import Organisation
from booking.content import (
    InstrumentFacts,
    LagContent,
    PartContent,
    RequestContent,
    RoundFacts,
    WindowContent,
)
from booking.lifecycle import LIVE, RequestState, RoundState
from booking.models import Booking, Entitlement, Part, PartAlternative, Plan, Request, Round
from booking.policy.requests import Standing
from core.intervals import Interval, difference, union
from facilities.models import Instrument
from facilities.openings import WeeklyShift, shifts_between

CONTENT_COLUMNS = (
    "title",
    "acronym",
    "team_size",
    "background",
    "objectives",
    "method",
    "impact",
    "sample",
    "biosafety_level",
    "safety",
    "equipment",
    "grant_programme",
    "grant_number",
    "is_confidential",
    "is_shared",
    "wants_partners",
    "wants_grant_help",
    "needs",
)
PART_COLUMNS = (
    "name",
    "amount_minutes",
    "least_minutes",
    "most_blocks",
    "gap_least_minutes",
    "gap_most_minutes",
    "configuration",
)


# requests -------------------------------------------------------------------------------------------------------------


def request_to_lock(request_id: UUID) -> Select[Request]:
    """One request, without joins, so that it can be locked."""
    return select(Request).where(Request.id == request_id)


def round_id_of(request_id: UUID) -> Select[UUID]:
    """The round a request belongs to, which never changes."""
    return select(Request.round_id).where(Request.id == request_id)


def request_in_full(request_id: UUID) -> Select[Request]:
    """One request with everything it says, whose it is, and what happened to it."""
    parts = selectinload(Request.parts)
    return (
        select(Request)
        .where(Request.id == request_id)
        .options(
            joinedload(Request.round),
            joinedload(Request.organisation),
            joinedload(Request.person),
            parts.selectinload(Part.alternatives)
            .joinedload(PartAlternative.instrument)
            .joinedload(Instrument.facility),
            parts.selectinload(Part.windows),
            selectinload(Request.lags),
            selectinload(Request.events),
        )
    )


def _for_a_list(statement: Select[Request]) -> Select[Request]:
    return statement.options(
        joinedload(Request.round),
        joinedload(Request.organisation),
        joinedload(Request.person),
        selectinload(Request.parts).selectinload(Part.alternatives).joinedload(PartAlternative.instrument),
    )


def requests_of_person(person_id: UUID) -> Select[Request]:
    """A person's own requests, the last touched first."""
    return _for_a_list(
        select(Request).where(Request.person_id == person_id).order_by(Request.updated_at.desc(), Request.id)
    )


def requests_sent_by(organisation_id: UUID) -> Select[Request]:
    """Requests that were sent in an organisation's name, the last touched first."""
    return _for_a_list(
        select(Request)
        .where(Request.organisation_id == organisation_id, Request.submitted_at.is_not(None))
        .order_by(Request.updated_at.desc(), Request.id)
    )


def minutes_asked_by(organisation_id: UUID, round_id: UUID) -> Select[int]:
    """Minutes that an organisation's sent requests of a round ask for together."""
    return (
        select(func.coalesce(func.sum(Part.amount_minutes), 0))
        .join(Request, Part.request_id == Request.id)
        .where(
            Request.organisation_id == organisation_id,
            Request.round_id == round_id,
            Request.state == RequestState.SUBMITTED,
        )
    )


def live_bookings_of(request_id: UUID) -> Select[Booking]:
    """Time that a request holds, by start."""
    return (
        select(Booking)
        .where(Booking.request_id == request_id, Booking.state.in_(LIVE))
        .options(joinedload(Booking.instrument).joinedload(Instrument.facility))
        .order_by(Booking.starts_at)
    )


def published_plan_of(round_id: UUID) -> Select[Plan]:
    """The plan by which a round was decided, if it was."""
    return select(Plan).where(Plan.round_id == round_id, Plan.published_at.is_not(None)).order_by(Plan.number.desc())


# rounds, as one who asks sees them ------------------------------------------------------------------------------------


def rounds_open_for(organisation_ids: frozenset[UUID], now: datetime) -> Select[Round]:
    """Rounds that take requests of one of these organisations right now, the next deadline first."""
    entitled = select(Entitlement.round_id).where(Entitlement.organisation_id.in_(organisation_ids))
    return (
        select(Round)
        .where(Round.state == RoundState.OPEN, Round.opens_at <= now, Round.deadline_at > now, Round.id.in_(entitled))
        .order_by(Round.deadline_at, Round.slug)
    )


def organisations_entitled(round_id: UUID, organisation_ids: frozenset[UUID]) -> Select[Organisation]:
    """Which of these organisations may ask in a round, by name."""
    return (
        select(Organisation)
        .join(Entitlement, Entitlement.organisation_id == Organisation.id)
        .where(Entitlement.round_id == round_id, Organisation.id.in_(organisation_ids))
        .order_by(Organisation.name)
    )


# rows as values -------------------------------------------------------------------------------------------------------


def standing(request: Request) -> Standing:
    """What the rules need to know of a request."""
    return Standing(
        person_id=request.person_id,
        organisation_id=request.organisation_id,
        facility_ids=frozenset(row.instrument.facility_id for part in request.parts for row in part.alternatives),
        was_sent=request.submitted_at is not None,
        is_confidential=request.is_confidential,
        is_shared=request.is_shared,
    )


def content_of(request: Request) -> RequestContent:
    """What the request's rows say."""
    places = {part.id: place for place, part in enumerate(request.parts)}
    lags = sorted(
        (
            LagContent(places[row.after_id], places[row.then_id], row.least_minutes, row.most_minutes)
            for row in request.lags
        ),
        key=lambda lag: (lag.after, lag.then, lag.least_minutes),
    )
    return RequestContent(
        **{column: getattr(request, column) for column in CONTENT_COLUMNS},
        parts=tuple(_part_content(part) for part in request.parts),
        lags=tuple(lags),
    )


def _part_content(part: Part) -> PartContent:
    return PartContent(
        **{column: getattr(part, column) for column in PART_COLUMNS},
        instrument_ids=tuple(row.instrument_id for row in part.alternatives),
        lengths_minutes=tuple(part.lengths_minutes),
        windows=tuple(WindowContent(row.starts_at, row.ends_at, row.kind) for row in part.windows),
    )


def horizon_of(round_: Round) -> Interval:
    """The time a round gives."""
    return Interval(round_.horizon_start, round_.horizon_end)


def round_facts(round_: Round) -> RoundFacts:
    """What the rules need to know of a round."""
    return RoundFacts(
        horizon=horizon_of(round_),
        grain_minutes=round_.grain_minutes,
        instruments={row.instrument_id: _instrument_facts(row.instrument, round_) for row in round_.instruments},
    )


def _instrument_facts(instrument: Instrument, round_: Round) -> InstrumentFacts:
    held = held_back(round_, instrument.id)
    shifts = shifts_of(instrument, horizon_of(round_))
    free = [piece for shift in shifts for piece in difference([shift], held)]
    return InstrumentFacts(
        id=instrument.id,
        cost=instrument.cost,
        least_minutes=instrument.least_minutes,
        most_minutes=instrument.most_minutes,
        slot_minutes=instrument.slot_minutes,
        configuration=instrument.configuration,
        openings=tuple(union(free)) if instrument.operating_plan else tuple(difference([horizon_of(round_)], held)),
        starts=tuple(piece.start for piece in free) if instrument.operating_plan else None,
    )


def held_back(round_: Round, instrument_id: UUID) -> list[Interval]:
    """Time that the round keeps back from an instrument."""
    return [
        Interval(hold.starts_at, hold.ends_at) for hold in round_.holds if hold.instrument_id in (None, instrument_id)
    ]


def shifts_of(instrument: Instrument, horizon: Interval) -> list[Interval]:
    """The instrument's shifts in the horizon; none when it has no operating plan."""
    plan = instrument.operating_plan
    if plan is None:
        return []
    weekly = [WeeklyShift(row.weekday, row.start_minute, row.minutes) for row in plan.shifts]
    return shifts_between(weekly, ZoneInfo(plan.timezone), horizon)
