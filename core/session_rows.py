"""The rows of server-side sessions, for code that knows no web request."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, delete
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, Tx, transaction
from core.tokens import hashed

ABSOLUTE_LIFE = timedelta(hours=12)


class StoredSession(Model):
    """What one browser's session holds; the key itself is never stored, only its hash."""

    __tablename__ = "sessions"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    data: Mapped[dict[str, Any]]
    person_id: Mapped[str | None] = mapped_column(String(36), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


def forget(key: str) -> None:
    """End one session; its cookie is worthless from now on."""
    with transaction() as tx:
        tx.session.execute(delete(StoredSession).where(StoredSession.key_hash == hashed(key)))


def end_sessions(tx: Tx, person_id: str, except_key_hash: str = "") -> int:
    """End all sessions of a person, or all but one; gives how many there were."""
    ended = tx.session.execute(
        delete(StoredSession)
        .where(StoredSession.person_id == person_id, StoredSession.key_hash != except_key_hash)
        .execution_options(synchronize_session=False)
    )
    return int(ended.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it


def purge(now: datetime) -> None:
    """Delete expired sessions."""
    with transaction() as tx:
        tx.session.execute(delete(StoredSession).where(StoredSession.expires_at <= now))
