"""The inbox: what waits and since when, what deciding brings, what else to know, and what it costs to look."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from accounts.models import Person
from accounts.policy import Role
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, Measure, Period, Quota, QuotaOf, Trouble, TroubleState, Waiting
from booking.services import ledger
from booking.services.ledger.consequences import consequences
from core import clock
from core.db import db, transaction
from facilities.models import (
    Facility,
    Instrument,
    InstrumentQualification,
    InstrumentRules,
    Qualification,
    QualificationGrant,
)
from facilities.policy import BookingMode
from tests.booking.approvers import a_deputy, a_request_for, state_of, with_levels
from tests.booking.bookers import HOUR, NINE, Booker, a_booker, statements
from tests.factories import (
    BEFORE,
    a_booking,
    a_facility,
    a_manager,
    a_member,
    a_person,
    actor,
    an_instrument,
    an_operating_plan,
    stored,
)
from tests.support import Browser, browser


@pytest.fixture
def facility(context: Flask) -> Facility:
    return a_facility(name_en="The lab", slug="lab")


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna")


@pytest.fixture
def marco(facility: Facility) -> Person:
    return a_manager(facility, name="Marco")


@pytest.fixture
def desk(app: Flask, marco: Person) -> Browser:
    return browser(app, marco.id)


def get(client: Browser, path: str = "/inbox", **query: Any) -> Any:
    with clock.frozen_at(BEFORE):
        return client.get(path, query_string={"lang": "en", **query})


def post(client: Browser, path: str, **data: Any) -> Any:
    with clock.frozen_at(BEFORE):
        return client.post_form(f"{path}?lang=en", data)


def menu_count(text: str) -> str | None:
    """The number beside “Inbox” in the menu."""
    _before, found, after = text.partition('<span class="nav-count">')
    return after.partition("<")[0] if found else None


# --- what deciding brings -------------------------------------------------------------------------------------


def sentences(row: Booking, now: Any = BEFORE) -> list[str]:
    db.session.rollback()
    fresh = db.session.get_one(Booking, row.id)
    return [str(one.sentence) for one in consequences(db.session(), fresh, now)]


def test_nothing_has_changed_nothing_is_said(anna: Booker, facility: Facility) -> None:
    assert sentences(a_request_for(with_levels(facility, 1), anna)) == []


def test_a_qualification_that_was_lost_since_is_said(anna: Booker, facility: Facility) -> None:
    instrument = with_levels(facility, 1)
    row = a_request_for(instrument, anna)
    training = stored(Qualification(facility_id=facility.id, slug="q", name="Laser safety"))
    stored(InstrumentQualification(instrument_id=instrument.id, qualification_id=training.id))
    assert sentences(row) == ["Not qualified: lacks “Laser safety”."]
    grant = stored(
        QualificationGrant(
            qualification_id=training.id,
            person_id=anna.person.id,
            granted_at=BEFORE,
            expires_on=NINE.date() - timedelta(days=1),
        )
    )
    assert sentences(row) == ["Not qualified on that day: “Laser safety” counts until 2027-01-03."]
    with transaction() as tx:
        tx.session.get_one(QualificationGrant, grant.id).expires_on = NINE.date()
    assert sentences(row) == []


def test_a_quota_that_is_reached_without_it_is_said_and_the_request_itself_is_not_counted_twice(
    anna: Booker, facility: Facility
) -> None:
    instrument = with_levels(facility, 1)
    row = a_request_for(instrument, anna)
    quota = stored(
        Quota(
            facility_id=facility.id,
            of=QuotaOf.PERSON,
            measure=Measure.MINUTES,
            period=Period.WEEK,
            most=180,
            created_at=BEFORE,
        )
    )
    assert sentences(row) == []
    a_booking(instrument, starts_at=NINE + 4 * HOUR, person_id=anna.person.id, organisation_id=anna.organisation.id)
    (said,) = sentences(row)
    assert said.startswith("Over a quota with this booking (")
    assert "used 2 h without it" in said
    assert sentences(row, NINE - HOUR) == [said], "waiting until the last minute takes it out of no quota"
    with transaction() as tx:
        tx.session.get_one(Quota, quota.id).is_active = False
    assert sentences(row) == []


def test_an_instrument_that_members_no_longer_book_is_said(anna: Booker, facility: Facility) -> None:
    instrument = with_levels(facility, 1)
    row = a_request_for(instrument, anna)
    with transaction() as tx:
        tx.session.get_one(Instrument, instrument.id).booking_mode = BookingMode.CLOSED
    assert sentences(row) == ["Members no longer book this instrument themselves."]


def test_opening_hours_that_have_changed_are_said_and_how_long_before_it_was_asked_for_is_not(
    anna: Booker, facility: Facility
) -> None:
    instrument = with_levels(facility, 1)
    row = a_request_for(instrument, anna)
    with transaction() as tx:
        tx.session.get_one(InstrumentRules, instrument.id).lead_minutes = 3 * 24 * 60
    assert sentences(row, NINE - HOUR) == []
    plan = an_operating_plan((5, 480, 480))
    with transaction() as tx:
        tx.session.get_one(Instrument, instrument.id).operating_plan_id = plan.id
    assert sentences(row) == [
        "The instrument's rules have changed since: The instrument does not run all through this time."
    ]


def test_who_else_is_touched_is_said(anna: Booker, facility: Facility) -> None:
    instrument = with_levels(facility, 1, capacity=3)
    row = a_request_for(instrument, anna)
    a_booking(instrument, starts_at=NINE + HOUR, unit=1)
    for day in (1, 2):
        a_request_for(instrument, anna, NINE + timedelta(days=day))
    bruno = a_booker()
    for who in (anna, bruno):
        stored(
            Waiting(
                instrument_id=instrument.id,
                person_id=who.person.id,
                organisation_id=who.organisation.id,
                starts_at=NINE - HOUR,
                ends_at=NINE + HOUR,
                minutes=60,
                created_at=BEFORE,
                changed_at=BEFORE,
            )
        )
    assert sentences(row) == [
        "One other person waits for this time.",
        "With this one, 2 of 3 units are taken.",
        "The same organisation asks for 2 more bookings here.",
    ]


# --- the page -------------------------------------------------------------------------------------------------


def test_what_has_waited_longest_comes_first_and_what_begins_soon_is_marked(
    desk: Browser, anna: Booker, facility: Facility
) -> None:
    scope, bench = with_levels(facility, 1, name="Scope"), with_levels(facility, 1, name="Bench")
    a_request_for(scope, anna, created_at=BEFORE - HOUR)
    a_request_for(bench, anna, BEFORE + timedelta(days=1), created_at=BEFORE - 2 * HOUR)
    text = get(desk).text
    assert text.index("Anna · Bench") < text.index("Anna · Scope")
    assert text.count("begins soon") == 1
    assert "Waiting since" in text
    assert menu_count(text) == "2"


def test_levels_say_who_gave_what_and_who_is_next(
    app: Flask, desk: Browser, marco: Person, anna: Booker, facility: Facility
) -> None:
    safety, dora = a_person(name="Sara"), a_person(name="Dora")
    a_deputy(marco, dora, facility)
    row = a_request_for(with_levels(facility, 2, (2, safety)), anna)
    ledger.approve(row.id, actor(dora), BEFORE)
    text = get(desk).text
    assert "Dora for Marco" in text
    assert "Level 2 · Sara" in text
    assert "The next level is given by other people." in text
    shown = get(desk, f"/bookings/{row.id}").text
    assert "Dora for Marco" in shown
    assert "by Dora for Marco" in shown, "the history names both"
    told = get(browser(app, anna.person.id), f"/bookings/{row.id}").text
    assert "Dora" not in told
    assert "Sara" not in told
    assert "the facility" in told


def test_consequences_stand_on_the_line_and_on_the_bookings_own_pages(
    desk: Browser, anna: Booker, facility: Facility
) -> None:
    row = a_request_for(with_levels(facility, 1, capacity=2), anna)
    for path in ("/inbox", f"/inbox/bookings/{row.id}", f"/bookings/{row.id}"):
        assert "With this one, 1 of 2 units are taken." in get(desk, path).text


def test_a_manager_is_told_of_trouble_lost_qualifications_no_shows_and_closed_out_bookings(
    desk: Browser, marco: Person, anna: Booker, facility: Facility
) -> None:
    instrument = an_instrument(facility, name="Scope")
    past = a_booking(
        instrument, starts_at=BEFORE - timedelta(days=1), person_id=anna.person.id, no_show_at=BEFORE - HOUR
    )
    stored(
        Trouble(
            booking_id=past.id,
            person_id=anna.person.id,
            text="The lamp flickers.",
            state=TroubleState.REPORTED,
            created_at=BEFORE,
        )
    )
    training = stored(Qualification(facility_id=facility.id, slug="q", name="Laser safety"))
    for days in (30, 31):
        stored(
            QualificationGrant(
                qualification_id=training.id,
                person_id=(anna.person if days == 30 else a_person(name="Later")).id,
                granted_at=BEFORE,
                expires_on=BEFORE.date() + timedelta(days=days),
            )
        )
    hit = anna.book(instrument)
    closing = ledger.Closing(NINE, NINE + HOUR, BookingKind.CLOSURE, cancels=frozenset({hit}), reason="Repair")
    ledger.close_over(instrument.id, closing, actor(marco), BEFORE, "")
    text = get(desk).text
    for words in ("The lamp flickers.", "Laser safety", date.isoformat(BEFORE.date() + timedelta(days=30))):
        assert words in text
    for heading in (
        "Trouble reports",
        "Qualifications that end within 30 days",
        "Nobody came, in the last 7 days",
        "Cancelled by closures in the last 7 days",
    ):
        assert f'{heading} <span class="count">1</span>' in text
    assert f"/bookings/{hit}" in text
    assert menu_count(text) == "1", "a report waits for an answer; the rest is only to know"


def test_nothing_of_other_facilities_is_in_an_inbox_and_the_office_filters(
    app: Flask, desk: Browser, anna: Booker, facility: Facility
) -> None:
    elsewhere = a_facility(slug="elsewhere")
    a_request_for(with_levels(elsewhere, 1, name="Theirs"), anna)
    a_request_for(with_levels(facility, 1, name="Ours"), anna)
    past = a_booking(an_instrument(elsewhere, name="Theirs"), starts_at=BEFORE - HOUR, no_show_at=BEFORE)
    assert "Theirs" not in get(desk).text
    assert str(past.id) not in get(desk, at="elsewhere").text
    office = browser(app, a_person(is_office=True).id)
    both = get(office).text
    assert ("Ours" in both, "Theirs" in both) == (True, True)
    one = get(office, at="lab").text
    assert ("Ours" in one, "Theirs" in one) == (True, False)
    assert ("/lab/deputies" in both, "/lab/deputies" in one) == (False, True), (
        "the office has no list of all facilities"
    )


def test_a_manager_who_stands_in_elsewhere_sees_there_what_waits_and_nothing_else(
    desk: Browser, marco: Person, anna: Booker
) -> None:
    elsewhere = a_facility(slug="elsewhere")
    a_deputy(a_manager(elsewhere), marco, elsewhere)
    a_request_for(with_levels(elsewhere, 1, name="Laser"), anna)
    missed = a_booking(an_instrument(elsewhere), starts_at=BEFORE - HOUR, no_show_at=BEFORE)
    text = get(desk, at="elsewhere").text
    assert ("Anna · Laser" in text, str(missed.id) in text) == (True, False)


def test_the_cost_of_looking_does_not_grow_with_what_waits(
    desk: Browser, marco: Person, anna: Booker, facility: Facility
) -> None:
    for n in range(22):
        a_request_for(with_levels(facility, 1), anna, NINE + timedelta(days=n))
    get(desk)
    with statements() as few:
        text = get(desk).text
    assert text.count('class="slot ask') == 20
    for n in range(30):
        instrument = with_levels(facility, 1)
        a_request_for(instrument, anna, NINE + timedelta(days=30 + n))
        a_booking(instrument, starts_at=BEFORE - timedelta(days=1), no_show_at=BEFORE, person_id=anna.person.id)
    with statements() as many:
        get(desk)
    assert len(many) <= len(few) <= 60
    assert get(desk, page=2).text.count('class="slot ask') == 20
    for page in ("0", "-1", "x", "99999999"):
        assert get(desk, page=page).status_code == 200


def test_the_count_in_the_menu_costs_one_statement_and_only_those_who_decide(
    app: Flask, desk: Browser, marco: Person
) -> None:
    member = browser(app, a_member().id)
    for client in (desk, member):
        get(client, "/facilities")
    with statements() as of_manager:
        text = get(desk, "/facilities").text
    with statements() as of_member:
        plain = get(member, "/facilities").text
    assert (menu_count(text), menu_count(plain)) == ("0", None)
    assert len(of_manager) == len(of_member) + 1


# --- people who manage nothing --------------------------------------------------------------------------------


def test_a_deputy_has_an_inbox_for_their_time_and_sees_nothing_else_of_a_manager(
    app: Flask, marco: Person, anna: Booker, facility: Facility
) -> None:
    row = a_request_for(with_levels(facility, 1, name="Scope"), anna, title="Cells")
    dora = a_person(name="Dora")
    client = browser(app, dora.id)
    assert get(client).status_code == 403
    assert get(client, f"/inbox/bookings/{row.id}").status_code == 404
    deputy = a_deputy(marco, dora, facility)
    text = get(client).text
    for words in ("Anna · Scope", "Cells", "You approve for others", "Marco"):
        assert words in text
    assert "Trouble reports" not in text
    assert menu_count(get(client, "/facilities").text) == "1"
    assert get(client, f"/bookings/{row.id}").status_code == 404
    assert post(client, f"/inbox/bookings/{row.id}", act="approve", level="1").status_code == 303
    assert state_of(row.id) is BookingState.CONFIRMED
    assert post(client, f"/deputies/{deputy.id}/end").status_code == 303
    assert get(client).status_code == 403
    assert menu_count(get(client, "/bookings").text) is None


def test_somebody_named_for_a_level_has_an_inbox(app: Flask, anna: Booker, facility: Facility) -> None:
    safety = a_person()
    row = a_request_for(with_levels(facility, 1, (1, safety), name="Scope"), anna)
    a_request_for(with_levels(facility, 1, name="Other"), anna)
    client = browser(app, safety.id)
    text = get(client).text
    assert ("Anna · Scope" in text, "Other" in text) == (True, False)
    assert '<span class="count">1</span>' in get(client, "/bookings").text
    assert post(client, f"/inbox/bookings/{row.id}", act="refuse", reason="Too warm.", level="1").status_code == 303
    assert state_of(row.id) is BookingState.REFUSED


def test_ones_own_request_is_shown_and_not_decided_on(app: Flask, marco: Person, facility: Facility) -> None:
    row = a_booking(
        with_levels(facility, 1), kind=BookingKind.APPROVAL, state=BookingState.TENTATIVE, person_id=marco.id
    )
    client = browser(app, marco.id)
    text = get(client).text
    assert "Nobody decides on their own booking" in text
    assert 'name="booking"' not in text
    assert get(client, f"/inbox/bookings/{row.id}").status_code == 403


# --- deputies' page -------------------------------------------------------------------------------------------


def test_a_manager_names_a_deputy_by_day_and_ends_it(
    app: Flask, desk: Browser, marco: Person, facility: Facility
) -> None:
    dora = a_person(name="Dora", email="dora@example.org")
    first, last = (BEFORE.date() + timedelta(days=days) for days in (0, 6))
    page = "/facilities/lab/deputies"
    refused = post(desk, page, email="nobody@example.org", first=first.isoformat(), last=last.isoformat())
    assert refused.status_code == 422
    assert "Nobody with an account here has this address." in refused.text
    assert post(desk, page, email="dora@example.org", first="", last="x").status_code == 422
    sent = {"email": "dora@example.org", "first": first.isoformat(), "last": last.isoformat(), "key": "k"}
    for _ in range(2):
        assert post(desk, page, **sent).status_code == 303
    text = get(desk, page).text
    assert text.count("Dora for Marco") == 1
    assert get(browser(app, dora.id)).status_code == 200
    where = text.partition('action="/deputies/')[2].partition('"')[0]
    answer = post(desk, f"/deputies/{where}", back=page)
    assert answer.location.endswith(page)
    assert get(browser(app, dora.id)).status_code == 403


def test_members_and_reviewers_see_no_deputies(app: Flask, facility: Facility) -> None:
    for who in (a_member(), a_manager(facility, Role.REVIEWER), a_manager(a_facility())):
        assert get(browser(app, who.id), "/facilities/lab/deputies").status_code == 403
