"""Approval in several levels: whose the next one is, what it does, and that each takes another pair of eyes."""

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.models import Post
from accounts.policy import SYSTEM, VISITOR, Actor, Answer, No, Role
from booking.approvals import Course, Given, Level, Seat, levels
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, Waiting, WaitState
from booking.policy import approvals as policy
from booking.policy.ledger import OWN, Held
from booking.queries import approvals as queries
from booking.services import ledger
from core.audit import AuditEntry
from core.db import db, transaction
from core.errors import Conflict, Forbidden, NotFound, Refusal
from core.outbox import OutboxMessage
from facilities.models import Facility, InstrumentRules
from tests.booking.approvers import DECISIONS, a_request_for, given, state_of, with_levels
from tests.booking.bookers import NINE, Booker, a_booker
from tests.factories import BEFORE, MONDAY, a_booking, a_facility, a_manager, a_person, actor, an_instrument, stored
from tests.support import on_both_databases

HERE, ELSEWHERE, OURS, HOLDER = (uuid4() for _ in range(4))
MARCO, MAURA, SAFETY, DORA, OLGA = (uuid4() for _ in range(5))

# --- the rules, as a table ----------------------------------------------------------------------------------

PEOPLE = {
    "visitor": VISITOR,
    "holder": Actor(person_id=HOLDER, memberships={OURS: Role.MEMBER}),
    "holder who manages": Actor(person_id=HOLDER, posts={HERE: Role.MANAGER}),
    "delegate": Actor(person_id=uuid4(), memberships={OURS: Role.DELEGATE}),
    "stranger": Actor(person_id=uuid4()),
    "reviewer": Actor(person_id=uuid4(), posts={HERE: Role.REVIEWER}),
    "marco, manager": Actor(person_id=MARCO, posts={HERE: Role.MANAGER}),
    "maura, manager": Actor(person_id=MAURA, posts={HERE: Role.MANAGER}),
    "manager elsewhere": Actor(person_id=uuid4(), posts={ELSEWHERE: Role.MANAGER}),
    "safety officer": Actor(person_id=SAFETY),
    "office": Actor(person_id=OLGA, is_office=True),
    "system": SYSTEM,
}
OPEN, NAMED = Level(1), Level(2, frozenset({SAFETY}))
COURSES = {
    "one": Course((Level(1),)),
    "two": Course((OPEN, Level(2))),
    "two, marco gave one": Course((OPEN, Level(2)), (Given(1, MARCO),)),
    "safety's turn": Course((OPEN, NAMED), (Given(1, MARCO),)),
    "marco alone twice": Course((Level(1, frozenset({MARCO})), Level(2, frozenset({MARCO}))), (Given(1, MARCO),)),
}
TABLE = {  # may approve the next level / may refuse: yes, no, hidden
    #                      one         two        two, marco gave one  safety's turn  marco alone twice
    "visitor": ("no no", "no no", "no no", "no no", "no no"),
    "holder": ("no no", "no no", "no no", "no no", "no no"),
    "holder who manages": ("no no", "no no", "no no", "no no", "no no"),
    "delegate": ("no no", "no no", "no no", "no no", "no no"),
    "stranger": ("hidden hidden", "hidden hidden", "hidden hidden", "hidden hidden", "hidden hidden"),
    "reviewer": ("hidden hidden", "hidden hidden", "hidden hidden", "hidden hidden", "hidden hidden"),
    "marco, manager": ("yes yes", "yes yes", "no yes", "no yes", "yes yes"),
    "maura, manager": ("yes yes", "yes yes", "yes yes", "no yes", "no yes"),
    "manager elsewhere": ("hidden hidden", "hidden hidden", "hidden hidden", "hidden hidden", "hidden hidden"),
    "safety officer": ("hidden hidden", "hidden hidden", "hidden hidden", "yes yes", "hidden hidden"),
    "office": ("yes yes", "yes yes", "yes yes", "yes yes", "yes yes"),
    "system": ("yes yes", "yes yes", "yes yes", "yes yes", "yes yes"),
}


def held(person_id: UUID | None = HOLDER) -> Held:
    return Held(HERE, person_id, OURS, BookingState.TENTATIVE, MONDAY)


def word(answer: Answer) -> str:
    if isinstance(answer, No):
        return "hidden" if answer.hidden else "no"
    return "yes"


@pytest.mark.parametrize("who", PEOPLE)
def test_each_person_decides_on_what_the_table_says(who: str) -> None:
    seats = policy.seats_of(PEOPLE[who], HERE)
    answers = [
        f"{word(policy.may_approve(PEOPLE[who], held(), course, seats))}"
        f" {word(policy.may_take_part(PEOPLE[who], held(), course, seats))}"
        for course in COURSES.values()
    ]
    assert tuple(answers) == TABLE[who]


@pytest.mark.parametrize(
    ("holder", "course", "answer"),
    [
        (HOLDER, COURSES["one"], "yes"),
        (DORA, COURSES["one"], "no"),  # their own
        (MARCO, COURSES["one"], "no"),  # that of the manager they stand for
        (HOLDER, COURSES["two, marco gave one"], "no"),  # marco's right has been used
        (HOLDER, Course((OPEN, Level(2)), (Given(1, DORA, MAURA),)), "no"),  # dora has given one, for maura
        (HOLDER, Course((OPEN, Level(2)), (Given(1, MAURA),)), "yes"),
        (HOLDER, COURSES["marco alone twice"], "no"),  # the exception is marco's in person
        (HOLDER, COURSES["safety's turn"], "no"),
        (HOLDER, Course((Level(1, frozenset({MARCO})),)), "yes"),
    ],
)
def test_a_deputy_does_what_the_manager_could_and_no_more(holder: UUID, course: Course, answer: str) -> None:
    dora = Actor(person_id=DORA)
    seats = policy.seats_of(dora, HERE, [Seat(DORA, Role.MANAGER, MARCO)])
    assert word(policy.may_approve(dora, held(holder), course, seats)) == answer


def test_whoever_may_in_their_own_right_does_not_use_up_the_one_they_stand_for() -> None:
    maura = PEOPLE["maura, manager"]
    seats = policy.seats_of(maura, HERE, [Seat(MAURA, Role.MANAGER, MARCO)])
    seat = policy.seat_to_approve(held(), COURSES["one"], seats)
    assert seat == Seat(MAURA, Role.MANAGER)


def test_why_it_is_no() -> None:
    marco = PEOPLE["marco, manager"]
    seats = policy.seats_of(marco, HERE)
    assert policy.may_approve(marco, held(), COURSES["two, marco gave one"], seats) == policy.SAME_PERSON
    assert policy.may_approve(marco, held(), COURSES["safety's turn"], seats) == policy.NOT_YOUR_LEVEL
    assert policy.may_approve(marco, held(MARCO), COURSES["one"], seats) == OWN


def test_levels_come_one_after_the_other() -> None:
    assert levels(2, [(2, SAFETY, "Safety"), (3, DORA, "Not asked for")]) == (
        Level(1),
        Level(2, frozenset({SAFETY}), "Safety"),
    )
    course = Course(levels(3, []), (Given(1, MARCO),))
    assert (course.next.number, len(course.left)) == (2, 2)


def test_rules_that_ask_for_less_meanwhile_leave_no_booking_stuck() -> None:
    course = Course(levels(1, [(1, SAFETY, "")]), (Given(1, SAFETY), Given(2, DORA)))
    assert (course.next, course.left) == (Level(3), ())


# --- the service ----------------------------------------------------------------------------------------------


@pytest.fixture
def facility(context: Flask) -> Facility:
    return a_facility()


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna")


def mails() -> list[str]:
    return [mail.payload["template"] for mail in db.session.scalars(select(OutboxMessage))]


@on_both_databases
def test_each_level_is_given_by_another_and_the_last_confirms(anna: Booker, facility: Facility) -> None:
    marco, safety = a_manager(facility), a_person()
    row = a_request_for(with_levels(facility, 2, (2, safety)), anna)
    assert ledger.approve(row.id, actor(marco), BEFORE) is BookingState.TENTATIVE
    assert mails() == []
    with pytest.raises(Forbidden) as refused:
        ledger.approve(row.id, actor(a_manager(facility)), BEFORE)
    assert refused.value.code == "not_your_level"
    assert ledger.approve(row.id, actor(safety), BEFORE) is BookingState.CONFIRMED
    assert given(row.id) == [(1, marco.id, None), (2, safety.id, None)]
    assert mails() == ["booking_confirmed"]
    acts = db.session.scalars(select(AuditEntry).where(AuditEntry.subject_id == row.id).order_by(AuditEntry.id)).all()
    assert [(act.verb, act.detail["level"], act.detail["levels"]) for act in acts] == [
        ("approve_level", 1, 2),
        ("approve", 2, 2),
    ]


@on_both_databases
def test_giving_a_level_twice_changes_nothing_and_never_gives_the_next(anna: Booker, facility: Facility) -> None:
    marco = a_manager(facility)
    only = with_levels(facility, 2, (1, marco), (2, marco))
    row = a_request_for(only, anna)
    for _ in range(2):
        assert ledger.approve(row.id, actor(marco), BEFORE) is BookingState.TENTATIVE
        assert ledger.approve(row.id, actor(marco), BEFORE, level=1) is BookingState.TENTATIVE
    assert given(row.id) == [(1, marco.id, None)]
    assert ledger.approve(row.id, actor(marco), BEFORE, level=2) is BookingState.CONFIRMED


def test_nobody_gives_two_levels(anna: Booker, facility: Facility) -> None:
    marco = a_manager(facility)
    row = a_request_for(with_levels(facility, 2), anna)
    ledger.approve(row.id, actor(marco), BEFORE)
    with pytest.raises(Forbidden) as refused:
        ledger.approve(row.id, actor(marco), BEFORE, level=2)
    assert refused.value.code == "same_person"
    assert state_of(row.id) is BookingState.TENTATIVE


def test_a_level_that_somebody_else_gave_meanwhile_is_not_taken_for_the_next(anna: Booker, facility: Facility) -> None:
    row = a_request_for(with_levels(facility, 3), anna)
    ledger.approve(row.id, actor(a_manager(facility)), BEFORE, level=1)
    with pytest.raises(Conflict) as refused:
        ledger.approve(row.id, actor(a_manager(facility)), BEFORE, level=1)
    assert refused.value.code == "level_given"
    assert len(given(row.id)) == 1


@pytest.mark.parametrize("after", [0, 1])
def test_it_is_refused_at_any_level(anna: Booker, facility: Facility, after: int) -> None:
    row = a_request_for(with_levels(facility, 3), anna)
    for _ in range(after):
        ledger.approve(row.id, actor(a_manager(facility)), BEFORE)
    marco = actor(a_manager(facility))
    with pytest.raises(Refusal) as refused:
        ledger.refuse(row.id, marco, BEFORE, " ")
    assert refused.value.code == "reason_missing"
    for _ in range(2):
        assert ledger.refuse(row.id, marco, BEFORE, "No operator.") is BookingState.REFUSED
    assert mails() == ["booking_refused"]
    with pytest.raises(Conflict):
        ledger.approve(row.id, actor(a_manager(facility)), BEFORE)


def test_the_holder_gives_no_level_even_when_named_for_it(anna: Booker, facility: Facility) -> None:
    row = a_request_for(with_levels(facility, 1, (1, anna.person)), anna)
    stored(Post(person_id=anna.person.id, facility_id=facility.id, role=Role.MANAGER, since=BEFORE))
    for act in DECISIONS:
        with pytest.raises(Forbidden) as refused:
            act(row.id, actor(anna.person), BEFORE)
        assert refused.value.code == "own_booking"


def test_whoever_is_no_longer_named_has_no_say(anna: Booker, facility: Facility) -> None:
    safety = a_person()
    instrument = with_levels(facility, 1, (1, safety))
    row = a_request_for(instrument, anna)
    with transaction() as tx:
        tx.session.execute(db.text("DELETE FROM approval_levels"))
    with pytest.raises(NotFound):
        ledger.approve(row.id, actor(safety), BEFORE)
    assert ledger.approve(row.id, actor(a_manager(facility)), BEFORE) is BookingState.CONFIRMED


def test_fewer_levels_since_then_let_the_next_manager_confirm(anna: Booker, facility: Facility) -> None:
    instrument = with_levels(facility, 2)
    row = a_request_for(instrument, anna)
    ledger.approve(row.id, actor(a_manager(facility)), BEFORE)
    with transaction() as tx:
        tx.session.get_one(InstrumentRules, instrument.id).approval_levels = 1
    assert ledger.approve(row.id, actor(a_manager(facility)), BEFORE) is BookingState.CONFIRMED


def test_time_that_is_only_offered_from_the_waitlist_is_not_yet_decided_on(anna: Booker, facility: Facility) -> None:
    row = a_request_for(with_levels(facility, 1), anna)
    stored(
        Waiting(
            instrument_id=row.instrument_id,
            person_id=anna.person.id,
            organisation_id=anna.organisation.id,
            starts_at=NINE,
            ends_at=NINE + timedelta(days=1),
            minutes=120,
            state=WaitState.OFFERED,
            booking_id=row.id,
            created_at=BEFORE,
            changed_at=BEFORE,
        )
    )
    marco = actor(a_manager(facility))
    for act in DECISIONS:
        with pytest.raises(Conflict) as refused:
            act(row.id, marco, BEFORE)
        assert refused.value.code == "is_offer"


def test_a_confirmed_booking_cannot_be_refused(anna: Booker, facility: Facility) -> None:
    row = a_booking(an_instrument(facility), kind=BookingKind.APPROVAL, person_id=anna.person.id)
    with pytest.raises(Conflict):
        ledger.refuse(row.id, actor(a_manager(facility)), BEFORE, "why")


# --- what was booked together ---------------------------------------------------------------------------------


@pytest.fixture
def together(anna: Booker, facility: Facility) -> list[Booking]:
    """A booking of two instruments with approval, two levels and one, and of one that is booked at once."""
    bundle = uuid4()
    kinds = (with_levels(facility, 2), with_levels(facility, 1), an_instrument(facility))
    return [a_request_for(one, anna, bundle_id=bundle) for one in kinds]


def test_the_last_level_of_all_confirms_what_was_booked_together(together: list[Booking], facility: Facility) -> None:
    marco, maura = (actor(a_manager(facility)) for _ in range(2))
    two, one, plain = together
    ledger.approve(one.id, marco, BEFORE)
    ledger.approve(two.id, marco, BEFORE)
    assert {state_of(each.id) for each in together} == {BookingState.TENTATIVE}
    for waits in (one, plain):
        with pytest.raises(Conflict) as refused:
            ledger.approve(waits.id, maura, BEFORE)
        assert refused.value.code == "waits_for_others"
    assert ledger.approve(two.id, maura, BEFORE) is BookingState.CONFIRMED
    assert {state_of(each.id) for each in together} == {BookingState.CONFIRMED}
    assert mails() == ["booking_confirmed"]


def test_refusing_one_refuses_what_was_booked_together(together: list[Booking], facility: Facility) -> None:
    ledger.refuse(together[1].id, actor(a_manager(facility)), BEFORE, "No operator.")
    assert {state_of(each.id) for each in together} == {BookingState.REFUSED}
    assert mails() == ["booking_refused"]


def test_only_what_takes_an_approval_of_its_own_waits_in_the_list(together: list[Booking], facility: Facility) -> None:
    listed = db.session.scalars(queries.waiting_for(actor(a_manager(facility)), BEFORE)).all()
    assert {row.id for row in listed} == {together[0].id, together[1].id}


# --- at the same moment ---------------------------------------------------------------------------------------


def at_once(app: Flask, *acts: Callable[[], object]) -> list[object]:
    """What each act gives, or the code of its refusal, when all begin together, each with a session of its own."""
    start = threading.Barrier(len(acts))
    told: list[object] = [None] * len(acts)

    def run(number: int) -> None:
        with app.app_context():
            start.wait(30)
            try:
                told[number] = acts[number]()
            except Refusal as refusal:
                told[number] = refusal.code
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return told


@on_both_databases
def test_managers_who_approve_at_once_give_each_level_once(app: Flask, anna: Booker, facility: Facility) -> None:
    managers = [actor(a_manager(facility)) for _ in range(4)]
    row = a_request_for(with_levels(facility, 2), anna)
    db.session.rollback()
    told = at_once(app, *(lambda who=who: ledger.approve(row.id, who, BEFORE, level=1) for who in managers))
    assert sorted(map(str, told)) == ["level_given"] * 3 + ["tentative"]
    assert [level for level, *_ in given(row.id)] == [1]
    assert state_of(row.id) is BookingState.TENTATIVE


@on_both_databases
def test_approving_and_refusing_at_once_has_one_outcome(app: Flask, anna: Booker, facility: Facility) -> None:
    marco, maura = (actor(a_manager(facility)) for _ in range(2))
    for n in range(4):
        row = a_request_for(with_levels(facility, 1), anna, NINE + timedelta(days=n))
        db.session.rollback()
        told = at_once(
            app,
            lambda row=row: ledger.approve(row.id, marco, BEFORE),  # type: ignore[misc]
            lambda row=row: ledger.refuse(row.id, maura, BEFORE, "why"),  # type: ignore[misc]
        )
        state = state_of(row.id)
        assert sorted(map(str, told)) == sorted([state.value, "illegal_step"])
        assert len(given(row.id)) == (1 if state is BookingState.CONFIRMED else 0)
