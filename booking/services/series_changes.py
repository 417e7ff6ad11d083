"""Changing a series: one of its bookings, that one and the following, or all that are still to come.

Each booking that changes stays the same row with the same uid. A change of times puts every booking of the scope at the
new times of the series' own day, also one that had been moved by itself; a change of the title alone leaves all times
as they are. Bookings that have begun, were cancelled or were handed over to somebody else stay as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.policy import Actor
from booking.lifecycle import LIVE
from booking.models import Booking, BookingSeries
from booking.policy import ledger as policy
from booking.queries import ledger as ledger_queries
from booking.queries import series as queries
from booking.recurrence import Pattern, at_times, before, occurrence, read, rule_days, since, written
from booking.services.ledger.approvals import MOST_AT_ONCE, Decision, Result, Wanted, decide_each
from booking.services.ledger.cancelling import cancel_locked, is_charged
from booking.services.ledger.common import changed_meanwhile, reason_missing, sound_title
from booking.services.ledger.holding import change_state, lock_instruments
from booking.services.ledger.moving import check_may_move, move_locked
from booking.services.series import OccurrencesRefused, skipped_by_clock, tell_series
from core import audit
from core.db import Tx, transaction
from core.errors import Conflict, NotFound, Refusal
from core.i18n import N_
from core.intervals import Interval


class Scope(StrEnum):
    """Which bookings of a series are meant."""

    THIS = "this"
    FOLLOWING = "following"
    ALL = "all"


@dataclass(frozen=True)
class WallTimes:
    """Minutes after midnight by the wall clock; the end lies `days` days after the day of the start."""

    start: int
    end: int
    days: int = 0


@dataclass(frozen=True)
class Change:
    """What is to be different; None: as it is."""

    times: WallTimes | None = None
    title: str | None = None


@dataclass(frozen=True)
class _Held:
    """A series with all its bookings, locked, and the one that the verb was about."""

    series: BookingSeries
    row: Booking
    rows: Sequence[Booking]

    @property
    def pattern(self) -> Pattern:
        return read(self.series.pattern)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.series.zone)


@dataclass(frozen=True)
class _Act:
    """In which transaction, by whom, when and why."""

    tx: Tx
    actor: Actor
    now: datetime
    reason: str


def change_series(
    booking_id: UUID, scope: Scope, change: Change, actor: Actor, now: datetime, reason: str = ""
) -> None:
    """Change times, title or both, of all bookings in the scope or of none. What is so already changes nothing.

    FOLLOWING ends the series before this booking and begins a new one with it. Refusals: NotFound (no series), Conflict
    "handed_over", "nothing_to_come"; Invalid (times, title, "reason_missing" by a manager); OccurrencesRefused, and in
    scope THIS the refusal itself.
    """
    with transaction() as tx:
        held = _locked(tx, booking_id)
        check_may_move(actor, held.row)
        if not actor.is_person(held.row.person_id) and not reason.strip():
            raise reason_missing()
        title = None if change.title is None else sound_title(change.title)
        chosen = [held.row] if scope is Scope.THIS else _to_come(held, scope, now)
        if not chosen:
            raise Conflict(N_("No booking of this series is still to come."), code="nothing_to_come")
        act = _Act(tx, actor, now, reason.strip())
        changed = _renamed(act, chosen, title) | _moved(act, held, scope, change.times, chosen)
        if not changed:
            return
        if scope is not Scope.THIS:
            _rewrite(act, held, scope, change.times, title)
        told = [row for row in chosen if row.id in changed]
        by = "" if actor.is_person(held.row.person_id) else actor.name
        tell_series(tx, held.series, told, "series_changed", now, by=by, reason=reason.strip())


def cancel_series(booking_id: UUID, scope: Scope, actor: Actor, now: datetime, reason: str = "") -> None:
    """Give back the time of all bookings in the scope that are still to come. Cancelling twice changes nothing.

    Refusals: NotFound (no series); Conflict "handed_over", in scope THIS "has_begun"; Invalid "reason_missing".
    """
    with transaction() as tx:
        held = _locked(tx, booking_id)
        policy.may_cancel(actor, ledger_queries.held(held.row)).or_refuse()
        chosen = [held.row] if scope is Scope.THIS else _to_come(held, scope, now)
        chosen = [row for row in chosen if row.state in LIVE]
        if not chosen:
            return
        late = sum(1 for row in chosen if is_charged(tx.session, row, actor, now))
        for row in chosen:
            cancel_locked(tx, row, actor, now, reason)
        by = "" if actor.is_person(held.row.person_id) else actor.name
        tell_series(tx, held.series, chosen, "series_cancelled", now, by=by, reason=reason.strip(), late=late)


def decide_series(
    booking_id: UUID, decision: Decision, actor: Actor, now: datetime, reason: str = ""
) -> Sequence[Result]:
    """The same decision on all bookings of a series that wait; what came of each. Nothing waits: nothing changes.

    When none could be decided on, the refusal of the first one.
    """
    with transaction() as tx:
        row = tx.one(ledger_queries.booking(booking_id))
        if row.series_id is None:
            raise NotFound
        waiting = [one.id for one in tx.session.scalars(queries.waiting_in(row.series_id, now))]
    results: list[Result] = []
    for start in range(0, len(waiting), MOST_AT_ONCE):
        wanted = [Wanted(one) for one in waiting[start : start + MOST_AT_ONCE]]
        results += decide_each(wanted, decision, actor, now, reason)
    refused = [one.refusal for one in results if one.refusal is not None]
    if refused and len(refused) == len(results):
        raise refused[0]
    return results


# --- which bookings ---------------------------------------------------------------------------------------


def _locked(tx: Tx, booking_id: UUID) -> _Held:
    """The series of a booking: its instruments, then its own row, then its bookings (docs/reference/locking.md)."""
    seen = tx.one(ledger_queries.booking(booking_id))
    if seen.series_id is None:
        raise NotFound
    series_id = seen.series_id
    places = set(tx.session.scalars(queries.instruments_of(series_id)))
    lock_instruments(tx, places)
    series = tx.lock(queries.series(series_id))
    to_lock = queries.occurrences_to_lock(series_id).with_for_update().execution_options(populate_existing=True)
    rows = sorted(tx.session.scalars(to_lock), key=_day)
    row = next((one for one in rows if one.id == booking_id), None)
    if row is None or any(one.instrument_id not in places for one in rows):
        raise changed_meanwhile()
    return _Held(series, row, rows)


def _day(row: Booking) -> date:
    assert row.series_day is not None  # noqa: S101 - whoever has a series has a day
    return row.series_day


def _to_come(held: _Held, scope: Scope, now: datetime) -> list[Booking]:
    """The bookings of the series' holder that have not begun: of the whole series, or from one on."""
    if held.row.person_id != held.series.person_id:
        raise Conflict(N_("This booking was handed over: it is changed by itself."), code="handed_over")
    first = _day(held.row) if scope is Scope.FOLLOWING else date.min
    return [
        row
        for row in held.rows
        if row.state in LIVE and row.starts_at > now and row.person_id == held.row.person_id and _day(row) >= first
    ]


# --- times and titles -------------------------------------------------------------------------------------


def _renamed(act: _Act, chosen: list[Booking], title: str | None) -> set[UUID]:
    """Which bookings have another title now."""
    others = [row for row in chosen if title is not None and row.title != title]
    for row in others:
        facts = {"from": row.title, "to": title}
        row.title = title or ""
        change_state(act.tx, row, "rename", act.actor, act.now, act.reason, facts)
    return {row.id for row in others}


def _moved(act: _Act, held: _Held, scope: Scope, times: WallTimes | None, chosen: list[Booking]) -> set[UUID]:
    """Which bookings are elsewhere now; a booking may take the time that another one of them leaves."""
    if times is None:
        return set()
    pattern = at_times(held.pattern, times.start, times.end, times.days)
    days = {row.id: _local_day(row, held.zone) if scope is Scope.THIS else _day(row) for row in chosen}
    wanted = {row.id: occurrence(pattern, days[row.id], held.zone).interval for row in chosen}
    left = [row for row in chosen if wanted[row.id] != row.interval]
    moved = {row.id for row in left}
    while left:
        refused = _one_pass(act, left, wanted)
        if len(refused) == len(left):
            raise _refusal(scope, left, refused, len(chosen))
        left = [row for row in left if row.id in refused]
    return moved


def _one_pass(act: _Act, left: list[Booking], wanted: Mapping[UUID, Interval | None]) -> dict[UUID, Refusal]:
    """Try each once, first those whose way leads out of the others'; what was refused stays where it is."""
    refused: dict[UUID, Refusal] = {}
    waiting = {row.id for row in left}
    ahead = wanted[left[0].id]
    for row in reversed(left) if ahead is not None and ahead.start > left[0].starts_at else left:
        waiting.discard(row.id)
        interval = wanted[row.id]
        try:
            if interval is None:
                raise skipped_by_clock()
            move_locked(act.tx, row, interval, act.actor, act.now, None, act.reason, frozenset(waiting))
        except Refusal as refusal:
            refused[row.id] = refusal
    return refused


def _refusal(scope: Scope, left: list[Booking], refused: Mapping[UUID, Refusal], of: int) -> Refusal:
    if scope is Scope.THIS:
        return refused[left[0].id]
    return OccurrencesRefused({_day(row): refused[row.id] for row in left}, of)


def _local_day(row: Booking, zone: ZoneInfo) -> date:
    return row.starts_at.astimezone(zone).date()


# --- the rule ---------------------------------------------------------------------------------------------


def _rewrite(act: _Act, held: _Held, scope: Scope, times: WallTimes | None, title: str | None) -> None:
    """Make the series' own row say what its bookings are now; FOLLOWING cuts it in two where there is a part before."""
    series = held.series
    if scope is Scope.FOLLOWING and _day(held.row) > rule_days(held.pattern)[0]:
        series = _cut(act, held)
    pattern = read(series.pattern)
    series.pattern = written(at_times(pattern, times.start, times.end, times.days) if times else pattern)
    series.title = series.title if title is None else title
    series.changed_at = act.now
    audit.record(act.tx, act.actor.person_id, "change_series", series, act.now, detail=series.pattern)


def _cut(act: _Act, held: _Held) -> BookingSeries:
    """A new series from the booking's day on; the old one ends before it."""
    day, old = _day(held.row), held.series
    new = BookingSeries(
        instrument_id=old.instrument_id,
        person_id=old.person_id,
        organisation_id=old.organisation_id,
        title=old.title,
        zone=old.zone,
        pattern=written(since(held.pattern, day)),
        created_at=act.now,
        changed_at=act.now,
    )
    act.tx.session.add(new)
    act.tx.session.flush()
    old.pattern, old.changed_at = written(before(held.pattern, day)), act.now
    audit.record(act.tx, act.actor.person_id, "cut_series", old, act.now, detail=old.pattern)
    for row in held.rows:
        if _day(row) >= day:
            row.series_id = new.id
    return new
