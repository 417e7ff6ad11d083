"""The terms under which an instrument's time is booked: mode, grid, lengths, opening hours, horizon."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from core.errors import Conflict, Invalid, Refusal
from core.i18n import N_
from core.intervals import Interval, union
from facilities.openings import WeeklyShift, shifts_between
from facilities.policy import BookingMode

FURTHEST_DAYS = 365
LONGEST_SHIFT = timedelta(days=8)
WEEK_MINUTES = 7 * 24 * 60
DAY_MINUTES = 24 * 60

_NOT_BOOKABLE = {
    BookingMode.ROUND: ("given_in_rounds", N_("The time of this instrument is given in rounds, by request.")),
    BookingMode.WITH_PARENT: ("given_with_another", N_("This instrument is booked only together with another one.")),
    BookingMode.CLOSED: ("not_bookable", N_("This instrument is not bookable at present.")),
}


@dataclass(frozen=True)
class Terms:
    """What a booking of an instrument must respect; lengths in minutes.

    `shifts` None: it runs day and night. `buffer_before` and `buffer_after`: around a booking nobody else's may lie.
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

    def held(self, wanted: Interval) -> Interval:
        """A stretch with the buffers around it."""
        before, after = timedelta(minutes=self.buffer_before), timedelta(minutes=self.buffer_after)
        return Interval(wanted.start - before, wanted.end + after)

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
        first, last = (at.astimezone(self.zone).replace(tzinfo=None) for at in (wanted.start, wanted.end))
        return int((last - first).total_seconds() // 60)

    def is_on_grid(self, at: datetime) -> bool:
        """Whether an instant is on the grid: whole slots of wall time since Monday's midnight, or of its shift."""
        if at.second or at.microsecond:
            return False
        return any((_week_minute(at, self.zone) - anchor) % self.slot_minutes == 0 for anchor in self._anchors(at))

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
    if end > now + timedelta(days=terms.horizon_days):
        raise _wrong(
            "start", "too_far_ahead", N_("Time can be booked at most %(days)s days ahead."), days=terms.horizon_days
        )
    _check_length(terms, wanted)
    _check_grid(terms, wanted)
    if not terms.is_open(wanted):
        raise _wrong("start", "outside_hours", N_("The instrument does not run all through this time."))
    return wanted


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


def _wrong(field: str, code: str, message: str, **values: object) -> Refusal:
    return Invalid(message, code=code, fields={field: message}, **values)
