"""Rounds: what is offered, when, under which policy, and what each organisation may expect."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import Organisation
from booking.lifecycle import RoundState
from core.db import Model, enum_of, primary_key
from facilities.models import Instrument


class Fairness(StrEnum):
    """The rule by which a round's time is shared (ALLOCATION.md, What fair means)."""

    LEXIMIN = "leximin"
    MERIT = "merit"
    PROPORTIONAL = "proportional"
    QUOTA = "quota"


class Round(Model):
    """A published competition for the time of instruments in a horizon.

    `version` rises with every change that a plan depends on, so that a plan made before it cannot be published.
    `scale_worst` … `scale_best` is the reviewers' own scale; scores are kept mapped to 0–100.
    """

    __tablename__ = "rounds"
    __table_args__ = (
        CheckConstraint("horizon_start < horizon_end", name="horizon"),
        CheckConstraint("opens_at < deadline_at", name="phases"),
        CheckConstraint("deadline_at <= horizon_start", name="deadline_before_horizon"),
        CheckConstraint("scale_worst <> scale_best", name="scale"),
        CheckConstraint("value_slack >= 0", name="slack"),
        CheckConstraint("grain_minutes IN (5, 10, 15, 30, 60)", name="grain"),
    )

    id: Mapped[UUID] = primary_key()
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    state: Mapped[RoundState] = mapped_column(enum_of(RoundState, "round_state"), default=RoundState.DRAFT)
    version: Mapped[int] = mapped_column(default=1)
    title_it: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    description_it: Mapped[str] = mapped_column(Text, default="")
    description_en: Mapped[str] = mapped_column(Text, default="")
    timezone: Mapped[str] = mapped_column(String(64), default="Europe/Rome")
    opens_at: Mapped[datetime]
    deadline_at: Mapped[datetime]
    horizon_start: Mapped[datetime]
    horizon_end: Mapped[datetime]
    fairness: Mapped[Fairness] = mapped_column(enum_of(Fairness, "fairness"), default=Fairness.LEXIMIN)
    value_slack: Mapped[float] = mapped_column(default=0.0)
    seed: Mapped[int] = mapped_column(default=1)
    grain_minutes: Mapped[int] = mapped_column(default=30)
    scale_worst: Mapped[float] = mapped_column(default=0.0)
    scale_best: Mapped[float] = mapped_column(default=100.0)
    requests_numbered: Mapped[int] = mapped_column(default=0)
    demo: Mapped[bool] = mapped_column(default=False)
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]

    instruments: Mapped[list["RoundInstrument"]] = relationship(
        cascade="all, delete-orphan", order_by="RoundInstrument.position"
    )
    holds: Mapped[list["RoundHold"]] = relationship(cascade="all, delete-orphan", order_by="RoundHold.starts_at")
    entitlements: Mapped[list["Entitlement"]] = relationship(cascade="all, delete-orphan")

    @property
    def last_moment(self) -> datetime:
        """A moment of the horizon's last day; its end is the midnight after it."""
        return self.horizon_end - timedelta(minutes=1)


class RoundInstrument(Model):
    """An instrument whose time a round gives."""

    __tablename__ = "round_instruments"
    __table_args__ = (UniqueConstraint("round_id", "instrument_id"),)

    id: Mapped[UUID] = primary_key()
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"))
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"), index=True)
    position: Mapped[int] = mapped_column(default=0)

    instrument: Mapped[Instrument] = relationship()


class RoundHold(Model):
    """Time of the horizon that the round keeps back: buffer, commissioning. No instrument means all of them."""

    __tablename__ = "round_holds"
    __table_args__ = (CheckConstraint("starts_at < ends_at", name="order"),)

    id: Mapped[UUID] = primary_key()
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"), index=True)
    instrument_id: Mapped[UUID | None] = mapped_column(ForeignKey("instruments.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(String(200), default="")


class Entitlement(Model):
    """What an organisation may fairly expect in a round: its weight, and use of the past still counted (hours)."""

    __tablename__ = "entitlements"
    __table_args__ = (
        UniqueConstraint("round_id", "organisation_id"),
        CheckConstraint("weight > 0", name="weight"),
        CheckConstraint("past_use_hours >= 0", name="past_use"),
    )

    id: Mapped[UUID] = primary_key()
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    weight: Mapped[float]
    past_use_hours: Mapped[float] = mapped_column(default=0.0)

    organisation: Mapped[Organisation] = relationship()
