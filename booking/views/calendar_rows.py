"""Rows of the calendar: which instruments a reader may see and wants, and each with its bars."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import gcd
from uuid import UUID

from flask import url_for

from accounts.policy import Actor
from booking import availability
from booking.finding import bookable_minutes
from booking.forms.calendar import Asked
from booking.models import Booking
from booking.policy import ledger as policy
from booking.queries import ledger as queries
from booking.terms import DAY_MINUTES, Terms
from booking.views.bars import bar_of
from booking.views.instrument_week import booking_url, from_the_grid, offered
from core.i18n import either
from core.intervals import Interval, difference
from core.timeline import Day, Drag, Row
from core.web import current_language
from facilities.facts import name_of
from facilities.models import Instrument
from facilities.policy import BookingMode, may_see_free_busy
from facilities.vocabulary import say, vocabulary

BOOKABLE = (BookingMode.INSTANT, BookingMode.APPROVAL)
FINEST_STEP = 5


@dataclass(frozen=True)
class Choice:
    """One value of a filter."""

    value: str
    label: str


@dataclass(frozen=True)
class Choices:
    """What the calendar and the finder can be narrowed by."""

    facilities: Sequence[Choice]
    kinds: Sequence[Choice]
    techniques: Sequence[Choice]


def visible(instruments: Iterable[Instrument], actor: Actor) -> list[Instrument]:
    """Those whose free/busy the reader may see."""
    return [one for one in instruments if may_see_free_busy(actor, one.facility.free_busy_is_public)]


def wanted(instruments: Iterable[Instrument], asked: Asked, booked: frozenset[UUID]) -> list[Instrument]:
    """Those that the filters leave; `booked` are the ones that the reader has booked."""
    return [
        one
        for one in instruments
        if (not asked.facility or one.facility.slug == asked.facility)
        and (not asked.kind or one.kind == asked.kind)
        and (not asked.technique or any(each.slug == asked.technique for each in one.facility.techniques))
        and (not asked.mine or one.id in booked)
        and (not asked.only or one.id in asked.only)
    ]


def choices(instruments: Sequence[Instrument]) -> Choices:
    """Every facility, kind and technique of these instruments, by name."""
    language, words = current_language(), vocabulary()
    facilities = {one.facility.slug: facility_name(one) for one in instruments}
    kinds = {one.kind: say(words.kinds, one.kind, language) for one in instruments}
    techniques = {
        each.slug: either(language, each.name_it, each.name_en)
        for one in {each.facility_id: each for each in instruments}.values()
        for each in one.facility.techniques
    }
    return Choices(*(_by_name(values) for values in (facilities, kinds, techniques)))


def _by_name(labels: Mapping[str, str]) -> list[Choice]:
    return [Choice(value, label) for value, label in sorted(labels.items(), key=lambda pair: pair[1].casefold())]


def facility_name(one: Instrument) -> str:
    """Of the instrument's facility, in the reader's language."""
    return either(current_language(), one.facility.name_it, one.facility.name_en)


def zone_of(instruments: Iterable[Instrument]) -> str:
    """The time zone of most of them; of equals the first by name."""
    zones = Counter(one.operating_plan.timezone if one.operating_plan else one.facility.timezone for one in instruments)
    return min(zones, key=lambda zone: (-zones[zone], zone), default="Europe/Rome")


def may_book(actor: Actor) -> bool:
    """Whether the reader books at all: members do; visitors are led to the form that lets them sign in."""
    return not actor.is_signed_in or bool(policy.may_book(actor, next(iter(actor.memberships), None)))


def around(when: Interval, instruments: Iterable[Instrument]) -> Interval:
    """A period with the longest buffers of these instruments: what lies in it can stand in the period's way."""
    rules = [one.rules for one in instruments if one.rules]
    before = max((each.buffer_before for each in rules), default=0)
    after = max((each.buffer_after for each in rules), default=0)
    return Interval(when.start - timedelta(minutes=before), when.end + timedelta(minutes=after))


class Rows:
    """Makes rows for one reader and one period; `shown` is the day whose free stretches are offered."""

    def __init__(self, days: Sequence[Day], zone: str, shown: Day, actor: Actor, now: datetime) -> None:
        self.when = Interval(days[0].when.start, days[-1].when.end)
        self.zone, self.shown, self.actor, self.now = zone, shown, actor, now
        self.books = may_book(actor)

    def row(self, one: Instrument, rows: Sequence[Booking]) -> Row:
        """An instrument with the bookings that are drawn on it."""
        terms = queries.terms_of(one)
        books = self.books and one.booking_mode in BOOKABLE
        facility = one.facility

        def book_url(free: Interval) -> str | None:
            begins = from_the_grid(free, terms)
            return booking_url(one, terms, begins, begins.start.astimezone(terms.zone).date()) if begins else None

        return Row(
            name=name_of(one, current_language()),
            url=url_for("instruments.show", facility_slug=facility.slug, slug=one.slug),
            note="" if terms.zone.key == self.zone else terms.zone.key,
            bars=[bar_of(row, one, self.actor, self.zone, self.now) for row in rows],
            capacity=one.capacity,
            open=None if terms.shifts is None else terms.openings(self.when),
            book_url=book_url if books else None,
            kept=self._kept(one, rows, terms) if books else (),
            key=str(one.id),
            group=f"{facility_name(one)} · {facility.city}",
            group_url=url_for("calendar.of_facility", facility_slug=facility.slug),
            drag=self._drag(one, terms) if books else None,
        )

    def _kept(self, one: Instrument, rows: Sequence[Booking], terms: Terms) -> list[Interval]:
        """What cannot be booked on the shown day: too soon, too late, or too near to what is held."""
        held = availability.with_buffers(queries.busy(rows, one), *terms.buffers)
        pieces = availability.stretches(held, one.capacity, [self.shown.when])
        full = [piece.interval for piece in pieces if not piece.free_units]
        return full + difference([self.shown.when], offered(terms, self.now))

    def _drag(self, one: Instrument, terms: Terms) -> Drag | None:
        """What a script may draw there: members, and only where the page's clock is the instrument's."""
        if not self.actor.is_signed_in or terms.zone.key != self.zone:
            return None
        step, anchor = grid_of(terms)
        url = url_for("instruments.show", facility_slug=one.facility.slug, slug=one.slug)
        return Drag(url, step, anchor, bookable_minutes(terms, terms.least_minutes))


def grid_of(terms: Terms) -> tuple[int, int]:
    """Step and anchor (minutes of the day) of a grid that holds every start of the week; the server decides."""
    anchors = [0] if terms.shifts is None else [shift.start_minute for shift in terms.shifts] or [0]
    step = gcd(DAY_MINUTES, terms.slot_minutes) if terms.slot_minutes < DAY_MINUTES else DAY_MINUTES
    step = gcd(step, *(anchor - anchors[0] for anchor in anchors))
    step = max(step, FINEST_STEP)
    return step, anchors[0] % step
