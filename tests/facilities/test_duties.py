"""Staff on duty: weekly duties in wall time minus absences, and who may enter them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.policy import VISITOR, Role
from core.audit import AuditEntry
from core.db import db
from core.errors import Invalid, NotFound, Refusal
from core.intervals import Interval
from facilities.duties import Away, Staffed, WeeklyDuty, free_to_help, next_helped, on_duty
from facilities.models import Absence, Duty, Facility
from facilities.openings import WeeklyShift
from facilities.services import duties as verbs
from facilities.services.duties import DutyContent
from tests.factories import BEFORE, MONDAY, a_facility, a_manager, a_person, actor
from tests.support import on_both_databases

ROME = ZoneInfo("Europe/Rome")
ANNA, BRUNO = UUID(int=1), UUID(int=2)
FIRST = date(2026, 1, 1)


def rome(*wall: int) -> datetime:
    return datetime(*wall, tzinfo=ROME).astimezone(UTC)  # type: ignore[misc,arg-type]


def duty(weekday: int, start: float, hours: float, person: UUID = ANNA, **days: Any) -> WeeklyDuty:
    return WeeklyDuty(person, WeeklyShift(weekday, int(start * 60), int(hours * 60)), **{"from_day": FIRST, **days})


def hours(*times: tuple[datetime, datetime, int]) -> list[Staffed]:
    return [Staffed(Interval(start, end), people) for start, end, people in times]


WEEK = Interval(rome(2027, 1, 4), rome(2027, 1, 11))
NINE, TEN, NOON, TWO, FIVE = (rome(2027, 1, 4, hour) for hour in (9, 10, 12, 14, 17))


def there(*duties: WeeklyDuty, away: tuple[Away, ...] = (), horizon: Interval = WEEK) -> list[Staffed]:
    return on_duty(duties, away, ZoneInfo("Europe/Rome"), horizon)


# --- who is there ---------------------------------------------------------------------------------------------


def test_nobody_is_there_without_duties() -> None:
    assert there() == []


def test_people_who_are_there_at_once_are_counted() -> None:
    found = there(duty(0, 9, 5), duty(0, 12, 5, BRUNO))
    assert found == hours((NINE, NOON, 1), (NOON, TWO, 2), (TWO, FIVE, 1))


def test_one_person_with_two_duties_at_once_is_one() -> None:
    assert there(duty(0, 9, 5), duty(0, 12, 5)) == hours((NINE, FIVE, 1))


def test_duties_that_follow_each_other_are_one_stretch_of_help() -> None:
    found = there(duty(0, 9, 3), duty(0, 12, 5, BRUNO))
    assert free_to_help(found, []) == [Interval(NINE, FIVE)]


def test_who_is_away_is_not_there() -> None:
    away = (Away(ANNA, Interval(NOON, TWO)), Away(BRUNO, Interval(NINE, FIVE)))
    assert there(duty(0, 9, 8), away=away) == hours((NINE, NOON, 1), (TWO, FIVE, 1))


def test_a_duty_counts_from_its_first_day_through_its_last() -> None:
    horizon = Interval(rome(2027, 1, 4), rome(2027, 2, 1))
    found = there(duty(0, 9, 1, from_day=date(2027, 1, 11), until_day=date(2027, 1, 18)), horizon=horizon)
    assert [one.interval.start for one in found] == [rome(2027, 1, 11, 9), rome(2027, 1, 18, 9)]


def test_a_duty_that_began_before_midnight_counts_on_the_next_day() -> None:
    tuesday = Interval(rome(2027, 1, 5), rome(2027, 1, 6))
    assert there(duty(0, 22, 6), horizon=tuesday) == hours((rome(2027, 1, 5), rome(2027, 1, 5, 4), 1))


@pytest.mark.parametrize(
    ("day", "length"),
    [(date(2027, 3, 21), 8), (date(2027, 3, 28), 7), (date(2027, 10, 31), 9)],
    ids=["usual", "the clocks go forward", "the clocks go back"],
)
def test_duties_keep_their_wall_time_across_clock_changes(day: date, length: int) -> None:
    horizon = Interval(rome(day.year, day.month, day.day), rome(day.year, day.month, day.day, 23))
    (found,) = there(duty(6, 0, 8), horizon=horizon)
    local = [at.astimezone(ROME).hour for at in (found.interval.start, found.interval.end)]
    assert (local, found.interval.minutes) == ([0, 8], length * 60)


def test_a_duty_inside_the_hour_that_does_not_exist_is_none() -> None:
    horizon = Interval(rome(2027, 3, 28), rome(2027, 3, 29))
    assert there(duty(6, 2.5, 1), horizon=horizon) == []


# --- who is free to help --------------------------------------------------------------------------------------


def test_each_use_that_is_helped_takes_one_person_at_each_moment() -> None:
    staff = there(duty(0, 9, 8), duty(0, 9, 8, BRUNO))
    one, two = Interval(NINE, NOON), Interval(TEN, TWO)
    assert free_to_help(staff, []) == [Interval(NINE, FIVE)]
    assert free_to_help(staff, [one]) == [Interval(NINE, FIVE)]
    assert free_to_help(staff, [one, two]) == [Interval(NINE, TEN), Interval(NOON, FIVE)]


def test_help_outside_all_duties_takes_nobody() -> None:
    assert free_to_help(there(duty(0, 9, 3)), [Interval(NOON, FIVE)]) == [Interval(NINE, NOON)]


def test_the_next_time_is_the_first_that_is_long_enough() -> None:
    free = [Interval(NINE, TEN), Interval(NOON, FIVE)]
    assert next_helped(free, Interval(NINE, TEN)) == NINE
    assert next_helped(free, Interval(NINE, NOON)) == NOON
    assert next_helped(free, Interval(TWO, TWO + timedelta(hours=2))) == TWO
    assert next_helped(free, Interval(NINE, NINE + timedelta(hours=6))) is None


# --- the verbs ------------------------------------------------------------------------------------------------


@pytest.fixture
def lab(context: Flask) -> Facility:
    return a_facility(slug="lab")


def content(**values: Any) -> DutyContent:
    return DutyContent(
        **{"person_id": a_person().id, "weekday": 0, "start_minute": 540, "minutes": 240, "from_day": FIRST, **values}
    )


def count(model: type[Duty | Absence]) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@on_both_databases
def test_a_manager_enters_and_ends_duties_and_absences(lab: Facility) -> None:
    manager, wanted = actor(a_manager(lab)), content()
    made = {verbs.add_duty(lab.id, wanted, manager, BEFORE, "a key") for _ in range(2)}
    away = {verbs.add_absence(lab.id, wanted.person_id, NINE, FIVE, manager, BEFORE, "another key") for _ in range(2)}
    assert (len(made), len(away), count(Duty), count(Absence)) == (1, 1, 1, 1)
    verbs.remove_absence(away.pop(), manager, BEFORE)
    verbs.end_duty(made.pop(), manager, BEFORE)
    assert (count(Duty), count(Absence)) == (0, 0)
    noted = [act.verb for act in db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert noted == ["add_duty", "add_absence", "remove_absence", "end_duty"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"weekday": 7}, "weekday"),
        ({"start_minute": 1440}, "start"),
        ({"minutes": 0}, "end"),
        ({"minutes": 1441}, "end"),
        ({"until_day": FIRST - timedelta(days=1)}, "until_day"),
    ],
)
def test_a_duty_that_cannot_be_is_refused_beside_its_field(lab: Facility, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        verbs.add_duty(lab.id, content(**values), actor(a_manager(lab)), BEFORE, "")
    assert list(refused.value.fields) == [field]


def test_an_absence_has_an_end_after_its_start_and_after_now(lab: Facility) -> None:
    manager, person = actor(a_manager(lab)), a_person()
    for start, end, now in ((TEN, NINE, BEFORE), (NINE, NINE, BEFORE), (NINE, TEN, TEN)):
        with pytest.raises(Invalid):
            verbs.add_absence(lab.id, person.id, start, end, manager, now, "")
    verbs.add_absence(lab.id, person.id, NINE, TEN, manager, TEN - timedelta(minutes=1), "")


def test_only_managers_of_the_facility_and_the_office_enter_duties(lab: Facility) -> None:
    manager, person = actor(a_manager(lab)), a_person()
    made = verbs.add_duty(lab.id, content(), manager, BEFORE, "")
    away = verbs.add_absence(lab.id, person.id, NINE, TEN, manager, BEFORE, "")
    for one in (VISITOR, *map(actor, (person, a_manager(lab, Role.REVIEWER), a_manager(a_facility())))):
        for act in (
            lambda one=one: verbs.add_duty(lab.id, content(), one, BEFORE, ""),
            lambda one=one: verbs.end_duty(made, one, BEFORE),
            lambda one=one: verbs.add_absence(lab.id, person.id, NINE, TEN, one, BEFORE, ""),
            lambda one=one: verbs.remove_absence(away, one, BEFORE),
        ):
            with pytest.raises(Refusal) as refused:
                act()
            assert refused.value.status == 403
    verbs.add_duty(lab.id, content(), actor(a_person(is_office=True)), MONDAY, "")


def test_what_does_not_exist_is_not_found(lab: Facility) -> None:
    manager = actor(a_manager(lab))
    for act in (
        lambda: verbs.end_duty(lab.id, manager, BEFORE),
        lambda: verbs.remove_absence(lab.id, manager, BEFORE),
        lambda: verbs.add_duty(lab.id, content(person_id=lab.id), manager, BEFORE, ""),
    ):
        with pytest.raises(NotFound):
            act()
