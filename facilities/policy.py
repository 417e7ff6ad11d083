"""What may be done with facilities and instruments."""

from enum import StrEnum
from uuid import UUID

from accounts.policy import Actor, Answer, No, Yes, signed_in_only
from core.i18n import N_


class BookingMode(StrEnum):
    """How an instrument's time is given (DOMAIN.md, glossary)."""

    INSTANT = "instant"
    APPROVAL = "approval"
    ROUND = "round"
    CLOSED = "closed"
    WITH_PARENT = "with_parent"


def may_read_catalogue(_actor: Actor) -> Answer:
    """The catalogue's public fields are for everyone."""
    return Yes()


def may_see_free_busy(actor: Actor, is_public: bool) -> Answer:
    """Free/busy without names: members always, visitors where the facility says so."""
    if actor.is_signed_in or is_public:
        return Yes()
    return No(N_("Please sign in to see when this instrument is free."))


def may_import_catalogue(actor: Actor) -> Answer:
    """Only the cluster office and the system change the whole catalogue."""
    return Yes() if actor.is_office or actor.is_system else No()


# --- staff and the people it trains ---------------------------------------------------------------------------


@signed_in_only
def may_manage_qualifications(actor: Actor, facility_id: UUID) -> Answer:
    """What one must be qualified for, and who is: the facility's managers and the office."""
    return Yes() if actor.manages(facility_id) else No()


@signed_in_only
def may_grant(actor: Actor, facility_id: UUID, person_id: UUID) -> Answer:
    """The same people, but nobody grants to themselves."""
    if actor.manages(facility_id) and actor.is_person(person_id):
        return No(N_("Nobody grants a qualification to themselves: a second person has to."), code="own_grant")
    return may_manage_qualifications(actor, facility_id)


@signed_in_only
def may_manage_duties(actor: Actor, facility_id: UUID) -> Answer:
    """Who of the staff is there when: the facility's managers and the office."""
    return Yes() if actor.manages(facility_id) else No()


# --- rules of booking -----------------------------------------------------------------------------------------


@signed_in_only
def may_change_rules(actor: Actor, facility_id: UUID) -> Answer:
    """Under which rules and quotas instruments are booked: the facility's managers and the office."""
    return Yes() if actor.manages(facility_id) else No()
