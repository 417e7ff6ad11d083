"""Server-side sessions: the cookie is a random key, the content a row, so a copied cookie dies at logout."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import String, delete, select
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.datastructures import CallbackDict

from core import clock
from core.db import Model, db, transaction

ABSOLUTE_LIFE = timedelta(hours=12)
TOUCH_EVERY = timedelta(minutes=5)


class StoredSession(Model):
    """What one browser's session holds; the key itself is never stored, only its hash."""

    __tablename__ = "sessions"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    data: Mapped[dict[str, Any]]
    person_id: Mapped[str | None] = mapped_column(String(36), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ServerSession(CallbackDict[str, Any], SessionMixin):
    """The session of one request; notes whether it was changed."""

    def __init__(self, data: dict[str, Any], key: str | None, seen_at: datetime | None) -> None:
        def changed(me: "ServerSession") -> None:
            me.modified = True

        super().__init__(data, changed)  # type: ignore[arg-type]  # werkzeug types the callback loosely
        self.key = key
        self.seen_at = seen_at
        self.modified = False
        self.renewed = False

    def renew(self) -> None:
        """Take a new key at the end of this request: at login, so that a planted key is worthless."""
        self.renewed = True
        self.modified = True


def hashed(key: str) -> str:
    """The form in which keys and other secrets are kept."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class DatabaseSessions(SessionInterface):
    """Flask's session, kept in the database."""

    def open_session(self, app: Flask, request: Request) -> ServerSession:
        """Find the session of the cookie, or begin an empty one that costs nothing until it is used."""
        key = request.cookies.get(self.get_cookie_name(app))
        if not key or request.path.startswith(("/static/", "/healthz")):
            return ServerSession({}, None, None)
        now = clock.now()
        row = db.session.scalar(
            select(StoredSession).where(StoredSession.key_hash == hashed(key), StoredSession.expires_at > now)
        )
        if row is None or now >= row.created_at + ABSOLUTE_LIFE:
            return ServerSession({}, None, None)
        return ServerSession(dict(row.data), key, row.seen_at)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Store what changed, at most touching the row every few minutes otherwise."""
        assert isinstance(session, ServerSession)  # noqa: S101 - only open_session makes them
        now = clock.now()
        idle = timedelta(seconds=int(session.get("_idle_seconds", 8 * 3600)))
        stale = session.key is not None and session.seen_at is not None and now - session.seen_at > TOUCH_EVERY
        if not session.modified and not stale:
            return
        response.vary.add("Cookie")
        name = self.get_cookie_name(app)
        if not session:
            if session.key:
                forget(session.key)
                response.delete_cookie(name, path="/", secure=bool(app.config["SESSION_COOKIE_SECURE"]), httponly=True)
            return
        key = self._store(session, now, idle)
        response.set_cookie(
            name,
            key,
            httponly=True,
            secure=bool(app.config["SESSION_COOKIE_SECURE"]),
            samesite="Lax",
            path="/",
            max_age=int(ABSOLUTE_LIFE.total_seconds()),
        )

    @staticmethod
    def _store(session: ServerSession, now: datetime, idle: timedelta) -> str:
        old = session.key
        key = secrets.token_urlsafe(32) if old is None or session.renewed else old
        with transaction() as tx:
            row = tx.session.get(StoredSession, hashed(old)) if old else None
            created = row.created_at if row and not session.renewed else now
            if row and session.renewed:
                tx.session.delete(row)
                row = None
            if row is None:
                row = StoredSession(key_hash=hashed(key), created_at=created)
                tx.session.add(row)
            row.data = dict(session)
            row.person_id = session.get("_user_id")
            row.seen_at = now
            row.expires_at = min(now + idle, created + ABSOLUTE_LIFE)
        return key


def forget(key: str) -> None:
    """End one session; its cookie is worthless from now on."""
    with transaction() as tx:
        tx.session.execute(delete(StoredSession).where(StoredSession.key_hash == hashed(key)))


def purge(now: datetime) -> None:
    """Delete expired sessions."""
    with transaction() as tx:
        tx.session.execute(delete(StoredSession).where(StoredSession.expires_at <= now))
