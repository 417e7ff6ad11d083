"""Who checks in and out, reports trouble, decides on it, prints labels and reads used hours."""

from dataclasses import dataclass
from uuid import UUID

from accounts.policy import HIDDEN, Actor, Answer, No, Role, Yes, signed_in_only
from booking.policy.ledger import OWN, Held, may_see
from core.i18n import N_


@signed_in_only
def may_check_in(actor: Actor, held: Held) -> Answer:
    """Check in and out: the person who holds the time, or a manager of the facility who stands at the instrument."""
    if held.person_id is not None and (actor.is_person(held.person_id) or actor.manages(held.facility_id)):
        return Yes()
    return No() if may_see(actor, held) else HIDDEN


@signed_in_only
def may_print_label(actor: Actor, facility_id: UUID) -> Answer:
    """Labels for instruments are printed by the facility's managers."""
    return Yes() if actor.manages(facility_id) else No()


# --- trouble ----------------------------------------------------------------------------------------------


@signed_in_only
def may_report_trouble(actor: Actor, held: Held) -> Answer:
    """Only the person whose time it was."""
    if actor.is_person(held.person_id):
        return Yes()
    return No(N_("Only the person who holds the booking reports its trouble.")) if may_see(actor, held) else HIDDEN


@signed_in_only
def may_read_trouble(actor: Actor, held: Held, reporter_id: UUID) -> Answer:
    """Who reported it, and the facility's managers."""
    return Yes() if actor.is_person(reporter_id) or actor.manages(held.facility_id) else HIDDEN


@signed_in_only
def may_decide_trouble(actor: Actor, held: Held, reporter_id: UUID) -> Answer:
    """Credit or close: a manager of the facility, never on their own booking or report."""
    if actor.is_person(reporter_id) or (actor.is_person(held.person_id) and actor.manages(held.facility_id)):
        return OWN
    return Yes() if actor.manages(held.facility_id) else HIDDEN


@signed_in_only
def may_list_troubles(actor: Actor) -> Answer:
    """Reports are listed for managers."""
    return Yes() if actor.is_manager else No()


# --- used hours -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reach:
    """Which of an organisation's used hours somebody may read: everything, or what is at these facilities or theirs."""

    everything: bool = False
    facility_ids: frozenset[UUID] = frozenset()
    person_id: UUID | None = None


def reach_of(actor: Actor, organisation_id: UUID) -> Reach:
    """The delegate and the office read all; managers their facilities' hours; members their own."""
    return Reach(
        everything=actor.is_office or actor.is_delegate_of(organisation_id),
        facility_ids=frozenset(key for key, role in actor.posts.items() if role is Role.MANAGER),
        person_id=actor.person_id if actor.belongs_to(organisation_id) else None,
    )


@signed_in_only
def may_read_use(actor: Actor, organisation_id: UUID) -> Answer:
    """Whoever may read any of an organisation's used hours."""
    return Yes() if reach_of(actor, organisation_id) != Reach() else No()
