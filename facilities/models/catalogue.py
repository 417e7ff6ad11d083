"""Tables of the catalogue: what can be booked, where, and when it runs."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, String, Table, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import Organisation
from core.db import Model, enum_of, primary_key
from facilities.policy import BookingMode

if TYPE_CHECKING:
    from facilities.models.rules import InstrumentRules

facility_techniques = Table(
    "facility_techniques",
    Model.metadata,
    Column("facility_id", ForeignKey("facilities.id"), primary_key=True),
    Column("technique_id", ForeignKey("techniques.id"), primary_key=True, index=True),
)


class Technique(Model):
    """A method, in the catalogue's own bilingual vocabulary, with PaNET's IRI where that has one."""

    __tablename__ = "techniques"

    id: Mapped[UUID] = primary_key()
    slug: Mapped[str] = mapped_column(String(120), unique=True)
    name_it: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    panet: Mapped[str | None] = mapped_column(String(200))


class Facility(Model):
    """A site that offers instruments, run by an organisation."""

    __tablename__ = "facilities"

    id: Mapped[UUID] = primary_key()
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    name_it: Mapped[str] = mapped_column(String(300))
    name_en: Mapped[str] = mapped_column(String(300))
    description_it: Mapped[str] = mapped_column(Text)
    description_en: Mapped[str] = mapped_column(Text)
    city: Mapped[str] = mapped_column(String(80))
    province: Mapped[str] = mapped_column(String(8))
    latitude: Mapped[float]
    longitude: Mapped[float]
    coordinate_quality: Mapped[str] = mapped_column(String(200), default="")
    url: Mapped[str] = mapped_column(String(300), default="")
    esfri_domain: Mapped[str] = mapped_column(String(80), default="")
    timezone: Mapped[str] = mapped_column(String(64), default="Europe/Rome")
    access_modes: Mapped[list[str]] = mapped_column(default=list)
    sources: Mapped[list[Any]] = mapped_column(default=list)
    assumptions: Mapped[list[Any]] = mapped_column(default=list)
    free_busy_is_public: Mapped[bool] = mapped_column(default=True)

    organisation: Mapped[Organisation] = relationship()
    techniques: Mapped[list[Technique]] = relationship(secondary=facility_techniques, order_by=Technique.slug)
    instruments: Mapped[list["Instrument"]] = relationship(
        back_populates="facility", order_by="Instrument.position", foreign_keys="Instrument.facility_id"
    )


class ExclusionGroup(Model):
    """Instruments that share one physical thing: only one of them may run at a time.

    `changeover` maps "from>to" configurations to minutes needed between two runs.
    """

    __tablename__ = "exclusion_groups"

    id: Mapped[UUID] = primary_key()
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    changeover: Mapped[dict[str, Any]] = mapped_column(default=dict)


class OperatingPlan(Model):
    """When instruments run: weekly shifts in local time; dated closures are rows of the booking ledger."""

    __tablename__ = "operating_plans"

    id: Mapped[UUID] = primary_key()
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    timezone: Mapped[str] = mapped_column(String(64))
    basis: Mapped[str] = mapped_column(Text, default="")
    is_assumed: Mapped[bool] = mapped_column(default=False)
    buffer_fraction: Mapped[float] = mapped_column(default=0.0)
    shutdowns: Mapped[dict[str, Any]] = mapped_column(default=dict)

    shifts: Mapped[list["Shift"]] = relationship(
        order_by="(Shift.weekday, Shift.start_minute)", cascade="all, delete-orphan"
    )


class Shift(Model):
    """A weekly stretch that runs, in the plan's local wall time; it may end on the next day."""

    __tablename__ = "shifts"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_monday_is_0"),
        CheckConstraint("start_minute BETWEEN 0 AND 1439", name="start_in_the_day"),
        CheckConstraint("minutes BETWEEN 1 AND 10080", name="length"),
    )

    id: Mapped[UUID] = primary_key()
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("operating_plans.id"), index=True)
    weekday: Mapped[int]
    start_minute: Mapped[int]
    minutes: Mapped[int]


class Instrument(Model):
    """What can be booked. `slot_minutes` is the grid of its bookings when it has no shifts."""

    __tablename__ = "instruments"
    __table_args__ = (
        UniqueConstraint("facility_id", "slug"),
        CheckConstraint("capacity >= 1", name="capacity"),
        CheckConstraint("slot_minutes >= 1 AND least_minutes >= 1 AND most_minutes >= least_minutes", name="lengths"),
    )

    id: Mapped[UUID] = primary_key()
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    slug: Mapped[str] = mapped_column(String(80))
    position: Mapped[int] = mapped_column(default=0)
    name: Mapped[str] = mapped_column(String(200))
    name_it: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(40))
    booking_mode: Mapped[BookingMode] = mapped_column(enum_of(BookingMode, "booking_mode"))
    access_type: Mapped[str] = mapped_column(String(20), default="physical")
    capacity: Mapped[int] = mapped_column(default=1)
    cost: Mapped[float] = mapped_column(default=1.0)
    slot_minutes: Mapped[int] = mapped_column(default=60)
    least_minutes: Mapped[int]
    most_minutes: Mapped[int]
    training_required: Mapped[bool] = mapped_column(default=False)
    operation: Mapped[str] = mapped_column(String(60), default="")
    configuration: Mapped[str | None] = mapped_column(String(40))
    access: Mapped[list[str]] = mapped_column(default=list)
    specs: Mapped[dict[str, Any]] = mapped_column(default=dict)
    assumed_fields: Mapped[list[str]] = mapped_column(default=list)
    exclusion_group_id: Mapped[UUID | None] = mapped_column(ForeignKey("exclusion_groups.id"), index=True)
    operating_plan_id: Mapped[UUID | None] = mapped_column(ForeignKey("operating_plans.id"))

    facility: Mapped[Facility] = relationship(back_populates="instruments", foreign_keys=[facility_id])
    operating_plan: Mapped[OperatingPlan | None] = relationship()
    exclusion_group: Mapped[ExclusionGroup | None] = relationship()
    rules: Mapped["InstrumentRules | None"] = relationship(foreign_keys="InstrumentRules.instrument_id", uselist=False)
