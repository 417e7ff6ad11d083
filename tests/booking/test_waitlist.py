"""The waitlist at work: offers of what has become free, answers to them, and what runs out."""

from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.models import Membership
from accounts.policy import SYSTEM, VISITOR
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, ShareEntry, ShareKind, WaitState
from booking.queries import approvals as approval_queries
from booking.queries import ledger as ledger_queries
from booking.services import ledger, waitlist
from booking.services.ledger import freed
from core import clock, outbox
from core.audit import AuditEntry
from core.db import db, transaction
from core.errors import Conflict, Forbidden, NotFound
from core.mail import Mail, render
from core.outbox import OutboxMessage
from facilities.models import Instrument, InstrumentRules
from facilities.policy import BookingMode
from jobs.tasks import look_after_the_waitlist, perform_all_due
from tests.booking.bookers import HOUR, NINE, Booker, a_booker
from tests.booking.waiters import holds, mails, offer_to, states, the_place, waits
from tests.factories import (
    BEFORE,
    a_booking,
    a_facility,
    a_manager,
    a_member,
    a_round,
    actor,
    an_exclusion_group,
    an_instrument,
    stored,
)
from tests.support import on_both_databases

DAY = timedelta(days=1)
LATER = BEFORE + HOUR


@pytest.fixture
def scope(context: Flask) -> Instrument:
    """An instrument whose two hours from NINE on are taken."""
    return an_instrument(name="Scope")


@pytest.fixture
def holder(scope: Instrument) -> Booker:
    return a_booker(name="Hanna")


@pytest.fixture
def taken(scope: Instrument, holder: Booker) -> UUID:
    return holder.book(scope)


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


@pytest.fixture
def bruno(context: Flask) -> Booker:
    return a_booker(name="Bruno")


def cancelled(booking_id: UUID, holder: Booker) -> None:
    ledger.cancel(booking_id, actor(holder.person), BEFORE)


def rules(instrument: Instrument, **values: object) -> None:
    stored(InstrumentRules(**{"instrument_id": instrument.id, "changed_at": BEFORE, **values}))
    db.session.rollback()


# --- offering ---------------------------------------------------------------------------------------------


@on_both_databases
def test_freed_time_is_offered_by_a_row_that_holds_it_and_a_mail(
    taken: UUID, scope: Instrument, holder: Booker, anna: Booker, bruno: Booker
) -> None:
    made = waits(anna, scope)
    cancelled(taken, holder)
    assert waitlist.offer_freed(scope.id, BEFORE) == 1
    row, booking = the_place(made), offer_to(made)
    assert (row.state, row.offered_until) == (WaitState.OFFERED, BEFORE + DAY)
    assert (booking.kind, booking.state, booking.is_offer) == (BookingKind.INSTANT, BookingState.TENTATIVE, True)
    assert (booking.interval.start, booking.interval.end) == (NINE, NINE + 2 * HOUR)
    assert (booking.person_id, booking.organisation_id, booking.title) == (
        anna.person.id,
        anna.organisation.id,
        "Cells",
    )
    assert mails("waitlist_offer") == [anna.person.email]
    with pytest.raises(Conflict, match="taken"):
        bruno.book(scope)


def test_cancelling_leaves_one_message_and_the_worker_offers(
    taken: UUID, scope: Instrument, holder: Booker, anna: Booker
) -> None:
    made = waits(anna, scope)
    with clock.frozen_at(BEFORE):
        perform_all_due()
        cancelled(taken, holder)
        asked = db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == freed.KIND)).all()
        assert [row.payload for row in asked] == [{"instrument_id": str(scope.id)}]
        perform_all_due()
    assert states(made) == [WaitState.OFFERED]


def test_where_nobody_waits_no_message_is_left(taken: UUID, holder: Booker) -> None:
    cancelled(taken, holder)
    assert [row for row in db.session.scalars(select(OutboxMessage)) if row.kind == freed.KIND] == []


def test_every_way_of_ending_a_hold_asks_for_a_look(scope: Instrument, holder: Booker, anna: Booker) -> None:
    verbs = [
        ("cancel", BookingState.CONFIRMED, BookingKind.INSTANT),
        ("refuse", BookingState.TENTATIVE, BookingKind.APPROVAL),
        ("lapse", BookingState.TENTATIVE, BookingKind.INSTANT),
        ("release", BookingState.CONFIRMED, BookingKind.INSTANT),
        ("check_out", BookingState.CONFIRMED, BookingKind.INSTANT),
        ("move", BookingState.CONFIRMED, BookingKind.INSTANT),
    ]
    manager = actor(a_manager(scope.facility))
    for n, (verb, state, kind) in enumerate(verbs):
        start = NINE + n * DAY
        row = a_booking(scope, starts_at=start, state=state, kind=kind, person_id=holder.person.id)
        waits(anna, scope, start=start)
        with transaction() as tx:
            ledger.lock_instruments(tx, [scope.id])
            locked = tx.lock(ledger_queries.booking(row.id))
            who = {"refuse": manager, "move": manager, "cancel": actor(holder.person)}.get(verb, SYSTEM)
            ledger.change_state(tx, locked, verb, who, BEFORE)
        asked = db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == freed.KIND)).all()
        assert len(asked) == n + 1, verb


@on_both_databases
def test_looking_twice_offers_once(taken: UUID, scope: Instrument, holder: Booker, anna: Booker, bruno: Booker) -> None:
    first, second = waits(anna, scope), waits(bruno, scope)
    cancelled(taken, holder)
    assert [waitlist.offer_freed(scope.id, BEFORE) for _ in range(3)] == [1, 0, 0]
    assert len(holds()) == 1
    assert sorted(states(first, second)) == [WaitState.OFFERED, WaitState.WAITING]
    assert len(mails("waitlist_offer")) == 1


def test_the_sweep_finds_what_a_lost_message_has_missed(
    taken: UUID, scope: Instrument, holder: Booker, anna: Booker
) -> None:
    made = waits(anna, scope)
    cancelled(taken, holder)
    with transaction() as tx:
        tx.session.query(OutboxMessage).delete()
    with clock.frozen_at(BEFORE):
        look_after_the_waitlist()
    assert states(made) == [WaitState.OFFERED]


def test_a_worker_killed_before_or_after_the_look_loses_nothing_and_doubles_nothing(
    taken: UUID, scope: Instrument, holder: Booker, anna: Booker
) -> None:
    made = waits(anna, scope)
    cancelled(taken, holder)
    message = db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == freed.KIND)).one()
    for n in range(2):  # the first is killed before it looked, the second before it said so
        with transaction() as tx:
            assert outbox.claim(tx, message.id, BEFORE + n * timedelta(minutes=1)) is not None
        if n:
            waitlist.offer_freed(scope.id, BEFORE)
    with clock.frozen_at(BEFORE + timedelta(minutes=2)):
        perform_all_due()
    assert (states(made), len(holds())) == ([WaitState.OFFERED], 1)
    sent = db.session.scalars(select(Mail).where(Mail.to == anna.person.email, Mail.key.startswith("waitlist_offer")))
    assert len(sent.all()) == 1


def test_the_organisation_that_has_used_least_is_asked_first_not_who_clicked_first(
    taken: UUID, scope: Instrument, holder: Booker, anna: Booker, bruno: Booker
) -> None:
    other = an_instrument(scope.facility)
    anna.book(other)
    quick, late = waits(anna, scope), waits(bruno, scope, now=LATER)
    cancelled(taken, holder)
    waitlist.offer_freed(scope.id, LATER)
    assert states(quick, late) == [WaitState.WAITING, WaitState.OFFERED]


def test_an_entitlement_weighs_in(taken: UUID, scope: Instrument, holder: Booker, anna: Booker, bruno: Booker) -> None:
    round_ = a_round(scope, organisations=(anna.organisation, bruno.organisation))
    with transaction() as tx:
        row = tx.session.merge(round_)
        next(one for one in row.entitlements if one.organisation_id == anna.organisation.id).weight = 10.0
    other = an_instrument(scope.facility)
    anna.book(other, end=NINE + 4 * HOUR)
    bruno.book(other, NINE + DAY)
    late, quick = waits(anna, scope, now=LATER), waits(bruno, scope)
    cancelled(taken, holder)
    waitlist.offer_freed(scope.id, LATER)
    assert states(late, quick) == [WaitState.OFFERED, WaitState.WAITING]


def test_what_the_share_ledger_charges_stands_instead_of_the_booked_length(
    taken: UUID, scope: Instrument, holder: Booker, anna: Booker, bruno: Booker
) -> None:
    """Anna booked more than Bruno; she checked out early and was charged less."""
    other, ago = an_instrument(scope.facility), BEFORE - 10 * DAY
    for who, start, minutes, charged in ((anna, ago, 480, 60), (bruno, ago + DAY, 120, 120)):
        row = a_booking(
            other,
            starts_at=start,
            ends_at=start + timedelta(minutes=minutes),
            person_id=who.person.id,
            organisation_id=who.organisation.id,
        )
        stored(
            ShareEntry(
                booking_id=row.id,
                facility_id=scope.facility_id,
                instrument_id=other.id,
                organisation_id=who.organisation.id,
                person_id=who.person.id,
                kind=ShareKind.USED,
                day=start.date(),
                booked_minutes=minutes,
                used_minutes=charged,
                charged_minutes=charged,
                at=start + DAY,
            )
        )
    quick, late = waits(bruno, scope), waits(anna, scope, now=LATER)
    cancelled(taken, holder)
    waitlist.offer_freed(scope.id, LATER)
    assert states(quick, late) == [WaitState.WAITING, WaitState.OFFERED]


@on_both_databases
def test_two_freed_stretches_go_to_two_people(
    taken: UUID, scope: Instrument, holder: Booker, anna: Booker, bruno: Booker
) -> None:
    second = holder.book(scope, NINE + 2 * HOUR)
    places = [waits(who, scope, end=NINE + 4 * HOUR) for who in (anna, bruno)]
    cancelled(taken, holder)
    cancelled(second, holder)
    assert waitlist.offer_freed(scope.id, BEFORE) == 2
    assert [(who, at) for who, at in holds()] == [
        (the_place(place).person_id, NINE + 2 * n * HOUR)
        for n, place in enumerate(sorted(places, key=lambda one: offer_to(one).starts_at))
    ]


def test_time_freed_on_one_beam_is_offered_on_the_other(anna: Booker, holder: Booker) -> None:
    facility = a_facility()
    group = an_exclusion_group(facility)
    protons, carbon = (an_instrument(facility, exclusion_group_id=group.id) for _ in range(2))
    held = holder.book(protons)
    made = waits(anna, carbon)
    cancelled(held, holder)
    with clock.frozen_at(BEFORE):
        perform_all_due()
    assert states(made) == [WaitState.OFFERED]


def test_who_may_not_have_the_time_is_passed_over(
    taken: UUID, scope: Instrument, holder: Booker, anna: Booker, bruno: Booker
) -> None:
    gone, next_one = waits(anna, scope), waits(bruno, scope, now=LATER)
    cancelled(taken, holder)
    _leaves_the_organisation(anna)
    waitlist.offer_freed(scope.id, LATER)
    assert states(gone, next_one) == [WaitState.LAPSED, WaitState.OFFERED]


def _leaves_the_organisation(who: Booker) -> None:
    with transaction() as tx:
        tx.session.query(Membership).filter_by(person_id=who.person.id).delete()


def test_a_last_minute_offer_stands_for_half_an_hour(
    taken: UUID, scope: Instrument, holder: Booker, anna: Booker
) -> None:
    made = waits(anna, scope)
    now = NINE - 90 * timedelta(minutes=1)
    ledger.cancel(taken, actor(holder.person), now)
    waitlist.offer_freed(scope.id, now)
    assert the_place(made).offered_until == now + timedelta(minutes=30)


def test_what_could_not_be_booked_in_time_is_not_offered(scope: Instrument, holder: Booker, anna: Booker) -> None:
    rules(scope, lead_minutes=120)
    taken = holder.book(scope)
    made = waits(anna, scope)
    now = NINE - 2 * HOUR
    ledger.cancel(taken, actor(holder.person), now)
    assert waitlist.offer_freed(scope.id, now) == 0
    assert states(made) == [WaitState.LAPSED]


# --- answers ----------------------------------------------------------------------------------------------


@pytest.fixture
def offered(taken: UUID, scope: Instrument, holder: Booker, anna: Booker) -> UUID:
    """Anna's place, with an offer."""
    made = waits(anna, scope)
    cancelled(taken, holder)
    waitlist.offer_freed(scope.id, BEFORE)
    return made


@on_both_databases
def test_accepting_books_and_twice_changes_nothing(offered: UUID, anna: Booker) -> None:
    held = offer_to(offered).id
    for _ in range(2):
        assert waitlist.accept(offered, held, actor(anna.person), LATER) == held
    row = db.session.get_one(Booking, held, populate_existing=True)
    assert (row.state, row.kind, row.sequence) == (BookingState.CONFIRMED, BookingKind.INSTANT, 1)
    assert (states(offered), the_place(offered).offered_until) == ([WaitState.BOOKED], None)
    assert mails("booking_confirmed").count(anna.person.email) == 1
    verbs = db.session.scalars(select(AuditEntry.verb).where(AuditEntry.subject_id == held).order_by(AuditEntry.id))
    assert list(verbs) == ["offer", "accept"]


@on_both_databases
def test_on_an_instrument_with_approval_accepting_asks_the_manager(anna: Booker, holder: Booker) -> None:
    scope = an_instrument(booking_mode=BookingMode.APPROVAL)
    held = holder.book(scope)
    made = waits(anna, scope)
    cancelled(held, holder)
    waitlist.offer_freed(scope.id, BEFORE)
    waiting = approval_queries.how_many_wait_for(SYSTEM, BEFORE)
    assert db.session.scalar(waiting) == 0, "an offer waits for no manager"
    booking_id = offer_to(made).id
    waitlist.accept(made, booking_id, actor(anna.person), LATER)
    db.session.rollback()
    row = db.session.get_one(Booking, booking_id)
    assert (row.state, row.kind) == (BookingState.TENTATIVE, BookingKind.APPROVAL)
    assert db.session.scalar(waiting) == 1
    assert anna.person.email in mails("booking_asked")
    ledger.approve(booking_id, actor(a_manager(scope.facility)), LATER)
    db.session.rollback()
    assert db.session.get_one(Booking, booking_id).state is BookingState.CONFIRMED
    assert waitlist.lapse(NINE - DAY) == 0
    assert states(made) == [WaitState.BOOKED]


@on_both_databases
def test_declining_gives_it_to_the_next_and_nobody_is_asked_twice(
    offered: UUID, scope: Instrument, anna: Booker, bruno: Booker
) -> None:
    held = offer_to(offered).id
    next_one = waits(bruno, scope, now=LATER)
    for _ in range(2):
        waitlist.decline(offered, held, actor(anna.person), LATER)
    assert (states(offered), the_place(offered).declined) == ([WaitState.WAITING], [NINE.isoformat()])
    waitlist.offer_freed(scope.id, LATER)
    assert states(offered, next_one) == [WaitState.WAITING, WaitState.OFFERED]
    waitlist.decline(next_one, offer_to(next_one).id, actor(bruno.person), LATER)
    assert waitlist.offer_freed(scope.id, LATER) == 0
    assert holds() == []


@on_both_databases
def test_an_offer_that_nobody_answers_goes_on_when_its_time_is_over(
    offered: UUID, scope: Instrument, anna: Booker, bruno: Booker
) -> None:
    next_one = waits(bruno, scope, now=LATER)
    assert waitlist.lapse(BEFORE + DAY - timedelta(minutes=1)) == 0
    assert waitlist.lapse(BEFORE + DAY) == 1
    assert states(offered, next_one) == [WaitState.WAITING, WaitState.OFFERED]
    assert mails("waitlist_lapsed") == [anna.person.email]
    assert waitlist.lapse(BEFORE + DAY) == 0
    assert len(holds()) == 1


def test_an_offer_that_is_over_is_not_accepted_even_before_the_sweep(offered: UUID, anna: Booker) -> None:
    with pytest.raises(Conflict) as refused:
        waitlist.accept(offered, offer_to(offered).id, actor(anna.person), BEFORE + DAY)
    assert refused.value.code == "offer_over"
    assert (states(offered), holds()) == ([WaitState.WAITING], [])


def test_who_has_left_the_organisation_loses_the_offer_with_a_clear_refusal(
    offered: UUID, scope: Instrument, anna: Booker
) -> None:
    held = offer_to(offered).id
    _leaves_the_organisation(anna)
    with pytest.raises(Forbidden) as refused:
        waitlist.accept(offered, held, actor(anna.person), LATER)
    assert refused.value.code == "no_organisation"
    db.session.rollback()
    assert db.session.get_one(Booking, held).state is BookingState.CANCELLED
    assert states(offered) == [WaitState.LAPSED]


def test_the_sweep_too_ends_the_offer_of_who_has_lost_the_right(offered: UUID, anna: Booker) -> None:
    _leaves_the_organisation(anna)
    waitlist.lapse(LATER)
    assert (states(offered), holds()) == ([WaitState.LAPSED], [])


def test_rules_that_forbid_it_meanwhile_refuse_and_leave_the_offer(
    offered: UUID, scope: Instrument, anna: Booker
) -> None:
    with transaction() as tx:
        tx.session.get_one(Instrument, scope.id).booking_mode = BookingMode.CLOSED
    with pytest.raises(Conflict) as refused:
        waitlist.accept(offered, offer_to(offered).id, actor(anna.person), LATER)
    assert refused.value.code == "not_bookable"
    assert states(offered) == [WaitState.OFFERED]


def test_nobody_answers_for_another_and_strangers_do_not_know_of_it(
    offered: UUID, scope: Instrument, anna: Booker, bruno: Booker
) -> None:
    held = offer_to(offered).id
    known = [
        (actor(a_manager(scope.facility)), Forbidden),
        (actor(bruno.person), NotFound),
        (actor(a_member(anna.organisation)), NotFound),
        (VISITOR, Forbidden),
    ]
    for who, refusal in known:
        with pytest.raises(refusal):
            waitlist.accept(offered, held, who, LATER)
        with pytest.raises(refusal):
            waitlist.decline(offered, held, who, LATER)
        with pytest.raises(refusal):
            waitlist.leave(offered, who, LATER)
    assert states(offered) == [WaitState.OFFERED]


def test_an_answer_to_an_offer_that_was_another_one_changes_nothing(offered: UUID, taken: UUID, anna: Booker) -> None:
    waitlist.decline(offered, taken, actor(anna.person), LATER)
    with pytest.raises(Conflict):
        waitlist.accept(offered, taken, actor(anna.person), LATER)
    assert states(offered) == [WaitState.OFFERED]


def test_leaving_ends_place_and_offer(offered: UUID, scope: Instrument, anna: Booker, bruno: Booker) -> None:
    next_one = waits(bruno, scope, now=LATER)
    for _ in range(2):
        waitlist.leave(offered, actor(anna.person), LATER)
    waitlist.offer_freed(scope.id, LATER)
    assert states(offered, next_one) == [WaitState.LEFT, WaitState.OFFERED]


def test_a_hold_that_somebody_cancels_as_a_booking_is_a_declined_offer(
    offered: UUID, scope: Instrument, anna: Booker
) -> None:
    ledger.cancel(offer_to(offered).id, actor(anna.person), LATER)
    waitlist.offer_freed(scope.id, LATER)
    assert (states(offered), the_place(offered).declined, holds()) == ([WaitState.WAITING], [NINE.isoformat()], [])


def test_a_place_ends_with_its_window(taken: UUID, scope: Instrument, anna: Booker) -> None:
    made = waits(anna, scope)
    waitlist.lapse(NINE - HOUR)
    assert states(made) == [WaitState.WAITING]
    waitlist.lapse(NINE)
    assert states(made) == [WaitState.LAPSED]


def test_the_mails_say_what_where_when_and_until_when(offered: UUID, scope: Instrument) -> None:
    waitlist.lapse(BEFORE + DAY)
    payloads = {
        row.payload["template"]: row.payload["values"]
        for row in db.session.scalars(select(OutboxMessage))
        if row.kind == "mail" and row.payload["template"].startswith("waitlist")
    }
    subject, body = render("waitlist_offer", "en", payloads["waitlist_offer"])
    assert subject == "A place for you: Scope, Mon 4 Jan 2027, 10:00–12:00"
    assert "until Fri 6 Nov 2026, 01:00" in body
    assert "http://localhost/waitlist" in body
    subject, body = render("waitlist_lapsed", "en", payloads["waitlist_lapsed"])
    assert subject == "Offer over: Scope, Mon 4 Jan 2027, 10:00–12:00"
    assert "http://localhost/waitlist" in body
