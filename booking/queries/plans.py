"""Every question asked of plans, and of the ledger on a plan's behalf."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload, selectinload, undefer

from booking.lifecycle import LIVE, PlanState
from booking.models import Booking, Plan, PlanBlock, PlanTask, Request
from core.intervals import Interval

FINISHED = (PlanState.DONE, PlanState.CANCELLED, PlanState.PUBLISHED)


def plan_to_lock(plan_id: UUID) -> Select[Plan]:
    """The plan with this id, without joins, so that it can be locked."""
    return select(Plan).where(Plan.id == plan_id)


def plan_with_problem(plan_id: UUID) -> Select[Plan]:
    """The plan with its problem, which is large and otherwise left in the database."""
    return select(Plan).where(Plan.id == plan_id).options(undefer(Plan.problem))


def plan_with_blocks(plan_id: UUID) -> Select[Plan]:
    """The plan with its blocks."""
    return select(Plan).where(Plan.id == plan_id).options(selectinload(Plan.blocks).joinedload(PlanBlock.instrument))


def plan_by_number(round_id: UUID, number: int) -> Select[Plan]:
    """A round's plan by its number, with blocks."""
    return (
        select(Plan)
        .where(Plan.round_id == round_id, Plan.number == number)
        .options(selectinload(Plan.blocks).joinedload(PlanBlock.instrument))
    )


def plans_of(round_id: UUID) -> Select[Plan]:
    """A round's plans, the newest first."""
    return select(Plan).where(Plan.round_id == round_id).order_by(Plan.number.desc())


def last_number(round_id: UUID) -> Select[int]:
    """The highest number a plan of the round has; 0 when there is none."""
    return select(func.coalesce(func.max(Plan.number), 0)).where(Plan.round_id == round_id)


def tasks(plan_id: UUID, keys: Collection[str]) -> Select[PlanTask]:
    """Tasks of a run as they are now, without what they ask."""
    wanted = PlanTask.plan_id == plan_id, PlanTask.key.in_(keys)
    return select(PlanTask).where(*wanted).order_by(PlanTask.key).execution_options(populate_existing=True)


def published_plan(round_id: UUID) -> Select[Plan]:
    """The round's plan in force, with blocks."""
    return (
        select(Plan)
        .where(Plan.round_id == round_id, Plan.state == PlanState.PUBLISHED)
        .options(selectinload(Plan.blocks).joinedload(PlanBlock.instrument))
    )


def latest_with_certificate(round_id: UUID) -> Select[Plan]:
    """The newest plan of the round that has a result."""
    return (
        select(Plan)
        .where(Plan.round_id == round_id, Plan.state.in_(FINISHED), Plan.finished_at.is_not(None))
        .order_by(Plan.number.desc())
        .options(selectinload(Plan.blocks).joinedload(PlanBlock.instrument))
        .limit(1)
    )


def cancel_requested(plan_id: UUID) -> Select[bool]:
    """Whether somebody pressed Cancel."""
    return select(Plan.cancel_requested).where(Plan.id == plan_id)


def time_taken(instrument_ids: Collection[UUID], group_ids: Collection[UUID], horizon: Interval) -> Select[Booking]:
    """Live bookings in the horizon that hold a unit of one of the instruments or run in one of the groups."""
    return (
        select(Booking)
        .where(
            or_(Booking.instrument_id.in_(instrument_ids), Booking.exclusion_group_id.in_(group_ids)),
            Booking.state.in_(LIVE),
            Booking.starts_at < horizon.end,
            Booking.ends_at > horizon.start,
        )
        .options(joinedload(Booking.instrument))
        .order_by(Booking.starts_at, Booking.id)
    )


def time_taken_by_others(
    instrument_ids: Collection[UUID], group_ids: Collection[UUID], horizon: Interval, round_id: UUID
) -> Select[Booking]:
    """The same without what the round itself has given: what was on offer stays what it was."""
    given = select(Request.id).where(Request.round_id == round_id)
    others = or_(Booking.request_id.is_(None), Booking.request_id.not_in(given))
    return time_taken(instrument_ids, group_ids, horizon).where(others)
