"""The timeline's view model: rows × days × bars, placed by local wall time in quarters of an hour.

Nothing here knows what a booking is: callers give stretches with a look and words, and get cells that a
template can write with static classes (a strict content security policy allows no inline styles).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from core.intervals import Interval, difference, intersection, union
from core.localtime import day_interval

QUARTERS = 96  # of an hour in a day, by the wall clock
PIXELS_A_DAY = (36, 130, 384, 768, 1536)  # at zoom 0 … 4, the widths of timeline.css
PIXELS_ONE_DAY = (960, 960, 960, 1920, 1920)
FIRST_ZOOM = 1


class Look(StrEnum):
    """What a bar is; each has its own sign besides its colour."""

    CONFIRMED = "confirmed"
    OWN = "own"
    TENTATIVE = "tentative"
    CLOSED = "closed"


class Mark(StrEnum):
    """What a plan does to a bar."""

    MOVED = "moved"
    GAINED = "gained"
    LOST = "lost"
    PINNED = "pinned"
    BEFORE = "before"


@dataclass(frozen=True)
class Bar:
    """A stretch of held time. `code` is the shortest label, `who` the next; `says` is the whole accessible name."""

    when: Interval
    look: Look
    code: str
    says: str
    who: str = ""
    url: str | None = None
    marks: frozenset[Mark] = frozenset()
    key: str = ""


BookUrl = Callable[[Interval], str | None]


@dataclass(frozen=True)
class Row:
    """One instrument: its bars, when it is open (None: always), and where to book a free stretch.

    `book_url` gives None for a stretch that cannot be booked; nothing before `free_from` is offered.
    """

    name: str
    bars: Sequence[Bar]
    url: str | None = None
    note: str = ""
    capacity: int = 1
    open: Sequence[Interval] | None = None
    book_url: BookUrl | None = None
    free_from: datetime | None = None


@dataclass(frozen=True)
class PlacedBar:
    """A bar in the cell of the day on which its visible part begins."""

    bar: Bar
    start: int
    days: int
    quarters: int
    lane: int
    from_before: bool
    goes_on: bool
    classes: str


@dataclass(frozen=True)
class FreeStretch:
    """Open time that no booking holds, for the phone's agenda."""

    when: Interval
    url: str


@dataclass(frozen=True)
class Cell:
    """One instrument's day."""

    day: "Day"
    bars: Sequence[PlacedBar]
    off: Sequence[str]
    agenda: Sequence[Bar | FreeStretch]


@dataclass(frozen=True)
class Day:
    """A column. `hours` is 23 or 25 on the days of a clock change."""

    date: date
    when: Interval
    is_weekend: bool
    is_today: bool
    hours: int


@dataclass(frozen=True)
class PlacedRow:
    """A row with its cells; `used` is the share of its open time that is held."""

    row: Row
    cells: Sequence[Cell]
    lanes: int
    used: float | None


@dataclass(frozen=True)
class Timeline:
    """Everything the template needs. `shown_day` is the day of the phone's agenda."""

    zone: str
    days: Sequence[Day]
    rows: Sequence[PlacedRow]
    looks: Sequence[Look]
    marks: Sequence[Mark]
    zoom: int
    shown_day: int
    now_class: str = ""
    day_urls: Sequence[str] = field(default_factory=tuple)


def days_from(first: date, count: int, zone: str, now: datetime) -> list[Day]:
    """`count` local days from `first`."""
    local = ZoneInfo(zone)
    today = now.astimezone(local).date()
    found = []
    for offset in range(count):
        one = first + timedelta(days=offset)
        when = day_interval(one, local)
        found.append(Day(one, when, one.weekday() >= 5, one == today, when.minutes // 60))
    return found


def timeline(
    rows: Sequence[Row],
    days: Sequence[Day],
    zone: str,
    now: datetime,
    *,
    shown_day: int | None = None,
    day_url: Callable[[int], str] | None = None,
    zoom: int = FIRST_ZOOM,
) -> Timeline:
    """Place every bar that touches the days; `shown_day` defaults to today, else the first day with a bar."""
    local = ZoneInfo(zone)
    placed = [_row(row, days, local) for row in rows]
    bars = [p.bar for r in placed for c in r.cells for p in c.bars]
    if shown_day is None or not 0 <= shown_day < len(days):
        shown_day = _first_day(days, bars)
    return Timeline(
        zone=zone,
        days=days,
        rows=placed,
        looks=[look for look in Look if any(b.look is look for b in bars)],
        marks=[mark for mark in Mark if any(mark in b.marks for b in bars)],
        zoom=zoom,
        shown_day=shown_day,
        now_class=_now_class(days, now, local),
        day_urls=[day_url(n) for n in range(len(days))] if day_url else (),
    )


def _first_day(days: Sequence[Day], bars: Sequence[Bar]) -> int:
    for index, day in enumerate(days):
        if day.is_today:
            return index
    starts = [i for i, day in enumerate(days) if any(day.when.overlaps(bar.when) for bar in bars)]
    return starts[0] if starts else 0


def _now_class(days: Sequence[Day], now: datetime, local: ZoneInfo) -> str:
    for index, day in enumerate(days):
        if day.when.start <= now < day.when.end:
            return f"D{index} s{_quarter(now, local)}"
    return ""


def _quarter(at: datetime, local: ZoneInfo) -> int:
    wall = at.astimezone(local)
    return wall.hour * 4 + wall.minute // 15


def _row(row: Row, days: Sequence[Day], local: ZoneInfo) -> PlacedRow:
    span = Interval(days[0].when.start, days[-1].when.end)
    visible = sorted((b for b in row.bars if b.when.overlaps(span)), key=lambda b: (b.when, b.says))
    lanes, count = _lanes(visible)
    held = _full(row, visible)
    cells = [
        Cell(
            day=day,
            bars=[
                placed
                for bar, lane in zip(visible, lanes, strict=True)
                if (placed := _place(bar, lane, index, days, local)) is not None
            ],
            off=_off(row, day, local),
            agenda=_agenda(row, visible, held, day),
        )
        for index, day in enumerate(days)
    ]
    return PlacedRow(row, cells, count, _used(row, visible, span))


def _lanes(bars: Sequence[Bar]) -> tuple[list[int], int]:
    """The first lane that is free for each bar (in order of start), and how many lanes that takes."""
    ends: list[datetime] = []
    lanes = []
    for bar in bars:
        lane = next((n for n, end in enumerate(ends) if end <= bar.when.start), len(ends))
        if lane == len(ends):
            ends.append(bar.when.end)
        else:
            ends[lane] = bar.when.end
        lanes.append(lane)
    return lanes, max(1, len(ends))


def _place(bar: Bar, lane: int, index: int, days: Sequence[Day], local: ZoneInfo) -> PlacedBar | None:
    """The bar in this day's cell if it begins there, or on the first day if it began before the period."""
    day = days[index]
    from_before = bar.when.start < day.when.start
    begins_here = day.when.start <= bar.when.start < day.when.end
    if not begins_here and not (from_before and index == 0 and bar.when.end > day.when.start):
        return None
    start = 0 if from_before else _quarter(bar.when.start, local)
    last = len(days) - 1
    goes_on = bar.when.end > days[last].when.end
    if goes_on:
        end_day, end = last, QUARTERS
    else:
        end_day, end = _end(bar.when.end, index, days, local)
    width = max(1, (end_day - index) * QUARTERS + end - start)
    whole, rest = divmod(width, QUARTERS)
    return PlacedBar(
        bar, start, whole, rest, lane, from_before, goes_on, _classes(bar, start, whole, rest, lane, len(days))
    )


def _end(at: datetime, index: int, days: Sequence[Day], local: ZoneInfo) -> tuple[int, int]:
    """Day and quarter of an end, rounded up; midnight belongs to the day that it ends."""
    for offset in range(index, len(days)):
        if at <= days[offset].when.end:
            if at == days[offset].when.end:
                return offset, QUARTERS
            wall = at.astimezone(local)
            return offset, wall.hour * 4 + -(-wall.minute // 15)
    return len(days) - 1, QUARTERS


def _classes(bar: Bar, start: int, whole: int, rest: int, lane: int, days: int) -> str:
    names = [f"is-{bar.look}", *(f"is-{mark}" for mark in sorted(bar.marks)), f"s{start}", f"w{rest}"]
    if whole:
        names.append(f"d{whole}")
    if lane:
        names.append(f"y{min(lane, 19)}")
    return " ".join(names + _fitting(bar, whole * QUARTERS + rest, days))


def _fitting(bar: Bar, quarters: int, days: int) -> list[str]:
    """From which zoom on the sign, the code, the person and the time fit whole (widths of the 12 px label)."""
    pixels = PIXELS_ONE_DAY if days == 1 else PIXELS_A_DAY
    sign = 13 if bar.look in (Look.TENTATIVE, Look.CLOSED) or bar.marks else 0
    code = 10 + sign + 9.2 * len(bar.code)
    who = code + 5 + 6.9 * len(bar.who)
    steps = (("j", 19.0 if sign else None), ("k", code), ("l", who if bar.who else None), ("m", who + 5 + 6.9 * 11))
    names = []
    for letter, needed in steps:
        if needed is None:
            continue
        zoom = next((z for z, day in enumerate(pixels) if quarters * day / QUARTERS - 1 >= needed), None)
        if zoom is not None:
            names.append(f"{letter}{zoom}")
    return names


def _off(row: Row, day: Day, local: ZoneInfo) -> list[str]:
    """Classes of the stretches of the day in which the instrument does not run."""
    if row.open is None:
        return []
    found = []
    for closed in difference([day.when], row.open):
        start = _quarter(closed.start, local)
        end = QUARTERS if closed.end == day.when.end else -(-_minutes(closed.end, local) // 15)
        if end > start:
            whole = end - start == QUARTERS
            found.append(f"s{start} w{0 if whole else end - start}" + (" d1" if whole else ""))
    return found


def _minutes(at: datetime, local: ZoneInfo) -> int:
    wall = at.astimezone(local)
    return wall.hour * 60 + wall.minute


def _full(row: Row, bars: Sequence[Bar]) -> list[Interval]:
    """When every unit of the row is held."""
    if row.capacity == 1:
        return union(b.when for b in bars if Mark.BEFORE not in b.marks and Mark.LOST not in b.marks)
    edges = sorted({edge for bar in bars for edge in (bar.when.start, bar.when.end)})
    full = []
    for start, end in pairwise(edges):
        stretch = Interval(start, end)
        if sum(bar.when.overlaps(stretch) for bar in bars) >= row.capacity:
            full.append(stretch)
    return union(full)


def _agenda(row: Row, bars: Sequence[Bar], held: Sequence[Interval], day: Day) -> list[Bar | FreeStretch]:
    """The day as a list: what is held and, where one may book, what is free."""
    entries: list[tuple[datetime, Bar | FreeStretch]] = [
        (max(bar.when.start, day.when.start), bar) for bar in bars if bar.when.overlaps(day.when)
    ]
    if row.book_url is not None:
        open_now = [day.when] if row.open is None else intersection([day.when], row.open)
        gone = [Interval(day.when.start, row.free_from)] if row.free_from and row.free_from > day.when.start else []
        free_now = difference(open_now, [*held, *gone])
        entries += [(free.start, FreeStretch(free, url)) for free in free_now if (url := row.book_url(free))]
    return [entry for _, entry in sorted(entries, key=lambda pair: pair[0])]


def _used(row: Row, bars: Sequence[Bar], span: Interval) -> float | None:
    """Held share of the open unit-time in the span; None when it is never open."""
    open_time = [span] if row.open is None else intersection([span], row.open)
    total = sum(stretch.minutes for stretch in open_time) * row.capacity
    if not total:
        return None
    counted = [b for b in bars if b.look is not Look.CLOSED and not b.marks & {Mark.BEFORE, Mark.LOST}]
    held = sum(piece.minutes for bar in counted for piece in intersection([bar.when], open_time))
    return min(1.0, held / total)
