"""Every question asked of rounds and of the requests in them."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from accounts.models import Organisation
from booking.lifecycle import RequestState
from booking.models import Entitlement, Part, PartAlternative, Request, Round, RoundInstrument
from facilities.models import Facility, Instrument, OperatingPlan
from facilities.policy import BookingMode

PAST = (RequestState.ALLOCATED, RequestState.PARTLY_ALLOCATED, RequestState.RESERVE, RequestState.REFUSED)
"""States that a published result gives."""


def _with_offer(statement: Select[Round]) -> Select[Round]:
    """The round together with everything it offers."""
    instrument = selectinload(Round.instruments).joinedload(RoundInstrument.instrument)
    return statement.options(
        instrument.joinedload(Instrument.facility),
        instrument.joinedload(Instrument.exclusion_group),
        instrument.joinedload(Instrument.operating_plan).selectinload(OperatingPlan.shifts),
        selectinload(Round.holds),
        selectinload(Round.entitlements).joinedload(Entitlement.organisation),
    )


def round_to_lock(round_id: UUID) -> Select[Round]:
    """The round with this id, without joins, so that it can be locked."""
    return select(Round).where(Round.id == round_id)


def round_by_id(round_id: UUID) -> Select[Round]:
    """The round with this id and what it offers."""
    return _with_offer(select(Round).where(Round.id == round_id))


def round_by_slug(slug: str) -> Select[Round]:
    """The round with this slug and what it offers."""
    return _with_offer(select(Round).where(Round.slug == slug))


def all_rounds() -> Select[Round]:
    """All rounds with what they offer, the latest deadline first."""
    return _with_offer(select(Round).order_by(Round.deadline_at.desc(), Round.slug))


def facilities_of_round(round_id: UUID) -> Select[UUID]:
    """The facilities whose instruments the round offers."""
    return (
        select(Instrument.facility_id)
        .join(RoundInstrument, RoundInstrument.instrument_id == Instrument.id)
        .where(RoundInstrument.round_id == round_id)
        .distinct()
    )


def slugs_like(slug: str) -> Select[str]:
    """Slugs of rounds that begin with `slug`."""
    return select(Round.slug).where(Round.slug.startswith(slug, autoescape=True))


def instruments_with_facilities(instrument_ids: tuple[UUID, ...]) -> Select[Instrument]:
    """These instruments and their facilities."""
    return select(Instrument).where(Instrument.id.in_(instrument_ids)).options(joinedload(Instrument.facility))


def instruments_for_rounds() -> Select[Instrument]:
    """Instruments whose time is given by rounds, facility by facility."""
    return (
        select(Instrument)
        .join(Facility, Facility.id == Instrument.facility_id)
        .where(Instrument.booking_mode == BookingMode.ROUND)
        .options(joinedload(Instrument.facility))
        .order_by(Facility.slug, Instrument.position)
    )


def member_organisations() -> Select[Organisation]:
    """Organisations that may hold entitlements, by name."""
    return select(Organisation).where(Organisation.is_member).order_by(Organisation.name)


def how_many_organisations(organisation_ids: Collection[UUID]) -> Select[int]:
    """How many of these organisations exist."""
    return select(func.count(Organisation.id)).where(Organisation.id.in_(organisation_ids))


def _with_content(statement: Select[Request]) -> Select[Request]:
    parts = selectinload(Request.parts)
    return statement.options(
        joinedload(Request.organisation),
        joinedload(Request.person),
        joinedload(Request.review),
        parts.selectinload(Part.alternatives).joinedload(PartAlternative.instrument),
        parts.selectinload(Part.windows),
        selectinload(Request.lags),
    )


def requests_sent(round_id: UUID) -> Select[Request]:
    """The round's requests that were submitted at some time, with content and review, by number."""
    return _with_content(
        select(Request)
        .where(Request.round_id == round_id, Request.submitted_at.is_not(None))
        .order_by(Request.number, Request.id)
    )


def requests_in_competition(round_id: UUID) -> Select[Request]:
    """The round's requests that stand submitted now, with content and review, by number."""
    return requests_sent(round_id).where(Request.state == RequestState.SUBMITTED)


def request_with_content(request_id: UUID) -> Select[Request]:
    """One request with content and review."""
    return _with_content(select(Request).where(Request.id == request_id))


def request_to_lock(request_id: UUID) -> Select[Request]:
    """One request, without joins, so that it can be locked."""
    return select(Request).where(Request.id == request_id)


def requests_to_lock(round_id: UUID) -> Select[Request]:
    """All submitted requests of a round, in one order, so that they can be locked."""
    return (
        select(Request)
        .where(Request.round_id == round_id, Request.state == RequestState.SUBMITTED)
        .order_by(Request.id)
    )


def reserve_list(round_id: UUID) -> Select[Request]:
    """Requests that wait for time to become free, in the order in which it is offered to them."""
    return _with_content(
        select(Request)
        .where(Request.round_id == round_id, Request.state == RequestState.RESERVE)
        .order_by(Request.reserve_rank, Request.number)
    )
