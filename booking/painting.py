"""The calendar of a part as a table to paint: one row a week, one column a shift, or a day where there are no shifts.

Cells are stretches of real time [start, end) in UTC; rows and columns follow the local calendar, so that a shift keeps
its wall-clock hours across a clock change and a day may have 23 or 25 hours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from booking.content import WindowContent, WindowKind
from core.intervals import Interval, difference, union
from facilities.openings import WeeklyShift, local_instant

DAY_MINUTES = 24 * 60
DAYS = tuple(WeeklyShift(weekday, 0, DAY_MINUTES) for weekday in range(7))


@dataclass(frozen=True)
class Cell:
    """One stretch to paint; no `kind` means possible. What is `held` the round does not give, whatever is painted."""

    time: Interval
    kind: WindowKind | None
    is_held: bool

    @property
    def key(self) -> str:
        """How a form names the cell: its start in UTC and its length in minutes."""
        return f"{self.time.start:%Y%m%dT%H%MZ}-{self.time.minutes}"


@dataclass(frozen=True)
class Week:
    """A row: the week's Monday and one cell a column, None where the round does not reach."""

    monday: date
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Calendar:
    """The whole table; `by_day` when its columns are days and not shifts."""

    columns: tuple[WeeklyShift, ...]
    weeks: tuple[Week, ...]
    by_day: bool


def calendar(
    shifts: Sequence[WeeklyShift],
    zone: ZoneInfo,
    horizon: Interval,
    windows: Iterable[WindowContent],
    held: Sequence[Interval],
) -> Calendar:
    """The table of a part; without shifts it has a column a day."""
    columns = tuple(sorted(set(shifts), key=lambda shift: (shift.weekday, shift.start_minute, shift.minutes))) or DAYS
    by_day = columns == DAYS
    painted = list(windows)
    weeks = tuple(
        Week(monday, tuple(_cell(monday, column, zone, horizon, painted, held, by_day) for column in columns))
        for monday in _mondays(horizon, zone)
    )
    return Calendar(columns, tuple(week for week in weeks if any(week.cells)), by_day)


def _mondays(horizon: Interval, zone: ZoneInfo) -> list[date]:
    first = horizon.start.astimezone(zone).date()
    monday, last = first - timedelta(days=first.weekday() + 7), horizon.end.astimezone(zone).date()
    return [monday + timedelta(weeks=week) for week in range((last - monday).days // 7 + 1)]


def _cell(
    monday: date,
    column: WeeklyShift,
    zone: ZoneInfo,
    horizon: Interval,
    windows: Sequence[WindowContent],
    held: Sequence[Interval],
    by_day: bool,
) -> Cell | None:
    day = monday + timedelta(days=column.weekday)
    start = local_instant(day, column.start_minute, zone)
    end = local_instant(day, column.start_minute + column.minutes, zone)
    if by_day:  # the round may begin or end in the middle of a day, but not in the middle of a shift
        start, end = max(start, horizon.start), min(end, horizon.end)
    if not horizon.start <= start < end <= horizon.end:
        return None
    time = Interval(start, end)
    return Cell(time, _kind_of(time, windows), is_held=not difference([time], held))


def _kind_of(time: Interval, windows: Sequence[WindowContent]) -> WindowKind | None:
    """What was painted on any piece of the cell; impossible wins, so that no promise is made too much."""
    kinds = {row.kind for row in windows if row.starts_at < time.end and time.start < row.ends_at}
    return next((kind for kind in (WindowKind.IMPOSSIBLE, WindowKind.PREFERRED) if kind in kinds), None)


def windows_of(painted: Iterable[tuple[Interval, WindowKind]]) -> tuple[WindowContent, ...]:
    """Painted cells as windows: cells of one kind that touch become one."""
    by_kind = groupby(sorted(painted, key=lambda cell: cell[1]), key=lambda cell: cell[1])
    merged = [
        WindowContent(piece.start, piece.end, kind)
        for kind, cells in by_kind
        for piece in union(time for time, _kind in cells)
    ]
    return tuple(sorted(merged, key=lambda window: (window.starts_at, window.kind)))


def instant_of(text: str) -> datetime:
    """The instant of a cell's key, '20270109T0700Z'; ValueError when it is none."""
    return datetime.strptime(text + "+0000", "%Y%m%dT%H%MZ%z")
