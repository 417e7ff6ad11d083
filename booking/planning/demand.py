"""What is asked of a round: its requests as requests of the problem.

Minutes that are no whole grains are rounded against the plan, never against the member: needed time up, allowed time
down, windows to the whole grains that the member really offered.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from booking.models import Lag, Part, Request, Window, WindowKind
from booking.planning.grid import Grid
from core.errors import Conflict
from core.i18n import N_
from core.intervals import Interval, difference

PREFERENCE = 1
"""Weight of a preferred window: members say what they like, not how much."""

Resources = Mapping[UUID, Sequence[str]]
"""The names of an instrument's resources."""


def request_document(request: Request, merit: float, resources: Resources, grid: Grid) -> dict[str, Any]:
    """One request; Conflict when a part names no instrument of the round any more."""
    return {
        "id": str(request.id),
        "shares": {str(request.organisation_id): 1.0},
        "merit": merit,
        "needs": request.needs.value,
        "parts": [_part(request, part, resources, grid) for part in request.parts],
        "lags": [
            _lag(lag, grid) for lag in sorted(request.lags, key=lambda lag: (str(lag.after_id), str(lag.then_id)))
        ],
    }


def _part(request: Request, part: Part, resources: Resources, grid: Grid) -> dict[str, Any]:
    alternatives = [name for row in part.alternatives for name in resources.get(row.instrument_id, ())]
    if not alternatives:
        message = N_("Request %(number)s asks for an instrument that this round does not offer.")
        raise Conflict(message, code="not_offered", number=request.number)
    return {
        "id": str(part.id),
        "alternatives": alternatives,
        "amount": grid.up(part.amount_minutes),
        "least": grid.up(part.least_minutes),
        "lengths": sorted({grid.up(minutes) for minutes in part.lengths_minutes}),
        "most_blocks": part.most_blocks,
        "gap": _gap(part, grid),
        "allowed": [list(stretch) for stretch in grid.all_inside(_allowed(part, grid))],
        "preferred": _preferred(part, grid),
        "configuration": _configuration(part),
        "side": [],
    }


def _configuration(part: Part) -> str | None:
    """The part's own configuration, or the one that its first instrument always has."""
    return part.configuration or part.alternatives[0].instrument.configuration


def _allowed(part: Part, grid: Grid) -> list[Interval]:
    return difference([grid.horizon], _painted(part, WindowKind.IMPOSSIBLE))


def _painted(part: Part, kind: WindowKind) -> list[Interval]:
    return [Interval(row.starts_at, row.ends_at) for row in part.windows if row.kind is kind]


def _preferred(part: Part, grid: Grid) -> list[list[int]]:
    """Stretches in which a block likes to start."""
    rows: list[Window] = [row for row in part.windows if row.kind is WindowKind.PREFERRED]
    starts = ((grid.first_at(row.starts_at), grid.first_at(row.ends_at)) for row in rows)
    return sorted([first, last, PREFERENCE] for first, last in starts if first < last)


def _gap(part: Part, grid: Grid) -> list[int | None] | None:
    if part.gap_least_minutes is None and part.gap_most_minutes is None:
        return None
    return _bounds(part.gap_least_minutes or 0, part.gap_most_minutes, grid)


def _lag(lag: Lag, grid: Grid) -> dict[str, Any]:
    least, most = _bounds(lag.least_minutes, lag.most_minutes, grid)
    return {"after": str(lag.after_id), "then": str(lag.then_id), "least": least, "most": most}


def _bounds(least: int, most: int | None, grid: Grid) -> list[int | None]:
    """At least and at most in grains; a most that rounding would put below the least becomes the least."""
    low = grid.up(least)
    return [low, None if most is None else max(low, grid.down(most))]
