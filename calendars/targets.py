"""What a subscription is a calendar of: a person, an instrument or a facility, by its names and places."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from accounts.policy import Actor, Answer
from booking.models import CalendarKind
from calendars import policy, queries
from core.errors import NotFound
from facilities.models import Facility, Instrument


@dataclass(frozen=True)
class Target:
    """The subject of a calendar; a person's own calendar has no facility and no name."""

    kind: CalendarKind
    subject_id: UUID
    facility_id: UUID | None = None
    facility_slug: str = ""
    slug: str = ""
    name_it: str = ""
    name_en: str = ""


def target_of(session: Session, kind: CalendarKind, subject_id: UUID) -> Target:
    """The subject with this id; NotFound when there is no such instrument or facility."""
    found = targets(session, [(kind, subject_id)])
    if not found:
        raise NotFound
    return found[kind, subject_id]


def targets(session: Session, wanted: Iterable[tuple[CalendarKind, UUID]]) -> dict[tuple[CalendarKind, UUID], Target]:
    """The subjects with these ids, in two reads; what does not exist is left out."""
    ids: dict[CalendarKind, set[UUID]] = {kind: set() for kind in CalendarKind}
    for kind, subject_id in wanted:
        ids[kind].add(subject_id)
    found = [Target(CalendarKind.PERSON, person_id) for person_id in ids[CalendarKind.PERSON]]
    if ids[CalendarKind.FACILITY]:
        found += map(of_facility, session.scalars(queries.facilities(ids[CalendarKind.FACILITY])))
    if ids[CalendarKind.INSTRUMENT]:
        found += map(of_instrument, session.scalars(queries.instruments(ids[CalendarKind.INSTRUMENT])))
    return {(target.kind, target.subject_id): target for target in found}


def of_facility(facility: Facility) -> Target:
    """A facility as the subject of a calendar."""
    return Target(
        kind=CalendarKind.FACILITY,
        subject_id=facility.id,
        facility_id=facility.id,
        facility_slug=facility.slug,
        name_it=facility.name_it,
        name_en=facility.name_en,
    )


def of_instrument(instrument: Instrument) -> Target:
    """An instrument as the subject of a calendar."""
    return Target(
        kind=CalendarKind.INSTRUMENT,
        subject_id=instrument.id,
        facility_id=instrument.facility_id,
        facility_slug=instrument.facility.slug,
        slug=instrument.slug,
        name_it=instrument.name_it or instrument.name,
        name_en=instrument.name,
    )


def may_subscribe(actor: Actor, target: Target) -> Answer:
    """The policy's answer for this calendar."""
    if target.facility_id is None:
        return policy.may_subscribe_to_person(actor, target.subject_id)
    return policy.may_subscribe_to_facility(actor, target.facility_id)
