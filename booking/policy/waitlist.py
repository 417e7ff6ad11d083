"""Who may wait, see a place in the waitlist, answer an offer and see a whole queue."""

from uuid import UUID

from accounts.policy import HIDDEN, Actor, Answer, No, Yes, signed_in_only
from booking.policy.ledger import may_book
from core.i18n import N_


def may_wait(actor: Actor, organisation_id: UUID | None) -> Answer:
    """Whoever may book may wait, in the name of the same organisations."""
    return may_book(actor, organisation_id)


@signed_in_only
def may_answer(actor: Actor, person_id: UUID, facility_id: UUID) -> Answer:
    """Accept, decline, leave: whose place it is, nobody for them. Others know of a place only as managers."""
    if actor.is_person(person_id):
        return Yes()
    if actor.manages(facility_id):
        return No(N_("Only the person who waits answers an offer."), code="not_your_place")
    return HIDDEN


@signed_in_only
def may_see_queue(actor: Actor, facility_id: UUID) -> Answer:
    """Who waits for a facility's instruments, by name, is its managers' to know."""
    return Yes() if actor.manages(facility_id) else No()
