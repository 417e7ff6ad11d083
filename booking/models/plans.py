"""Plans: runs of the solver on a round, with everything that proves or repeats them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.lifecycle import PlanState
from core.db import Model, enum_of, primary_key
from facilities.models import Instrument


class Plan(Model):
    """One proposed outcome of a round. `round_version` says on which state of the round it was made."""

    __tablename__ = "plans"
    __table_args__ = (UniqueConstraint("round_id", "number"), Index("ix_plans_state", "state"))

    id: Mapped[UUID] = primary_key()
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"))
    number: Mapped[int]
    state: Mapped[PlanState] = mapped_column(enum_of(PlanState, "plan_state"), default=PlanState.QUEUED)
    round_version: Mapped[int]
    seed: Mapped[int]
    time_limit_seconds: Mapped[int]
    problem: Mapped[dict[str, Any]] = mapped_column(deferred=True)
    problem_hash: Mapped[str] = mapped_column(String(64))
    certificate: Mapped[dict[str, Any] | None]
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str] = mapped_column(Text, default="")
    created_by_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]

    blocks: Mapped[list["PlanBlock"]] = relationship(cascade="all, delete-orphan", order_by="PlanBlock.starts_at")


class PlanBlock(Model):
    """A stretch that a plan gives to a part, on one unit of one instrument."""

    __tablename__ = "plan_blocks"
    __table_args__ = (CheckConstraint("starts_at < ends_at", name="order"),)

    id: Mapped[UUID] = primary_key()
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id"), index=True)
    request_id: Mapped[UUID] = mapped_column(ForeignKey("requests.id"), index=True)
    part_id: Mapped[UUID] = mapped_column(ForeignKey("parts.id"))
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"))
    unit: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]

    instrument: Mapped[Instrument] = relationship()
