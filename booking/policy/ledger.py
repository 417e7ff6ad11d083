"""Who may book, see, cancel, approve and close; plain values, asked by pages and services alike."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.policy import HIDDEN, Actor, Answer, No, Role, Yes, signed_in_only
from booking.lifecycle import LIVE, BookingState
from core.i18n import N_

OWN = No(N_("Nobody decides on their own booking: a second person has to."), code="own_booking")


@dataclass(frozen=True)
class Held:
    """What the rules look at in a booking; nobody's (`person_id` is None) are closures and maintenance."""

    facility_id: UUID
    person_id: UUID | None
    organisation_id: UUID | None
    state: BookingState
    starts_at: datetime
    is_confidential: bool = False


@signed_in_only
def may_book(actor: Actor, organisation_id: UUID | None) -> Answer:
    """Members book, in the name of an organisation they belong to."""
    if not actor.is_member:
        return No(N_("Only members of an organisation book time."), code="no_organisation")
    if organisation_id is None or not actor.belongs_to(organisation_id):
        return No(N_("You do not belong to this organisation."), code="not_your_organisation")
    return Yes()


@signed_in_only
def may_see(actor: Actor, held: Held) -> Answer:
    """The person who holds the time, the delegate of their organisation, the facility's managers, the office."""
    if actor.is_person(held.person_id) or actor.manages(held.facility_id):
        return Yes()
    if held.organisation_id is not None and actor.is_delegate_of(held.organisation_id):
        return Yes()
    return HIDDEN


@signed_in_only
def may_read_title(actor: Actor, held: Held) -> Answer:
    """What a confidential request's time is for: its owner and who works at the facility, nobody else."""
    allowed = may_see(actor, held)
    if not allowed or not held.is_confidential:
        return allowed
    return Yes() if actor.is_person(held.person_id) or held.facility_id in actor.posts else No()


@signed_in_only
def may_cancel(actor: Actor, held: Held) -> Answer:
    """The person who holds the time, or a manager of the facility."""
    if actor.is_person(held.person_id) or actor.manages(held.facility_id):
        return Yes()
    return No() if may_see(actor, held) else HIDDEN


@signed_in_only
def may_decide(actor: Actor, held: Held) -> Answer:
    """Approve or refuse: a manager of the facility, never on their own booking."""
    if actor.is_person(held.person_id):
        return OWN
    if actor.manages(held.facility_id):
        return Yes()
    return No() if may_see(actor, held) else HIDDEN


@signed_in_only
def may_close(actor: Actor, facility_id: UUID) -> Answer:
    """Closures and maintenance are entered by the facility's managers."""
    return Yes() if actor.manages(facility_id) else No()


def has_begun(held: Held, now: datetime) -> bool:
    """Whether it is too late to change the time."""
    return held.starts_at <= now


def is_live(held: Held) -> bool:
    """Whether the time is held at all."""
    return held.state in LIVE


def acting_role(actor: Actor, held: Held) -> Role:
    """In what quality the actor takes a step on this booking."""
    if actor.is_system:
        return Role.SYSTEM
    if actor.is_person(held.person_id):
        return Role.MEMBER
    return Role.OFFICE if actor.is_office else Role.MANAGER
