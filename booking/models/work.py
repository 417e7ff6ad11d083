"""Tasks of runs of the solver that any worker may do: the row is the truth, a message only rings."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model


class PlanTask(Model):
    """A task of a run; `key` is the hash of its content, so asking twice makes one row with one answer.

    `body` and `answer` are compressed texts of the scheduler's. A row without a body is the run's own. Rows live as
    long as their run: one that is begun again after its worker died finds what was answered before.
    """

    __tablename__ = "plan_tasks"
    __table_args__ = (Index("ix_plan_tasks_created_at", "created_at"),)

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    body: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
