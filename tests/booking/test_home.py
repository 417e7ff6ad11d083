"""The first page: what visitors, members and managers see first."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from accounts.models import Organisation
from accounts.policy import Role
from booking.lifecycle import RequestState, RoundState
from booking.models import BookingKind, Feasibility, Review
from core import clock
from facilities.policy import BookingMode
from tests.booking.bookers import NINE, Booker, a_booker, statements
from tests.factories import (
    BEFORE,
    a_booking,
    a_facility,
    a_manager,
    a_member,
    a_person,
    a_request,
    a_round,
    an_instrument,
    stored,
)
from tests.support import Browser, browser


def home(client: Browser) -> str:
    with clock.frozen_at(BEFORE):
        answer = client.get("/?lang=en")
    assert answer.status_code == 200
    return answer.text


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna")


def organisations(booker: Booker) -> tuple[Organisation, ...]:
    return (booker.organisation,)


def test_a_visitor_reads_what_it_is_and_finds_search_and_open_calls(visitor: Browser, context: Flask) -> None:
    a_round(an_instrument(), title_en="Spring call")
    a_round(an_instrument(), title_en="Secret draft", state=RoundState.DRAFT)
    a_round(an_instrument(), title_en="Long over", deadline_at=BEFORE + timedelta(minutes=1), opens_at=BEFORE)
    text = home(visitor)
    for words in ("Research time, fairly shared", "Find an instrument", "Spring call"):
        assert words in text
    assert "Secret draft" not in text
    assert "My requests" not in text
    with clock.frozen_at(BEFORE + timedelta(hours=1)):
        assert "Long over" not in visitor.get("/?lang=en").text


def test_an_empty_installation_has_a_first_page_too(visitor: Browser, context: Flask) -> None:
    assert "No call is open now." in home(visitor)


def test_a_member_sees_bookings_requests_rounds_and_the_balance(app: Flask, anna: Booker) -> None:
    beam = an_instrument(name="Beam", booking_mode=BookingMode.ROUND)
    scope = an_instrument(name="Scope")
    call = a_round(beam, organisations=organisations(anna), title_en="Spring call")
    a_request(call, anna.person, anna.organisation.id, beam, amount=600, title="My irradiation")
    a_booking(
        beam, kind=BookingKind.ROUND, person_id=anna.person.id, organisation_id=anna.organisation.id, starts_at=NINE
    )
    anna.book(scope)
    text = home(browser(app, anna.person.id))
    for words in ("Hello Anna", "Scope", "Beam", "My irradiation", "Submitted", "Spring call", "10 h", "2 h"):
        assert words in text
    assert "To do" not in text


def test_a_delegate_finds_the_requests_of_the_organisation_and_a_member_does_not(app: Flask, anna: Booker) -> None:
    delegate = a_member(anna.organisation, Role.DELEGATE)
    link = f'href="/requests/of/{anna.organisation.slug}"'
    assert link in home(browser(app, delegate.id))
    assert link not in home(browser(app, anna.person.id))


def test_a_member_sees_no_round_that_is_not_for_their_organisation(app: Flask, anna: Booker) -> None:
    a_round(an_instrument(), organisations=organisations(a_booker()), title_en="For others")
    assert "For others" not in home(browser(app, anna.person.id))


def count(text: str, words: str) -> str:
    """The number before some words of the list of things to do."""
    return text.split(words, 1)[0].rsplit("<b>", 1)[1].split("</b>")[0]


def test_a_manager_sees_what_waits_with_counts(app: Flask, anna: Booker) -> None:
    facility = a_facility()
    beam = an_instrument(facility, booking_mode=BookingMode.ROUND)
    anna.book(an_instrument(facility, booking_mode=BookingMode.APPROVAL))
    anna.book(an_instrument(booking_mode=BookingMode.APPROVAL))  # another facility's
    call = a_round(beam, organisations=organisations(anna), state=RoundState.REVIEW)
    judged = a_request(call, anna.person, anna.organisation.id, beam)
    stored(Review(request_id=judged.id, feasibility=Feasibility.FEASIBLE, score=80.0))
    for _ in range(2):
        a_request(call, anna.person, anna.organisation.id, beam)
    a_request(call, anna.person, anna.organisation.id, beam, state=RequestState.DRAFT, submitted_at=None, number=None)
    text = home(browser(app, a_manager(facility).id))
    assert count(text, "booking to approve") == "1"
    assert count(text, "reviews missing") == "2"
    assert count(text, "round to allocate") == "1"
    office = home(browser(app, a_person(is_office=True).id))
    assert count(office, "bookings to approve") == "2"


def test_the_page_costs_as_many_statements_with_much_data_as_with_little(app: Flask, anna: Booker) -> None:
    client = browser(app, anna.person.id)

    def more(n: int) -> None:
        for _ in range(n):
            beam = an_instrument()
            call = a_round(beam, organisations=organisations(anna))
            a_request(call, anna.person, anna.organisation.id, beam)
            anna.book(beam)

    more(1)
    home(client)
    with statements() as few:
        home(client)
    more(6)
    with statements() as many:
        home(client)
    assert len(many) <= len(few) <= 22, "\n".join(many)


def test_the_page_is_italian_too(visitor: Browser, context: Flask) -> None:
    answer: Any = visitor.get("/?lang=it")
    assert "Tempo di ricerca, diviso con equità" in answer.text
