"""Whatever changes held time may free some: those who wait for the instrument are looked after in a job."""

from datetime import datetime
from functools import partial
from uuid import UUID, uuid4

from booking.queries import waitlist as queries
from core import outbox
from core.db import Tx

KIND = "waitlist"


def look_again(tx: Tx, instrument_id: UUID, now: datetime) -> None:
    """Ask at the end of the transaction, once, for a look at who waits for an instrument; nobody waits: for nothing."""
    tx.before_commit((KIND, str(instrument_id)), partial(_ask, tx, instrument_id, now))


def _ask(tx: Tx, instrument_id: UUID, now: datetime) -> None:
    if tx.session.scalar(queries.anybody_waits(instrument_id)):
        outbox.add(tx, KIND, f"{KIND}:{instrument_id}:{uuid4()}", {"instrument_id": str(instrument_id)}, now)
