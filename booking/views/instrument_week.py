"""Seven days of one instrument: free and busy for everyone, names only for those who may know."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import url_for
from sqlalchemy.orm import Session

from accounts.policy import Actor
from booking import availability
from booking.queries import ledger as queries
from booking.terms import Terms
from booking.views.bars import bar_of
from core import timeline
from core.i18n import either
from core.intervals import Interval, difference, intersection
from core.localtime import day_interval
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
    session: Session,
    instrument: Instrument,
    actor: Actor,
    now: datetime,
    *,
    first: date | None,
    can_book: bool,
    only: Sequence[Interval] | None = None,
) -> Week:
    """Seven days from `first` (None: today). `only`: where time is offered, if not wherever the terms allow it."""
    terms = queries.terms_of(instrument)
    first = first or now.astimezone(terms.zone).date()
    days = timeline.days_from(first, DAYS, terms.zone.key, now)
    when = Interval(days[0].when.start, days[-1].when.end)
    rows = session.scalars(queries.held_with_holders(instrument, terms.held(when))).unique().all()
    offer = offered(terms, now) if only is None else intersection(offered(terms, now), only)
    busy = availability.with_buffers(queries.busy(rows, instrument), *terms.buffers)
    pieces = availability.stretches(busy, instrument.capacity, [when])

    def book_url(free: Interval) -> str | None:
        begins = from_the_grid(free, terms) if can_book else None
        return booking_url(instrument, terms, begins, first) if begins else None

    row = timeline.Row(
        name=either(current_language(), instrument.name_it, instrument.name),
        bars=[bar_of(row, instrument, actor, terms.zone.key, now) for row in rows],
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
            if one.free_units and (when := from_the_grid(part, terms)) is not None
        ]
        found.append(FreeDay(day, [one for one in free if terms.minutes(one.when) >= min(terms.least_minutes, 60)]))
    return found


def from_the_grid(free: Interval, terms: Terms) -> Interval | None:
    """The part of a free stretch that begins where a booking may begin; None when there is none."""
    start = terms.next_slot(free.start)
    return Interval(start, free.end) if start is not None and start < free.end else None


def offered(terms: Terms, now: datetime) -> list[Interval]:
    """From when until when a booking may lie that is made now."""
    first, last = terms.first_start(_soon(now)), terms.last_end(now)
    first = terms.next_slot(first) or first
    return [Interval(first, last)] if first < last else []


def _soon(now: datetime) -> datetime:
    """The next five minutes of the clock: who reads a form needs a while to send it."""
    return now.replace(second=0, microsecond=0) + timedelta(minutes=-now.minute % 5 or 5)


def booking_url(instrument: Instrument, terms: Terms, free: Interval, first: date) -> str:
    facility = instrument.facility
    return url_for(
        "instruments.show",
        facility_slug=facility.slug,
        slug=instrument.slug,
        week=first.isoformat(),
        start=wall_text(free.start, terms),
        end=wall_text(suggested_end(terms, free), terms),
        _anchor="book",
    )


def wall_text(at: datetime, terms: Terms) -> str:
    return f"{at.astimezone(terms.zone):%Y-%m-%dT%H:%M}"


def suggested_end(terms: Terms, free: Interval) -> datetime:
    """The end of the shortest booking that begins with a free stretch: whole local days where time is given so."""
    if terms.slot_minutes % (24 * 60) == 0:
        day = free.start.astimezone(terms.zone).date()
        return day_interval(day + timedelta(minutes=terms.least_minutes) - timedelta(days=1), terms.zone).end
    return free.start + timedelta(minutes=terms.least_minutes)
