"""What a request or booking is called on a page: a confidential title is only for those who may read it."""

from flask_babel import gettext as _

from accounts.access import current_actor
from booking.models import Booking, Request
from booking.policy import ledger
from booking.policy import requests as policy
from booking.queries import ledger as ledger_queries
from booking.queries import requests as queries


def may_read_words(row: Request) -> bool:
    """Whether the reader may know any of the request's words; its hours and instruments are no secret."""
    return bool(policy.may_read_confidential(current_actor(), queries.standing(row)))


def title_of(row: Request) -> str:
    """The request's title, as far as the reader may know it."""
    if not may_read_words(row):
        return str(_("Confidential request"))
    return row.title or str(_("Untitled draft"))


def code_of(row: Request) -> str:
    """The shortest name of a request in its round: its acronym where the reader may know it, else its number."""
    return row.acronym if row.acronym and may_read_words(row) else str(row.number)


def booking_title(row: Booking) -> str:
    """What a booking is for, as far as the reader may know it."""
    if ledger.may_read_title(current_actor(), ledger_queries.held(row)):
        return row.title
    return str(_("Confidential booking"))
