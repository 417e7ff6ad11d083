"""Every question asked of subscriptions and of what their feeds show."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import joinedload

from accounts.models import Organisation, Person
from booking.lifecycle import LIVE
from booking.models import Booking, CalendarKind, CalendarVersion
from calendars.models import Subscription
from facilities.models import Facility, Instrument


def subscription(subscription_id: UUID) -> Select[Subscription]:
    """The subscription with this id, revoked or not."""
    return select(Subscription).where(Subscription.id == subscription_id)


def live_subscription(secret_hash: str) -> Select[Subscription, CalendarVersion | None]:
    """The subscription that this secret opens, with its calendar's version (None: nothing was ever booked).

    Wrong and revoked secrets and those of closed accounts are one and the same miss of one statement.
    """
    return (
        select(Subscription, CalendarVersion)
        .join(Person, Person.id == Subscription.person_id)
        .outerjoin(
            CalendarVersion,
            and_(CalendarVersion.kind == Subscription.kind, CalendarVersion.subject_id == Subscription.subject_id),
        )
        .where(Subscription.secret_hash == secret_hash, Subscription.revoked_at.is_(None), Person.is_active)
    )


def live_subscriptions_of(person_id: UUID) -> Select[Subscription]:
    """A person's subscriptions that still work, newest first."""
    return (
        select(Subscription)
        .where(Subscription.person_id == person_id, Subscription.revoked_at.is_(None))
        .order_by(Subscription.created_at.desc(), Subscription.name)
    )


def count_of_live_subscriptions(person_id: UUID) -> Select[int]:
    """How many of them there are."""
    return select(func.count()).select_from(live_subscriptions_of(person_id).subquery())


def facilities(facility_ids: Iterable[UUID]) -> Select[Facility]:
    """The facilities with these ids, by name."""
    return select(Facility).where(Facility.id.in_(list(facility_ids))).order_by(Facility.name_en)


def instruments(instrument_ids: Iterable[UUID]) -> Select[Instrument]:
    """The instruments with these ids, each with its facility."""
    return select(Instrument).where(Instrument.id.in_(list(instrument_ids))).options(joinedload(Instrument.facility))


def instruments_in(kind: CalendarKind, subject_id: UUID) -> Select[Instrument]:
    """The instruments that a calendar can speak of, with their facilities."""
    return (
        select(Instrument)
        .where(_instrument_is_in(kind, subject_id))
        .options(
            joinedload(Instrument.facility).load_only(
                Facility.slug,
                Facility.name_it,
                Facility.name_en,
                Facility.city,
                Facility.latitude,
                Facility.longitude,
                Facility.timezone,
            )
        )
        .order_by(Instrument.id)
    )


def _instrument_is_in(kind: CalendarKind, subject_id: UUID) -> ColumnElement[bool]:
    if kind is CalendarKind.INSTRUMENT:
        return Instrument.id == subject_id
    if kind is CalendarKind.FACILITY:
        return Instrument.facility_id == subject_id
    return Instrument.id.in_(select(Booking.instrument_id).where(Booking.person_id == subject_id).distinct())


def bookings_in(
    kind: CalendarKind, subject_id: UUID, ended_after: datetime, dropped_after: datetime
) -> Select[Booking]:
    """The bookings that a calendar shows: live ones, and those given up since `dropped_after`, in order of time."""
    return (
        select(Booking)
        .where(
            _booking_is_in(kind, subject_id),
            Booking.ends_at > ended_after,
            or_(Booking.state.in_(LIVE), Booking.changed_at >= dropped_after),
        )
        .options(joinedload(Booking.organisation).load_only(Organisation.name))
        .order_by(Booking.starts_at, Booking.uid)
    )


def _booking_is_in(kind: CalendarKind, subject_id: UUID) -> ColumnElement[bool]:
    if kind is CalendarKind.INSTRUMENT:
        return Booking.instrument_id == subject_id
    if kind is CalendarKind.FACILITY:
        return Booking.instrument_id.in_(select(Instrument.id).where(Instrument.facility_id == subject_id))
    return Booking.person_id == subject_id


def instruments_booked_by(person_id: UUID, limit: int) -> Select[Instrument]:
    """The instruments that a person booked last, newest first."""
    latest = (
        select(Booking.instrument_id, func.max(Booking.starts_at).label("latest"))
        .where(Booking.person_id == person_id)
        .group_by(Booking.instrument_id)
        .subquery()
    )
    return (
        select(Instrument)
        .join(latest, latest.c.instrument_id == Instrument.id)
        .options(joinedload(Instrument.facility))
        .order_by(latest.c.latest.desc(), Instrument.name)
        .limit(limit)
    )
