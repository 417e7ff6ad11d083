"""What is held in a stretch of time, for answers without names: columns only, built once, for they are asked most."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BindParameter, Select, and_, bindparam, case, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from booking.lifecycle import LIVE
from booking.models import LONG, Booking, CalendarKind, CalendarVersion
from core.intervals import Interval
from facilities.models import Facility, Instrument


class Offer(NamedTuple):
    """An instrument as an answer about its time shows it; `version` counts the changes of its facility's calendar."""

    id: UUID
    slug: str
    capacity: int
    exclusion_group_id: UUID | None
    facility: str
    timezone: str
    free_busy_is_public: bool
    version: int | None


class Hold(NamedTuple):
    """Time with its buffers in which one unit is not free."""

    instrument_id: UUID
    exclusion_group_id: UUID | None
    unit: int
    start: datetime
    end: datetime


_OFFERS = (
    select(
        Instrument.id,
        Instrument.slug,
        Instrument.capacity,
        Instrument.exclusion_group_id,
        Facility.slug.label("facility"),
        Facility.timezone,
        Facility.free_busy_is_public,
        CalendarVersion.version,
    )
    .join(Facility, Facility.id == Instrument.facility_id)
    .outerjoin(
        CalendarVersion,
        and_(CalendarVersion.subject_id == Facility.id, CalendarVersion.kind == CalendarKind.FACILITY),
    )
)
_BY_ID = _OFFERS.where(Instrument.id == bindparam("id"))
_BY_SLUGS = _OFFERS.where(Facility.slug == bindparam("facility"), Instrument.slug == bindparam("slug"))
_ALL = _OFFERS.order_by(Facility.slug, Instrument.position)
_AT = _ALL.where(Facility.slug == bindparam("facility"))


def _holds(*columns: InstrumentedAttribute[Any]) -> Select[UUID, UUID | None, int, datetime, datetime]:
    """As `booking.queries.ledger.touching`, with parameters in place of values; a list of ids for each column."""
    start: BindParameter[datetime] = bindparam("start")
    end: BindParameter[datetime] = bindparam("end")
    near = and_(Booking.held_from > bindparam("long_ago"), Booking.held_from < end, Booking.held_until > start)
    across = and_(Booking.is_long, Booking.held_until > start, case((Booking.is_long, Booking.held_from)) < end)
    whose = [column.in_(bindparam(column.key, expanding=True)) for column in columns]
    return select(
        Booking.instrument_id, Booking.exclusion_group_id, Booking.unit, Booking.held_from, Booking.held_until
    ).where(Booking.state.in_(LIVE), or_(*(and_(one, length) for one in whose for length in (near, across))))


_ON = _holds(Booking.instrument_id)
_ON_GROUP = _holds(Booking.instrument_id, Booking.exclusion_group_id)


def offer_by_id(session: Session, instrument_id: UUID) -> Offer | None:
    """The instrument with this id."""
    row = session.execute(_BY_ID, {"id": instrument_id}).one_or_none()
    return Offer(*row) if row else None


def offer_by_slugs(session: Session, facility: str, slug: str) -> Offer | None:
    """The instrument of an address."""
    row = session.execute(_BY_SLUGS, {"facility": facility, "slug": slug}).one_or_none()
    return Offer(*row) if row else None


def offers(session: Session, facility: str | None) -> list[Offer]:
    """Every instrument, or those of one facility."""
    rows = session.execute(_AT, {"facility": facility}) if facility else session.execute(_ALL)
    return [Offer(*row) for row in rows]


def holds(session: Session, found: list[Offer], during: Interval) -> list[Hold]:
    """What is held on these instruments, or runs another one of their exclusion groups, in a stretch; one statement."""
    values: dict[str, Any] = {
        "instrument_id": [one.id for one in found],
        "start": during.start,
        "end": during.end,
        "long_ago": during.start - LONG,
    }
    groups = {one.exclusion_group_id for one in found if one.exclusion_group_id is not None}
    statement = _ON
    if groups:
        statement, values["exclusion_group_id"] = _ON_GROUP, list(groups)
    return [Hold(*row) for row in session.execute(statement, values)]
