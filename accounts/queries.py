"""Every question asked of people and organisations."""

from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from accounts.models import Membership, Organisation, Person, Post
from accounts.policy import VISITOR, Actor


def person(person_id: UUID) -> Select[tuple[Person]]:
    """The account with this id."""
    return select(Person).where(Person.id == person_id)


def person_by_email(email: str) -> Select[tuple[Person]]:
    """The account with this address; addresses are kept in lower case."""
    return select(Person).where(Person.email == email.strip().lower())


def organisation(organisation_id: UUID) -> Select[tuple[Organisation]]:
    """The organisation with this id."""
    return select(Organisation).where(Organisation.id == organisation_id)


def organisation_by_slug(slug: str) -> Select[tuple[Organisation]]:
    """The organisation with this slug."""
    return select(Organisation).where(Organisation.slug == slug)


def organisations_of(person_id: UUID) -> Select[tuple[Organisation]]:
    """The organisations a person acts for, by name."""
    return (
        select(Organisation)
        .join(Membership, Membership.organisation_id == Organisation.id)
        .where(Membership.person_id == person_id)
        .order_by(Organisation.name)
    )


def actor_of(session: Session, person_id: UUID | None) -> Actor:
    """Who this person is right now; a visitor when the account is unknown or no longer active."""
    if person_id is None:
        return VISITOR
    found = session.scalars(
        person(person_id)
        .options(selectinload(Person.memberships), selectinload(Person.posts))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None or not found.is_active:
        return VISITOR
    return Actor(
        person_id=found.id,
        name=found.name,
        language=found.language,
        memberships={m.organisation_id: m.role for m in found.memberships},
        posts={p.facility_id: p.role for p in found.posts},
        is_office=found.is_office,
    )


def managers_of(facility_id: UUID) -> Select[tuple[Person]]:
    """The people who manage a facility."""
    return select(Person).join(Post, Post.person_id == Person.id).where(Post.facility_id == facility_id)
