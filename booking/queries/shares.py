"""Every question asked of the share ledger's hours."""

from datetime import date
from uuid import UUID

from sqlalchemy import Select, case, exists, extract, false, func, or_, select, true
from sqlalchemy.sql.elements import ColumnElement

from booking.lifecycle import RoundState
from booking.models import Entitlement, Round, RoundInstrument, ShareEntry, ShareKind
from booking.policy.use import Reach
from facilities.models import Facility, Instrument


def hours_by_month(
    organisation_id: UUID, reach: Reach, year: int
) -> Select[Facility, int, int, int, int, int, int, int]:
    """Facility, month and its minutes: booked, used, not shown up for, cancelled late, credited, charged."""
    month = extract("month", ShareEntry.day)
    return (
        select(
            Facility,
            month,
            func.sum(ShareEntry.booked_minutes),
            func.sum(ShareEntry.used_minutes),
            _charged(ShareKind.NO_SHOW),
            _charged(ShareKind.LATE_CANCELLATION),
            -_charged(ShareKind.CREDITED),
            func.sum(ShareEntry.charged_minutes),
        )
        .join(Facility, Facility.id == ShareEntry.facility_id)
        .where(
            _within(organisation_id, reach),
            ShareEntry.day >= date(year, 1, 1),
            ShareEntry.day <= date(year, 12, 31),
        )
        .group_by(Facility.id, month)
        .order_by(Facility.name_it, Facility.id, month)
    )


def years_with_hours(organisation_id: UUID, reach: Reach) -> Select[int]:
    """The years of which something can be read, latest first."""
    year = extract("year", ShareEntry.day)
    return select(year).where(_within(organisation_id, reach)).distinct().order_by(year.desc())


def shares_in_rounds(organisation_id: UUID, reach: Reach) -> Select[Round, float, float]:
    """The rounds that weigh an organisation, latest first: its weight, and the sum of all weights."""
    every = (
        select(func.sum(Entitlement.weight)).where(Entitlement.round_id == Round.id).correlate(Round).scalar_subquery()
    )
    return (
        select(Round, Entitlement.weight, every)
        .join(Entitlement, Entitlement.round_id == Round.id)
        .where(Entitlement.organisation_id == organisation_id, Round.state != RoundState.DRAFT, _of_reach(reach))
        .order_by(Round.horizon_start.desc(), Round.slug)
        .limit(12)
    )


def _charged(kind: ShareKind) -> ColumnElement[int]:
    return func.sum(case((ShareEntry.kind == kind, ShareEntry.charged_minutes), else_=0))


def _within(organisation_id: UUID, reach: Reach) -> ColumnElement[bool]:
    """The organisation's entries that somebody's reach holds."""
    ours = ShareEntry.organisation_id == organisation_id
    if reach.everything:
        return ours
    at_theirs = ShareEntry.facility_id.in_(reach.facility_ids)
    own = ShareEntry.person_id == reach.person_id if reach.person_id is not None else false()
    return ours & or_(at_theirs, own)


def _of_reach(reach: Reach) -> ColumnElement[bool]:
    """Members and the office know their organisation's share everywhere, managers at their facilities."""
    if reach.everything or reach.person_id is not None:
        return true()
    offers = RoundInstrument.round_id == Round.id
    here = Instrument.facility_id.in_(reach.facility_ids)
    return exists().where(offers, RoundInstrument.instrument_id == Instrument.id, here)
