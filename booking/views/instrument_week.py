"""Seven days of one instrument: free and busy for everyone, names only for those who may know."""

from collections.abc import Sequence
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
from core.intervals import Interval, difference, intersection
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
    rows = session.scalars(queries.held_with_holders(instrument, terms.held(when))).unique().all()
    offer = _offer(terms, now)
    busy = availability.with_buffers(queries.busy(rows, instrument), *terms.buffers)
    pieces = availability.stretches(busy, instrument.capacity, [when])

    def book_url(free: Interval) -> str | None:
        begins = _from_the_grid(free, terms) if can_book else None
        return _book_url(instrument, terms, begins, first) if begins else None

    row = timeline.Row(
        name=either(current_language(), instrument.name_it, instrument.name),
        bars=[_bar(row, instrument, actor, terms.zone.key) for row in rows],
        capacity=instrument.capacity,
        open=None if terms.shifts is None else terms.openings(when),
        book_url=book_url,
        kept=[one.interval for one in pieces if not one.free_units] + difference([when], offer),
    )
    picture = timeline.timeline([row], days, terms.zone.key, now, zoom=WHOLE_WEEK)
    return Week(first, terms.zone.key, when, picture, _free_days(pieces, terms, days, offer, book_url))


def _free_days(
    pieces: Sequence[availability.Stretch],
    terms: Terms,
    days: Sequence[timeline.Day],
    offer: Sequence[Interval],
    book_url: timeline.BookUrl,
) -> list[FreeDay]:
    found = []
    for day in days:
        open_hours = intersection(terms.openings(day.when), offer)
        pieces_of_day = [(part, one) for one in pieces for part in intersection([one.interval], open_hours)]
        free = [
            Free(when, one.free_units, book_url(when))
            for part, one in pieces_of_day
            if one.free_units and (when := _from_the_grid(part, terms)) is not None
        ]
        found.append(FreeDay(day, [one for one in free if terms.minutes(one.when) >= min(terms.least_minutes, 60)]))
    return found


def _from_the_grid(free: Interval, terms: Terms) -> Interval | None:
    """The part of a free stretch that begins where a booking may begin; None when there is none."""
    start = terms.next_slot(free.start)
    return Interval(start, free.end) if start is not None and start < free.end else None


def _offer(terms: Terms, now: datetime) -> list[Interval]:
    """From when until when a booking may lie that is made now."""
    first, last = terms.first_start(_soon(now)), terms.last_end(now)
    first = terms.next_slot(first) or first
    return [Interval(first, last)] if first < last else []


def _soon(now: datetime) -> datetime:
    """The next five minutes of the clock: who reads a form needs a while to send it."""
    return now.replace(second=0, microsecond=0) + timedelta(minutes=-now.minute % 5 or 5)


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
