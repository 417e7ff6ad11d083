"""Requests: what a member asks for in a round, how it was judged, what happened to it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import Organisation, Person
from booking.content import Needs, WindowKind
from booking.lifecycle import RequestState
from booking.models.rounds import Round
from core.db import Model, enum_of, primary_key
from facilities.models import Instrument


class Feasibility(StrEnum):
    """The technical verdict on a request."""

    FEASIBLE = "feasible"
    NOT_FEASIBLE = "not_feasible"


class Request(Model):
    """What a member asks for. Drafts may be incomplete; a submitted one has passed every rule.

    `is_shared` lets the organisation's delegates read what `is_confidential` hides.
    """

    __tablename__ = "requests"
    __table_args__ = (
        UniqueConstraint("round_id", "number"),
        Index("ix_requests_person", "person_id", "updated_at"),
        Index("ix_requests_round", "round_id", "state"),
        Index("ix_requests_organisation", "organisation_id"),
        CheckConstraint("biosafety_level BETWEEN 0 AND 4", name="biosafety_level"),
    )

    id: Mapped[UUID] = primary_key()
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    number: Mapped[int | None]
    state: Mapped[RequestState] = mapped_column(enum_of(RequestState, "request_state"), default=RequestState.DRAFT)
    version: Mapped[int] = mapped_column(default=1)
    title: Mapped[str] = mapped_column(String(200), default="")
    acronym: Mapped[str] = mapped_column(String(30), default="")
    team_size: Mapped[int | None]
    background: Mapped[str] = mapped_column(Text, default="")
    objectives: Mapped[str] = mapped_column(Text, default="")
    method: Mapped[str] = mapped_column(Text, default="")
    impact: Mapped[str] = mapped_column(Text, default="")
    sample: Mapped[str] = mapped_column(String(200), default="")
    biosafety_level: Mapped[int] = mapped_column(default=0)
    safety: Mapped[str] = mapped_column(Text, default="")
    equipment: Mapped[str] = mapped_column(Text, default="")
    grant_programme: Mapped[str] = mapped_column(String(120), default="")
    grant_number: Mapped[str] = mapped_column(String(80), default="")
    is_confidential: Mapped[bool] = mapped_column(default=False)
    is_shared: Mapped[bool] = mapped_column(default=False)
    wants_partners: Mapped[bool] = mapped_column(default=False)
    wants_grant_help: Mapped[bool] = mapped_column(default=False)
    needs: Mapped[Needs] = mapped_column(enum_of(Needs, "needs"), default=Needs.ALL)
    reserve_rank: Mapped[int | None]
    demo: Mapped[bool] = mapped_column(default=False)
    cloned_from_id: Mapped[UUID | None] = mapped_column(ForeignKey("requests.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]

    round: Mapped[Round] = relationship()
    organisation: Mapped[Organisation] = relationship()
    person: Mapped[Person] = relationship()
    parts: Mapped[list["Part"]] = relationship(
        back_populates="request", order_by="Part.position", cascade="all, delete-orphan"
    )
    lags: Mapped[list["Lag"]] = relationship(cascade="all, delete-orphan", foreign_keys="Lag.request_id")
    events: Mapped[list["RequestEvent"]] = relationship(order_by="RequestEvent.at")
    review: Mapped["Review | None"] = relationship()


class Part(Model):
    """One instrument need: minutes in all and per block. None means no limit (blocks, gap).

    In a draft the amount may still be 0: not decided yet.
    """

    __tablename__ = "parts"
    __table_args__ = (
        UniqueConstraint("request_id", "position"),
        CheckConstraint("amount_minutes >= 0 AND least_minutes >= 0", name="amount"),
    )

    id: Mapped[UUID] = primary_key()
    request_id: Mapped[UUID] = mapped_column(ForeignKey("requests.id"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(80), default="")
    amount_minutes: Mapped[int]
    least_minutes: Mapped[int]
    lengths_minutes: Mapped[list[int]]
    most_blocks: Mapped[int | None]
    gap_least_minutes: Mapped[int | None]
    gap_most_minutes: Mapped[int | None]
    configuration: Mapped[str | None] = mapped_column(String(40))

    request: Mapped[Request] = relationship(back_populates="parts")
    alternatives: Mapped[list["PartAlternative"]] = relationship(
        order_by="PartAlternative.position", cascade="all, delete-orphan"
    )
    windows: Mapped[list["Window"]] = relationship(order_by="Window.starts_at", cascade="all, delete-orphan")


class PartAlternative(Model):
    """An instrument that would serve a part; any one of them will do."""

    __tablename__ = "part_alternatives"
    __table_args__ = (UniqueConstraint("part_id", "instrument_id"),)

    id: Mapped[UUID] = primary_key()
    part_id: Mapped[UUID] = mapped_column(ForeignKey("parts.id"))
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"), index=True)
    position: Mapped[int] = mapped_column(default=0)

    instrument: Mapped[Instrument] = relationship()


class Window(Model):
    """A painted stretch of the calendar of a part."""

    __tablename__ = "windows"
    __table_args__ = (CheckConstraint("starts_at < ends_at", name="order"),)

    id: Mapped[UUID] = primary_key()
    part_id: Mapped[UUID] = mapped_column(ForeignKey("parts.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    kind: Mapped[WindowKind] = mapped_column(enum_of(WindowKind, "window_kind"))


class Lag(Model):
    """`then` starts at least `least` and at most `most` minutes after `after` has ended."""

    __tablename__ = "lags"
    __table_args__ = (CheckConstraint("least_minutes >= 0 AND after_id <> then_id", name="order"),)

    id: Mapped[UUID] = primary_key()
    request_id: Mapped[UUID] = mapped_column(ForeignKey("requests.id"), index=True)
    after_id: Mapped[UUID] = mapped_column(ForeignKey("parts.id"))
    then_id: Mapped[UUID] = mapped_column(ForeignKey("parts.id"))
    least_minutes: Mapped[int] = mapped_column(default=0)
    most_minutes: Mapped[int | None]

    after: Mapped[Part] = relationship(foreign_keys=[after_id])
    then: Mapped[Part] = relationship(foreign_keys=[then_id])


class RequestEvent(Model):
    """A step in a request's life, as its owner may read it. `note` is a msgid or the manager's own words."""

    __tablename__ = "request_events"

    id: Mapped[UUID] = primary_key()
    request_id: Mapped[UUID] = mapped_column(ForeignKey("requests.id"), index=True)
    at: Mapped[datetime]
    verb: Mapped[str] = mapped_column(String(40))
    state: Mapped[RequestState] = mapped_column(enum_of(RequestState, "request_state"))
    note: Mapped[str] = mapped_column(Text, default="")


class Review(Model):
    """The judgement on a request: feasibility, safety, and the score on the round's scale and on 0–100."""

    __tablename__ = "reviews"
    __table_args__ = (CheckConstraint("score IS NULL OR (score >= 0 AND score <= 100)", name="score"),)

    id: Mapped[UUID] = primary_key()
    request_id: Mapped[UUID] = mapped_column(ForeignKey("requests.id"), unique=True)
    feasibility: Mapped[Feasibility | None] = mapped_column(enum_of(Feasibility, "feasibility"))
    safety_is_cleared: Mapped[bool] = mapped_column(default=False)
    score_given: Mapped[float | None]
    score: Mapped[float | None]
    comment: Mapped[str] = mapped_column(Text, default="")
    reviewed_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))
    reviewed_at: Mapped[datetime | None]
