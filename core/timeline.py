"""The timeline's view model: rows × days × bars, placed by local wall time in quarters of an hour.

Nothing here knows what a booking is: callers give stretches with a look and words, and get cells that a
template can write with static classes (a strict content security policy allows no inline styles).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from core.intervals import Interval, difference, intersection, union
from core.timeline_places import QUARTERS, Day, Label, Place, days_from, fitting, in_lane, lanes, place, quarter, shaded

__all__ = [
    "Bar",
    "Cell",
    "Day",
    "Drag",
    "FreeStretch",
    "Look",
    "Mark",
    "PlacedBar",
    "Row",
    "Timeline",
    "days_from",
    "timeline",
]
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
    """A stretch of held time. `code` is the shortest label, `who` the next; `says` is the whole accessible name.

    `held` is the same with buffers around it. With a `sequence` (what the server knew when it drew the bar) the reader
    may drag it. `fills` is said of a bar that leaves no unit of its row free.
    """

    when: Interval
    look: Look
    code: str
    says: str
    who: str = ""
    url: str | None = None
    marks: frozenset[Mark] = frozenset()
    key: str = ""
    held: Interval | None = None
    sequence: int | None = None
    fills: bool = False

    @property
    def busy(self) -> Interval:
        """What nobody else can have."""
        return self.held or self.when


BookUrl = Callable[[Interval], str | None]


@dataclass(frozen=True)
class Drag:
    """What a script needs to draw a new booking on a row: the form's address, the grid, the shortest length.

    Starts are the wall minutes of a day that leave `anchor` when divided by `step`.
    """

    url: str
    step: int
    anchor: int
    least: int


@dataclass(frozen=True)
class Row:
    """One instrument: its bars, when it is open (None: always), and where to book a free stretch.

    `book_url` gives None for a stretch that cannot be booked; nothing is offered in what is `kept` from booking by more
    than its bars: buffers, the past. Rows of one `group` that follow each other stand under one heading, which leads to
    `group_url`.
    """

    name: str
    bars: Sequence[Bar]
    url: str | None = None
    note: str = ""
    capacity: int = 1
    open: Sequence[Interval] | None = None
    book_url: BookUrl | None = None
    kept: Sequence[Interval] = ()
    key: str = ""
    group: str = ""
    group_url: str = ""
    drag: Drag | None = None


@dataclass(frozen=True)
class PlacedBar:
    """A bar in the cell of the day on which its visible part begins; `buffer` are the classes of what is around it."""

    bar: Bar
    place: Place
    lane: int
    classes: str
    times: str
    buffer: str = ""
    drag_from: str = ""
    drag_until: str = ""


@dataclass(frozen=True)
class FreeStretch:
    """Open time that no booking holds, for the phone's agenda."""

    when: Interval
    url: str


@dataclass(frozen=True)
class Cell:
    """One instrument's day."""

    day: Day
    bars: Sequence[PlacedBar]
    off: Sequence[str]
    agenda: Sequence[Bar | FreeStretch]


@dataclass(frozen=True)
class PlacedRow:
    """A row with its cells; `used` is the share of its open time that is held."""

    row: Row
    cells: Sequence[Cell]
    lanes: int
    used: float | None


@dataclass(frozen=True)
class Timeline:
    """Everything the template needs. `shown_day` is the day of the phone's agenda.

    With `day_urls` each day's agenda is a page of its own, and only the shown one's is here.
    """

    zone: str
    days: Sequence[Day]
    rows: Sequence[PlacedRow]
    looks: Sequence[Look]
    marks: Sequence[Mark]
    zoom: int
    shown_day: int
    now_class: str = ""
    day_urls: Sequence[str] = field(default_factory=tuple)

    @property
    def agenda_days(self) -> Sequence[int]:
        """The days whose agenda is here."""
        return (self.shown_day,) if self.day_urls else range(len(self.days))

    @property
    def has_buffers(self) -> bool:
        """Whether a buffer is drawn."""
        return any(bar.buffer for row in self.rows for cell in row.cells for bar in cell.bars)

    @property
    def can_drag(self) -> bool:
        """Whether anything can be drawn or moved."""
        return any(row.row.drag for row in self.rows)

    @property
    def groups(self) -> list[list[PlacedRow]]:
        """The rows, those of one group that follow each other together."""
        found: list[list[PlacedRow]] = []
        for row in self.rows:
            if found and found[-1][0].row.group == row.row.group:
                found[-1].append(row)
            else:
                found.append([row])
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
    span = Interval(days[0].when.start, days[-1].when.end)
    bars = [bar for row in rows for bar in row.bars if bar.when.overlaps(span)]
    if shown_day is None or not 0 <= shown_day < len(days):
        shown_day = _first_day(days, bars)
    agendas = days if day_url is None else [days[shown_day]]
    return Timeline(
        zone=zone,
        days=days,
        rows=[_row(row, days, agendas, local) for row in rows],
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
            return f"D{index} s{quarter(now, local)}"
    return ""


def _row(row: Row, days: Sequence[Day], agendas: Sequence[Day], local: ZoneInfo) -> PlacedRow:
    span = Interval(days[0].when.start, days[-1].when.end)
    visible = sorted((b for b in row.bars if b.when.overlaps(span)), key=lambda b: (b.when, b.says))
    taken, count = lanes([bar.when for bar in visible])
    cells: list[list[PlacedBar]] = [[] for _ in days]
    for bar, lane in zip(visible, taken, strict=True):
        where = place(bar.when, days, local)
        if where is not None:
            cells[where.day].append(_placed(bar, where, lane, days, local))
    closed = [] if row.open is None else difference([span], row.open)
    placed = [
        Cell(day, cells[n], shaded(closed, day, local), _agenda(row, visible, day) if day in agendas else ())
        for n, day in enumerate(days)
    ]
    return PlacedRow(row, placed, count, _used(row, visible, span))


def _placed(bar: Bar, where: Place, lane: int, days: Sequence[Day], local: ZoneInfo) -> PlacedBar:
    label = Label(bar.look in (Look.TENTATIVE, Look.CLOSED) or bool(bar.marks), bar.code, bar.who)
    length = where.days * QUARTERS + where.quarters
    marks = [f"is-{mark}" for mark in sorted(bar.marks)]
    edges = ["from-before"] * where.from_before + ["goes-on"] * where.goes_on
    names = [f"is-{bar.look}", *marks, *where.classes, *in_lane(lane), *fitting(label, length, len(days)), *edges]
    start, end = bar.when.start.astimezone(local), bar.when.end.astimezone(local)
    can_drag = bar.sequence is not None
    return PlacedBar(
        bar,
        where,
        lane,
        " ".join(names),
        f"{start:%H:%M}–{end:%H:%M}",
        _buffer(bar, where, lane, days, local),
        f"{start:%Y-%m-%dT%H:%M}" if can_drag else "",
        f"{end:%Y-%m-%dT%H:%M}" if can_drag else "",
    )


def _buffer(bar: Bar, where: Place, lane: int, days: Sequence[Day], local: ZoneInfo) -> str:
    """Classes of the bar with its buffers; none when there are none, or when they begin in the cell before."""
    around = None if bar.held is None or bar.held == bar.when else place(bar.held, days, local)
    if around is None or around.day != where.day:
        return ""
    return " ".join([*around.classes, *in_lane(lane)])


def _full(row: Row, bars: Sequence[Bar]) -> list[Interval]:
    """When every unit of the row is held."""
    counted = [b for b in bars if not b.marks & {Mark.BEFORE, Mark.LOST}]
    full = [bar.busy for bar in counted if bar.fills or row.capacity == 1]
    if row.capacity > 1:
        edges = sorted({edge for bar in counted for edge in (bar.busy.start, bar.busy.end)})
        for start, end in pairwise(edges):
            stretch = Interval(start, end)
            if sum(bar.busy.overlaps(stretch) for bar in counted) >= row.capacity:
                full.append(stretch)
    return union(full)


def _agenda(row: Row, bars: Sequence[Bar], day: Day) -> list[Bar | FreeStretch]:
    """The day as a list: what is held and, where one may book, what is free."""
    today = [bar for bar in bars if bar.busy.overlaps(day.when)]
    entries: list[tuple[datetime, Bar | FreeStretch]] = [
        (max(bar.when.start, day.when.start), bar) for bar in today if bar.when.overlaps(day.when)
    ]
    if row.book_url is not None:
        open_now = [day.when] if row.open is None else intersection([day.when], row.open)
        free_now = difference(open_now, [*_full(row, today), *row.kept])
        entries += [(free.start, FreeStretch(free, url)) for free in free_now if (url := row.book_url(free))]
    return [entry for _, entry in sorted(entries, key=lambda pair: pair[0])]


def _used(row: Row, bars: Sequence[Bar], span: Interval) -> float | None:
    """Held share of the open unit-time in the span; None when it is never open."""
    open_time = [span] if row.open is None else intersection([span], row.open)
    total = sum(stretch.minutes for stretch in open_time) * row.capacity
    if not total:
        return None
    counted = [b for b in bars if b.look is not Look.CLOSED and not b.marks & {Mark.BEFORE, Mark.LOST}]
    held = sum(_shared(bar.when, stretch) for bar in counted for stretch in open_time)
    return min(1.0, held / total)


def _shared(first: Interval, second: Interval) -> int:
    """Minutes that are in both."""
    return Interval(max(first.start, second.start), min(first.end, second.end)).minutes if first.overlaps(second) else 0
