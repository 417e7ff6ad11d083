"""The managers' pages of qualifications and duties, and everybody's own list."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.models import Person
from core import clock
from core.db import db
from facilities.models import Absence, Duty, Facility, InstrumentQualification, Qualification, QualificationGrant
from tests.factories import BEFORE, a_facility, a_manager, a_person, an_instrument, stored
from tests.support import Browser, browser

QUALIFICATIONS = "/facilities/lab/qualifications"
DUTIES = "/facilities/lab/duties"


@pytest.fixture
def lab(context: Flask) -> Facility:
    return a_facility(slug="lab")


@pytest.fixture
def manager(app: Flask, lab: Facility) -> Browser:
    return browser(app, a_manager(lab, name="Marco").id)


@pytest.fixture
def ida(context: Flask) -> Person:
    return a_person(name="Ida", email="ida@example.org", language="en")


def get(client: Browser, path: str, status: int = 200) -> str:
    with clock.frozen_at(BEFORE):
        answer = client.get(path, query_string={"lang": "en"})
    assert answer.status_code == status
    return str(answer.text)


def post(client: Browser, path: str, status: int = 303, **form: Any) -> str:
    with clock.frozen_at(BEFORE):
        answer = client.post_form(f"{path}?lang=en", form)
    assert answer.status_code == status, answer.text
    db.session.rollback()
    return str(answer.text)


def laser(lab: Facility, **values: Any) -> Qualification:
    return stored(Qualification(facility_id=lab.id, **{"slug": "laser", "name": "Laser", **values}))


def granted(of: Qualification, person: Person, **values: Any) -> QualificationGrant:
    return stored(QualificationGrant(qualification_id=of.id, person_id=person.id, **{"granted_at": BEFORE, **values}))


# --- qualifications -------------------------------------------------------------------------------------------


def test_a_manager_enters_changes_and_switches_off_a_qualification(lab: Facility, manager: Browser) -> None:
    scope = an_instrument(lab, name="Scope")
    assert "Nothing is needed here yet" in get(manager, QUALIFICATIONS)
    assert "Scope" in get(manager, f"{QUALIFICATIONS}/new")
    post(
        manager, f"{QUALIFICATIONS}/new", name="Laser", valid_days="365", instrument_ids=[str(scope.id)], is_active="y"
    )
    text = get(manager, QUALIFICATIONS)
    assert ("Laser" in text, "Scope" in text, "365 days" in text, "0 people" in text) == (True,) * 4
    assert f'value="{scope.id}" checked' in get(manager, f"{QUALIFICATIONS}/laser/edit")
    post(manager, f"{QUALIFICATIONS}/laser/edit", name="Laser II", unused_days="90")
    text = get(manager, QUALIFICATIONS)
    assert "switched off" in text
    assert "ends after 90 days without use" in text
    row = db.session.scalars(select(Qualification)).one()
    assert (row.name, row.slug, row.valid_days, row.is_active) == ("Laser II", "laser", None, False)
    assert db.session.scalars(select(InstrumentQualification)).all() == []


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"name": ""}, "Please fill in this field."),
        ({"name": "x", "valid_days": "soon"}, "Give a number of days"),
        ({"name": "x", "valid_days": "0"}, "Give a number of days"),
        ({"name": "x", "unused_days": "999999"}, "Give a number of days"),
        ({"name": "x", "instrument_ids": ["x"]}, "Please choose one of these."),
        ({"name": "x", "instrument_ids": ["00000000-0000-0000-0000-000000000007"]}, "not one of this facility"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(
    lab: Facility, manager: Browser, form: dict[str, Any], sentence: str
) -> None:
    assert sentence in post(manager, f"{QUALIFICATIONS}/new", 422, **form)
    assert db.session.scalars(select(Qualification)).all() == []


def test_a_manager_grants_and_revokes_and_the_person_sees_it(
    app: Flask, lab: Facility, manager: Browser, ida: Person
) -> None:
    laser(lab, valid_days=100)
    own = browser(app, ida.id)
    assert "You have none yet." in get(own, "/qualifications")
    assert "Empty: 100 days from today." in get(manager, f"{QUALIFICATIONS}/laser")
    post(manager, f"{QUALIFICATIONS}/laser", email="Ida@example.org", expires_on="2027-01-09", note="Course 3")
    row = db.session.scalars(select(QualificationGrant)).one()
    assert (row.person_id, row.expires_on, row.note) == (ida.id, date(2027, 1, 9), "Course 3")
    text = get(manager, f"{QUALIFICATIONS}/laser")
    assert ("Ida" in text, "until 9 Jan 2027" in text, "Course 3" in text) == (True,) * 3
    text = get(own, "/qualifications")
    assert ("Laser" in text, "until 9 Jan 2027" in text) == (True, True)
    revoke = f"{QUALIFICATIONS}/laser/people/{row.id}/revoke"
    assert "Ida" in get(manager, revoke)
    assert "Please say why" in post(manager, revoke, 422, reason="")
    post(manager, revoke, reason="The door stood open.")
    assert "revoked" in get(own, "/qualifications")
    get(manager, revoke, 404)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"email": "nobody@example.org"}, "There is no account with this address."),
        ({"email": ""}, "Please fill in this field."),
        ({"email": "ida@example.org", "expires_on": "tomorrow"}, "Give a day as year-month-day"),
        ({"email": "ida@example.org", "expires_on": "2026-01-01"}, "This day is past."),
        ({"email": "marco@example.org"}, "Nobody grants a qualification to themselves"),
    ],
)
def test_a_grant_that_cannot_be_is_refused_beside_its_field(
    app: Flask, lab: Facility, ida: Person, form: dict[str, str], sentence: str
) -> None:
    laser(lab)
    manager = browser(app, a_manager(lab, email="marco@example.org").id)
    assert sentence in post(manager, f"{QUALIFICATIONS}/laser", 422, **form)
    assert db.session.scalars(select(QualificationGrant)).all() == []


def test_what_ends_within_thirty_days_is_listed(lab: Facility, manager: Browser) -> None:
    of = laser(lab, unused_days=400)
    for name, days in (("Soon", 30), ("Late", 31), ("Past", -1)):
        granted(of, a_person(name=name), expires_on=BEFORE.date() + timedelta(days=days))
    granted(of, a_person(name="Unused"), granted_at=BEFORE - timedelta(days=390))
    granted(of, a_person(name="Revoked"), expires_on=BEFORE.date(), revoked_at=BEFORE)
    text = get(manager, QUALIFICATIONS)
    shown = text[text.index("Ending within 30 days") :]
    assert [name for name in ("Soon", "Late", "Past", "Unused", "Revoked") if name in shown] == ["Soon", "Unused"]
    assert "3 people" in text


def test_the_pages_are_the_managers_alone(app: Flask, lab: Facility, ida: Person) -> None:
    laser(lab)
    row = granted(db.session.scalars(select(Qualification)).one(), ida)
    paths = (
        QUALIFICATIONS,
        f"{QUALIFICATIONS}/new",
        f"{QUALIFICATIONS}/laser",
        f"{QUALIFICATIONS}/laser/edit",
        f"{QUALIFICATIONS}/laser/people/{row.id}/revoke",
        DUTIES,
    )
    for path in paths:
        get(browser(app, ida.id), path, 403)
        get(browser(app, a_manager(a_facility()).id), path, 403)
        get(browser(app), path, 303)
        get(browser(app, a_person(is_office=True).id), path)
    get(browser(app), "/qualifications", 303)


def test_what_is_not_there_is_not_found(lab: Facility, manager: Browser, ida: Person) -> None:
    laser(lab)
    other = laser(a_facility(), slug="other")
    row = granted(other, ida)
    for path in (f"{QUALIFICATIONS}/other", f"{QUALIFICATIONS}/laser/people/{row.id}/revoke"):
        get(manager, path, 404)
    get(manager, "/facilities/nowhere/qualifications", 404)


# --- duties -----------------------------------------------------------------------------------------------------


def test_a_manager_enters_and_removes_duties_and_absences(lab: Facility, manager: Browser, ida: Person) -> None:
    text = get(manager, DUTIES)
    assert "Nobody is on duty yet" in text
    assert "Add an absence" not in text
    duty: dict[str, Any] = {
        "email": "ida@example.org",
        "weekday": "4",
        "start": "1320",
        "end": "360",
        "from_day": "2026-11-05",
    }
    post(manager, DUTIES, **duty)
    row = db.session.scalars(select(Duty)).one()
    assert (row.weekday, row.start_minute, row.minutes, row.until_day) == (4, 1320, 480, None)
    text = get(manager, DUTIES)
    assert "Friday 22:00–06:00" in text
    assert "of the next day" in text
    away: dict[str, Any] = {
        "absence-person": str(ida.id),
        "absence-first_day": "2027-01-04",
        "absence-last_day": "2027-01-05",
        "absence-start": "0",
        "absence-end": "1440",
    }
    post(manager, "/facilities/lab/absences", **away)
    gone = db.session.scalars(select(Absence)).one()
    assert (gone.starts_at.isoformat(), gone.ends_at.isoformat()) == (
        "2027-01-03T23:00:00+00:00",
        "2027-01-05T23:00:00+00:00",
    )
    assert "Mon 4 Jan 2027" in get(manager, DUTIES)
    post(manager, f"/facilities/lab/absences/{gone.id}/remove")
    post(manager, f"{DUTIES}/{row.id}/end")
    assert db.session.scalars(select(Duty.id)).all() == db.session.scalars(select(Absence.id)).all() == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"email": "nobody@example.org"}, "There is no account with this address."),
        ({"weekday": "7"}, "field-error"),
        ({"start": "-5"}, "field-error"),
        ({"from_day": "", "until_day": "x"}, "Give a day as year-month-day"),
        ({"until_day": "2026-11-04"}, "The last day is before the first."),
    ],
)
def test_a_duty_that_cannot_be_is_refused(
    lab: Facility, manager: Browser, ida: Person, changed: dict[str, str], sentence: str
) -> None:
    duty: dict[str, Any] = {
        "email": "ida@example.org",
        "weekday": "4",
        "start": "540",
        "end": "600",
        "from_day": "2026-11-05",
    }
    assert sentence in post(manager, DUTIES, 422, **{**duty, **changed})
    assert db.session.scalars(select(Duty)).all() == []


def test_an_absence_that_cannot_be_is_refused(lab: Facility, manager: Browser, ida: Person) -> None:
    day = {"weekday": 0, "start_minute": 0, "minutes": 60, "from_day": BEFORE.date()}
    row = stored(Duty(facility_id=lab.id, person_id=ida.id, **day))
    away: dict[str, Any] = {
        "absence-person": str(ida.id),
        "absence-first_day": "2027-01-04",
        "absence-last_day": "2027-01-03",
    }
    text = post(manager, "/facilities/lab/absences", 422, **away, **{"absence-start": "0", "absence-end": "1440"})
    assert "The end must be after the start" in text
    post(manager, "/facilities/lab/absences", 422, **{**away, "absence-person": "x"})
    assert db.session.scalars(select(Absence)).all() == []
    other = browser(manager.application, a_manager(a_facility(slug="elsewhere")).id)
    post(other, f"/facilities/elsewhere/duties/{row.id}/end", 404)
    post(other, f"{DUTIES}/{row.id}/end", 403)
