"""What a request says, as plain values: the same for pages, imports and tests, and free of any row.

A draft may leave things out; what a submitted request must say is in booking/request_rules.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.intervals import Interval


class Needs(StrEnum):
    """Whether a request is useful only whole."""

    ALL = "all"
    ANY = "any"


class WindowKind(StrEnum):
    """What a member says of a stretch of time; what is not said is possible."""

    PREFERRED = "preferred"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True)
class WindowContent:
    """A painted stretch [starts_at, ends_at) of a part's calendar, in aware UTC."""

    starts_at: datetime
    ends_at: datetime
    kind: WindowKind


@dataclass(frozen=True)
class PartContent:
    """One instrument need: any of the instruments, in all `amount_minutes`, useful from `least_minutes` on.

    The time comes in blocks of the given lengths, at most `most_blocks` of them (None: no limit), consecutive ones
    apart by `gap_least_minutes` to `gap_most_minutes` (None: no limit). `amount_minutes` 0 says: not decided yet.
    """

    instrument_ids: tuple[UUID, ...] = ()
    amount_minutes: int = 0
    least_minutes: int = 0
    lengths_minutes: tuple[int, ...] = ()
    most_blocks: int | None = None
    gap_least_minutes: int | None = None
    gap_most_minutes: int | None = None
    configuration: str | None = None
    windows: tuple[WindowContent, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class LagContent:
    """Part `then` starts `least_minutes` to `most_minutes` (None: no limit) after part `after` has ended.

    Parts are named by their place in `RequestContent.parts`, from 0.
    """

    after: int
    then: int
    least_minutes: int = 0
    most_minutes: int | None = None


@dataclass(frozen=True)
class RequestContent:
    """Everything a member says in one request. `is_shared` lets the own delegate read confidential texts."""

    title: str = ""
    acronym: str = ""
    team_size: int | None = None
    background: str = ""
    objectives: str = ""
    method: str = ""
    impact: str = ""
    sample: str = ""
    biosafety_level: int = 0
    safety: str = ""
    equipment: str = ""
    grant_programme: str = ""
    grant_number: str = ""
    is_confidential: bool = False
    is_shared: bool = False
    wants_partners: bool = False
    wants_grant_help: bool = False
    needs: Needs = Needs.ALL
    parts: tuple[PartContent, ...] = ()
    lags: tuple[LagContent, ...] = ()

    @property
    def minutes(self) -> int:
        """What the parts ask for together."""
        return sum(part.amount_minutes for part in self.parts)


@dataclass(frozen=True)
class InstrumentFacts:
    """What the rules need to know of an instrument of a round.

    `openings` are its open stretches in the horizon, disjoint and sorted; a block starts at one of `starts`
    (None: anywhere on the grid).
    """

    id: UUID
    cost: float
    least_minutes: int
    most_minutes: int
    slot_minutes: int
    configuration: str | None
    openings: tuple[Interval, ...]
    starts: tuple[datetime, ...] | None


@dataclass(frozen=True)
class RoundFacts:
    """What the rules need to know of a round."""

    horizon: Interval
    grain_minutes: int
    instruments: Mapping[UUID, InstrumentFacts]
