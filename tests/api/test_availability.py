"""Availability as JSON: busy stretches without names, cheap to ask again."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from booking.lifecycle import BookingState
from facilities.models import Instrument
from tests.booking.bookers import HOUR, NINE, a_booker, statements
from tests.factories import (
    a_booking,
    a_facility,
    a_member,
    an_exclusion_group,
    an_instrument,
)
from tests.support import Browser, browser

MONDAY_ONLY = {"from": "2027-01-04T00:00:00Z", "to": "2027-01-05T00:00:00Z"}


@pytest.fixture
def instrument(context: Flask) -> Instrument:
    return an_instrument(a_facility(slug="lab"), slug="scope", capacity=2)


def ask(client: Browser, instrument: Instrument, headers: Any = None, **query: str) -> Any:
    address = f"/api/v1/instruments/{instrument.id}/availability"
    return client.get(address, query_string={**MONDAY_ONLY, **query}, headers=headers)


def ask_of_all(client: Browser, **query: str) -> Any:
    return client.get("/api/v1/availability", query_string={**MONDAY_ONLY, **query})


def test_only_what_no_unit_has_left_is_busy_and_nobody_is_named(visitor: Browser, instrument: Instrument) -> None:
    anna = a_booker(name="Anna")
    anna.book(instrument, title="Secret")
    a_booking(instrument, unit=1, starts_at=NINE + HOUR)
    a_booking(instrument, unit=1, starts_at=NINE + 5 * HOUR, state=BookingState.CANCELLED)
    answer = ask(visitor, instrument)
    assert answer.status_code == 200
    assert answer.json == {
        "from": "2027-01-04T00:00:00Z",
        "to": "2027-01-05T00:00:00Z",
        "timezone": "Europe/Rome",
        "capacity": 2,
        "busy": [{"start": "2027-01-04T10:00:00Z", "end": "2027-01-04T11:00:00Z"}],
    }


def test_the_same_is_found_by_its_slugs(visitor: Browser, instrument: Instrument) -> None:
    answer = visitor.get("/api/v1/facilities/lab/instruments/scope/availability", query_string=MONDAY_ONLY)
    assert answer.json == ask(visitor, instrument).json


def test_who_knows_the_answer_gets_304_until_something_is_booked(visitor: Browser, instrument: Instrument) -> None:
    anna = a_booker()
    known = {"If-None-Match": ask(visitor, instrument).headers["ETag"]}
    with statements() as sent:
        again = ask(visitor, instrument, known)
    assert (again.status_code, again.data) == (304, b"")
    assert len(sent) <= 4
    anna.book(instrument)
    assert ask(visitor, instrument, known).status_code == 200


def test_another_instrument_of_the_group_changes_the_answer_too(visitor: Browser, context: Flask) -> None:
    facility = a_facility()
    group = an_exclusion_group(facility)
    protons, carbon = (an_instrument(facility, exclusion_group_id=group.id) for _ in range(2))
    known = {"If-None-Match": ask(visitor, protons).headers["ETag"]}
    a_booker().book(carbon)
    answer = ask(visitor, protons, known)
    assert answer.status_code == 200
    assert answer.json["busy"] == [{"start": "2027-01-04T09:00:00Z", "end": "2027-01-04T11:00:00Z"}]


def test_a_facility_may_keep_it_from_visitors(app: Flask, visitor: Browser, context: Flask) -> None:
    instrument = an_instrument(a_facility(free_busy_is_public=False))
    assert ask(visitor, instrument).status_code == 403
    assert ask(browser(app, a_member().id), instrument).status_code == 200


def test_an_unknown_instrument_is_not_found(visitor: Browser, context: Flask) -> None:
    for address in (
        "/api/v1/instruments/00000000-0000-0000-0000-000000000001/availability",
        "/api/v1/instruments/one/availability",
        "/api/v1/facilities/no/instruments/where/availability",
    ):
        assert visitor.get(address, query_string=MONDAY_ONLY).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": ""}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2027-01-04T00:00:00"}, "from"),
        ({"to": "9999-12-31T23:59:59Z"}, "to"),
        ({"from": "0001-01-01T00:00:00+14:00"}, "from"),
        ({"to": "2027-01-04T00:00:00Z"}, "to"),
        ({"to": "2028-01-04T00:00:00Z"}, "to"),
        ({"person": "anna"}, "person"),
    ],
)
def test_a_wrong_parameter_is_named(
    visitor: Browser, instrument: Instrument, query: dict[str, str], field: str
) -> None:
    answer = ask(visitor, instrument, **query)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert list(answer.json["fields"]) == [field]


def test_the_openapi_document_describes_it(visitor: Browser, context: Flask) -> None:
    document: Any = visitor.get("/api/v1/openapi.json").json
    parameters = document["paths"]["/api/v1/instruments/{instrument_id}/availability"]["get"]["parameters"]
    assert {"from", "to"} <= {parameter["name"] for parameter in parameters}


def test_many_bookings_cost_no_more_statements(visitor: Browser, instrument: Instrument) -> None:
    with statements() as few:
        ask(visitor, instrument)
    for n in range(20):
        a_booking(instrument, starts_at=NINE + timedelta(hours=2 * n))
    with statements() as many:
        ask(visitor, instrument)
    assert len(many) <= len(few)


def test_all_instruments_are_answered_at_once_in_five_statements(app: Flask, visitor: Browser, context: Flask) -> None:
    open_lab, closed_lab = a_facility(slug="a-open"), a_facility(slug="b-closed", free_busy_is_public=False)
    group = an_exclusion_group(open_lab)
    protons, carbon = (an_instrument(open_lab, exclusion_group_id=group.id) for _ in range(2))
    hidden = an_instrument(closed_lab, capacity=2)
    anna = a_booker(name="Anna")
    anna.book(carbon, title="Secret")
    anna.book(hidden)
    seen = ask_of_all(visitor)
    stretch = {"start": "2027-01-04T09:00:00Z", "end": "2027-01-04T11:00:00Z"}
    busy = {one["id"]: one["busy"] for one in seen.json["instruments"]}
    assert busy[str(protons.id)] == busy[str(carbon.id)] == [stretch]
    assert str(hidden.id) not in busy
    assert "Anna" not in seen.text
    assert "Secret" not in seen.text
    member = browser(app, a_member().id)
    with statements() as sent:
        all_of_them = ask_of_all(member)
    assert len(sent) <= 5
    assert {one["id"]: one["busy"] for one in all_of_them.json["instruments"]} == busy | {str(hidden.id): []}
    one_lab = ask_of_all(member, facility="b-closed")
    assert [one["id"] for one in one_lab.json["instruments"]] == [str(hidden.id)]
    assert ask_of_all(member, facility="none").status_code == 404
    too_long = {"from": "2027-01-01T00:00:00Z", "to": "2027-03-01T00:00:00Z"}
    assert member.get("/api/v1/availability", query_string=too_long).status_code == 422


def test_the_answer_about_all_is_304_until_something_that_one_sees_is_booked(visitor: Browser, context: Flask) -> None:
    instrument, hidden = an_instrument(), an_instrument(a_facility(free_busy_is_public=False))

    def again(tag: str) -> Any:
        return visitor.get("/api/v1/availability", query_string=MONDAY_ONLY, headers={"If-None-Match": tag})

    tag = again("").headers["ETag"]
    anna = a_booker()
    anna.book(hidden)
    assert again(tag).status_code == 304
    anna.book(instrument)
    assert again(tag).status_code == 200


def test_a_stretch_inside_a_month_long_closure_is_busy(visitor: Browser, instrument: Instrument) -> None:
    for unit in range(2):
        a_booking(instrument, unit=unit, starts_at=NINE - timedelta(days=15), ends_at=NINE + timedelta(days=15))
    assert ask(visitor, instrument).json["busy"] == [
        {"start": "2027-01-04T00:00:00Z", "end": "2027-01-05T00:00:00Z"},
    ]
