"""Accounts of people, and what everybody says of themselves."""

from datetime import datetime
from uuid import UUID

from accounts import passwords, policy, queries
from accounts.identifiers import email_from, orcid_from
from accounts.models import Person
from accounts.policy import Actor, Role
from core import audit
from core.db import Tx, transaction
from core.errors import Invalid
from core.i18n import DEFAULT_LANGUAGE, LANGUAGES, N_

LONGEST_NAME = 200


def create_person(
    email: str,
    name: str,
    password: str,
    actor: Actor,
    now: datetime,
    language: str = DEFAULT_LANGUAGE,
    is_office: bool = False,
    demo: bool = False,
) -> UUID:
    """Make an account; without a password ('') its owner chooses one by a reset link.

    Invalid when the address is taken.
    """
    password_hash = passwords.hash_of(password) if password else ""
    with transaction() as tx:
        policy.may_create_person(actor, Role.OFFICE if is_office else None).or_refuse()
        person = enter(tx, email, name, password_hash, language, now)
        person.is_office, person.demo = is_office, demo
        audit.record(tx, actor.person_id, "create_person", person, now)
        return person.id


def enter(tx: Tx, email: str, name: str, password_hash: str, language: str, now: datetime) -> Person:
    """The row of a new account; Invalid on `email` or `name`."""
    address = email_from(email)
    tx.alone(f"account of {address}")
    if tx.session.scalars(queries.person_by_email(address)).first() is not None:
        raise Invalid(fields={"email": N_("There is already an account with this address.")})
    person = Person(
        email=address, name=_name(name), password_hash=password_hash, language=_language(language), created_at=now
    )
    tx.session.add(person)
    return person


def change_profile(person_id: UUID, name: str, language: str, orcid: str, actor: Actor, now: datetime) -> None:
    """Say anew one's name, language and ORCID iD; Invalid beside the field that is wrong."""
    with transaction() as tx:
        person = tx.lock(queries.person(person_id))
        policy.may_change_profile(actor, person.id).or_refuse()
        person.name, person.language, person.orcid = _name(name), _language(language), orcid_from(orcid)
        audit.record(tx, actor.person_id, "change_profile", person, now)


def _name(name: str) -> str:
    plain = " ".join(name.split())
    if not 2 <= len(plain) <= LONGEST_NAME:
        raise Invalid(fields={"name": N_("Please give a name of 2 to 200 characters.")})
    return plain


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise Invalid(fields={"language": N_("Please choose one of the languages.")})
    return language
