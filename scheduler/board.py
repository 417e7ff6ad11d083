"""A board of held time that answers quickly whether one more block is legal."""

from scheduler.lanes import changeover_conflicts, has_changeover, lane_of, needs_units
from scheduler.placements import Placement
from scheduler.problem import Problem
from scheduler.values import Resource


class Board:
    """Blocks placed so far; checks capacity, side use, exclusive names, changeover and self-overlap."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.placed: dict[Placement, None] = {}
        self.main = {resource.id: [0] * problem.grains for resource in problem.resources}
        self.used = {resource.id: [0] * problem.grains for resource in problem.resources}
        self.by_request: dict[str, list[Placement]] = {}
        self.lanes: dict[tuple[str, ...], list[tuple[Placement, str]]] = {}
        self.rivals = {
            resource.id: [
                other.id
                for other in problem.resources
                if resource.exclusive is not None and other.exclusive == resource.exclusive and other is not resource
            ]
            for resource in problem.resources
        }

    def fits(self, placement: Placement) -> Placement | None:
        """The placement with a unit it can take, or None."""
        if not self.has_room(placement) or self.overlaps_itself(placement):
            return None
        start, end = placement.start, placement.end
        if any(any(self.main[rival][start:end]) for rival in self.rivals[placement.resource]):
            return None
        resource = self.problem.resource_by_id[placement.resource]
        units = range(resource.capacity) if needs_units(resource) else range(1)
        for unit in units:
            candidate = placement._replace(unit=unit)
            if self.unit_is_free(candidate, resource) and self.changeover_holds(candidate, resource):
                return candidate
        return None

    def needed(self, placement: Placement) -> dict[str, int]:
        """Units of each resource that the block takes."""
        part = self.problem.request_by_id[placement.request].part_by_id[placement.part]
        units = {placement.resource: 1}
        for side in part.side:
            units[side.resource] = units.get(side.resource, 0) + side.units
        return units

    def has_room(self, placement: Placement) -> bool:
        start, end = placement.start, placement.end
        return all(
            max(self.used[name][start:end]) + units <= self.problem.resource_by_id[name].capacity
            for name, units in self.needed(placement).items()
        )

    def overlaps_itself(self, placement: Placement) -> bool:
        return any(
            other.start < placement.end and placement.start < other.end
            for other in self.by_request.get(placement.request, ())
        )

    def unit_is_free(self, placement: Placement, resource: Resource) -> bool:
        if not needs_units(resource):
            return True
        return not any(
            other.resource == resource.id
            and other.unit == placement.unit
            and other.start < placement.end
            and placement.start < other.end
            for other in self.placed
        )

    def changeover_holds(self, placement: Placement, resource: Resource) -> bool:
        """Only blocks within the longest changeover of this one can conflict with it."""
        part = self.problem.request_by_id[placement.request].part_by_id[placement.part]
        if part.configuration is None or not has_changeover(resource):
            return True
        reach = max(resource.changeover.values())
        near = [
            row
            for row in self.lanes.get(lane_of(resource, placement.unit), ())
            if row[0].start < placement.end + reach and placement.start - reach < row[0].end
        ]
        return next(changeover_conflicts([*near, (placement, part.configuration)], resource.changeover), None) is None

    def place(self, placement: Placement) -> None:
        self.change(placement, 1)
        self.placed[placement] = None
        self.by_request.setdefault(placement.request, []).append(placement)
        lane, row = self.lane_row(placement)
        if row is not None:
            self.lanes.setdefault(lane, []).append(row)

    def remove(self, placement: Placement) -> None:
        self.change(placement, -1)
        del self.placed[placement]
        self.by_request[placement.request].remove(placement)
        lane, row = self.lane_row(placement)
        if row is not None:
            self.lanes[lane].remove(row)

    def lane_row(self, placement: Placement) -> tuple[tuple[str, ...], tuple[Placement, str] | None]:
        part = self.problem.request_by_id[placement.request].part_by_id[placement.part]
        lane = lane_of(self.problem.resource_by_id[placement.resource], placement.unit)
        return lane, None if part.configuration is None else (placement, part.configuration)

    def change(self, placement: Placement, sign: int) -> None:
        for grain in range(placement.start, placement.end):
            self.main[placement.resource][grain] += sign
        for name, units in self.needed(placement).items():
            used = self.used[name]
            for grain in range(placement.start, placement.end):
                used[grain] += sign * units
