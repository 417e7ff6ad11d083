"""Quotas: what counts in which period, what is refused and how it says so, and two at once never exceed one."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, Quota
from booking.queries import quotas as queries
from booking.quotas import (
    Counted,
    Measure,
    Period,
    Prime,
    QuotaOf,
    QuotaRule,
    amount,
    bits_of,
    is_last_minute,
    period_of,
    use_of,
    weekdays_of,
)
from booking.services import ledger
from booking.services.ledger.quotas import check_quotas
from core import clock
from core.db import db, transaction
from core.errors import Conflict
from core.intervals import Interval
from facilities.models import Facility, Instrument, InstrumentRules
from tests.booking.bookers import HOUR, NINE, ROME, Booker, a_booker, rome, statements
from tests.booking.race import Outcome, Race
from tests.booking.test_race import run
from tests.factories import BEFORE, a_booking, a_facility, a_member, actor, an_instrument, an_organisation, stored
from tests.support import browser, on_both_databases

PERSON, ORGANISATION, SCOPE, OTHER_SCOPE = (UUID(int=n) for n in range(1, 5))
WORKDAYS = frozenset(range(5))
OFFICE_HOURS = Prime(WORKDAYS, 9 * 60, 18 * 60)
LAST_MINUTE = 1440


def a_rule(**values: Any) -> QuotaRule:
    """Ten hours a week per person at the facility."""
    return QuotaRule(**{"of": QuotaOf.PERSON, "measure": Measure.MINUTES, "period": Period.WEEK, "most": 600, **values})


def counted(start: datetime, hours: float = 2, **values: Any) -> Counted:
    """A booking of PERSON on SCOPE, made long before."""
    defaults = {
        "made_at": start - timedelta(days=30),
        "last_minute_minutes": LAST_MINUTE,
        "instrument_id": SCOPE,
        "person_id": PERSON,
        "organisation_id": ORGANISATION,
    }
    return Counted(Interval(start, start + hours * HOUR), **{**defaults, **values})


# --- rules -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "at", "first", "end"),
    [
        (Period.DAY, rome(2027, 3, 28, 12, 0), rome(2027, 3, 28), rome(2027, 3, 29)),
        (Period.DAY, rome(2027, 10, 31, 0, 0), rome(2027, 10, 31), rome(2027, 11, 1)),
        (Period.WEEK, rome(2027, 3, 28, 23, 59), rome(2027, 3, 22), rome(2027, 3, 29)),
        (Period.WEEK, rome(2027, 3, 29, 0, 0), rome(2027, 3, 29), rome(2027, 4, 5)),
        (Period.MONTH, rome(2027, 1, 31, 23, 0), rome(2027, 1, 1), rome(2027, 2, 1)),
        (Period.MONTH, rome(2027, 12, 1, 0, 0), rome(2027, 12, 1), rome(2028, 1, 1)),
        (Period.YEAR, rome(2027, 12, 31, 23, 30), rome(2027, 1, 1), rome(2028, 1, 1)),
    ],
)
def test_periods_are_local(period: Period, at: datetime, first: datetime, end: datetime) -> None:
    assert period_of(period, at, ROME) == Interval(first, end)


def test_the_days_of_the_clock_changes_are_periods_of_23_and_25_hours() -> None:
    assert period_of(Period.DAY, rome(2027, 3, 28, 12, 0), ROME).minutes == 23 * 60
    assert period_of(Period.DAY, rome(2027, 10, 31, 12, 0), ROME).minutes == 25 * 60


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        (rome(2027, 1, 4, 10, 0), rome(2027, 1, 4, 12, 0), 120),
        (rome(2027, 1, 4, 8, 0), rome(2027, 1, 4, 10, 0), 60),
        (rome(2027, 1, 4, 18, 0), rome(2027, 1, 4, 20, 0), 0),
        (rome(2027, 1, 9, 10, 0), rome(2027, 1, 9, 12, 0), 0),
        (rome(2027, 1, 8, 17, 0), rome(2027, 1, 11, 10, 0), 120),
        (rome(2027, 3, 26, 12, 0), rome(2027, 3, 29, 12, 0), 540),
    ],
)
def test_only_the_part_inside_prime_time_counts(start: datetime, end: datetime, minutes: int) -> None:
    interval = Interval(start, end)
    assert amount(a_rule(prime=OFFICE_HOURS), interval, ROME) == minutes
    assert amount(a_rule(prime=OFFICE_HOURS, measure=Measure.BOOKINGS), interval, ROME) == min(1, minutes)
    assert amount(a_rule(measure=Measure.MINUTES), interval, ROME) == interval.minutes


def test_prime_time_of_whole_days_knows_the_clock_changes() -> None:
    sundays = Prime(frozenset({6}))
    summer = Interval(rome(2027, 3, 27, 20, 0), rome(2027, 3, 29, 8, 0))
    winter = Interval(rome(2027, 10, 30, 20, 0), rome(2027, 11, 1, 8, 0))
    assert amount(a_rule(prime=sundays), summer, ROME) == 23 * 60
    assert amount(a_rule(prime=sundays), winter, ROME) == 25 * 60


def test_weekdays_are_kept_as_bits() -> None:
    assert weekdays_of(0b0011111) == WORKDAYS
    assert bits_of(WORKDAYS) == 31
    assert weekdays_of(0) == frozenset()


@pytest.mark.parametrize(
    ("before_start", "expected"),
    [(timedelta(hours=24), False), (timedelta(hours=23, minutes=59), True), (timedelta(0), True)],
)
def test_the_last_minute_begins_less_than_a_day_before(before_start: timedelta, expected: bool) -> None:
    assert is_last_minute(NINE, NINE - before_start, LAST_MINUTE) is expected
    assert is_last_minute(NINE, NINE - before_start, 0) is False


MONDAY_9 = rome(2027, 1, 4, 9, 0)
USES = [
    # bookings, rule, used
    ([counted(MONDAY_9), counted(MONDAY_9 + timedelta(days=1), 3)], a_rule(), 300),
    ([counted(MONDAY_9), counted(MONDAY_9 + timedelta(days=7))], a_rule(), 120),
    ([counted(rome(2027, 1, 10, 23, 0), 4)], a_rule(), 240),
    ([counted(rome(2027, 1, 3, 23, 0), 4)], a_rule(), 0),
    ([counted(MONDAY_9), counted(MONDAY_9, person_id=ORGANISATION)], a_rule(), 120),
    ([counted(MONDAY_9), counted(MONDAY_9, person_id=None)], a_rule(of=QuotaOf.ORGANISATION), 240),
    ([counted(MONDAY_9), counted(MONDAY_9, instrument_id=OTHER_SCOPE)], a_rule(instrument_id=SCOPE), 120),
    ([counted(MONDAY_9), counted(MONDAY_9, instrument_id=OTHER_SCOPE)], a_rule(), 240),
    ([counted(MONDAY_9), counted(MONDAY_9, 5)], a_rule(measure=Measure.BOOKINGS), 2),
    ([counted(MONDAY_9, made_at=MONDAY_9 - 3 * HOUR)], a_rule(), 0),
    ([counted(MONDAY_9, made_at=MONDAY_9 - 3 * HOUR, last_minute_minutes=60)], a_rule(), 120),
    ([counted(MONDAY_9)], a_rule(prime=Prime(frozenset({1}))), 0),
    ([counted(MONDAY_9), counted(MONDAY_9 + timedelta(days=90))], a_rule(measure=Measure.OPEN_BOOKINGS), 2),
    ([counted(BEFORE - 4 * HOUR), counted(BEFORE - HOUR)], a_rule(measure=Measure.OPEN_BOOKINGS), 1),
]


@pytest.mark.parametrize(("bookings", "rule", "used"), USES)
def test_what_is_used(bookings: list[Counted], rule: QuotaRule, used: int) -> None:
    subject = PERSON if rule.of is QuotaOf.PERSON else ORGANISATION
    wanted = Interval(rome(2027, 1, 6, 9, 0), rome(2027, 1, 6, 10, 0))
    assert use_of(rule, subject, bookings, wanted, BEFORE, ROME).used == used


@pytest.mark.parametrize(
    ("most", "start", "left", "exceeded"),
    [
        (240, rome(2027, 1, 6, 10, 0), 120, False),
        (239, rome(2027, 1, 6, 10, 0), 119, True),
        (60, rome(2027, 1, 6, 10, 0), 0, True),
        (60, rome(2027, 1, 9, 10, 0), 0, False),
    ],
)
def test_what_is_left_and_what_is_too_much(most: int, start: datetime, left: int, exceeded: bool) -> None:
    rule = a_rule(most=most, prime=OFFICE_HOURS)
    use = use_of(rule, PERSON, [counted(MONDAY_9)], Interval(start, start + 2 * HOUR), BEFORE, ROME)
    assert (use.left, use.is_exceeded, use.renews_at) == (left, exceeded, rome(2027, 1, 11))


# --- the service -------------------------------------------------------------------------------------------


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


@pytest.fixture
def lab(context: Flask) -> Facility:
    return a_facility(slug="lab")


def a_quota(facility: Facility, **values: Any) -> Quota:
    """Four hours a week per person on all of the facility's instruments."""
    return stored(
        Quota(
            **{
                "facility_id": facility.id,
                "of": QuotaOf.PERSON,
                "measure": Measure.MINUTES,
                "period": Period.WEEK,
                "most": 240,
                "created_at": BEFORE,
                **values,
            }
        )
    )


def refused(book: Any, *args: Any, **more: Any) -> str:
    """The sentence of a refusal by a quota."""
    with pytest.raises(Conflict) as refusal:
        book(*args, **more)
    assert refusal.value.code == "quota"
    assert set(refusal.value.fields) == {"start"}
    return str(refusal.value)


@on_both_databases
def test_a_quota_of_the_facility_adds_up_its_instruments(anna: Booker, lab: Facility) -> None:
    first, second = an_instrument(lab), an_instrument(lab)
    a_quota(lab)
    anna.book(first)
    anna.book(second)
    assert refused(anna.book, second, NINE + 2 * HOUR) == (
        "A quota is in the way "
        "(booked time a week per person, on all instruments of the facility together: at most 4 h). "
        "Used: 4 h, left: 0 h, this booking: 2 h. It begins anew on Monday 11 January 2027."
    )
    anna.book(second, NINE + timedelta(days=7))
    a_booker().book(second, NINE + 2 * HOUR)
    anna.book(an_instrument())


@on_both_databases
def test_a_quota_of_an_instrument_counts_the_whole_organisation_there(anna: Booker, lab: Facility) -> None:
    first, second = an_instrument(lab), an_instrument(lab)
    a_quota(lab, instrument_id=first.id, of=QuotaOf.ORGANISATION, measure=Measure.BOOKINGS, period=Period.DAY, most=1)
    anna.book(first)
    colleague = Booker(a_member(anna.organisation), anna.organisation)
    assert "bookings a day per organisation, on this instrument: at most 1" in refused(
        colleague.book, first, NINE + 2 * HOUR
    )
    colleague.book(second)
    colleague.book(first, NINE + timedelta(days=1))


def test_open_bookings_are_limited_until_one_ends_or_is_cancelled(anna: Booker, lab: Facility) -> None:
    instrument = an_instrument(lab)
    a_quota(lab, measure=Measure.OPEN_BOOKINGS, most=2)
    made = [anna.book(instrument, NINE + n * timedelta(days=20)) for n in range(2)]
    sentence = refused(anna.book, instrument, NINE + timedelta(days=100))
    assert "Used: 2, left: 0. There is room again when one of these bookings ends or is cancelled." in sentence
    anna.book(instrument, NINE + timedelta(days=100), now=NINE + 2 * HOUR)
    ledger.cancel(made[1], actor(anna.person), NINE + 2 * HOUR)
    anna.book(instrument, NINE + timedelta(days=101), now=NINE + 2 * HOUR)


def test_prime_time_is_limited_and_the_rest_is_free(anna: Booker, lab: Facility) -> None:
    instrument = an_instrument(lab)
    a_quota(lab, most=120, prime_weekdays=31, prime_from=540, prime_until=1080)
    anna.book(instrument, rome(2027, 1, 4, 17, 0), rome(2027, 1, 4, 23, 0))
    sentence = refused(anna.book, instrument, rome(2027, 1, 5, 9, 0))
    assert "(only Mon, Tue, Wed, Thu, Fri, 09:00–18:00): at most 2 h). Used: 1 h, left: 1 h" in sentence
    anna.book(instrument, rome(2027, 1, 5, 18, 0))
    anna.book(instrument, rome(2027, 1, 5, 8, 0))


@pytest.mark.parametrize(("minutes_before", "is_refused"), [(1440, True), (1439, False)])
def test_the_last_minute_is_free_and_counts_nowhere(
    anna: Booker, lab: Facility, minutes_before: int, is_refused: bool
) -> None:
    instrument = an_instrument(lab)
    a_quota(lab, most=120)
    anna.book(instrument)
    start, now = NINE + 2 * HOUR, NINE + 2 * HOUR - timedelta(minutes=minutes_before)
    if is_refused:
        refused(anna.book, instrument, start, now=now)
    else:
        row = db.session.get_one(Booking, anna.book(instrument, start, now=now))
        assert row.state is BookingState.CONFIRMED
        assert use_now(instrument, anna, now) == 120


def use_now(instrument: Instrument, booker: Booker, now: datetime) -> int:
    asked = queries.Asked(booker.person.id, booker.organisation.id, now, Interval(NINE, NINE + HOUR))
    return queries.uses(db.session(), instrument, [a_rule()], asked)[0].used


def test_how_late_the_last_minute_is_managers_say(anna: Booker, lab: Facility) -> None:
    instrument = an_instrument(lab)
    stored(InstrumentRules(instrument_id=instrument.id, last_minute_minutes=60, changed_at=BEFORE))
    a_quota(lab, most=120)
    anna.book(instrument)
    refused(anna.book, instrument, NINE + 2 * HOUR, now=NINE + HOUR)
    anna.book(instrument, NINE + 2 * HOUR, now=NINE + HOUR + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        ({"state": BookingState.TENTATIVE, "kind": BookingKind.APPROVAL}, True),
        ({"state": BookingState.CANCELLED}, False),
        ({"state": BookingState.REFUSED, "kind": BookingKind.APPROVAL}, False),
        ({"kind": BookingKind.ROUND}, False),
        ({"ends_at": NINE + HOUR, "booked_until": NINE + 2 * HOUR}, True),
    ],
)
def test_what_counts(anna: Booker, lab: Facility, values: dict[str, Any], counts: bool) -> None:
    instrument = an_instrument(lab)
    a_booking(instrument, person_id=anna.person.id, organisation_id=anna.organisation.id, **values)
    assert (use_now(instrument, anna, BEFORE) > 0) is counts


def test_what_is_given_back_does_not_count(anna: Booker, lab: Facility) -> None:
    instrument = an_instrument(lab)
    a_quota(lab, most=120)
    made = anna.book(instrument)
    wanted = Interval(NINE + timedelta(days=1), NINE + timedelta(days=1) + 2 * HOUR)
    people = (anna.person.id, anna.organisation.id)
    with transaction() as tx:
        check_quotas(tx, instrument, *people, wanted, {made}, BEFORE)
        with pytest.raises(Conflict):
            check_quotas(tx, instrument, *people, wanted, (), BEFORE)


def test_a_quota_that_is_switched_off_or_elsewhere_hinders_nobody(anna: Booker, lab: Facility) -> None:
    instrument = an_instrument(lab)
    a_quota(lab, most=0, is_active=False)
    a_quota(a_facility(), most=0)
    a_quota(lab, most=0, instrument_id=an_instrument(lab).id)
    anna.book(instrument)


@pytest.mark.parametrize("quotas", [0, 1, 5])
def test_an_admission_takes_two_statements_however_many_quotas_there_are(
    anna: Booker, lab: Facility, quotas: int
) -> None:
    instrument = an_instrument(lab)
    for n in range(quotas):
        a_quota(lab, period=list(Period)[n % 4], of=list(QuotaOf)[n % 2], most=10_000)
    anna.book(instrument)
    people = (anna.person.id, anna.organisation.id)
    with transaction() as tx:
        row = tx.session.get_one(Instrument, instrument.id)
        assert (row.rules, row.facility.id) == (None, lab.id)
        with statements() as sent:
            check_quotas(tx, row, *people, Interval(NINE, NINE + HOUR), (), BEFORE)
    assert len(sent) == min(2, 1 + quotas)


def test_a_refusal_is_read_in_the_readers_language_beside_its_field(app: Flask, anna: Booker, lab: Facility) -> None:
    instrument = an_instrument(lab, slug="scope")
    a_quota(lab, most=60)
    client = browser(app, anna.person.id)
    form = {"day": "2027-01-04", "start": "10:00", "end_day": "", "end": "12:00", "key": str(uuid4())}
    form |= {"organisation_id": str(anna.organisation.id), "title": ""}
    answers = {}
    for language in ("it", "en"):
        with clock.frozen_at(BEFORE):
            answers[language] = client.post_form(f"/facilities/lab/{instrument.slug}?lang={language}", form)
    assert {answer.status_code for answer in answers.values()} == {409}
    assert "booked time a week per person" in answers["en"].text
    assert "tempo prenotato alla settimana a persona" in answers["it"].text
    assert "lunedì 11 gennaio 2027" in answers["it"].text


# --- at once -----------------------------------------------------------------------------------------------


def a_race(database_url: str, folder: Path, conduct: str, contenders: int, most: int) -> list[Outcome]:
    """Members of one organisation want time on two instruments at the same moment."""
    facility, organisation = a_facility(), an_organisation()
    instruments = [an_instrument(facility) for _ in range(2)]
    a_quota(facility, of=QuotaOf.ORGANISATION, measure=Measure.BOOKINGS, most=most)
    return run(
        Race(
            database_url=database_url,
            folder=str(folder),
            conduct=conduct,
            contenders=[(str(a_member(organisation).id), str(organisation.id)) for _ in range(contenders)],
            managers=[],
            instruments=[str(one.id) for one in instruments],
            first_slot=NINE.isoformat(),
            slots=20,
            now=BEFORE.isoformat(),
        )
    )


def how_many() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Booking.id))) or 0


@on_both_databases
def test_an_organisation_that_books_two_instruments_at_once_never_exceeds_its_quota(
    database_url: str, tmp_path: Path, context: Flask
) -> None:
    outcomes = a_race(database_url, tmp_path, "book_everything", contenders=12, most=16)
    assert {"", "quota"} <= {outcome.refusal for outcome in outcomes} <= {"", "quota", "taken"}
    assert sum(bool(outcome.booking) for outcome in outcomes) == how_many() == 16


@on_both_databases
def test_control_whoever_counts_first_and_books_without_the_lock_does_exceed_it(
    database_url: str, tmp_path: Path, context: Flask
) -> None:
    a_race(database_url, tmp_path, "count_then_write", contenders=2, most=1)
    assert how_many() == 2
