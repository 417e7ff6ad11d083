"""The rules under which an instrument is booked, as its facility's managers have set them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, enum_of

MOST_BUFFER = 1440
"""Minutes of the longest buffer: how far beside a stretch one has to look for bookings whose buffer touches it."""


class Assistance(StrEnum):
    """Whether somebody of the facility is there while an instrument is used."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class InstrumentRules(Model):
    """What managers have decided about one instrument; no row: the defaults below.

    Once there is a row, the instrument's mode, grid, lengths and operating plan are the managers' too, and an import of
    the catalogue leaves them alone. Everything is in minutes, `horizon_days` in days. `parent_id` is the instrument
    together with which one in mode `with_parent` is booked. `no_show_minutes` None: nobody's time is released.
    `free_cancel_minutes`: until when before its start a booking is cancelled without being counted as used.
    `last_minute_minutes`: bookings made later than this before their start do not count against a quota.
    `approval_levels`: how many managers' approvals, one after the other, an instrument in mode `approval` takes.
    """

    __tablename__ = "instrument_rules"
    __table_args__ = (
        CheckConstraint("lead_minutes BETWEEN 0 AND 525600", name="lead"),
        CheckConstraint("horizon_days BETWEEN 1 AND 731", name="horizon"),
        CheckConstraint(f"buffer_before BETWEEN 0 AND {MOST_BUFFER}", name="before"),
        CheckConstraint(f"buffer_after BETWEEN 0 AND {MOST_BUFFER}", name="after"),
        CheckConstraint("approval_levels BETWEEN 1 AND 5", name="levels"),
        CheckConstraint("no_show_minutes IS NULL OR no_show_minutes BETWEEN 5 AND 1440", name="no_show"),
    )

    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"), primary_key=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("instruments.id"), index=True)
    lead_minutes: Mapped[int] = mapped_column(default=0)
    horizon_days: Mapped[int] = mapped_column(default=365)
    buffer_before: Mapped[int] = mapped_column(default=0)
    buffer_after: Mapped[int] = mapped_column(default=0)
    allows_overnight: Mapped[bool] = mapped_column(default=True)
    allows_several_days: Mapped[bool] = mapped_column(default=True)
    free_cancel_minutes: Mapped[int] = mapped_column(default=0)
    last_minute_minutes: Mapped[int] = mapped_column(default=1440)
    no_show_minutes: Mapped[int | None]
    assistance: Mapped[Assistance] = mapped_column(enum_of(Assistance, "assistance"), default=Assistance.NONE)
    approval_levels: Mapped[int] = mapped_column(default=1)
    opens_leftover: Mapped[bool] = mapped_column(default=True)
    """Whether time that a published round has left is booked at once (mode `round`)."""
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))
