"""What the system still has to do: messages of the outbox and runs of the solver."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.orm import defer

from booking.lifecycle import PlanState
from booking.models import Plan, PlanTask, Round
from core.outbox import STALE_AFTER, OutboxMessage, OutboxState

LATELY = timedelta(days=1)
LISTED = 100


def counts(now: datetime) -> Select[str, int, int, int, int, int, int, datetime]:
    """By kind: due, later, being done, silent, failed, done in a day, and since when the oldest due one waits."""
    waits = OutboxMessage.state == OutboxState.WAITING
    taken = OutboxMessage.state == OutboxState.TAKEN
    due = and_(waits, OutboxMessage.not_before <= now)
    silent = OutboxMessage.heartbeat_at < now - STALE_AFTER
    return (
        select(
            OutboxMessage.kind,
            func.count(case((due, 1))),
            func.count(case((and_(waits, OutboxMessage.not_before > now), 1))),
            func.count(case((and_(taken, ~silent), 1))),
            func.count(case((and_(taken, silent), 1))),
            func.count(case((OutboxMessage.state == OutboxState.FAILED, 1))),
            func.count(case((OutboxMessage.done_at > now - LATELY, 1))),
            func.min(case((due, OutboxMessage.not_before))),
        )
        .group_by(OutboxMessage.kind)
        .order_by(OutboxMessage.kind)
    )


def failed() -> Select[OutboxMessage]:
    """Messages that were given up, latest first, without what they say."""
    return (
        select(OutboxMessage)
        .where(OutboxMessage.state == OutboxState.FAILED)
        .options(defer(OutboxMessage.payload))
        .order_by(OutboxMessage.not_before.desc(), OutboxMessage.id)
        .limit(LISTED)
    )


def message(message_id: UUID) -> Select[OutboxMessage]:
    """The message with this id."""
    return select(OutboxMessage).where(OutboxMessage.id == message_id)


def runs() -> Select[Plan, Round, int]:
    """Runs of the solver that wait or go on, with their round and how many of their tasks nobody has done yet."""
    open_tasks = (
        select(func.count())
        .select_from(PlanTask)
        .where(PlanTask.plan_id == Plan.id, PlanTask.answer.is_(None))
        .scalar_subquery()
    )
    return (
        select(Plan, Round, open_tasks)
        .join(Round, Round.id == Plan.round_id)
        .where(Plan.state.in_((PlanState.QUEUED, PlanState.RUNNING)))
        .order_by(Plan.created_at)
        .limit(LISTED)
    )
