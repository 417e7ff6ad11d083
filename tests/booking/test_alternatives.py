"""What one could book instead of a time that one cannot have."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from booking.availability import Busy
from booking.models import Booking
from booking.nearby import Nearest, nearest
from booking.queries.alternatives import Alternative, Where, alternatives_for
from booking.terms import Terms
from core.db import db
from core.intervals import Interval
from facilities.models import (
    Assistance,
    Instrument,
    InstrumentQualification,
    InstrumentRules,
    Qualification,
    QualificationGrant,
)
from facilities.openings import WeeklyShift
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, Booker, a_booker, rome, statements
from tests.factories import (
    BEFORE,
    a_booking,
    a_facility,
    actor,
    an_exclusion_group,
    an_instrument,
    an_operating_plan,
    stored,
)
from tests.support import on_both_databases

ROME = ZoneInfo("Europe/Rome")
HALF = timedelta(minutes=30)
WANTED = Interval(NINE, NINE + 2 * HOUR)


def terms(**values: Any) -> Terms:
    return Terms(
        **{
            "mode": BookingMode.INSTANT,
            "zone": ROME,
            "slot_minutes": 60,
            "least_minutes": 60,
            "most_minutes": 1440,
            **values,
        }
    )


def span(start: float, end: float) -> Interval:
    """Hours from the wanted start."""
    return Interval(NINE + start * HOUR, NINE + end * HOUR)


def on(*units: int | None) -> list[Busy]:
    """The wanted time and an hour more is taken on these units."""
    return [Busy(span(0, 3), unit) for unit in units]


WORKDAY = (WeeklyShift(0, 480, 600), WeeklyShift(1, 480, 600))  # Mon and Tue 08–18
CASES = [
    ("between neighbours", terms(), on(0), 1, span(-2, 0), span(3, 5)),
    ("on the grid", terms(), [Busy(span(-0.5, 2.5), 0)], 1, span(-3, -1), span(3, 5)),
    ("with buffers", terms(buffer_after=30), on(0), 1, span(-3, -1), span(3, 5)),
    ("the other unit", terms(), on(0), 2, span(-1, 1), span(1, 3)),
    ("the whole group runs elsewhere", terms(), on(None), 2, span(-2, 0), span(3, 5)),
    ("a gap that is too short", terms(), [*on(0), Busy(span(4, 6), 0)], 1, span(-2, 0), span(6, 8)),
    ("units that take turns", terms(), [Busy(span(-2, 1), 0), Busy(span(1, 4), 1)], 2, span(-1, 1), span(1, 3)),
    ("opening hours", terms(shifts=WORKDAY), [Busy(span(-2, 6), 0)], 1, span(-138, -136), span(6, 8)),
    ("the next day", terms(shifts=WORKDAY), [Busy(span(-2, 7), 0)], 1, span(-138, -136), span(22, 24)),
    ("a length that is never allowed", terms(most_minutes=60), [], 1, None, None),
    ("nothing in two weeks", terms(), [Busy(span(-400, 400), 0)], 1, None, None),
]


@pytest.mark.parametrize(
    ("rules", "busy", "capacity", "before", "after"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_the_nearest_free_stretches(
    rules: Terms, busy: list[Busy], capacity: int, before: Interval | None, after: Interval | None
) -> None:
    assert nearest(rules, busy, capacity, WANTED, BEFORE) == Nearest(before, after)


def test_nothing_is_offered_that_is_past_or_too_soon() -> None:
    assert nearest(terms(), on(0), 1, WANTED, NINE - HOUR) == Nearest(None, span(3, 5))
    assert nearest(terms(lead_minutes=600), on(0), 1, WANTED, NINE - HOUR) == Nearest(None, span(9, 11))


def test_days_with_a_clock_change_stay_whole_days() -> None:
    rules = terms(slot_minutes=1440, least_minutes=1440, most_minutes=2880)
    wanted = Interval(rome(2027, 3, 29), rome(2027, 3, 30))
    found = nearest(rules, [Busy(wanted, 0)], 1, wanted, BEFORE)
    assert found.before == Interval(rome(2027, 3, 28), rome(2027, 3, 29))
    assert found.before.length == timedelta(hours=23)


# --- for a person, out of the ledger ----------------------------------------------------------------------


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker()


def found(booker: Booker, instrument: Instrument, wanted: Interval = WANTED, **more: Any) -> list[Alternative]:
    db.session.rollback()
    return alternatives_for(db.session(), instrument, wanted, actor(booker.person), BEFORE, **more)


def elsewhere(booker: Booker, instrument: Instrument, wanted: Interval = WANTED) -> list[str]:
    return [one.instrument.name for one in found(booker, instrument, wanted) if one.where is Where.ELSEWHERE]


@on_both_databases
def test_before_and_after_then_the_same_time_elsewhere(anna: Booker) -> None:
    facility = a_facility()
    first = an_instrument(facility)
    other = an_instrument(name="Other")
    near = an_instrument(facility, name="Near")
    for one in (first,):
        a_booking(one, starts_at=NINE)
    assert [(one.where, one.instrument.id, one.interval) for one in found(anna, first)] == [
        (Where.BEFORE, first.id, span(-2, 0)),
        (Where.AFTER, first.id, span(2, 4)),
        (Where.ELSEWHERE, near.id, WANTED),
        (Where.ELSEWHERE, other.id, WANTED),
    ]


def test_what_is_offered_can_be_booked(anna: Booker) -> None:
    facility = a_facility()
    plan = an_operating_plan((0, 480, 600), (1, 480, 600))
    first = an_instrument(facility, operating_plan_id=plan.id)
    near = an_instrument(facility)
    stored(InstrumentRules(instrument_id=near.id, buffer_before=60, buffer_after=60, changed_at=BEFORE))
    a_booking(first, starts_at=NINE)
    a_booking(near, starts_at=NINE - 2 * HOUR)
    a_booking(an_instrument(facility, name="Taken"), starts_at=NINE + HOUR)
    made = found(anna, first)
    assert made
    for one in made:
        booked = db.session.get_one(Booking, anna.book(one.instrument, one.interval.start, one.interval.end))
        assert (booked.instrument_id, booked.interval) == (one.instrument.id, one.interval)


COMPARABLE = [
    ("same kind", {"kind": "microscope"}, True),
    ("another kind", {"kind": "spectrometer"}, False),
    ("same operation", {"kind": "spectrometer", "operation": "imaging"}, True),
    ("given in rounds", {"booking_mode": BookingMode.ROUND}, False),
    ("closed", {"booking_mode": BookingMode.CLOSED}, False),
    ("with approval", {"booking_mode": BookingMode.APPROVAL}, True),
    ("only longer bookings", {"least_minutes": 240}, False),
]


@pytest.mark.parametrize(("values", "is_offered"), [pytest.param(*case[1:], id=case[0]) for case in COMPARABLE])
def test_only_comparable_instruments_that_members_book(anna: Booker, values: dict[str, Any], is_offered: bool) -> None:
    first = an_instrument(operation="imaging")
    an_instrument(name="Other", **values)
    assert elsewhere(anna, first) == (["Other"] if is_offered else [])


def test_no_operation_is_not_the_same_operation(anna: Booker) -> None:
    first = an_instrument(operation="")
    an_instrument(name="Other", kind="spectrometer", operation="")
    assert elsewhere(anna, first) == []


def test_an_instrument_whose_group_runs_elsewhere_is_not_free(anna: Booker) -> None:
    facility = a_facility()
    group = an_exclusion_group(facility)
    first, second = (an_instrument(facility, exclusion_group_id=group.id) for _ in range(2))
    a_booking(first, starts_at=NINE, exclusion_group_id=group.id)
    assert elsewhere(anna, first) == []
    assert second.exclusion_group_id == group.id


@pytest.mark.parametrize(
    ("grant", "is_offered"),
    [
        pytest.param(None, False, id="not qualified"),
        pytest.param({}, True, id="qualified"),
        pytest.param({"revoked_at": BEFORE}, False, id="revoked"),
        pytest.param({"expires_on": (NINE - timedelta(days=1)).date()}, False, id="expired by then"),
    ],
)
def test_only_what_the_person_may_use(anna: Booker, grant: dict[str, Any] | None, is_offered: bool) -> None:
    first, other = an_instrument(), an_instrument(name="Other")
    laser = stored(Qualification(facility_id=other.facility_id, slug="laser", name="Laser safety"))
    stored(InstrumentQualification(instrument_id=other.id, qualification_id=laser.id))
    if grant is not None:
        stored(QualificationGrant(person_id=anna.person.id, qualification_id=laser.id, granted_at=BEFORE, **grant))
    assert elsewhere(anna, first) == (["Other"] if is_offered else [])


def test_nothing_is_promised_where_staff_has_to_be_there(anna: Booker) -> None:
    first, other = an_instrument(), an_instrument()
    stored(InstrumentRules(instrument_id=other.id, assistance=Assistance.REQUIRED, changed_at=BEFORE))
    assert elsewhere(anna, first) == []


def test_a_booking_that_moves_is_not_in_its_own_way(anna: Booker) -> None:
    first = an_instrument()
    made = anna.book(first)
    a_booking(first, starts_at=NINE + HOUR * 2)
    wanted = span(2, 4)
    assert found(anna, first, wanted, gives_back={made})[0].interval == span(0, 2)
    assert found(anna, first, wanted)[0].interval == span(-2, 0)


def test_outside_the_opening_hours_the_nearest_opening_is_offered(anna: Booker) -> None:
    plan = an_operating_plan((0, 480, 600))
    first = an_instrument(operating_plan_id=plan.id)
    late = Interval(rome(2027, 1, 4, 19), rome(2027, 1, 4, 21))
    assert [one.interval.start for one in found(anna, first, late)] == [rome(2027, 1, 4, 16), rome(2027, 1, 11, 8)]


def test_four_statements_however_much_there_is(anna: Booker) -> None:
    facility = a_facility()
    plan = an_operating_plan((0, 0, 1440))
    first = an_instrument(facility)
    for number in range(6):
        one = an_instrument(facility if number % 2 else None, operating_plan_id=plan.id)
        stored(InstrumentRules(instrument_id=one.id, changed_at=BEFORE))
        a_booking(one, starts_at=NINE + 3 * HOUR)
    who = actor(anna.person)
    assert first.facility.timezone
    assert first.rules is None
    assert first.operating_plan is None
    with statements() as sent:
        assert len(alternatives_for(db.session(), first, WANTED, who, BEFORE)) == 5
    assert len(sent) <= 4
