"""The ledger: every kind of held time is one row, and the database refuses an overlap."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Connection, Date, ForeignKey, Index, String, event, text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, Mapper, mapped_column, relationship

from accounts.models import Organisation, Person
from booking.lifecycle import BookingState
from core.db import Model, enum_of, primary_key
from core.intervals import Interval
from facilities.models import Instrument


class BookingKind(StrEnum):
    """Why the time is held."""

    INSTANT = "instant"
    APPROVAL = "approval"
    ROUND = "round"
    CLOSURE = "closure"
    MAINTENANCE = "maintenance"


LONG = timedelta(days=7)
"""A booking that takes longer is found by an index of its own. Migration 0005 holds `is_long` to it."""


_ONLY_LONG: dict[str, Any] = {"sqlite_where": text("is_long = 1"), "postgresql_where": text("is_long")}


def _as(column: str) -> Callable[[DefaultExecutionContext], datetime]:
    """What a row without buffers has there: the value of another column."""
    return lambda context: context.get_current_parameters()[column]  # type: ignore[no-untyped-call]  # in its stubs


class Booking(Model):
    """Time held on one unit of an instrument, [starts_at, ends_at).

    What the database guards is [held_from, held_until): the booking with the instrument's buffers around it.
    `is_long` marks those that take more than LONG, so that looking for what touches a stretch need not look at all that
    lies behind it (booking.queries.ledger.touching).
    Bookings with one `bundle_id` were made together and stand or fall together. `series_day` is the local day that the
    series' rule gave an occurrence, wherever it was moved since. `booked_until` is the end that was booked when a
    check-out freed the rest.

    `exclusion_group_id` repeats the instrument's group for bookings that make it run (closures leave it empty),
    because the database's guard needs it in the row. `uid` and `sequence` are what calendar programs know it by.
    """

    __tablename__ = "bookings"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        CheckConstraint("unit >= 0", name="unit"),
        CheckConstraint("held_from <= starts_at AND ends_at <= held_until", name="held"),
        Index("ix_bookings_instrument_time", "instrument_id", "held_from"),
        Index("ix_bookings_group_time", "exclusion_group_id", "held_from"),
        Index("ix_bookings_long", "instrument_id", "held_until", **_ONLY_LONG),
        Index("ix_bookings_long_group", "exclusion_group_id", "held_until", **_ONLY_LONG),
        Index("ix_bookings_person_time", "person_id", "ends_at", "state"),
        Index("ix_bookings_organisation_time", "organisation_id", "ends_at"),
        Index("ix_bookings_request", "request_id"),
        Index("ix_bookings_bundle", "bundle_id"),
        Index("ix_bookings_series", "series_id", "starts_at"),
        Index("ix_bookings_start", "starts_at"),
    )

    id: Mapped[UUID] = primary_key()
    uid: Mapped[str] = mapped_column(String(255), unique=True)
    sequence: Mapped[int] = mapped_column(default=0)
    kind: Mapped[BookingKind] = mapped_column(enum_of(BookingKind, "booking_kind"))
    state: Mapped[BookingState] = mapped_column(enum_of(BookingState, "booking_state"))
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"))
    unit: Mapped[int] = mapped_column(default=0)
    exclusion_group_id: Mapped[UUID | None] = mapped_column(ForeignKey("exclusion_groups.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    held_from: Mapped[datetime] = mapped_column(default=_as("starts_at"))
    held_until: Mapped[datetime] = mapped_column(default=_as("ends_at"))
    is_long: Mapped[bool] = mapped_column(default=False)
    title: Mapped[str] = mapped_column(String(200), default="")
    is_confidential: Mapped[bool] = mapped_column(default=False)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    request_id: Mapped[UUID | None] = mapped_column(ForeignKey("requests.id"))
    plan_id: Mapped[UUID | None] = mapped_column(ForeignKey("plans.id"))
    series_id: Mapped[UUID | None] = mapped_column(ForeignKey("booking_series.id"))
    series_day: Mapped[date | None] = mapped_column(Date)
    bundle_id: Mapped[UUID | None]
    is_assisted: Mapped[bool] = mapped_column(default=False)
    checked_in_at: Mapped[datetime | None]
    checked_out_at: Mapped[datetime | None]
    no_show_at: Mapped[datetime | None]
    booked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    instrument: Mapped[Instrument] = relationship()
    person: Mapped[Person | None] = relationship()
    organisation: Mapped[Organisation | None] = relationship()

    @property
    def interval(self) -> Interval:
        """The booked time."""
        return Interval(self.starts_at, self.ends_at)

    @property
    def held(self) -> Interval:
        """The booked time with its buffers: nobody else's booking touches it."""
        return Interval(self.held_from, self.held_until)

    @property
    def is_offer(self) -> bool:
        """Time that is only held for somebody from the waitlist until they answer."""
        return self.kind is BookingKind.INSTANT and self.state is BookingState.TENTATIVE


@event.listens_for(Booking, "before_insert")
@event.listens_for(Booking, "before_update")
def _mark_length(_mapper: Mapper[Booking], _connection: Connection, row: Booking) -> None:
    """Keep `is_long` true; a row that has no buffers yet gets them with its insert."""
    row.is_long = _known(row.held_until, row.ends_at) - _known(row.held_from, row.starts_at) > LONG


def _known(value: datetime | None, otherwise: datetime) -> datetime:
    return otherwise if value is None else value


class CalendarKind(StrEnum):
    """Whose calendar a version counts for."""

    PERSON = "person"
    INSTRUMENT = "instrument"
    FACILITY = "facility"


class CalendarVersion(Model):
    """How often a calendar has changed; raised in the transaction of each booking change, it gives the feeds' ETag."""

    __tablename__ = "calendar_versions"

    kind: Mapped[CalendarKind] = mapped_column(enum_of(CalendarKind, "calendar_kind"), primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]
