"""Which instruments members book themselves, and when: by mode, with their parent, or what a round has left."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from booking.terms import check_mode
from core.db import Tx
from core.intervals import Interval
from facilities.models import Instrument


def check_bookable(
    tx: Tx,
    instrument: Instrument,
    wanted: Interval,
    together_with: Collection[UUID],
    now: datetime,
) -> None:
    """Conflict when members cannot book this time of the instrument themselves."""
    check_mode(instrument.booking_mode)
