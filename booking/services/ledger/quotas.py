"""Quotas: how much of an instrument or facility one person or organisation may book."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from core.db import Tx
from core.intervals import Interval
from facilities.models import Instrument


def check_quotas(
    tx: Tx,
    instrument: Instrument,
    person_id: UUID,
    organisation_id: UUID,
    wanted: Interval,
    gives_back: Collection[UUID],
    now: datetime,
) -> None:
    """Conflict "quota" when the wanted time would exceed one; says which, how much is used and when it renews."""
