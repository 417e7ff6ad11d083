"""When an instrument is free: plain arithmetic on held stretches, its units and its opening hours."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from core.intervals import Interval


@dataclass(frozen=True)
class Busy:
    """A stretch that is not free on one unit, or on all of them (`unit` None: its exclusion group runs elsewhere)."""

    interval: Interval
    unit: int | None


@dataclass(frozen=True)
class Stretch:
    """A stretch of time and how many units are free all through it."""

    interval: Interval
    free_units: int


def free_units(busy: Iterable[Busy], capacity: int, wanted: Interval) -> list[int]:
    """The units on which the whole of `wanted` is free, lowest first."""
    hits = [one for one in busy if one.interval.overlaps(wanted)]
    if any(hit.unit is None for hit in hits):
        return []
    taken = {hit.unit for hit in hits}
    return [unit for unit in range(capacity) if unit not in taken]


def with_buffers(busy: Iterable[Busy], before: timedelta, after: timedelta) -> list[Busy]:
    """What is not free for a booking that keeps buffers of its own: held stretches reach further by them."""
    return [Busy(Interval(one.interval.start - after, one.interval.end + before), one.unit) for one in busy]


def next_free(
    busy: Sequence[Busy],
    capacity: int,
    wanted: Interval,
    starts: Iterable[datetime],
    is_allowed: Callable[[Interval], bool],
) -> datetime | None:
    """The first of the starts after the wanted one from which a stretch as long is free and allowed; None: not found.

    With buffers: `busy` as `with_buffers` gives it.
    """
    for start in sorted(at for at in starts if at > wanted.start):
        candidate = Interval(start, start + wanted.length)
        if free_units(busy, capacity, candidate) and is_allowed(candidate):
            return start
    return None


def stretches(busy: Sequence[Busy], capacity: int, open_hours: Iterable[Interval]) -> list[Stretch]:
    """The opening hours cut wherever the number of free units changes; sorted, neighbours differ."""
    found: list[Stretch] = []
    for opening in open_hours:
        inside = [one for one in busy if one.interval.overlaps(opening)]
        cuts = {opening.start, opening.end}
        cuts.update(max(one.interval.start, opening.start) for one in inside)
        cuts.update(min(one.interval.end, opening.end) for one in inside)
        ordered = sorted(cuts)
        for start, end in pairwise(ordered):
            piece = Stretch(Interval(start, end), len(free_units(inside, capacity, Interval(start, end))))
            _append(found, piece)
    return found


def _append(found: list[Stretch], piece: Stretch) -> None:
    """Add a piece; one that continues the last with the same number of free units lengthens it."""
    last = found[-1] if found else None
    if last and last.interval.end == piece.interval.start and last.free_units == piece.free_units:
        found[-1] = Stretch(Interval(last.interval.start, piece.interval.end), piece.free_units)
    else:
        found.append(piece)
