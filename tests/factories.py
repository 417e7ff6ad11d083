"""Rows with sensible defaults; each factory stores its row at once and gives it back.

They need an open application context. What a test is about, it names in the call.
"""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

from accounts.models import Membership, Organisation, OrganisationType, Person, Post
from accounts.policy import Actor, Role
from accounts.queries import actor_of
from booking.lifecycle import BookingState, RequestState, RoundState
from booking.models import (
    Booking,
    BookingKind,
    Entitlement,
    Part,
    PartAlternative,
    Request,
    Round,
    RoundInstrument,
)
from core.db import Model, db, transaction
from facilities.models import ExclusionGroup, Facility, Instrument, OperatingPlan, Shift
from facilities.policy import BookingMode

MONDAY = datetime(2027, 1, 4, tzinfo=UTC)
BEFORE = MONDAY - timedelta(days=60)
_number = count(1)
Row = TypeVar("Row", bound=Model)


def stored(row: Row) -> Row:
    """The row, in the database."""
    with transaction() as tx:
        tx.session.add(row)
    return row


def an_organisation(**values: Any) -> Organisation:
    """A university that is a member of the cluster."""
    n = next(_number)
    return stored(
        Organisation(
            **{
                "slug": f"organisation-{n}",
                "name": f"Organisation {n}",
                "short_name": f"O{n}",
                "type": OrganisationType.UNIVERSITY,
                "is_member": True,
                **values,
            }
        )
    )


def a_person(**values: Any) -> Person:
    """An account without any role."""
    n = next(_number)
    return stored(Person(**{"email": f"person{n}@example.org", "name": f"Person {n}", "created_at": BEFORE, **values}))


def a_member(organisation: Organisation | None = None, role: Role = Role.MEMBER, **values: Any) -> Person:
    """A person who acts for an organisation."""
    organisation = organisation or an_organisation()
    person = a_person(**values)
    stored(Membership(person_id=person.id, organisation_id=organisation.id, role=role, since=BEFORE))
    return person


def a_manager(facility: Facility, role: Role = Role.MANAGER, **values: Any) -> Person:
    """A person who manages (or reviews for) a facility."""
    person = a_person(**values)
    stored(Post(person_id=person.id, facility_id=facility.id, role=role, since=BEFORE))
    return person


def actor(person: Person) -> Actor:
    """Who this person is right now."""
    return actor_of(db.session(), person.id)


def a_facility(**values: Any) -> Facility:
    """A facility in Pavia."""
    n = next(_number)
    values.setdefault("organisation_id", None)
    values["organisation_id"] = values["organisation_id"] or an_organisation().id
    return stored(
        Facility(
            **{
                "slug": f"facility-{n}",
                "name_it": f"Infrastruttura {n}",
                "name_en": f"Facility {n}",
                "description_it": "Descrizione.",
                "description_en": "Description.",
                "city": "Pavia",
                "province": "PV",
                "latitude": 45.19,
                "longitude": 9.14,
                **values,
            }
        )
    )


def an_operating_plan(*shifts: tuple[int, int, int], **values: Any) -> OperatingPlan:
    """A weekly plan; shifts are (weekday, start minute, minutes), Saturday 08–16 unless told."""
    n = next(_number)
    plan = OperatingPlan(**{"slug": f"plan-{n}", "timezone": "Europe/Rome", **values})
    plan.shifts = [Shift(weekday=d, start_minute=s, minutes=m) for d, s, m in shifts or ((5, 480, 480),)]
    return stored(plan)


def an_exclusion_group(facility: Facility, **values: Any) -> ExclusionGroup:
    """One physical thing that several instruments of a facility share."""
    return stored(ExclusionGroup(**{"slug": f"group-{next(_number)}", "facility_id": facility.id, **values}))


def an_instrument(facility: Facility | None = None, **values: Any) -> Instrument:
    """An instrument that is booked instantly, in hours."""
    n = next(_number)
    facility = facility or a_facility()
    return stored(
        Instrument(
            **{
                "facility_id": facility.id,
                "slug": f"instrument-{n}",
                "name": f"Instrument {n}",
                "kind": "microscope",
                "booking_mode": BookingMode.INSTANT,
                "least_minutes": 60,
                "most_minutes": 1440,
                **values,
            }
        )
    )


def a_round(*instruments: Instrument, organisations: tuple[Organisation, ...] = (), **values: Any) -> Round:
    """An open round of four weeks from MONDAY, leximin, everybody with weight 1."""
    n = next(_number)
    made = Round(
        **{
            "slug": f"round-{n}",
            "state": RoundState.OPEN,
            "title_it": f"Bando {n}",
            "title_en": f"Round {n}",
            "opens_at": BEFORE,
            "deadline_at": MONDAY - timedelta(days=14),
            "horizon_start": MONDAY,
            "horizon_end": MONDAY + timedelta(weeks=4),
            "created_at": BEFORE,
            **values,
        }
    )
    made.instruments = [RoundInstrument(instrument_id=i.id, position=p) for p, i in enumerate(instruments)]
    made.entitlements = [Entitlement(organisation_id=o.id, weight=1.0) for o in organisations]
    return stored(made)


def a_request(
    round_: Round, person: Person, organisation_id: UUID, *instruments: Instrument, amount: int = 480, **values: Any
) -> Request:
    """A submitted request with one part: `amount` minutes on any of the instruments, in one block."""
    n = next(_number)
    made = Request(
        **{
            "round_id": round_.id,
            "person_id": person.id,
            "organisation_id": organisation_id,
            "number": n,
            "state": RequestState.SUBMITTED,
            "title": f"Request {n}",
            "created_at": BEFORE,
            "updated_at": BEFORE,
            "submitted_at": BEFORE,
            **values,
        }
    )
    part = Part(position=0, amount_minutes=amount, least_minutes=amount, lengths_minutes=[amount], most_blocks=1)
    part.alternatives = [PartAlternative(instrument_id=i.id, position=p) for p, i in enumerate(instruments)]
    made.parts = [part]
    return stored(made)


def a_booking(instrument: Instrument, **values: Any) -> Booking:
    """A confirmed booking of two hours on MONDAY at 09:00 UTC; a tentative one waits for approval."""
    n = next(_number)
    start = values.setdefault("starts_at", MONDAY + timedelta(hours=9))
    kind = BookingKind.APPROVAL if values.get("state") is BookingState.TENTATIVE else BookingKind.INSTANT
    return stored(
        Booking(
            **{
                "uid": f"booking-{n}@localhost",
                "kind": kind,
                "state": BookingState.CONFIRMED,
                "instrument_id": instrument.id,
                "ends_at": start + timedelta(hours=2),
                "created_at": BEFORE,
                "changed_at": BEFORE,
                **values,
            }
        )
    )
