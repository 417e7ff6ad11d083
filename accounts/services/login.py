"""Signing in: the same answer and the same time whether or not there is such an account."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts import passwords, queries
from accounts.models import Person
from accounts.services import guessing
from accounts.services.guessing import Bucket
from core import audit
from core.db import Tx, transaction
from core.errors import Invalid, NotFound
from core.i18n import N_

PER_ACCOUNT, PER_ADDRESS = 10, 50
WRONG = N_("The address or the password is wrong.")


@dataclass(frozen=True)
class Origin:
    """Where a try comes from: a network address and, if the browser was used to sign in before, its device.

    `person_ids` are the accounts that signed in on the device.
    """

    address: str
    device_id: str = ""
    person_ids: tuple[UUID, ...] = ()


def sign_in(email: str, password: str, origin: Origin, now: datetime) -> UUID:
    """The id of the person whose password it is; Invalid with one sentence for all other cases, TooMany after 10."""
    with transaction() as tx:
        person = _active_person(tx, email)
        person_id, known_hash = (person.id, person.password_hash) if person else (None, "")
        attempt_id = guessing.reserve(tx, *_buckets(email, person_id, origin), now)
    if not passwords.matches(known_hash, password) or person_id is None:
        raise Invalid(WRONG, code="wrong_password")
    renewed = passwords.hash_of(password) if passwords.is_outdated(known_hash) else known_hash
    with transaction() as tx:
        found = tx.lock(queries.person(person_id))
        if found.password_hash == known_hash:
            found.password_hash = renewed
        elif not passwords.matches(found.password_hash, password):  # it was changed in this very moment
            raise Invalid(WRONG, code="wrong_password")
        guessing.give_back(tx, attempt_id)
        audit.record(tx, person_id, "sign_in", found, now)
    return person_id


def sign_in_as_demo(person_id: UUID, now: datetime) -> UUID:
    """Sign in as one of the demo's invented people, without a password; NotFound outside of the demo."""
    with transaction() as tx:
        person = tx.one(queries.person(person_id))
        if not (person.demo and queries.counts(person)):
            raise NotFound
        audit.record(tx, person.id, "sign_in", person, now)
        return person.id


def _active_person(tx: Tx, email: str) -> Person | None:
    person = tx.session.scalars(queries.person_by_email(email)).one_or_none()
    return person if person is not None and queries.counts(person) else None


def _buckets(email: str, person_id: UUID | None, origin: Origin) -> tuple[Bucket, Bucket]:
    """A device from which the person signed in before has its own count: others' guesses cannot lock it out."""
    if origin.device_id and person_id in origin.person_ids:
        device = Bucket(f"device {origin.device_id} {person_id}", PER_ACCOUNT)
        return device, device
    return (
        Bucket(f"account {email.strip().lower()}", PER_ACCOUNT),
        Bucket(f"address {origin.address}", PER_ADDRESS),
    )
