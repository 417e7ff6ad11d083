"""Who decides on bookings that wait for approval, and who lets somebody else decide for them."""

from collections.abc import Iterable
from uuid import UUID

from accounts.policy import HIDDEN, Actor, Answer, No, Role, Yes, signed_in_only
from booking.approvals import Course, Seat
from booking.policy.ledger import OWN, Held, may_see
from core.i18n import N_

NOT_YOUR_LEVEL = No(N_("The next level is given by other people."), code="not_your_level")
SAME_PERSON = No(
    N_("You have had a hand in an earlier level: another person has to give the next one."), code="same_person"
)


def seats_of(actor: Actor, facility_id: UUID, stands_for: Iterable[Seat] = ()) -> tuple[Seat, ...]:
    """Every right in which the actor decides at a facility: their own, then those they are the deputy for."""
    rank = Role.MANAGER if actor.manages(facility_id) else None
    return Seat(actor.person_id, Role.OFFICE if actor.is_office or actor.is_system else rank), *stands_for


@signed_in_only
def may_take_part(actor: Actor, held: Held, course: Course, seats: tuple[Seat, ...]) -> Answer:
    """See the request and say no to it: managers, their deputies and who is named for any level; never on one's own.

    A deputy does not decide either on what the manager holds for whom they stand.
    """
    if actor.is_person(held.person_id):
        return OWN
    if seat_to_refuse(held, course, seats) is not None:
        return Yes()
    if any(_has_a_say(seat, course) for seat in seats):
        return OWN
    return No() if may_see(actor, held) else HIDDEN


def may_approve(actor: Actor, held: Held, course: Course, seats: tuple[Seat, ...]) -> Answer:
    """Give the next level."""
    allowed = may_take_part(actor, held, course, seats)
    if not allowed or seat_to_approve(held, course, seats) is not None:
        return allowed
    has_right = any(seat.gives(course.next) and not _is_holders(seat, held) for seat in seats)
    return SAME_PERSON if has_right else NOT_YOUR_LEVEL


def seat_to_approve(held: Held, course: Course, seats: tuple[Seat, ...]) -> Seat | None:
    """The right in which the next level may be given: the actor's own before one they are the deputy for."""
    level = course.next
    return next(
        (
            seat
            for seat in seats
            if seat.gives(level)
            and not _is_holders(seat, held)
            and (not {seat.person_id, seat.for_id} & course.hands or seat.is_the_only_one(level))
        ),
        None,
    )


def seat_to_refuse(held: Held, course: Course, seats: tuple[Seat, ...]) -> Seat | None:
    """The right in which the request may be refused, at whatever level it is."""
    return next((seat for seat in seats if _has_a_say(seat, course) and not _is_holders(seat, held)), None)


def _has_a_say(seat: Seat, course: Course) -> bool:
    return seat.rank is not None or seat.right_of in course.named


def _is_holders(seat: Seat, held: Held) -> bool:
    return held.person_id is not None and held.person_id in (seat.person_id, seat.for_id)


# --- deputies ---------------------------------------------------------------------------------------------


@signed_in_only
def may_deputise(actor: Actor, facility_id: UUID) -> Answer:
    """A manager of the facility, or the office there; a deputy passes nothing on."""
    return Yes() if actor.manages(facility_id) and actor.person_id else No()


@signed_in_only
def may_end_deputy(actor: Actor, facility_id: UUID, deputy_id: UUID) -> Answer:
    """Any manager of the facility, and the deputy; nobody else knows of it."""
    return Yes() if actor.manages(facility_id) or actor.is_person(deputy_id) else HIDDEN


# --- closures ---------------------------------------------------------------------------------------------

OWN_CLOSURE = No(
    N_("You have cancelled other people's bookings for this closure: a second person reopens it."), code="own_closure"
)


def may_reopen(actor: Actor, closed_out_by: UUID | None) -> Answer:
    """Whoever closed over other people's bookings does not free the time again alone, lest it become their own slot."""
    return OWN_CLOSURE if actor.is_person(closed_out_by) else Yes()


@signed_in_only
def may_read_inbox(actor: Actor, takes_part: bool) -> Answer:
    """Managers, and whoever is somebody's deputy or named for a level."""
    return Yes() if actor.is_manager or takes_part else No()
