"""The tasks: three-line calls to services, and the one place that claims, performs and finishes outbox messages."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete

from accounts.models import LoginAttempt
from booking.services import plans, waitlist, work
from booking.services.ledger import freed
from core import clock, mail, outbox, session_rows
from core.db import db, transaction
from jobs.allocation import share_with_workers
from jobs.engine import PERFORM, SWEEP, TIDY, WAITLIST, celery, context, ring

Beat = Callable[[], None]
Handler = Callable[[outbox.OutboxMessage, Beat], None]

HANDLERS: Mapping[str, Handler] = {
    mail.KIND: mail.deliver,
    plans.KIND: lambda message, beat: plans.run(message.payload, beat, share_with_workers),
    freed.KIND: lambda message, _beat: _offer_freed(message),
}
BEAT_SECONDS = outbox.STALE_AFTER.total_seconds() / 6  # a living worker is never taken for dead
GUESSES_KEPT = timedelta(hours=1)

logger = logging.getLogger("equora.jobs")


@celery.task(name=PERFORM)
def perform(message_id: str) -> None:
    """Do one message of the outbox, if it is still to be done."""
    with context():
        perform_message(UUID(message_id))


@celery.task(name=SWEEP)
def sweep() -> None:
    """Ring again for what waits or whose worker fell silent."""
    with context():
        for message_id in db.session.scalars(outbox.work_due(clock.now())):
            ring(message_id)


@celery.task(name=TIDY)
def tidy() -> None:
    """Delete what has run out: sessions, wrong guesses and tasks of runs that are older than an hour."""
    with context():
        now = clock.now()
        session_rows.purge(now)
        work.tidy(now)
        with transaction() as tx:
            tx.session.execute(delete(LoginAttempt).where(LoginAttempt.at < now - GUESSES_KEPT))


@celery.task(name=WAITLIST)
def look_after_the_waitlist() -> None:
    """End offers that ran out, and offer what is free: a lost message of the ledger changes nothing."""
    with context():
        waitlist.lapse(clock.now())


def _offer_freed(message: outbox.OutboxMessage) -> None:
    waitlist.offer_freed(UUID(message.payload["instrument_id"]), clock.now())


def perform_message(message_id: UUID) -> bool:
    """Claim and do one message; False when somebody else has it or it is done. Needs an application context."""
    with transaction() as tx:
        message = outbox.claim(tx, message_id, clock.now())
    if message is None:
        return False
    db.session.expunge(message)
    try:
        HANDLERS[message.kind](message, _beat_of(message_id))
    except Exception as error:
        logger.exception("outbox message %s (%s) failed", message_id, message.kind)
        with transaction() as tx:
            outbox.put_back(tx, message_id, clock.now(), f"{type(error).__name__}: {error}")
        return True
    with transaction() as tx:
        outbox.finish(tx, message_id, clock.now())
    return True


def perform_all_due(rounds: int = 1000) -> int:
    """Do everything that is due, in this process; how many messages were done. For commands and tests."""
    done = 0
    for _ in range(rounds):
        with transaction() as tx:
            due = list(tx.session.scalars(outbox.work_due(clock.now())))
        if not due:
            break
        done += sum(perform_message(message_id) for message_id in due)
    return done


def _beat_of(message_id: UUID) -> Beat:
    last = clock.now()

    def beat() -> None:
        nonlocal last
        now = clock.now()
        if (now - last).total_seconds() >= BEAT_SECONDS:
            last = now
            with transaction() as tx:
                outbox.beat(tx, message_id, now)

    return beat
