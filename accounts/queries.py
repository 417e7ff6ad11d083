"""Every question asked of people and organisations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Row,
    Select,
    String,
    Uuid,
    bindparam,
    column,
    func,
    literal,
    or_,
    select,
    table,
    true,
    union_all,
)
from sqlalchemy.orm import Session, contains_eager, selectinload

from accounts.models import (
    Invitation,
    LoginAttempt,
    Membership,
    Organisation,
    OrganisationType,
    PasswordReset,
    Person,
    Post,
)
from accounts.policy import VISITOR, Actor
from core.config import installed
from core.session_rows import StoredSession
from core.tokens import hashed

# Accounts lie below facilities and may not import their models; a post names its facility all the same.
FACILITIES = table(
    "facilities", column("id", Uuid), column("slug", String), column("name_it", String), column("name_en", String)
)


def person(person_id: UUID) -> Select[Person]:
    """The account with this id."""
    return select(Person).where(Person.id == person_id)


def person_by_email(email: str) -> Select[Person]:
    """The account with this address; addresses are kept in lower case."""
    return select(Person).where(Person.email == email.strip().lower())


def organisation(organisation_id: UUID) -> Select[Organisation]:
    """The organisation with this id."""
    return select(Organisation).where(Organisation.id == organisation_id)


def organisation_by_slug(slug: str) -> Select[Organisation]:
    """The organisation with this slug."""
    return select(Organisation).where(Organisation.slug == slug)


def organisations_of(person_id: UUID) -> Select[Organisation]:
    """The organisations a person acts for, by name."""
    return (
        select(Organisation)
        .join(Membership, Membership.organisation_id == Organisation.id)
        .where(Membership.person_id == person_id)
        .order_by(Organisation.name)
    )


def counts(account: Person | Row[Any]) -> bool:
    """Whether an account is in use; the demo's have a public password, so without the demo they are nobody's."""
    return bool(account.is_active and (installed().demo or not account.demo))


def _person_with_roles() -> Select[Any]:
    """A person with each of their memberships and posts, one row each; one row without a role for who has none."""
    who: BindParameter[UUID] = bindparam("person_id")
    member = select(literal("organisation").label("at"), Membership.organisation_id.label("where"), Membership.role)
    posted = select(literal("facility").label("at"), Post.facility_id.label("where"), Post.role)
    role = union_all(member.where(Membership.person_id == who), posted.where(Post.person_id == who)).subquery()
    columns = (Person.name, Person.language, Person.is_office, Person.is_active, Person.demo)
    return (
        select(*columns, role.c.at, role.c.where, role.c.role)
        .select_from(Person)
        .outerjoin(role, true())
        .where(Person.id == who)
    )


_PERSON_WITH_ROLES = (
    _person_with_roles()
)  # asked in every request of somebody known: building it costs more than asking


def actor_of(session: Session, person_id: UUID | None) -> Actor:
    """Who this person is right now, in one statement; a visitor when the account is unknown or does not count."""
    if person_id is None:
        return VISITOR
    rows = session.execute(_PERSON_WITH_ROLES, {"person_id": person_id}).all()
    if not rows or not counts(rows[0]):
        return VISITOR
    return Actor(
        person_id=person_id,
        name=rows[0].name,
        language=rows[0].language,
        memberships={row.where: row.role for row in rows if row.at == "organisation"},
        posts={row.where: row.role for row in rows if row.at == "facility"},
        is_office=rows[0].is_office,
    )


def organisations_like(text: str, kind: OrganisationType | None) -> Select[Organisation]:
    """Organisations whose name, short name or city contains the text, of one type or of all, by name."""
    found = select(Organisation).order_by(Organisation.name)
    if kind is not None:
        found = found.where(Organisation.type == kind)
    for word in text.lower().split()[:8]:
        found = found.where(
            or_(
                *(
                    func.lower(column).contains(word, autoescape=True)
                    for column in (Organisation.name, Organisation.short_name, Organisation.city)
                )
            )
        )
    return found


def organisation_named(name: str) -> Select[Organisation]:
    """The organisation of this name."""
    return select(Organisation).where(Organisation.name == name)


def memberships_of(person_id: UUID) -> Select[Membership]:
    """A person's memberships with their organisations, by name."""
    return (
        select(Membership)
        .join(Membership.organisation)
        .where(Membership.person_id == person_id)
        .options(contains_eager(Membership.organisation))
        .order_by(Organisation.name)
    )


def membership(person_id: UUID, organisation_id: UUID) -> Select[Membership]:
    """What binds a person to an organisation."""
    return select(Membership).where(Membership.person_id == person_id, Membership.organisation_id == organisation_id)


def people_of(organisation_id: UUID) -> Select[Membership]:
    """The memberships of an organisation with their people, delegates first."""
    return (
        select(Membership)
        .join(Membership.person)
        .where(Membership.organisation_id == organisation_id)
        .options(contains_eager(Membership.person))
        .order_by(Membership.role, Person.name)
    )


def post(person_id: UUID, facility_id: UUID) -> Select[Post]:
    """A person's post at a facility."""
    return select(Post).where(Post.person_id == person_id, Post.facility_id == facility_id)


def all_facilities() -> Select[UUID, str, str, str]:
    """Id, slug, Italian and English name of each facility, by Italian name."""
    return select(FACILITIES.c.id, FACILITIES.c.slug, FACILITIES.c.name_it, FACILITIES.c.name_en).order_by(
        FACILITIES.c.name_it
    )


def facility_id(known_id: UUID) -> Select[UUID]:
    """The id itself, if there is such a facility."""
    return select(FACILITIES.c.id).where(FACILITIES.c.id == known_id)


def posts_of(person_id: UUID) -> Select[Post, str, str, str]:
    """A person's posts with slug, Italian and English name of the facility."""
    return _posts().where(Post.person_id == person_id)


def all_posts() -> Select[Post, str, str, str]:
    """All posts with slug, Italian and English name of the facility; the people are loaded too."""
    return _posts().options(selectinload(Post.person))


def _posts() -> Select[Post, str, str, str]:
    return (
        select(Post, FACILITIES.c.slug, FACILITIES.c.name_it, FACILITIES.c.name_en)
        .join(FACILITIES, FACILITIES.c.id == Post.facility_id)
        .order_by(FACILITIES.c.name_it, Post.role)
    )


def invitations_pending(organisation_id: UUID, at: datetime) -> Select[Invitation]:
    """Invitations to an organisation that can still be accepted, newest first."""
    return (
        select(Invitation)
        .where(Invitation.organisation_id == organisation_id, Invitation.used_at.is_(None), Invitation.expires_at > at)
        .order_by(Invitation.created_at.desc(), Invitation.email)
    )


def invitation(invitation_id: UUID) -> Select[Invitation]:
    """The invitation with this id."""
    return select(Invitation).where(Invitation.id == invitation_id)


def invitation_open(token: str, at: datetime) -> Select[Invitation]:
    """The invitation of this secret, if it was not used, taken back or left to expire."""
    return select(Invitation).where(
        Invitation.token_hash == hashed(token), Invitation.used_at.is_(None), Invitation.expires_at > at
    )


def reset_open(token: str, at: datetime) -> Select[PasswordReset]:
    """The password reset of this secret, if it was not used or left to expire."""
    return select(PasswordReset).where(
        PasswordReset.token_hash == hashed(token), PasswordReset.used_at.is_(None), PasswordReset.expires_at > at
    )


def guesses_at(account_hash: str, since: datetime) -> Select[datetime]:
    """When wrong guesses were made at an account since then, newest first."""
    return (
        select(LoginAttempt.at)
        .where(LoginAttempt.account_hash == account_hash, LoginAttempt.at > since)
        .order_by(LoginAttempt.at.desc())
    )


def guesses_from(address_hash: str, since: datetime) -> Select[datetime]:
    """When wrong guesses came from an address since then, newest first."""
    return (
        select(LoginAttempt.at)
        .where(LoginAttempt.address_hash == address_hash, LoginAttempt.at > since)
        .order_by(LoginAttempt.at.desc())
    )


def sessions_of(person_id: UUID, at: datetime) -> Select[StoredSession]:
    """The living sessions of a person, the one used last first."""
    return (
        select(StoredSession)
        .where(StoredSession.person_id == str(person_id), StoredSession.expires_at > at)
        .order_by(StoredSession.seen_at.desc())
    )


def session_of(person_id: UUID, key_hash: str) -> Select[StoredSession]:
    """One session of a person."""
    return select(StoredSession).where(StoredSession.person_id == str(person_id), StoredSession.key_hash == key_hash)


def demo_people() -> Select[Person]:
    """The invented people of the demo, with what they belong to."""
    return (
        select(Person)
        .where(Person.demo, Person.is_active)
        .options(selectinload(Person.memberships).selectinload(Membership.organisation), selectinload(Person.posts))
        .order_by(Person.name)
    )
