"""Seven days of one instrument: free and busy for everyone, names only for those who may know."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from accounts.policy import Actor
from booking import availability
from booking.lifecycle import BookingState
from booking.models import Booking
from booking.policy import ledger as policy
from booking.queries import ledger as queries
from booking.services.ledger import RUNNING_KINDS
from booking.terms import Terms
from core import formats, timeline
from core.i18n import either
from core.intervals import Interval
from core.localtime import day_interval
from core.timeline import Bar, Look
from core.web import current_language
from facilities.models import Instrument

DAYS = 7
WHOLE_WEEK = 1  # the zoom at which seven days fit on a desktop


@dataclass(frozen=True)
class Free:
    """A free stretch inside one day, with where to book it; `units` of an instrument that has several."""

    when: Interval
    units: int
    url: str | None


@dataclass(frozen=True)
class FreeDay:
    """What is free on one day."""

    day: timeline.Day
    free: Sequence[Free]


@dataclass(frozen=True)
class Week:
    """Everything the page shows of seven days from any one; times in `zone`."""

    first: date
    zone: str
    when: Interval
    picture: timeline.Timeline
    free_days: Sequence[FreeDay]

    @property
    def before(self) -> date:
        """First day of the seven before."""
        return self.first - timedelta(days=DAYS)

    @property
    def after(self) -> date:
        """First day of the seven after."""
        return self.first + timedelta(days=DAYS)

    @property
    def first_free(self) -> Interval | None:
        """The first stretch of the week that can be booked."""
        return next((one.when for day in self.free_days for one in day.free), None)


def week_of(
    session: Session, instrument: Instrument, actor: Actor, now: datetime, *, first: date | None, can_book: bool
) -> Week:
    """Seven days from `first` (None: today)."""
    terms = queries.terms_of(instrument)
    first = first or now.astimezone(terms.zone).date()
    days = timeline.days_from(first, DAYS, terms.zone.key, now)
    when = Interval(days[0].when.start, days[-1].when.end)
    rows = session.scalars(queries.held_with_holders(instrument, when)).unique().all()
    begins = _next_slot(terms, now)

    def book_url(free: Interval) -> str | None:
        return _book_url(instrument, terms, free, first) if can_book else None

    row = timeline.Row(
        name=either(current_language(), instrument.name_it, instrument.name),
        bars=[_bar(row, instrument, actor, terms.zone.key) for row in rows],
        capacity=instrument.capacity,
        open=None if terms.shifts is None else terms.openings(when),
        book_url=book_url,
        free_from=begins,
    )
    picture = timeline.timeline([row], days, terms.zone.key, now, zoom=WHOLE_WEEK)
    return Week(first, terms.zone.key, when, picture, _free_days(rows, instrument, terms, days, begins, book_url))


def _free_days(
    rows: Iterable[Booking],
    instrument: Instrument,
    terms: Terms,
    days: Sequence[timeline.Day],
    begins: datetime,
    book_url: timeline.BookUrl,
) -> list[FreeDay]:
    busy = queries.busy(rows, instrument)
    found = []
    for day in days:
        open_hours = [_clipped(one, begins) for one in terms.openings(day.when) if one.end > begins]
        pieces = availability.stretches(busy, instrument.capacity, open_hours)
        free = [Free(one.interval, one.free_units, book_url(one.interval)) for one in pieces if one.free_units]
        found.append(FreeDay(day, [one for one in free if terms.minutes(one.when) >= min(terms.least_minutes, 60)]))
    return found


def _clipped(one: Interval, begins: datetime) -> Interval:
    return Interval(max(one.start, begins), one.end)


def _next_slot(terms: Terms, now: datetime) -> datetime:
    """The next instant on the grid; the present to the minute where a slot takes days."""
    at = now.replace(second=0, microsecond=0) + timedelta(minutes=-now.minute % 5 or 5)
    for _step in range(24 * 12):
        if terms.is_on_grid(at):
            return at
        at += timedelta(minutes=5)
    return now


def _book_url(instrument: Instrument, terms: Terms, free: Interval, first: date) -> str:
    facility = instrument.facility
    return url_for(
        "instruments.show",
        facility_slug=facility.slug,
        slug=instrument.slug,
        week=first.isoformat(),
        start=_wall(free.start, terms),
        end=_wall(suggested_end(terms, free), terms),
        _anchor="book",
    )


def _wall(at: datetime, terms: Terms) -> str:
    return f"{at.astimezone(terms.zone):%Y-%m-%dT%H:%M}"


def suggested_end(terms: Terms, free: Interval) -> datetime:
    """The end of the shortest booking that begins with a free stretch: whole local days where time is given so."""
    if terms.slot_minutes % (24 * 60) == 0:
        day = free.start.astimezone(terms.zone).date()
        return day_interval(day + timedelta(minutes=terms.least_minutes) - timedelta(days=1), terms.zone).end
    return free.start + timedelta(minutes=terms.least_minutes)


# --- bars -------------------------------------------------------------------------------------------------


def _bar(row: Booking, instrument: Instrument, actor: Actor, zone: str) -> Bar:
    when = Interval(row.starts_at, row.ends_at)
    look, code, who, label = _words(row, instrument, actor)
    is_known = bool(policy.may_see(actor, queries.held(row)))
    return Bar(
        when=when,
        look=look,
        code=code,
        who=who,
        says=_says(when, (code, who), label, zone),
        url=url_for("bookings.show", booking_id=row.id) if is_known else None,
        key=str(row.id) if is_known else "",
    )


def _says(when: Interval, seen: tuple[str, str], label: str, zone: str) -> str:
    """The whole name of a bar: it begins with all that may be seen on it (WCAG 2.5.3, label in name)."""
    start, end = (formats.clock_time(at, zone, current_language()) for at in (when.start, when.end))
    first, last = (formats.day(at, zone, current_language()) for at in (when.start, when.end))
    words = [" ".join(part for part in (*seen, f"{start}–{end}") if part)]
    words += [label] if label not in seen else []
    words.append(first if first == last else f"{first} – {last}")
    return ", ".join(words)


def _words(row: Booking, instrument: Instrument, actor: Actor) -> tuple[Look, str, str, str]:
    """Look, shortest label, person and what the bar is, as far as the actor may know."""
    if row.kind not in RUNNING_KINDS:
        return Look.CLOSED, _("Closed"), "", _("Closed")
    is_tentative = row.state is BookingState.TENTATIVE
    if actor.is_person(row.person_id):
        label = _("your booking, waiting for approval") if is_tentative else _("your booking")
        return (Look.TENTATIVE if is_tentative else Look.OWN), _("You"), "", label
    look = Look.TENTATIVE if is_tentative else Look.CONFIRMED
    label = _("Held, waiting for approval") if is_tentative else _("Booked")
    if row.person is not None and policy.may_see(actor, queries.held(row)):
        code = row.organisation.short_name if row.organisation else ""
        return look, code or _("Booked"), row.person.name, label
    if row.instrument_id != instrument.id:
        return look, _("Not free"), "", _("another instrument of this group is running")
    return look, label, "", label
