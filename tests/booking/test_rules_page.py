"""Managers set an instrument's rules and a facility's quotas; members read them before they book."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from booking.instrument_rules import Hours, RulesContent, check, overlap
from booking.lengths import length_text, minutes_in
from booking.models import Booking, Measure, Period, Quota, QuotaOf
from booking.queries import rules as queries
from booking.quotas import Prime, QuotaRule
from booking.services.quotas import add_quota, end_quota
from booking.services.rules import Seen, broken_by, change_rules
from core import clock
from core.audit import AuditEntry
from core.db import db
from core.errors import Conflict, Forbidden, Invalid, Refusal
from facilities.models import Facility, Instrument, InstrumentRules, OperatingPlan, Shift
from facilities.models.rules import Assistance
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
from tests.support import Browser, browser, on_both_databases

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
    mode = BookingMode.WITH_PARENT
    for wrong in (scope, an_instrument()):
        with pytest.raises(Invalid) as refused:
            changed(scope, mode=mode, parent_id=wrong.id)
        assert set(refused.value.fields) == {"parent"}
    changed(child, mode=mode, parent_id=scope.id)
    with pytest.raises(Invalid) as refused:
        changed(scope, mode=mode, parent_id=parent.id)
    assert set(refused.value.fields) == {"mode"}
    with pytest.raises(Invalid):
        changed(parent, mode=mode, parent_id=child.id)


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


def test_an_instrument_that_the_catalogue_no_longer_names_is_closed_whatever_its_rules(context: Flask) -> None:
    imported(a_document())
    ruled = db.session.scalars(select(Instrument).where(Instrument.slug == "carbon")).one()
    changed(ruled, mode=BookingMode.INSTANT)
    imported(a_document(("facilities.0.resources.1", ...)))
    db.session.expire_all()
    assert ruled.booking_mode is BookingMode.CLOSED


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


# --- the page of the rules -----------------------------------------------------------------------------------

AS_IT_IS: dict[str, str] = {
    "version": "0",
    "mode": "instant",
    "parent": "",
    "approval_levels": "1",
    "opens_leftover": "y",
    "slot_minutes": "60",
    "least_minutes": "1 h",
    "most_minutes": "7 d",
    "lead_minutes": "0",
    "horizon_days": "365",
    "buffer_before": "0 min",
    "buffer_after": "0 min",
    "allows_overnight": "y",
    "allows_several_days": "y",
    "hours": "always",
    "free_cancel_minutes": "0",
    "last_minute_minutes": "1 d",
    "no_show_minutes": "",
    "assistance": "none",
}
RULES = "/facilities/lab/scope/rules"


@pytest.fixture
def manager(app: Flask, scope: Instrument, lab: Facility) -> Browser:
    return browser(app, a_manager(lab).id)


def seen(client: Browser, path: str) -> str:
    with clock.frozen_at(BEFORE):
        answer = client.get(f"{path}?lang=en")
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def sent(client: Browser, path: str = RULES, **values: str) -> TestResponse:
    base = AS_IT_IS if path == RULES else {}
    with clock.frozen_at(BEFORE):
        return client.post_form(f"{path}?lang=en", {**base, **values})


def test_a_manager_sets_all_rules_on_one_page(manager: Browser, scope: Instrument) -> None:
    answer = sent(
        manager,
        mode="approval",
        approval_levels="2",
        slot_minutes="30 min",
        least_minutes="1 h 30 min",
        most_minutes="12 h",
        lead_minutes="1 d",
        horizon_days="30",
        buffer_before="15",
        buffer_after="1 h",
        allows_overnight="",
        allows_several_days="",
        opens_leftover="",
        hours="own",
        free_cancel_minutes="2 d",
        last_minute_minutes="12 h",
        no_show_minutes="30",
        assistance="optional",
        **{"day_0-start": "08:00", "day_0-end": "12:00", "day_0-start_again": "13:00"},
        **{"day_0-end_again": "24:00", "day_4-start": "22:00", "day_4-end": "06:00"},
    )
    assert answer.status_code == 303
    assert content(scope) == RulesContent(
        mode=BookingMode.APPROVAL,
        slot_minutes=30,
        least_minutes=90,
        most_minutes=720,
        hours=Hours.OWN,
        weekly=(WeeklyShift(0, 480, 240), WeeklyShift(0, 780, 660), WeeklyShift(4, 1320, 480)),
        lead_minutes=1440,
        horizon_days=30,
        buffer_before=15,
        buffer_after=60,
        allows_overnight=False,
        allows_several_days=False,
        free_cancel_minutes=2880,
        last_minute_minutes=720,
        no_show_minutes=30,
        assistance=Assistance.OPTIONAL,
        approval_levels=2,
        opens_leftover=False,
    )


def test_the_page_shows_the_rules_as_they_are_and_saves_them_unchanged(manager: Browser, scope: Instrument) -> None:
    weekly = (WeeklyShift(0, 480, 240), WeeklyShift(0, 780, 660), WeeklyShift(4, 1320, 480))
    changed(scope, hours=Hours.OWN, weekly=weekly, most_minutes=100, no_show_minutes=45, lead_minutes=1530)
    before = content(scope)
    text = seen(manager, RULES)
    fields = dict(re.findall(r'name="([a-z_0-9-]+)"[^>]*?value="([^"]*)"', text))
    assert fields["lead_minutes"] == "1 d 1 h 30 min"
    assert text.count('class="form-check-input"') == 3, "boxes are drawn as boxes"
    assert (fields["day_4-start"], fields["day_4-end"]) == ("22:00", "06:00")
    fields |= {"mode": "instant", "parent": "", "hours": "own", "assistance": "none"}
    fields.pop("csrf_token")
    assert sent(manager, **fields).status_code == 303
    assert content(scope) == before
    assert queries.version_of(scope) == 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"slot_minutes": "soon"}, "Give a length such as 30 min, 2 h or 1 d 12 h."),
        ({"least_minutes": ""}, "Please fill this in."),
        ({"most_minutes": "30"}, "The longest booking is at least as long as the shortest one"),
        ({"mode": "free"}, "Please choose one of these."),
        ({"mode": "with_parent"}, "Say with which instrument it is booked."),
        ({"parent": "x"}, "Please choose one of these."),
        ({"hours": "own"}, "Give at least one stretch of the week."),
        ({"hours": "shared"}, "Please choose one of these."),
        ({"day_0-start": "08:00"}, "Give both times, or none."),
        ({"day_0-start": "24:00", "day_0-end": "08:00"}, "Give a time between 00:00 and 24:00."),
        ({"day_0-start": "8", "day_0-end": "08:00"}, "Give a time between 00:00 and 24:00."),
        ({"no_show_minutes": "2 d"}, "Between 5 minutes and a day, or empty."),
        ({"horizon_days": "99999999999"}, "Give a whole number."),
        ({"horizon_days": "999"}, "This is too little or too much."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    manager: Browser, scope: Instrument, values: dict[str, str], sentence: str
) -> None:
    answer = sent(manager, **values)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert queries.version_of(scope) == 0


def test_two_managers_at_once_and_the_second_is_told(manager: Browser, scope: Instrument) -> None:
    assert sent(manager, lead_minutes="1 h").status_code == 303
    answer = sent(manager, horizon_days="30")
    assert answer.status_code == 409
    assert "Somebody else changed these rules in the meantime." in answer.text


def test_bookings_that_break_the_new_rules_are_listed_before_anything_changes(
    manager: Browser, scope: Instrument
) -> None:
    made = a_booker(name="Anna").book(scope, rome(2027, 1, 4, 9, 0), rome(2027, 1, 4, 19, 0))
    first = sent(manager, most_minutes="4 h")
    assert first.status_code == 409
    text = " ".join(first.text.split())
    assert "These bookings would break the new rules" in text
    assert f"/bookings/{made}" in text
    assert "Anna: A booking takes at most 240 minutes, this one takes 600." in text
    assert queries.version_of(scope) == 0
    broken_ids = re.findall(r'name="broken"[^>]*value="([^"]*)"', text)
    assert broken_ids == [str(made)]
    assert sent(manager, most_minutes="4 h", broken=broken_ids[0]).status_code == 303
    assert content(scope).most_minutes == 240
    assert db.session.get_one(Booking, made).ends_at == rome(2027, 1, 4, 19, 0)


def test_members_cannot_open_the_managers_pages_and_find_no_link(app: Flask, manager: Browser) -> None:
    client = browser(app, a_booker().person.id)
    for path in (RULES, "/facilities/lab/quotas"):
        assert client.get(path).status_code == 403
    assert RULES not in seen(client, "/facilities/lab/scope")
    assert RULES in seen(manager, "/facilities/lab/scope")
    assert client.get("/facilities/nowhere/scope/rules").status_code == 404


# --- the page of the quotas ----------------------------------------------------------------------------------

QUOTAS = "/facilities/lab/quotas"
NEW = {
    "of": "person",
    "measure": "minutes",
    "period": "week",
    "most": "2.5",
    "instrument": "",
    "prime_from": "00:00",
    "prime_until": "24:00",
    "key": "1",
}


def test_a_manager_adds_quotas_and_switches_them_off(manager: Browser, scope: Instrument) -> None:
    assert sent(manager, QUOTAS, **NEW).status_code == 303
    prime = {"weekdays": "0", "prime_from": "09:00", "prime_until": "18:00", "key": "2", "measure": "bookings"}
    assert sent(manager, QUOTAS, **{**NEW, **prime, "most": "3", "instrument": str(scope.id)}).status_code == 303
    text = seen(manager, QUOTAS)
    assert "booked time a week per person, on all instruments of the facility together: at most 2.5 h" in text
    assert "bookings a week per person, on this instrument (only Mon, 09:00–18:00): at most 3" in text
    first, second = db.session.scalars(select(Quota).order_by(Quota.most)).all()
    assert (first.most, first.prime_weekdays, second.most, second.prime_weekdays) == (3, 1, 150, 0)
    assert sent(manager, f"{QUOTAS}/{first.id}/end").status_code == 303
    assert "switched off" in seen(manager, QUOTAS)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"most": ""}, "Please fill this in."),
        ({"most": "many"}, "Give hours, for example 8 or 2.5."),
        ({"most": "2.5", "measure": "bookings"}, "Give a whole number."),
        ({"most": "99999"}, "This is too little or too much."),
        ({"weekdays": "0", "prime_from": "18:00", "prime_until": "09:00"}, "The end must be after the start."),
        ({"instrument": "x"}, "Please choose one of these."),
    ],
)
def test_a_wrong_quota_is_told_beside_its_field(manager: Browser, values: dict[str, str], sentence: str) -> None:
    answer = sent(manager, QUOTAS, **{**NEW, **values})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert db.session.scalar(select(func.count(Quota.id))) == 0


# --- what the booking form says ------------------------------------------------------------------------------


def test_the_rules_are_said_on_the_booking_form(app: Flask, scope: Instrument) -> None:
    changed(
        scope,
        slot_minutes=30,
        least_minutes=30,
        most_minutes=240,
        lead_minutes=120,
        horizon_days=90,
        buffer_after=15,
        allows_overnight=False,
        allows_several_days=False,
        hours=Hours.OWN,
        weekly=(*(WeeklyShift(day, 480, 600) for day in range(5)), WeeklyShift(5, 1320, 480)),
        free_cancel_minutes=1440,
        no_show_minutes=20,
    )
    text = seen(browser(app, a_booker().person.id), "/facilities/lab/scope")
    for sentence in (
        "In steps of 30 min, from 30 min to 4 h.",
        "Within one day: not over midnight.",
        "Before each booking 0 min stay free, after it 15 min.",
        "Open: Mon–Fri 08:00–18:00; Sat 22:00–Sun 06:00.",
        "Book at least 2 h ahead.",
        "Book at most 90 days ahead.",
        "Cancel freely until 1 d before the start",
        "Check in within 20 min of the start",
    ):
        assert sentence in text


def test_what_of_a_quota_is_used_is_said_for_the_period_of_the_form(
    app: Flask, scope: Instrument, lab: Facility
) -> None:
    anna = a_booker()
    added(lab)
    added(lab, replace(WEEKLY, of=QuotaOf.ORGANISATION, measure=Measure.BOOKINGS, most=3), key="2")
    anna.book(scope, BEFORE + timedelta(days=2, hours=9))
    client = browser(app, anna.person.id)
    text = seen(client, "/facilities/lab/scope")
    assert "Used by you this week: 2 h of 2 h." in text
    assert f"Used by {anna.organisation.name} this week: 1 of 3." in text
    assert "Less than 1 d before the start no quota counts." in text
    with clock.frozen_at(BEFORE):
        later = client.get("/facilities/lab/scope?lang=en&week=2027-01-04&start=2027-01-04T10:00&end=2027-01-04T12:00")
    assert "Used by you until Sunday 10 January 2027: 0 h of 2 h." in later.text
    assert "Quota:" not in seen(browser(app, a_person().id), "/facilities/lab/scope")


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("90", 90),
        ("1 h 30 min", 90),
        ("1h30", 90),
        ("2 d", 2880),
        ("2 G", 2880),
        ("1 d 1 m", 1441),
        ("0", 0),
        ("", None),
        ("h", None),
        ("1.5 h", None),
        ("-1", None),
        ("٣", None),
    ],
)
def test_lengths_are_read_as_people_write_them(text: str, minutes: int | None) -> None:
    assert minutes_in(text) == minutes


@pytest.mark.parametrize("minutes", [0, 1, 59, 60, 90, 1440, 1441, 2880 + 61, 525600])
def test_a_length_is_read_back_as_it_was_written(minutes: int) -> None:
    for language in ("it", "en"):
        assert minutes_in(length_text(minutes, language)) == minutes
