"""Passwords and sessions: choosing a new password ends all sessions that the old one had opened."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, update

from accounts import passwords, policy, queries
from accounts.models import PasswordReset, Person
from accounts.policy import Actor
from accounts.services import guessing
from accounts.services.guessing import Bucket
from core import audit, mail
from core.db import Tx, transaction
from core.errors import Invalid, NotFound, TooMany
from core.i18n import N_
from core.session_rows import end_sessions
from core.tokens import hashed, new_token

RESET_LIFE = timedelta(hours=1)
RESETS_PER_ACCOUNT, RESETS_PER_ADDRESS = 5, 20
CHANGES = 10


def request_reset(email: str, address: str, now: datetime) -> None:
    """Send a link to whoever has an account with this address; nobody else learns whether there is one.

    Asked too often, it does nothing and says nothing.
    """
    account = Bucket(f"reset {email.strip().lower()}", RESETS_PER_ACCOUNT)
    try:
        with transaction() as tx:
            person = tx.session.scalars(queries.person_by_email(email)).one_or_none()
            guessing.reserve(tx, account, Bucket(f"reset from {address}", RESETS_PER_ADDRESS), now)
            if person is not None and person.is_active:
                token = offer_reset(tx, person, now)
                _send(tx, person, "password_reset", hashed(token), {"token": token}, now)
    except TooMany:
        return


def offer_reset(tx: Tx, person: Person, now: datetime) -> str:
    """A new single-use secret with which the person may choose a password within the hour; older ones are void."""
    token = new_token()
    tx.session.execute(delete(PasswordReset).where(PasswordReset.person_id == person.id))
    reset = PasswordReset(token_hash=hashed(token), person_id=person.id, created_at=now, expires_at=now + RESET_LIFE)
    tx.session.add(reset)
    audit.record(tx, None, "offer_reset", person, now)
    return token


def reset_password(token: str, password: str, now: datetime) -> None:
    """Use up the link and set the password; NotFound for any link that does not (or no longer) count."""
    new_hash = passwords.hash_of(password)
    with transaction() as tx:
        reset = tx.lock(queries.reset_open(token, now))
        person = tx.lock(queries.person(reset.person_id))
        if not person.is_active:
            raise NotFound
        passwords.check_strength(password, person.email)
        reset.used_at = now
        _set(tx, person, new_hash, now)
        end_sessions(tx, str(person.id))
        audit.record(tx, person.id, "reset_password", person, now)


def change_password(person_id: UUID, old: str, new: str, keep_session: str, actor: Actor, now: datetime) -> None:
    """Set a new password; needs the old one, and ends all sessions but the one with this key hash."""
    with transaction() as tx:
        policy.may_change_profile(actor, person_id).or_refuse()
        person = tx.one(queries.person(person_id))
        known_hash, email = person.password_hash, person.email
        passwords.check_strength(new, email, field="new")
        bucket = Bucket(f"change {person_id}", CHANGES)
        attempt_id = guessing.reserve(tx, bucket, bucket, now)
    if not passwords.matches(known_hash, old):
        raise Invalid(fields={"old": N_("This is not your present password.")})
    new_hash = passwords.hash_of(new)
    with transaction() as tx:
        person = tx.lock(queries.person(person_id))
        if person.password_hash != known_hash:
            raise Invalid(fields={"old": N_("This is not your present password.")})
        guessing.give_back(tx, attempt_id)
        _set(tx, person, new_hash, now)
        end_sessions(tx, str(person.id), except_key_hash=keep_session)
        audit.record(tx, actor.person_id, "change_password", person, now)


def end_all_sessions(person_id: UUID, actor: Actor, now: datetime) -> None:
    """Sign the person out everywhere."""
    with transaction() as tx:
        policy.may_end_sessions(actor, person_id).or_refuse()
        person = tx.one(queries.person(person_id))
        end_sessions(tx, str(person_id))
        audit.record(tx, actor.person_id, "end_all_sessions", person, now)


def end_session(person_id: UUID, key_hash: str, actor: Actor, now: datetime) -> None:
    """Sign the person out on one device; NotFound when it is not one of theirs."""
    with transaction() as tx:
        policy.may_end_sessions(actor, person_id).or_refuse()
        person = tx.one(queries.person(person_id))
        row = tx.lock(queries.session_of(person_id, key_hash))
        tx.session.delete(row)
        audit.record(tx, actor.person_id, "end_session", person, now)


def _set(tx: Tx, person: Person, password_hash: str, now: datetime) -> None:
    """The new password counts, links for another one no longer do, and the owner is told."""
    person.password_hash = password_hash
    tx.session.execute(
        update(PasswordReset)
        .where(PasswordReset.person_id == person.id, PasswordReset.used_at.is_(None))
        .values(expires_at=now)
        .execution_options(synchronize_session="fetch")
    )
    _send(tx, person, "password_changed", f"{person.id}:{hashed(password_hash)[:16]}", {}, now)


def _send(tx: Tx, person: Person, template: str, key: str, values: dict[str, str], now: datetime) -> None:
    mail.send(
        tx,
        key=f"{template}:{key}",
        to=person.email,
        language=person.language,
        template=template,
        values={"name": person.name, **values},
        at=now,
    )
