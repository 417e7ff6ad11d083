"""What people must be qualified for, who is, and who of a facility's staff is there to help."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import Person
from core.db import Model, primary_key


class Qualification(Model):
    """A training or permission of a facility.

    A grant of it ends after `valid_days` (None: never by itself) and after `unused_days` without a use (None: never).
    """

    __tablename__ = "qualifications"
    __table_args__ = (
        UniqueConstraint("facility_id", "slug"),
        CheckConstraint("valid_days IS NULL OR valid_days >= 1", name="valid"),
        CheckConstraint("unused_days IS NULL OR unused_days >= 1", name="unused"),
    )

    id: Mapped[UUID] = primary_key()
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    slug: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(200))
    name_it: Mapped[str] = mapped_column(String(200), default="")
    valid_days: Mapped[int | None]
    unused_days: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(default=True)


class QualificationGrant(Model):
    """A person has a qualification, from `granted_at` through `expires_on` (facility's local day, None: no end)."""

    __tablename__ = "qualification_grants"
    __table_args__ = (
        UniqueConstraint("qualification_id", "person_id"),
        Index("ix_qualification_grants_person", "person_id"),
    )

    id: Mapped[UUID] = primary_key()
    qualification_id: Mapped[UUID] = mapped_column(ForeignKey("qualifications.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    granted_at: Mapped[datetime]
    granted_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))
    expires_on: Mapped[date | None] = mapped_column(Date)
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(String(200), default="")

    qualification: Mapped[Qualification] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])


class InstrumentQualification(Model):
    """An instrument is used alone only with this qualification."""

    __tablename__ = "instrument_qualifications"

    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"), primary_key=True)
    qualification_id: Mapped[UUID] = mapped_column(ForeignKey("qualifications.id"), primary_key=True, index=True)

    qualification: Mapped[Qualification] = relationship()


class Duty(Model):
    """A weekly stretch in which a person of the staff helps, in the facility's local wall time (0 = Monday)."""

    __tablename__ = "duties"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_monday_is_0"),
        CheckConstraint("start_minute BETWEEN 0 AND 1439", name="start_in_the_day"),
        CheckConstraint("minutes BETWEEN 1 AND 1440", name="length"),
    )

    id: Mapped[UUID] = primary_key()
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    weekday: Mapped[int]
    start_minute: Mapped[int]
    minutes: Mapped[int]
    from_day: Mapped[date] = mapped_column(Date)
    until_day: Mapped[date | None] = mapped_column(Date)

    person: Mapped[Person] = relationship()


class Absence(Model):
    """A person of the staff is away, whatever the weekly duties say."""

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        Index("ix_absences_facility", "facility_id", "ends_at"),
    )

    id: Mapped[UUID] = primary_key()
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]

    person: Mapped[Person] = relationship()
