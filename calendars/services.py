"""What people do with subscriptions: make one, end one; and the note of when one was fetched."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, update

from accounts.policy import Actor
from booking.models import CalendarKind
from calendars import policy, queries
from calendars.models import Subscription
from calendars.policy import Detail
from calendars.targets import may_subscribe, target_of
from core import audit, idempotency
from core.db import Tx, transaction
from core.errors import Conflict, Invalid
from core.hint import at_once
from core.i18n import LANGUAGES, N_
from core.tokens import hashed, new_token

MOST_SUBSCRIPTIONS = 50
NOTE_EVERY = timedelta(minutes=5)


class AlreadyShown(Conflict):
    """The same form came twice: the subscription exists, and its address was shown then."""

    default_code = "already_shown"
    default_message = N_("This calendar address was made already, and an address is shown only once.")


def subscribe(
    kind: CalendarKind,
    subject_id: UUID,
    detail: Detail,
    language: str,
    name: str,
    actor: Actor,
    now: datetime,
    key: str = "",
) -> str:
    """Make a subscription of the actor's own and give its secret, which nobody can read again.

    `subject_id` is a person, an instrument or a facility, as `kind` says; `key` makes a form sent twice count once
    (AlreadyShown). Invalid for an empty name, Conflict when the person has MOST_SUBSCRIPTIONS already.
    """
    if not name.strip() or language not in LANGUAGES:
        raise Invalid(fields={"name": N_("Please give the calendar a name.")})
    made = new_token()
    with transaction() as tx:
        may_subscribe(actor, target_of(tx.session, kind, subject_id)).or_refuse()
        assert actor.person_id is not None  # noqa: S101 - no visitor passes the policy
        if idempotency.made_before(tx, actor.person_id, key, "subscribe"):
            raise AlreadyShown
        _leave_room(tx, actor.person_id)
        row = Subscription(
            secret_hash=hashed(made),
            person_id=actor.person_id,
            kind=kind,
            subject_id=subject_id,
            detail=detail,
            language=language,
            name=name.strip()[:120],
            created_at=now,
        )
        tx.session.add(row)
        audit.record(tx, actor.person_id, "subscribe", row, now, detail={"kind": kind.value, "detail": detail.value})
        idempotency.remember(tx, actor.person_id, key, "subscribe", row.id, now)
    return made


def _leave_room(tx: Tx, person_id: UUID) -> None:
    if tx.one(queries.count_of_live_subscriptions(person_id)) >= MOST_SUBSCRIPTIONS:
        raise Conflict(
            N_("You have %(most)s calendar addresses. Please revoke one that you no longer use."),
            code="too_many",
            most=MOST_SUBSCRIPTIONS,
        )


def revoke(subscription_id: UUID, actor: Actor, now: datetime) -> None:
    """End a subscription: its address answers 404 from now on. Ending it again changes nothing."""
    with transaction() as tx:
        row = tx.lock(queries.subscription(subscription_id))
        policy.may_revoke(actor, row.person_id).or_refuse()
        if row.revoked_at is None:
            row.revoked_at = now
            audit.record(tx, actor.person_id, "revoke", row, now)


def fetch_is_worth_noting(row: Subscription, now: datetime) -> bool:
    """Whether the last note of a fetch is old enough for a new one."""
    return row.fetched_at is None or row.fetched_at <= now - NOTE_EVERY


def note_fetch(subscription_id: UUID, program: str, now: datetime) -> None:
    """Remember when and by which program a feed was fetched; not worth waiting for, so a busy database skips it."""
    at_once(
        update(Subscription)
        .where(
            Subscription.id == subscription_id,
            or_(Subscription.fetched_at.is_(None), Subscription.fetched_at <= now - NOTE_EVERY),
        )
        .values(fetched_at=now, fetched_by="".join(c for c in program if c.isprintable())[:200])
    )
