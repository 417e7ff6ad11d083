"""Several instruments in one booking: all or none, and together ever after."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind
from booking.services import ledger
from booking.services.ledger import Order
from core import clock
from core.db import db
from core.errors import Conflict, Forbidden, Invalid, Refusal
from core.outbox import OutboxMessage
from facilities.models import Assistance, Facility, Instrument, InstrumentRules
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, Booker, a_booker
from tests.factories import (
    BEFORE,
    a_booking,
    a_facility,
    a_manager,
    actor,
    an_exclusion_group,
    an_instrument,
    an_organisation,
    stored,
)
from tests.support import browser, on_both_databases


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


@pytest.fixture
def lab(context: Flask) -> Facility:
    return a_facility(slug="lab")


def order(*instruments: Instrument, by: Booker, **more: Any) -> UUID:
    start = more.get("start", NINE)
    wanted = Order(
        tuple(one.id for one in instruments),
        more.get("organisation_id", by.organisation.id),
        start,
        more.get("end", start + 2 * HOUR),
        more.get("title", ""),
        more.get("is_assisted", False),
    )
    return ledger.book_together(wanted, actor(by.person), BEFORE, more.get("key", ""))


def rows() -> list[Booking]:
    db.session.rollback()
    return list(db.session.scalars(select(Booking).order_by(Booking.starts_at)))


def mails() -> list[Any]:
    db.session.rollback()
    return [(mail.payload["template"], mail.payload["values"]) for mail in db.session.scalars(select(OutboxMessage))]


@on_both_databases
def test_several_instruments_are_booked_together_under_one_bundle_and_told_in_one_mail(
    anna: Booker, lab: Facility
) -> None:
    scope, camera, stage = (an_instrument(lab, name=name) for name in ("Scope", "Camera", "Stage"))
    made = order(scope, camera, stage, by=anna, title="Cells")
    found = rows()
    assert {row.instrument_id for row in found} == {scope.id, camera.id, stage.id}
    assert len({row.bundle_id for row in found}) == 1
    assert found[0].bundle_id is not None
    assert {(row.state, row.kind, row.title) for row in found} == {
        (BookingState.CONFIRMED, BookingKind.INSTANT, "Cells")
    }
    assert db.session.get_one(Booking, made).instrument_id == scope.id
    ((template, values),) = mails()
    assert (template, values["instrument"].split(", ")[0]) == ("booking_confirmed", "Scope")
    assert set(values["instrument"].split(", ")) == {"Scope", "Camera", "Stage"}


def test_one_instrument_alone_has_no_bundle(anna: Booker, lab: Facility) -> None:
    scope = an_instrument(lab)
    order(scope, scope, by=anna)
    anna.book(an_instrument(lab))
    assert [row.bundle_id for row in rows()] == [None, None]


@on_both_databases
def test_all_or_none_and_the_refusal_names_the_instrument(anna: Booker, lab: Facility) -> None:
    scope, camera = an_instrument(lab, name="Scope"), an_instrument(lab, name="Camera", name_it="Fotocamera")
    a_booking(camera, starts_at=NINE)
    with pytest.raises(Conflict) as refused:
        order(scope, camera, by=anna)
    assert (refused.value.code, list(refused.value.fields)) == ("taken", ["also"])
    assert str(refused.value) == "Camera: This time is taken. The next free start is 2027-01-04 12:00."
    assert len(rows()) == 1, "the first instrument was given back"
    assert mails() == []


def test_the_refusal_of_the_first_instrument_stays_beside_its_own_field(anna: Booker, lab: Facility) -> None:
    scope, camera = an_instrument(lab), an_instrument(lab)
    a_booking(scope, starts_at=NINE)
    with pytest.raises(Conflict) as refused:
        order(scope, camera, by=anna)
    assert (refused.value.code, list(refused.value.fields)) == ("taken", ["start"])


def test_every_rule_holds_for_every_instrument(anna: Booker, lab: Facility) -> None:
    scope = an_instrument(lab)
    for other, code in (
        (an_instrument(lab, most_minutes=60), "too_long"),
        (an_instrument(lab, booking_mode=BookingMode.CLOSED), "not_bookable"),
        (an_instrument(), "other_facility"),
    ):
        with pytest.raises(Refusal) as refused:
            order(scope, other, by=anna)
        assert (refused.value.code, list(refused.value.fields)) == (code, ["also"])
    assert rows() == []


def test_two_that_exclude_each_other_are_not_booked_together(anna: Booker, lab: Facility) -> None:
    group = an_exclusion_group(lab)
    protons, carbon = (an_instrument(lab, exclusion_group_id=group.id) for _ in range(2))
    with pytest.raises(Conflict) as refused:
        order(protons, carbon, by=anna)
    assert refused.value.code == "taken"
    assert rows() == []


def test_an_order_names_instruments_and_an_organisation_of_ones_own(anna: Booker, lab: Facility) -> None:
    with pytest.raises(Invalid):
        order(by=anna)
    with pytest.raises(Forbidden):
        order(an_instrument(lab), by=anna, organisation_id=an_organisation().id)


@on_both_databases
def test_the_same_key_books_together_once(anna: Booker, lab: Facility) -> None:
    scope, camera = an_instrument(lab), an_instrument(lab)
    assert len({order(scope, camera, by=anna, key="a key") for _ in range(2)}) == 1
    assert db.session.scalar(select(func.count(Booking.id))) == 2


# --- together ever after ----------------------------------------------------------------------------------------


@on_both_databases
def test_cancelling_one_gives_all_of_it_back_in_one_mail(anna: Booker, lab: Facility) -> None:
    order(an_instrument(lab), an_instrument(lab), by=anna)
    ledger.cancel(rows()[1].id, actor(anna.person), BEFORE)
    ledger.cancel(rows()[0].id, actor(anna.person), BEFORE)
    assert {row.state for row in rows()} == {BookingState.CANCELLED}
    assert sorted(template for template, _values in mails()) == ["booking_cancelled", "booking_confirmed"]


@on_both_databases
def test_one_instrument_with_approval_makes_all_wait_and_one_answer_decides(anna: Booker, lab: Facility) -> None:
    manager = actor(a_manager(lab))
    plain, asked = an_instrument(lab), an_instrument(lab, booking_mode=BookingMode.APPROVAL)
    order(plain, asked, by=anna)
    order(asked, plain, by=anna, start=NINE + 5 * HOUR)
    assert {(row.state, row.kind) for row in rows()} == {(BookingState.TENTATIVE, BookingKind.APPROVAL)}
    first, second = (
        next(row for row in rows() if row.starts_at == start and row.instrument_id == asked.id).id
        for start in (NINE, NINE + 5 * HOUR)
    )
    ledger.approve(first, manager, BEFORE)
    ledger.refuse(second, manager, BEFORE, "No operator.")
    assert [row.state for row in rows()] == [BookingState.CONFIRMED] * 2 + [BookingState.REFUSED] * 2


def test_cancelling_one_leaves_other_bundles_alone(anna: Booker, lab: Facility) -> None:
    first = order(an_instrument(lab), an_instrument(lab), by=anna)
    order(an_instrument(lab), an_instrument(lab), by=anna)
    anna.book(an_instrument(lab))
    ledger.cancel(first, actor(anna.person), BEFORE)
    states = [row.state for row in rows()]
    assert (states.count(BookingState.CANCELLED), states.count(BookingState.CONFIRMED)) == (2, 3)


# --- the booking form -----------------------------------------------------------------------------------------------


@pytest.fixture
def scope(lab: Facility) -> Instrument:
    return an_instrument(lab, slug="scope", name="Scope")


def sent(app: Flask, by: Booker, **fields: Any) -> Any:
    form = {"day": "2027-01-04", "start": "10:00", "end": "12:00", "organisation_id": str(by.organisation.id)}
    with clock.frozen_at(BEFORE):
        return browser(app, by.person.id).post_form("/facilities/lab/scope?lang=en", {**form, "key": "k", **fields})


def shown(app: Flask, by: Booker, **query: str) -> str:
    wanted = {"lang": "en", "week": "2027-01-04", "start": "2027-01-04T10:00", "end": "2027-01-04T12:00", **query}
    with clock.frozen_at(BEFORE):
        return str(browser(app, by.person.id).get("/facilities/lab/scope", query_string=wanted).text)


def test_the_form_offers_what_goes_along_and_says_what_is_free(
    app: Flask, anna: Booker, scope: Instrument, lab: Facility
) -> None:
    assert "Book other instruments along" not in shown(app, anna)
    camera = an_instrument(lab, name="Camera", position=1)
    an_instrument(lab, name="Stage", position=2)
    a_booking(camera, starts_at=NINE)
    text = shown(app, anna)
    assert "Book other instruments along" in text
    assert text.count('name="also"') == 2
    assert text.index("Camera") < text.index("not free then") < text.index("Stage") < text.index(">free then<")
    assert text.count("free then</span>") == 2
    for hidden in (BookingMode.CLOSED, BookingMode.ROUND, BookingMode.WITH_PARENT):
        an_instrument(lab, booking_mode=hidden)
    an_instrument()
    assert shown(app, anna).count('name="also"') == 2


def test_the_form_books_what_is_ticked_along(app: Flask, anna: Booker, scope: Instrument, lab: Facility) -> None:
    camera = an_instrument(lab, name="Camera")
    assert sent(app, anna, also=[str(camera.id)]).status_code == 303
    assert {row.instrument_id for row in rows()} == {scope.id, camera.id}
    page = browser(app, anna.person.id).get(f"/bookings/{rows()[0].id}?lang=en").text
    assert "Together with" in page
    assert ("Camera" in page, "Scope" in page) == (True, True)


def test_a_refusal_of_what_goes_along_stands_beside_its_box(
    app: Flask, anna: Booker, scope: Instrument, lab: Facility
) -> None:
    camera = an_instrument(lab, name="Camera")
    a_booking(camera, starts_at=NINE)
    answer = sent(app, anna, also=[str(camera.id)])
    assert answer.status_code == 409
    assert "Camera: This time is taken" in answer.text
    assert f'value="{camera.id}" checked' in answer.text
    assert len(rows()) == 1


@pytest.mark.parametrize("hostile", ["x", "", "00000000-0000-0000-0000-000000000007"])
def test_what_is_no_instrument_is_no_error_of_ours(app: Flask, anna: Booker, scope: Instrument, hostile: str) -> None:
    assert sent(app, anna, also=[hostile]).status_code in (404, 422)
    assert rows() == []


def test_assistance_is_asked_for_where_it_is_offered(
    app: Flask, anna: Booker, scope: Instrument, lab: Facility
) -> None:
    assert 'name="is_assisted"' not in shown(app, anna)
    answer = sent(app, anna, is_assisted="y")
    assert answer.status_code == 409
    assert "book it without assistance" in answer.text
    stored(InstrumentRules(instrument_id=scope.id, assistance=Assistance.OPTIONAL, changed_at=BEFORE))
    assert 'name="is_assisted"' in shown(app, anna)
    answer = sent(app, anna, is_assisted="y")
    assert (answer.status_code, rows()) == (409, [])
    assert "Nobody of the facility is free to help" in answer.text
