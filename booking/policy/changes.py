"""Who may move, hand over and swap held time, and when giving it back comes too late to be free."""

from datetime import datetime, timedelta

from accounts.policy import HIDDEN, Actor, Answer, No, Yes, signed_in_only
from booking.policy.ledger import OWN, Held, may_see
from core.i18n import N_
from core.intervals import Interval


@signed_in_only
def may_move(actor: Actor, held: Held) -> Answer:
    """The person who holds the time, or a manager of the facility."""
    if held.person_id is not None and (actor.is_person(held.person_id) or actor.manages(held.facility_id)):
        return Yes()
    return No() if may_see(actor, held) else HIDDEN


@signed_in_only
def may_move_allocation(actor: Actor, held: Held) -> Answer:
    """What a round has allocated is moved by managers alone, never their own: the published plan was fair as it was."""
    if actor.is_person(held.person_id) and actor.manages(held.facility_id):
        return OWN
    if actor.manages(held.facility_id):
        return Yes()
    if not may_see(actor, held):
        return HIDDEN
    return No(N_("Time that a round has allocated is moved by the facility's managers; please ask them."))


@signed_in_only
def may_hand_over(actor: Actor, held: Held) -> Answer:
    """The person who holds the time, or a manager of the facility; only time that is an organisation's."""
    if held.organisation_id is None:
        return No() if may_see(actor, held) else HIDDEN
    return may_move(actor, held)


@signed_in_only
def may_swap(actor: Actor, held: Held) -> Answer:
    """Offer one's own time, or answer an offer for it: nobody but the person who holds it."""
    if actor.is_person(held.person_id):
        return Yes()
    return No() if may_see(actor, held) else HIDDEN


def runs(starts_at: datetime, checked_in_at: datetime | None, now: datetime) -> bool:
    """Whether time has begun, or its holder is there already."""
    return starts_at <= now or checked_in_at is not None


def gives_back_only(before: Interval, after: Interval) -> bool:
    """Whether a change only frees time: what stays was held already."""
    return before.holds(after)


def free_until(starts_at: datetime, free_minutes: int) -> datetime:
    """Until when cancelling is free: so many minutes before the start."""
    return starts_at - timedelta(minutes=free_minutes)
