"""What could be booked instead of a stretch that one cannot have: nearby on the instrument, or elsewhere at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, case, or_, select
from sqlalchemy.orm import Session, joinedload

from accounts.policy import Actor
from booking.models import Booking
from booking.nearby import around, is_free, nearest
from booking.queries.calendar import busy_by_instrument, held
from booking.queries.ledger import busy, held_on, terms_of
from core.intervals import Interval
from facilities import qualifications
from facilities.models import (
    Assistance,
    Facility,
    Instrument,
    InstrumentQualification,
    OperatingPlan,
    Qualification,
    QualificationGrant,
)
from facilities.models.rules import MOST_BUFFER
from facilities.policy import BookingMode
from facilities.queries.qualifications import granted

AT_ONCE = (BookingMode.INSTANT, BookingMode.APPROVAL)
MOST_ELSEWHERE = 3
MOST_LOOKED_AT = 40
_LONGEST_BUFFER = timedelta(minutes=MOST_BUFFER)


class Where(StrEnum):
    """How an alternative relates to what was wanted."""

    BEFORE = "before"
    AFTER = "after"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Alternative:
    """A stretch that was free when one looked: another time, or the same time on a comparable instrument."""

    where: Where
    instrument: Instrument
    interval: Interval


def alternatives_for(
    session: Session,
    instrument: Instrument,
    wanted: Interval,
    actor: Actor,
    now: datetime,
    gives_back: Collection[UUID] = (),
) -> list[Alternative]:
    """The nearest free stretches before and after a wish, then the same time elsewhere; four statements at most.

    What is offered respects times, units, buffers and the actor's qualifications; quotas and duties are asked when it
    is booked. `gives_back`: bookings that are not in the way, because they are the ones that move.
    """
    found = []
    if instrument.booking_mode in AT_ONCE:
        terms, wide = terms_of(instrument), around(wanted)
        rows = [row for row in session.scalars(held_on(instrument, terms.held(wide))) if row.id not in gives_back]
        near = nearest(terms, busy(rows, instrument), instrument.capacity, wanted, now)
        pairs = ((Where.BEFORE, near.before), (Where.AFTER, near.after))
        found = [Alternative(where, instrument, at) for where, at in pairs if at is not None]
    return [*found, *_elsewhere(session, instrument, wanted, actor, now, gives_back)]


def comparable_with(wanted: Instrument) -> Select[Instrument]:
    """Instruments of the same kind or for the same operation that members book, of the same facility first."""
    alike = Instrument.kind == wanted.kind
    if wanted.operation:
        alike = or_(alike, Instrument.operation == wanted.operation)
    is_near = case((Instrument.facility_id == wanted.facility_id, 0), else_=1)
    does_the_same = case((and_(Instrument.operation == wanted.operation, Instrument.kind == wanted.kind), 0), else_=1)
    return (
        select(Instrument)
        .join(Instrument.facility)
        .options(
            joinedload(Instrument.facility, innerjoin=True),
            joinedload(Instrument.operating_plan).joinedload(OperatingPlan.shifts),
            joinedload(Instrument.rules),
        )
        .where(alike, Instrument.id != wanted.id, Instrument.booking_mode.in_(AT_ONCE))
        .order_by(is_near, does_the_same, Facility.slug, Instrument.position, Instrument.id)
        .limit(MOST_LOOKED_AT)
    )


def _elsewhere(
    session: Session,
    instrument: Instrument,
    wanted: Interval,
    actor: Actor,
    now: datetime,
    gives_back: Collection[UUID],
) -> list[Alternative]:
    others = session.scalars(comparable_with(instrument)).unique().all()
    if not others:
        return []
    wide = Interval(wanted.start - _LONGEST_BUFFER, wanted.end + _LONGEST_BUFFER)
    rows = session.execute(held(others, wide).where(Booking.id.not_in(gives_back))).all()
    taken = busy_by_instrument(rows, others)
    free = [one for one in others if is_free(terms_of(one), taken[one.id], one.capacity, wanted, now)]
    usable = _usable(session, free, actor, wanted) if free else []
    return [Alternative(Where.ELSEWHERE, one, wanted) for one in usable[:MOST_ELSEWHERE]]


def _usable(session: Session, found: Sequence[Instrument], actor: Actor, wanted: Interval) -> list[Instrument]:
    """Those that the actor may use alone; where staff has to be there, nothing is promised."""
    alone = [one for one in found if one.rules is None or one.rules.assistance is not Assistance.REQUIRED]
    rows = session.execute(_needs_and_grants([one.id for one in alone], actor.person_id))
    zones = {one.id: ZoneInfo(one.facility.timezone) for one in alone}
    lacking: dict[UUID, bool] = defaultdict(bool)
    for instrument_id, needed, grant in rows:
        had = granted(grant, needed) if grant else None
        lacking[instrument_id] |= qualifications.lacking(had, wanted, zones[instrument_id]) is not None
    return [one for one in alone if not lacking[one.id]]


def _needs_and_grants(
    instrument_ids: Iterable[UUID], person_id: UUID | None
) -> Select[UUID, Qualification, QualificationGrant | None]:
    """What these instruments need, and what a person has of it."""
    own = and_(
        QualificationGrant.qualification_id == Qualification.id,
        QualificationGrant.person_id == person_id,
    )
    return (
        select(InstrumentQualification.instrument_id, Qualification, QualificationGrant)
        .join(Qualification, Qualification.id == InstrumentQualification.qualification_id)
        .outerjoin(QualificationGrant, own)
        .where(InstrumentQualification.instrument_id.in_(instrument_ids), Qualification.is_active)
    )
