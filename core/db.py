"""The one SQLAlchemy object, UTC-only times, and the transaction in which every verb happens."""

import fcntl
import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID, uuid4

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, DateTime, Dialect, Engine, Enum, MetaData, Select, Uuid, event, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from core.errors import Busy, NotFound

T = TypeVar("T")
SQLITE_BUSY_MS = 15_000
LONGEST_WAIT = 15.0
PAUSE = 0.001
"""Seconds between two tries of the one who is next to be SQLite's one writer."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, kept in UTC; a naive one is a bug and refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Only aware instants go in."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Always aware UTC on the way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Model(DeclarativeBase):
    """Base of all tables: stable constraint names, UTC times, UUID keys, JSON for documents."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this attribute of the class
        datetime: UtcDateTime,
        UUID: Uuid,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        list[str]: JSON,
        list[int]: JSON,
    }


def primary_key() -> Mapped[UUID]:
    """A random key: it can be made before the insert and tells nothing about its neighbours."""
    return mapped_column(primary_key=True, default=uuid4)


def enum_of(kind: type[StrEnum], name: str) -> Enum:
    """A text column that holds only `kind`'s values, checked by the database too."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


db = SQLAlchemy(metadata=Model.metadata, session_options={"expire_on_commit": False})


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # we say BEGIN ourselves, below
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={SQLITE_BUSY_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    if mode == "IMMEDIATE":
        _wait_for_turn(connection)
    else:
        connection.exec_driver_sql(f"BEGIN {mode}")


def _wait_for_turn(connection: Connection) -> None:
    """Begin as the one writer; OperationalError when the one before does not end within LONGEST_WAIT.

    SQLite's own way of waiting prefers newcomers: they try every few milliseconds, those who wait long every hundred.
    Here writers of all processes queue, so that nobody starves, and only the first of the queue tries.
    """
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - the dialect says so
    raw.execute("PRAGMA busy_timeout=0")
    try:
        with _first_of_the_queue(connection.engine.url.database):
            end = time.monotonic() + LONGEST_WAIT
            while not _begun(raw) and time.monotonic() < end:
                time.sleep(PAUSE)
            if not raw.in_transaction:
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # its refusal is SQLAlchemy's
    finally:
        raw.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")


def _begun(raw: sqlite3.Connection) -> bool:
    """Whether this connection is the writer now; False while another one is."""
    try:
        raw.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        return "locked" not in str(error)  # anything else is said by the try that SQLAlchemy sees
    return True


@contextmanager
def _first_of_the_queue(database: str | None) -> Iterator[None]:
    """Wait behind those who came before, in whatever process; the kernel ends a dead one's place."""
    if not database or database == ":memory:":
        yield
        return
    descriptor = os.open(f"{database}-queue", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Tx:
    """One open transaction: what a service works with."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._before: dict[tuple[str, ...], Callable[[], None]] = {}
        self._after: list[Callable[[], None]] = []

    def lock(self, statement: Select[T]) -> T:
        """The one row of `statement`, held until the end of the transaction; NotFound when there is none.

        SQLite has one writer at a time (BEGIN IMMEDIATE), PostgreSQL locks the row.
        """
        row = self.session.scalars(statement.with_for_update().execution_options(populate_existing=True)).one_or_none()
        if row is None:
            raise NotFound
        return row

    def one(self, statement: Select[T]) -> T:
        """The one row of `statement`, read only; NotFound when there is none."""
        row = self.session.scalars(statement).one_or_none()
        if row is None:
            raise NotFound
        return row

    def alone(self, name: str) -> None:
        """Until its end this is the only transaction that holds `name`; others wait here.

        For checks that no row can be locked for ("nobody has this name yet"), in the order of
        docs/reference/locking.md.
        SQLite has one writer at a time as it is.
        """
        if self.session.get_bind().dialect.name == "postgresql":
            number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
            self.session.execute(select(func.pg_advisory_xact_lock(number)))

    def before_commit(self, key: tuple[str, ...], call: Callable[[], None]) -> None:
        """Call this as the last work of the transaction: once per key, in the order of the keys.

        For rows that many transactions write (counters): taken last and in one order, they make no deadlock.
        """
        self._before[key] = call

    def commit(self) -> None:
        """Do the last work, then store everything."""
        for _key, call in sorted(self._before.items(), key=lambda item: item[0]):
            call()
        self.session.commit()

    def after_commit(self, call: Callable[[], None]) -> None:
        """Call this once the work is safely stored, never when it was rolled back."""
        self._after.append(call)

    def committed(self) -> None:
        """Run what waited for the commit."""
        for call in self._after:
            call()


@contextmanager
def transaction() -> Iterator[Tx]:
    """Open one write transaction, commit once at the end, roll back on any exception.

    Whatever the session had read before is forgotten first, so that a service never decides
    on an old snapshot. Busy is raised when the database stays locked for too long.
    """
    session = db.session()
    session.rollback()
    _begin_for_writing(session)
    tx = Tx(session)
    try:
        yield tx
        tx.commit()
    except OperationalError as error:
        session.rollback()
        if _is_locked(error):
            raise Busy from error
        raise
    except BaseException:
        session.rollback()
        raise
    tx.committed()


@contextmanager
def rehearsal() -> Iterator[Tx]:
    """Open one write transaction and undo all of it at its end: for finding out what a verb would do."""
    session = db.session()
    session.rollback()
    _begin_for_writing(session)
    try:
        yield Tx(session)
    except OperationalError as error:
        if _is_locked(error):
            raise Busy from error
        raise
    finally:
        session.rollback()


def _begin_for_writing(session: Session) -> None:
    try:
        session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
    except OperationalError as error:
        session.rollback()
        if _is_locked(error):
            raise Busy from error
        raise


def _is_locked(error: OperationalError) -> bool:
    """Whether waiting would help: SQLite's lock, or PostgreSQL's deadlock and serialisation victims."""
    text = str(error.orig)
    code = getattr(error.orig, "sqlstate", None)
    return "database is locked" in text or code in {"40001", "40P01", "55P03"}
