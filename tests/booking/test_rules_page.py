"""Managers set an instrument's rules and a facility's quotas; members read them before they book."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking.instrument_rules import Hours, RulesContent, check, overlap
from booking.models import Booking, Measure, Period, Quota, QuotaOf
from booking.queries import rules as queries
from booking.quotas import Prime, QuotaRule
from booking.services.quotas import add_quota, end_quota
from booking.services.rules import Seen, broken_by, change_rules
from core.audit import AuditEntry
from core.db import db
from core.errors import Conflict, Forbidden, Invalid, Refusal
from facilities.models import Facility, Instrument, InstrumentRules, OperatingPlan, Shift
from facilities.openings import WeeklyShift
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, NINE, a_booker, rome
from tests.facilities.factories import a_document, imported
from tests.factories import (
    BEFORE,
    a_booking,
    a_facility,
    a_manager,
    a_person,
    actor,
    an_instrument,
    an_operating_plan,
)
from tests.support import on_both_databases

PLAIN = RulesContent(BookingMode.INSTANT, 60, 60, 1440)
MONDAY_DAYS = (WeeklyShift(0, 480, 600), WeeklyShift(1, 480, 600))


# --- what is sound -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("slot_minutes", {"slot_minutes": 0}),
        ("most_minutes", {"most_minutes": 30}),
        ("most_minutes", {"slot_minutes": 2880}),
        ("least_minutes", {"least_minutes": 2000, "most_minutes": 3000, "allows_several_days": False}),
        ("lead_minutes", {"lead_minutes": -1}),
        ("lead_minutes", {"lead_minutes": 2 * 1440, "horizon_days": 2}),
        ("horizon_days", {"horizon_days": 732}),
        ("buffer_before", {"buffer_before": 1441}),
        ("buffer_after", {"buffer_after": 1441}),
        ("no_show_minutes", {"no_show_minutes": 4}),
        ("approval_levels", {"approval_levels": 6}),
        ("parent", {"mode": BookingMode.WITH_PARENT}),
        ("hours", {"hours": Hours.OWN}),
        ("hours", {"hours": Hours.OWN, "weekly": (WeeklyShift(0, 480, 60), WeeklyShift(0, 500, 60))}),
    ],
)
def test_rules_that_make_no_sense_are_refused_beside_their_field(field: str, values: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        check(replace(PLAIN, **values))
    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"slot_minutes": 1440, "least_minutes": 1440, "allows_several_days": False},
        {"lead_minutes": 1440, "horizon_days": 2},
        {"no_show_minutes": 5, "approval_levels": 5, "buffer_before": 1440},
        {"hours": Hours.OWN, "weekly": (WeeklyShift(0, 480, 60), WeeklyShift(0, 540, 60))},
    ],
)
def test_rules_that_make_sense_are_taken(values: dict[str, Any]) -> None:
    check(replace(PLAIN, **values))


@pytest.mark.parametrize(
    ("weekly", "expected"),
    [
        ([(0, 480, 600)], False),
        ([(0, 480, 600), (0, 1080, 60)], False),
        ([(0, 480, 600), (0, 1079, 60)], True),
        ([(0, 1320, 480), (1, 300, 60)], True),
        ([(6, 1320, 120), (0, 0, 60)], False),
        ([(6, 1320, 121), (0, 0, 60)], True),
    ],
)
def test_stretches_of_the_week_may_touch_but_not_overlap(weekly: list[tuple[int, int, int]], expected: bool) -> None:
    assert overlap([WeeklyShift(*one) for one in weekly]) is expected


# --- the service -------------------------------------------------------------------------------------------


@pytest.fixture
def lab(context: Flask) -> Facility:
    return a_facility(slug="lab")


@pytest.fixture
def scope(lab: Facility) -> Instrument:
    return an_instrument(lab, slug="scope", most_minutes=60 * 24 * 7)


def content(instrument: Instrument, **values: Any) -> RulesContent:
    """The rules as they are, but for some."""
    db.session.expire_all()
    return replace(queries.content_of(instrument), **values)


def changed(instrument: Instrument, version: int = 0, broken: frozenset[UUID] = frozenset(), **values: Any) -> None:
    """A manager changes some rules."""
    facility = db.session.get_one(Facility, instrument.facility_id)
    manager = actor(a_manager(facility))
    change_rules(instrument.id, content(instrument, **values), Seen(version, broken), manager, BEFORE)


def rules_of(instrument: Instrument) -> InstrumentRules:
    db.session.expire_all()
    return db.session.get_one(InstrumentRules, instrument.id)


@on_both_databases
def test_managers_set_the_rules_and_bookings_keep_them(scope: Instrument) -> None:
    changed(
        scope,
        slot_minutes=30,
        least_minutes=30,
        lead_minutes=120,
        buffer_after=30,
        allows_overnight=False,
        hours=Hours.OWN,
        weekly=MONDAY_DAYS,
        no_show_minutes=60,
    )
    rules = rules_of(scope)
    assert (rules.version, rules.lead_minutes, rules.no_show_minutes) == (1, 120, 60)
    anna = a_booker()
    anna.book(scope, rome(2027, 1, 4, 8, 30))
    for start, code in ((rome(2027, 1, 4, 7, 0), "outside_hours"), (rome(2027, 1, 4, 10, 30), "taken")):
        with pytest.raises(Refusal) as refused:
            anna.book(scope, start)
        assert refused.value.code == code


@on_both_databases
def test_who_saved_first_wins_and_the_second_looks_again(scope: Instrument) -> None:
    changed(scope, lead_minutes=60)
    with pytest.raises(Conflict) as refused:
        changed(scope, version=0, horizon_days=30)
    assert refused.value.code == "changed_meanwhile"
    assert rules_of(scope).horizon_days == 365
    changed(scope, version=1, horizon_days=30)
    assert rules_of(scope).version == 2


def test_the_same_rules_again_change_nothing(scope: Instrument) -> None:
    for _time in range(2):
        changed(scope, lead_minutes=60)
    assert rules_of(scope).version == 1
    acts = db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "change_rules")).all()
    assert [(act.subject_id, act.detail) for act in acts] == [(scope.id, {"lead_minutes": [0, 60]})]


@pytest.mark.parametrize("role", ["stranger", "member", "manager elsewhere"])
def test_only_managers_of_the_facility_and_the_office_set_rules(scope: Instrument, role: str) -> None:
    people = {"stranger": a_person(), "member": a_booker().person, "manager elsewhere": a_manager(a_facility())}
    with pytest.raises(Forbidden):
        change_rules(scope.id, content(scope), Seen(0), actor(people[role]), BEFORE)
    change_rules(scope.id, content(scope), Seen(0), actor(a_person(is_office=True)), BEFORE)


def test_bookings_that_would_break_the_rules_are_shown_first_and_stay(scope: Instrument) -> None:
    anna = a_booker()
    kept = anna.book(scope, rome(2027, 1, 4, 9, 0))
    long = anna.book(scope, rome(2027, 1, 5, 9, 0), rome(2027, 1, 5, 19, 0))
    with pytest.raises(Conflict) as refused:
        changed(scope, most_minutes=240)
    assert (refused.value.code, refused.value.values) == ("bookings_affected", {"count": 1})
    assert queries.version_of(scope) == 0
    changed(scope, broken=frozenset({long}), most_minutes=240)
    assert {row.id for row in db.session.scalars(select(Booking))} == {kept, long}


BREAKS: list[tuple[dict[str, Any], str]] = [
    ({"most_minutes": 60}, "too_long"),
    ({"least_minutes": 180}, "too_short"),
    ({"slot_minutes": 180, "least_minutes": 60}, "off_grid"),
    ({"mode": BookingMode.CLOSED}, "not_bookable"),
    ({"hours": Hours.OWN, "weekly": MONDAY_DAYS[1:]}, "outside_hours"),
    ({"buffer_after": 90}, "buffers"),
    ({"lead_minutes": 1440 * 90, "horizon_days": 100}, ""),
    ({"horizon_days": 7}, ""),
]


@pytest.mark.parametrize(("values", "code"), BREAKS)
def test_why_a_booking_would_break_the_rules(scope: Instrument, values: dict[str, Any], code: str) -> None:
    anna = a_booker()
    anna.book(scope, NINE)
    anna.book(scope, NINE + 3 * HOUR)
    assert set(broken(scope, **values)) == ({code} if code else set())


def broken(instrument: Instrument, **values: Any) -> list[str]:
    wanted = content(instrument, **values)
    return [one.why.code for one in broken_by(db.session(), instrument, wanted, BEFORE)]


def test_nights_and_days_that_are_no_longer_allowed_are_shown(scope: Instrument) -> None:
    anna = a_booker()
    anna.book(scope, rome(2027, 1, 4, 20, 0), rome(2027, 1, 5, 8, 0))
    anna.book(scope, rome(2027, 1, 6, 20, 0), rome(2027, 1, 9, 8, 0))
    assert broken(scope, allows_overnight=False) == ["overnight"]
    assert broken(scope, allows_overnight=False, allows_several_days=False) == ["overnight", "several_days"]


def test_past_bookings_closures_and_rounds_break_no_rule(scope: Instrument) -> None:
    a_booking(scope, starts_at=BEFORE - HOUR)
    a_booking(scope, starts_at=NINE, kind="closure")
    a_booking(scope, starts_at=NINE + 3 * HOUR, kind="round")
    assert broken(scope, mode=BookingMode.CLOSED) == []


def test_own_hours_replace_a_shared_plan_and_leave_it_alone(lab: Facility) -> None:
    plan = an_operating_plan((5, 480, 480))
    first, second = (an_instrument(lab, operating_plan_id=plan.id) for _ in range(2))
    assert content(first).hours is Hours.SHARED
    changed(first, hours=Hours.OWN, weekly=MONDAY_DAYS)
    changed(first, version=1, hours=Hours.OWN, weekly=MONDAY_DAYS[:1])
    own = db.session.scalars(select(OperatingPlan).where(OperatingPlan.slug == f"own-{first.id}")).one()
    assert [(one.weekday, one.start_minute, one.minutes) for one in own.shifts] == [(0, 480, 600)]
    assert own.timezone == "Europe/Rome"
    assert db.session.get_one(Instrument, second.id).operating_plan_id == plan.id
    assert db.session.scalar(select(func.count(Shift.id)).where(Shift.plan_id == plan.id)) == 1
    changed(first, version=2, hours=Hours.ALWAYS, weekly=())
    assert db.session.get_one(Instrument, first.id).operating_plan_id is None
    with pytest.raises(Invalid):
        changed(first, version=3, hours=Hours.SHARED, weekly=())


def test_a_parent_is_another_instrument_of_the_facility_without_a_parent_of_its_own(
    lab: Facility, scope: Instrument
) -> None:
    parent, child = an_instrument(lab), an_instrument(lab)
    with_parent = {"mode": BookingMode.WITH_PARENT}
    for wrong in (scope, an_instrument()):
        with pytest.raises(Invalid) as refused:
            changed(scope, **with_parent, parent_id=wrong.id)
        assert set(refused.value.fields) == {"parent"}
    changed(child, **with_parent, parent_id=scope.id)
    with pytest.raises(Invalid) as refused:
        changed(scope, **with_parent, parent_id=parent.id)
    assert set(refused.value.fields) == {"mode"}
    with pytest.raises(Invalid):
        changed(parent, **with_parent, parent_id=child.id)


# --- the import --------------------------------------------------------------------------------------------


@on_both_databases
def test_an_import_leaves_alone_what_managers_have_set(context: Flask) -> None:
    imported(a_document())
    ruled, free = (
        db.session.scalars(select(Instrument).where(Instrument.slug == slug)).one() for slug in ("protons", "carbon")
    )
    before = (free.slot_minutes, free.most_minutes)
    changed(ruled, mode=BookingMode.INSTANT, most_minutes=600, hours=Hours.OWN, weekly=MONDAY_DAYS)
    assert imported(a_document()).changed_nothing
    outcome = imported(
        a_document(
            ("facilities.0.resources.0.max_minutes", 960),
            ("facilities.0.resources.1.max_minutes", 960),
            ("facilities.0.resources.0.operation", "service"),
        )
    )
    assert outcome.changes == {
        "instrument laboratorio/protons": ["operation"],
        "instrument laboratorio/carbon": ["most_minutes"],
    }
    db.session.expire_all()
    assert (ruled.booking_mode, ruled.most_minutes) == (BookingMode.INSTANT, 600)
    assert ruled.operating_plan is not None
    assert ruled.operating_plan.slug == f"own-{ruled.id}"
    assert (free.booking_mode, free.slot_minutes, free.most_minutes) == (BookingMode.ROUND, before[0], 960)


# --- quotas ------------------------------------------------------------------------------------------------

WEEKLY = QuotaRule(QuotaOf.PERSON, Measure.MINUTES, Period.WEEK, 120)


def added(facility: Facility, rule: QuotaRule = WEEKLY, key: str = "k") -> UUID:
    return add_quota(facility.id, rule, actor(a_manager(facility)), BEFORE, key)


@on_both_databases
def test_managers_add_a_quota_and_switch_it_off(lab: Facility, scope: Instrument) -> None:
    made = added(lab, replace(WEEKLY, prime=Prime(frozenset({0}), 540, 1080)))
    row = db.session.get_one(Quota, made)
    assert (row.prime_weekdays, row.prime_from, row.prime_until, row.is_active) == (1, 540, 1080, True)
    anna = a_booker()
    anna.book(scope)
    with pytest.raises(Conflict, match="quota"):
        anna.book(scope, NINE + 2 * HOUR)
    for _time in range(2):
        end_quota(made, actor(a_manager(lab)), BEFORE)
    anna.book(scope, NINE + 2 * HOUR)
    assert db.session.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.verb == "end_quota")) == 1


def test_the_same_key_adds_one_quota(lab: Facility) -> None:
    manager = actor(a_manager(lab))
    made = {add_quota(lab.id, WEEKLY, manager, BEFORE, "k") for _time in range(2)}
    assert len(made) == 1
    assert db.session.scalar(select(func.count(Quota.id))) == 1


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("most", replace(WEEKLY, most=-1)),
        ("most", replace(WEEKLY, most=10**9)),
        ("prime_until", replace(WEEKLY, prime=Prime(frozenset({0}), 600, 600))),
        ("instrument", replace(WEEKLY, instrument_id=UUID(int=1))),
    ],
)
def test_a_quota_that_makes_no_sense_is_refused(lab: Facility, field: str, rule: QuotaRule) -> None:
    with pytest.raises(Invalid) as refused:
        added(lab, rule)
    assert list(refused.value.fields) == [field]


def test_only_managers_of_the_facility_set_its_quotas(lab: Facility) -> None:
    made = added(lab)
    for person in (a_booker().person, a_manager(a_facility())):
        with pytest.raises(Forbidden):
            add_quota(lab.id, WEEKLY, actor(person), BEFORE, "k")
        with pytest.raises(Forbidden):
            end_quota(made, actor(person), BEFORE)
