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
from core.db import db
from core.errors import Conflict, Forbidden, Invalid, Refusal
from core.outbox import OutboxMessage
from facilities.models import Facility, Instrument
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
)
from tests.support import on_both_databases


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


def stored() -> list[Booking]:
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
    rows = stored()
    assert {row.instrument_id for row in rows} == {scope.id, camera.id, stage.id}
    assert len({row.bundle_id for row in rows}) == 1
    assert rows[0].bundle_id is not None
    assert {(row.state, row.kind, row.title) for row in rows} == {
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
    assert [row.bundle_id for row in stored()] == [None, None]


@on_both_databases
def test_all_or_none_and_the_refusal_names_the_instrument(anna: Booker, lab: Facility) -> None:
    scope, camera = an_instrument(lab, name="Scope"), an_instrument(lab, name="Camera", name_it="Fotocamera")
    a_booking(camera, starts_at=NINE)
    with pytest.raises(Conflict) as refused:
        order(scope, camera, by=anna)
    assert (refused.value.code, list(refused.value.fields)) == ("taken", ["also"])
    assert str(refused.value) == "Camera: This time is taken. The next free start is 2027-01-04 12:00."
    assert len(stored()) == 1, "the first instrument was given back"
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
    assert stored() == []


def test_two_that_exclude_each_other_are_not_booked_together(anna: Booker, lab: Facility) -> None:
    group = an_exclusion_group(lab)
    protons, carbon = (an_instrument(lab, exclusion_group_id=group.id) for _ in range(2))
    with pytest.raises(Conflict) as refused:
        order(protons, carbon, by=anna)
    assert refused.value.code == "taken"
    assert stored() == []


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
    ledger.cancel(stored()[1].id, actor(anna.person), BEFORE)
    ledger.cancel(stored()[0].id, actor(anna.person), BEFORE)
    assert {row.state for row in stored()} == {BookingState.CANCELLED}
    assert sorted(template for template, _values in mails()) == ["booking_cancelled", "booking_confirmed"]


@on_both_databases
def test_one_instrument_with_approval_makes_all_wait_and_one_answer_decides(anna: Booker, lab: Facility) -> None:
    manager = actor(a_manager(lab))
    plain, asked = an_instrument(lab), an_instrument(lab, booking_mode=BookingMode.APPROVAL)
    order(plain, asked, by=anna)
    order(asked, plain, by=anna, start=NINE + 5 * HOUR)
    assert {(row.state, row.kind) for row in stored()} == {(BookingState.TENTATIVE, BookingKind.APPROVAL)}
    first, second = (
        next(row for row in stored() if row.starts_at == start and row.instrument_id == asked.id).id
        for start in (NINE, NINE + 5 * HOUR)
    )
    ledger.approve(first, manager, BEFORE)
    ledger.refuse(second, manager, BEFORE, "No operator.")
    assert [row.state for row in stored()] == [BookingState.CONFIRMED] * 2 + [BookingState.REFUSED] * 2


def test_cancelling_one_leaves_other_bundles_alone(anna: Booker, lab: Facility) -> None:
    first = order(an_instrument(lab), an_instrument(lab), by=anna)
    order(an_instrument(lab), an_instrument(lab), by=anna)
    anna.book(an_instrument(lab))
    ledger.cancel(first, actor(anna.person), BEFORE)
    states = [row.state for row in stored()]
    assert (states.count(BookingState.CANCELLED), states.count(BookingState.CONFIRMED)) == (2, 3)
