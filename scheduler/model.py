"""The allocation as a 0/1 model: one variable for each place where a block may stand."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ortools.sat.python import cp_model

from scheduler.figures import exact
from scheduler.lanes import needs_units
from scheduler.placements import Placement, part_placements, preference
from scheduler.problem import Problem
from scheduler.rules import Exemption
from scheduler.scaling import Scaled, scale
from scheduler.values import Part, Request

Literal = cp_model.IntVar
PartKey = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """A placement with its variable."""

    at: Placement
    var: Literal
    frozen: bool


class Allocation:
    """A CP-SAT model of all legal plans over the given requests, and linear figures of a plan.

    The rules are added by the functions of `model_rules` and `model_shared`.
    """

    def __init__(self, problem: Problem, wanted: Sequence[Request]) -> None:
        self.problem = problem
        self.requests = list(wanted)
        self.model = cp_model.CpModel()
        self.rows: list[Row] = []
        self.frozen_requests = {row.request for row in problem.frozen}
        self.exemptions: dict[Exemption, Literal] = {}
        self.present: dict[PartKey, Literal] = {}
        self.of_part: dict[PartKey, list[Row]] = {}
        for request in self.requests:
            for part in request.parts:
                self.add_part(request, part)

    def add_part(self, request: Request, part: Part) -> None:
        """Variables for the part's new and frozen blocks."""
        key = request.id, part.id
        rows = [
            self.new_row(copy, False)
            for place in part_placements(self.problem, request, part)
            for copy in self.unit_copies(place)
        ]
        for block in self.problem.frozen:
            if (block.request, block.part) == key:
                place = Placement(block.request, block.part, block.resource, block.start, block.length)
                copies = [self.new_row(copy, True) for copy in self.unit_copies(place)]
                self.model.add_exactly_one(row.var for row in copies)
                rows += copies
        self.of_part[key] = rows
        self.present[key] = self.model.new_bool_var("")
        self.rows += rows

    def new_row(self, place: Placement, frozen: bool) -> Row:
        return Row(place, self.model.new_bool_var(""), frozen)

    def unit_copies(self, place: Placement) -> Iterator[Placement]:
        resource = self.problem.resource_by_id[place.resource]
        for unit in range(resource.capacity if needs_units(resource) else 1):
            yield place._replace(unit=unit)

    def parts(self) -> Iterator[tuple[Request, Part, list[Row]]]:
        for request in self.requests:
            for part in request.parts:
                yield request, part, self.of_part[request.id, part.id]

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
        return cp_model.LinearExpr.weighted_sum(
            [self.rows[place].var for place in figure.coefficients], list(figure.coefficients.values())
        )


Rule = Callable[[Allocation], None]


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
