"""The number beside “Inbox” in the menu: one statement, for those who decide on something and for nobody else."""

from uuid import UUID

from flask import g, session
from sqlalchemy.exc import DBAPIError

from accounts.access import current_actor
from accounts.policy import Actor
from booking.queries import approvals
from booking.queries import inbox as queries
from core import clock
from core.db import db

HAS_A_SAY = "has_a_say"
"""In the session of people who manage nothing, once a page has found them to be a deputy or named for a level."""


def facilities_managed(actor: Actor) -> list[UUID] | None:
    """The facilities the actor manages; None: all of them."""
    if actor.is_office:
        return None
    return [facility_id for facility_id in actor.posts if actor.manages(facility_id)]


def has_a_say(actor: Actor) -> bool:
    """Whether the actor decides on anything now; asked by the pages that lead to the inbox, remembered by the menu."""
    if actor.is_manager or not actor.is_signed_in:
        return actor.is_manager
    found = bool(db.session.scalar(approvals.has_a_say(actor, clock.now())))
    if found != bool(session.get(HAS_A_SAY)):
        session[HAS_A_SAY] = found
    return found


def inbox_count() -> int | None:
    """How much waits for whoever asks; None for people without an inbox, and when the database is away."""
    actor = current_actor()
    if not (actor.is_manager or (actor.is_signed_in and session.get(HAS_A_SAY))):
        return None
    if "inbox_count" not in g:
        statement = queries.how_much_waits(actor, facilities_managed(actor), clock.now())
        try:
            g.inbox_count = db.session.scalar(statement) or 0
        except DBAPIError:
            db.session.rollback()
            return None
    count: int = g.inbox_count
    return count
