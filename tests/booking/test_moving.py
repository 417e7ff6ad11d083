"""Moving held time: the same booking, elsewhere; what is allowed, what is refused and how it says so."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import Person
from accounts.policy import Role
from booking.lifecycle import BookingState
from booking.models import (
    Approval,
    Booking,
    BookingKind,
    CalendarVersion,
    ShareEntry,
    ShareKind,
    Waiting,
    WaitState,
)
from booking.services import ledger
from core.audit import AuditEntry
from core.db import db, transaction
from core.errors import Conflict, Forbidden, NotFound, Refusal
from core.intervals import Interval
from core.mail import render
from core.outbox import OutboxMessage
from facilities.models import Facility, Instrument, InstrumentRules
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, Booker, a_booker
from tests.factories import (
    BEFORE,
    a_booking,
    a_facility,
    a_manager,
    a_member,
    actor,
    an_exclusion_group,
    an_instrument,
    an_operating_plan,
    stored,
)
from tests.support import on_both_databases

LATER = NINE + 3 * HOUR
HALF = timedelta(minutes=30)


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


def row_of(booking_id: UUID) -> Booking:
    db.session.rollback()
    return db.session.get_one(Booking, booking_id)


def moves(booking_id: UUID, person: Person, start: datetime, end: datetime | None = None, **more: Any) -> Booking:
    """Move it, as somebody who saw its latest version; two hours unless told otherwise."""
    ledger.move(
        booking_id,
        start,
        end or start + 2 * HOUR,
        more.get("sequence", row_of(booking_id).sequence),
        actor(person),
        more.get("now", BEFORE),
        more.get("instrument_id"),
        more.get("reason", ""),
    )
    return row_of(booking_id)


def refused(booking_id: UUID, person: Person, start: datetime, end: datetime | None = None, **more: Any) -> Refusal:
    """The refusal of a move, which changed nothing."""
    before = row_of(booking_id)
    was = (before.interval, before.instrument_id, before.sequence, before.state)
    with pytest.raises(Refusal) as caught:
        moves(booking_id, person, start, end, **more)
    after = row_of(booking_id)
    assert (after.interval, after.instrument_id, after.sequence, after.state) == was
    return caught.value


# --- the same booking, elsewhere --------------------------------------------------------------------------


@on_both_databases
def test_a_moved_booking_stays_the_same_one(anna: Booker) -> None:
    made = anna.book(an_instrument(), title="Cells")
    uid = row_of(made).uid
    row = moves(made, anna.person, LATER)
    assert (row.starts_at, row.ends_at) == (LATER, LATER + 2 * HOUR)
    assert (row.uid, row.sequence, row.state, row.title) == (uid, 1, BookingState.CONFIRMED, "Cells")


@on_both_databases
def test_a_booking_may_move_into_its_own_time(anna: Booker) -> None:
    made = anna.book(an_instrument())
    assert moves(made, anna.person, NINE + HOUR).starts_at == NINE + HOUR


def test_a_booking_becomes_longer_and_shorter(anna: Booker) -> None:
    made = anna.book(an_instrument())
    assert moves(made, anna.person, NINE, NINE + 4 * HOUR).ends_at == NINE + 4 * HOUR
    assert moves(made, anna.person, NINE + HOUR, NINE + 2 * HOUR).interval == Interval(NINE + HOUR, NINE + 2 * HOUR)


def test_its_buffers_move_along(anna: Booker) -> None:
    instrument = an_instrument()
    stored(InstrumentRules(instrument_id=instrument.id, buffer_after=30, changed_at=BEFORE))
    made = anna.book(instrument)
    row = moves(made, anna.person, LATER)
    assert row.held == Interval(LATER, LATER + 2 * HOUR + HALF)
    row = moves(made, anna.person, LATER, LATER + HOUR)
    assert row.held == Interval(LATER, LATER + HOUR + HALF)


@on_both_databases
def test_a_booking_moves_to_another_instrument_of_the_facility(anna: Booker) -> None:
    facility = a_facility()
    group = an_exclusion_group(facility)
    first, second = an_instrument(facility), an_instrument(facility, exclusion_group_id=group.id)
    made = anna.book(first)
    row = moves(made, anna.person, LATER, instrument_id=second.id)
    assert (row.instrument_id, row.exclusion_group_id, row.starts_at) == (second.id, group.id, LATER)
    versions = {v.subject_id: v.version for v in db.session.scalars(select(CalendarVersion))}
    assert (versions[first.id], versions[second.id]) == (2, 1), "both instruments' calendars change"
    assert versions[anna.person.id] == 2


def test_a_move_is_audited_with_where_it_was_and_where_it_is(anna: Booker) -> None:
    instrument = an_instrument()
    made = anna.book(instrument)
    moves(made, anna.person, LATER)
    act = db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "move")).one()
    assert (act.subject_id, act.person_id) == (made, anna.person.id)
    assert act.detail["from"]["starts_at"] == NINE.isoformat()
    assert act.detail["to"]["starts_at"] == LATER.isoformat()


def test_it_keeps_its_unit_where_that_is_free(anna: Booker) -> None:
    instrument = an_instrument(capacity=3)
    made = [anna.book(instrument) for _ in range(2)][1]
    assert moves(made, anna.person, LATER).unit == 1
    a_booking(instrument, starts_at=NINE, unit=1)
    assert moves(made, anna.person, NINE).unit == 2


@on_both_databases
def test_the_same_move_twice_changes_nothing(anna: Booker) -> None:
    made = anna.book(an_instrument())
    for _ in range(2):
        assert moves(made, anna.person, LATER, sequence=0).sequence == 1
    assert db.session.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.verb == "move")) == 1
    assert len([m for m in db.session.scalars(select(OutboxMessage)) if m.payload["template"] == "booking_moved"]) == 1


def test_a_move_of_what_has_changed_meanwhile_is_refused(anna: Booker) -> None:
    made = anna.book(an_instrument())
    moves(made, anna.person, LATER)
    assert refused(made, anna.person, NINE, sequence=0).code == "changed_meanwhile"


def test_the_bookings_of_a_bundle_move_together_or_not_at_all(anna: Booker) -> None:
    facility = a_facility()
    bundle, first, second = uuid4(), an_instrument(facility), an_instrument(facility)
    values = {"bundle_id": bundle, "person_id": anna.person.id, "organisation_id": anna.organisation.id}
    one = a_booking(first, starts_at=NINE, **values).id
    other = a_booking(second, starts_at=NINE + HOUR, **values).id
    moves(one, anna.person, NINE + HOUR)
    assert (row_of(one).starts_at, row_of(other).starts_at) == (NINE + HOUR, NINE + 2 * HOUR)
    a_booking(second, starts_at=NINE + 6 * HOUR)
    assert refused(one, anna.person, NINE + 4 * HOUR).code == "taken"
    assert row_of(other).starts_at == NINE + 2 * HOUR


def test_an_instrument_that_is_booked_only_with_another_moves_with_it(anna: Booker) -> None:
    facility = a_facility()
    parent, child = an_instrument(facility), an_instrument(facility, booking_mode=BookingMode.WITH_PARENT)
    stored(InstrumentRules(instrument_id=child.id, parent_id=parent.id, changed_at=BEFORE))
    values = {"bundle_id": uuid4(), "person_id": anna.person.id, "organisation_id": anna.organisation.id}
    one, other = (a_booking(instrument, starts_at=NINE, **values).id for instrument in (parent, child))
    moves(one, anna.person, NINE + HOUR)
    assert row_of(other).starts_at == NINE + HOUR
    elsewhere = an_instrument(facility)
    assert refused(one, anna.person, NINE, instrument_id=elsewhere.id).code == "given_with_another"


# --- what stands in the way -------------------------------------------------------------------------------


@on_both_databases
def test_taken_time_is_refused_and_the_booking_stays_where_it_was(anna: Booker) -> None:
    instrument = an_instrument()
    made = anna.book(instrument)
    a_booking(instrument, starts_at=LATER)
    answer = refused(made, anna.person, LATER + HOUR)
    assert (answer.code, list(answer.fields)) == ("taken", ["start"])
    assert "Anna" not in str(answer), "one's own old time is not in the way"


@on_both_databases
def test_what_slips_through_the_check_is_refused_by_the_database_in_the_same_words(
    anna: Booker, monkeypatch: pytest.MonkeyPatch
) -> None:
    instrument = an_instrument()
    made = anna.book(instrument)
    a_booking(instrument, starts_at=LATER)
    look_away(monkeypatch)
    with transaction() as tx:
        row = tx.one(select(Booking).where(Booking.id == made))
        with pytest.raises(Conflict) as caught:
            ledger.move_locked(tx, row, Interval(LATER, LATER + HOUR), actor(anna.person), BEFORE)
        ledger.move_locked(tx, row, Interval(NINE + HOUR, LATER), actor(anna.person), BEFORE)
    assert caught.value.code == "taken"
    assert row_of(made).starts_at == NINE + HOUR, "the transaction went on after the refusal"


def look_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check no longer sees what is held: only the database is left."""
    monkeypatch.setattr("booking.services.ledger.holding.queries.busy", lambda _rows, _instrument: [])


REFUSED = [
    ("before now", BEFORE - HOUR, BEFORE + HOUR, "in_the_past"),
    ("end before start", LATER, NINE, "ends_before_start"),
    ("too long", NINE, NINE + 30 * HOUR, "too_long"),
    ("too short", NINE, NINE + HALF, "too_short"),
    ("off the grid", NINE + HALF, NINE + 2 * HOUR + HALF, "off_grid"),
    ("beyond the horizon", NINE + timedelta(days=400), NINE + timedelta(days=400, hours=2), "too_far_ahead"),
]


@pytest.mark.parametrize(("start", "end", "code"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
def test_a_wrong_time_is_refused_as_for_a_new_booking(anna: Booker, start: datetime, end: datetime, code: str) -> None:
    made = anna.book(an_instrument())
    assert refused(made, anna.person, start, end).code == code


def test_a_booking_stays_at_its_facility(anna: Booker) -> None:
    made = anna.book(an_instrument())
    assert refused(made, anna.person, LATER, instrument_id=an_instrument().id).code == "another_facility"


def test_no_instrument_of_this_name(anna: Booker) -> None:
    made = anna.book(an_instrument())
    with pytest.raises(NotFound):
        moves(made, anna.person, LATER, instrument_id=UUID(int=1))


def test_a_cancelled_booking_does_not_move(anna: Booker) -> None:
    made = anna.book(an_instrument())
    ledger.cancel(made, actor(anna.person), BEFORE)
    for start in (NINE, LATER):
        assert refused(made, anna.person, start).code == "illegal_step"


def test_a_booking_that_is_over_does_not_move(anna: Booker) -> None:
    made = anna.book(an_instrument())
    assert refused(made, anna.person, LATER, now=NINE + 2 * HOUR).code == "has_ended"


def test_time_that_the_waitlist_only_offers_does_not_move(anna: Booker) -> None:
    instrument = an_instrument()
    offered = a_booking(
        instrument,
        kind=BookingKind.INSTANT,
        state=BookingState.TENTATIVE,
        person_id=anna.person.id,
        organisation_id=anna.organisation.id,
    )
    stored(
        Waiting(
            instrument_id=instrument.id,
            person_id=anna.person.id,
            organisation_id=anna.organisation.id,
            starts_at=NINE,
            ends_at=NINE + 8 * HOUR,
            minutes=120,
            state=WaitState.OFFERED,
            booking_id=offered.id,
            offered_until=NINE - HOUR,
            created_at=BEFORE,
            changed_at=BEFORE,
        )
    )
    assert refused(offered.id, anna.person, LATER).code == "is_offer"


def test_a_closure_does_not_move(anna: Booker) -> None:
    facility = a_facility()
    manager = a_manager(facility)
    closed = a_booking(an_instrument(facility), kind=BookingKind.CLOSURE).id
    with pytest.raises(Forbidden):
        moves(closed, manager, LATER, reason="A reason")


# --- a booking that runs ----------------------------------------------------------------------------------

RUNNING = NINE + HOUR
ENDS = [
    ("shorter", NINE, NINE + 2 * HOUR, ""),
    ("longer", NINE, NINE + 5 * HOUR, ""),
    ("shorter than a booking may be", NINE, RUNNING + HOUR, ""),
    ("another start", NINE + HOUR, NINE + 3 * HOUR, "has_begun"),
    ("an earlier start", NINE - HOUR, NINE + 3 * HOUR, "has_begun"),
    ("ended already", NINE, RUNNING, "in_the_past"),
    ("too long", NINE, NINE + 25 * HOUR, "too_long"),
    ("into the next one", NINE, NINE + 7 * HOUR, "taken"),
]


@pytest.mark.parametrize(("start", "end", "code"), [pytest.param(*case[1:], id=case[0]) for case in ENDS])
def test_of_a_running_booking_only_the_end_moves(anna: Booker, start: datetime, end: datetime, code: str) -> None:
    instrument = an_instrument(least_minutes=180)
    stored(InstrumentRules(instrument_id=instrument.id, lead_minutes=1440, changed_at=BEFORE))
    made = anna.book(instrument, NINE, NINE + 4 * HOUR)
    a_booking(instrument, starts_at=NINE + 6 * HOUR)
    if code:
        assert refused(made, anna.person, start, end, now=RUNNING).code == code
    else:
        assert moves(made, anna.person, start, end, now=RUNNING).ends_at == end


def test_a_running_booking_does_not_change_its_instrument(anna: Booker) -> None:
    facility = a_facility()
    made = anna.book(an_instrument(facility))
    answer = refused(made, anna.person, NINE, instrument_id=an_instrument(facility).id, now=RUNNING)
    assert answer.code == "has_begun"


def test_whoever_has_checked_in_early_is_there(anna: Booker) -> None:
    made = anna.book(an_instrument())
    with transaction() as tx:
        tx.one(select(Booking).where(Booking.id == made)).checked_in_at = NINE - timedelta(minutes=10)
    assert refused(made, anna.person, LATER, now=NINE - timedelta(minutes=5)).code == "has_begun"


def test_whoever_has_checked_out_has_given_the_rest_back(anna: Booker) -> None:
    made = anna.book(an_instrument())
    with transaction() as tx:
        tx.one(select(Booking).where(Booking.id == made)).checked_out_at = NINE + HALF
    assert refused(made, anna.person, NINE, NINE + 3 * HOUR, now=NINE + HALF).code == "has_ended"


# --- approval ---------------------------------------------------------------------------------------------


def an_approved_booking(anna: Booker, facility: Facility) -> UUID:
    made = anna.book(an_instrument(facility, booking_mode=BookingMode.APPROVAL))
    ledger.approve(made, actor(a_manager(facility)), BEFORE)
    if db.session.scalar(select(func.count(Approval.level))) == 0:
        stored(Approval(booking_id=made, level=1, at=BEFORE))
    return made


def test_an_approved_booking_that_its_holder_moves_asks_again(anna: Booker) -> None:
    made = an_approved_booking(anna, a_facility())
    row = moves(made, anna.person, LATER)
    assert (row.state, row.kind) == (BookingState.TENTATIVE, BookingKind.APPROVAL)
    assert db.session.scalar(select(func.count(Approval.level))) == 0, "what was approved was another time"
    assert db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "ask_again")).one().subject_id == made


def test_shortening_an_approved_booking_asks_nobody(anna: Booker) -> None:
    made = an_approved_booking(anna, a_facility())
    assert moves(made, anna.person, NINE, NINE + HOUR).state is BookingState.CONFIRMED
    assert db.session.scalar(select(func.count(Approval.level))) == 1


def test_an_approved_booking_that_a_manager_moves_stays_approved(anna: Booker) -> None:
    facility = a_facility()
    made = an_approved_booking(anna, facility)
    assert moves(made, a_manager(facility), LATER, reason="Service").state is BookingState.CONFIRMED


def test_a_booking_that_moves_to_an_instrument_with_approval_is_asked_for(anna: Booker) -> None:
    facility = a_facility()
    made = anna.book(an_instrument(facility))
    other = an_instrument(facility, booking_mode=BookingMode.APPROVAL)
    row = moves(made, anna.person, NINE, instrument_id=other.id)
    assert (row.state, row.kind) == (BookingState.TENTATIVE, BookingKind.APPROVAL)


def test_a_booking_that_waits_for_approval_is_not_confirmed_by_moving_it(anna: Booker) -> None:
    facility = a_facility()
    made = anna.book(an_instrument(facility, booking_mode=BookingMode.APPROVAL))
    answer = refused(made, anna.person, NINE, instrument_id=an_instrument(facility).id)
    assert answer.code == "another_mode"


# --- who may ----------------------------------------------------------------------------------------------


def test_a_manager_moves_with_a_reason_and_the_holder_is_told(anna: Booker) -> None:
    facility = a_facility()
    manager = a_manager(facility, name="Mara Manager")
    made = anna.book(an_instrument(facility, name="Microscope"))
    assert list(refused(made, manager, LATER, reason=" ").fields) == ["reason"]
    moves(made, manager, LATER, reason="The detector is repaired.")
    mails = db.session.scalars(select(OutboxMessage)).all()
    payload = next(mail.payload for mail in mails if mail.payload["template"] == "booking_moved")
    assert payload["to"] == anna.person.email
    subject, body = render("booking_moved", "en", payload["values"])
    assert subject == "Moved: Microscope, Mon 4 Jan 2027, 13:00–15:00"
    assert "Mara Manager has moved your booking." in body
    assert "The detector is repaired." in body


def test_what_limits_members_does_not_bind_a_manager_who_moves_but_the_opening_hours_do(anna: Booker) -> None:
    facility = a_facility()
    manager = a_manager(facility)
    plan = an_operating_plan((0, 0, 1440), (1, 0, 1440))
    instrument = an_instrument(facility, operating_plan_id=plan.id)
    made = anna.book(instrument)
    stored(InstrumentRules(instrument_id=instrument.id, lead_minutes=10080, changed_at=BEFORE))
    now = NINE - HOUR
    assert refused(made, anna.person, LATER, now=now).code == "too_soon"
    assert moves(made, manager, LATER, now=now, reason="Service").starts_at == LATER
    assert refused(made, manager, NINE + timedelta(days=3), now=now, reason="Service").code == "outside_hours"


Moves = Callable[[Person, Facility], Person]
STRANGERS: list[tuple[str, Moves, type[Refusal]]] = [
    ("a stranger", lambda _, __: a_booker().person, NotFound),
    ("a manager of elsewhere", lambda _, __: a_manager(a_facility()), NotFound),
]


@pytest.mark.parametrize(("who", "answer"), [pytest.param(*case[1:], id=case[0]) for case in STRANGERS])
def test_nobody_else_moves_a_booking(anna: Booker, who: Moves, answer: type[Refusal]) -> None:
    facility = a_facility()
    made = anna.book(an_instrument(facility))
    assert isinstance(refused(made, who(anna.person, facility), LATER, reason="A reason"), answer)


def test_a_delegate_sees_the_booking_and_does_not_move_it(anna: Booker) -> None:
    made = anna.book(an_instrument())
    delegate = a_member(anna.organisation, role=Role.DELEGATE)
    assert isinstance(refused(made, delegate, LATER, reason="A reason"), Forbidden)


def an_allocation(instrument: Instrument, person: Person, **values: Any) -> UUID:
    return a_booking(instrument, kind=BookingKind.ROUND, person_id=person.id, **values).id


def test_what_a_round_has_allocated_is_moved_by_managers_alone(anna: Booker) -> None:
    facility = a_facility()
    beam = an_instrument(facility, booking_mode=BookingMode.ROUND)
    made = an_allocation(beam, anna.person, organisation_id=anna.organisation.id)
    assert isinstance(refused(made, anna.person, LATER), Forbidden)
    row = moves(made, a_manager(facility), LATER, reason="The source is down.")
    assert (row.starts_at, row.kind) == (LATER, BookingKind.ROUND)


def test_managers_do_not_move_their_own_allocation(context: Flask) -> None:
    facility = a_facility()
    manager = a_manager(facility)
    made = an_allocation(an_instrument(facility, booking_mode=BookingMode.ROUND), manager)
    assert refused(made, manager, LATER, reason="A reason").code == "own_booking"


# --- the share ledger -------------------------------------------------------------------------------------


@on_both_databases
def test_a_booking_is_charged_once_for_each_reason(anna: Booker) -> None:
    made = anna.book(an_instrument())
    for minutes in (120, 30):
        with transaction() as tx:
            row = tx.one(select(Booking).where(Booking.id == made))
            ledger.charge(tx, row, ShareKind.NO_SHOW, booked=120, used=0, charged=minutes, now=BEFORE)
    with transaction() as tx:
        row = tx.one(select(Booking).where(Booking.id == made))
        ledger.charge(tx, row, ShareKind.CREDITED, booked=120, used=0, charged=-60, now=BEFORE)
    entries = db.session.scalars(select(ShareEntry).order_by(ShareEntry.charged_minutes)).all()
    assert [(one.kind, one.charged_minutes) for one in entries] == [
        (ShareKind.CREDITED, -60),
        (ShareKind.NO_SHOW, 120),
    ]
    assert {one.organisation_id for one in entries} == {anna.organisation.id}
    assert {one.day for one in entries} == {NINE.date()}


def test_what_is_no_organisations_is_not_charged(anna: Booker) -> None:
    made = a_booking(an_instrument(), person_id=anna.person.id).id
    with transaction() as tx:
        row = tx.one(select(Booking).where(Booking.id == made))
        assert ledger.charge(tx, row, ShareKind.USED, booked=120, used=120, charged=120, now=BEFORE) is None
    assert db.session.scalar(select(func.count(ShareEntry.id))) == 0
