"""Who did what, when and why: written in the transaction of the act, never changed afterwards."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Model, Tx


class AuditEntry(Model):
    """One act. The database refuses to update or delete a row (migration of the guards)."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(index=True)
    person_id: Mapped[UUID | None] = mapped_column(index=True)
    verb: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[UUID | None] = mapped_column(index=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


def record(
    tx: Tx,
    person_id: UUID | None,
    verb: str,
    subject: Model,
    at: datetime,
    *,
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Note that `person_id` (None: the system) did `verb` to `subject`; `detail` holds no secrets and no abstracts."""
    tx.session.flush()  # a new row has its key only now
    tx.session.add(
        AuditEntry(
            at=at,
            person_id=person_id,
            verb=verb,
            subject=subject.__tablename__,
            subject_id=getattr(subject, "id", None),
            reason=reason,
            detail=detail or {},
        )
    )
