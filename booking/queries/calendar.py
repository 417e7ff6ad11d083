"""What the calendar of many instruments and the finder ask: a fixed number of statements, however much is booked."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import contains_eager, defer, joinedload, selectinload

from accounts.models import Organisation
from booking.availability import Busy
from booking.lifecycle import LIVE
from booking.models import Booking
from booking.queries.ledger import of_instruments, touching
from core.intervals import Interval
from facilities.models import Facility, Instrument, OperatingPlan

Held = Row[UUID, UUID | None, int, Any, Any]


def instruments() -> Select[Instrument]:
    """Every instrument with its facility, the facility's techniques, its rules and hours, by facility; 3 statements."""
    return (
        select(Instrument)
        .join(Instrument.facility)
        .options(
            contains_eager(Instrument.facility).options(
                selectinload(Facility.techniques),
                defer(Facility.description_it),
                defer(Facility.description_en),
                defer(Facility.sources),
                defer(Facility.assumptions),
            ),
            joinedload(Instrument.operating_plan).selectinload(OperatingPlan.shifts),
            joinedload(Instrument.rules),
            defer(Instrument.specs),
            defer(Instrument.assumed_fields),
        )
        .order_by(Facility.name_it, Facility.slug, Instrument.position, Instrument.slug)
    )


def held_with_holders(wanted: Collection[Instrument], during: Interval) -> Select[Booking]:
    """Live bookings that touch a stretch on these instruments or run another one of their groups, and who has them."""
    return (
        select(Booking)
        .where(Booking.state.in_(LIVE), touching(during, *of_instruments(wanted)))
        .options(
            joinedload(Booking.instrument, innerjoin=True),
            joinedload(Booking.person),
            joinedload(Booking.organisation),
        )
        .order_by(Booking.starts_at, Booking.unit)
    )


def held(wanted: Collection[Instrument], during: Interval) -> Select[UUID, UUID | None, int, Any, Any]:
    """The same without names: instrument, exclusion group, unit, from, until."""
    return select(
        Booking.instrument_id, Booking.exclusion_group_id, Booking.unit, Booking.held_from, Booking.held_until
    ).where(Booking.state.in_(LIVE), touching(during, *of_instruments(wanted)))


def booked_by(person_id: UUID) -> Select[UUID]:
    """The instruments on which a person holds or held time."""
    return select(Booking.instrument_id).where(Booking.person_id == person_id, Booking.state.in_(LIVE)).distinct()


def city_of(organisation_ids: Iterable[UUID]) -> Select[str]:
    """Where the first of these organisations is, by name."""
    return (
        select(Organisation.city)
        .where(Organisation.id.in_(set(organisation_ids)), Organisation.city != "")
        .order_by(Organisation.name)
        .limit(1)
    )


def by_instrument(rows: Iterable[Booking], wanted: Iterable[Instrument]) -> dict[UUID, list[Booking]]:
    """What is drawn on each instrument: its own bookings, and those of others in its group."""
    on, running = defaultdict(list), defaultdict(list)
    for row in rows:
        on[row.instrument_id].append(row)
        if row.exclusion_group_id is not None:
            running[row.exclusion_group_id].append(row)
    return {
        one.id: on[one.id] + [r for r in _of(running, one.exclusion_group_id) if r.instrument_id != one.id]
        for one in wanted
    }


def busy_by_instrument(rows: Iterable[Held], wanted: Iterable[Instrument]) -> dict[UUID, list[Busy]]:
    """What is not free on each instrument."""
    on, running = defaultdict(list), defaultdict(list)
    for instrument_id, group_id, unit, start, end in rows:
        on[instrument_id].append(Busy(Interval(start, end), unit))
        if group_id is not None:
            running[group_id].append((instrument_id, Busy(Interval(start, end), None)))
    return {
        one.id: on[one.id] + [busy for other, busy in _of(running, one.exclusion_group_id) if other != one.id]
        for one in wanted
    }


def _of(groups: Mapping[UUID, Sequence[Any]], group_id: UUID | None) -> Sequence[Any]:
    return groups.get(group_id, ()) if group_id is not None else ()
