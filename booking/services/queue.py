"""What was given up is tried again when the cluster office says so."""

from datetime import datetime
from uuid import UUID

from accounts.policy import Actor
from booking.policy import queue as policy
from booking.queries import queue as queries
from core import audit, outbox
from core.db import transaction


def try_again(message_id: UUID, actor: Actor, now: datetime) -> None:
    """Let a message that was given up be done once more; one that is not changes nothing. NotFound when unknown."""
    with transaction() as tx:
        policy.may_try_again(actor).or_refuse()
        message = tx.lock(queries.message(message_id))
        if outbox.revive(tx, message, now):
            audit.record(tx, actor.person_id, "try_again", message, now, detail={"kind": message.kind})
