"""What may be done with facilities and instruments."""

from enum import StrEnum

from accounts.policy import Actor, Answer, No, Yes
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
