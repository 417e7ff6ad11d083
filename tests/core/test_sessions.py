"""Server-side sessions."""

from datetime import timedelta
from typing import Any

from flask import Flask, flash
from sqlalchemy import select

from core import clock
from core.db import db, transaction
from core.session_rows import StoredSession, end_sessions, purge
from tests.factories import a_person
from tests.support import Browser, browser


def _rows() -> list[StoredSession]:
    db.session.rollback()
    return list(db.session.scalars(select(StoredSession)))


def test_reading_public_pages_stores_nothing(context: Flask) -> None:
    client = context.test_client()
    client.get("/facilities", headers={"Host": "localhost"})
    assert _rows() == []


def test_the_key_itself_is_not_stored(context: Flask, visitor: Browser) -> None:
    cookie = visitor.get_cookie("equora")
    assert cookie is not None
    assert all(cookie.value not in (row.key_hash, str(row.data)) for row in _rows())


def test_a_session_that_was_ended_during_a_request_does_not_come_back(context: Flask, app: Flask) -> None:
    person = a_person()
    client = browser(app, person.id)
    original = app.view_functions["accounts.account"]

    def slow_page() -> Any:
        with transaction() as tx:  # meanwhile the person signs out everywhere
            end_sessions(tx, str(person.id))
        return original()

    app.view_functions["accounts.account"] = slow_page
    with clock.frozen_at(clock.now() + timedelta(minutes=10)):  # late enough for the row to be touched
        assert client.get("/account").status_code == 200
    app.view_functions["accounts.account"] = original
    assert _rows() == []
    assert client.get("/account").status_code == 303


def test_changing_an_ended_session_does_not_bring_it_back_either(context: Flask, app: Flask) -> None:
    person = a_person()
    client = browser(app, person.id)

    def flashing_page() -> str:
        with transaction() as tx:
            end_sessions(tx, str(person.id))
        flash("something")
        return "done"

    app.view_functions["accounts.account"] = flashing_page
    client.get("/account")
    assert _rows() == []


def test_expired_sessions_are_purged(context: Flask, visitor: Browser) -> None:
    assert len(_rows()) == 1
    purge(clock.now())
    assert len(_rows()) == 1
    purge(clock.now() + timedelta(hours=2))
    assert _rows() == []


def test_ending_a_persons_sessions_spares_others_and_the_named_one(context: Flask, app: Flask) -> None:
    person, other = a_person(), a_person()
    for _ in range(3):
        browser(app, person.id)
    browser(app, other.id)
    kept = next(row.key_hash for row in _rows() if row.person_id == str(person.id))
    with transaction() as tx:
        assert end_sessions(tx, str(person.id), except_key_hash=kept) == 2
    assert {row.person_id for row in _rows()} == {str(person.id), str(other.id)}
