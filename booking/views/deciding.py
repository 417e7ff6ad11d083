"""Bookings that wait, as pages show them to who decides: levels, what to know before, what the reader may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.policy import Actor, Answer, No
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind
from booking.policy import approvals as policy
from booking.policy import ledger as ledger_policy
from booking.queries import approvals as queries
from booking.queries import ledger as ledger_queries
from booking.services.ledger.consequences import Consequence, consequences_of
from booking.views.levels import LevelLine, level_lines, names_in
from booking.views.titles import booking_title
from core.db import db

SOON = timedelta(days=2)


@dataclass(frozen=True)
class Line:
    """A booking that waits, with what is needed to decide."""

    booking: Booking
    title: str
    levels: Sequence[LevelLine]
    level: int
    may_approve: bool
    may_refuse: bool
    why_not: str
    consequences: Sequence[Consequence]
    is_soon: bool


def lines_of(rows: Sequence[Booking], actor: Actor, now: datetime) -> list[Line]:
    """With all that surrounds them, in a number of statements that a page bounds."""
    if not rows:
        return []
    courses = queries.courses(db.session(), rows)
    stands_for = queries.seats_stood_for(db.session(), actor.person_id, now)
    names = names_in(db.session(), courses.values())
    known = consequences_of(db.session(), rows, now)
    lines = []
    for row in rows:
        held, course = ledger_queries.held(row), courses[row.id]
        seats = policy.seats_of(actor, held.facility_id, stands_for.get(held.facility_id, ()))
        answer = policy.may_approve(actor, held, course, seats)
        lines.append(
            Line(
                booking=row,
                title=booking_title(row) if row.is_confidential else row.title,
                levels=level_lines(course, names),
                level=course.next.number,
                may_approve=bool(answer),
                may_refuse=bool(policy.may_take_part(actor, held, course, seats)),
                why_not=answer.reason if isinstance(answer, No) else "",
                consequences=known[row.id],
                is_soon=row.starts_at - now <= SOON,
            )
        )
    return lines


def may_take_part(actor: Actor, row: Booking, now: datetime) -> Answer:
    """Whether the actor says yes or no to a booking at all."""
    course = queries.courses(db.session(), [row])[row.id]
    seats = queries.seats_at(db.session(), actor, row.instrument.facility_id, now)
    return policy.may_take_part(actor, ledger_queries.held(row), course, seats)


def line_for(actor: Actor, row: Booking, now: datetime) -> Line | None:
    """What a booking's own page shows the managers of the decision; None when nothing waits."""
    if (
        row.state is not BookingState.TENTATIVE
        or row.is_offer
        or ledger_policy.has_begun(ledger_queries.held(row), now)
    ):
        return None
    return lines_of([row], actor, now)[0] if actor.manages(row.instrument.facility_id) else None


def levels_for(actor: Actor, row: Booking) -> list[LevelLine]:
    """The levels of a booking's approval; who gave them is named to the facility only."""
    if row.kind is not BookingKind.APPROVAL:
        return []
    course = queries.courses(db.session(), [row])[row.id]
    is_staff = actor.manages(row.instrument.facility_id)
    return level_lines(course, names_in(db.session(), [course]) if is_staff else {})
