"""What a feed may tell, and who may subscribe to it; asked again at each fetch."""

from enum import StrEnum
from uuid import UUID

from accounts.policy import HIDDEN, Actor, Answer, No, Yes, signed_in_only
from core.i18n import N_

MEMBERS_ONLY = No(N_("Only members of the cluster and staff of the facility can subscribe to this calendar."))


class Detail(StrEnum):
    """How much a feed tells."""

    BUSY = "busy"
    TITLE = "title"
    FULL = "full"


@signed_in_only
def may_subscribe_to_person(actor: Actor, person_id: UUID) -> Answer:
    """Everybody has a calendar of their own bookings, and nobody else's."""
    return Yes() if actor.is_person(person_id) else HIDDEN


@signed_in_only
def may_subscribe_to_facility(actor: Actor, facility_id: UUID) -> Answer:
    """Members see when any facility and its instruments are busy; leaving the last organisation ends that."""
    if actor.is_member or actor.works_at(facility_id) or actor.is_office:
        return Yes()
    return MEMBERS_ONLY


def may_read_title(actor: Actor, facility_id: UUID, person_id: UUID | None) -> Answer:
    """What a booking is about: for whom it is held, and for the facility's managers."""
    return Yes() if actor.is_person(person_id) or actor.manages(facility_id) else No()


@signed_in_only
def may_revoke(actor: Actor, person_id: UUID) -> Answer:
    """A subscription is its owner's alone; to others it does not exist."""
    return Yes() if actor.is_person(person_id) else HIDDEN
