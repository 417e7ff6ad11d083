"""The pages on which bookings are moved, handed over, swapped and cancelled."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.models import Person
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, Swap, SwapState
from booking.queries.swaps import Slot
from booking.services import ledger
from core import clock
from core.db import db, transaction
from facilities.models import Facility, Instrument, InstrumentRules
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, Booker, a_booker, statements
from tests.factories import BEFORE, a_booking, a_facility, a_manager, a_member, actor, an_instrument, stored
from tests.support import Browser, browser

TOMORROW = NINE + timedelta(days=1)


@pytest.fixture
def facility(context: Flask) -> Facility:
    return a_facility(name_en="The lab")


@pytest.fixture
def scope(facility: Facility) -> Instrument:
    return an_instrument(facility, name="Scope")


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna Alfa")


@pytest.fixture
def bruno(context: Flask) -> Booker:
    return a_booker(name="Bruno Beta")


def get(client: Browser, path: str, now: datetime = BEFORE) -> Any:
    with clock.frozen_at(now):
        return client.get(f"{path}{'&' if '?' in path else '?'}lang=en")


def post(client: Browser, path: str, **data: str) -> Any:
    with clock.frozen_at(BEFORE):
        return client.post_form(f"{path}?lang=en", data)


def of(app: Flask, person: Person, now: datetime = BEFORE) -> Browser:
    """Their browser, signed in at that moment."""
    with clock.frozen_at(now):
        return browser(app, person.id)


def row_of(booking_id: UUID) -> Booking:
    db.session.rollback()
    return db.session.get_one(Booking, booking_id)


def there(instrument: Instrument, start: str, end: str, day: str = "2027-01-04", **more: str) -> dict[str, str]:
    """The fields of the form that moves."""
    sent = {"day": day, "start": start, "end": end, "instrument_id": str(instrument.id), "sequence": "0"}
    return {**sent, **more}


# --- the booking's page -----------------------------------------------------------------------------------

LINKS = ("/move", "/hand-over", "/swap")


def links_on(app: Flask, person: Person, made: UUID, now: datetime = BEFORE) -> list[str]:
    text = get(of(app, person, now), f"/bookings/{made}", now).text
    return [one for one in LINKS if f"/bookings/{made}{one}" in text]


def test_a_booking_offers_what_its_reader_may_do(app: Flask, anna: Booker, scope: Instrument) -> None:
    made = anna.book(scope)
    assert links_on(app, anna.person, made) == list(LINKS)
    assert links_on(app, a_manager(scope.facility), made) == ["/move", "/hand-over"]
    assert links_on(app, anna.person, made, NINE + HOUR) == ["/move", "/hand-over"]
    assert links_on(app, anna.person, made, NINE + 2 * HOUR) == []
    ledger.cancel(made, actor(anna.person), BEFORE)
    assert links_on(app, anna.person, made) == []


def test_an_allocation_is_handed_over_by_its_holder_and_moved_by_managers(
    app: Flask, anna: Booker, scope: Instrument
) -> None:
    values = {"person_id": anna.person.id, "organisation_id": anna.organisation.id}
    made = a_booking(scope, kind=BookingKind.ROUND, **values).id
    assert links_on(app, anna.person, made) == ["/hand-over"]
    assert links_on(app, a_manager(scope.facility), made) == ["/move", "/hand-over"]


@pytest.mark.parametrize("page", LINKS)
def test_strangers_do_not_learn_of_the_booking(app: Flask, anna: Booker, scope: Instrument, page: str) -> None:
    made = anna.book(scope)
    assert get(of(app, a_booker().person), f"/bookings/{made}{page}").status_code == 404
    assert post(of(app, a_booker().person), f"/bookings/{made}{page}").status_code == 404


# --- moving -----------------------------------------------------------------------------------------------


def test_the_form_shows_the_booking_as_it_is(app: Flask, anna: Booker, scope: Instrument) -> None:
    text = get(of(app, anna.person), f"/bookings/{anna.book(scope, NINE, NINE + 14 * HOUR)}/move").text
    assert 'value="2027-01-04"' in text
    assert re.search(r'<option selected value="10:00">', text)
    assert re.search(r'<option selected value="24:00">', text)


def test_moving_by_form(app: Flask, anna: Booker, scope: Instrument) -> None:
    other = an_instrument(scope.facility, name="Other")
    made = anna.book(scope)
    answer = post(of(app, anna.person), f"/bookings/{made}/move", **there(other, "14:00", "16:00"))
    assert (answer.status_code, answer.location) == (303, f"/bookings/{made}")
    row = row_of(made)
    assert (row.starts_at, row.ends_at, row.instrument_id) == (NINE + 4 * HOUR, NINE + 6 * HOUR, other.id)
    text = get(of(app, anna.person), f"/bookings/{made}").text
    assert "<strong>moved</strong> by you" in text


def test_a_taken_time_is_said_beside_the_field_with_alternatives_that_fill_the_form(
    app: Flask, anna: Booker, scope: Instrument
) -> None:
    other = an_instrument(scope.facility, name="Other")
    an_instrument(name="Elsewhere")
    made = anna.book(scope)
    a_booking(scope, starts_at=NINE + 2 * HOUR)
    client = of(app, anna.person)
    answer = post(client, f"/bookings/{made}/move", **there(scope, "11:00", "13:00"))
    assert answer.status_code == 409
    assert "This time is taken." in answer.text
    assert "Elsewhere" not in answer.text, "a booking stays at its facility"
    links = re.findall(rf'href="(/bookings/{made}/move\?start=[^"]+)"', answer.text)
    assert len(links) == 3
    there_then = get(client, links[-1].replace("&amp;", "&")).text
    assert re.search(rf'<option selected value="{other.id}">', there_then)
    assert re.search(r'<option selected value="11:00">', there_then)
    assert row_of(made).starts_at == NINE


def test_what_changed_meanwhile_is_said_and_the_next_try_knows_it(app: Flask, anna: Booker, scope: Instrument) -> None:
    made, client = anna.book(scope), of(app, anna.person)
    post(client, f"/bookings/{made}/move", **there(scope, "14:00", "16:00"))
    answer = post(client, f"/bookings/{made}/move", **there(scope, "17:00", "19:00"))
    assert answer.status_code == 409
    assert "Somebody else changed this in the meantime" in answer.text
    assert 'name="sequence" value="1"' in answer.text


def test_a_manager_says_why(app: Flask, anna: Booker, scope: Instrument) -> None:
    made, client = anna.book(scope), of(app, a_manager(scope.facility))
    answer = post(client, f"/bookings/{made}/move", **there(scope, "14:00", "16:00"))
    assert answer.status_code == 422
    assert "Please say why" in answer.text
    sent = there(scope, "14:00", "16:00", reason="Repairs.")
    assert post(client, f"/bookings/{made}/move", **sent).status_code == 303


def test_an_approved_booking_that_is_moved_says_that_it_is_asked_again(
    app: Flask, anna: Booker, facility: Facility
) -> None:
    scope = an_instrument(facility, booking_mode=BookingMode.APPROVAL)
    made, client = anna.book(scope), of(app, anna.person)
    ledger.approve(made, actor(a_manager(facility)), BEFORE)
    assert "a manager decides again" in get(client, f"/bookings/{made}/move").text
    sequence = str(row_of(made).sequence)
    post(client, f"/bookings/{made}/move", **there(scope, "14:00", "16:00", sequence=sequence))
    assert "Moved; a manager decides on it." in get(client, f"/bookings/{made}").text
    assert row_of(made).state is BookingState.TENTATIVE


def test_a_doubled_hour_is_moved_as_it_is(app: Flask, anna: Booker, scope: Instrument) -> None:
    """The clocks go back on 31 October 2027 at 3:00; 2:00 comes twice."""
    start = datetime.fromisoformat("2027-10-31T01:00+00:00")
    made, client = anna.book(scope, start, start + 2 * HOUR), of(app, anna.person)
    text = get(client, f"/bookings/{made}/move").text
    assert re.search(r'<option selected value="2">', text), "the second time"


# --- handing over -----------------------------------------------------------------------------------------


def test_handing_over_and_back(app: Flask, anna: Booker, scope: Instrument) -> None:
    bruno = a_member(anna.organisation, name="Bruno")
    made = anna.book(scope)
    answer = post(of(app, anna.person), f"/bookings/{made}/hand-over", email=bruno.email)
    assert (answer.status_code, answer.location) == (303, "/bookings"), "she may no longer read it"
    text = get(of(app, bruno), f"/bookings/{made}/hand-over").text
    assert f'value="{anna.person.email}"' in text, "handing it back is one press"
    history = get(of(app, bruno), f"/bookings/{made}").text
    assert "<strong>handed over</strong> by Anna Alfa" in history
    post(of(app, bruno), f"/bookings/{made}/hand-over", email=anna.person.email)
    assert row_of(made).person_id == anna.person.id


def test_a_wrong_address_is_said_beside_the_field(app: Flask, anna: Booker, scope: Instrument) -> None:
    made = anna.book(scope)
    answer = post(of(app, anna.person), f"/bookings/{made}/hand-over", email="nobody@example.org")
    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text


# --- swapping ---------------------------------------------------------------------------------------------


def offered(anna: Booker, hers: UUID, his: UUID) -> UUID:
    row = row_of(his)
    slot = Slot(row.instrument_id, row.unit, row.starts_at)
    return ledger.offer_swap(hers, slot, "Please!", actor(anna.person), BEFORE, "")


def test_offering_a_swap_shows_times_and_no_names(app: Flask, anna: Booker, bruno: Booker, scope: Instrument) -> None:
    hers, his = anna.book(scope), bruno.book(scope, TOMORROW, title="Steel")
    client = of(app, anna.person)
    text = get(client, f"/bookings/{hers}/swap").text
    assert "Scope: Tue 5 Jan 2027, 10:00–12:00" in text
    for secret in ("Bruno", "Steel", bruno.organisation.name, str(his)):
        assert secret not in text
    value = re.findall(r'<option value="([^"]+_[^"]+)">', text)[0]
    answer = post(client, f"/bookings/{hers}/swap", slot=value, message="Please!")
    assert answer.status_code == 303
    assert "Waits for an answer" in get(client, "/bookings").text
    db.session.rollback()
    swap = db.session.scalars(select(Swap)).one()
    assert (swap.offered_id, swap.wanted_id, swap.message) == (hers, his, "Please!")


@pytest.mark.parametrize("slot", ["", "nonsense", "00000000-0000-0000-0000-000000000001_0_20270105T0900Z"])
def test_a_slot_that_is_none_is_refused(app: Flask, anna: Booker, bruno: Booker, scope: Instrument, slot: str) -> None:
    hers = anna.book(scope)
    bruno.book(scope, TOMORROW)
    answer = post(of(app, anna.person), f"/bookings/{hers}/swap", slot=slot)
    assert answer.status_code == 422
    assert 'id="slot-error"' in answer.text


def test_the_inbox_of_offers_and_accepting_one(app: Flask, anna: Booker, bruno: Booker, scope: Instrument) -> None:
    hers, his = anna.book(scope, title="Cells"), bruno.book(scope, TOMORROW)
    swap = offered(anna, hers, his)
    client = of(app, bruno.person)
    inbox = get(client, "/bookings").text
    assert f"/swaps/{swap}" in inbox
    page = get(client, f"/swaps/{swap}").text
    assert "Please!" in page
    for secret in ("Anna", "Cells", str(hers)):
        assert secret not in inbox + page
    assert post(client, f"/swaps/{swap}/accept").status_code == 303
    assert row_of(hers).person_id == bruno.person.id
    assert f"/swaps/{swap}" not in get(client, "/bookings").text


def test_after_a_swap_neither_reads_what_was_before(app: Flask, anna: Booker, bruno: Booker, scope: Instrument) -> None:
    hers, his = anna.book(scope), bruno.book(scope, TOMORROW)
    ledger.move(hers, NINE + HOUR, NINE + 3 * HOUR, 0, actor(anna.person), BEFORE, reason="A private reason")
    ledger.accept_swap(offered(anna, hers, his), actor(bruno.person), BEFORE)
    text = get(of(app, bruno.person), f"/bookings/{hers}").text
    assert "swapped" in text
    assert "A private reason" not in text
    assert "Anna" not in text
    assert "A private reason" in get(of(app, a_manager(scope.facility)), f"/bookings/{hers}").text


def test_declining_and_withdrawing(app: Flask, anna: Booker, bruno: Booker, scope: Instrument) -> None:
    hers = anna.book(scope)
    first, second = (offered(anna, hers, bruno.book(scope, TOMORROW + n * 3 * HOUR)) for n in range(2))
    assert post(of(app, bruno.person), f"/swaps/{first}/decline").status_code == 303
    assert post(of(app, anna.person), f"/swaps/{second}/withdraw").status_code == 303
    db.session.rollback()
    states = {one.id: one.state for one in db.session.scalars(select(Swap))}
    assert states == {first: SwapState.DECLINED, second: SwapState.WITHDRAWN}


def test_what_stands_in_the_way_is_said_on_the_offers_page(
    app: Flask, anna: Booker, bruno: Booker, scope: Instrument
) -> None:
    hers, his = anna.book(scope), bruno.book(scope, TOMORROW)
    swap = offered(anna, hers, his)
    with transaction() as tx:
        tx.one(select(Swap)).expires_at = BEFORE
    answer = post(of(app, bruno.person), f"/swaps/{swap}/accept")
    assert answer.status_code == 409
    assert "This offer stands no longer." in answer.text


@pytest.mark.parametrize("act", ["", "/accept", "/decline", "/withdraw"])
def test_others_do_not_learn_of_an_offer(app: Flask, anna: Booker, bruno: Booker, scope: Instrument, act: str) -> None:
    swap = offered(anna, anna.book(scope), bruno.book(scope, TOMORROW))
    for person in (a_booker().person, a_manager(scope.facility)):
        client = of(app, person)
        answer = post(client, f"/swaps/{swap}{act}") if act else get(client, f"/swaps/{swap}")
        assert answer.status_code == 404


# --- cancelling -------------------------------------------------------------------------------------------


def test_the_page_says_beforehand_what_cancelling_costs(app: Flask, anna: Booker, scope: Instrument) -> None:
    stored(InstrumentRules(instrument_id=scope.id, free_cancel_minutes=1440, changed_at=BEFORE))
    made, client = anna.book(scope), of(app, anna.person)
    early = get(client, f"/bookings/{made}/cancel").text
    assert "Cancelling is free until Sun 3 Jan 2027, 10:00." in early
    now = NINE - HOUR
    late = get(of(app, anna.person, now), f"/bookings/{made}/cancel", now).text
    assert "counts as used by your organisation" in late
    manager = of(app, a_manager(scope.facility), now)
    assert "counts as used" not in get(manager, f"/bookings/{made}/cancel", now).text


def test_without_a_rule_cancelling_is_free(app: Flask, anna: Booker, scope: Instrument) -> None:
    now = NINE - HOUR
    text = get(of(app, anna.person, now), f"/bookings/{anna.book(scope)}/cancel", now).text
    assert "Cancelling is free." in text


# --- the booking form -------------------------------------------------------------------------------------


def test_a_refused_booking_form_offers_alternatives_that_fill_it(app: Flask, anna: Booker, scope: Instrument) -> None:
    an_instrument(name="Elsewhere")
    a_booking(scope, starts_at=NINE)
    client = of(app, anna.person)
    path = f"/facilities/{scope.facility.slug}/{scope.slug}"
    sent = {"day": "2027-01-04", "start": "10:00", "end": "12:00", "organisation_id": str(anna.organisation.id)}
    answer = post(client, path, **sent)
    assert answer.status_code == 409
    assert "You could have instead" in answer.text
    assert "Elsewhere" in answer.text
    later = r'href="(/facilities/[^"]+start=2027-01-04T12:00&amp;end=2027-01-04T14:00[^"]*)"'
    url = re.findall(later, answer.text)[0].replace("&amp;", "&")
    filled = get(client, url.split("#")[0]).text
    assert re.search(r'<option selected value="12:00">', filled)
    assert re.search(r'<option selected value="14:00">', filled)
    assert "You could have instead" not in filled


def test_the_list_of_bookings_asks_a_fixed_number_of_statements(
    app: Flask, anna: Booker, bruno: Booker, scope: Instrument
) -> None:
    client = of(app, bruno.person)
    hers = anna.book(scope)
    counts = []
    for number in range(3):
        offered(anna, hers, bruno.book(scope, TOMORROW + number * 3 * HOUR))
        get(client, "/bookings")
        with statements() as sent:
            get(client, "/bookings")
        counts.append(len(sent))
    assert len(set(counts)) == 1
