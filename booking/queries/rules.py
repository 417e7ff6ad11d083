"""Every question asked of instruments' rules."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from booking.instrument_rules import Hours, RulesContent
from booking.lifecycle import LIVE
from booking.models import Booking
from booking.queries.quotas import EVERYDAY
from facilities.models import Instrument, InstrumentRules, OperatingPlan
from facilities.openings import WeeklyShift
from facilities.policy import BookingMode


def own_slug(instrument: Instrument) -> str:
    """The slug of the operating plan that is an instrument's own."""
    return f"own-{instrument.id}"


def own_plan(instrument: Instrument) -> Select[OperatingPlan]:
    """That plan."""
    return select(OperatingPlan).where(OperatingPlan.slug == own_slug(instrument))


def to_come(instrument: Instrument, now: datetime) -> Select[Booking]:
    """The bookings that members have made and that have not begun, next first, with who made them."""
    return (
        select(Booking)
        .where(
            Booking.instrument_id == instrument.id,
            Booking.kind.in_(EVERYDAY),
            Booking.state.in_(LIVE),
            Booking.starts_at > now,
        )
        .options(joinedload(Booking.person))
        .order_by(Booking.starts_at, Booking.unit)
    )


def possible_parents(instrument: Instrument) -> Select[Instrument]:
    """The instruments of the facility together with which this one may be booked."""
    return (
        select(Instrument)
        .where(
            Instrument.facility_id == instrument.facility_id,
            Instrument.id != instrument.id,
            Instrument.booking_mode != BookingMode.WITH_PARENT,
        )
        .order_by(Instrument.position, Instrument.id)
    )


def booked_with(instrument: Instrument) -> Select[Instrument]:
    """The instruments that are booked together with this one only."""
    return (
        select(Instrument)
        .join(InstrumentRules, InstrumentRules.instrument_id == Instrument.id)
        .where(InstrumentRules.parent_id == instrument.id, Instrument.booking_mode == BookingMode.WITH_PARENT)
    )


def instruments_at(facility_id: UUID) -> Select[Instrument]:
    """A facility's instruments, in the order of its page."""
    return select(Instrument).where(Instrument.facility_id == facility_id).order_by(Instrument.position, Instrument.id)


def version_of(instrument: Instrument) -> int:
    """How often the rules have been set; 0: never."""
    return instrument.rules.version if instrument.rules else 0


def hours_of(instrument: Instrument) -> Hours:
    """From where the instrument has its opening hours."""
    plan = instrument.operating_plan
    if plan is None:
        return Hours.ALWAYS
    return Hours.OWN if plan.slug == own_slug(instrument) else Hours.SHARED


def zone_of(instrument: Instrument) -> ZoneInfo:
    """The facility's zone: that of opening hours of the instrument's own."""
    return ZoneInfo(instrument.facility.timezone)


def content_of(instrument: Instrument) -> RulesContent:
    """The rules as they stand."""
    rules = instrument.rules or InstrumentRules(
        **{column.name: column.default.arg for column in InstrumentRules.__table__.columns if column.default}
    )
    hours = hours_of(instrument)
    plan = instrument.operating_plan if hours is Hours.OWN else None
    shifts = [WeeklyShift(one.weekday, one.start_minute, one.minutes) for one in plan.shifts] if plan else []
    return RulesContent(
        mode=instrument.booking_mode,
        slot_minutes=instrument.slot_minutes,
        least_minutes=instrument.least_minutes,
        most_minutes=instrument.most_minutes,
        hours=hours,
        weekly=tuple(sorted(shifts, key=lambda one: (one.weekday, one.start_minute))),
        **{name: getattr(rules, name) for name in OF_THE_ROW},
    )


OF_THE_ROW = (
    "lead_minutes",
    "horizon_days",
    "buffer_before",
    "buffer_after",
    "allows_overnight",
    "allows_several_days",
    "free_cancel_minutes",
    "last_minute_minutes",
    "no_show_minutes",
    "assistance",
    "approval_levels",
    "opens_leftover",
    "parent_id",
)
"""What is kept in the row of the rules; the rest is the instrument's."""
OF_THE_INSTRUMENT = ("slot_minutes", "least_minutes", "most_minutes")
