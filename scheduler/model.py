"""The allocation as a 0/1 model: one variable for each place where a block, or a chain of blocks, may stand."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ortools.sat.python import cp_model

from scheduler.figures import exact
from scheduler.lanes import needs_units
from scheduler.lattice import lattice
from scheduler.model_chains import chains_of, twins_of
from scheduler.placements import Placement, part_placements, preference
from scheduler.problem import Problem
from scheduler.rules import Exemption
from scheduler.scaling import Scaled, scale
from scheduler.values import Part, Request

Literal = cp_model.IntVar
PartKey = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """A placement with its literals: the block stands when one of them is true, and at most one is."""

    at: Placement
    literals: tuple[Literal, ...]
    frozen: bool


@dataclass(frozen=True)
class Chain:
    """All that a part holds, when the literal is true: places of rows in order of time."""

    literal: Literal
    places: tuple[int, ...]


Fits = Callable[[Placement], bool]


def anywhere(_place: Placement) -> bool:
    return True


class Allocation:
    """A CP-SAT model of all legal plans over the given requests, and linear figures of a plan.

    The rules are added by the functions of `model_rules` and `model_shared`. Parts with few chains have a literal for
    each, the others one for each block.
    """

    def __init__(
        self, problem: Problem, wanted: Sequence[Request], standing: Sequence[Placement] = (), fits: Fits = anywhere
    ) -> None:
        self.problem = problem
        self.fits = fits
        self.step = lattice(problem)
        self.requests = list(wanted)
        self.model = cp_model.CpModel()
        self.rows: list[Row] = []
        self.frozen_requests = {row.request for row in problem.frozen}
        self.exemptions: dict[Exemption, Literal] = {}
        self.present: dict[PartKey, Literal] = {}
        self.of_part: dict[PartKey, list[Row]] = {}
        self.first_of_part: dict[PartKey, int] = {}
        self.chains: dict[PartKey, list[Chain]] = {}
        self.twins: dict[PartKey, list[str]] = {}
        for request in self.requests:
            for name, twins in self.groups(request).items():
                self.add_part(request, request.part_by_id[name], twins)
        self.open_rows = len(self.rows)
        if standing:
            true = self.model.new_constant(1)
            self.rows += [Row(place, (true,), True) for place in standing]

    def groups(self, request: Request) -> dict[str, list[str]]:
        """Parts of a request by the one that stands for them."""
        if request.id in self.frozen_requests:
            return {part.id: [part.id] for part in request.parts}
        return twins_of(self.problem, request)

    def add_part(self, request: Request, part: Part, twins: list[str]) -> None:
        """Variables for the blocks of a part and its twins."""
        places = [
            copy
            for place in part_placements(self.problem, request, part)
            if place.start % self.step == 0 and self.fits(place)
            for copy in self.unit_copies(place)
        ]
        chains = None if request.id in self.frozen_requests else chains_of(part, places)
        if chains is None:
            for name in twins:
                self.add_blocks(request, name, [place._replace(part=name) for place in places])
        else:
            self.add_chains((request.id, part.id), places, chains, twins)

    def add_blocks(self, request: Request, part: str, places: Iterable[Placement]) -> None:
        """One literal for each new and frozen block."""
        key = request.id, part
        rows = [self.new_row(place, False) for place in places]
        for block in self.problem.frozen:
            if (block.request, block.part) == key:
                place = Placement(block.request, block.part, block.resource, block.start, block.length)
                copies = [self.new_row(copy, True) for copy in self.unit_copies(place)]
                self.model.add_exactly_one(row.literals[0] for row in copies)
                rows += copies
        self.of_part[key] = rows
        self.first_of_part[key] = len(self.rows)
        self.present[key] = self.model.new_bool_var("")
        self.rows += rows

    def new_row(self, place: Placement, frozen: bool) -> Row:
        return Row(place, (self.model.new_bool_var(""),), frozen)

    def add_chains(
        self, key: PartKey, places: Sequence[Placement], chains: Sequence[tuple[int, ...]], twins: list[str]
    ) -> None:
        """One literal for each chain; at most as many are true as there are twins."""
        first = len(self.rows)
        literals: list[list[Literal]] = [[] for _ in places]
        self.chains[key] = []
        for chain in chains:
            literal = self.model.new_bool_var("")
            self.chains[key].append(Chain(literal, tuple(first + place for place in chain)))
            for place in chain:
                literals[place].append(literal)
        self.of_part[key] = [Row(at, tuple(own), False) for at, own in zip(places, literals, strict=True)]
        self.rows += self.of_part[key]
        self.twins[key] = twins
        every = [chain.literal for chain in self.chains[key]]
        if len(twins) == 1:
            self.present[key] = self.model.new_bool_var("")
            self.model.add_exactly_one([self.present[key].negated(), *every])
        else:
            self.model.add(cp_model.LinearExpr.sum(every) <= len(twins))
            for own in literals:
                self.model.add_at_most_one(own)  # no two of the twins hold one place

    def unit_copies(self, place: Placement) -> Iterator[Placement]:
        resource = self.problem.resource_by_id[place.resource]
        for unit in range(resource.capacity if needs_units(resource) else 1):
            yield place._replace(unit=unit)

    def said_by_blocks(self) -> Iterator[tuple[Request, Part, list[Row]]]:
        """Parts with a literal for each block: what ties their blocks together is left to the rules."""
        for request in self.requests:
            for part in request.parts:
                key = request.id, part.id
                if key in self.of_part and key not in self.chains:
                    yield request, part, self.of_part[key]

    def unless_exempt(self, request: Request, rule: str, part: Part | None = None) -> list[Literal]:
        """The literal that lifts a rule from a request with frozen blocks; none for all others."""
        if request.id not in self.frozen_requests:
            return []
        key = Exemption(request.id, rule, None if part is None else part.id)
        if key not in self.exemptions:
            self.exemptions[key] = self.model.new_bool_var("")
        return [self.exemptions[key]]

    def held(self, member: str) -> Scaled:
        """Cost-grains of a member as a linear figure over the rows."""
        return scale(
            {
                place: self.cost_grains(row) * exact(share)
                for place, row in enumerate(self.rows)
                if (share := self.problem.request_by_id[row.at.request].shares.get(member)) is not None
            }
        )

    def value(self) -> Scaled:
        """Σ merit × u."""
        requests = self.problem.request_by_id
        return scale(
            {
                place: self.cost_grains(row) * exact(requests[row.at.request].merit)
                for place, row in enumerate(self.rows)
            }
        )

    def preferences(self) -> Scaled:
        """Σ preference weight × u."""
        return scale({place: self.cost_grains(row) * exact(self.liking(row.at)) for place, row in enumerate(self.rows)})

    def stays(self) -> Scaled:
        """Published blocks that are kept as they are."""
        published = {(row.request, row.part, row.resource, row.start, row.length) for row in self.problem.published}
        return scale({place: Fraction(1) for place, row in enumerate(self.rows) if row.at[:5] in published})

    def liking(self, place: Placement) -> float:
        return preference(self.problem.request_by_id[place.request].part_by_id[place.part], place.start)

    def cost_grains(self, row: Row) -> Fraction:
        return row.at.length * exact(self.problem.resource_by_id[row.at.resource].cost)

    def total(self, figure: Scaled) -> cp_model.LinearExprT:
        """A figure as an expression in its integer scale."""
        terms: dict[int, int] = {}
        by_index: dict[int, Literal] = {}
        for place, number in figure.coefficients.items():
            for literal in self.rows[place].literals:
                by_index[literal.index] = literal
                terms[literal.index] = terms.get(literal.index, 0) + number
        return cp_model.LinearExpr.weighted_sum(list(by_index.values()), list(terms.values()))

    def ceiling(self, figure: Scaled) -> int:
        """What no plan exceeds of a figure, from each part by itself; in the figure's integer scale."""
        worth = figure.coefficients
        most = sum(worth.get(place, 0) for place in range(self.open_rows, len(self.rows)))
        for (request, name), rows in self.of_part.items():
            key = request, name
            if key in self.chains:
                totals = sorted(sum(worth.get(place, 0) for place in chain.places) for chain in self.chains[key])
                most += sum(max(0, total) for total in totals[-len(self.twins[key]) :])
            else:
                part = self.problem.request_by_id[request].part_by_id[name]
                first = self.first_of_part[key]
                rated = [(max(0, worth.get(first + place, 0)), row.at.length) for place, row in enumerate(rows)]
                frozen = sum({row.at[:5]: row.at.length for row in rows if row.frozen}.values())
                most += most_within(rated, max(part.amount, frozen))
        return most

    def standing(self, values: Sequence[int]) -> dict[int, bool]:
        """The places of the rows whose block stands, given the values of all variables."""
        return {
            place: True for place, row in enumerate(self.rows) if any(values[literal.index] for literal in row.literals)
        }

    def placements(self, values: Sequence[int]) -> list[Placement]:
        """The blocks that stand; each chain of a part with twins goes to the next of them in order of time."""
        found = []
        for key, rows in self.of_part.items():
            if key not in self.chains:
                found += [row.at for row in rows if values[row.literals[0].index]]
                continue
            taken = [chain.places for chain in self.chains[key] if values[chain.literal.index]]
            taken.sort(key=lambda places: self.rows[places[0]].at.start)
            for name, places in zip(self.twins[key], taken, strict=False):
                found += [self.rows[place].at._replace(part=name) for place in places]
        return found


Rule = Callable[[Allocation], None]


def most_within(rated: Sequence[tuple[int, int]], room: int) -> int:
    """The most that (worth, length) rows can give in this room if the last one may be cut: Dantzig's bound (1957)."""
    most = Fraction(0)
    for worth, length in sorted(rated, key=lambda row: Fraction(-row[0], row[1])):
        taken = min(room, length)
        most += Fraction(worth * taken, length)
        room -= taken
        if not room:
            break
    return math.ceil(most)


def literals_of(rows: Iterable[Row]) -> list[Literal]:
    return [literal for row in rows for literal in row.literals]


def achieved(figure: Scaled, chosen: Mapping[int, bool]) -> int:
    """A figure of a chosen set of rows, in its integer scale."""
    return sum(number for place, number in figure.coefficients.items() if chosen.get(place))


def cliques(spans: Sequence[tuple[int, int, int]]) -> Iterator[list[int]]:
    """Every maximal set of (start, end, item) spans that share a grain: by Helly these say all about overlap."""
    steps = sorted([(end, 0, item) for _, end, item in spans] + [(start, 1, item) for start, _, item in spans])
    active: dict[int, None] = {}
    grown = False
    for _, starts, item in steps:
        if starts:
            active[item] = None
            grown = True
            continue
        if grown and len(active) > 1:
            yield list(active)
        grown = False
        del active[item]
