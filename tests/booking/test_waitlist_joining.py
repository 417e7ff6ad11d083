"""Joining the waitlist: what is allowed, what is refused and how it says so."""

from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.policy import VISITOR
from booking.models import Waiting, WaitState
from booking.services import waitlist
from core.audit import AuditEntry
from core.db import db
from core.errors import Conflict, Forbidden, Refusal
from facilities.models import Instrument
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, Booker, a_booker
from tests.booking.waiters import the_place, waits
from tests.factories import (
    BEFORE,
    an_instrument,
    an_operating_plan,
)
from tests.support import on_both_databases

DAY = timedelta(days=1)


@pytest.fixture
def scope(context: Flask) -> Instrument:
    """An instrument whose two hours from NINE on are taken."""
    return an_instrument(name="Scope")


@pytest.fixture
def holder(scope: Instrument) -> Booker:
    return a_booker(name="Hanna")


@pytest.fixture
def taken(scope: Instrument, holder: Booker) -> UUID:
    return holder.book(scope)


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


@pytest.fixture
def bruno(context: Flask) -> Booker:
    return a_booker(name="Bruno")


def test_who_waits_has_a_place_and_it_is_audited(taken: UUID, scope: Instrument, anna: Booker) -> None:
    made = waits(anna, scope, title=" Cells ")
    row = the_place(made)
    assert (row.state, row.person_id, row.organisation_id) == (WaitState.WAITING, anna.person.id, anna.organisation.id)
    assert (row.starts_at, row.ends_at, row.minutes, row.title) == (NINE, NINE + 2 * HOUR, 120, "Cells")
    acts = db.session.scalars(select(AuditEntry).where(AuditEntry.subject_id == made)).all()
    assert [(act.verb, act.person_id) for act in acts] == [("wait", anna.person.id)]


@on_both_databases
def test_the_same_key_makes_one_place(taken: UUID, scope: Instrument, anna: Booker) -> None:
    assert waits(anna, scope, key="k") == waits(anna, scope, key="k")
    assert db.session.scalar(select(func.count(Waiting.id))) == 1


def test_only_members_wait_and_only_for_their_own_organisation(
    taken: UUID, scope: Instrument, anna: Booker, bruno: Booker
) -> None:
    window = waitlist.Window(NINE, NINE + 2 * HOUR, 120)
    with pytest.raises(Forbidden):
        waitlist.join(scope.id, anna.organisation.id, window, "", VISITOR, BEFORE, "")
    with pytest.raises(Forbidden) as refused:
        waits(anna, scope, organisation_id=bruno.organisation.id)
    assert refused.value.code == "not_your_organisation"


def test_time_that_is_free_is_not_waited_for(taken: UUID, scope: Instrument, anna: Booker) -> None:
    with pytest.raises(Conflict) as refused:
        waits(anna, scope, end=NINE + 5 * HOUR)
    assert refused.value.code == "is_free"
    assert refused.value.values["starts_at"] == NINE + 2 * HOUR
    assert str(refused.value) == "You need not wait: 2027-01-04 12:00 is free, and you can book it now."
    assert db.session.scalar(select(func.count(Waiting.id))) == 0


NEVER = [
    ("end before start", {"end": NINE - HOUR}, "ends_before_start"),
    ("longer than the instrument is booked", {"end": NINE + 3 * DAY, "minutes": 1500}, "wrong_length"),
    ("shorter than it is booked", {"minutes": 30}, "wrong_length"),
    ("no whole slots", {"minutes": 90}, "off_grid"),
    ("window shorter than the length", {"end": NINE + HOUR}, "window_too_short"),
    ("yesterday", {"start": BEFORE - DAY}, "window_too_short"),
    ("half a year at once", {"start": BEFORE + DAY, "end": BEFORE + 180 * DAY}, "window_too_long"),
    ("in two years", {"start": NINE + 730 * DAY}, "too_far_ahead"),
    ("a title too long", {"title": "x" * 201}, "title_too_long"),
]


@pytest.mark.parametrize(("wanted", "code"), [pytest.param(*case[1:], id=case[0]) for case in NEVER])
def test_what_the_rules_can_never_give_is_refused_beside_its_field(
    taken: UUID, scope: Instrument, anna: Booker, wanted: dict[str, object], code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        waits(anna, scope, **wanted)
    assert (refused.value.code, bool(refused.value.fields)) == (code, True)


def test_a_window_in_which_the_instrument_never_runs_so_long_is_refused(anna: Booker) -> None:
    plan = an_operating_plan((5, 480, 480))  # Saturdays only
    with pytest.raises(Refusal) as refused:
        waits(anna, an_instrument(operating_plan_id=plan.id), end=NINE + DAY)
    assert refused.value.code == "never_open"


def test_a_mode_that_members_cannot_book_is_not_waited_for(anna: Booker) -> None:
    for mode, code in ((BookingMode.CLOSED, "not_bookable"), (BookingMode.ROUND, "given_in_rounds")):
        with pytest.raises(Conflict) as refused:
            waits(anna, an_instrument(booking_mode=mode))
        assert refused.value.code == code


def test_nobody_waits_twice_for_the_same_days_and_nobody_everywhere(
    taken: UUID, scope: Instrument, anna: Booker, holder: Booker
) -> None:
    waits(anna, scope)
    with pytest.raises(Conflict) as refused:
        waits(anna, scope)
    assert refused.value.code == "already_waiting"
    for n in range(1, 20):
        holder.book(scope, NINE + n * DAY)
        waits(anna, scope, start=NINE + n * DAY)
    holder.book(scope, NINE + 20 * DAY)
    with pytest.raises(Conflict) as refused:
        waits(anna, scope, start=NINE + 20 * DAY)
    assert refused.value.code == "too_many_places"
