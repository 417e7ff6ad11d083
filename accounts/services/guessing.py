"""Slows down whoever guesses secrets: so many tries per account and per address in an hour, then a refusal."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, delete

from accounts import queries
from accounts.models import LoginAttempt
from core.config import installed
from core.db import Tx
from core.errors import TooMany
from core.i18n import N_

WINDOW = timedelta(hours=1)


@dataclass(frozen=True)
class Bucket:
    """Where tries are counted: at most `most` in an hour under this name."""

    name: str
    most: int

    @property
    def key(self) -> str:
        """The name as it is kept: without the installation's secret nobody can tell whose it is."""
        return hmac.digest(installed().secret_key.encode(), self.name.encode(), "sha256").hex()


def reserve(tx: Tx, account: Bucket, address: Bucket, now: datetime) -> UUID:
    """Count one try before it is made, so that many at once cannot pass; TooMany when there were enough already."""
    for name in sorted((account.key, address.key)):
        tx.alone(name)
    since = now - WINDOW
    tx.session.execute(delete(LoginAttempt).where(LoginAttempt.at <= since))
    _check(tx, account, queries.guesses_at(account.key, since), now)
    _check(tx, address, queries.guesses_from(address.key, since), now)
    attempt = LoginAttempt(account_hash=account.key, address_hash=address.key, at=now)
    tx.session.add(attempt)
    tx.session.flush()
    return attempt.id


def give_back(tx: Tx, attempt_id: UUID) -> None:
    """It was no guess: the secret was right."""
    tx.session.execute(delete(LoginAttempt).where(LoginAttempt.id == attempt_id))


def _check(tx: Tx, bucket: Bucket, guesses: Select[datetime], now: datetime) -> None:
    """Refuse when the newest `most` tries fill the bucket; it has room again when the oldest of them is an hour old."""
    times = tx.session.scalars(guesses.limit(bucket.most)).all()
    if len(times) < bucket.most:
        return
    wait = max(int((times[-1] + WINDOW - now).total_seconds()), 1)
    refusal = TooMany(N_("Too many tries. Please try again in %(minutes)s minutes."), minutes=-(-wait // 60))
    refusal.retry_after = wait
    raise refusal
