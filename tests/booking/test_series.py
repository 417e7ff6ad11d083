"""Series of bookings: what a preview says, all or nothing, changing and cancelling one, the following, or all."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.policy import VISITOR
from booking.lifecycle import BookingState
from booking.models import (
    Booking,
    BookingKind,
    BookingSeries,
    CalendarKind,
    CalendarVersion,
    Measure,
    Period,
    Quota,
    QuotaOf,
)
from booking.recurrence import Pattern, Weekly, days_of, read
from booking.services import ledger
from booking.services.ledger.approvals import Decision
from booking.services.series import Line, OccurrencesRefused, SeriesWish, book_series, preview
from booking.services.series_changes import Change, Scope, WallTimes, cancel_series, change_series, decide_series
from core.audit import AuditEntry
from core.db import db, transaction
from core.errors import Conflict, Forbidden, NotFound, Refusal
from core.mail import render
from core.outbox import OutboxMessage
from facilities.models import Facility, Instrument, InstrumentRules
from facilities.policy import BookingMode
from tests.booking.bookers import HOUR, ROME, Booker, a_booker, rome
from tests.factories import (
    BEFORE,
    a_booking,
    a_facility,
    a_manager,
    actor,
    an_instrument,
    an_operating_plan,
    an_organisation,
    stored,
)
from tests.support import on_both_databases

FIRST = date(2027, 1, 4)
WEEK = timedelta(weeks=1)


@pytest.fixture
def facility(context: Flask) -> Facility:
    return a_facility()


@pytest.fixture
def scope(facility: Facility) -> Instrument:
    return an_instrument(facility)


@pytest.fixture
def anna(context: Flask) -> Booker:
    return a_booker(name="Anna", language="en")


def mondays(**values: Any) -> Pattern:
    """Mondays from FIRST on, four times, 09:00–11:00 in Rome."""
    if "until" not in values:
        values.setdefault("count", 4)
    return Pattern(**{"rule": Weekly(1, frozenset({0})), "first": FIRST, "start": 540, "end": 660, **values})


def a_wish(anna: Booker, instrument: Instrument, pattern: Pattern | None = None, **more: Any) -> SeriesWish:
    return SeriesWish(pattern or mondays(), instrument.id, anna.organisation.id, **more)


def booked(
    anna: Booker, instrument: Instrument, pattern: Pattern | None = None, key: str = "", **more: Any
) -> list[Booking]:
    """Book a series and give its bookings by day."""
    made = book_series(a_wish(anna, instrument, pattern, **more), actor(anna.person), BEFORE, key)
    return of_series(made)


def of_series(series_id: UUID) -> list[Booking]:
    db.session.rollback()
    found = select(Booking).where(Booking.series_id == series_id).order_by(Booking.series_day)
    return list(db.session.scalars(found.execution_options(populate_existing=True)))


def previewed(anna: Booker, instrument: Instrument, pattern: Pattern | None = None, **more: Any) -> list[Line]:
    return preview(a_wish(anna, instrument, pattern, **more), actor(anna.person), BEFORE)


def codes(lines: list[Line]) -> list[str]:
    """'' for a day that can be had, '-' for one left out."""
    return [line.refusal.code if line.refusal else "" if line.interval else "-" for line in lines]


def local(*rows: Booking) -> list[str]:
    """When bookings begin and end, by Rome's clock."""
    return [f"{row.starts_at.astimezone(ROME):%m-%d %H:%M}–{row.ends_at.astimezone(ROME):%H:%M}" for row in rows]


def how_many(table: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def mails() -> list[str]:
    return [mail.payload["template"] for mail in db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.key))]


# --- booking ----------------------------------------------------------------------------------------------


@on_both_databases
def test_each_day_of_a_series_is_a_booking_of_its_own(anna: Booker, scope: Instrument) -> None:
    rows = booked(anna, scope, title=" Cells ")
    assert local(*rows) == ["01-04 09:00–11:00", "01-11 09:00–11:00", "01-18 09:00–11:00", "01-25 09:00–11:00"]
    assert {(row.state, row.kind, row.title) for row in rows} == {
        (BookingState.CONFIRMED, BookingKind.INSTANT, "Cells")
    }
    assert [row.series_day for row in rows] == [FIRST + n * WEEK for n in range(4)]
    assert len({row.uid for row in rows}) == 4
    series = db.session.scalars(select(BookingSeries)).one()
    assert (read(series.pattern), series.zone, series.title) == (mondays(), "Europe/Rome", "Cells")


@on_both_databases
def test_a_series_is_one_mail_one_act_per_booking_and_one_new_version_of_each_calendar(
    anna: Booker, scope: Instrument
) -> None:
    rows = booked(anna, scope)
    assert mails() == ["series_booked"]
    acts = db.session.scalars(select(AuditEntry.verb).order_by(AuditEntry.id)).all()
    assert acts == ["book_series", "book", "book", "book", "book"]
    versions = {(row.kind, row.subject_id): row.version for row in db.session.scalars(select(CalendarVersion))}
    assert versions[CalendarKind.INSTRUMENT, scope.id] == 1
    payload = db.session.scalars(select(OutboxMessage)).one().payload
    subject, body = render(payload["template"], "en", payload["values"])
    assert subject == f"Booked: {scope.name}, 4 dates"
    assert "Mon 25 Jan 2027, 09:00–11:00" in body
    assert f"/bookings/{rows[0].id}" in body


def test_nine_stays_nine_when_the_clocks_change(anna: Booker, scope: Instrument) -> None:
    rows = booked(anna, scope, mondays(first=date(2027, 3, 22), count=2))
    assert local(*rows) == ["03-22 09:00–11:00", "03-29 09:00–11:00"]
    assert rows[1].starts_at - rows[0].starts_at == WEEK - HOUR


@on_both_databases
def test_the_same_key_books_one_series(anna: Booker, scope: Instrument) -> None:
    wish = a_wish(anna, scope)
    made = {book_series(wish, actor(anna.person), BEFORE, "a key") for _ in range(2)}
    assert len(made) == 1
    assert (how_many(BookingSeries), how_many(Booking), len(mails())) == (1, 4, 1)


def test_on_an_instrument_with_approval_each_booking_waits(anna: Booker, facility: Facility) -> None:
    rows = booked(anna, an_instrument(facility, booking_mode=BookingMode.APPROVAL))
    assert {row.state for row in rows} == {BookingState.TENTATIVE}
    payload = db.session.scalars(select(OutboxMessage)).one().payload
    assert render(payload["template"], "en", payload["values"])[0].startswith("Asked for: ")


def test_who_may_book_may_book_a_series(anna: Booker, scope: Instrument) -> None:
    wish = a_wish(anna, scope)
    for who, organisation_id in ((VISITOR, anna.organisation.id), (actor(anna.person), an_organisation().id)):
        other = SeriesWish(wish.pattern, scope.id, organisation_id)
        with pytest.raises(Forbidden):
            book_series(other, who, BEFORE, "")
        with pytest.raises(Forbidden):
            preview(other, who, BEFORE)
    with pytest.raises(NotFound):
        preview(SeriesWish(wish.pattern, UUID(int=1), anna.organisation.id), actor(anna.person), BEFORE)


WHOLE: list[tuple[str, dict[str, Any], str]] = [
    ("no weekday", {"rule": Weekly(1, frozenset())}, "no_weekday"),
    ("beyond the horizon", {"count": 60}, "too_far_ahead"),
    ("in the past", {"first": date(2026, 1, 5)}, "in_the_past"),
    ("all left out", {"excepted": frozenset(FIRST + n * WEEK for n in range(4))}, "nothing_left"),
]


@pytest.mark.parametrize(("values", "code"), [pytest.param(*case[1:], id=case[0]) for case in WHOLE])
def test_what_is_wrong_with_the_whole_series_is_said_beside_its_field(
    anna: Booker, scope: Instrument, values: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        booked(anna, scope, mondays(**values))
    assert refused.value.code == code
    assert refused.value.fields
    assert how_many(BookingSeries) == 0


# --- what cannot be had -----------------------------------------------------------------------------------


def on_day(n: int, hour: int = 9, minute: int = 0) -> datetime:
    """A wall time of the n-th Monday."""
    day = FIRST + n * WEEK
    return rome(day.year, day.month, day.day, hour, minute)


def take(instrument: Instrument, n: int, hour: int, hours: int) -> Booking:
    start = on_day(n, hour)
    return a_booking(instrument, starts_at=start, ends_at=start + hours * HOUR)


@on_both_databases
def test_a_preview_lists_what_is_refused_and_why_and_changes_nothing(anna: Booker, scope: Instrument) -> None:
    take(scope, 1, 10, 2)
    lines = previewed(anna, scope)
    assert codes(lines) == ["", "taken", "", ""]
    shift = lines[1].shift
    assert shift is not None
    assert (shift.start, shift.interval.start, shift.interval.length) == (480, on_day(1, 8), 2 * HOUR)
    assert "taken" in str(lines[1].refusal)
    for table, rows in ((Booking, 1), (BookingSeries, 0), (AuditEntry, 0), (OutboxMessage, 0), (CalendarVersion, 0)):
        assert how_many(table) == rows


@on_both_databases
def test_without_a_choice_all_is_refused_and_nothing_held(anna: Booker, scope: Instrument) -> None:
    take(scope, 1, 10, 2)
    take(scope, 3, 9, 1)
    with pytest.raises(OccurrencesRefused) as refused:
        booked(anna, scope)
    assert {day: why.code for day, why in refused.value.refused.items()} == {
        FIRST + WEEK: "taken",
        FIRST + 3 * WEEK: "taken",
    }
    assert "2 of 4 dates" in str(refused.value)
    assert "2027-01-11, 2027-01-25" in str(refused.value)
    assert (how_many(Booking), how_many(BookingSeries), how_many(AuditEntry), mails()) == (2, 0, 0, [])


def test_a_refused_day_can_be_left_out_or_take_another_time(anna: Booker, scope: Instrument) -> None:
    take(scope, 1, 10, 2)
    take(scope, 2, 9, 1)
    pattern, moved = mondays(excepted=frozenset({FIRST + WEEK})), {FIRST + 2 * WEEK: 600}
    assert codes(previewed(anna, scope, pattern, moved=moved)) == ["", "-", "", ""]
    rows = booked(anna, scope, pattern, moved=moved)
    assert local(*rows) == ["01-04 09:00–11:00", "01-18 10:00–12:00", "01-25 09:00–11:00"]
    payload = db.session.scalars(select(OutboxMessage)).one().payload
    assert "1 date was left out." in render(payload["template"], "en", payload["values"])[1]


def test_a_chosen_shift_that_somebody_took_meanwhile_is_refused(anna: Booker, scope: Instrument) -> None:
    take(scope, 1, 9, 4)
    with pytest.raises(OccurrencesRefused):
        booked(anna, scope, moved={FIRST + WEEK: 660})


def _a_short_day(scope: Instrument) -> None:
    plan = an_operating_plan((0, 480, 150), (0, 720, 300))  # Mondays 08:00–10:30 and 12–17
    with transaction() as tx:
        tx.session.get_one(Instrument, scope.id).operating_plan_id = plan.id


def _a_full_day(scope: Instrument) -> None:
    take(scope, 0, 0, 24)


def _a_quota(scope: Instrument) -> None:
    stored(
        Quota(
            facility_id=scope.facility_id,
            instrument_id=scope.id,
            of=QuotaOf.PERSON,
            measure=Measure.BOOKINGS,
            period=Period.MONTH,
            most=2,
            created_at=BEFORE,
        )
    )


CONFLICTS: list[tuple[str, Callable[[Instrument], None], dict[str, Any], list[str], list[int | None]]] = [
    ("outside the hours", _a_short_day, {}, ["outside_hours"] * 4, [510] * 4),
    ("a day without room", _a_full_day, {}, ["taken", "", "", ""], [None] * 4),
    ("off the grid", lambda _: None, {"start": 570, "end": 690, "count": 1}, ["off_grid"], [600]),
    ("too long", lambda _: None, {"days": 1, "count": 1}, ["too_long"], [None]),
    ("too short", lambda _: None, {"end": 560, "count": 1}, ["too_short"], [None]),
    (
        "a time that the clocks leave out",
        lambda _: None,
        {"rule": Weekly(1, frozenset({6})), "first": date(2027, 3, 21), "start": 120, "end": 240, "count": 2},
        ["", "skipped_by_clock"],
        [None, 180],
    ),
    ("each before it counts for the quota", _a_quota, {"count": 5}, ["", "", "quota", "quota", ""], [None] * 5),
]


@pytest.mark.parametrize(
    ("prepare", "values", "expected", "shifted"), [pytest.param(*case[1:], id=case[0]) for case in CONFLICTS]
)
def test_each_kind_of_conflict_is_found_by_the_preview_and_refused_by_the_booking(
    anna: Booker,
    scope: Instrument,
    prepare: Callable[[Instrument], None],
    values: dict[str, Any],
    expected: list[str],
    shifted: list[int | None],
) -> None:
    prepare(scope)
    lines = previewed(anna, scope, mondays(**values))
    assert codes(lines) == expected
    assert [line.shift.start if line.shift else None for line in lines] == shifted
    with pytest.raises(OccurrencesRefused) as refused:
        booked(anna, scope, mondays(**values))
    assert set(refused.value.refused) == {line.day for line in lines if line.refusal}
    choice = {line.day: line.shift.start for line in lines if line.shift}
    left_out = frozenset(line.day for line in lines if line.refusal and not line.shift)
    if len(left_out) < len(lines):
        made = booked(anna, scope, mondays(**{**values, "excepted": left_out}), moved=choice)
        assert len(made) == len(lines) - len(left_out), "the choices that the preview offers can be booked"


def test_a_time_that_comes_twice_is_taken_at_its_first_pass_and_said(anna: Booker, scope: Instrument) -> None:
    pattern = mondays(rule=Weekly(1, frozenset({6})), first=date(2027, 10, 31), start=120, end=240, count=1)
    assert [line.is_doubled for line in previewed(anna, scope, pattern)] == [True]
    row = booked(anna, scope, pattern)[0]
    assert row.starts_at == datetime.fromisoformat("2027-10-31T00:00+00:00")


def test_the_nearest_shift_is_offered_with_room_for_the_buffers(anna: Booker, scope: Instrument) -> None:
    stored(InstrumentRules(instrument_id=scope.id, buffer_before=60, buffer_after=60, changed_at=BEFORE))
    take(scope, 1, 8, 2)
    db.session.expire_all()
    lines = previewed(anna, scope)
    assert [line.shift.start if line.shift else None for line in lines] == [None, 660, None, None]


# --- changing ---------------------------------------------------------------------------------------------


def change(
    anna: Booker,
    row: Booking,
    scope: Scope,
    times: tuple[int, int] | None = None,
    title: str | None = None,
    **more: Any,
) -> None:
    change_series(
        row.id,
        scope,
        Change(WallTimes(*times) if times else None, title),
        more.get("actor", actor(anna.person)),
        more.get("now", BEFORE),
        more.get("reason", ""),
    )


def reread(*rows: Booking) -> list[Booking]:
    db.session.rollback()
    return [db.session.get_one(Booking, row.id, populate_existing=True) for row in rows]


CHANGES = [
    (Scope.THIS, ["09:00", "09:00", "10:00", "09:00"], [0, 0, 1, 0], 1),
    (Scope.FOLLOWING, ["09:00", "09:00", "10:00", "10:00"], [0, 0, 1, 1], 2),
    (Scope.ALL, ["10:00", "10:00", "10:00", "10:00"], [1, 1, 1, 1], 1),
]


@on_both_databases
@pytest.mark.parametrize(("of", "starts", "sequences", "series"), CHANGES)
def test_times_change_for_one_the_following_or_all(
    anna: Booker, scope: Instrument, of: Scope, starts: list[str], sequences: list[int], series: int
) -> None:
    rows = booked(anna, scope)
    uids = [row.uid for row in rows]
    for _ in range(2):
        change(anna, rows[2], of, (600, 720))
        after = reread(*rows)
        assert [text[6:11] for text in local(*after)] == starts
        assert [row.uid for row in after] == uids
        assert [row.sequence for row in after] == sequences
        assert how_many(BookingSeries) == series
    assert mails().count("series_changed") == 1, "the second call changed nothing"


def test_this_and_following_cuts_the_series_in_two(anna: Booker, scope: Instrument) -> None:
    rows = booked(anna, scope, title="Cells")
    change(anna, rows[1], Scope.FOLLOWING, (600, 720), "Tissue")
    after = reread(*rows)
    assert after[0].series_id != after[1].series_id
    assert len({row.series_id for row in after[1:]}) == 1
    assert [row.title for row in after] == ["Cells", "Tissue", "Tissue", "Tissue"]
    one, two = (db.session.get_one(BookingSeries, after[n].series_id) for n in (0, 1))
    assert (one.title, two.title) == ("Cells", "Tissue")
    first, second = read(one.pattern), read(two.pattern)
    assert days_of(first) + days_of(second) == [row.series_day for row in after]
    assert (first.start, second.start, second.end) == (540, 600, 720)


def test_following_from_the_first_one_is_the_whole_series(anna: Booker, scope: Instrument) -> None:
    rows = booked(anna, scope)
    change(anna, rows[0], Scope.FOLLOWING, (600, 720))
    assert how_many(BookingSeries) == 1
    assert read(db.session.scalars(select(BookingSeries)).one().pattern).start == 600


def test_a_booking_moved_alone_keeps_its_move_when_only_the_title_changes(anna: Booker, scope: Instrument) -> None:
    rows = booked(anna, scope)
    change(anna, rows[1], Scope.THIS, (780, 900))
    change(anna, rows[0], Scope.ALL, None, "Tissue")
    after = reread(*rows)
    assert local(after[1]) == ["01-11 13:00–15:00"]
    assert {row.title for row in after} == {"Tissue"}


def test_a_booking_moved_alone_comes_back_when_the_times_of_all_change(anna: Booker, scope: Instrument) -> None:
    rows = booked(anna, scope)
    start = on_day(1, 9) + timedelta(days=1)
    ledger.move(rows[1].id, start, start + 2 * HOUR, 0, actor(anna.person), BEFORE)
    change(anna, rows[0], Scope.ALL, (600, 720))
    assert local(*reread(*rows))[1] == "01-11 10:00–12:00"


def test_what_has_begun_and_what_was_cancelled_stays(anna: Booker, scope: Instrument) -> None:
    rows = booked(anna, scope)
    ledger.cancel(rows[2].id, actor(anna.person), BEFORE)
    change(anna, rows[3], Scope.ALL, (600, 720), now=rows[0].starts_at)
    assert [text[6:11] for text in local(*reread(*rows))] == ["09:00", "10:00", "09:00", "10:00"]
    with pytest.raises(Conflict) as refused:
        change(anna, rows[3], Scope.ALL, (660, 780), now=rows[3].starts_at)
    assert refused.value.code == "nothing_to_come"


@on_both_databases
def test_when_one_cannot_move_none_does(anna: Booker, scope: Instrument) -> None:
    rows = booked(anna, scope)
    take(scope, 2, 11, 1)
    with pytest.raises(OccurrencesRefused) as refused:
        change(anna, rows[0], Scope.ALL, (600, 720), "Tissue")
    assert list(refused.value.refused) == [FIRST + 2 * WEEK]
    after = reread(*rows)
    assert {text[6:11] for text in local(*after)} == {"09:00"}
    assert {(row.sequence, row.title) for row in after} == {(0, "")}
    with pytest.raises(Conflict) as alone:
        change(anna, rows[2], Scope.THIS, (600, 720))
    assert alone.value.code == "taken"


def test_bookings_of_a_series_may_take_each_others_old_time(anna: Booker, scope: Instrument) -> None:
    daily = mondays(rule=Weekly(1, frozenset(range(7))), start=0, end=720, count=5)
    rows = booked(anna, scope, daily)
    for start, end, span in ((480, 480, 1), (0, 1440, 0), (1380, 720, 1), (0, 720, 0)):
        change_series(rows[0].id, Scope.ALL, Change(WallTimes(start, end, span)), actor(anna.person), BEFORE)
        wanted = [f"01-0{n + 4} {start // 60:02}:00–{end // 60 % 24:02}:00" for n in range(5)]
        assert local(*reread(*rows)) == wanted


def test_a_time_that_a_clock_change_leaves_out_is_refused_not_moved(anna: Booker, scope: Instrument) -> None:
    sundays = mondays(rule=Weekly(1, frozenset({6})), first=date(2027, 3, 21), count=2)
    rows = booked(anna, scope, sundays)
    with pytest.raises(OccurrencesRefused) as refused:
        change(anna, rows[0], Scope.ALL, (120, 240))
    assert [why.code for why in refused.value.refused.values()] == ["skipped_by_clock"]


def test_moving_what_was_approved_asks_for_approval_again(anna: Booker, facility: Facility) -> None:
    rows = booked(anna, an_instrument(facility, booking_mode=BookingMode.APPROVAL))
    decide_series(rows[0].id, Decision.APPROVE, actor(a_manager(facility)), BEFORE)
    change(anna, rows[2], Scope.FOLLOWING, (600, 720))
    assert [row.state.value for row in reread(*rows)] == ["confirmed", "confirmed", "tentative", "tentative"]


def test_managers_change_a_series_with_a_reason_and_strangers_do_not_know_of_it(
    anna: Booker, facility: Facility, scope: Instrument
) -> None:
    rows = booked(anna, scope)
    manager = actor(a_manager(facility, name="Marco"))
    with pytest.raises(Refusal) as refused:
        change(anna, rows[0], Scope.ALL, (600, 720), actor=manager)
    assert refused.value.code == "reason_missing"
    change(anna, rows[0], Scope.ALL, (600, 720), actor=manager, reason="Repair.")
    sent = [mail.payload for mail in db.session.scalars(select(OutboxMessage))]
    body = next(render("series_changed", "en", one["values"])[1] for one in sent if one["template"] == "series_changed")
    assert "Marco has changed your bookings" in body
    assert "Repair." in body
    for stranger in (a_booker().person, a_manager(a_facility())):
        with pytest.raises(NotFound):
            change(anna, rows[0], Scope.ALL, (660, 780), actor=actor(stranger))
        with pytest.raises(NotFound):
            cancel_series(rows[0].id, Scope.ALL, actor(stranger), BEFORE, "why")


def test_a_booking_that_was_handed_over_leaves_the_series_alone(anna: Booker, scope: Instrument) -> None:
    rows = booked(anna, scope)
    bruno = a_booker()
    with transaction() as tx:
        given = tx.session.get_one(Booking, rows[1].id)
        given.person_id, given.organisation_id = bruno.person.id, bruno.organisation.id
    change(anna, rows[0], Scope.ALL, (600, 720))
    assert [text[6:11] for text in local(*reread(*rows))] == ["10:00", "09:00", "10:00", "10:00"]
    with pytest.raises(Conflict) as refused:
        change_series(rows[1].id, Scope.ALL, Change(title="x"), actor(bruno.person), BEFORE)
    assert refused.value.code == "handed_over"
    with pytest.raises(Conflict) as refused:
        cancel_series(rows[1].id, Scope.FOLLOWING, actor(bruno.person), BEFORE)
    assert refused.value.code == "handed_over"
    cancel_series(rows[1].id, Scope.THIS, actor(bruno.person), BEFORE)


def test_a_booking_without_a_series_has_none_to_change(anna: Booker, scope: Instrument) -> None:
    alone = anna.book(scope)
    with pytest.raises(NotFound):
        change_series(alone, Scope.ALL, Change(title="x"), actor(anna.person), BEFORE)
    with pytest.raises(NotFound):
        cancel_series(alone, Scope.ALL, actor(anna.person), BEFORE)
    with pytest.raises(NotFound):
        decide_series(alone, Decision.APPROVE, actor(anna.person), BEFORE)


# --- cancelling and deciding ------------------------------------------------------------------------------

CANCELS = [(Scope.THIS, [2]), (Scope.FOLLOWING, [2, 3]), (Scope.ALL, [1, 2, 3])]


@on_both_databases
@pytest.mark.parametrize(("of", "cancelled"), CANCELS)
def test_what_is_to_come_is_cancelled_in_its_scope(
    anna: Booker, scope: Instrument, of: Scope, cancelled: list[int]
) -> None:
    rows = booked(anna, scope)
    for _ in range(2):
        cancel_series(rows[2].id, of, actor(anna.person), rows[0].ends_at)
        states = [row.state for row in reread(*rows)]
        assert [n for n, state in enumerate(states) if state is BookingState.CANCELLED] == cancelled
    assert mails().count("series_cancelled") == 1
    booked(anna, scope, mondays(first=FIRST + WEEK * cancelled[0], count=1))


def test_what_has_begun_is_not_cancelled(anna: Booker, scope: Instrument) -> None:
    rows = booked(anna, scope)
    with pytest.raises(Conflict) as refused:
        cancel_series(rows[0].id, Scope.THIS, actor(anna.person), rows[0].starts_at)
    assert refused.value.code == "has_begun"


def test_what_is_cancelled_late_is_said_in_the_mail(anna: Booker, scope: Instrument) -> None:
    stored(InstrumentRules(instrument_id=scope.id, free_cancel_minutes=1440, changed_at=BEFORE))
    rows = booked(anna, scope)
    cancel_series(rows[0].id, Scope.ALL, actor(anna.person), rows[0].starts_at - HOUR)
    sent = [mail.payload for mail in db.session.scalars(select(OutboxMessage))]
    body = next(
        render(one["template"], "en", one["values"])[1] for one in sent if one["template"] == "series_cancelled"
    )
    assert "1 of them was cancelled late" in body


def test_a_manager_cancels_a_series_with_a_reason(anna: Booker, facility: Facility, scope: Instrument) -> None:
    rows = booked(anna, scope)
    manager = actor(a_manager(facility))
    with pytest.raises(Refusal) as refused:
        cancel_series(rows[0].id, Scope.ALL, manager, BEFORE)
    assert refused.value.code == "reason_missing"
    cancel_series(rows[0].id, Scope.ALL, manager, BEFORE, "Closed.")
    assert {row.state for row in reread(*rows)} == {BookingState.CANCELLED}


@on_both_databases
def test_a_manager_decides_on_one_or_on_all_that_wait(anna: Booker, facility: Facility) -> None:
    rows = booked(anna, an_instrument(facility, booking_mode=BookingMode.APPROVAL))
    manager = actor(a_manager(facility))
    ledger.refuse(rows[1].id, manager, BEFORE, "Visit.")
    results = decide_series(rows[0].id, Decision.APPROVE, manager, BEFORE)
    assert len(results) == 3
    assert [row.state.value for row in reread(*rows)] == ["confirmed", "refused", "confirmed", "confirmed"]
    assert decide_series(rows[0].id, Decision.APPROVE, manager, BEFORE) == []


def test_nobody_decides_on_their_own_series_nor_on_one_they_do_not_know(anna: Booker, facility: Facility) -> None:
    rows = booked(anna, an_instrument(facility, booking_mode=BookingMode.APPROVAL))
    with pytest.raises(Forbidden) as refused:
        decide_series(rows[0].id, Decision.APPROVE, actor(anna.person), BEFORE)
    assert refused.value.code == "own_booking"
    with pytest.raises(NotFound):
        decide_series(rows[0].id, Decision.REFUSE, actor(a_booker().person), BEFORE, "no")
    assert {row.state for row in reread(*rows)} == {BookingState.TENTATIVE}
