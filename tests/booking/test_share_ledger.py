"""An organisation's used hours: what adds up, who reads how much of it, and the file for spreadsheets."""

import csv
from datetime import date
from io import StringIO
from typing import Any

import pytest
from flask import Flask

from accounts.models import Organisation, Person
from accounts.policy import Role
from booking.lifecycle import RoundState
from booking.models import ShareEntry, ShareKind
from booking.views.shares import harmless
from facilities.models import Facility, Instrument
from tests.booking.bookers import NINE, statements
from tests.booking.test_use_pages import browser, get
from tests.factories import (
    a_booking,
    a_facility,
    a_manager,
    a_member,
    a_person,
    a_round,
    an_instrument,
    an_organisation,
    stored,
)
from tests.support import Browser, on_both_databases

MARCH = date(2027, 3, 9)


@pytest.fixture
def ours(context: Flask) -> Organisation:
    return an_organisation(slug="ours", name="Our institute")


@pytest.fixture
def lab(ours: Organisation) -> Facility:
    return a_facility(name_en="The lab", name_it="A lab")


@pytest.fixture
def scope(lab: Facility) -> Instrument:
    return an_instrument(lab)


@pytest.fixture
def anna(ours: Organisation) -> Person:
    return a_member(ours)


def entry(instrument: Instrument, person: Person, organisation: Organisation, **values: Any) -> ShareEntry:
    """Two booked hours of which one and a half were used, in March."""
    booking = a_booking(instrument, person_id=person.id, organisation_id=organisation.id, state="cancelled")
    minutes = {"booked_minutes": 120, "used_minutes": 90, "charged_minutes": 120}
    return stored(
        ShareEntry(
            booking_id=booking.id,
            facility_id=instrument.facility_id,
            instrument_id=instrument.id,
            organisation_id=organisation.id,
            person_id=person.id,
            **{"kind": ShareKind.USED, "day": MARCH, "at": NINE, **minutes, **values},
        )
    )


def table(client: Browser, year: int = 2027) -> list[list[str]]:
    """The rows of the file, without its head."""
    answer = get(client, "/organisations/ours/use.csv", year=year)
    assert answer.status_code == 200
    return list(csv.reader(StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))[1:]


def numbers(client: Browser, year: int = 2027) -> list[list[float]]:
    return [[float(cell) for cell in row[3:]] for row in table(client, year)]


@pytest.fixture
def delegate(app: Flask, ours: Organisation) -> Browser:
    return browser(app, a_member(ours, Role.DELEGATE).id)


@on_both_databases
def test_hours_add_up_by_facility_and_month(
    app: Flask, ours: Organisation, scope: Instrument, anna: Person, delegate: Browser
) -> None:
    entry(scope, anna, ours)
    entry(scope, anna, ours, kind=ShareKind.NO_SHOW, used_minutes=0)
    entry(scope, anna, ours, kind=ShareKind.LATE_CANCELLATION, used_minutes=0, charged_minutes=60)
    entry(scope, anna, ours, kind=ShareKind.CREDITED, booked_minutes=0, used_minutes=0, charged_minutes=-30)
    entry(scope, anna, ours, day=date(2027, 12, 31))
    entry(an_instrument(a_facility(name_en="Beyond", name_it="Beyond")), anna, ours, day=date(2027, 1, 1))
    entry(scope, anna, ours, day=date(2026, 12, 31))
    assert [row[:3] for row in table(delegate)] == [
        ["Our institute", "The lab", "2027-03"],
        ["Our institute", "The lab", "2027-12"],
        ["Our institute", "Beyond", "2027-01"],
    ]
    # booked, used, not shown up, cancelled late, credited, charged
    assert numbers(delegate) == [[6.0, 1.5, 2.0, 1.0, 0.5, 4.5], [2.0, 1.5, 0, 0, 0, 2.0], [2.0, 1.5, 0, 0, 0, 2.0]]
    assert numbers(delegate, 2026) == [[2.0, 1.5, 0, 0, 0, 2.0]]
    page = get(delegate, "/organisations/ours/use", year=2027).text
    for words in ("The lab", "Beyond", "Mar 2027", "4.5 h", "All facilities: 10 h booked, 4.5 h used, 8.5 h charged"):
        assert words in page
    assert "year=2026" in page


def test_each_reads_as_far_as_the_rule_says(app: Flask, ours: Organisation, scope: Instrument, anna: Person) -> None:
    elsewhere = an_instrument()
    colleague = a_member(ours)
    entry(scope, anna, ours, used_minutes=60)
    entry(scope, colleague, ours, used_minutes=30)
    entry(elsewhere, anna, ours, used_minutes=15)
    entry(scope, a_member(), an_organisation(), used_minutes=6)  # other people's hours are in no sum

    def used(person: Person) -> float:
        return sum(row[1] for row in numbers(browser(app, person.id)))

    assert used(a_person(is_office=True)) == 1.75
    assert used(a_member(ours, Role.DELEGATE)) == 1.75
    assert used(anna) == 1.25
    assert used(colleague) == 0.5
    assert used(a_manager(scope.facility)) == 1.5
    assert used(a_manager(elsewhere.facility)) == 0.25


def test_others_do_not_read_it(app: Flask, ours: Organisation, scope: Instrument) -> None:
    strangers = (a_member(), a_member(role=Role.DELEGATE), a_person(), a_manager(scope.facility, Role.REVIEWER))
    for person in strangers:
        for path in ("/organisations/ours/use", "/organisations/ours/use.csv"):
            assert get(browser(app, person.id), path).status_code == 403
    assert get(browser(app, a_person(is_office=True).id), "/organisations/none/use").status_code == 404


@pytest.mark.parametrize("year", ["", "x", "-1", "99999", "0001", "٢٠٢٧", "2027.5"])
def test_a_year_that_is_none_is_this_year(delegate: Browser, year: str) -> None:
    answer = get(delegate, "/organisations/ours/use", year=year)
    assert answer.status_code == 200
    assert "No hours in this year." in answer.text
    assert 'year=2027" aria-current="page"' in answer.text


def test_the_share_in_rounds_is_told_to_whom_it_concerns(
    app: Flask, ours: Organisation, scope: Instrument, delegate: Browser
) -> None:
    others = (ours, an_organisation(), an_organisation(), an_organisation())
    a_round(scope, organisations=others, title_en="Spring call")
    a_round(scope, organisations=others, title_en="Secret draft", state=RoundState.DRAFT)
    a_round(scope, organisations=others[1:], title_en="Not for us")
    page = get(delegate, "/organisations/ours/use").text
    assert "Spring call" in page
    assert "25 % of the weight of all organisations" in page
    assert "Secret draft" not in page
    assert "Not for us" not in page
    assert "Spring call" in get(browser(app, a_manager(scope.facility).id), "/organisations/ours/use").text
    assert "Spring call" not in get(browser(app, a_manager(a_facility()).id), "/organisations/ours/use").text


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Our institute", "Our institute"),
        ("=1+1", "'=1+1"),
        ("+39 02", "'+39 02"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        (" =1", "' =1"),
        ("", ""),
    ],
)
def test_no_cell_starts_a_formula(text: str, cell: str) -> None:
    assert harmless(text) == cell


def test_the_file_is_harmless_and_named_after_the_organisation_and_year(
    app: Flask, ours: Organisation, anna: Person, delegate: Browser
) -> None:
    entry(an_instrument(a_facility(name_en='=HYPERLINK("x")')), anna, ours)
    answer = get(delegate, "/organisations/ours/use.csv", year=2027)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="ours-2027.csv"'
    assert answer.mimetype == "text/csv"
    assert table(delegate)[0][1] == '\'=HYPERLINK("x")'


def test_the_page_costs_as_many_statements_with_much_data_as_with_little(
    app: Flask, ours: Organisation, scope: Instrument, anna: Person, delegate: Browser
) -> None:
    def cost() -> int:
        get(delegate, "/organisations/ours/use")
        with statements() as sent:
            assert get(delegate, "/organisations/ours/use").status_code == 200
        return len(sent)

    entry(scope, anna, ours)
    a_round(scope, organisations=(ours,))
    few = cost()
    for month in range(1, 12):
        other = an_instrument()
        entry(other, anna, ours, day=date(2027, month, 1))
        a_round(other, organisations=(ours,))
    assert cost() <= few <= 8
