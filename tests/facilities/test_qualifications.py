"""Qualifications: when a grant counts, who may give and take it, and what a use changes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.policy import SYSTEM, VISITOR, Role
from core.audit import AuditEntry
from core.db import db, transaction
from core.errors import Forbidden, Invalid, NotFound, Refusal
from core.intervals import Interval
from core.mail import render
from core.outbox import OutboxMessage
from facilities.models import Facility, InstrumentQualification, Qualification, QualificationGrant
from facilities.qualifications import Granted, Lack, Lacking, ends_soon, lacking, last_day, usual_end
from facilities.services import qualifications as verbs
from facilities.services.qualifications import QualificationContent
from tests.factories import BEFORE, MONDAY, a_facility, a_manager, a_person, actor, an_instrument
from tests.support import on_both_databases

ROME = ZoneInfo("Europe/Rome")
GRANTED = datetime(2026, 6, 1, 8, tzinfo=UTC)


def booked(start: datetime = datetime(2027, 1, 4, 9, tzinfo=UTC), hours: int = 2) -> Interval:
    return Interval(start, start + timedelta(hours=hours))


# --- the rule -------------------------------------------------------------------------------------------------

MONDAY_4 = date(2027, 1, 4)
TABLE: list[tuple[str, dict[str, Any], Interval, Lacking | None]] = [
    ("granted, no end", {}, booked(), None),
    ("granted after the booking", {"granted_at": MONDAY + timedelta(days=9)}, booked(), Lacking(Lack.MISSING)),
    ("expires on the day", {"expires_on": MONDAY_4}, booked(), None),
    (
        "expired the day before",
        {"expires_on": date(2027, 1, 3)},
        booked(),
        Lacking(Lack.EXPIRED, date(2027, 1, 3)),
    ),
    (
        "expires while the booking runs",
        {"expires_on": MONDAY_4},
        booked(hours=24),
        Lacking(Lack.EXPIRED, MONDAY_4),
    ),
    (
        "a booking that ends at local midnight ends on the day before",
        {"expires_on": MONDAY_4},
        booked(datetime(2027, 1, 4, 21, tzinfo=UTC)),
        None,
    ),
    (
        "the local day counts, not the day of UTC",
        {"expires_on": MONDAY_4},
        booked(datetime(2027, 1, 4, 23, tzinfo=UTC), 1),
        Lacking(Lack.EXPIRED, MONDAY_4),
    ),
    (
        "revoked",
        {"revoked_at": datetime(2026, 7, 1, 23, tzinfo=UTC)},
        booked(),
        Lacking(Lack.REVOKED, date(2026, 7, 2)),
    ),
    ("never used, soon enough", {"unused_days": 217}, booked(), None),
    ("never used for too long", {"unused_days": 216}, booked(), Lacking(Lack.UNUSED, date(2027, 1, 3))),
    (
        "used since, soon enough",
        {"unused_days": 90, "last_used_at": datetime(2026, 10, 6, 8, tzinfo=UTC)},
        booked(),
        None,
    ),
    (
        "used since, but too long ago",
        {"unused_days": 90, "last_used_at": datetime(2026, 10, 5, 8, tzinfo=UTC)},
        booked(),
        Lacking(Lack.UNUSED, date(2027, 1, 3)),
    ),
    (
        "a new grant counts from itself, whatever was used before",
        {"unused_days": 217, "last_used_at": GRANTED - timedelta(days=400)},
        booked(),
        None,
    ),
    (
        "disuse is counted to the day on which the booking begins",
        {"unused_days": 217},
        booked(hours=48),
        None,
    ),
]


@pytest.mark.parametrize(("values", "when", "expected"), [pytest.param(*row[1:], id=row[0]) for row in TABLE])
def test_a_grant_counts_at_the_booked_time_or_says_why_not(
    values: dict[str, Any], when: Interval, expected: Lacking | None
) -> None:
    assert lacking(Granted(**{"granted_at": GRANTED, **values}), when, ROME) == expected


def test_who_has_no_grant_lacks_it() -> None:
    assert lacking(None, booked(), ROME) == Lacking(Lack.MISSING)


def test_the_last_day_is_the_earlier_of_expiry_and_disuse() -> None:
    assert last_day(Granted(GRANTED), ROME) is None
    assert last_day(Granted(GRANTED, expires_on=MONDAY_4), ROME) == MONDAY_4
    assert last_day(Granted(GRANTED, expires_on=MONDAY_4, unused_days=30), ROME) == date(2026, 7, 1)


@pytest.mark.parametrize(
    ("expires_on", "soon"),
    [
        (None, False),
        (date(2027, 1, 3), False),
        (MONDAY_4, True),
        (date(2027, 2, 3), True),
        (date(2027, 2, 4), False),
    ],
)
def test_what_ends_within_thirty_days_ends_soon(expires_on: date | None, soon: bool) -> None:
    assert ends_soon(Granted(GRANTED, expires_on=expires_on), ROME, MONDAY) is soon


def test_what_is_revoked_does_not_end_soon() -> None:
    assert not ends_soon(Granted(GRANTED, expires_on=MONDAY_4, revoked_at=GRANTED), ROME, MONDAY)


def test_a_grant_lasts_as_long_as_its_qualification_says() -> None:
    assert usual_end(None, ROME, GRANTED) is None
    assert usual_end(365, ROME, GRANTED) == date(2027, 6, 1)


# --- the verbs ------------------------------------------------------------------------------------------------


@pytest.fixture
def lab(context: Flask) -> Facility:
    return a_facility(slug="lab")


def add(facility: Facility, key: str = "", **content: Any) -> Qualification:
    values = QualificationContent(**{"name": "Electron microscopy", **content})
    made = verbs.add_qualification(facility.id, values, actor(a_manager(facility)), BEFORE, key)
    return db.session.get_one(Qualification, made)


def acts(verb: str) -> list[AuditEntry]:
    db.session.rollback()
    return list(db.session.scalars(select(AuditEntry).where(AuditEntry.verb == verb)))


def mails() -> list[OutboxMessage]:
    db.session.rollback()
    return list(db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.created_at)))


@on_both_databases
def test_a_manager_enters_a_qualification_and_says_which_instruments_need_it(lab: Facility) -> None:
    scope, other = an_instrument(lab), an_instrument(lab)
    made = add(lab, valid_days=365, unused_days=180, instrument_ids=frozenset({scope.id}))
    assert (made.slug, made.valid_days, made.unused_days, made.is_active) == ("electron-microscopy", 365, 180, True)
    assert [need.instrument_id for need in db.session.scalars(select(InstrumentQualification))] == [scope.id]
    content = QualificationContent("Electron microscopy", is_active=False, instrument_ids=frozenset({other.id}))
    manager = actor(a_manager(lab))
    for _again in range(2):
        verbs.change_qualification(made.id, content, manager, BEFORE)
    db.session.rollback()
    changed = db.session.get_one(Qualification, made.id)
    assert (changed.valid_days, changed.unused_days, changed.is_active) == (None, None, False)
    assert [need.instrument_id for need in db.session.scalars(select(InstrumentQualification))] == [other.id]
    assert len(acts("add_qualification")) == len(acts("change_qualification")) == 1


def test_two_of_one_name_have_two_addresses_and_one_key_enters_one(lab: Facility) -> None:
    assert [add(lab).slug, add(lab).slug, add(lab, name="New").slug] == [
        "electron-microscopy",
        "electron-microscopy-2",
        "new-2",
    ]
    manager = actor(a_manager(lab))
    content = QualificationContent("Laser")
    assert len({verbs.add_qualification(lab.id, content, manager, BEFORE, "a key") for _ in range(2)}) == 1


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name_it": "x" * 201}, "name_it"),
        ({"valid_days": 0}, "valid_days"),
        ({"unused_days": 36_501}, "unused_days"),
    ],
)
def test_wrong_values_are_refused_beside_their_fields(lab: Facility, content: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        add(lab, **content)
    assert list(refused.value.fields) == [field]


def test_an_instrument_of_another_facility_cannot_need_it(lab: Facility) -> None:
    with pytest.raises(Invalid) as refused:
        add(lab, instrument_ids=frozenset({an_instrument().id}))
    assert refused.value.code == "other_facility"


def give(of: Qualification, **more: Any) -> QualificationGrant:
    person = more.get("person") or a_person(language="en", name="Ida")
    manager = more.get("manager") or actor(a_manager(db.session.get_one(Facility, of.facility_id)))
    now = more.get("now", BEFORE)
    made = verbs.grant(of.id, person.id, more.get("expires_on"), more.get("note", ""), manager, now)
    db.session.rollback()
    return db.session.get_one(QualificationGrant, made)


@on_both_databases
def test_a_grant_lasts_as_the_rule_says_or_until_the_day_that_is_given_and_is_told(lab: Facility) -> None:
    of = add(lab, valid_days=10)
    usual, given = give(of), give(of, expires_on=date(2027, 3, 1))
    assert (usual.expires_on, given.expires_on) == (date(2026, 11, 15), date(2027, 3, 1))
    assert [act.detail["expires_on"] for act in acts("grant_qualification")] == ["2026-11-15", "2027-03-01"]
    payload = mails()[-1].payload
    subject, body = render(payload["template"], "en", payload["values"])
    assert subject == "Qualified: Electron microscopy"
    assert "until 2027-03-01" in body
    assert "/qualifications" in body


def test_granting_the_same_again_changes_nothing_and_granting_anew_renews(lab: Facility) -> None:
    of, person = add(lab), a_person()
    first = give(of, person=person)
    assert give(of, person=person, now=BEFORE + timedelta(days=1)).granted_at == first.granted_at
    assert len(mails()) == 1
    renewed = give(of, person=person, expires_on=date(2027, 5, 1), now=BEFORE + timedelta(days=1))
    assert (renewed.id, renewed.expires_on) == (first.id, date(2027, 5, 1))
    assert renewed.granted_at == BEFORE + timedelta(days=1)
    assert db.session.scalar(select(func.count(QualificationGrant.id))) == 1


def test_a_grant_in_the_past_a_long_note_or_of_one_switched_off_is_refused(lab: Facility) -> None:
    of = add(lab)
    for values, field in (({"expires_on": date(2026, 11, 4)}, "expires_on"), ({"note": "x" * 201}, "note")):
        with pytest.raises(Invalid) as refused:
            give(of, **values)
        assert list(refused.value.fields) == [field]
    off = add(lab, is_active=False)
    with pytest.raises(Invalid) as refused:
        give(off)
    assert refused.value.code == "switched_off"


@on_both_databases
def test_revoking_needs_a_reason_which_the_person_reads_once(lab: Facility) -> None:
    row, manager = give(add(lab)), actor(a_manager(lab))
    with pytest.raises(Invalid) as refused:
        verbs.revoke(row.id, " ", manager, BEFORE)
    assert list(refused.value.fields) == ["reason"]
    for _again in range(2):
        verbs.revoke(row.id, "Left the door open.", manager, BEFORE + timedelta(days=1))
    db.session.rollback()
    assert db.session.get_one(QualificationGrant, row.id).revoked_at == BEFORE + timedelta(days=1)
    assert [act.reason for act in acts("revoke_qualification")] == ["Left the door open."]
    payload = mails()[-1].payload
    assert len(mails()) == 2
    assert "Left the door open." in render(payload["template"], "it", payload["values"])[1]


def test_a_revoked_one_can_be_granted_anew(lab: Facility) -> None:
    of, person = add(lab), a_person()
    row = give(of, person=person)
    verbs.revoke(row.id, "A test.", actor(a_manager(lab)), BEFORE)
    assert give(of, person=person, now=BEFORE + timedelta(days=1)).revoked_at is None


# --- who may --------------------------------------------------------------------------------------------------


def test_nobody_grants_to_themselves_not_even_the_office(lab: Facility) -> None:
    of = add(lab)
    for person in (a_manager(lab), a_person(is_office=True)):
        with pytest.raises(Forbidden) as refused:
            verbs.grant(of.id, person.id, None, "", actor(person), BEFORE)
        assert refused.value.code == "own_grant"
    manager, colleague = a_manager(lab), a_manager(lab)
    verbs.grant(of.id, colleague.id, None, "", actor(manager), BEFORE)


def test_only_managers_of_the_facility_and_the_office_manage_qualifications(lab: Facility) -> None:
    of = add(lab)
    row = give(of)
    content = QualificationContent("Laser")
    others = [VISITOR, *map(actor, (a_person(), a_manager(lab, Role.REVIEWER), a_manager(a_facility())))]
    for one in others:
        for act in (
            lambda one=one: verbs.add_qualification(lab.id, content, one, BEFORE, ""),
            lambda one=one: verbs.change_qualification(of.id, content, one, BEFORE),
            lambda one=one: verbs.grant(of.id, a_person().id, None, "", one, BEFORE),
            lambda one=one: verbs.revoke(row.id, "No.", one, BEFORE),
        ):
            with pytest.raises(Refusal) as refused:
                act()
            assert refused.value.status == 403
    verbs.change_qualification(of.id, content, actor(a_person(is_office=True)), BEFORE)
    verbs.revoke(row.id, "A reason.", SYSTEM, BEFORE)


def test_what_does_not_exist_is_not_found(lab: Facility) -> None:
    manager = actor(a_manager(lab))
    with pytest.raises(NotFound):
        verbs.grant(lab.id, manager.person_id or lab.id, None, "", manager, BEFORE)
    with pytest.raises(NotFound):
        verbs.grant(add(lab).id, lab.id, None, "", manager, BEFORE)
    with pytest.raises(NotFound):
        verbs.revoke(lab.id, "No.", manager, BEFORE)


# --- use ------------------------------------------------------------------------------------------------------


@on_both_databases
def test_a_use_refreshes_what_the_instrument_needs_and_nothing_else(lab: Facility) -> None:
    scope, person = an_instrument(lab), a_person()
    needed = give(add(lab, instrument_ids=frozenset({scope.id})), person=person)
    other, others = give(add(lab), person=person), give(add(lab, instrument_ids=frozenset({scope.id})))
    revoked = give(add(lab, instrument_ids=frozenset({scope.id})), person=person)
    verbs.revoke(revoked.id, "A test.", actor(a_manager(lab)), BEFORE)
    for at in (MONDAY, MONDAY - timedelta(days=3)):
        with transaction() as tx:
            verbs.used(tx, person.id, scope, at)
    db.session.rollback()
    rows = {row.id: row.last_used_at for row in db.session.scalars(select(QualificationGrant))}
    assert rows == {needed.id: MONDAY, other.id: None, others.id: None, revoked.id: None}
