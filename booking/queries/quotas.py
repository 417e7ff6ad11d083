"""Every question asked of quotas and of the bookings that they add up."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from booking.lifecycle import LIVE
from booking.models import Booking, BookingKind, Quota
from booking.quotas import (
    LAST_MINUTE_MINUTES,
    Counted,
    Measure,
    Prime,
    QuotaOf,
    QuotaRule,
    Use,
    period_of,
    use_of,
    weekdays_of,
)
from core.intervals import Interval
from facilities.models import Instrument, InstrumentRules

EVERYDAY = (BookingKind.INSTANT, BookingKind.APPROVAL)
"""What quotas count: time of rounds is shared by the rounds themselves."""


@dataclass(frozen=True)
class Asked:
    """Whose use is asked for, and when: a booking that is wanted (None: as it stands now), and the time it is now.

    Bookings in `gives_back` are not counted.
    """

    person_id: UUID
    organisation_id: UUID
    now: datetime
    wanted: Interval | None = None
    gives_back: Collection[UUID] = ()

    def subject(self, rule: QuotaRule) -> UUID:
        """Whose bookings a rule adds up."""
        return self.person_id if rule.of is QuotaOf.PERSON else self.organisation_id


def quotas_on(instrument: Instrument) -> Select[Quota]:
    """The quotas that a booking of an instrument must keep."""
    return (
        select(Quota)
        .where(
            Quota.facility_id == instrument.facility_id,
            or_(Quota.instrument_id.is_(None), Quota.instrument_id == instrument.id),
            Quota.is_active,
        )
        .order_by(Quota.created_at, Quota.id)
    )


def quota(quota_id: UUID) -> Select[Quota]:
    """The quota with this id."""
    return select(Quota).where(Quota.id == quota_id)


def quotas_of(facility_id: UUID) -> Select[Quota]:
    """All quotas of a facility: those in force first, then by age."""
    return (
        select(Quota)
        .where(Quota.facility_id == facility_id)
        .options(joinedload(Quota.instrument))
        .order_by(Quota.is_active.desc(), Quota.created_at, Quota.id)
    )


def rule_of(row: Quota) -> QuotaRule:
    """What a quota says."""
    days = weekdays_of(row.prime_weekdays)
    prime = Prime(days, row.prime_from, row.prime_until) if days else None
    return QuotaRule(row.of, row.measure, row.period, row.most, row.instrument_id, prime)


def last_minute_of(instrument: Instrument) -> int:
    """How many minutes before its start a booking of the instrument begins to count for nothing."""
    return instrument.rules.last_minute_minutes if instrument.rules else LAST_MINUTE_MINUTES


def uses(session: Session, instrument: Instrument, rules: Sequence[QuotaRule], asked: Asked) -> list[Use]:
    """How much of each of these quotas of an instrument's facility is used; one statement, none without a quota."""
    if not rules:
        return []
    zone = ZoneInfo(instrument.facility.timezone)
    rows = session.execute(_counted(instrument.facility_id, rules, asked, zone))
    bookings = [Counted(Interval(row.starts_at, row.ends_at), *row[2:]) for row in rows]
    return [use_of(rule, asked.subject(rule), bookings, asked.wanted, asked.now, zone) for rule in rules]


def _counted(
    facility_id: UUID, rules: Iterable[QuotaRule], asked: Asked, zone: ZoneInfo
) -> Select[datetime, datetime, datetime, int, UUID, UUID | None, UUID | None]:
    """The live bookings that any of the rules may add up."""
    return (
        select(
            Booking.starts_at,
            Booking.ends_at,
            Booking.created_at,
            func.coalesce(InstrumentRules.last_minute_minutes, LAST_MINUTE_MINUTES),
            Booking.instrument_id,
            Booking.person_id,
            Booking.organisation_id,
        )
        .join(Instrument, Instrument.id == Booking.instrument_id)
        .outerjoin(InstrumentRules, InstrumentRules.instrument_id == Booking.instrument_id)
        .where(
            Instrument.facility_id == facility_id,
            Booking.kind.in_(EVERYDAY),
            Booking.state.in_(LIVE),
            Booking.id.not_in(list(asked.gives_back)),
            or_(*(_added_up(rule, asked, zone) for rule in set(rules))),
        )
    )


def _added_up(rule: QuotaRule, asked: Asked, zone: ZoneInfo) -> ColumnElement[bool]:
    holder = Booking.person_id if rule.of is QuotaOf.PERSON else Booking.organisation_id
    if rule.measure is Measure.OPEN_BOOKINGS:
        return and_(holder == asked.subject(rule), Booking.ends_at > asked.now)
    period = period_of(rule.period, asked.wanted.start if asked.wanted else asked.now, zone)
    in_period = (Booking.starts_at >= period.start, Booking.starts_at < period.end, Booking.ends_at > period.start)
    return and_(holder == asked.subject(rule), *in_period)
