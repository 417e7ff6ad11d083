"""Scheduled work of everyday booking: time that nobody uses is released, what is over is written down or ended."""

import logging
from collections.abc import Callable
from datetime import datetime

from booking.services import use
from booking.services.ledger.cancelling import settle_late_cancellations
from booking.services.ledger.swapping import expire_swaps
from core import clock
from jobs.engine import RELEASE, SETTLE, celery, context

SETTLING: tuple[Callable[[datetime], int], ...] = (use.close_past_bookings, settle_late_cancellations, expire_swaps)

logger = logging.getLogger("equora.jobs")


@celery.task(name=RELEASE)
def release() -> None:
    """Release what nobody has checked in to in time."""
    with context():
        use.release_no_shows(clock.now())


@celery.task(name=SETTLE)
def settle() -> None:
    """Write what is over into the share ledger, end offers to swap; work that fails keeps no other from being done."""
    with context():
        for work in SETTLING:
            try:
                work(clock.now())
            except Exception:
                logger.exception("%s failed", work.__name__)
