"""What the page of calendar addresses shows, read in a handful of statements."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from accounts.policy import Actor, Role
from booking.models import CalendarKind
from calendars import queries
from calendars.models import Subscription
from calendars.programs import program_of
from calendars.targets import Target, of_facility, of_instrument, targets

SUGGESTED = 6


@dataclass(frozen=True)
class Address:
    """One of my subscriptions; `program` is what fetched it last."""

    subscription: Subscription
    target: Target
    program: str


@dataclass(frozen=True)
class Overview:
    """My subscriptions, and calendars I am likely to want."""

    addresses: tuple[Address, ...]
    suggestions: tuple[Target, ...]


def overview(session: Session, actor: Actor) -> Overview:
    """The page for a signed-in person."""
    assert actor.person_id is not None  # noqa: S101 - the page is for people with an account
    mine = session.scalars(queries.live_subscriptions_of(actor.person_id)).all()
    known = targets(session, ((row.kind, row.subject_id) for row in mine))
    return Overview(
        addresses=tuple(
            Address(row, known[row.kind, row.subject_id], program_of(row.fetched_by))
            for row in mine
            if (row.kind, row.subject_id) in known
        ),
        suggestions=tuple(_suggestions(session, actor)),
    )


def _suggestions(session: Session, actor: Actor) -> Iterable[Target]:
    """My bookings, the facilities I manage, the instruments I booked last."""
    assert actor.person_id is not None  # noqa: S101 - see above
    yield Target(CalendarKind.PERSON, actor.person_id)
    managed = [facility_id for facility_id, role in actor.posts.items() if role is Role.MANAGER]
    yield from map(of_facility, session.scalars(queries.facilities(managed)))
    yield from map(of_instrument, session.scalars(queries.instruments_booked_by(actor.person_id, SUGGESTED)))
