"""Writes that are not worth waiting for: notes of when something was last seen."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Update
from sqlalchemy.exc import OperationalError

from core.db import SQLITE_BUSY_MS, db


def at_once(statement: Update) -> bool:
    """Store `statement` in a transaction of its own if the database lets us now; False when it is busy.

    The session's own transaction is left alone. Nobody waits longer than PostgreSQL's shortest lock timeout.
    """
    with db.engine.connect() as connection, _impatient(connection):
        try:
            connection.execute(statement)
            connection.commit()
        except OperationalError:  # locked, full or read-only: the answer matters more than the note
            connection.rollback()
            return False
    return True


@contextmanager
def _impatient(connection: Connection) -> Iterator[None]:
    """A connection on which a lock is refused at once instead of waited for."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SET LOCAL lock_timeout = '1ms'")
        yield
        return
    raw = connection.connection.dbapi_connection
    assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - the dialect says so
    raw.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        raw.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_MS}")
