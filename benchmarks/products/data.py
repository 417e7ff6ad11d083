"""A year of bookings, invented by rule: the same for every product."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

INSTRUMENTS, PEOPLE = 60, 240
BOOKINGS, IN_THE_WEEK = 21_571, 433
WEEKS = 52
FIRST_HOUR = 6
"""UTC; a day has three slots of four hours from here on, so that nothing overlaps and the last ends at 18."""
SLOTS_A_DAY, HOURS_A_SLOT = 3, 4


@dataclass(frozen=True)
class Slot:
    """A booking: indices of its instrument and person, [start, end) in UTC."""

    instrument: int
    person: int
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Workload:
    """`week` begins the measured week; `free_from` is a time from which every instrument is free."""

    slots: tuple[Slot, ...]
    week: date
    free_from: datetime

    @property
    def until(self) -> date:
        """The day after the measured week."""
        return self.week + timedelta(days=7)


def workload(today: date, bookings: int = BOOKINGS) -> Workload:
    """`bookings` over a year around `today`, 433 of them in the week after next, the rest evenly over the others.

    With more than a year can take, further years are added in the past.
    """
    week = today + timedelta(days=14 - today.weekday())
    a_week = INSTRUMENTS * 7 * SLOTS_A_DAY
    others = max(WEEKS - 1, -(-(bookings - IN_THE_WEEK) // a_week))
    each, more = divmod(bookings - IN_THE_WEEK, others)
    slots = _week(week, IN_THE_WEEK)
    later = min(others, 16)
    for n in range(others):
        first = week + timedelta(weeks=n + 1) if n < later else week - timedelta(weeks=n - later + 1)
        slots += _week(first, each + (n < more))
    free_from = datetime.combine(week + timedelta(weeks=later + 1), time(FIRST_HOUR), UTC)
    return Workload(tuple(slots), week, free_from)


def _week(first: date, count: int) -> list[Slot]:
    """`count` slots, dealt to one instrument after the other, day by day."""
    found = []
    for n in range(count):
        instrument, turn = n % INSTRUMENTS, n // INSTRUMENTS
        day, slot = turn % 7, turn // 7
        start = datetime.combine(first + timedelta(days=day), time(FIRST_HOUR + slot * HOURS_A_SLOT), UTC)
        hours = 1 + (n + turn) % HOURS_A_SLOT
        found.append(Slot(instrument, (n * 7 + first.toordinal()) % PEOPLE, start, start + timedelta(hours=hours)))
    return found
