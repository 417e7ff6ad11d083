"""Cancelling in time is free; cancelling late counts as used, less what somebody still takes of the time."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking.changing import minutes_taken
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, ShareEntry, ShareKind
from booking.services import ledger
from core.db import db
from core.intervals import Interval
from core.mail import render
from core.outbox import OutboxMessage
from facilities.models import Facility, Instrument, InstrumentRules
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
    stored,
)
from tests.support import on_both_databases

DAY = timedelta(days=1)
LATE = NINE - 23 * HOUR
OVER = NINE + 5 * HOUR


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


def with_a_rule(facility: Facility | None = None, **values: object) -> Instrument:
    """An instrument whose bookings are cancelled freely until 24 hours before."""
    instrument = an_instrument(facility, **values)
    stored(InstrumentRules(instrument_id=instrument.id, free_cancel_minutes=1440, changed_at=BEFORE))
    return instrument


def a_cancelled(booker: Booker, instrument: Instrument, at: datetime = LATE) -> UUID:
    """Four hours, cancelled."""
    made = booker.book(instrument, NINE, NINE + 4 * HOUR)
    ledger.cancel(made, actor(booker.person), at)
    return made


def charged() -> list[tuple[ShareKind, int, int, int]]:
    db.session.rollback()
    entries = db.session.scalars(select(ShareEntry)).all()
    return [(one.kind, one.booked_minutes, one.used_minutes, one.charged_minutes) for one in entries]


@pytest.mark.parametrize(
    ("at", "is_charged"),
    [
        pytest.param(NINE - 3 * DAY, False, id="three days before"),
        pytest.param(NINE - DAY, False, id="24 hours before"),
        pytest.param(NINE - DAY + timedelta(minutes=1), True, id="a minute later"),
        pytest.param(NINE - timedelta(minutes=1), True, id="a minute before"),
    ],
)
@on_both_databases
def test_late_is_what_comes_after_the_hour_of_the_rule(anna: Booker, at: datetime, is_charged: bool) -> None:
    instrument = with_a_rule()
    made = anna.book(instrument, NINE, NINE + 4 * HOUR)
    row = db.session.get_one(Booking, made)
    assert ledger.is_charged(db.session(), row, actor(anna.person), at) is is_charged, "the page says it beforehand"
    ledger.cancel(made, actor(anna.person), at)
    assert ledger.settle_late_cancellations(OVER) == is_charged
    assert charged() == ([(ShareKind.LATE_CANCELLATION, 240, 0, 240)] if is_charged else [])


def test_without_a_rule_cancelling_is_always_free(anna: Booker) -> None:
    a_cancelled(anna, an_instrument(), NINE - timedelta(minutes=1))
    assert ledger.settle_late_cancellations(OVER) == 0


def test_a_manager_who_cancels_charges_nobody(anna: Booker) -> None:
    facility = a_facility()
    made = anna.book(with_a_rule(facility))
    ledger.cancel(made, actor(a_manager(facility)), LATE, "The detector is broken.")
    assert ledger.settle_late_cancellations(OVER) == 0


def test_what_was_never_granted_is_cancelled_freely(anna: Booker) -> None:
    a_cancelled(anna, with_a_rule(booking_mode=BookingMode.APPROVAL))
    assert ledger.settle_late_cancellations(OVER) == 0


def test_a_later_change_of_the_rule_does_not_charge_afterwards(anna: Booker) -> None:
    instrument = an_instrument()
    a_cancelled(anna, instrument)
    stored(InstrumentRules(instrument_id=instrument.id, free_cancel_minutes=10080, changed_at=OVER))
    assert ledger.settle_late_cancellations(OVER) == 0


@on_both_databases
def test_it_is_charged_once_and_only_when_the_time_is_over(anna: Booker) -> None:
    a_cancelled(anna, with_a_rule())
    assert ledger.settle_late_cancellations(NINE + 4 * HOUR - timedelta(minutes=1)) == 0
    assert ledger.settle_late_cancellations(NINE + 4 * HOUR) == 1
    assert ledger.settle_late_cancellations(OVER) == 0
    assert len(charged()) == 1


@on_both_databases
def test_time_that_others_take_is_not_charged(anna: Booker) -> None:
    instrument = with_a_rule()
    a_cancelled(anna, instrument)
    other = a_booker()
    other.book(instrument, NINE - HOUR, NINE + HOUR, now=LATE)
    other.book(instrument, NINE + 3 * HOUR, NINE + 6 * HOUR, now=LATE)
    ledger.settle_late_cancellations(OVER)
    assert charged() == [(ShareKind.LATE_CANCELLATION, 240, 0, 120)]


def test_time_that_is_taken_as_a_whole_costs_nothing(anna: Booker) -> None:
    instrument = with_a_rule()
    a_cancelled(anna, instrument)
    a_booker().book(instrument, NINE, NINE + 4 * HOUR, now=LATE)
    ledger.settle_late_cancellations(OVER)
    assert charged() == [(ShareKind.LATE_CANCELLATION, 240, 0, 0)]


def test_another_unit_that_was_busy_anyway_does_not_count(anna: Booker) -> None:
    instrument = with_a_rule(capacity=2)
    a_booking(instrument, starts_at=NINE)
    a_cancelled(anna, instrument)
    ledger.settle_late_cancellations(OVER)
    assert charged() == [(ShareKind.LATE_CANCELLATION, 240, 0, 240)]


def test_another_beam_that_runs_instead_counts(anna: Booker) -> None:
    facility = a_facility()
    group = an_exclusion_group(facility)
    protons, carbon = (with_a_rule(facility, exclusion_group_id=group.id) for _ in range(2))
    a_cancelled(anna, protons)
    a_booker().book(carbon, NINE, NINE + HOUR, now=LATE)
    ledger.settle_late_cancellations(OVER)
    assert charged() == [(ShareKind.LATE_CANCELLATION, 240, 0, 180)]


def test_what_a_round_gave_and_is_given_back_late_counts_too(anna: Booker) -> None:
    beam = with_a_rule(booking_mode=BookingMode.ROUND)
    values = {"kind": BookingKind.ROUND, "person_id": anna.person.id, "organisation_id": anna.organisation.id}
    made = a_booking(beam, starts_at=NINE, **values).id
    ledger.cancel(made, actor(anna.person), LATE)
    ledger.settle_late_cancellations(OVER)
    assert charged() == [(ShareKind.LATE_CANCELLATION, 120, 0, 120)]


def test_late_cancelling_frees_the_time_as_any_other_and_says_what_it_costs(anna: Booker) -> None:
    made = a_cancelled(anna, with_a_rule())
    assert db.session.get_one(Booking, made).state is BookingState.CANCELLED
    mails = [one.payload for one in db.session.scalars(select(OutboxMessage))]
    payload = next(one for one in mails if one["template"] == "booking_cancelled")
    _subject, body = render("booking_cancelled", "en", payload["values"])
    assert "counts as used by your organisation" in body


def test_cancelling_twice_charges_once(anna: Booker) -> None:
    made = a_cancelled(anna, with_a_rule())
    ledger.cancel(made, actor(anna.person), LATE + HOUR)
    ledger.settle_late_cancellations(OVER)
    assert db.session.scalar(select(func.count(ShareEntry.id))) == 1


@pytest.mark.parametrize("mode", [BookingMode.INSTANT, BookingMode.APPROVAL])
def test_moving_late_is_no_way_round_the_rule(anna: Booker, mode: BookingMode) -> None:
    facility = a_facility()
    made = anna.book(with_a_rule(facility, booking_mode=mode), NINE, NINE + 4 * HOUR)
    if mode is BookingMode.APPROVAL:
        ledger.approve(made, actor(a_manager(facility)), BEFORE)
    later = NINE + 5 * DAY
    db.session.rollback()
    sequence = db.session.get_one(Booking, made).sequence
    ledger.move(made, later, later + 4 * HOUR, sequence, actor(anna.person), LATE)
    ledger.cancel(made, actor(anna.person), LATE)
    assert ledger.settle_late_cancellations(later + DAY) == 1
    assert charged() == [(ShareKind.LATE_CANCELLATION, 240, 0, 240)]


def test_moving_early_or_giving_a_part_back_keeps_cancelling_free(anna: Booker) -> None:
    made = anna.book(with_a_rule(), NINE, NINE + 4 * HOUR)
    later = NINE + 5 * DAY
    ledger.move(made, later, later + 4 * HOUR, 0, actor(anna.person), BEFORE)
    ledger.move(made, later, later + 2 * HOUR, 1, actor(anna.person), LATE)
    ledger.cancel(made, actor(anna.person), LATE)
    assert ledger.settle_late_cancellations(later + DAY) == 0


FREED = Interval(NINE, NINE + 4 * HOUR)
TAKEN = [
    ("nothing", [], 0),
    ("before and after", [Interval(NINE - HOUR, NINE), Interval(NINE + 4 * HOUR, NINE + 5 * HOUR)], 0),
    ("its start", [Interval(NINE - HOUR, NINE + HOUR)], 60),
    ("twice the same hour", [Interval(NINE, NINE + HOUR), Interval(NINE, NINE + HOUR)], 60),
    ("all and more", [Interval(NINE - HOUR, NINE + 5 * HOUR)], 240),
]


@pytest.mark.parametrize(("taken", "minutes"), [pytest.param(*case[1:], id=case[0]) for case in TAKEN])
def test_minutes_that_were_taken_again(taken: list[Interval], minutes: int) -> None:
    assert minutes_taken(FREED, taken) == minutes
