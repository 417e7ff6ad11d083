"""What may be done with rounds, their reviews and their plans (DOMAIN.md, Roles).

A round belongs to the facilities whose instruments it offers; whoever manages all of them manages the round.
"""

from collections.abc import Collection
from uuid import UUID

from accounts.policy import HIDDEN, Actor, Answer, No, Role, Yes
from core.i18n import N_

Facilities = Collection[UUID]


def role_at(actor: Actor, facilities: Facilities) -> Role:
    """In what quality the actor touches a round of these facilities."""
    if actor.is_system:
        return Role.SYSTEM
    if actor.is_office:
        return Role.OFFICE
    if facilities and all(actor.manages(facility) for facility in facilities):
        return Role.MANAGER
    if any(actor.works_at(facility) for facility in facilities):
        return Role.REVIEWER
    return Role.MEMBER if actor.is_member else Role.VISITOR


def may_open_rounds(actor: Actor) -> Answer:
    """Whoever manages a facility may open a round there."""
    return Yes() if actor.is_manager or actor.is_system else No()


def may_manage_round(actor: Actor, facilities: Facilities) -> Answer:
    """Open, edit, allocate, publish: managers of all of its facilities, and the cluster office."""
    if role_at(actor, facilities) in (Role.MANAGER, Role.OFFICE, Role.SYSTEM):
        return Yes()
    return No(N_("Only who manages all facilities of this round may do this."))


def may_publish(actor: Actor, facilities: Facilities, owners: Collection[UUID]) -> Answer:
    """Publishing gives time to those who asked (`owners`): whoever is one of them leaves it to a second person."""
    allowed = may_manage_round(actor, facilities)
    if allowed and actor.person_id in owners:
        return No(N_("You have a request in this round: a second person has to publish."), code="own_request")
    return allowed


def may_read_round(actor: Actor, facilities: Facilities, *, is_draft: bool) -> Answer:
    """A call is public once it is open; a draft is known only to those who manage it."""
    if not is_draft or may_manage_round(actor, facilities):
        return Yes()
    return HIDDEN


def may_see_inbox(actor: Actor, facilities: Facilities) -> Answer:
    """All requests of a round: who works at one of its facilities."""
    if actor.is_office or actor.is_system or any(actor.works_at(facility) for facility in facilities):
        return Yes()
    return No()


def may_review(actor: Actor, facilities: Facilities, person_id: UUID, organisation_id: UUID) -> Answer:
    """Judge one request: who works at a facility it asks for, never the own one nor one of the own organisation."""
    allowed = may_see_inbox(actor, facilities)
    if not allowed:
        return allowed
    if actor.is_person(person_id):
        return No(N_("Nobody reviews their own request."))
    if actor.belongs_to(organisation_id):
        return No(N_("Nobody reviews a request of their own organisation."))
    return Yes()


def may_see_plans(actor: Actor, facilities: Facilities) -> Answer:
    """Plans in the making are the managers'; others do not learn that they exist."""
    return Yes() if may_manage_round(actor, facilities) else HIDDEN
