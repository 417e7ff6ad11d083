"""What must leave after the commit (mails, jobs): rows that workers claim; a ring is only a hint."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Select, String, Text, UniqueConstraint, and_, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, Tx, enum_of, primary_key

STALE_AFTER = timedelta(seconds=30)
TRIES = 8
FIRST_DELAY = timedelta(seconds=5)

Bell = Callable[[UUID], None]
_bells: list[Bell] = []


class OutboxState(StrEnum):
    """Where a message stands."""

    WAITING = "waiting"
    TAKEN = "taken"
    DONE = "done"
    FAILED = "failed"


class OutboxMessage(Model):
    """One thing to do outside of the transaction that asked for it."""

    __tablename__ = "outbox_messages"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_outbox_messages_work", "state", "not_before"),
    )

    id: Mapped[UUID] = primary_key()
    kind: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(200))
    payload: Mapped[dict[str, Any]]
    state: Mapped[OutboxState] = mapped_column(enum_of(OutboxState, "outbox_state"), default=OutboxState.WAITING)
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    heartbeat_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")


def on_ring(bell: Bell) -> None:
    """Let the task engine be told of new messages (it may also find them by itself)."""
    _bells[:] = [bell]


def add(tx: Tx, kind: str, key: str, payload: dict[str, Any], at: datetime) -> OutboxMessage:
    """Ask for `kind` with `payload` once the transaction is stored; the same `key` is never done twice."""
    known = tx.session.scalar(select(OutboxMessage).where(OutboxMessage.key == key))
    if known is not None:
        return known
    message = OutboxMessage(kind=kind, key=key, payload=payload, created_at=at, not_before=at)
    tx.session.add(message)
    tx.session.flush()
    message_id = message.id
    tx.after_commit(lambda: _ring(message_id))
    return message


def _ring(message_id: UUID) -> None:
    for bell in _bells:
        bell(message_id)


def work_due(at: datetime, limit: int = 100) -> Select[UUID]:
    """Messages that wait, and those whose worker fell silent, oldest first."""
    return select(OutboxMessage.id).where(_claimable(at)).order_by(OutboxMessage.not_before).limit(limit)


def claim(tx: Tx, message_id: UUID, at: datetime) -> OutboxMessage | None:
    """Take the message if nobody has; None when it is done, taken by a living worker, or not yet due."""
    taken = tx.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, _claimable(at))
        .values(state=OutboxState.TAKEN, heartbeat_at=at, tries=OutboxMessage.tries + 1)
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount == 0:  # type: ignore[attr-defined]  # an UPDATE's result has it
        return None
    return tx.one(select(OutboxMessage).where(OutboxMessage.id == message_id).execution_options(populate_existing=True))


def _claimable(at: datetime) -> Any:
    return or_(
        and_(OutboxMessage.state == OutboxState.WAITING, OutboxMessage.not_before <= at),
        and_(OutboxMessage.state == OutboxState.TAKEN, OutboxMessage.heartbeat_at < at - STALE_AFTER),
    )


def beat(tx: Tx, message_id: UUID, at: datetime) -> None:
    """Say that the worker which holds the message is alive."""
    tx.session.execute(update(OutboxMessage).where(OutboxMessage.id == message_id).values(heartbeat_at=at))


def finish(tx: Tx, message_id: UUID, at: datetime) -> None:
    """The message is done for good; what it said (a mail may carry a secret link) is forgotten."""
    tx.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id)
        .values(state=OutboxState.DONE, done_at=at, error="", payload={})
    )


def put_back(tx: Tx, message_id: UUID, at: datetime, error: str) -> None:
    """The try failed: wait twice as long as before, give up after TRIES tries."""
    message = tx.lock(select(OutboxMessage).where(OutboxMessage.id == message_id))
    message.error = error[:2000]
    if message.tries >= TRIES:
        message.state = OutboxState.FAILED
        return
    message.state = OutboxState.WAITING
    message.not_before = at + FIRST_DELAY * 2 ** (message.tries - 1)


def revive(tx: Tx, message: OutboxMessage, at: datetime) -> bool:
    """Let a locked message that was given up be tried anew, from the first try on; whether it had been given up."""
    if message.state is not OutboxState.FAILED:
        return False
    message.state, message.tries, message.not_before = OutboxState.WAITING, 0, at
    message_id = message.id
    tx.after_commit(lambda: _ring(message_id))
    return True
