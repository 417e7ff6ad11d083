"""Booking again and again: what a pattern would give, and holding all of it at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from accounts import queries as accounts
from accounts.policy import Actor
from booking.alternatives import Shift, shifts, span_of
from booking.lifecycle import BookingState
from booking.models import Booking, BookingSeries
from booking.policy import ledger as policy
from booking.queries import ledger as queries
from booking.recurrence import Occurrence, Pattern, beginning_at, check_horizon, checked, occurrence, rule_days, written
from booking.services.ledger.admission import Wish, admit
from booking.services.ledger.common import sound_title
from booking.services.ledger.holding import hold, lock_instruments
from booking.terms import Terms
from core import audit, idempotency, mail
from core.db import Tx, rehearsal, transaction
from core.errors import Conflict, Invalid, Refusal
from core.i18n import N_, either
from core.intervals import Interval
from facilities.models import Instrument

MOST_TRIES = 4
"""How many of the nearest shifts of a day are asked of the ledger's gate: one of them does, or hardly any."""
NO_SHIFT_HELPS = frozenset({"not_qualified", "no_assistance", "not_bookable", "given_with_another"})
SAID_AT_MOST = 5


@dataclass(frozen=True)
class SeriesWish:
    """Bookings on the days of a pattern; the days it excepts are left out.

    `moved` gives single days another start, in minutes of wall time after midnight.
    """

    pattern: Pattern
    instrument_id: UUID
    organisation_id: UUID | None
    title: str = ""
    is_assisted: bool = False
    moved: Mapping[date, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """What becomes of one day: held for `interval`, left out (neither interval nor refusal), or refused.

    `shift` is the nearest time of the same day that a refused occurrence could have instead.
    """

    day: date
    interval: Interval | None = None
    is_doubled: bool = False
    is_moved: bool = False
    refusal: Refusal | None = None
    shift: Shift | None = None


class OccurrencesRefused(Conflict):
    """Some days of a series cannot be had, so nothing was changed; `refused` says why for each day."""

    default_code = "occurrences_refused"

    def __init__(self, refused: Mapping[date, Refusal], of: int) -> None:
        self.refused = dict(refused)
        said = ", ".join(day.isoformat() for day in sorted(refused)[:SAID_AT_MOST])
        super().__init__(
            N_("%(n)s of %(all)s dates cannot be had, so nothing was changed: %(days)s"),
            n=len(refused),
            all=of,
            days=said if len(refused) <= SAID_AT_MOST else f"{said}, …",
        )


def skipped_by_clock() -> Conflict:
    """The refusal of a wall time that a clock change leaves out: nobody moves it in silence."""
    message = N_("This time does not exist on that day: the clocks go forward over it.")
    return Conflict(message, code="skipped_by_clock", fields={"start": message})


def preview(wish: SeriesWish, actor: Actor, now: datetime) -> list[Line]:
    """What booking the series would give, day by day; each day is judged with those before it held. Changes nothing.

    Refusals are those of a whole series: Forbidden (policy), Invalid (pattern, horizon, title).
    """
    with rehearsal() as tx:
        policy.may_book(actor, wish.organisation_id).or_refuse()
        instrument = lock_instruments(tx, [wish.instrument_id])[wish.instrument_id]
        return _attempt(tx, instrument, wish, actor, now).all_days(offers_shifts=True)[0]


def book_series(wish: SeriesWish, actor: Actor, now: datetime, key: str) -> UUID:
    """Hold all days of a series, or none; each is a booking of its own. Gives the series' id, by `key` the same again.

    Refusals: those of `preview`; Invalid "nothing_left"; OccurrencesRefused.
    """
    with transaction() as tx:
        policy.may_book(actor, wish.organisation_id).or_refuse()
        assert actor.person_id is not None  # noqa: S101 - the policy has just said so
        known = idempotency.made_before(tx, actor.person_id, key, "book_series")
        if known is not None:
            return known
        instrument = lock_instruments(tx, [wish.instrument_id])[wish.instrument_id]
        attempt = _attempt(tx, instrument, wish, actor, now)
        lines, rows = attempt.all_days()
        refused = {line.day: line.refusal for line in lines if line.refusal is not None}
        if refused:
            raise OccurrencesRefused(refused, len(lines))
        if not rows:
            message = N_("No date is left to book.")
            raise Invalid(message, code="nothing_left", fields={"first": message})
        idempotency.remember(tx, actor.person_id, key, "book_series", attempt.series.id, now)
        left_out = sum(1 for line in lines if line.interval is None)
        tell_series(tx, attempt.series, rows, "series_booked", now, left_out=left_out)
        return attempt.series.id


@dataclass(frozen=True)
class _Attempt:
    """One try, in one transaction, at holding the days of a series one after the other."""

    tx: Tx
    instrument: Instrument
    terms: Terms
    pattern: Pattern
    series: BookingSeries
    wish: SeriesWish
    actor: Actor
    now: datetime

    def all_days(self, *, offers_shifts: bool = False) -> tuple[list[Line], list[Booking]]:
        """Each day of the pattern, excepted ones too, and the bookings that are held now."""
        lines: list[Line] = []
        rows: list[Booking] = []
        for day in rule_days(self.pattern):
            line, row = self._day(day)
            if row is not None:
                rows.append(row)
            if line.refusal is not None and offers_shifts:
                line = replace(line, shift=self._nearest(day, line.refusal))
            lines.append(line)
        return lines, rows

    def _day(self, day: date) -> tuple[Line, Booking | None]:
        if day in self.pattern.excepted:
            return Line(day), None
        start = self.wish.moved.get(day)
        pattern = self.pattern if start is None else beginning_at(self.pattern, start)
        found = occurrence(pattern, day, self.terms.zone)
        line = Line(day, found.interval, found.is_doubled, is_moved=start is not None)
        try:
            return line, self._held(found)
        except Refusal as refusal:
            return replace(line, refusal=refusal), None

    def _held(self, found: Occurrence) -> Booking:
        if found.interval is None:
            raise skipped_by_clock()
        claim = admit(self.tx, self.instrument, self._asked(found.interval), self.actor, self.now)
        claim = replace(claim, series_id=self.series.id, series_day=found.day)
        return hold(self.tx, self.instrument, claim, self.actor, self.now)

    def _asked(self, interval: Interval) -> Wish:
        series = self.series
        return Wish(interval, series.person_id, series.organisation_id, series.title, self.wish.is_assisted)

    def _nearest(self, day: date, refusal: Refusal) -> Shift | None:
        """The nearest time of the day that the gate admits."""
        if refusal.code in NO_SHIFT_HELPS:
            return None
        around = self.terms.held(span_of(self.pattern, day, self.terms))
        rows = self.tx.session.scalars(queries.held_on(self.instrument, around))
        busy = queries.busy(rows, self.instrument)
        tries = 0
        for shift in shifts(self.pattern, day, self.terms, busy, self.instrument.capacity):
            if shift.interval.start < self.now:
                continue
            tries += 1
            if tries > MOST_TRIES:
                break
            if self._is_admitted(shift.interval):
                return shift
        return None

    def _is_admitted(self, interval: Interval) -> bool:
        try:
            admit(self.tx, self.instrument, self._asked(interval), self.actor, self.now)
        except Refusal:
            return False
        return True


def _attempt(tx: Tx, instrument: Instrument, wish: SeriesWish, actor: Actor, now: datetime) -> _Attempt:
    """The series' own row, once pattern, horizon and title are sound."""
    assert actor.person_id is not None  # noqa: S101 - the policy has said so
    assert wish.organisation_id is not None  # noqa: S101 - likewise
    terms = queries.terms_of(instrument)
    pattern = checked(wish.pattern)
    check_horizon(pattern, now.astimezone(terms.zone).date(), terms.horizon_days)
    series = BookingSeries(
        instrument_id=instrument.id,
        person_id=actor.person_id,
        organisation_id=wish.organisation_id,
        title=sound_title(wish.title),
        zone=terms.zone.key,
        pattern=written(pattern),
        created_at=now,
        changed_at=now,
    )
    tx.session.add(series)
    audit.record(tx, actor.person_id, "book_series", series, now, detail=series.pattern)
    return _Attempt(tx, instrument, terms, pattern, series, wish, actor, now)


def tell_series(
    tx: Tx, series: BookingSeries, rows: list[Booking], template: str, now: datetime, **more: str | int
) -> None:
    """One mail to the holder about several bookings of a series."""
    first = rows[0]
    if first.person_id is None:
        return
    person = tx.one(accounts.person(first.person_id))
    instrument = first.instrument
    facility = instrument.facility
    mail.send(
        tx,
        key=f"{template}:{first.id}:{first.sequence}:{len(rows)}",
        to=person.email,
        language=person.language,
        template=template,
        values={
            "name": person.name,
            "title": first.title,
            "instrument": either(person.language, instrument.name_it, instrument.name),
            "facility": either(person.language, facility.name_it, facility.name_en),
            "city": facility.city,
            "zone": series.zone,
            "times": [[row.starts_at.isoformat(), row.ends_at.isoformat()] for row in rows],
            "waits": any(row.state is BookingState.TENTATIVE for row in rows),
            "path": f"/bookings/{first.id}",
            **more,
        },
        at=now,
    )
