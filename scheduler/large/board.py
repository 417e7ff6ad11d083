"""What is held, as bits: answers where a block fits over the whole horizon at once."""

from typing import NamedTuple

from scheduler.large.bits import earlier, later, runs, span
from scheduler.large.grid import Grid, GridPart, Option


class Held(NamedTuple):
    """A block on the board, by places instead of names."""

    part: int
    resource: int
    start: int
    length: int
    unit: int = 0

    @property
    def end(self) -> int:
        return self.start + self.length


class Board:
    """Use of every resource in layers: layer j of a resource holds the grains where more than j units are taken.

    Changeover is kept towards every block of a lane, not only towards its neighbours: whatever fits is legal, and
    only tables that break the triangle inequality lose something.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.everything = span(0, grid.grains)
        self.layers = [[0] * resource.capacity for resource in grid.resources]
        self.mains = [[0] * resource.capacity if resource.rivals else [] for resource in grid.resources]
        self.units = [[0] * resource.capacity if resource.lane_by_unit else [] for resource in grid.resources]
        self.lanes: list[dict[str, list[int]]] = [{} for _ in range(grid.lanes)]
        self.busy = [0] * len(grid.requests)
        self.queries = 0

    def starts(self, part: GridPart, option: Option) -> int:
        """Where a block of this option fits now; `unit_for` then says on which unit."""
        found = option.starts & runs(self.free(part, option.resource), option.length)
        resource = self.grid.resources[option.resource]
        if not found or resource.lane < 0:
            return found
        if not resource.lane_by_unit:
            if part.configuration is None:
                return found
            blocked = self.blocked(resource.lane, part.configuration, option.resource)
            return found & runs(self.everything & ~blocked, option.length) if blocked else found
        allowed = 0
        for unit in range(resource.capacity):
            allowed |= runs(self.everything & ~self.unit_blocked(part, option.resource, unit), option.length)
        return found & allowed

    def free(self, part: GridPart, resource: int) -> int:
        """Grains where one more block of the part finds a unit, its side units and no rival, and none of its own."""
        self.queries += 1
        taken = self.busy[part.request]
        own = 1
        for side, units in part.sides:
            layers = self.layers[side]
            if side == resource:
                own += units
            else:
                taken |= layers[len(layers) - units]
        layers = self.layers[resource]
        taken |= layers[len(layers) - own]
        for rival in self.grid.resources[resource].rivals:
            taken |= self.mains[rival][0]
        return self.everything & ~taken

    def blocked(self, lane: int, configuration: str, resource: int) -> int:
        """Grains that a block of a configuration must not touch for the changeovers of the lane's blocks."""
        table = self.grid.resources[resource].changeover
        blocked = 0
        for other, layers in self.lanes[lane].items():
            after = table.get((other, configuration), 0)
            before = table.get((configuration, other), 0)
            if layers[0] and (after or before):
                blocked |= later(layers[0], after) | earlier(layers[0], before)
        return blocked

    def unit_blocked(self, part: GridPart, resource: int, unit: int) -> int:
        blocked = self.units[resource][unit]
        if part.configuration is not None:
            blocked |= self.blocked(self.grid.resources[resource].lane + unit, part.configuration, resource)
        return blocked

    def unit_for(self, part: GridPart, resource: int, start: int, length: int) -> int:
        """The first unit that is free for the block and its changeovers; 0 where units are all alike."""
        row = self.grid.resources[resource]
        if not row.lane_by_unit:
            return 0
        wanted = span(start, start + length)
        for unit in range(row.capacity):
            if not wanted & self.unit_blocked(part, resource, unit):
                return unit
        raise AssertionError("a block was placed where it does not fit")

    def place(self, block: Held) -> None:
        part = self.grid.parts[block.part]
        mask = span(block.start, block.end)
        self.busy[part.request] |= mask
        add(self.layers[block.resource], mask)
        for side, units in part.sides:
            for _ in range(units):
                add(self.layers[side], mask)
        if self.mains[block.resource]:
            add(self.mains[block.resource], mask)
        if self.units[block.resource]:
            self.units[block.resource][block.unit] |= mask
        lane = self.lane_of(part, block)
        if lane is not None:
            add(lane, mask)

    def remove(self, block: Held) -> None:
        part = self.grid.parts[block.part]
        mask = span(block.start, block.end)
        self.busy[part.request] &= ~mask
        take(self.layers[block.resource], mask)
        for side, units in part.sides:
            for _ in range(units):
                take(self.layers[side], mask)
        if self.mains[block.resource]:
            take(self.mains[block.resource], mask)
        if self.units[block.resource]:
            self.units[block.resource][block.unit] &= ~mask
        lane = self.lane_of(part, block)
        if lane is not None:
            take(lane, mask)

    def lane_of(self, part: GridPart, block: Held) -> list[int] | None:
        """Layers of the block's configuration in its lane: units of an exclusive name share one lane."""
        resource = self.grid.resources[block.resource]
        if resource.lane < 0 or part.configuration is None:
            return None
        lane = self.lanes[resource.lane + block.unit if resource.lane_by_unit else resource.lane]
        return lane.setdefault(part.configuration, [0] * (1 if resource.lane_by_unit else resource.capacity))


def add(layers: list[int], mask: int) -> None:
    """One more unit on the grains of the mask."""
    for place in range(len(layers) - 1, 0, -1):
        layers[place] |= layers[place - 1] & mask
    layers[0] |= mask


def take(layers: list[int], mask: int) -> None:
    """One unit less on the grains of the mask."""
    for place in range(len(layers) - 1):
        layers[place] &= ~(mask & ~layers[place + 1])
    layers[-1] &= ~mask
