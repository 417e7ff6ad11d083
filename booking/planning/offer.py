"""What a round offers: its instruments as resources of the problem.

Open time is the operating plan's shifts (always, without a plan), minus the round's holds and minus what the ledger
holds already. Where some units of an instrument are held and others are free, each unit becomes a resource of its own
(an alternative for every part), so that nothing is lost and nothing is booked twice. Only inside an exclusion group,
where two resources may never run together, a partly held instrument counts as held: too careful, never wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from booking.models import Booking, Round
from booking.planning.grid import Grains, Grid
from booking.queries import plans as queries
from core.intervals import Interval, difference, union
from facilities.models import ExclusionGroup, Instrument
from facilities.openings import WeeklyShift, local_instant, shifts_between

UNIT_MARK = "/"
WEEK_MINUTES = 7 * 24 * 60


@dataclass(frozen=True)
class Opening:
    """When a unit runs, and where on its grid a block may start (None: anywhere)."""

    open: tuple[Grains, ...]
    starts: tuple[int, ...] | None


@dataclass(frozen=True)
class Resource:
    """A resource of the problem and the instrument it stands for."""

    id: str
    instrument_id: UUID
    document: dict[str, Any]


def unit_resource(instrument_id: UUID, unit: int) -> str:
    """The name of one unit that is a resource of its own."""
    return f"{instrument_id}{UNIT_MARK}{unit}"


def instrument_and_unit(resource: str, unit: int) -> tuple[UUID, int]:
    """The instrument a resource stands for, and which of its units `unit` of the resource is."""
    instrument, mark, own_unit = resource.partition(UNIT_MARK)
    return UUID(instrument), int(own_unit) if mark else unit


def resources_of(session: Session, round_: Round, grid: Grid) -> list[Resource]:
    """All resources, instruments in the round's order, units in theirs, without what the ledger holds."""
    ids, groups = _offered_ids(round_)
    return _all_resources(round_, grid, session.scalars(queries.time_taken(ids, groups, grid.horizon)).all())


def _offered_ids(round_: Round) -> tuple[list[UUID], set[UUID]]:
    """The instruments of a round, and the groups they are in."""
    instruments = [row.instrument for row in round_.instruments]
    return [row.id for row in instruments], {row.exclusion_group_id for row in instruments if row.exclusion_group_id}


def _all_resources(round_: Round, grid: Grid, taken: Sequence[Booking]) -> list[Resource]:
    return [
        resource
        for row in round_.instruments
        for resource in _resources(row.instrument, _holes(row.instrument, round_, taken), grid)
    ]


def offered_minutes(session: Session, round_: Round, grid: Grid) -> int:
    """Open time of the round in all units together; instruments that exclude each other count once."""
    ids, groups = _offered_ids(round_)
    taken = session.scalars(queries.time_taken_by_others(ids, groups, grid.horizon, round_.id)).all()
    total = 0
    shared: dict[str, list[Interval]] = {}
    for resource in _all_resources(round_, grid, taken):
        stretches = [Interval(grid.instant(first), grid.instant(last)) for first, last in resource.document["open"]]
        if resource.document["exclusive"]:
            shared.setdefault(resource.document["exclusive"], []).extend(stretches)
        else:
            total += resource.document["capacity"] * sum(stretch.minutes for stretch in stretches)
    return total + sum(stretch.minutes for stretches in shared.values() for stretch in union(stretches))


# holes ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Holes:
    """Time that is not to give: for all units, and for each unit."""

    common: tuple[Interval, ...]
    of_unit: tuple[tuple[Interval, ...], ...]

    def of(self, unit: int) -> list[Interval]:
        """Everything that keeps one unit from running."""
        return union((*self.common, *self.of_unit[unit]))

    def all(self) -> list[Interval]:
        """Everything that keeps at least one unit from running."""
        return union((*self.common, *(hole for unit in self.of_unit for hole in unit)))


def _holes(instrument: Instrument, round_: Round, taken: Iterable[Booking]) -> Holes:
    kept_back = [
        Interval(hold.starts_at, hold.ends_at) for hold in round_.holds if hold.instrument_id in (None, instrument.id)
    ]
    of_unit: list[list[Interval]] = [[] for _ in range(instrument.capacity)]
    for booking in taken:
        if booking.instrument_id == instrument.id:
            if booking.unit < instrument.capacity:
                of_unit[booking.unit].append(Interval(booking.starts_at, booking.ends_at))
        elif booking.exclusion_group_id and booking.exclusion_group_id == instrument.exclusion_group_id:
            kept_back.append(_with_changeover(booking, instrument.exclusion_group))
    return Holes(tuple(kept_back), tuple(map(tuple, of_unit)))


def _with_changeover(booking: Booking, group: ExclusionGroup | None) -> Interval:
    """Time that another instrument of the group runs, and the longest changeover before and after it.

    The ledger does not say in which configuration it ran, so the longest one is right in every case.
    """
    longest = max((int(minutes) for minutes in group.changeover.values()), default=0) if group else 0
    margin = timedelta(minutes=longest)
    return Interval(booking.starts_at - margin, booking.ends_at + margin)


# openings -------------------------------------------------------------------------------------------------------------


def _resources(instrument: Instrument, holes: Holes, grid: Grid) -> list[Resource]:
    units = [_opening(instrument, holes.of(unit), grid) for unit in range(instrument.capacity)]
    if all(opening == units[0] for opening in units):
        return [_resource(instrument, str(instrument.id), instrument.capacity, units[0], grid)]
    if instrument.exclusion_group_id:
        careful = _opening(instrument, holes.all(), grid)
        return [_resource(instrument, str(instrument.id), instrument.capacity, careful, grid)]
    return [
        _resource(instrument, unit_resource(instrument.id, unit), 1, opening, grid)
        for unit, opening in enumerate(units)
    ]


def _opening(instrument: Instrument, holes: list[Interval], grid: Grid) -> Opening:
    if instrument.operating_plan is None:
        free = grid.all_inside(difference([grid.horizon], holes))
        return Opening(tuple(free), _slot_starts(instrument, grid))
    zone = ZoneInfo(instrument.operating_plan.timezone)
    weekly = [WeeklyShift(row.weekday, row.start_minute, row.minutes) for row in instrument.operating_plan.shifts]
    # shift by shift: two shifts that touch are one open stretch, but each has its own start
    pieces = [piece for shift in shifts_between(weekly, zone, grid.horizon) for piece in difference([shift], holes)]
    starts = {stretch[0] for piece in pieces if (stretch := grid.inside(piece))}
    return Opening(tuple(grid.all_inside(pieces)), tuple(sorted(starts)))


def _slot_starts(instrument: Instrument, grid: Grid) -> tuple[int, ...] | None:
    """Multiples of the instrument's slot from each local Monday's midnight that fall on a grain."""
    slot = instrument.slot_minutes
    if grid.minutes % slot == 0:
        return None
    zone = ZoneInfo(instrument.facility.timezone)
    day = grid.start.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    last = grid.horizon.end.astimezone(zone).date()
    starts: set[int] = set()
    while monday <= last:
        moments = (local_instant(monday, minute, zone) for minute in range(0, WEEK_MINUTES, slot))
        starts.update(grid.first_at(at) for at in moments if _is_on(grid, at))
        monday += timedelta(days=7)
    return tuple(sorted(starts))


def _is_on(grid: Grid, at: datetime) -> bool:
    inside = grid.start <= at < grid.horizon.end
    return inside and not (at - grid.start) % timedelta(minutes=grid.minutes)


def _resource(instrument: Instrument, name: str, capacity: int, opening: Opening, grid: Grid) -> Resource:
    group = instrument.exclusion_group
    changeover = {pair: grid.up(int(minutes)) for pair, minutes in sorted(group.changeover.items())} if group else {}
    return Resource(
        id=name,
        instrument_id=instrument.id,
        document={
            "id": name,
            "capacity": capacity,
            "cost": instrument.cost,
            "open": [list(stretch) for stretch in opening.open],
            "starts": None if opening.starts is None else list(opening.starts),
            "exclusive": group.slug if group else None,
            "changeover": changeover,
        },
    )
