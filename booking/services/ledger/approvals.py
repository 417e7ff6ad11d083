"""Deciding on bookings that wait: level by level, by managers, the people named for a level, and deputies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from accounts.policy import Actor
from booking.approvals import Course, Seat
from booking.lifecycle import BookingState
from booking.models import Approval, Booking
from booking.policy import approvals as policy
from booking.policy import ledger as ledger_policy
from booking.queries import approvals as queries
from booking.queries import ledger as ledger_queries
from booking.services.ledger.common import locked_bundle, reason_missing, tell
from booking.services.ledger.holding import change_state
from core.db import Tx, transaction
from core.errors import Conflict, Invalid, Refusal
from core.i18n import N_

MOST_AT_ONCE = 100


class Decision(StrEnum):
    """What is said to a booking that waits."""

    APPROVE = "approve"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Wanted:
    """One of several decisions: the booking and, as the page showed it, the level that was next."""

    booking_id: UUID
    level: int | None = None


@dataclass(frozen=True)
class Result:
    """What came of one decision: the booking's state, or why it was refused."""

    booking_id: UUID
    state: BookingState | None = None
    refusal: Refusal | None = None


def approve(booking_id: UUID, actor: Actor, now: datetime, level: int | None = None) -> BookingState:
    """Give the next level of a tentative booking; the last one confirms it. Gives the booking's state.

    Of bookings made together each has the levels of its own instrument, and the last level of all confirms them all.
    `level` is the one that the person saw as the next. Whoever gave it already changes nothing by asking again (None:
    whoever gave any). Refusals: Forbidden "own_booking", "not_your_level", "same_person"; Conflict "level_given",
    "has_begun", "is_offer", "illegal_step".
    """
    with transaction() as tx:
        row, beside = locked_bundle(tx, booking_id)
        course, seats = _standing(tx, row, actor, now)
        if row.state is BookingState.CONFIRMED or course.was_given_by(actor.person_id, level):
            return row.state
        _check_still_asked(tx, row, course, level, now)
        held = ledger_queries.held(row)
        policy.may_approve(actor, held, course, seats).or_refuse()
        seat = policy.seat_to_approve(held, course, seats)
        assert seat is not None  # noqa: S101 - the policy has just said so
        _give(tx, [row, *beside], seat, actor, now)
        return row.state


def refuse(booking_id: UUID, actor: Actor, now: datetime, reason: str) -> BookingState:
    """Say no to a tentative booking and those made with it, at any level, and say why. Twice changes nothing."""
    with transaction() as tx:
        row, beside = locked_bundle(tx, booking_id)
        course, seats = _standing(tx, row, actor, now)
        if row.state is BookingState.REFUSED:
            return row.state
        if not reason.strip():
            raise reason_missing()
        _check_no_offer(tx, row)
        facts = _facts(course, policy.seat_to_refuse(ledger_queries.held(row), course, seats))
        for each in (row, *beside):
            change_state(tx, each, "refuse", actor, now, reason.strip(), facts)
        tell(tx, row, "booking_refused", now, reason=reason.strip())
        return row.state


def decide_each(
    wanted: Iterable[Wanted], decision: Decision, actor: Actor, now: datetime, reason: str = ""
) -> Sequence[Result]:
    """The same decision on several bookings, each in a transaction of its own: what one refuses the others have.

    Invalid "reason_missing" and "too_many" before anything is done.
    """
    each = list(dict.fromkeys(wanted))
    if len(each) > MOST_AT_ONCE:
        raise Invalid(N_("At most %(most)s at once, please."), code="too_many", most=MOST_AT_ONCE)
    if decision is Decision.REFUSE and not reason.strip():
        raise reason_missing()
    return [_decided(one, decision, actor, now, reason) for one in each]


def _decided(one: Wanted, decision: Decision, actor: Actor, now: datetime, reason: str) -> Result:
    try:
        if decision is Decision.APPROVE:
            return Result(one.booking_id, approve(one.booking_id, actor, now, one.level))
        return Result(one.booking_id, refuse(one.booking_id, actor, now, reason))
    except Refusal as refusal:
        return Result(one.booking_id, refusal=refusal)


# --- one decision -----------------------------------------------------------------------------------------


def _standing(tx: Tx, row: Booking, actor: Actor, now: datetime) -> tuple[Course, tuple[Seat, ...]]:
    """How far the booking has come and in which rights the actor decides; refused when in none."""
    course = queries.courses(tx.session, [row])[row.id]
    seats = queries.seats_at(tx.session, actor, row.instrument.facility_id, now)
    policy.may_take_part(actor, ledger_queries.held(row), course, seats).or_refuse()
    return course, seats


def _give(tx: Tx, bundle: Sequence[Booking], seat: Seat, actor: Actor, now: datetime) -> None:
    """Give the next level of the first booking; with the last level of all of them they are confirmed."""
    row, courses = bundle[0], queries.courses(tx.session, bundle)
    course = courses[row.id]
    number, missing = course.next.number, sum(len(each.left) for each in courses.values())
    if not course.left and missing:
        raise Conflict(
            N_("This part is approved; the others that were booked with it are not yet."), code="waits_for_others"
        )
    facts = _facts(course, seat)
    if missing > 1 or row.state is not BookingState.TENTATIVE:
        change_state(tx, row, "approve_level", actor, now, facts=facts)
    else:
        for each in bundle:
            change_state(tx, each, "approve", actor, now, facts=facts)
        tell(tx, row, "booking_confirmed", now)
    tx.session.add(Approval(booking_id=row.id, level=number, person_id=actor.person_id, for_id=seat.for_id, at=now))


def _facts(course: Course, seat: Seat | None) -> dict[str, object]:
    """What the audit keeps beside the act: which level of how many, and for whom a deputy decided."""
    facts: dict[str, object] = {"level": course.next.number, "levels": len(course.levels)}
    return {**facts, "for": str(seat.for_id)} if seat and seat.for_id else facts


def _check_still_asked(tx: Tx, row: Booking, course: Course, level: int | None, now: datetime) -> None:
    if row.state is not BookingState.TENTATIVE:
        return  # the table of steps says so
    if level is not None and level != course.next.number:
        raise Conflict(N_("Somebody else has given this level in the meantime. Please look again."), code="level_given")
    if ledger_policy.has_begun(ledger_queries.held(row), now):
        raise Conflict(N_("This booking has begun and can no longer be approved."), code="has_begun")
    _check_no_offer(tx, row)


def _check_no_offer(tx: Tx, row: Booking) -> None:
    if tx.session.scalar(queries.offered(row.id)) is not None:
        raise Conflict(N_("This time is only offered to somebody from the waitlist."), code="is_offer")
