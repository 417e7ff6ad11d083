"""The terms under which an instrument's time is booked: mode, grid, lengths, opening hours, lead, horizon, nights."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from core.errors import Conflict, Invalid, Refusal
from core.i18n import N_
from core.intervals import Interval, union
from core.localtime import midnight
from facilities.openings import WeeklyShift, shifts_between
from facilities.policy import BookingMode

FURTHEST_DAYS = 365
LONGEST_SHIFT = timedelta(days=8)
WEEK_MINUTES = 7 * 24 * 60
DAY_MINUTES = 24 * 60
CLOCK_CHANGE = 60

_NOT_BOOKABLE = {
    BookingMode.ROUND: ("given_in_rounds", N_("The time of this instrument is given in rounds, by request.")),
    BookingMode.WITH_PARENT: ("given_with_another", N_("This instrument is booked only together with another one.")),
    BookingMode.CLOSED: ("not_bookable", N_("This instrument is not bookable at present.")),
}


@dataclass(frozen=True)
class Terms:
    """What a booking of an instrument must respect; lengths in minutes.

    `shifts` None: it runs day and night. `buffer_before` and `buffer_after`: around a booking nobody else's may lie,
    nor its buffers; opening hours and all other terms are the booking's own. A booking lasts several days when it is
    longer than 24 hours by the wall clock; it is overnight when it is not, and a local midnight lies inside it.
    """

    mode: BookingMode
    zone: ZoneInfo
    slot_minutes: int
    least_minutes: int
    most_minutes: int
    shifts: tuple[WeeklyShift, ...] | None = None
    lead_minutes: int = 0
    horizon_days: int = FURTHEST_DAYS
    buffer_before: int = 0
    buffer_after: int = 0
    allows_overnight: bool = True
    allows_several_days: bool = True

    @property
    def buffers(self) -> tuple[timedelta, timedelta]:
        """Before and after."""
        return timedelta(minutes=self.buffer_before), timedelta(minutes=self.buffer_after)

    def held(self, wanted: Interval) -> Interval:
        """A stretch with the buffers around it; also where to look for all that hinders a booking in the stretch."""
        before, after = self.buffers
        return Interval(wanted.start - before, wanted.end + after)

    def first_start(self, now: datetime) -> datetime:
        """The earliest instant at which a booking made now may begin."""
        return now + timedelta(minutes=self.lead_minutes)

    def last_end(self, now: datetime) -> datetime:
        """The latest instant at which a booking made now may end: so many days on, at the same wall time."""
        return (now.astimezone(self.zone) + timedelta(days=self.horizon_days)).astimezone(UTC)

    def openings(self, horizon: Interval) -> list[Interval]:
        """The opening hours that touch the horizon, cut to it; shifts that follow each other are one."""
        if self.shifts is None:
            return [horizon]
        wide = Interval(horizon.start - LONGEST_SHIFT, horizon.end + LONGEST_SHIFT)
        running = union(shifts_between(self.shifts, self.zone, wide))
        return [
            Interval(max(one.start, horizon.start), min(one.end, horizon.end))
            for one in running
            if one.overlaps(horizon)
        ]

    def is_open(self, wanted: Interval) -> bool:
        """Whether the instrument runs all through the stretch."""
        return any(one.holds(wanted) for one in self.openings(wanted))

    def minutes(self, wanted: Interval) -> int:
        """Length of a stretch as its rules count it: real minutes, but whole days where time is given by the day.

        A day with a clock change has 23 or 25 hours and is one day all the same.
        """
        if self.slot_minutes % DAY_MINUTES:
            return wanted.minutes
        return _wall_minutes(wanted, self.zone)

    def is_of_several_days(self, wanted: Interval) -> bool:
        """Whether it is longer than 24 hours by the wall clock, whatever the clocks do meanwhile."""
        return _wall_minutes(wanted, self.zone) > DAY_MINUTES

    def is_overnight(self, wanted: Interval) -> bool:
        """Whether a local midnight lies inside a stretch that is not of several days; its end may be a midnight."""
        next_day = wanted.start.astimezone(self.zone).date() + timedelta(days=1)
        return midnight(next_day, self.zone) < wanted.end and not self.is_of_several_days(wanted)

    def is_on_grid(self, at: datetime) -> bool:
        """Whether an instant is on the grid: whole slots of wall time since Monday's midnight, or of its shift."""
        if at.second or at.microsecond:
            return False
        return any((_week_minute(at, self.zone) - anchor) % self.slot_minutes == 0 for anchor in self._anchors(at))

    def next_slot(self, at: datetime) -> datetime | None:
        """The first instant of the grid from `at` on, less than a slot away or where the next shift begins."""
        at = _whole_minute(at)
        waits = {(anchor - _week_minute(at, self.zone)) % self.slot_minutes for anchor in self._anchors(at)}
        changed = {wait + change for wait in waits for change in (-CLOCK_CHANGE, 0, CLOCK_CHANGE)}
        found = [at + timedelta(minutes=wait) for wait in changed if wait >= 0]
        ahead = shifts_between(self.shifts or (), self.zone, Interval(at, at + LONGEST_SHIFT))
        found += [one.start for one in ahead[:1]]
        return next((one for one in sorted(found) if self.is_on_grid(one)), None)

    def starts_among(self, instants: Iterable[datetime], ahead: Interval) -> list[datetime]:
        """Starts worth trying in a stretch of time: on the grid from these instants on, and where a shift begins."""
        openings = [] if self.shifts is None else [one.start for one in self.openings(ahead)]
        found = {self.next_slot(at) for at in (*instants, *openings)}
        return sorted(at for at in found if at is not None and ahead.start < at < ahead.end)

    def fits(self, wanted: Interval) -> bool:
        """Whether a stretch as long as a sound booking is sound there too: on the grid, in the hours, as to nights."""
        if self.is_overnight(wanted) and not self.allows_overnight:
            return False
        if self.is_of_several_days(wanted) and not self.allows_several_days:
            return False
        return self.is_on_grid(wanted.start) and self.is_on_grid(wanted.end) and self.is_open(wanted)

    def _anchors(self, at: datetime) -> list[int]:
        """Wall minutes of the week from which the grid of this instant is counted."""
        if self.shifts is None:
            return [0]
        around = Interval(at - LONGEST_SHIFT, at + LONGEST_SHIFT)
        running = shifts_between(self.shifts, self.zone, around)
        touching = [one for one in running if one.start <= at <= one.end]
        return [_week_minute(edge, self.zone) for one in touching for edge in (one.start, one.end)] or [0]


def check_mode(mode: BookingMode) -> None:
    """Refuse when members cannot book the time of such an instrument themselves."""
    if mode in _NOT_BOOKABLE:
        code, message = _NOT_BOOKABLE[mode]
        raise Conflict(message, code=code)


def stretch(start: datetime, end: datetime) -> Interval:
    """[start, end); Invalid "ends_before_start" when it would be empty."""
    if end <= start:
        raise _wrong("end", "ends_before_start", N_("The end must be after the start."))
    return Interval(start, end)


def check_times(terms: Terms, start: datetime, end: datetime, now: datetime) -> Interval:
    """The stretch, if it respects the terms; else Invalid with a code and the field that is wrong."""
    wanted = stretch(start, end)
    if start < now:
        raise _wrong("start", "in_the_past", N_("The start is in the past."))
    _check_ahead(terms, wanted, now)
    _check_length(terms, wanted)
    _check_grid(terms, wanted)
    _check_nights(terms, wanted)
    if not terms.is_open(wanted):
        raise _wrong("start", "outside_hours", N_("The instrument does not run all through this time."))
    return wanted


def _check_ahead(terms: Terms, wanted: Interval, now: datetime) -> None:
    """Neither too short before it begins nor too long."""
    if wanted.start < terms.first_start(now):
        earliest = terms.next_slot(terms.first_start(now)) or terms.first_start(now)
        raise _wrong(
            "start",
            "too_soon",
            N_("Bookings are made some time ahead here: the earliest start is now %(earliest)s."),
            earliest=f"{earliest.astimezone(terms.zone):%Y-%m-%d %H:%M}",
        )
    last = terms.last_end(now)
    if wanted.end > last:
        field = "end" if wanted.start < last else "start"
        raise _wrong(
            field, "too_far_ahead", N_("Time can be booked at most %(days)s days ahead."), days=terms.horizon_days
        )


def _check_nights(terms: Terms, wanted: Interval) -> None:
    if terms.is_overnight(wanted) and not terms.allows_overnight:
        raise _wrong("end", "overnight", N_("This instrument is not booked over night."))
    if terms.is_of_several_days(wanted) and not terms.allows_several_days:
        raise _wrong("end", "several_days", N_("This instrument is not booked for longer than 24 hours."))


def _check_length(terms: Terms, wanted: Interval) -> None:
    minutes = terms.minutes(wanted)
    if minutes < terms.least_minutes:
        raise _wrong(
            "end",
            "too_short",
            N_("A booking takes at least %(least)s minutes, this one takes %(minutes)s."),
            least=terms.least_minutes,
            minutes=minutes,
        )
    if minutes > terms.most_minutes:
        raise _wrong(
            "end",
            "too_long",
            N_("A booking takes at most %(most)s minutes, this one takes %(minutes)s."),
            most=terms.most_minutes,
            minutes=minutes,
        )


def _check_grid(terms: Terms, wanted: Interval) -> None:
    for field, at in (("start", wanted.start), ("end", wanted.end)):
        if not terms.is_on_grid(at):
            raise _wrong(field, "off_grid", N_("Time is given in steps of %(slot)s minutes."), slot=terms.slot_minutes)


def _week_minute(at: datetime, zone: ZoneInfo) -> int:
    """Minutes of wall time since Monday's midnight."""
    wall = at.astimezone(UTC).astimezone(zone)
    return (wall.weekday() * 24 + wall.hour) * 60 + wall.minute


def _wall_minutes(wanted: Interval, zone: ZoneInfo) -> int:
    """How far the hands of a clock go round meanwhile."""
    first, last = (at.astimezone(zone).replace(tzinfo=None) for at in (wanted.start, wanted.end))
    return int((last - first).total_seconds() // 60)


def _whole_minute(at: datetime) -> datetime:
    """The same instant, or the next one without seconds."""
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + timedelta(minutes=1)


def _wrong(field: str, code: str, message: str, **values: object) -> Refusal:
    return Invalid(message, code=code, fields={field: message}, **values)
