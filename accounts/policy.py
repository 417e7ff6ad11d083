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
    """It may not be done, and why; `hidden` when the thing itself must not be known of."""

    reason: str = Forbidden.default_message
    hidden: bool = False

    def or_refuse(self) -> None:
        """Raise the refusal that fits: 404 for a hidden thing, else 403 with the reason."""
        if self.hidden:
            raise NotFound
        raise Forbidden(self.reason)

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
