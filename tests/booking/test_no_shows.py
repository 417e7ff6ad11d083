"""Time that nobody uses is released: when, for whom, once, and on several workers at once."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select, text

from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, ShareEntry, ShareKind
from booking.services import use
from core.audit import AuditEntry
from core.db import db, transaction
from core.mail import render
from core.outbox import OutboxMessage
from facilities.models import Instrument, InstrumentRules
from tests.booking.bookers import HOUR, NINE, Booker, a_booker
from tests.factories import BEFORE, a_booking, actor, an_instrument, stored
from tests.support import on_both_databases

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
DUE = NINE + 30 * MINUTE


def strict(**values: Any) -> Instrument:
    """An instrument that releases what nobody has checked in to half an hour after its start."""
    instrument = an_instrument(slot_minutes=30, least_minutes=30)
    stored(InstrumentRules(instrument_id=instrument.id, **{"no_show_minutes": 30, "changed_at": BEFORE, **values}))
    return instrument


def fresh(booking_id: UUID) -> Booking:
    db.session.rollback()
    return db.session.get_one(Booking, booking_id)


def mails(template: str) -> list[OutboxMessage]:
    db.session.rollback()
    return [one for one in db.session.scalars(select(OutboxMessage)) if one.payload.get("template") == template]


def at_once(app: Flask, act: Callable[[], int], workers: int = 4) -> list[int]:
    """What several workers get that do the same at the same time."""
    done: list[int] = []
    ready = threading.Barrier(workers)

    def work() -> None:
        with app.app_context():
            ready.wait()
            done.append(act())
            db.session.remove()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


def let_the_database_refuse(booking_id: UUID) -> None:
    """A row that cannot be settled: no entry of the share ledger can name it."""
    with transaction() as tx:
        tx.session.execute(
            text(
                "CREATE TRIGGER broken BEFORE INSERT ON share_entries "
                f"WHEN NEW.booking_id = '{booking_id.hex}' BEGIN SELECT RAISE(ABORT, 'broken'); END"
            )
        )


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


@on_both_databases
def test_what_nobody_checked_in_to_is_released_charged_in_full_and_told_once(anna: Booker) -> None:
    made = anna.book(strict())
    assert use.release_no_shows(DUE - SECOND) == 0
    assert fresh(made).state is BookingState.CONFIRMED
    assert use.release_no_shows(DUE) == 1
    assert use.release_no_shows(DUE + MINUTE) == 0
    row = fresh(made)
    assert (row.state, row.no_show_at) == (BookingState.CANCELLED, DUE)
    entry = db.session.scalars(select(ShareEntry)).one()
    assert (entry.kind, entry.booked_minutes, entry.used_minutes, entry.charged_minutes) == (
        ShareKind.NO_SHOW, 120, 0, 120,
    )  # fmt: skip
    act = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (act.verb, act.person_id, act.subject_id) == ("release", None, made)
    (mail,) = mails("booking_released")
    assert mail.payload["to"] == anna.person.email
    subject, body = render("booking_released", "en", mail.payload["values"])
    assert subject.startswith("Released: ")
    assert "counts as used in full" in body


def test_the_released_time_can_be_booked_by_others(anna: Booker) -> None:
    instrument = strict()
    anna.book(instrument)
    use.release_no_shows(DUE)
    again = a_booker().book(instrument, NINE + HOUR, now=DUE)
    assert fresh(again).state is BookingState.CONFIRMED


def test_who_checks_in_keeps_the_time(anna: Booker) -> None:
    made = anna.book(strict())
    use.check_in(made, actor(anna.person), DUE - SECOND)
    assert use.release_no_shows(DUE + HOUR) == 0
    assert fresh(made).state is BookingState.CONFIRMED


def test_who_checks_in_late_but_before_the_release_keeps_the_time(anna: Booker) -> None:
    made = anna.book(strict())
    use.check_in(made, actor(anna.person), DUE + MINUTE)
    assert use.release_no_shows(DUE + 2 * MINUTE) == 0


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"no_show_minutes": None}, "the managers release nothing"),
        ({"changed_at": NINE + MINUTE}, "the rule is younger than the booking's start"),
    ],
)
def test_nothing_is_released_where_no_rule_says_so(anna: Booker, values: dict[str, Any], why: str) -> None:
    made = anna.book(strict(**values))
    assert use.release_no_shows(NINE + 9 * HOUR) == 0, why
    assert use.close_past_bookings(NINE + 9 * HOUR) == 1
    assert fresh(made).state is BookingState.CONFIRMED


def test_only_confirmed_time_of_people_is_released(anna: Booker) -> None:
    for state in (BookingState.TENTATIVE, BookingState.CANCELLED, BookingState.REFUSED):
        a_booking(strict(), state=state, person_id=anna.person.id)
    for kind in (BookingKind.CLOSURE, BookingKind.MAINTENANCE):
        a_booking(strict(), kind=kind)
    assert use.release_no_shows(DUE) == 0


def test_time_given_in_a_round_is_released_too(anna: Booker) -> None:
    row = a_booking(strict(), kind=BookingKind.ROUND, person_id=anna.person.id, organisation_id=anna.organisation.id)
    assert use.release_no_shows(DUE) == 1
    assert fresh(row.id).no_show_at == DUE


def test_a_booking_of_staff_without_organisation_is_released_and_charged_to_nobody(anna: Booker) -> None:
    a_booking(strict(), person_id=anna.person.id)
    assert use.release_no_shows(DUE) == 1
    assert db.session.scalars(select(ShareEntry)).all() == []


def test_a_no_show_is_never_closed_as_a_use(anna: Booker) -> None:
    anna.book(strict())
    assert use.close_past_bookings(NINE + 9 * HOUR) == 0  # the worker was away: the release comes first
    assert use.release_no_shows(NINE + 9 * HOUR) == 1
    assert use.close_past_bookings(NINE + 9 * HOUR) == 0
    assert db.session.scalars(select(ShareEntry.kind)).all() == [ShareKind.NO_SHOW]


def test_a_bundle_is_released_as_a_whole_and_kept_when_somebody_came(anna: Booker) -> None:
    owner = {"person_id": anna.person.id, "organisation_id": anna.organisation.id}

    def a_bundle() -> list[UUID]:
        bundle = uuid4()
        return [a_booking(one, bundle_id=bundle, **owner).id for one in (strict(), an_instrument())]

    missed, used = a_bundle(), a_bundle()
    use.check_in(used[1], actor(anna.person), NINE)
    later = a_booking(strict(), bundle_id=fresh(used[0]).bundle_id, starts_at=NINE + HOUR, **owner).id
    assert use.release_no_shows(DUE) == 1
    assert use.release_no_shows(DUE + HOUR) == 0
    assert fresh(later).state is BookingState.CONFIRMED
    assert {fresh(one).state for one in missed} == {BookingState.CANCELLED}
    assert {fresh(one).state for one in used} == {BookingState.CONFIRMED}
    assert len(mails("booking_released")) == 1


def test_one_bad_row_stops_nobody(anna: Booker, caplog: pytest.LogCaptureFixture) -> None:
    bad, good = anna.book(strict()), anna.book(strict())
    let_the_database_refuse(bad)
    assert use.release_no_shows(DUE) == 1
    assert (fresh(bad).state, fresh(good).state) == (BookingState.CONFIRMED, BookingState.CANCELLED)
    assert str(bad) in caplog.text
    assert db.session.scalars(select(ShareEntry.booking_id)).all() == [good]


@on_both_databases
def test_workers_that_release_and_close_at_once_write_each_booking_once(app: Flask, anna: Booker) -> None:
    missed = [anna.book(strict()) for _ in range(3)]
    over = [anna.book(an_instrument()) for _ in range(3)]
    late = NINE + 3 * HOUR
    released = at_once(app, lambda: use.release_no_shows(late))
    closed = at_once(app, lambda: use.close_past_bookings(late))
    assert (sum(released), sum(closed)) == (3, 3)
    rows = {(entry.booking_id, entry.kind) for entry in db.session.scalars(select(ShareEntry))}
    assert rows == {(one, ShareKind.NO_SHOW) for one in missed} | {(one, ShareKind.USED) for one in over}
    assert len(mails("booking_released")) == 3
