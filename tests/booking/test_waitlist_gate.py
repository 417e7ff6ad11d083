"""The waitlist asks the ledger's gate as the person who waits: qualification, quota, help of the staff."""

from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from booking.models import WaitState
from booking.quotas import Measure, Period, QuotaOf, QuotaRule
from booking.services import ledger, waitlist
from booking.services.quotas import add_quota
from core.db import db, transaction
from core.errors import Conflict
from facilities.models import (
    Assistance,
    Duty,
    Instrument,
    InstrumentQualification,
    InstrumentRules,
    Qualification,
    QualificationGrant,
)
from tests.booking.bookers import HOUR, NINE, Booker, a_booker
from tests.booking.waiters import offer_to, states, waits
from tests.factories import BEFORE, a_manager, actor, an_instrument, an_operating_plan, stored

DAY = timedelta(days=1)


@pytest.fixture
def scope(context: Flask) -> Instrument:
    return an_instrument()


@pytest.fixture
def holder(scope: Instrument) -> Booker:
    return a_booker()


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna")


def needs_laser(instrument: Instrument, *qualified: Booker) -> list[QualificationGrant]:
    """From now on the instrument is for those who may use its laser: these people."""
    laser = stored(Qualification(facility_id=instrument.facility_id, slug="laser", name="Laser"))
    stored(InstrumentQualification(instrument_id=instrument.id, qualification_id=laser.id))
    return [
        stored(QualificationGrant(qualification_id=laser.id, person_id=who.person.id, granted_at=BEFORE))
        for who in qualified
    ]


def at_most_one_a_week(instrument: Instrument) -> None:
    rule = QuotaRule(QuotaOf.PERSON, Measure.BOOKINGS, Period.WEEK, most=1)
    add_quota(instrument.facility_id, rule, actor(a_manager(instrument.facility)), BEFORE, key="")


def freed(booking_id: UUID, instrument: Instrument, holder: Booker) -> None:
    ledger.cancel(booking_id, actor(holder.person), BEFORE)
    waitlist.offer_freed(instrument.id, BEFORE)


def test_who_lacks_a_qualification_does_not_wait(scope: Instrument, holder: Booker, anna: Booker) -> None:
    holder.book(scope)
    needs_laser(scope, holder)
    with pytest.raises(Conflict) as refused:
        waits(anna, scope)
    assert refused.value.code == "not_qualified"


def test_who_loses_a_qualification_is_passed_over_and_keeps_the_place(
    scope: Instrument, holder: Booker, anna: Booker
) -> None:
    bruno = a_booker()
    grants = needs_laser(scope, holder, anna, bruno)
    taken = holder.book(scope)
    first, second = waits(anna, scope), waits(bruno, scope, now=BEFORE + HOUR)
    with transaction() as tx:
        tx.session.get_one(QualificationGrant, grants[1].id).revoked_at = BEFORE
    freed(taken, scope, holder)
    assert states(first, second) == [WaitState.WAITING, WaitState.OFFERED]


def test_time_with_help_is_waited_for_without_a_qualification_and_offered_only_while_somebody_is_on_duty(
    scope: Instrument, holder: Booker, anna: Booker
) -> None:
    taken = holder.book(scope)
    needs_laser(scope)
    stored(InstrumentRules(instrument_id=scope.id, assistance=Assistance.REQUIRED, changed_at=BEFORE))
    db.session.rollback()
    made = waits(anna, scope)
    freed(taken, scope, holder)
    assert states(made) == [WaitState.WAITING], "nobody is on duty"
    duty = {"weekday": 0, "start_minute": 0, "minutes": 1440, "from_day": BEFORE.date()}
    stored(Duty(facility_id=scope.facility_id, person_id=a_manager(scope.facility).id, **duty))
    waitlist.offer_freed(scope.id, BEFORE)
    assert (states(made), offer_to(made).is_assisted) == ([WaitState.OFFERED], True)


def test_whom_a_quota_stops_is_passed_over_but_not_at_the_last_minute(
    scope: Instrument, holder: Booker, anna: Booker
) -> None:
    at_most_one_a_week(scope)
    taken = holder.book(scope)
    anna.book(an_instrument(scope.facility), NINE + DAY)
    late = waits(anna, scope)
    freed(taken, scope, holder)
    assert states(late) == [WaitState.WAITING]
    waitlist.offer_freed(scope.id, NINE - 3 * HOUR)
    assert states(late) == [WaitState.OFFERED]


def test_another_week_of_the_window_is_offered_where_a_quota_forbids_the_first(holder: Booker, anna: Booker) -> None:
    plan = an_operating_plan((0, 600, 120))  # Mondays from NINE on
    scope = an_instrument(operating_plan_id=plan.id)
    at_most_one_a_week(scope)
    mondays = [holder.book(scope, NINE + 7 * n * DAY) for n in range(2)]
    anna.book(an_instrument(scope.facility), NINE + DAY)
    made = waits(anna, scope, end=NINE + 7 * DAY + 2 * HOUR)
    for booking_id in mondays:
        ledger.cancel(booking_id, actor(holder.person), BEFORE)
    waitlist.offer_freed(scope.id, BEFORE)
    assert offer_to(made).starts_at == NINE + 7 * DAY


def test_an_offer_counts_against_the_quota_and_does_not_hinder_its_own_acceptance(
    scope: Instrument, holder: Booker, anna: Booker
) -> None:
    at_most_one_a_week(scope)
    taken = holder.book(scope)
    made = waits(anna, scope)
    freed(taken, scope, holder)
    with pytest.raises(Conflict) as refused:
        anna.book(an_instrument(scope.facility), NINE + DAY)
    assert refused.value.code == "quota"
    waitlist.accept(made, offer_to(made).id, actor(anna.person), BEFORE)
    assert states(made) == [WaitState.BOOKED]
