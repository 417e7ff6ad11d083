"""The problem as the search needs it: numbers instead of names, and for each part the grains where it may start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from scheduler.figures import exact
from scheduler.lag_order import in_lag_order
from scheduler.lanes import has_changeover, needs_units
from scheduler.large.bits import runs, span
from scheduler.placements import banning, sides_fit
from scheduler.problem import Problem
from scheduler.values import Interval, Needs, Part, Pattern, Request


@dataclass(slots=True)
class Option:
    """One resource and length for a block of a part, with the legal starts of an otherwise empty facility."""

    resource: int
    length: int
    starts: int
    liked: tuple[int, ...] = ()
    """Starts to try first, in falling order of how well the relaxation likes them."""


@dataclass(slots=True)
class Follower:
    """A lag: this part's blocks start `least` … `most` grains after the last block of `after` ends."""

    after: int
    least: int
    most: int | None


@dataclass(slots=True)
class GridPart:
    """A part in numbers; `place` is its place among all parts, `options` are by length, longest first."""

    place: int
    request: int
    id: str
    options: list[Option]
    demand: int
    amount: int
    least: int
    most_blocks: int
    gap_least: int
    gap_most: int | None
    sides: tuple[tuple[int, int], ...]
    configuration: str | None
    cost: float
    worth: float
    """Value of one grain."""
    follows: list[Follower] = field(default_factory=list)
    followers: list[tuple[int, int, int | None]] = field(default_factory=list)
    """Parts that follow this one: (place, least, most)."""

    @property
    def is_loose(self) -> bool:
        """Whether single blocks may be taken away without a look at the others' times."""
        return self.gap_most is None and not self.follows and not self.followers

    @property
    def has_one_block(self) -> bool:
        return self.most_blocks == 1 or self.amount < 2 * min((option.length for option in self.options), default=1)


@dataclass(slots=True)
class GridRequest:
    """A request in numbers; `parts` are places, each after those it follows."""

    place: int
    id: str
    parts: tuple[int, ...]
    needs_all: bool
    shares: tuple[tuple[int, float], ...]
    can_be_served: bool


@dataclass(slots=True)
class GridResource:
    """A resource in numbers; `lane_by_unit`: changeover depends on the unit a block takes."""

    id: str
    capacity: int
    open: int
    starts: int
    rivals: tuple[int, ...]
    lane_by_unit: bool
    lane: int
    """Where changeover is counted, −1 where there is none; with `lane_by_unit` the first unit's."""
    changeover: Mapping[tuple[str, str], int]


class Grid:
    """All of a problem in numbers."""

    def __init__(self, problem: Problem, shares: Mapping[str, Fraction]) -> None:
        self.problem = problem
        self.grains = problem.grains
        self.members = [member.id for member in problem.members]
        self.shares = [float(shares[member]) for member in self.members]
        self.resource_place = {resource.id: place for place, resource in enumerate(problem.resources)}
        self.lanes = 0
        self.resources = self.read_resources()
        self.parts: list[GridPart] = []
        self.part_place: dict[tuple[str, str], int] = {}
        member_place = {member: place for place, member in enumerate(self.members)}
        self.requests = [self.read_request(place, row, member_place) for place, row in enumerate(problem.requests)]

    def read_resources(self) -> list[GridResource]:
        problem, rows = self.problem, []
        names: dict[str, int] = {}
        for resource in problem.resources:
            lane = -1
            if has_changeover(resource):
                key = resource.id if resource.exclusive is None else f"{resource.exclusive} "
                if key not in names:
                    names[key] = self.lanes
                    self.lanes += resource.capacity if needs_units(resource) else 1
                lane = names[key]
            rivals = tuple(
                self.resource_place[other.id]
                for other in problem.resources
                if resource.exclusive is not None and other.exclusive == resource.exclusive and other is not resource
            )
            starts = span(0, problem.grains) if resource.starts is None else bits_at(resource.starts)
            rows.append(
                GridResource(
                    resource.id,
                    resource.capacity,
                    bits_in(resource.open),
                    starts,
                    rivals,
                    needs_units(resource),
                    lane,
                    resource.changeover,
                )
            )
        return rows

    def read_request(self, place: int, request: Request, member_place: Mapping[str, int]) -> GridRequest:
        ordered = in_lag_order(request)
        for part in ordered:
            self.part_place[request.id, part.id] = len(self.parts)
            self.parts.append(self.read_part(place, request, part, self.problem.demands[request.id, part.id]))
        for lag in request.lags:
            after, then = self.part_place[request.id, lag.after], self.part_place[request.id, lag.then]
            self.parts[then].follows.append(Follower(after, lag.least, lag.most))
            self.parts[after].followers.append((then, lag.least, lag.most))
        return GridRequest(
            place,
            request.id,
            tuple(self.part_place[request.id, part.id] for part in ordered),
            request.needs is Needs.ALL,
            tuple((member_place[member], float(share)) for member, share in request.shares.items()),
            any(self.problem.demands[request.id, part.id] for part in request.parts),
        )

    def read_part(self, request_place: int, request: Request, part: Part, demand: int) -> GridPart:
        problem = self.problem
        cost = exact(problem.resource_by_id[part.alternatives[0]].cost)
        return GridPart(
            place=len(self.parts),
            request=request_place,
            id=part.id,
            options=self.read_options(request, part) if demand else [],
            demand=demand,
            amount=part.amount,
            least=part.least,
            most_blocks=part.amount if part.most_blocks is None else part.most_blocks,
            gap_least=part.gap.least if part.gap else 0,
            gap_most=part.gap.most if part.gap else None,
            sides=tuple((self.resource_place[side.resource], side.units) for side in part.side),
            configuration=part.configuration,
            cost=float(cost),
            worth=float(cost * exact(request.merit)),
        )

    def read_options(self, request: Request, part: Part) -> list[Option]:
        problem = self.problem
        allowed = bits_in(part.allowed) & ~span(0, problem.frozen_until)
        for side in part.side:
            allowed &= self.resources[self.resource_place[side.resource]].open
        options = []
        for name in part.alternatives:
            if not sides_fit(problem, part, name):
                continue
            resource = self.resources[self.resource_place[name]]
            free = allowed & resource.open
            bans = banning(problem, request, part, name)
            for length in part.lengths:
                starts = runs(free, length) & resource.starts if length <= part.amount else 0
                for ban in bans:
                    starts &= ~banned(ban, length, problem.grains)
                if starts:
                    options.append(Option(self.resource_place[name], length, starts))
        options.sort(key=lambda option: -option.length)
        return options


def bits_in(intervals: tuple[Interval, ...]) -> int:
    mask = 0
    for start, end in intervals:
        mask |= span(start, end)
    return mask


def bits_at(places: tuple[int, ...]) -> int:
    """Set bits by way of bytes: adding one bit at a time to a long integer copies it each time."""
    if not places:
        return 0
    row = bytearray(places[-1] // 8 + 1)
    for place in places:
        row[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(row, "little")


def banned(ban: Pattern, length: int, grains: int) -> int:
    """The starts of blocks of a length that a forbidden row matches."""
    if ban.length not in (None, length):
        return 0
    return span(0, grains) if ban.start is None else 1 << ban.start
