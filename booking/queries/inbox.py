"""What a manager's inbox asks: one statement a section, whatever the number of rows."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload

from accounts.policy import Actor
from booking.lifecycle import LIVE
from booking.models import Booking, Trouble, TroubleState, Waiting, WaitState
from booking.queries.approvals import is_decided_by, waits
from booking.queries.closures import bookings_closed_out
from facilities.models import Facility, Instrument, Qualification, QualificationGrant

Places = Collection[UUID] | None
"""Facilities whose managers ask; None: all of them."""


def _at(places: Places) -> ColumnElement[bool]:
    return literal(value=True) if places is None else Instrument.facility_id.in_(places)


def how_much_waits(actor: Actor, places: Places, now: datetime) -> Select[int]:
    """How many bookings wait where the actor has a say, and reports of trouble at facilities they manage, together."""
    asked = (
        select(func.count(Booking.id))
        .join(Instrument, Instrument.id == Booking.instrument_id)
        .where(waits(now), is_decided_by(actor, now))
        .scalar_subquery()
    )
    reported = (
        select(func.count(Trouble.id))
        .join(Booking, Booking.id == Trouble.booking_id)
        .join(Instrument, Instrument.id == Booking.instrument_id)
        .where(Trouble.state == TroubleState.REPORTED, _at(places))
        .scalar_subquery()
    )
    return select(asked + reported)


def facilities_named(actor: Actor, places: Places, now: datetime) -> Select[Facility]:
    """The facilities of an inbox: those that are managed, and those where something waits that the actor decides on."""
    waiting = (
        select(Instrument.facility_id)
        .join(Booking, Booking.instrument_id == Instrument.id)
        .where(waits(now), is_decided_by(actor, now))
    )
    managed = literal(value=True) if places is None else Facility.id.in_(places)
    return select(Facility).where(or_(managed, Facility.id.in_(waiting))).order_by(Facility.name_en, Facility.id)


def _with_words(statement: Select[Booking]) -> Select[Booking]:
    """Bookings with all that a line says of them."""
    return statement.options(
        joinedload(Booking.instrument, innerjoin=True).joinedload(Instrument.facility, innerjoin=True),
        joinedload(Booking.person),
        joinedload(Booking.organisation),
    )


def troubles_reported(places: Places) -> Select[Trouble]:
    """Reports that nobody has answered, the oldest first."""
    booking = contains_eager(Trouble.booking)
    return (
        select(Trouble)
        .join(Trouble.booking)
        .join(Booking.instrument)
        .where(Trouble.state == TroubleState.REPORTED, _at(places))
        .options(
            booking.contains_eager(Booking.instrument).joinedload(Instrument.facility, innerjoin=True),
            joinedload(Trouble.person),
        )
        .order_by(Trouble.created_at, Trouble.id)
    )


def qualifications_that_expire(
    places: Places, today: date, until: date
) -> Select[QualificationGrant, Qualification, Facility]:
    """Grants that end by a day and count until then, the next first, with what they are of and where."""
    where = literal(value=True) if places is None else Qualification.facility_id.in_(places)
    return (
        select(QualificationGrant, Qualification, Facility)
        .join(Qualification, Qualification.id == QualificationGrant.qualification_id)
        .join(Facility, Facility.id == Qualification.facility_id)
        .where(
            where,
            Qualification.is_active,
            QualificationGrant.revoked_at.is_(None),
            QualificationGrant.expires_on.between(today, until),
        )
        .options(joinedload(QualificationGrant.person))
        .order_by(QualificationGrant.expires_on, QualificationGrant.id)
    )


def no_shows(places: Places, since: datetime) -> Select[Booking]:
    """Bookings to which nobody came since then, the latest first."""
    return (
        _with_words(select(Booking))
        .join(Instrument, Instrument.id == Booking.instrument_id)
        .where(Booking.no_show_at >= since, _at(places))
        .order_by(Booking.no_show_at.desc(), Booking.id)
    )


def closed_out(places: Places, since: datetime, now: datetime) -> Select[Booking]:
    """Bookings that a closure has cancelled since then and whose time is still to come, next first."""
    return _with_words(bookings_closed_out(since, now)).where(_at(places)).order_by(Booking.starts_at, Booking.id)


# --- what surrounds a booking that waits ------------------------------------------------------------------


@dataclass(frozen=True)
class Around:
    """What deciding on a booking touches: who waits for its time, units taken, other asks of its organisation."""

    awaited: int = 0
    taken: int = 0
    asks: int = 0


def around(session: Session, rows: Iterable[Booking], now: datetime) -> dict[UUID, Around]:
    """What surrounds each of these bookings: three statements for any number."""
    ids = [row.id for row in rows]
    awaited = _counted(session.execute(_how_many_await(ids)))
    taken = _counted(session.execute(_how_many_beside(ids)))
    asks = _counted(session.execute(_how_many_asks(ids, now)))
    return {key: Around(awaited.get(key, 0), taken.get(key, 0), asks.get(key, 0)) for key in ids}


def _counted(rows: Iterable[Any]) -> dict[UUID, int]:
    return {row[0]: row[1] for row in rows}


def _how_many_await(ids: Collection[UUID]) -> Select[UUID, int]:
    """How many other people wait for time that one of these bookings holds."""
    return (
        select(Booking.id, func.count(Waiting.id))
        .join(
            Waiting,
            and_(
                Waiting.instrument_id == Booking.instrument_id,
                Waiting.state == WaitState.WAITING,
                Waiting.starts_at < Booking.ends_at,
                Waiting.ends_at > Booking.starts_at,
                Waiting.person_id.is_distinct_from(Booking.person_id),
            ),
        )
        .where(Booking.id.in_(ids))
        .group_by(Booking.id)
    )


def _how_many_beside(ids: Collection[UUID]) -> Select[UUID, int]:
    """On how many units of its instrument something is held at the same time, its own among them."""
    other = aliased(Booking)
    return (
        select(Booking.id, func.count(func.distinct(other.unit)))
        .join(
            other,
            and_(
                other.instrument_id == Booking.instrument_id,
                other.state.in_(LIVE),
                other.starts_at < Booking.ends_at,
                other.ends_at > Booking.starts_at,
            ),
        )
        .where(Booking.id.in_(ids))
        .group_by(Booking.id)
    )


def _how_many_asks(ids: Collection[UUID], now: datetime) -> Select[UUID, int]:
    """How many more bookings of the same organisation wait at the same facility."""
    asking, place = aliased(Booking), aliased(Instrument)
    return (
        select(asking.id, func.count(Booking.id))
        .join(place, place.id == asking.instrument_id)
        .join(Booking, and_(Booking.organisation_id == asking.organisation_id, Booking.id != asking.id))
        .join(Instrument, and_(Instrument.id == Booking.instrument_id, Instrument.facility_id == place.facility_id))
        .where(asking.id.in_(ids), waits(now))
        .group_by(asking.id)
    )
