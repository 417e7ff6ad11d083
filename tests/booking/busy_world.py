"""Sixty instruments, 240 people and thousands of bookings: what pages of many instruments are measured with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid4

from sqlalchemy import insert

from accounts.models import Membership, Organisation, Person
from accounts.policy import Role
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind
from core.db import transaction
from facilities.models import Instrument, Technique
from facilities.policy import BookingMode
from tests.factories import BEFORE, a_facility, an_instrument, an_organisation, stored

CODES = ("UNIPV", "CNR", "INFN", "PoliMI", "IRCCS", "CNAO")
NAMES = ("Rossi", "Riva", "Galli", "Sala", "Conti", "Villa", "Bianchi", "Ferrari")


@dataclass(frozen=True)
class BusyWorld:
    """The rows of the world."""

    instruments: Sequence[Instrument]
    people: Sequence[Person]
    organisations: Sequence[Organisation]


def a_busy_world(
    start: datetime, days: int, bookings: int, *, instruments: int = 60, people: int = 240, seed: int = 1
) -> BusyWorld:
    """`bookings` spread over the instruments and days, with gaps, closures and tentative ones; the same for a seed."""
    random = Random(seed)
    organisations = [an_organisation(short_name=code, city="Pavia") for code in CODES]
    everybody = [_person(n, organisations[n % len(organisations)]) for n in range(people)]
    with transaction() as tx:
        tx.session.add_all(everybody)
    with transaction() as tx:
        tx.session.add_all(
            Membership(
                person_id=one.id,
                organisation_id=organisations[n % len(organisations)].id,
                role=Role.MEMBER,
                since=BEFORE,
            )
            for n, one in enumerate(everybody)
        )
    rows = _instruments(instruments)
    _fill(random, rows, everybody, organisations, start, days, bookings)
    return BusyWorld(rows, everybody, organisations)


def _person(n: int, organisation: Organisation) -> Person:
    return Person(
        email=f"busy{n}@example.org", name=f"{NAMES[n % len(NAMES)]} {organisation.short_name} {n}", created_at=BEFORE
    )


def _instruments(number: int) -> list[Instrument]:
    techniques = [
        stored(Technique(slug=f"technique-{n}", name_it=f"Tecnica {n}", name_en=f"Technique {n}")) for n in range(10)
    ]
    facilities = [
        a_facility(techniques=[techniques[n % 10]], city=("Pavia", "Milano", "Brescia")[n % 3], latitude=45.1 + n / 20)
        for n in range(max(1, number // 5))
    ]
    return [
        an_instrument(
            facilities[n % len(facilities)],
            name=f"Instrument {n:02}",
            kind=("microscope", "sequencer", "nmr")[n % 3],
            booking_mode=BookingMode.APPROVAL if n % 4 == 3 else BookingMode.INSTANT,
            slot_minutes=30,
            least_minutes=30,
        )
        for n in range(number)
    ]


def _fill(
    random: Random,
    instruments: Sequence[Instrument],
    people: Sequence[Person],
    organisations: Sequence[Organisation],
    start: datetime,
    days: int,
    bookings: int,
) -> None:
    each = bookings // len(instruments)
    pace = days * 1440 / each
    rows = []
    for instrument in instruments:
        for n in range(each):
            at = start + timedelta(minutes=30 * int((n * pace + random.uniform(0, pace * 0.3)) // 30))
            length = max(30, 30 * int(pace * random.uniform(0.3, 0.6) // 30))
            rows.append(_booking(random, instrument, people, organisations, at, timedelta(minutes=length)))
    with transaction() as tx:
        tx.session.execute(insert(Booking), rows)


def _booking(
    random: Random,
    instrument: Instrument,
    people: Sequence[Person],
    organisations: Sequence[Organisation],
    at: datetime,
    length: timedelta,
) -> dict[str, object]:
    is_closed = random.random() < 0.03
    n = random.randrange(len(people))
    key: UUID = uuid4()
    is_tentative = not is_closed and instrument.booking_mode is BookingMode.APPROVAL and random.random() < 0.5
    return {
        "id": key,
        "uid": f"{key}@localhost",
        "sequence": 0,
        "kind": BookingKind.MAINTENANCE if is_closed else BookingKind.INSTANT,
        "state": BookingState.TENTATIVE if is_tentative else BookingState.CONFIRMED,
        "instrument_id": instrument.id,
        "unit": 0,
        "starts_at": at,
        "ends_at": at + length,
        "held_from": at,
        "held_until": at + length,
        "title": "",
        "person_id": None if is_closed else people[n].id,
        "organisation_id": None if is_closed else organisations[n % len(organisations)].id,
        "created_at": BEFORE,
        "changed_at": BEFORE,
    }
