"""What may be done with requests (DOMAIN.md, Roles): plain answers from who asks and how the request stands."""

from dataclasses import dataclass
from uuid import UUID

from accounts.policy import HIDDEN, Actor, Answer, No, Role, Yes, signed_in_only
from core.i18n import N_


@dataclass(frozen=True)
class Standing:
    """What the rules need to know of a request.

    `facility_ids` are the facilities whose instruments it asks for; `was_sent` stays true after a withdrawal.
    """

    person_id: UUID
    organisation_id: UUID
    facility_ids: frozenset[UUID]
    was_sent: bool
    is_confidential: bool
    is_shared: bool


def owner_role(actor: Actor, organisation_id: UUID) -> Role:
    """In what quality an owner acts on a request of this organisation."""
    if actor.is_system:
        return Role.SYSTEM
    return actor.memberships.get(organisation_id, Role.MEMBER)


@signed_in_only
def may_begin(actor: Actor, organisation_id: UUID) -> Answer:
    """Whoever acts for an organisation asks in its name."""
    if actor.belongs_to(organisation_id):
        return Yes()
    return No(N_("You can only ask in the name of an organisation you belong to."))


def may_read(actor: Actor, request: Standing) -> Answer:
    """The owner always; once it was sent also the owner's delegates, the facilities asked, and the office."""
    if actor.is_person(request.person_id) or actor.is_system:
        return Yes()
    if not request.was_sent:
        return HIDDEN
    if actor.is_office or actor.is_delegate_of(request.organisation_id):
        return Yes()
    return Yes() if any(actor.works_at(facility) for facility in request.facility_ids) else HIDDEN


def may_read_confidential(actor: Actor, request: Standing) -> Answer:
    """Texts and sample of a confidential request: not the delegate's unless shared, not the office's unasked."""
    if not may_read(actor, request):
        return HIDDEN
    if not request.is_confidential or actor.is_person(request.person_id) or actor.is_system:
        return Yes()
    if any(facility in actor.posts for facility in request.facility_ids):
        return Yes()
    if request.is_shared and actor.is_delegate_of(request.organisation_id):
        return Yes()
    return No(N_("The owner keeps the description of this request confidential."))


def may_break_glass(actor: Actor, request: Standing) -> Answer:
    """The office may open a confidential request with a reason that is kept."""
    if not may_read(actor, request):
        return HIDDEN
    return Yes() if actor.is_office else No()


def may_change(actor: Actor, request: Standing) -> Answer:
    """Edit and submit: the owner, as long as they act for the organisation."""
    if not actor.is_person(request.person_id):
        return _refused(actor, request)
    if not actor.belongs_to(request.organisation_id):
        return No(N_("You no longer act for the organisation of this request."))
    return Yes()


def may_withdraw(actor: Actor, request: Standing) -> Answer:
    """The owner, whatever has become of their membership."""
    return Yes() if actor.is_person(request.person_id) else _refused(actor, request)


def may_clone(actor: Actor, request: Standing) -> Answer:
    """Whoever owns it; the copy is asked in the name of an organisation of theirs."""
    return Yes() if actor.is_person(request.person_id) else _refused(actor, request)


@signed_in_only
def may_list_requests_of(actor: Actor, organisation_id: UUID) -> Answer:
    """All sent requests of an organisation: its delegates and the office."""
    if actor.is_delegate_of(organisation_id) or actor.is_office:
        return Yes()
    return HIDDEN


def _refused(actor: Actor, request: Standing) -> Answer:
    """A plain no to those who may know of the request, else it does not exist."""
    return No(N_("Only the person who wrote this request may do this.")) if may_read(actor, request) else HIDDEN
