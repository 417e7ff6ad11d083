"""Every question asked of approvals: levels, what was given, and who stands in for which manager."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from accounts.models import Person, Post
from accounts.policy import Actor, Role
from booking.approvals import Course, Given, Seat, levels
from booking.lifecycle import BookingState
from booking.models import Approval, ApprovalLevel, Booking, BookingKind, Deputy, Waiting, WaitState
from booking.policy.approvals import seats_of
from core.config import installed
from facilities.models import Facility, Instrument, InstrumentRules, OperatingPlan
from facilities.policy import BookingMode

_Manager = aliased(Person)


# --- deputies ---------------------------------------------------------------------------------------------


def deputy(deputy_id: UUID) -> Select[Deputy]:
    """One deputy's time."""
    return select(Deputy).where(Deputy.id == deputy_id)


def deputies_at(facility_id: UUID, now: datetime) -> Select[Deputy]:
    """A facility's deputies whose time is not over, next first."""
    return (
        select(Deputy)
        .where(Deputy.facility_id == facility_id, Deputy.ends_at > now)
        .options(joinedload(Deputy.person), joinedload(Deputy.manager))
        .order_by(Deputy.starts_at, Deputy.id)
    )


def times_as_deputy(person_id: UUID | None, now: datetime) -> Select[Deputy, Facility]:
    """Where somebody stands in for a manager, now or later, next first."""
    return (
        select(Deputy, Facility)
        .join(Facility, Facility.id == Deputy.facility_id)
        .where(Deputy.person_id == person_id, Deputy.ends_at > now)
        .options(joinedload(Deputy.manager))
        .order_by(Deputy.starts_at, Deputy.id)
    )


def _standing(person_id: UUID, now: datetime) -> Select[Deputy]:
    """Where a person is a deputy now, and the manager they stand for still is one."""
    still = (
        select(Post.id)
        .where(
            Post.person_id == Deputy.manager_id, Post.facility_id == Deputy.facility_id, Post.role == Role.MANAGER.value
        )
        .exists()
    )
    return (
        select(Deputy)
        .join(_Manager, _Manager.id == Deputy.manager_id)
        .where(
            Deputy.person_id == person_id,
            Deputy.starts_at <= now,
            Deputy.ends_at > now,
            _Manager.is_active,
            or_(literal(installed().demo), ~_Manager.demo),
            or_(_Manager.is_office, still),
        )
    )


def seats_stood_for(session: Session, person_id: UUID | None, now: datetime) -> dict[UUID, list[Seat]]:
    """By facility, the managers for whom a person decides now."""
    found: dict[UUID, list[Seat]] = {}
    if person_id is None:
        return found
    rows = session.execute(
        _standing(person_id, now)
        .with_only_columns(Deputy.facility_id, Deputy.manager_id, _Manager.is_office)
        .order_by(Deputy.starts_at, Deputy.id)
    )
    for facility_id, manager_id, is_office in rows:
        rank = Role.OFFICE if is_office else Role.MANAGER
        found.setdefault(facility_id, []).append(Seat(person_id, rank, manager_id))
    return found


def seats_at(session: Session, actor: Actor, facility_id: UUID, now: datetime) -> tuple[Seat, ...]:
    """Every right in which the actor decides at a facility now."""
    return seats_of(actor, facility_id, seats_stood_for(session, actor.person_id, now).get(facility_id, ()))


# --- levels -----------------------------------------------------------------------------------------------


def levels_named(instrument_ids: Collection[UUID]) -> Select[ApprovalLevel]:
    """Who is named for the levels of these instruments."""
    return (
        select(ApprovalLevel)
        .where(ApprovalLevel.instrument_id.in_(instrument_ids))
        .options(joinedload(ApprovalLevel.person))
        .order_by(ApprovalLevel.level, ApprovalLevel.person_id)
    )


def levels_asked(instrument_ids: Collection[UUID]) -> Select[UUID, int]:
    """How many levels these instruments ask for; no row: one."""
    return select(InstrumentRules.instrument_id, InstrumentRules.approval_levels).where(
        InstrumentRules.instrument_id.in_(instrument_ids)
    )


def given_to(booking_ids: Collection[UUID]) -> Select[Approval]:
    """The levels that these bookings have."""
    return (
        select(Approval)
        .where(Approval.booking_id.in_(booking_ids))
        .options(joinedload(Approval.person), joinedload(Approval.stood_for))
        .order_by(Approval.level)
    )


def courses(session: Session, rows: Iterable[Booking]) -> dict[UUID, Course]:
    """How far the approval of each of these bookings has come: three statements for any number."""
    bookings = list(rows)
    instrument_ids = {row.instrument_id for row in bookings}
    asked = dict(session.execute(levels_asked(instrument_ids)).all())
    named = session.scalars(levels_named(instrument_ids)).all()
    given = session.scalars(given_to([row.id for row in bookings])).all()
    return {
        row.id: Course(
            levels(
                _how_many(row, asked),
                [(one.level, one.person_id, one.name) for one in named if one.instrument_id == row.instrument_id],
            ),
            tuple(Given(one.level, one.person_id, one.for_id) for one in given if one.booking_id == row.id),
        )
        for row in bookings
    }


def _how_many(row: Booking, asked: Mapping[UUID, int]) -> int:
    """What is booked together with an instrument that takes approvals waits for those, and takes none of its own."""
    if row.bundle_id is not None and row.instrument.booking_mode is not BookingMode.APPROVAL:
        return 0
    return asked.get(row.instrument_id, 1)


def people(person_ids: Collection[UUID]) -> Select[UUID, str]:
    """Their names."""
    return select(Person.id, Person.name).where(Person.id.in_(person_ids))


# --- what waits -------------------------------------------------------------------------------------------


def is_offered() -> ColumnElement[bool]:
    """Time that is only offered to somebody from the waitlist: nobody has asked for an approval yet."""
    return (
        select(Waiting.id)
        .where(Waiting.booking_id == Booking.id, Waiting.state == WaitState.OFFERED)
        .correlate(Booking)
    ).exists()


def offered(booking_id: UUID) -> Select[UUID]:
    """The booking's id, if it is only offered."""
    return select(Booking.id).where(Booking.id == booking_id, is_offered())


def waits(now: datetime) -> ColumnElement[bool]:
    """Bookings (joined to their instrument) that wait for an approval of their own and have not begun."""
    return and_(
        or_(Booking.bundle_id.is_(None), Instrument.booking_mode == BookingMode.APPROVAL),
        Booking.kind == BookingKind.APPROVAL,
        Booking.state == BookingState.TENTATIVE,
        Booking.starts_at > now,
        ~is_offered(),
    )


def is_decided_by(actor: Actor, now: datetime) -> ColumnElement[bool]:
    """Bookings (joined to their instrument) on which the actor has a say: by post, as deputy, or named for a level."""
    if actor.is_office or actor.is_system:
        return literal(value=True)
    if actor.person_id is None:
        return false()
    managed = [facility_id for facility_id in actor.posts if actor.manages(facility_id)]
    named = select(ApprovalLevel.instrument_id).where(ApprovalLevel.person_id == actor.person_id)
    stood_for = _standing(actor.person_id, now).with_only_columns(Deputy.facility_id)
    return or_(Instrument.facility_id.in_(managed), Instrument.facility_id.in_(stood_for), Instrument.id.in_(named))


def has_a_say(actor: Actor, now: datetime) -> Select[bool]:
    """Whether somebody who manages nothing is a deputy now, or named for a level anywhere."""
    named = select(ApprovalLevel.level).where(ApprovalLevel.person_id == actor.person_id).exists()
    return select(or_(named, _standing(actor.person_id, now).exists() if actor.person_id else false()))


def _with_all(now: datetime) -> Select[Booking]:
    """Bookings that wait, with all that deciding on them takes, the one that has waited longest first."""
    return (
        select(Booking)
        .join(Instrument, Instrument.id == Booking.instrument_id)
        .where(waits(now))
        .options(
            joinedload(Booking.instrument, innerjoin=True).joinedload(Instrument.facility, innerjoin=True),
            joinedload(Booking.instrument, innerjoin=True).joinedload(Instrument.rules),
            joinedload(Booking.instrument, innerjoin=True)
            .joinedload(Instrument.operating_plan)
            .selectinload(OperatingPlan.shifts),
            joinedload(Booking.person),
            joinedload(Booking.organisation),
        )
        .order_by(Booking.created_at, Booking.id)
    )


def waiting_for(actor: Actor, now: datetime, facility_id: UUID | None = None) -> Select[Booking]:
    """Bookings that wait where the actor has a say, at one facility or (None) everywhere."""
    found = _with_all(now).where(is_decided_by(actor, now))
    return found if facility_id is None else found.where(Instrument.facility_id == facility_id)


def waiting_booking(booking_id: UUID, now: datetime) -> Select[Booking]:
    """One booking, if it waits."""
    return _with_all(now).where(Booking.id == booking_id)


def how_many_wait_for(actor: Actor, now: datetime) -> Select[int]:
    """Their number."""
    return (
        select(func.count(Booking.id))
        .join(Instrument, Instrument.id == Booking.instrument_id)
        .where(waits(now), is_decided_by(actor, now))
    )
