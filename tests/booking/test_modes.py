"""How an instrument's time is given: with its parent, and what a published round has left."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from booking.lifecycle import BookingState, RequestState, RoundState
from booking.models import Booking, BookingKind, Round, RoundHold
from booking.services import ledger
from booking.services.ledger import Order
from core import clock
from core.db import db
from core.errors import Conflict
from facilities.models import Facility, Instrument, InstrumentRules
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, Booker, a_booker, rome
from tests.factories import (
    BEFORE,
    MONDAY,
    a_booking,
    a_facility,
    a_manager,
    a_request,
    a_round,
    actor,
    an_instrument,
    stored,
)
from tests.support import Browser, browser, on_both_databases


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


@pytest.fixture
def lab(context: Flask) -> Facility:
    return a_facility(slug="lab")


def ruled(instrument: Instrument, **values: Any) -> Instrument:
    stored(InstrumentRules(instrument_id=instrument.id, changed_at=BEFORE, **values))
    return instrument


def refusal_of(anna: Booker, *instruments: Instrument, **more: Any) -> str:
    start: datetime = more.get("start", NINE)
    wanted = Order(tuple(one.id for one in instruments), anna.organisation.id, start, start + 2 * HOUR)
    try:
        ledger.book_together(wanted, actor(anna.person), more.get("now", BEFORE), "")
    except Conflict as refusal:
        return refusal.code
    return ""


# --- together with its parent -----------------------------------------------------------------------------------


@on_both_databases
def test_what_belongs_to_another_instrument_is_booked_together_with_it_only(anna: Booker, lab: Facility) -> None:
    scope, other = an_instrument(lab, name="Scope"), an_instrument(lab)
    camera = ruled(an_instrument(lab, booking_mode=BookingMode.WITH_PARENT), parent_id=scope.id)
    for alone in ((camera,), (other, camera), (camera, other)):
        assert refusal_of(anna, *alone) == "given_with_another"
    with pytest.raises(Conflict, match="booked only together with Scope"):
        anna.book(camera)
    assert refusal_of(anna, scope, camera) == ""
    assert refusal_of(anna, camera, scope, start=NINE + 5 * HOUR) == ""
    assert {row.state for row in db.session.scalars(select(Booking))} == {BookingState.CONFIRMED}


def test_what_belongs_to_nothing_yet_cannot_be_booked(anna: Booker, lab: Facility) -> None:
    camera = an_instrument(lab, booking_mode=BookingMode.WITH_PARENT)
    assert refusal_of(anna, camera) == refusal_of(anna, an_instrument(lab), camera) == "given_with_another"


def test_the_parent_alone_is_booked_as_ever(anna: Booker, lab: Facility) -> None:
    scope = an_instrument(lab)
    ruled(an_instrument(lab, booking_mode=BookingMode.WITH_PARENT), parent_id=scope.id)
    assert refusal_of(anna, scope) == ""


# --- what a round has left ----------------------------------------------------------------------------------------


def published(beam: Instrument, **values: Any) -> Round:
    """A round of four weeks from MONDAY whose result is out since BEFORE."""
    return a_round(beam, **{"state": RoundState.PUBLISHED, "published_at": BEFORE, **values})


def a_beam(facility: Facility, **rules: Any) -> Instrument:
    beam = an_instrument(facility, booking_mode=BookingMode.ROUND)
    return ruled(beam, **rules) if rules else beam


@on_both_databases
def test_what_a_published_round_has_left_is_booked_at_once(anna: Booker, lab: Facility) -> None:
    beam = a_beam(lab)
    round_ = published(beam)
    a_booking(beam, kind=BookingKind.ROUND, starts_at=NINE + 5 * HOUR)
    a_request(round_, anna.person, anna.organisation.id, beam, state=RequestState.RESERVE)
    row = db.session.get_one(Booking, anna.book(beam))
    assert (row.state, row.kind, row.request_id) == (BookingState.CONFIRMED, BookingKind.INSTANT, None)
    assert refusal_of(anna, beam, start=NINE + 5 * HOUR) == "taken"


@pytest.mark.parametrize("state", [state for state in RoundState if state is not RoundState.PUBLISHED])
def test_before_and_after_publication_the_time_is_the_rounds(anna: Booker, lab: Facility, state: RoundState) -> None:
    beam = a_beam(lab)
    a_round(beam, state=state, published_at=BEFORE if state is RoundState.CLOSED else None)
    assert refusal_of(anna, beam) == "given_in_rounds"


def test_leftover_time_begins_with_the_publication(anna: Booker, lab: Facility) -> None:
    beam = a_beam(lab)
    published(beam, published_at=BEFORE + HOUR)
    assert refusal_of(anna, beam, now=BEFORE + HOUR - timedelta(seconds=1)) == "given_in_rounds"
    assert refusal_of(anna, beam, now=BEFORE + HOUR) == ""


def test_leftover_time_lies_wholly_inside_the_horizon(anna: Booker, lab: Facility) -> None:
    beam = a_beam(lab)
    published(beam, horizon_end=MONDAY + timedelta(days=7))
    for start, code in (
        (MONDAY - HOUR, "given_in_rounds"),
        (MONDAY, ""),
        (MONDAY + timedelta(days=7) - 2 * HOUR, ""),
        (MONDAY + timedelta(days=7) - HOUR, "given_in_rounds"),
    ):
        assert refusal_of(anna, beam, start=start) == code, start


def test_leftover_time_of_two_rounds_that_follow_each_other_is_one(anna: Booker, lab: Facility) -> None:
    beam, end = a_beam(lab), MONDAY + timedelta(days=7)
    published(beam, horizon_end=end)
    published(beam, horizon_start=end, horizon_end=end + timedelta(days=7))
    assert refusal_of(anna, beam, start=end - HOUR) == ""


def test_time_that_the_round_keeps_back_is_not_left(anna: Booker, lab: Facility) -> None:
    beam, other = a_beam(lab), a_beam(lab)
    round_ = a_round(beam, other, state=RoundState.PUBLISHED, published_at=BEFORE)
    days = [NINE + timedelta(days=n) for n in range(3)]
    for start, instrument_id in zip(days, (None, beam.id, other.id), strict=True):
        stored(RoundHold(round_id=round_.id, instrument_id=instrument_id, starts_at=start, ends_at=start + HOUR))
    assert [refusal_of(anna, beam, start=start) for start in days] == ["given_in_rounds", "given_in_rounds", ""]


def test_time_that_another_round_under_way_gives_is_not_left(anna: Booker, lab: Facility) -> None:
    beam, day = a_beam(lab), timedelta(days=1)
    published(beam)
    a_round(beam, horizon_start=MONDAY + 7 * day, horizon_end=MONDAY + 14 * day)
    a_round(beam, horizon_start=MONDAY + 14 * day, horizon_end=MONDAY + 21 * day, state=RoundState.DRAFT)
    codes = [refusal_of(anna, beam, start=NINE + days * day) for days in (0, 7, 14)]
    assert codes == ["", "given_in_rounds", ""]


def test_an_instrument_that_is_not_in_the_round_has_nothing_left(anna: Booker, lab: Facility) -> None:
    published(a_beam(lab))
    assert refusal_of(anna, a_beam(lab)) == "given_in_rounds"


def test_managers_may_keep_leftover_time_closed(anna: Booker, lab: Facility) -> None:
    opened, kept = a_beam(lab, opens_leftover=True), a_beam(lab, opens_leftover=False)
    for beam in (opened, kept):
        published(beam)
    assert (refusal_of(anna, opened), refusal_of(anna, kept)) == ("", "given_in_rounds")


def test_leftover_time_is_given_back_like_any_booking(anna: Booker, lab: Facility) -> None:
    beam = a_beam(lab)
    published(beam)
    made = anna.book(beam)
    ledger.cancel(made, actor(a_manager(lab)), BEFORE, "The beam is down.")
    assert refusal_of(anna, beam) == ""


# --- the instrument's page ----------------------------------------------------------------------------------------


def page(client: Browser, slug: str) -> str:
    with clock.frozen_at(BEFORE):
        answer = client.get(f"/facilities/lab/{slug}", query_string={"lang": "en", "week": "2027-01-04"})
    assert answer.status_code == 200
    return str(answer.text)


def test_the_page_of_leftover_time_offers_the_free_week_and_speaks_of_the_reserve_list(
    app: Flask, anna: Booker, lab: Facility
) -> None:
    beam = a_beam(lab)
    days = [rome(2027, 1, day) for day in (4, 5, 6, 7)]
    round_ = published(beam, horizon_start=days[0], horizon_end=days[3])
    stored(RoundHold(round_id=round_.id, starts_at=days[1], ends_at=days[2]))
    text = page(browser(app, anna.person.id), beam.slug)
    assert 'name="start"' in text
    assert "first come, first served" in text
    assert "4 Jan 2027 – 6 Jan 2027" in text
    assert "reserve list" not in text
    assert text.count('class="free"') == 2, "Monday and Wednesday"
    a_request(round_, anna.person, anna.organisation.id, beam, state=RequestState.RESERVE)
    assert "1 request stands on the reserve list of the round" in page(browser(app, anna.person.id), beam.slug)
    assert "Sign in to book" in page(browser(app), beam.slug)


def test_the_page_of_a_beam_without_leftover_time_says_that_it_is_given_in_rounds(
    app: Flask, anna: Booker, lab: Facility
) -> None:
    beam = a_beam(lab)
    text = page(browser(app, anna.person.id), beam.slug)
    assert "given in rounds, by request" in text
    assert 'name="start"' not in text
    assert 'class="free"' not in text


def test_the_page_of_what_belongs_to_another_instrument_leads_there(app: Flask, anna: Booker, lab: Facility) -> None:
    scope = an_instrument(lab, slug="scope", name="Scope")
    camera = ruled(an_instrument(lab, booking_mode=BookingMode.WITH_PARENT, name="Camera"), parent_id=scope.id)
    text = page(browser(app, anna.person.id), camera.slug)
    assert "This instrument is booked only together with Scope." in text
    assert 'href="/facilities/lab/scope"' in text
    assert "only together with this one" in page(browser(app, anna.person.id), "scope")
