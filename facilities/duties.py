"""Who of a facility's staff is there to help: weekly duties in local wall time, minus absences."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from core.intervals import Interval, difference, intersection, union
from facilities.openings import WeeklyShift, local_instant

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class WeeklyDuty:
    """A weekly stretch in which a person helps, on the days from `from_day` through `until_day` (None: no end).

    The days are those on which the stretch begins; it may end on the next one.
    """

    person_id: UUID
    shift: WeeklyShift
    from_day: date
    until_day: date | None = None

    def begins_on(self, day: date) -> bool:
        """Whether there is such a stretch on a local day."""
        is_past = self.until_day is not None and day > self.until_day
        return day.weekday() == self.shift.weekday and self.from_day <= day and not is_past


@dataclass(frozen=True)
class Away:
    """A person is not there, whatever the weekly duties say."""

    person_id: UUID
    interval: Interval


@dataclass(frozen=True)
class Staffed:
    """A stretch and how many people are there all through it."""

    interval: Interval
    people: int


def on_duty(duties: Iterable[WeeklyDuty], absences: Iterable[Away], zone: ZoneInfo, horizon: Interval) -> list[Staffed]:
    """How many people are there, in stretches sorted by time; time with nobody is left out.

    Duties keep their wall-clock times across clock changes; one person with two duties at once is one.
    """
    there: dict[UUID, list[Interval]] = defaultdict(list)
    for duty in duties:
        there[duty.person_id] += _stretches(duty, zone, horizon)
    gone: dict[UUID, list[Interval]] = defaultdict(list)
    for away in absences:
        gone[away.person_id].append(away.interval)
    present = [one for person, times in there.items() for one in difference(times, gone[person])]
    return _levels(intersected for one in present for intersected in intersection([one], [horizon]))


def free_to_help(staff: Iterable[Staffed], helping: Collection[Interval]) -> list[Interval]:
    """The time in which more people are there than help already, each stretch of `helping` taking one of them."""
    there, busy = list(staff), _levels(helping)
    edges = {edge for one in (*there, *busy) for edge in (one.interval.start, one.interval.end)}
    return union(piece for piece in _pieces(edges) if _people_in(there, piece) > _people_in(busy, piece))


def next_helped(free: Iterable[Interval], wanted: Interval) -> datetime | None:
    """The first instant from which somebody is free for as long as wanted, not before the wanted start."""
    starts = (max(one.start, wanted.start) for one in free if one.end - max(one.start, wanted.start) >= wanted.length)
    return min(starts, default=None)


def _stretches(duty: WeeklyDuty, zone: ZoneInfo, horizon: Interval) -> list[Interval]:
    day, last = (at.astimezone(zone).date() for at in (horizon.start, horizon.end))
    day -= ONE_DAY
    found = []
    while day <= last:
        if duty.begins_on(day):
            start = local_instant(day, duty.shift.start_minute, zone)
            end = local_instant(day, duty.shift.start_minute + duty.shift.minutes, zone)
            if start < end:  # a short duty may fall into the hour that a clock change skips
                found.append(Interval(start, end))
        day += ONE_DAY
    return found


def _levels(stretches: Iterable[Interval]) -> list[Staffed]:
    """How many of the stretches run at once, where at least one does."""
    changes: dict[datetime, int] = defaultdict(int)
    for one in stretches:
        changes[one.start] += 1
        changes[one.end] -= 1
    found, people = [], 0
    for piece in _pieces(changes):
        people += changes[piece.start]
        if people:
            found.append(Staffed(piece, people))
    return found


def _pieces(edges: Iterable[datetime]) -> list[Interval]:
    ordered = sorted(edges)
    return [Interval(start, end) for start, end in pairwise(ordered)]


def _people_in(levels: Iterable[Staffed], piece: Interval) -> int:
    return next((one.people for one in levels if one.interval.holds(piece)), 0)
