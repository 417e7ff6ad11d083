"""Who is acting, and what they may do with people and organisations; plain values, no framework."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import wraps
from typing import ParamSpec
from uuid import UUID

from core.errors import Forbidden, NotFound
from core.i18n import N_

P = ParamSpec("P")


class Role(StrEnum):
    """In what quality somebody acts (DOMAIN.md, Roles)."""

    VISITOR = "visitor"
    MEMBER = "member"
    DELEGATE = "delegate"
    REVIEWER = "reviewer"
    MANAGER = "manager"
    OFFICE = "office"
    SYSTEM = "system"


@dataclass(frozen=True)
class Yes:
    """It may be done."""

    def or_refuse(self) -> None:
        """Nothing to refuse."""

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True)
class No:
    """It may not be done, and why; `hidden` when the thing itself must not be known of, `code` for programs."""

    reason: str = Forbidden.default_message
    hidden: bool = False
    code: str = Forbidden.default_code

    def or_refuse(self) -> None:
        """Raise the refusal that fits: 404 for a hidden thing, else 403 with the reason."""
        if self.hidden:
            raise NotFound
        raise Forbidden(self.reason, code=self.code)

    def __bool__(self) -> bool:
        return False


Answer = Yes | No
HIDDEN = No(NotFound.default_message, hidden=True)
SIGN_IN = No(N_("Please sign in first."))


@dataclass(frozen=True)
class Actor:
    """Who acts, with the rights they have at this moment (read anew at each request).

    `memberships` and `posts` (a person's roles at facilities) map an id to the highest role held there.
    """

    person_id: UUID | None = None
    name: str = ""
    language: str = "it"
    memberships: dict[UUID, Role] = field(default_factory=dict)
    posts: dict[UUID, Role] = field(default_factory=dict)
    is_office: bool = False
    is_system: bool = False

    @property
    def is_signed_in(self) -> bool:
        """Whether a person is known."""
        return self.person_id is not None

    @property
    def is_member(self) -> bool:
        """Whether the person acts for at least one organisation."""
        return bool(self.memberships)

    @property
    def is_manager(self) -> bool:
        """Whether the person manages at least one facility, or all of them."""
        return self.is_office or Role.MANAGER in self.posts.values()

    def manages(self, facility_id: UUID) -> bool:
        """Manager of this facility, or the cluster office."""
        return self.is_office or self.is_system or self.posts.get(facility_id) is Role.MANAGER

    def works_at(self, facility_id: UUID) -> bool:
        """Manager or reviewer of this facility, or the cluster office."""
        return self.manages(facility_id) or facility_id in self.posts

    def belongs_to(self, organisation_id: UUID) -> bool:
        """Member or delegate of this organisation."""
        return organisation_id in self.memberships

    def is_delegate_of(self, organisation_id: UUID) -> bool:
        """Delegate of this organisation."""
        return self.memberships.get(organisation_id) is Role.DELEGATE

    def is_person(self, person_id: UUID | None) -> bool:
        """Whether this is the very person (nobody is not a person)."""
        return self.person_id is not None and self.person_id == person_id


VISITOR = Actor()
SYSTEM = Actor(name="Equora", is_system=True)


def signed_in_only(rule: Callable[P, Answer]) -> Callable[P, Answer]:
    """A rule whose first argument is the actor, and which a visitor never passes."""

    @wraps(rule)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Answer:
        actor = args[0]
        assert isinstance(actor, Actor)  # noqa: S101 - a rule without an actor is a bug of ours
        if not actor.is_signed_in and not actor.is_system:
            return SIGN_IN
        return rule(*args, **kwargs)

    return guarded


# --- organisations ------------------------------------------------------------------------------------------


@signed_in_only
def may_read_organisations(_actor: Actor) -> Answer:
    """Who the members of the cluster are is known to everyone with an account."""
    return Yes()


def may_create_organisation(actor: Actor) -> Answer:
    """The cluster office keeps the list of organisations."""
    return _office(actor)


def may_change_organisation(actor: Actor) -> Answer:
    """Name, type and identifiers are the cluster office's."""
    return _office(actor)


# --- people of an organisation ------------------------------------------------------------------------------


@signed_in_only
def may_list_people(actor: Actor, organisation_id: UUID) -> Answer:
    """Who belongs to an organisation is known to its delegates and the cluster office."""
    if actor.is_delegate_of(organisation_id) or _office(actor):
        return Yes()
    return No(N_("Only the organisation's delegates and the cluster office may see its people."))


@signed_in_only
def may_invite(actor: Actor, organisation_id: UUID, role: Role) -> Answer:
    """Delegates invite to their own organisation and never grant more than they have."""
    if role not in (Role.MEMBER, Role.DELEGATE):
        return No(N_("An invitation makes a member or a delegate, nothing more."))
    return may_list_people(actor, organisation_id)


def may_revoke_invitation(actor: Actor, organisation_id: UUID) -> Answer:
    """Whoever sees an organisation's pending invitations may take them back; nobody else knows of them."""
    return Yes() if may_list_people(actor, organisation_id) else HIDDEN


def may_accept_invitation(_actor: Actor) -> Answer:
    """Whoever holds a valid link; it is the secret that counts."""
    return Yes()


def may_add_membership(actor: Actor) -> Answer:
    """Without an invitation only the cluster office adds people to an organisation."""
    return _office(actor)


@signed_in_only
def may_change_membership(actor: Actor, organisation_id: UUID, role: Role) -> Answer:
    """Whoever may invite in that role may also give it to somebody who is there already."""
    return may_invite(actor, organisation_id, role)


@signed_in_only
def may_remove_membership(actor: Actor, organisation_id: UUID, person_id: UUID) -> Answer:
    """Delegates and the office remove people; everybody may leave."""
    if actor.is_person(person_id) and actor.belongs_to(organisation_id):
        return Yes()
    return may_list_people(actor, organisation_id)


# --- accounts and posts -------------------------------------------------------------------------------------


def may_create_person(actor: Actor, office: Role | None = None) -> Answer:
    """Accounts come from invitations; the office may make one, and only the system one of the office itself."""
    if office is Role.OFFICE and not actor.is_system:
        return No()
    return _office(actor)


def may_list_posts(actor: Actor) -> Answer:
    """Who works for which facility is the cluster office's to see and to decide."""
    return _office(actor)


def may_appoint(actor: Actor, role: Role) -> Answer:
    """The cluster office appoints managers and reviewers of facilities."""
    if role not in (Role.MANAGER, Role.REVIEWER):
        return No(N_("A post at a facility is that of a manager or a reviewer."))
    return _office(actor)


def may_dismiss(actor: Actor) -> Answer:
    """Whoever appoints also dismisses."""
    return _office(actor)


@signed_in_only
def may_change_profile(actor: Actor, person_id: UUID) -> Answer:
    """Name, language, ORCID iD and password are the person's own."""
    return Yes() if actor.is_person(person_id) or actor.is_system else HIDDEN


@signed_in_only
def may_end_sessions(actor: Actor, person_id: UUID) -> Answer:
    """One's own sessions only."""
    return Yes() if actor.is_person(person_id) or actor.is_system else HIDDEN


def _office(actor: Actor) -> Answer:
    return Yes() if actor.is_office or actor.is_system else No()
