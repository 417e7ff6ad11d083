"""Subscriptions: who reads which calendar, by which secret."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from booking.models import CalendarKind
from calendars.policy import Detail as Detail
from core.db import Model, enum_of, primary_key


class Subscription(Model):
    """A feed of one calendar for one person; its secret is shown once and only its hash is kept."""

    __tablename__ = "subscriptions"

    id: Mapped[UUID] = primary_key()
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"), index=True)
    kind: Mapped[CalendarKind] = mapped_column(enum_of(CalendarKind, "calendar_kind"))
    subject_id: Mapped[UUID]
    detail: Mapped[Detail] = mapped_column(enum_of(Detail, "detail"))
    language: Mapped[str] = mapped_column(String(2))
    name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None]
    fetched_by: Mapped[str] = mapped_column(String(200), default="")
    revoked_at: Mapped[datetime | None]
