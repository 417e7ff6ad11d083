"""Closures over bookings: who is hit, told and offered other times; weekly maintenance; and who may reopen."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import Person
from booking.closing import weekly
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, ShareEntry
from booking.services import ledger
from core import clock
from core.audit import AuditEntry
from core.db import db
from core.errors import Conflict, Forbidden, Refusal
from core.intervals import Interval
from core.mail import render
from core.outbox import OutboxMessage
from facilities.models import Facility, Instrument
from tests.booking.approvers import a_request_for, state_of
from tests.booking.bookers import HOUR, NINE, ROME, Booker, a_booker, rome
from tests.factories import BEFORE, a_booking, a_facility, a_manager, a_person, actor, an_instrument
from tests.support import Browser, browser, on_both_databases


@pytest.fixture
def facility(context: Flask) -> Facility:
    return a_facility()


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


@pytest.fixture
def marco(facility: Facility) -> Person:
    return a_manager(facility, name="Marco")


def close_over(instrument: Instrument, who: Person, *cancels: UUID, key: str = "", **values: Any) -> UUID:
    """A closure of four hours from NINE."""
    times: dict[str, Any] = {"start": NINE, "end": NINE + 4 * HOUR, "kind": BookingKind.CLOSURE, **values}
    closing = ledger.Closing(**{"reason": "The laser broke.", "cancels": frozenset(cancels), **times})
    return ledger.close_over(instrument.id, closing, actor(who), BEFORE, key)


def closures() -> list[Booking]:
    db.session.rollback()
    closed = (BookingKind.CLOSURE, BookingKind.MAINTENANCE)
    return list(db.session.scalars(select(Booking).where(Booking.kind.in_(closed)).order_by(Booking.starts_at)))


def sent() -> list[dict[str, Any]]:
    rows = db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "mail"))
    return [row.payload for row in rows if row.payload["template"] == "booking_closed_out"]


# --- weeks, as a table ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "later"),
    [
        ((2027, 1, 4, 8, 0), (2027, 1, 4, 12, 0), [((2027, 1, 11, 8, 0), (2027, 1, 11, 12, 0))]),
        # the clocks go forward on 28 March: the wall times stay
        ((2027, 3, 22, 8, 0), (2027, 3, 22, 12, 0), [((2027, 3, 29, 8, 0), (2027, 3, 29, 12, 0))]),
        # 02:30 does not exist on that day: the instant after the gap
        ((2027, 3, 21, 2, 30), (2027, 3, 21, 6, 0), [((2027, 3, 28, 3, 30), (2027, 3, 28, 6, 0))]),
        # and back on 31 October: the first of the two
        ((2027, 10, 24, 2, 30), (2027, 10, 24, 6, 0), [((2027, 10, 31, 2, 30), (2027, 10, 31, 6, 0))]),
    ],
)
def test_maintenance_comes_every_week_at_the_same_wall_time(start: Any, end: Any, later: Any) -> None:
    first = Interval(rome(*start), rome(*end))
    assert weekly(first, 2, ROME) == [first, *(Interval(rome(*a), rome(*b)) for a, b in later)]


@pytest.mark.parametrize(
    ("weeks", "days", "code"),
    [(0, 1, "weeks"), (53, 1, "weeks"), (2, 8, "overlaps_itself"), (52, 7, ""), (1, 30, "")],
)
def test_a_closure_repeats_for_a_year_at_most_and_never_over_itself(weeks: int, days: int, code: str) -> None:
    first = Interval(NINE, NINE + timedelta(days=days))
    if not code:
        assert len(weekly(first, weeks, ROME)) == weeks
        return
    with pytest.raises(Refusal) as refused:
        weekly(first, weeks, ROME)
    assert refused.value.code == code


# --- closing over bookings ------------------------------------------------------------------------------------


@on_both_databases
def test_a_confirmed_closure_cancels_what_it_hits_and_tells_each_holder_once(
    anna: Booker, facility: Facility, marco: Person
) -> None:
    instrument = an_instrument(facility, capacity=2)
    bruno = a_booker(name="Bruno")
    hit = [anna.book(instrument), anna.book(instrument, NINE + 2 * HOUR), bruno.book(instrument)]
    safe = anna.book(instrument, NINE + 4 * HOUR)
    made = close_over(instrument, marco, *hit)
    assert {state_of(one) for one in hit} == {BookingState.CANCELLED}
    assert state_of(safe) is BookingState.CONFIRMED
    assert [(row.unit, row.state) for row in closures()] == [(0, BookingState.CONFIRMED), (1, BookingState.CONFIRMED)]
    assert sorted(mail["to"] for mail in sent()) == sorted([anna.person.email, bruno.person.email])
    acts = db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "close_out")).all()
    assert [(act.subject_id, act.person_id, act.reason) for act in acts] == [(made, marco.id, "The laser broke.")]
    assert set(acts[0].detail["bookings"]) == {str(one) for one in hit}
    assert db.session.scalar(select(func.count(ShareEntry.id))) == 0, "nothing is charged"


def test_the_mail_names_each_booking_the_reason_and_free_times_near_it(
    anna: Booker, facility: Facility, marco: Person
) -> None:
    instrument = an_instrument(facility, name="Scope", slug="scope")
    an_instrument(facility, name="Other")
    first, second = anna.book(instrument), anna.book(instrument, NINE + 2 * HOUR)
    close_over(instrument, marco, first, second)
    values = sent()[0]["values"]
    subject, body = render("booking_closed_out", "en", values)
    assert "Scope" in subject
    for words in ("Marco had to cancel", "Mon 4 Jan 2027, 10:00–12:00", "12:00–14:00", "The laser broke."):
        assert words in body
    offers = values["bookings"][0]["offers"]
    at = [datetime.fromisoformat(one["starts_at"]) for one in offers if one["instrument"] == "Scope"]
    assert at == [NINE - 2 * HOUR, NINE + 4 * HOUR], "nearest before and after, the closure itself not being free"
    assert [one["starts_at"] for one in offers if one["instrument"] == "Other"] == [NINE.isoformat()]
    assert "/scope?week=2027-01-04&start=2027-01-04T14:00&end=2027-01-04T16:00#book" in body


@on_both_databases
def test_what_was_not_shown_is_not_cancelled(anna: Booker, facility: Facility, marco: Person) -> None:
    instrument = an_instrument(facility)
    shown, booked_meanwhile = anna.book(instrument), anna.book(instrument, NINE + 2 * HOUR)
    with pytest.raises(Conflict) as refused:
        close_over(instrument, marco, shown)
    assert refused.value.code == "bookings_hit"
    assert {state_of(one) for one in (shown, booked_meanwhile)} == {BookingState.CONFIRMED}
    assert (closures(), sent()) == ([], [])


def test_bookings_that_left_meanwhile_do_no_harm(anna: Booker, facility: Facility, marco: Person) -> None:
    instrument = an_instrument(facility)
    gone = anna.book(instrument)
    ledger.cancel(gone, actor(anna.person), BEFORE)
    close_over(instrument, marco, gone)
    assert (len(closures()), sent()) == (1, [])


def test_a_reason_is_needed_where_bookings_are_hit(anna: Booker, facility: Facility, marco: Person) -> None:
    instrument = an_instrument(facility)
    with pytest.raises(Refusal) as refused:
        close_over(instrument, marco, anna.book(instrument), reason=" ")
    assert refused.value.code == "reason_missing"
    assert closures() == []


def test_tentative_and_allocated_time_is_hit_as_well(anna: Booker, facility: Facility, marco: Person) -> None:
    instrument = an_instrument(facility)
    waiting = a_request_for(instrument, anna)
    allocated = a_booking(
        instrument, kind=BookingKind.ROUND, starts_at=NINE + 2 * HOUR, person_id=anna.person.id, is_confidential=True
    )
    close_over(instrument, marco, waiting.id, allocated.id)
    assert {state_of(one.id) for one in (waiting, allocated)} == {BookingState.CANCELLED}


def test_a_bundle_falls_with_the_part_that_is_hit(anna: Booker, facility: Facility, marco: Person) -> None:
    bundle = uuid4()
    scope, bench = an_instrument(facility), an_instrument(facility)
    values = {"bundle_id": bundle, "person_id": anna.person.id, "starts_at": NINE}
    hit, other = a_booking(scope, **values), a_booking(bench, **values)
    close_over(scope, marco, hit.id)
    assert {state_of(one.id) for one in (hit, other)} == {BookingState.CANCELLED}
    assert len(sent()) == 1


def test_a_booking_that_has_begun_is_never_cancelled(anna: Booker, facility: Facility, marco: Person) -> None:
    instrument = an_instrument(facility)
    running = a_booking(instrument, starts_at=BEFORE - HOUR, person_id=anna.person.id)
    with pytest.raises(Conflict) as refused:
        close_over(instrument, marco, running.id, start=BEFORE, end=BEFORE + 3 * HOUR)
    assert refused.value.code == "running"
    assert state_of(running.id) is BookingState.CONFIRMED


def test_a_closure_does_not_lie_over_another(facility: Facility, marco: Person) -> None:
    instrument = an_instrument(facility)
    first = close_over(instrument, marco)
    with pytest.raises(Conflict) as refused:
        close_over(instrument, marco, first, start=NINE + HOUR, end=NINE + 8 * HOUR)
    assert refused.value.code == "closed_already"


def test_buffers_of_a_booking_are_in_the_way_too(anna: Booker, facility: Facility, marco: Person) -> None:
    instrument = an_instrument(facility)
    row = a_booking(instrument, starts_at=NINE - 2 * HOUR, person_id=anna.person.id, held_until=NINE + HOUR)
    with pytest.raises(Conflict, match="2027-01-04 08:00"):
        close_over(instrument, marco)
    close_over(instrument, marco, row.id)
    assert state_of(row.id) is BookingState.CANCELLED


@on_both_databases
def test_weekly_maintenance_is_one_act_all_or_none(anna: Booker, facility: Facility, marco: Person) -> None:
    instrument = an_instrument(facility)
    hit = anna.book(instrument, NINE + timedelta(weeks=2))
    with pytest.raises(Conflict):
        close_over(instrument, marco, weeks=4)
    assert closures() == []
    assert close_over(instrument, marco, hit, weeks=4, key="k") == close_over(instrument, marco, hit, weeks=4, key="k")
    assert [row.starts_at for row in closures()] == [NINE + timedelta(weeks=n) for n in range(4)]


def test_only_managers_close_over_bookings(anna: Booker, facility: Facility) -> None:
    instrument = an_instrument(facility)
    for who in (anna.person, a_manager(a_facility())):
        with pytest.raises(Forbidden):
            close_over(instrument, who, anna.book(instrument, NINE + timedelta(days=who.name != "Anna")))


# --- reopening ------------------------------------------------------------------------------------------------


def test_whoever_closed_over_others_does_not_reopen_alone(anna: Booker, facility: Facility, marco: Person) -> None:
    instrument = an_instrument(facility)
    made = close_over(instrument, marco, anna.book(instrument))
    with pytest.raises(Forbidden) as refused:
        ledger.cancel(made, actor(marco), BEFORE)
    assert refused.value.code == "own_closure"
    for second in (a_manager(facility), a_person(is_office=True)):
        ledger.cancel(made, actor(second), BEFORE)
    assert state_of(made) is BookingState.CANCELLED
    anna.book(instrument)


def test_each_week_that_hit_somebody_takes_a_second_person(anna: Booker, facility: Facility, marco: Person) -> None:
    instrument = an_instrument(facility)
    close_over(instrument, marco, anna.book(instrument, NINE + timedelta(weeks=1)), weeks=3)
    first, second, third = closures()
    for harmless in (first, third):
        ledger.cancel(harmless.id, actor(marco), BEFORE)
    with pytest.raises(Forbidden):
        ledger.cancel(second.id, actor(marco), BEFORE)
    assert [row.state for row in closures()] == [
        BookingState.CANCELLED,
        BookingState.CONFIRMED,
        BookingState.CANCELLED,
    ]


def test_closing_over_ones_own_booking_needs_nobody_else(facility: Facility, marco: Person) -> None:
    instrument = an_instrument(facility)
    own = a_booking(instrument, starts_at=NINE, person_id=marco.id)
    made = close_over(instrument, marco, own.id)
    ledger.cancel(made, actor(marco), BEFORE)
    assert state_of(made) is BookingState.CANCELLED


# --- the page -------------------------------------------------------------------------------------------------

FORM = {"kind": "closure", "day": "2027-01-04", "start": "08:00", "end_day": "", "end": "18:00", "weeks": "1"}


@pytest.fixture
def desk(app: Flask, marco: Person) -> Browser:
    return browser(app, marco.id)


def send(client: Browser, instrument: Instrument, **more: Any) -> Any:
    path = f"/facilities/{instrument.facility.slug}/{instrument.slug}/close?lang=en"
    with clock.frozen_at(BEFORE):
        return client.post_form(path, {**FORM, "key": "k", **more})


def test_the_page_shows_who_is_hit_and_cancels_them_only_when_confirmed(
    desk: Browser, anna: Booker, facility: Facility
) -> None:
    instrument = an_instrument(facility, name="Scope")
    hit = anna.book(instrument, title="Cells")
    secret = a_booking(
        instrument, starts_at=NINE + 3 * HOUR, title="Secret", is_confidential=True, person_id=a_person(name="Zoe").id
    )
    shown = send(desk, instrument)
    assert shown.status_code == 409
    for words in ("2 bookings are in the way.", "Anna", anna.organisation.name, "10:00–12:00", "Cells", "Zoe"):
        assert words in shown.text
    assert state_of(hit) is BookingState.CONFIRMED
    ids = [str(hit), str(secret.id)]
    assert all(f'name="hit" value="{one}"' in shown.text for one in ids)
    missing = send(desk, instrument, hit=ids, reason=" ")
    assert missing.status_code == 422
    assert "Please say why" in missing.text
    assert 'name="hit"' in missing.text, "the list stays until it is confirmed"
    assert send(desk, instrument, hit=ids, reason="The laser broke.").status_code == 303
    assert {state_of(hit), state_of(secret.id)} == {BookingState.CANCELLED}
    assert len(closures()) == 1


def test_the_office_does_not_read_a_confidential_title_in_the_list(
    app: Flask, anna: Booker, facility: Facility
) -> None:
    instrument = an_instrument(facility)
    a_booking(instrument, starts_at=NINE, title="Secret", is_confidential=True, person_id=anna.person.id)
    text = send(browser(app, a_person(is_office=True).id), instrument).text
    assert ("Confidential booking" in text, "Secret" in text) == (True, False)


def test_somebody_who_books_between_the_two_pages_is_shown_before_being_cancelled(
    desk: Browser, anna: Booker, facility: Facility
) -> None:
    instrument = an_instrument(facility)
    first = anna.book(instrument)
    send(desk, instrument)
    late = a_booker(name="Bruno").book(instrument, NINE + 4 * HOUR)
    again = send(desk, instrument, hit=[str(first)], reason="The laser broke.")
    assert (again.status_code, "Bruno" in again.text) == (409, True)
    assert {state_of(first), state_of(late)} == {BookingState.CONFIRMED}


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"weeks": "3"}, 303, ""),
        ({"weeks": ""}, 303, ""),
        ({"weeks": "0"}, 422, "For 1 to 52 weeks, please."),
        ({"weeks": "53"}, 422, "For 1 to 52 weeks, please."),
        ({"weeks": "x"}, 422, "Give a whole number."),
        ({"weeks": "2", "end_day": "2027-01-20"}, 422, "cannot come every week"),
        ({"hit": "nonsense"}, 303, ""),
    ],
)
def test_what_the_form_takes(desk: Browser, facility: Facility, sent: dict[str, str], status: int, words: str) -> None:
    answer = send(desk, an_instrument(facility), **sent)
    assert answer.status_code == status
    assert words in answer.text
    assert len(closures()) == (int(sent.get("weeks") or 1) if status == 303 else 0)


def test_a_closure_is_reopened_on_its_page_by_somebody_else(
    app: Flask, desk: Browser, anna: Booker, facility: Facility, marco: Person
) -> None:
    instrument = an_instrument(facility)
    made = close_over(instrument, marco, anna.book(instrument))
    with clock.frozen_at(BEFORE):
        answer = desk.post_form(f"/bookings/{made}/cancel?lang=en", {"reason": ""})
        assert answer.status_code == 403
        assert "a second person reopens it" in answer.text
        second = browser(app, a_manager(facility).id)
        assert second.post_form(f"/bookings/{made}/cancel", {"reason": ""}).status_code == 303
    assert state_of(made) is BookingState.CANCELLED
