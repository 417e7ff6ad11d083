"""The same create asked twice makes one thing: keys that forms and API callers send along."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, Tx
from core.tokens import hashed


class IdempotencyKey(Model):
    """What a person's key made; (person, key) is the primary key, so a second insert cannot happen."""

    __tablename__ = "idempotency_keys"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    verb: Mapped[str] = mapped_column(String(64))
    made_id: Mapped[UUID]
    created_at: Mapped[datetime]


def made_before(tx: Tx, person_id: UUID, key: str, verb: str) -> UUID | None:
    """The id of what this key made already, or None; an empty key never made anything.

    A second transaction with the same key waits for the first, so ask before locking any row.
    """
    if not key:
        return None
    name = _name(key, verb)
    tx.alone(f"{person_id} {name}")
    return tx.session.scalar(
        select(IdempotencyKey.made_id).where(IdempotencyKey.person_id == person_id, IdempotencyKey.key == name)
    )


def remember(tx: Tx, person_id: UUID, key: str, verb: str, made_id: UUID, at: datetime) -> None:
    """Bind the key to what it made."""
    if key:
        tx.session.add(
            IdempotencyKey(person_id=person_id, key=_name(key, verb), verb=verb, made_id=made_id, created_at=at)
        )


def _name(key: str, verb: str) -> str:
    """A caller's key may be of any length and may serve for two verbs; each pair has its own name."""
    return hashed(f"{verb} {key}")
