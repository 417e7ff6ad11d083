"""Who may use an instrument alone, and whether somebody is there to help."""

from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from booking.lifecycle import BookingState
from booking.models import Booking
from booking.services import ledger
from booking.services.ledger import Order
from core import clock
from core.db import db, transaction
from core.errors import Conflict, Refusal
from facilities.models import (
    Absence,
    Assistance,
    Duty,
    Facility,
    Instrument,
    InstrumentQualification,
    InstrumentRules,
    Qualification,
    QualificationGrant,
)
from tests.booking.bookers import HOUR, NINE, Booker, a_booker, rome
from tests.booking.race import Outcome, Race
from tests.booking.test_race import run
from tests.factories import (
    BEFORE,
    a_booking,
    a_facility,
    a_member,
    a_person,
    actor,
    an_instrument,
    an_organisation,
    stored,
)
from tests.support import browser, on_both_databases

FIRST = date(2026, 1, 1)


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


@pytest.fixture
def lab(context: Flask) -> Facility:
    return a_facility(slug="lab")


def scope(facility: Facility, assistance: Assistance = Assistance.NONE, **values: Any) -> Instrument:
    made = an_instrument(facility, **values)
    stored(InstrumentRules(instrument_id=made.id, assistance=assistance, changed_at=BEFORE))
    return made


def needed(instrument: Instrument, **values: Any) -> Qualification:
    slug = f"q-{len(db.session.scalars(select(Qualification)).all())}"
    made = stored(Qualification(facility_id=instrument.facility_id, **{"slug": slug, "name": "Laser", **values}))
    stored(InstrumentQualification(instrument_id=instrument.id, qualification_id=made.id))
    return made


def has(booker: Booker, of: Qualification, **values: Any) -> QualificationGrant:
    granted = {"granted_at": BEFORE, **values}
    return stored(QualificationGrant(qualification_id=of.id, person_id=booker.person.id, **granted))


def on_duty(facility: Facility, start: int = 8, hours: int = 10, **values: Any) -> UUID:
    """Somebody helps on Mondays, by Rome's wall clock; gives who."""
    person_id = values.pop("person_id", None) or a_person().id
    duty = {"weekday": 0, "start_minute": start * 60, "minutes": hours * 60, "from_day": FIRST, **values}
    stored(Duty(facility_id=facility.id, person_id=person_id, **duty))
    return UUID(str(person_id))


def book(booker: Booker, *instruments: Instrument, assisted: bool = False, start: datetime = NINE) -> UUID:
    ids = tuple(one.id for one in instruments)
    wanted = Order(ids, booker.organisation.id, start, start + 2 * HOUR, is_assisted=assisted)
    return ledger.book_together(wanted, actor(booker.person), BEFORE, "")


def refused(*args: Any, **kwargs: Any) -> Refusal:
    with pytest.raises(Conflict) as info:
        book(*args, **kwargs)
    return info.value


# --- qualified ----------------------------------------------------------------------------------------------------


@on_both_databases
def test_who_lacks_the_qualification_is_refused_and_who_has_it_books(anna: Booker, lab: Facility) -> None:
    instrument = scope(lab)
    of = needed(instrument)
    told = refused(anna, instrument)
    assert (told.code, list(told.fields)) == ("not_qualified", ["start"])
    assert str(told) == "This needs the qualification “Laser”, which you do not have."
    has(anna, of)
    book(anna, instrument)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"expires_on": date(2027, 1, 3)},
            "Your qualification “Laser” counts until 2027-01-03, the booking ends on 2027-01-04.",
        ),
        ({"revoked_at": BEFORE}, "Your qualification “Laser” was revoked on 2026-11-05."),
    ],
)
def test_the_qualification_has_to_count_at_the_booked_time(
    anna: Booker, lab: Facility, values: dict[str, Any], sentence: str
) -> None:
    instrument = scope(lab)
    has(anna, needed(instrument), **values)
    assert str(refused(anna, instrument)) == sentence


def test_disuse_counts_up_to_the_booked_time(anna: Booker, lab: Facility) -> None:
    instrument = scope(lab)
    row = has(anna, needed(instrument, unused_days=30))
    book(anna, instrument, start=NINE - timedelta(days=30))
    told = refused(anna, instrument)
    assert str(told) == "Without a use before, your qualification “Laser” counts only until 2026-12-05."
    with transaction() as tx:
        tx.session.get_one(QualificationGrant, row.id).last_used_at = NINE - timedelta(days=30)
    book(anna, instrument)


def test_every_needed_qualification_is_asked_for_and_only_those_in_use(anna: Booker, lab: Facility) -> None:
    instrument = scope(lab)
    has(anna, needed(instrument))
    needed(instrument, name="Cryo", is_active=False)
    book(anna, instrument)
    needed(instrument, name="Vacuum")
    assert "“Vacuum”" in str(refused(anna, instrument, start=NINE + 5 * HOUR))


def test_the_name_is_said_in_the_persons_language(lab: Facility, context: Flask) -> None:
    instrument = scope(lab)
    needed(instrument, name="Laser", name_it="Sicurezza laser")
    assert "“Sicurezza laser”" in str(refused(a_booker(language="it"), instrument))


def test_training_alone_is_a_notice_and_hinders_nobody(anna: Booker, lab: Facility) -> None:
    book(anna, scope(lab, training_required=True))


def test_managers_are_not_exempt(lab: Facility, context: Flask) -> None:
    instrument, manager = scope(lab), a_booker(is_office=True)
    needed(instrument)
    assert refused(manager, instrument).code == "not_qualified"


def test_help_stands_in_for_a_qualification_where_it_is_offered(anna: Booker, lab: Facility) -> None:
    on_duty(lab)
    offered = scope(lab, Assistance.OPTIONAL)
    needed(offered)
    assert str(refused(anna, offered)).endswith("With assistance you can book it.")
    row = db.session.get_one(Booking, book(anna, offered, assisted=True))
    assert row.is_assisted
    closed = scope(lab)
    needed(closed)
    assert refused(anna, closed, assisted=True).code == "not_qualified"


# --- staff --------------------------------------------------------------------------------------------------------


def test_help_that_is_never_given_is_refused_beside_its_box(anna: Booker, lab: Facility) -> None:
    on_duty(lab)
    for instrument in (scope(lab), an_instrument(lab)):
        told = refused(anna, instrument, assisted=True)
        assert (told.code, list(told.fields)) == ("no_assistance", ["is_assisted"])


def test_where_help_is_required_every_booking_has_it(anna: Booker, lab: Facility) -> None:
    instrument = scope(lab, Assistance.REQUIRED)
    needed(instrument)
    assert refused(anna, instrument).code == "nobody_on_duty"
    on_duty(lab)
    assert db.session.get_one(Booking, book(anna, instrument)).is_assisted


def test_who_is_not_helped_needs_nobody_on_duty(anna: Booker, lab: Facility) -> None:
    assert not db.session.get_one(Booking, book(anna, scope(lab, Assistance.OPTIONAL))).is_assisted


def test_somebody_has_to_be_there_all_through_and_the_next_time_is_said(anna: Booker, lab: Facility) -> None:
    instrument = scope(lab, Assistance.OPTIONAL)
    assert str(refused(anna, instrument, assisted=True)) == (
        "Nobody of the facility is free to help all through this time."
    )
    on_duty(lab, 8, 3)  # until 11:00, the booking is 10:00–12:00
    told = refused(anna, instrument, assisted=True)
    assert (told.code, list(told.fields)) == ("nobody_on_duty", ["start"])
    assert str(told).endswith("The next time is 2027-01-11 08:00.")
    on_duty(lab, 11, 3)
    book(anna, instrument, assisted=True)


def test_who_is_away_or_whose_account_is_closed_does_not_help(anna: Booker, lab: Facility) -> None:
    instrument = scope(lab, Assistance.OPTIONAL)
    person_id = on_duty(lab)
    on_duty(lab, person_id=a_person(is_active=False).id)
    on_duty(a_facility())
    away = {"starts_at": rome(2027, 1, 4, 11), "ends_at": rome(2027, 1, 4, 11, 30)}
    stored(Absence(facility_id=lab.id, person_id=person_id, **away))
    assert refused(anna, instrument, assisted=True).code == "nobody_on_duty"
    book(anna, instrument, assisted=True, start=NINE + 2 * HOUR)


@on_both_databases
def test_who_helps_one_cannot_help_another_at_that_moment(anna: Booker, lab: Facility) -> None:
    one, two, three = (scope(lab, Assistance.OPTIONAL) for _ in range(3))
    on_duty(lab)
    made = book(anna, one, assisted=True)
    assert refused(anna, two, assisted=True, start=NINE + HOUR).code == "nobody_on_duty"
    assert "2027-01-04 12:00" in str(refused(anna, two, assisted=True))
    book(anna, two, assisted=True, start=NINE + 2 * HOUR)
    book(anna, two)
    on_duty(lab)
    book(anna, three, assisted=True, start=NINE + HOUR)
    ledger.cancel(made, actor(anna.person), BEFORE)
    book(anna, one, assisted=True)


def test_help_at_another_facility_takes_nobody_away(anna: Booker, lab: Facility) -> None:
    on_duty(lab)
    a_booking(an_instrument(), starts_at=NINE, is_assisted=True)
    a_booking(an_instrument(lab), starts_at=NINE, is_assisted=True, state=BookingState.CANCELLED)
    book(anna, scope(lab, Assistance.OPTIONAL), assisted=True)


def test_what_is_booked_together_shares_its_helper(anna: Booker, lab: Facility) -> None:
    on_duty(lab)
    one, two, three = scope(lab, Assistance.REQUIRED), scope(lab, Assistance.REQUIRED), scope(lab, Assistance.REQUIRED)
    book(anna, one, two)
    assert refused(anna, three).code == "nobody_on_duty"


def test_a_move_does_not_stand_in_its_own_way(anna: Booker, lab: Facility) -> None:
    on_duty(lab)
    made = book(anna, scope(lab, Assistance.REQUIRED), start=NINE)
    ledger.move(made, NINE + HOUR, NINE + 3 * HOUR, 0, actor(anna.person), BEFORE)
    db.session.rollback()
    assert db.session.get_one(Booking, made).starts_at == NINE + HOUR


# --- at the same moment ---------------------------------------------------------------------------------------


def race(database_url: str, folder: Path, conduct: str) -> list[Outcome]:
    """Six people want help at the same moment, each on an instrument of their own; one person is on duty."""
    facility, organisation = a_facility(), an_organisation()
    on_duty(facility)
    people = [a_member(organisation) for _ in range(6)]
    return run(
        Race(
            database_url=database_url,
            folder=str(folder),
            conduct=conduct,
            contenders=[(str(person.id), str(organisation.id)) for person in people],
            managers=[],
            instruments=[str(scope(facility, Assistance.REQUIRED).id) for _ in people],
            first_slot=NINE.isoformat(),
            slots=1,
            now=BEFORE.isoformat(),
        )
    )


def told(outcomes: list[Outcome]) -> dict[str, int]:
    return dict(Counter("booked" if one.booking else one.refusal for one in outcomes))


@on_both_databases
def test_one_helper_is_given_to_one_of_those_who_ask_at_once(context: Flask, database_url: str, tmp_path: Path) -> None:
    assert told(race(database_url, tmp_path, "ask_for_help")) == {"booked": 1, "nobody_on_duty": 5}


@on_both_databases
def test_control_who_looks_before_anybody_has_written_finds_the_helper_free(
    context: Flask, database_url: str, tmp_path: Path
) -> None:
    assert told(race(database_url, tmp_path, "look_for_help_then_write")) == {"booked": 6}


# --- the instrument's page --------------------------------------------------------------------------------------


def test_the_page_says_what_one_needs_and_whether_one_has_it(app: Flask, anna: Booker, lab: Facility) -> None:
    instrument = scope(lab, Assistance.REQUIRED, training_required=True)

    def page() -> str:
        with clock.frozen_at(BEFORE):
            return str(browser(app, anna.person.id).get(f"/facilities/lab/{instrument.slug}?lang=en").text)

    assert "Only people trained on this instrument use it alone" in page()
    assert "Somebody of the facility is there all through every booking." in page()
    of = needed(instrument)
    assert "Only people trained on this instrument use it alone" not in page()
    assert "Laser" in page()
    assert "you do not have it" in page()
    row = has(anna, of, expires_on=date(2027, 3, 1))
    assert "you have it until 1 Mar 2027" in page()
    with transaction() as tx:
        tx.session.get_one(QualificationGrant, row.id).revoked_at = BEFORE
    assert "revoked" in page()
