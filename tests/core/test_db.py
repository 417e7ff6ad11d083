"""Transactions: one writer at a time, nothing half done, only aware times."""

import threading
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from accounts.models import Organisation
from core.db import db, transaction
from core.errors import NotFound
from tests.factories import a_person, an_organisation
from tests.support import on_both_databases


@on_both_databases
def test_increments_under_a_lock_are_never_lost(app: Flask) -> None:
    with app.app_context():
        organisation = an_organisation(city="0")
    errors: list[BaseException] = []

    def increment() -> None:
        try:
            with app.app_context():
                for _ in range(10):
                    with transaction() as tx:
                        row = tx.lock(select(Organisation).where(Organisation.id == organisation.id))
                        row.city = str(int(row.city) + 1)
        except BaseException as error:  # noqa: BLE001 - shown by the test itself
            errors.append(error)

    threads = [threading.Thread(target=increment) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        assert errors == []
        assert db.session.scalars(select(Organisation.city).where(Organisation.id == organisation.id)).one() == "60"


@on_both_databases
def test_an_exception_leaves_nothing_behind(context: Flask) -> None:
    def half_done() -> None:
        with transaction() as tx:
            tx.session.add(Organisation(slug="half", name="Half"))
            tx.session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    assert db.session.scalar(select(Organisation).where(Organisation.slug == "half")) is None


def test_what_waits_for_the_commit_does_not_happen_after_a_rollback(context: Flask) -> None:
    rung: list[str] = []

    def fail() -> None:
        with transaction() as tx:
            tx.after_commit(lambda: rung.append("no"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with transaction() as tx:
        tx.after_commit(lambda: rung.append("yes"))
        assert rung == []
    assert rung == ["yes"]


@on_both_databases
def test_times_come_back_aware_and_in_utc(context: Flask) -> None:
    person = a_person(created_at=datetime.fromisoformat("2027-07-01T12:00:00+02:00"))
    db.session.expire_all()
    db.session.refresh(person)
    assert person.created_at == datetime(2027, 7, 1, 10, tzinfo=UTC)
    assert person.created_at.tzinfo is UTC


def test_a_naive_time_is_refused(context: Flask) -> None:
    with pytest.raises(StatementError, match="naive"):
        a_person(created_at=datetime(2027, 7, 1, 10))  # noqa: DTZ001 - the point of the test


def test_a_missing_row_is_not_found(context: Flask) -> None:
    with pytest.raises(NotFound), transaction() as tx:
        tx.lock(select(Organisation).where(Organisation.slug == "nowhere"))
