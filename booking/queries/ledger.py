"""Every question asked of the ledger of held time."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, true
from sqlalchemy.orm import joinedload

from booking.availability import Busy
from booking.lifecycle import LIVE
from booking.models import LONG, Booking, CalendarKind, CalendarVersion
from booking.policy.ledger import Held
from booking.terms import Terms
from core.audit import AuditEntry
from core.intervals import Interval
from facilities.models import ExclusionGroup, Facility, Instrument
from facilities.openings import WeeklyShift


def booking(booking_id: UUID) -> Select[Booking]:
    """The booking with this id."""
    return select(Booking).where(Booking.id == booking_id)


def instrument(instrument_id: UUID) -> Select[Instrument]:
    """The instrument with this id."""
    return select(Instrument).where(Instrument.id == instrument_id)


def instrument_by_slugs(facility_slug: str, slug: str) -> Select[Instrument]:
    """The instrument of an address."""
    return (
        select(Instrument)
        .join(Facility, Facility.id == Instrument.facility_id)
        .where(Facility.slug == facility_slug, Instrument.slug == slug)
    )


def instruments(instrument_ids: Iterable[UUID]) -> Select[Instrument]:
    """These instruments, in the order in which they are locked."""
    return select(Instrument).where(Instrument.id.in_(set(instrument_ids))).order_by(Instrument.id)


def exclusion_groups_of(instrument_ids: Iterable[UUID]) -> Select[ExclusionGroup]:
    """The exclusion groups of these instruments, in the order in which they are locked."""
    groups = select(Instrument.exclusion_group_id).where(Instrument.id.in_(set(instrument_ids)))
    return select(ExclusionGroup).where(ExclusionGroup.id.in_(groups)).order_by(ExclusionGroup.id)


def touching(during: Interval, *whose: ColumnElement[bool]) -> ColumnElement[bool]:
    """Those of `whose` bookings that, with their buffers, touch a stretch; of several conditions any one may hold.

    Each condition should have an index that goes on with `held_from`: it is then asked only for what begins less than
    LONG before the stretch, and another index for longer ones, so that the cost does not grow with what lies behind.
    The CASE keeps SQLite from looking for the long ones in the first index.
    """
    near = and_(
        Booking.held_from > during.start - LONG, Booking.held_from < during.end, Booking.held_until > during.start
    )
    across = and_(
        Booking.is_long, Booking.held_until > during.start, case((Booking.is_long, Booking.held_from)) < during.end
    )
    return or_(*(and_(one, length) for one in whose or (true(),) for length in (near, across)))


def of_instruments(wanted: Collection[Instrument]) -> list[ColumnElement[bool]]:
    """Conditions of the bookings that keep these instruments busy: their own, and those of their exclusion groups."""
    found: list[ColumnElement[bool]] = [Booking.instrument_id.in_([one.id for one in wanted])]
    groups = {one.exclusion_group_id for one in wanted if one.exclusion_group_id is not None}
    return [*found, Booking.exclusion_group_id.in_(groups)] if groups else found


def held_on(wanted: Instrument, during: Interval) -> Select[Booking]:
    """Live bookings that, with their buffers, touch a stretch on an instrument or run another one of its group."""
    return (
        select(Booking)
        .where(Booking.state.in_(LIVE), touching(during, *of_instruments([wanted])))
        .order_by(Booking.starts_at, Booking.unit)
    )


def held_with_holders(wanted: Instrument, during: Interval) -> Select[Booking]:
    """The same with who holds the time, for a picture."""
    return held_on(wanted, during).options(
        joinedload(Booking.instrument), joinedload(Booking.person), joinedload(Booking.organisation)
    )


def same_closure(one: Booking) -> Select[Booking]:
    """The live rows of one closure: it holds every unit of its instrument."""
    return (
        select(Booking)
        .where(
            Booking.instrument_id == one.instrument_id,
            Booking.kind == one.kind,
            Booking.starts_at == one.starts_at,
            Booking.ends_at == one.ends_at,
            Booking.state.in_(LIVE),
        )
        .order_by(Booking.unit)
    )


def busy(rows: Iterable[Booking], wanted: Instrument) -> list[Busy]:
    """What bookings (of `held_on`) leave not free on an instrument."""
    return [Busy(row.held, row.unit if row.instrument_id == wanted.id else None) for row in rows]


def held(row: Booking) -> Held:
    """What the rules look at in a booking."""
    return Held(
        row.instrument.facility_id, row.person_id, row.organisation_id, row.state, row.starts_at, row.is_confidential
    )


def terms_of(wanted: Instrument) -> Terms:
    """Under which terms the time of an instrument is booked."""
    plan = wanted.operating_plan
    shifts = tuple(WeeklyShift(s.weekday, s.start_minute, s.minutes) for s in plan.shifts) if plan else None
    zone = ZoneInfo(plan.timezone if plan else wanted.facility.timezone)
    terms = Terms(wanted.booking_mode, zone, wanted.slot_minutes, wanted.least_minutes, wanted.most_minutes, shifts)
    rules = wanted.rules
    if rules is None:
        return terms
    return replace(
        terms,
        lead_minutes=rules.lead_minutes,
        horizon_days=rules.horizon_days,
        buffer_before=rules.buffer_before,
        buffer_after=rules.buffer_after,
        allows_overnight=rules.allows_overnight,
        allows_several_days=rules.allows_several_days,
    )


# --- lists ------------------------------------------------------------------------------------------------


def _listed() -> Select[Booking]:
    """Bookings with what a list shows of them, in one statement."""
    return select(Booking).options(
        joinedload(Booking.instrument, innerjoin=True).options(
            joinedload(Instrument.facility, innerjoin=True), joinedload(Instrument.rules)
        ),
        joinedload(Booking.person),
        joinedload(Booking.organisation),
    )


def booking_for_its_page(booking_id: UUID) -> Select[Booking]:
    """The booking with this id and all that its page shows."""
    return _listed().where(Booking.id == booking_id).execution_options(populate_existing=True)


def upcoming_of(person_id: UUID, now: datetime) -> Select[Booking]:
    """What a person holds from now on, next first."""
    return (
        _listed()
        .where(Booking.person_id == person_id, Booking.state.in_(LIVE), Booking.ends_at > now)
        .order_by(Booking.starts_at, Booking.id)
    )


def past_of(person_id: UUID, now: datetime) -> Select[Booking]:
    """What a person held, latest first."""
    return (
        _listed()
        .where(Booking.person_id == person_id, Booking.state.in_(LIVE), Booking.ends_at <= now)
        .order_by(Booking.starts_at.desc(), Booking.id)
    )


def given_up_by(person_id: UUID) -> Select[Booking]:
    """A person's cancelled and refused bookings, latest first."""
    return (
        _listed()
        .where(Booking.person_id == person_id, Booking.state.not_in(LIVE))
        .order_by(Booking.starts_at.desc(), Booking.id)
    )


def counts_of(person_id: UUID, now: datetime) -> Select[int, int, int]:
    """How many bookings of a person are to come, past, and cancelled or refused."""
    live = Booking.state.in_(LIVE)
    return select(
        func.count(case((and_(live, Booking.ends_at > now), 1))),
        func.count(case((and_(live, Booking.ends_at <= now), 1))),
        func.count(case((Booking.state.not_in(LIVE), 1))),
    ).where(Booking.person_id == person_id)


def history_of(row: Booking) -> Select[AuditEntry]:
    """What was done to a booking, oldest first."""
    return (
        select(AuditEntry)
        .where(AuditEntry.subject == Booking.__tablename__, AuditEntry.subject_id == row.id)
        .order_by(AuditEntry.id)
    )


def calendar_version(kind: CalendarKind, subject_id: UUID) -> Select[CalendarVersion]:
    """How often a calendar has changed; no row: never."""
    return select(CalendarVersion).where(CalendarVersion.kind == kind, CalendarVersion.subject_id == subject_id)
