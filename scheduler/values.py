"""The values a problem is made of: members, resources, requests, pins and the policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

Interval = tuple[int, int]
"""Half-open [start, end) in grains."""


class Fairness(StrEnum):
    """Which goal comes first."""

    LEXIMIN = "leximin"
    MERIT = "merit"
    PROPORTIONAL = "proportional"
    QUOTA = "quota"


class Needs(StrEnum):
    """Whether a request wants all of its parts or any of them."""

    ALL = "all"
    ANY = "any"


@dataclass(frozen=True)
class Quota:
    """A group's least and largest fraction of the served cost-grains."""

    name: str
    members: tuple[str, ...]
    floor: float
    cap: float


@dataclass(frozen=True)
class Policy:
    """The goals: fairness rule, what a sorted entry may lose for value, seed and quotas."""

    fairness: Fairness
    value_slack: float
    seed: int
    quotas: tuple[Quota, ...]


@dataclass(frozen=True)
class Member:
    """Who shares the time; `past_use` is in cost-grains."""

    id: str
    weight: float
    past_use: int


@dataclass(frozen=True)
class Resource:
    """What is shared: `capacity` units, open intervals, legal starts (None = any grain)."""

    id: str
    capacity: int
    cost: float
    open: tuple[Interval, ...]
    starts: tuple[int, ...] | None
    exclusive: str | None
    changeover: Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class Side:
    """Units of another resource that a block needs for its whole length."""

    resource: str
    units: int


@dataclass(frozen=True)
class Preference:
    """Starts in [start, end) are liked with this weight."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Gap:
    """Least and largest number of grains between consecutive blocks of a part."""

    least: int
    most: int | None


@dataclass(frozen=True)
class Part:
    """One need inside a request, served by blocks on one of its alternatives."""

    id: str
    alternatives: tuple[str, ...]
    amount: int
    least: int
    lengths: tuple[int, ...]
    most_blocks: int | None
    gap: Gap | None
    allowed: tuple[Interval, ...]
    preferred: tuple[Preference, ...]
    configuration: str | None
    side: tuple[Side, ...]


@dataclass(frozen=True)
class Lag:
    """Blocks of `then` start `least` to `most` grains after the last block of `after` ends."""

    after: str
    then: str
    least: int
    most: int | None


@dataclass(frozen=True)
class Request:
    """What one member, or several jointly by `shares`, ask for."""

    id: str
    shares: Mapping[str, float]
    merit: float
    needs: Needs
    parts: tuple[Part, ...]
    lags: tuple[Lag, ...]

    @cached_property
    def part_by_id(self) -> dict[str, Part]:
        return {part.id: part for part in self.parts}


@dataclass(frozen=True)
class Published:
    """A block of the plan in force."""

    request: str
    part: str
    resource: str
    start: int
    length: int


@dataclass(frozen=True)
class Pattern:
    """A pin or a ban: every field that is not None must match."""

    request: str | None
    part: str | None
    resource: str | None
    start: int | None
    length: int | None

    def matches(self, request: str, part: str, resource: str, start: int, length: int) -> bool:
        return (
            self.request in (None, request)
            and self.part in (None, part)
            and self.resource in (None, resource)
            and self.start in (None, start)
            and self.length in (None, length)
        )
