"""Who may use an instrument alone, and whether somebody is there to help."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from core.db import Tx
from core.intervals import Interval
from facilities.models import Instrument


def check_qualified(
    tx: Tx, instrument: Instrument, person_id: UUID, wanted: Interval, is_assisted: bool, now: datetime
) -> None:
    """Conflict "not_qualified" when the person lacks a qualification at the booked time and nobody assists."""


def check_staff(
    tx: Tx, instrument: Instrument, wanted: Interval, is_assisted: bool, gives_back: Collection[UUID]
) -> None:
    """Conflict "nobody_on_duty" when an assisted use is not covered by staff who are not helping elsewhere."""
