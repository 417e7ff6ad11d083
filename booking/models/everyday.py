"""Tables of everyday booking: series, quotas, approvals, swaps, the waitlist, use and the share ledger."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import Organisation, Person
from booking.models.ledger import Booking
from booking.quotas import Measure, Period, QuotaOf
from core.db import Model, enum_of, primary_key
from facilities.models import Instrument


class BookingSeries(Model):
    """Bookings that repeat; each occurrence is a booking of its own that names its series and its day.

    `pattern` is the rule as it was sent (booking.recurrence), in wall time of `zone`.
    """

    __tablename__ = "booking_series"

    id: Mapped[UUID] = primary_key()
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"), index=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    title: Mapped[str] = mapped_column(String(200), default="")
    zone: Mapped[str] = mapped_column(String(64))
    pattern: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    instrument: Mapped[Instrument] = relationship()


class Quota(Model):
    """At most `most` per person or organisation and period, of one instrument or (None) all of the facility's.

    With `prime_weekdays` (bits, 1 = Monday) only the part inside the local prime time counts, [prime_from, prime_until)
    in minutes after midnight.
    """

    __tablename__ = "quotas"
    __table_args__ = (
        CheckConstraint("most >= 0", name="most"),
        CheckConstraint("prime_weekdays BETWEEN 0 AND 127", name="weekdays"),
        CheckConstraint("prime_from >= 0 AND prime_from < prime_until AND prime_until <= 1440", name="prime"),
        Index("ix_quotas_facility", "facility_id"),
    )

    id: Mapped[UUID] = primary_key()
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    instrument_id: Mapped[UUID | None] = mapped_column(ForeignKey("instruments.id"), index=True)
    of: Mapped[QuotaOf] = mapped_column(enum_of(QuotaOf, "quota_of"))
    measure: Mapped[Measure] = mapped_column(enum_of(Measure, "quota_measure"))
    period: Mapped[Period] = mapped_column(enum_of(Period, "quota_period"))
    most: Mapped[int]
    prime_weekdays: Mapped[int] = mapped_column(default=0)
    prime_from: Mapped[int] = mapped_column(default=0)
    prime_until: Mapped[int] = mapped_column(default=1440)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]

    instrument: Mapped[Instrument | None] = relationship()


class ApprovalLevel(Model):
    """Who gives one of the approvals of an instrument; a level that has no row is any manager's of the facility."""

    __tablename__ = "approval_levels"
    __table_args__ = (CheckConstraint("level BETWEEN 1 AND 5", name="level"),)

    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"), primary_key=True, index=True)
    name: Mapped[str] = mapped_column(String(80), default="")

    person: Mapped[Person] = relationship()


class Approval(Model):
    """One level of a booking's approval, given; by a deputy `for_id`, the manager they stand for."""

    __tablename__ = "approvals"

    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))
    for_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))
    at: Mapped[datetime]

    person: Mapped[Person | None] = relationship(foreign_keys=[person_id])
    stood_for: Mapped[Person | None] = relationship(foreign_keys=[for_id])


class Deputy(Model):
    """A manager lets somebody else approve for them at a facility, for a time."""

    __tablename__ = "deputies"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        Index("ix_deputies_person", "person_id", "ends_at"),
        Index("ix_deputies_facility", "facility_id"),
    )

    id: Mapped[UUID] = primary_key()
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    manager_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    manager: Mapped[Person] = relationship(foreign_keys=[manager_id])


class SwapState(StrEnum):
    """Where an offer to swap stands."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Swap(Model):
    """Somebody offers their booking for another person's."""

    __tablename__ = "swaps"
    __table_args__ = (
        Index("ix_swaps_offered", "offered_id"),
        Index("ix_swaps_wanted", "wanted_id"),
    )

    id: Mapped[UUID] = primary_key()
    offered_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"))
    wanted_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"))
    state: Mapped[SwapState] = mapped_column(enum_of(SwapState, "swap_state"))
    message: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]

    offered: Mapped[Booking] = relationship(foreign_keys=[offered_id])
    wanted: Mapped[Booking] = relationship(foreign_keys=[wanted_id])


class WaitState(StrEnum):
    """Where a place in the waitlist stands."""

    WAITING = "waiting"
    OFFERED = "offered"
    BOOKED = "booked"
    LEFT = "left"
    LAPSED = "lapsed"


class Waiting(Model):
    """Somebody waits for `minutes` of an instrument anywhere in [starts_at, ends_at).

    While an offer stands, `booking_id` is the tentative booking that holds its time until `offered_until`; `declined`
    lists the starts that were offered in vain, so that nobody is asked twice about the same time.
    """

    __tablename__ = "waitlist"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        CheckConstraint("minutes >= 1", name="minutes"),
        Index("ix_waitlist_instrument", "instrument_id", "state", "ends_at"),
        Index("ix_waitlist_person", "person_id", "state"),
        Index("ix_waitlist_offered", "state", "offered_until"),
    )

    id: Mapped[UUID] = primary_key()
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    minutes: Mapped[int]
    title: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[WaitState] = mapped_column(enum_of(WaitState, "wait_state"), default=WaitState.WAITING)
    booking_id: Mapped[UUID | None] = mapped_column(ForeignKey("bookings.id"))
    offered_until: Mapped[datetime | None]
    declined: Mapped[list[str]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    instrument: Mapped[Instrument] = relationship()
    person: Mapped[Person] = relationship()
    organisation: Mapped[Organisation] = relationship()
    booking: Mapped[Booking | None] = relationship()


class TroubleState(StrEnum):
    """What a manager has said to a trouble report."""

    REPORTED = "reported"
    CREDITED = "credited"
    CLOSED = "closed"


class Trouble(Model):
    """Something went wrong during a booking; a manager may credit the minutes that were lost."""

    __tablename__ = "troubles"
    __table_args__ = (
        CheckConstraint("lost_minutes >= 0 AND credited_minutes >= 0", name="minutes"),
        Index("ix_troubles_booking", "booking_id"),
        Index("ix_troubles_state", "state", "created_at"),
    )

    id: Mapped[UUID] = primary_key()
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    text: Mapped[str] = mapped_column(Text)
    lost_minutes: Mapped[int] = mapped_column(default=0)
    credited_minutes: Mapped[int] = mapped_column(default=0)
    state: Mapped[TroubleState] = mapped_column(enum_of(TroubleState, "trouble_state"))
    answer: Mapped[str] = mapped_column(String(400), default="")
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))

    booking: Mapped[Booking] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])


class ShareKind(StrEnum):
    """Why hours stand in the share ledger."""

    USED = "used"
    NO_SHOW = "no_show"
    LATE_CANCELLATION = "late_cancellation"
    CREDITED = "credited"


class ShareEntry(Model):
    """Hours of an organisation at a facility: booked against used. Written once per booking and kind, never changed.

    `charged_minutes` is what counts as the organisation's use; credits are negative.
    """

    __tablename__ = "share_entries"
    __table_args__ = (
        UniqueConstraint("booking_id", "kind"),
        Index("ix_share_entries_organisation", "organisation_id", "at"),
        Index("ix_share_entries_facility", "facility_id", "at"),
    )

    id: Mapped[UUID] = primary_key()
    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"))
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))
    kind: Mapped[ShareKind] = mapped_column(enum_of(ShareKind, "share_kind"))
    day: Mapped[date] = mapped_column(Date)
    booked_minutes: Mapped[int]
    used_minutes: Mapped[int]
    charged_minutes: Mapped[int]
    at: Mapped[datetime]

    organisation: Mapped[Organisation] = relationship()
    instrument: Mapped[Instrument] = relationship()
