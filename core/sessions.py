"""Server-side sessions: the cookie is a random key, the content a row, so a copied cookie dies at logout."""

from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import bindparam, select
from sqlalchemy.exc import OperationalError
from werkzeug.datastructures import CallbackDict

from core import clock
from core.db import db, transaction
from core.errors import Busy
from core.session_rows import ABSOLUTE_LIFE, StoredSession, forget
from core.tokens import hashed, new_token

IDLE_SECONDS = 8 * 3600
TOUCH_EVERY = timedelta(minutes=5)
WITHOUT_SESSION = ("/static/", "/healthz", "/calendars/feeds/")  # the same answer for everybody who asks


_LIVING = select(StoredSession.data, StoredSession.seen_at, StoredSession.created_at).where(
    StoredSession.key_hash == bindparam("key_hash"), StoredSession.expires_at > bindparam("now")
)  # asked in every request: building it costs more than asking


class ServerSession(CallbackDict[str, Any], SessionMixin):
    """The session of one request; notes whether it was changed."""

    def __init__(self, data: dict[str, Any], key: str | None, seen_at: datetime | None) -> None:
        def changed(me: "ServerSession") -> None:
            me.modified = True

        super().__init__(data, changed)
        self.key = key
        self.seen_at = seen_at
        self.modified = False
        self.renewed = False
        self.lost: OperationalError | None = None

    @property
    def key_hash(self) -> str:
        """What the session's row is found by; empty when there is no row yet."""
        return hashed(self.key) if self.key else ""

    def renew(self) -> None:
        """Take a new key at the end of this request: at login, so that a planted key is worthless."""
        self.renewed = True
        self.modified = True


class DatabaseSessions(SessionInterface):
    """Flask's session, kept in the database."""

    def open_session(self, app: Flask, request: Request) -> ServerSession:
        """Find the session of the cookie, or begin an empty one that costs nothing until it is used."""
        key = request.cookies.get(self.get_cookie_name(app))
        if not key or request.path.startswith(WITHOUT_SESSION):
            return ServerSession({}, None, None)
        now = clock.now()
        try:
            row = db.session.execute(_LIVING, {"key_hash": hashed(key), "now": now}).one_or_none()
        except OperationalError as error:
            return self._lost(error)
        if row is None or now >= row.created_at + ABSOLUTE_LIFE:
            return ServerSession({}, None, None)
        return ServerSession(dict(row.data), key, row.seen_at)

    @staticmethod
    def _lost(error: OperationalError) -> ServerSession:
        """The database is away: the request goes on far enough to say so, and is not taken for a visitor's."""
        db.session.rollback()
        nobody = ServerSession({}, None, None)
        nobody.lost = error
        return nobody

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Store what changed, at most touching the row every few minutes otherwise."""
        assert isinstance(session, ServerSession)  # noqa: S101 - only open_session makes them
        now = clock.now()
        if session.modified:
            response.vary.add("Cookie")
            key = self._store(session, now) if session else self._end(session)
            self._answer_cookie(app, response, key, session.key)
        elif session.key is not None and session.seen_at is not None and now - session.seen_at > TOUCH_EVERY:
            self._touch(session, now)

    def _answer_cookie(self, app: Flask, response: Response, key: str | None, before: str | None) -> None:
        name, secure = self.get_cookie_name(app), bool(app.config["SESSION_COOKIE_SECURE"])
        if key is not None and key != before:
            life = int(ABSOLUTE_LIFE.total_seconds())
            response.set_cookie(name, key, max_age=life, path="/", secure=secure, httponly=True, samesite="Lax")
        elif key is None and before is not None:
            response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="Lax")

    @staticmethod
    def _end(session: ServerSession) -> None:
        if session.key:
            forget(session.key)

    @staticmethod
    def _store(session: ServerSession, now: datetime) -> str | None:
        """The key under which the session is kept from now on; None when it was ended while we worked.

        A row that another request has deleted (logout, new password) is never written anew.
        """
        old = session.key
        with transaction() as tx:
            row = tx.session.get(StoredSession, hashed(old), with_for_update=True) if old else None
            if old and row is None and not session.renewed:
                return None
            key = new_token() if old is None or session.renewed else old
            if row and session.renewed:
                tx.session.delete(row)
                row = None
            if row is None:
                row = StoredSession(key_hash=hashed(key), created_at=now)
                tx.session.add(row)
            row.data = dict(session)
            row.person_id = session.get("_user_id")
            row.seen_at = now
            row.expires_at = _expiry(session, row.created_at, now)
        return key

    @staticmethod
    def _touch(session: ServerSession, now: datetime) -> None:
        try:
            with transaction() as tx:
                row = tx.session.get(StoredSession, session.key_hash, with_for_update=True)
                if row is not None:
                    row.seen_at, row.expires_at = now, _expiry(session, row.created_at, now)
        except Busy:
            return  # the answer is ready and good; the next request touches the row


def _expiry(session: ServerSession, created_at: datetime, now: datetime) -> datetime:
    idle = timedelta(seconds=int(session.get("_idle_seconds", IDLE_SECONDS)))
    return min(now + idle, created_at + ABSOLUTE_LIFE)
