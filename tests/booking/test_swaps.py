"""Two members swap their bookings: each with their own consent, neither learning more than free/busy before."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import Person
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, CalendarVersion, Measure, Period, Quota, QuotaOf, Swap, SwapState
from booking.queries import swaps as queries
from booking.queries.swaps import Slot
from booking.services import ledger
from core.audit import AuditEntry
from core.db import db, transaction
from core.errors import Conflict, Forbidden, NotFound, Refusal
from core.mail import render
from core.outbox import OutboxMessage
from facilities.models import Facility, Instrument, InstrumentQualification, Qualification, QualificationGrant
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, Booker, a_booker
from tests.factories import BEFORE, a_booking, a_facility, a_manager, a_member, actor, an_instrument, stored
from tests.support import on_both_databases

SOON = BEFORE + HOUR
TOMORROW = NINE + timedelta(days=1)


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna Alfa", language="en")


@pytest.fixture
def bruno(context: Flask) -> Booker:
    return a_booker(name="Bruno Beta", language="en")


@pytest.fixture
def scope(context: Flask) -> Instrument:
    return an_instrument(name="Microscope")


def row_of(booking_id: UUID) -> Booking:
    db.session.rollback()
    return db.session.get_one(Booking, booking_id)


def slot_of(booking_id: UUID) -> Slot:
    row = row_of(booking_id)
    return Slot(row.instrument_id, row.unit, row.starts_at)


def offers(booker: Booker, offered: UUID, wanted: UUID, now: datetime = SOON, **more: Any) -> UUID:
    slot = more.get("slot") or slot_of(wanted)
    return ledger.offer_swap(offered, slot, more.get("message", ""), actor(booker.person), now, more.get("key", ""))


def refused(act: Callable[[], Any]) -> Refusal:
    """The refusal of an act, which changed no booking."""
    before = {row.id: (row.person_id, row.sequence) for row in db.session.scalars(select(Booking))}
    with pytest.raises(Refusal) as caught:
        act()
    db.session.rollback()
    assert {row.id: (row.person_id, row.sequence) for row in db.session.scalars(select(Booking))} == before
    return caught.value


def accepts(booker: Booker, swap: UUID, now: datetime = SOON + HOUR) -> None:
    ledger.accept_swap(swap, actor(booker.person), now)


def mails(template: str) -> list[dict[str, Any]]:
    return [one.payload for one in db.session.scalars(select(OutboxMessage)) if one.payload["template"] == template]


# --- swapping ---------------------------------------------------------------------------------------------


@on_both_databases
def test_both_bookings_change_their_holders_and_nothing_else(anna: Booker, bruno: Booker, scope: Instrument) -> None:
    hers, his = anna.book(scope, title="Cells"), bruno.book(scope, TOMORROW, title="Steel")
    with transaction() as tx:
        tx.one(select(Booking).where(Booking.id == his)).is_confidential = True
    uids = [row_of(one).uid for one in (hers, his)]
    accepts(bruno, offers(anna, hers, his))
    first, second = row_of(hers), row_of(his)
    assert (first.person_id, first.organisation_id) == (bruno.person.id, bruno.organisation.id)
    assert (second.person_id, second.organisation_id) == (anna.person.id, anna.organisation.id)
    assert (first.title, first.is_confidential) == ("Steel", True)
    assert (second.title, second.is_confidential) == ("Cells", False)
    assert [first.starts_at, second.starts_at] == [NINE, TOMORROW]
    assert [first.uid, second.uid] == uids
    assert [first.sequence, second.sequence] == [1, 1]
    versions = {one.subject_id: one.version for one in db.session.scalars(select(CalendarVersion))}
    assert versions[anna.person.id] == versions[bruno.person.id] == 2


@on_both_databases
def test_accepting_twice_swaps_once(anna: Booker, bruno: Booker, scope: Instrument) -> None:
    swap = offers(anna, anna.book(scope), bruno.book(scope, TOMORROW))
    for _ in range(2):
        accepts(bruno, swap)
    assert db.session.get_one(Swap, swap).state is SwapState.ACCEPTED
    assert db.session.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.verb == "swap")) == 2


def test_each_consent_is_in_the_history_of_its_booking(anna: Booker, bruno: Booker, scope: Instrument) -> None:
    hers, his = anna.book(scope), bruno.book(scope, TOMORROW)
    accepts(bruno, offers(anna, hers, his))
    acts = db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "swap"))
    assert {act.subject_id: act.person_id for act in acts} == {hers: anna.person.id, his: bruno.person.id}


def test_instruments_of_one_facility_are_comparable(anna: Booker, bruno: Booker) -> None:
    facility = a_facility()
    hers, his = anna.book(an_instrument(facility)), bruno.book(an_instrument(facility))
    accepts(bruno, offers(anna, hers, his))
    assert row_of(hers).person_id == bruno.person.id


@on_both_databases
def test_the_same_key_offers_once_and_so_does_the_same_pair(anna: Booker, bruno: Booker, scope: Instrument) -> None:
    hers, his = anna.book(scope), bruno.book(scope, TOMORROW)
    made = {offers(anna, hers, his, key="a key"), offers(anna, hers, his, key="a key"), offers(anna, hers, his)}
    assert len(made) == 1
    assert len(mails("swap_offered")) == 1


def test_an_offer_ends_after_a_week_or_with_the_earlier_of_both(anna: Booker, bruno: Booker, scope: Instrument) -> None:
    early, late = anna.book(scope), bruno.book(scope, TOMORROW)
    week = db.session.get_one(Swap, offers(anna, early, late)).expires_at
    assert week == SOON + timedelta(days=7)
    other = a_booker().book(scope, TOMORROW + 3 * HOUR)
    near = db.session.get_one(Swap, offers(anna, early, other, now=NINE - HOUR)).expires_at
    assert near == NINE


# --- what is told -----------------------------------------------------------------------------------------


def test_the_holder_is_asked_without_names_or_titles_of_either(anna: Booker, bruno: Booker, scope: Instrument) -> None:
    hers, his = anna.book(scope, title="Cells"), bruno.book(scope, TOMORROW, title="Steel")
    offers(anna, hers, his, message="It would help me much.")
    payload = mails("swap_offered")[0]
    assert payload["to"] == bruno.person.email
    subject, body = render("swap_offered", "en", payload["values"])
    assert subject == "Would you swap? Microscope, Tue 5 Jan 2027, 10:00–12:00"
    assert "Mon 4 Jan 2027, 10:00–12:00" in body
    assert "It would help me much." in body
    for secret in ("Anna", "Cells", "Steel", anna.organisation.name, str(hers), str(his)):
        assert secret not in body
    assert anna.person.email not in str(payload)


def test_asking_the_holder_of_a_slot_tells_nothing_about_them(anna: Booker, bruno: Booker, scope: Instrument) -> None:
    hers, _his = anna.book(scope), bruno.book(scope, TOMORROW, title="Steel")
    rows = queries.slots_for(db.session(), row_of(hers), SOON)
    assert [(row.instrument_id, row.starts_at) for row in rows] == [(scope.id, TOMORROW)]
    nobody = refused(lambda: offers(anna, hers, hers, slot=Slot(scope.id, 0, TOMORROW + HOUR)))
    assert (nobody.code, list(nobody.fields)) == ("not_swappable", ["slot"])


def test_both_are_told_of_a_swap_and_the_offerer_of_a_refusal(anna: Booker, bruno: Booker, scope: Instrument) -> None:
    hers, his = anna.book(scope), bruno.book(scope, TOMORROW)
    swap = offers(anna, hers, his)
    ledger.decline_swap(swap, actor(bruno.person), SOON)
    declined = mails("swap_ended")[0]
    assert declined["to"] == anna.person.email
    assert "was declined" in render("swap_ended", "en", declined["values"])[1]
    other = bruno.book(scope, TOMORROW + 4 * HOUR, now=SOON)
    accepts(bruno, offers(anna, hers, other))
    assert {one["to"] for one in mails("swap_accepted")} == {anna.person.email, bruno.person.email}
    assert all(render("swap_accepted", "en", one["values"]) for one in mails("swap_accepted"))


# --- declining, withdrawing, lapsing ----------------------------------------------------------------------


@on_both_databases
def test_declined_withdrawn_and_lapsed_offers_cannot_be_accepted(
    anna: Booker, bruno: Booker, scope: Instrument
) -> None:
    hers = anna.book(scope)
    declined, withdrawn, lapsed = (offers(anna, hers, bruno.book(scope, TOMORROW + n * 3 * HOUR)) for n in range(3))
    for _ in range(2):
        ledger.decline_swap(declined, actor(bruno.person), SOON)
        ledger.withdraw_swap(withdrawn, actor(anna.person), SOON)
    late = SOON + timedelta(days=7)
    assert refused(lambda: accepts(bruno, declined)).code == "not_standing"
    assert refused(lambda: accepts(bruno, withdrawn)).code == "not_standing"
    assert refused(lambda: accepts(bruno, lapsed, now=late)).code == "not_standing"
    assert ledger.expire_swaps(late - timedelta(minutes=1)) == 0
    assert [ledger.expire_swaps(late), ledger.expire_swaps(late)] == [1, 0]
    assert db.session.get_one(Swap, lapsed).state is SwapState.EXPIRED
    assert {one["to"] for one in mails("swap_ended")} == {anna.person.email, bruno.person.email}


Change = Callable[[UUID, Booker], Any]
CHANGES: list[tuple[str, Change]] = [
    ("moved", lambda one, who: ledger.move(one, TOMORROW + 9 * HOUR, TOMORROW + 11 * HOUR, 0, actor(who.person), SOON)),
    ("cancelled", lambda one, who: ledger.cancel(one, actor(who.person), SOON)),
    ("handed over", lambda one, who: ledger.hand_over(one, a_member(who.organisation).email, actor(who.person), SOON)),
]


@pytest.mark.parametrize("whose", ["offered", "wanted"])
@pytest.mark.parametrize("change", [pytest.param(change, id=name) for name, change in CHANGES])
def test_a_change_to_either_booking_ends_the_offer(
    anna: Booker, bruno: Booker, scope: Instrument, change: Change, whose: str
) -> None:
    hers, his = anna.book(scope), bruno.book(scope, TOMORROW)
    swap = offers(anna, hers, his, now=BEFORE + timedelta(minutes=1))
    change(hers, anna) if whose == "offered" else change(his, bruno)
    assert isinstance(refused(lambda: accepts(bruno, swap)), Conflict | NotFound)
    for person in (anna.person, bruno.person):
        assert not db.session.scalars(queries.asked_of(person.id, SOON)).all()
        assert not db.session.scalars(queries.offered_by(person.id, SOON)).all()
    assert ledger.expire_swaps(SOON) == 1


def test_nobody_is_asked_again_who_has_declined(anna: Booker, bruno: Booker, scope: Instrument) -> None:
    hers, his = anna.book(scope), bruno.book(scope, TOMORROW)
    ledger.decline_swap(offers(anna, hers, his), actor(bruno.person), SOON)
    assert refused(lambda: offers(anna, hers, his)).code == "was_declined"


def test_one_booking_is_offered_to_five_at_most(anna: Booker, bruno: Booker, scope: Instrument) -> None:
    hers = anna.book(scope)
    his = [bruno.book(scope, TOMORROW + n * 2 * HOUR) for n in range(6)]
    made = [offers(anna, hers, one) for one in his[:5]]
    assert refused(lambda: offers(anna, hers, his[5])).code == "too_many_offers"
    ledger.withdraw_swap(made[0], actor(anna.person), SOON)
    again = offers(anna, hers, his[5])
    assert db.session.get_one(Swap, again).state is SwapState.OFFERED


# --- what cannot be swapped -------------------------------------------------------------------------------

Made = Callable[[Instrument, Booker], UUID]


def held(instrument: Instrument, booker: Booker, **values: Any) -> UUID:
    values = {"person_id": booker.person.id, "organisation_id": booker.organisation.id, "starts_at": TOMORROW, **values}
    return a_booking(instrument, **values).id


UNFIT: list[tuple[str, Made]] = [
    ("waits for approval", lambda one, who: held(one, who, state=BookingState.TENTATIVE)),
    ("cancelled", lambda one, who: held(one, who, state=BookingState.CANCELLED)),
    ("allocated in a round", lambda one, who: held(one, who, kind=BookingKind.ROUND)),
    ("a closure", lambda one, _: a_booking(one, kind=BookingKind.CLOSURE, starts_at=TOMORROW).id),
    ("one of several", lambda one, who: held(one, who, bundle_id=uuid4())),
    ("has begun", lambda one, who: held(one, who, starts_at=SOON)),
]


@pytest.mark.parametrize("made", [pytest.param(made, id=name) for name, made in UNFIT])
def test_what_cannot_be_swapped_is_neither_listed_nor_asked_for(
    anna: Booker, bruno: Booker, scope: Instrument, made: Made
) -> None:
    hers, his = anna.book(scope), made(scope, bruno)
    assert not queries.slots_for(db.session(), row_of(hers), SOON)
    assert refused(lambda: offers(anna, hers, his)).code == "not_swappable"
    if row_of(his).kind is not BookingKind.CLOSURE:
        assert refused(lambda: offers(bruno, his, hers)).code == "not_swappable"


def test_ones_own_bookings_are_not_swapped(anna: Booker, scope: Instrument) -> None:
    first, second = anna.book(scope), anna.book(scope, TOMORROW)
    assert refused(lambda: offers(anna, first, second)).code == "not_swappable"


def elsewhere(_facility: Facility) -> Instrument:
    return an_instrument()


def with_approval(facility: Facility) -> Instrument:
    return an_instrument(facility, booking_mode=BookingMode.APPROVAL)


@pytest.mark.parametrize("other", [elsewhere, with_approval])
def test_what_is_not_comparable_is_not_swapped(
    anna: Booker, bruno: Booker, other: Callable[[Facility], Instrument]
) -> None:
    """Swapping must not be a way round an approval."""
    facility = a_facility()
    hers, instrument = anna.book(an_instrument(facility)), other(facility)
    his = bruno.book(instrument)
    if instrument.booking_mode is BookingMode.APPROVAL:
        ledger.approve(his, actor(a_manager(facility)), BEFORE)
    assert refused(lambda: offers(anna, hers, his)).code == "not_comparable"
    assert not queries.slots_for(db.session(), row_of(hers), SOON)


def test_two_approved_bookings_of_one_instrument_are_swapped(anna: Booker, bruno: Booker) -> None:
    facility = a_facility()
    scope = with_approval(facility)
    hers, his = anna.book(scope), bruno.book(scope, TOMORROW)
    for one in (hers, his):
        ledger.approve(one, actor(a_manager(facility)), BEFORE)
    accepts(bruno, offers(anna, hers, his))
    assert (row_of(hers).person_id, row_of(hers).state) == (bruno.person.id, BookingState.CONFIRMED)


def qualified(instrument: Instrument, *people: Person) -> None:
    laser = stored(Qualification(facility_id=instrument.facility_id, slug="laser", name="Laser safety"))
    stored(InstrumentQualification(instrument_id=instrument.id, qualification_id=laser.id))
    for person in people:
        stored(QualificationGrant(person_id=person.id, qualification_id=laser.id, granted_at=BEFORE))


@pytest.mark.parametrize("is_offerer", [True, False])
def test_each_must_be_qualified_for_what_they_get(anna: Booker, bruno: Booker, is_offerer: bool) -> None:
    facility = a_facility()
    first, second = an_instrument(facility), an_instrument(facility)
    hers, his = anna.book(first), bruno.book(second)
    if is_offerer:
        qualified(second, bruno.person)
        answer = refused(lambda: offers(anna, hers, his))
        assert list(answer.fields) == ["slot"]
    else:
        swap = offers(anna, hers, his)
        qualified(first, anna.person)
        answer = refused(lambda: accepts(bruno, swap))
    assert answer.code == "not_qualified"


def test_whoever_offered_and_is_no_longer_qualified_does_not_get_it(anna: Booker, bruno: Booker) -> None:
    facility = a_facility()
    hers, second = anna.book(an_instrument(facility)), an_instrument(facility)
    swap = offers(anna, hers, bruno.book(second))
    qualified(second, bruno.person)
    answer = refused(lambda: accepts(bruno, swap))
    assert (answer.code, "Anna" in str(answer)) == ("not_qualified", False)


@on_both_databases
def test_a_quota_holds_for_what_one_gets_without_what_one_gives(anna: Booker, bruno: Booker, scope: Instrument) -> None:
    hers, his = anna.book(scope), bruno.book(scope, TOMORROW, TOMORROW + 4 * HOUR)
    quota = stored(
        Quota(
            facility_id=scope.facility_id,
            of=QuotaOf.PERSON,
            measure=Measure.MINUTES,
            period=Period.WEEK,
            most=240,
            created_at=BEFORE,
        )
    )
    swap = offers(anna, hers, his)
    with transaction() as tx:
        tx.session.merge(quota).most = 239
    assert refused(lambda: accepts(bruno, swap)).code == "quota"
    with transaction() as tx:
        tx.session.merge(quota).most = 240
    accepts(bruno, swap)
    assert row_of(his).person_id == anna.person.id


# --- who may ----------------------------------------------------------------------------------------------


def test_only_the_holder_offers_and_answers(anna: Booker, bruno: Booker, scope: Instrument) -> None:
    hers, his = anna.book(scope), bruno.book(scope, TOMORROW)
    swap, stranger = offers(anna, hers, his), a_booker()
    manager = Booker(a_manager(scope.facility), anna.organisation)
    for answer in (accepts, lambda who, one: ledger.decline_swap(one, actor(who.person), SOON)):
        assert isinstance(refused(lambda answer=answer: answer(stranger, swap)), NotFound)  # type: ignore[misc]
        assert isinstance(refused(lambda answer=answer: answer(anna, swap)), NotFound)  # type: ignore[misc]
        assert isinstance(refused(lambda answer=answer: answer(manager, swap)), Forbidden)  # type: ignore[misc]
    assert isinstance(refused(lambda: ledger.withdraw_swap(swap, actor(bruno.person), SOON)), NotFound)
    assert isinstance(refused(lambda: offers(bruno, hers, his)), NotFound)
    assert isinstance(refused(lambda: offers(manager, hers, his)), Forbidden)
