"""Tasks of the solver's runs on the workers: every worker helps with what is rung, and no run needs any of them."""

import logging
import os
from functools import cache
from uuid import UUID

from kombu.exceptions import OperationalError
from sqlalchemy.exc import SQLAlchemyError

from booking.planning import Hands, Offer, Share, ShareWork
from booking.services import work
from core import clock
from core.errors import Busy
from jobs.engine import ALLOCATE, celery, context

RING_SECONDS = 60
"""A bell that nobody has heard for so long is for a round that is over."""

logger = logging.getLogger("equora.jobs")


@celery.task(name=ALLOCATE, expires=RING_SECONDS)
def allocate(plan_id: str, key: str) -> None:
    """Do one task of a run, if it is still to be done."""
    with context():
        work.perform(UUID(plan_id), key, hands(), clock.now())


def share_with_workers(plan_id: UUID) -> ShareWork:
    """What lets all workers help with a run; callable in any thread. Without a database the run goes on alone."""

    def share_work(offer: Offer) -> Share | None:
        with context():
            try:
                share, others = work.share(plan_id, offer, clock.now())
            except (SQLAlchemyError, Busy) as error:
                logger.warning("the run of plan %s goes on alone: %s", plan_id, error)
                return None
        for key in others:
            ring(plan_id, key)
        return share

    return share_work


def ring(plan_id: UUID, key: str) -> None:
    """Tell a worker; when no broker answers, the run does the task itself."""
    try:
        celery.send_task(ALLOCATE, (str(plan_id), key), retry=False, expires=RING_SECONDS)
    except (OperationalError, OSError) as error:
        logger.warning("the broker did not answer, plan %s is made without help: %s", plan_id, error)


@cache
def hands() -> Hands:
    """The processes of this worker: they start when they are needed and end with it."""
    return Hands(os.cpu_count() or 1)
