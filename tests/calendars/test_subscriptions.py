"""Subscriptions: who may have one, what is stored, how one ends."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from booking.models import CalendarKind
from calendars import services
from calendars.models import Subscription
from calendars.policy import Detail
from core.db import db
from core.errors import Conflict, Forbidden, Invalid, NotFound
from tests.factories import BEFORE, a_facility, a_manager, a_member, a_person, actor, an_instrument

pytestmark = pytest.mark.usefixtures("context")


def test_the_secret_is_given_once_and_only_its_hash_is_stored() -> None:
    person = a_member()
    secret = services.subscribe(CalendarKind.PERSON, person.id, Detail.FULL, "it", " Mine ", actor(person), BEFORE)
    row = db.session.scalars(select(Subscription)).one()
    assert len(secret) >= 22  # 128 bits in base 64
    assert (row.name, row.detail, row.language, row.revoked_at) == ("Mine", Detail.FULL, "it", None)
    for table in ("subscriptions", "audit_entries", "idempotency_keys"):
        stored = db.session.execute(text(f"SELECT * FROM {table}")).all()
        assert stored or table == "idempotency_keys"
        assert secret not in str(stored)


def test_each_subscription_has_a_secret_of_its_own() -> None:
    person = a_member()
    made = {
        services.subscribe(CalendarKind.PERSON, person.id, Detail.BUSY, "en", "Mine", actor(person), BEFORE)
        for _ in range(5)
    }
    assert len(made) == 5


def test_nobody_subscribes_to_the_bookings_of_another_person() -> None:
    with pytest.raises(NotFound):
        services.subscribe(CalendarKind.PERSON, a_member().id, Detail.BUSY, "en", "Theirs", actor(a_member()), BEFORE)


@pytest.mark.parametrize("kind", [CalendarKind.INSTRUMENT, CalendarKind.FACILITY])
def test_members_and_staff_subscribe_to_instruments_and_facilities_others_do_not(kind: CalendarKind) -> None:
    instrument = an_instrument(a_facility())
    subject = instrument.id if kind is CalendarKind.INSTRUMENT else instrument.facility_id
    for person in (a_member(), a_manager(db.session.merge(instrument.facility))):
        assert services.subscribe(kind, subject, Detail.TITLE, "en", "It", actor(person), BEFORE)
    for outsider in (a_person(), a_manager(a_facility())):
        with pytest.raises(Forbidden):
            services.subscribe(kind, subject, Detail.BUSY, "en", "It", actor(outsider), BEFORE)


@pytest.mark.parametrize("kind", [CalendarKind.INSTRUMENT, CalendarKind.FACILITY])
def test_there_is_no_calendar_of_what_does_not_exist(kind: CalendarKind) -> None:
    person = a_member()
    with pytest.raises(NotFound):
        services.subscribe(kind, person.id, Detail.BUSY, "en", "Nothing", actor(person), BEFORE)


@pytest.mark.parametrize(("name", "language"), [("   ", "en"), ("Mine", "xx")])
def test_a_subscription_has_a_name_and_a_language_we_speak(name: str, language: str) -> None:
    person = a_member()
    with pytest.raises(Invalid):
        services.subscribe(CalendarKind.PERSON, person.id, Detail.BUSY, language, name, actor(person), BEFORE)


def test_the_same_form_sent_twice_makes_one_subscription() -> None:
    person = a_member()
    services.subscribe(CalendarKind.PERSON, person.id, Detail.BUSY, "en", "Mine", actor(person), BEFORE, "a key")
    with pytest.raises(services.AlreadyShown):
        services.subscribe(CalendarKind.PERSON, person.id, Detail.BUSY, "en", "Mine", actor(person), BEFORE, "a key")
    assert len(db.session.scalars(select(Subscription)).all()) == 1


def test_a_person_has_at_most_fifty_and_room_again_after_revoking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_SUBSCRIPTIONS", 2)
    person = a_member()
    for _ in range(2):
        services.subscribe(CalendarKind.PERSON, person.id, Detail.BUSY, "en", "Mine", actor(person), BEFORE)
    with pytest.raises(Conflict):
        services.subscribe(CalendarKind.PERSON, person.id, Detail.BUSY, "en", "Mine", actor(person), BEFORE)
    services.revoke(db.session.scalars(select(Subscription.id).limit(1)).one(), actor(person), BEFORE)
    services.subscribe(CalendarKind.PERSON, person.id, Detail.BUSY, "en", "Mine", actor(person), BEFORE)


def test_only_its_owner_revokes_a_subscription_and_twice_is_once() -> None:
    person = a_member()
    services.subscribe(CalendarKind.PERSON, person.id, Detail.BUSY, "en", "Mine", actor(person), BEFORE)
    row_id = db.session.scalars(select(Subscription.id)).one()
    with pytest.raises(NotFound):
        services.revoke(row_id, actor(a_member()), BEFORE)
    services.revoke(row_id, actor(person), BEFORE)
    services.revoke(row_id, actor(person), BEFORE + timedelta(days=1))
    db.session.expire_all()
    assert db.session.scalars(select(Subscription.revoked_at)).one() == BEFORE


def test_a_fetch_is_noted_at_most_once_in_five_minutes() -> None:
    person = a_member()
    services.subscribe(CalendarKind.PERSON, person.id, Detail.BUSY, "en", "Mine", actor(person), BEFORE)
    row_id = db.session.scalars(select(Subscription.id)).one()
    seen = []
    for minutes in (0, 4, 5):
        services.note_fetch(row_id, f"program\r\n {minutes}", BEFORE + timedelta(minutes=minutes))
        db.session.rollback()
        seen.append(db.session.execute(select(Subscription.fetched_at, Subscription.fetched_by)).one())
    assert [tuple(row) for row in seen] == [
        (BEFORE, "program 0"),
        (BEFORE, "program 0"),
        (BEFORE + timedelta(minutes=5), "program 5"),
    ]
