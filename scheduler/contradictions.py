"""What cannot be in one plan and shows without any search: pins that no block can match, blocks that collide."""

from collections.abc import Iterator

from scheduler.errors import Infeasible
from scheduler.large.bits import span
from scheduler.large.board import Board, Held
from scheduler.large.grid import Grid
from scheduler.values import Part, Pattern, Published, Request


def refuse_contradictions(grid: Grid) -> None:
    """Raise Infeasible with the path of the first pin or frozen block that cannot stand beside those before it.

    Finds only what is certain: changeover, and what only several free choices exclude, is left to the search.
    """
    if not (grid.problem.pins or grid.problem.frozen):
        return
    fixed = Fixed(grid)
    fixed.add_frozen()
    for place, pin in enumerate(grid.problem.pins):
        fixed.add_pin(f"pins[{place}]", pin)


class Fixed:
    """Blocks that every plan holds, on a board."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.problem = grid.problem
        self.board = Board(grid)
        self.held: dict[tuple[str, str], list[Held]] = {}
        self.frozen = {row.request for row in self.problem.frozen}

    def add_frozen(self) -> None:
        for place, row in enumerate(self.problem.published):
            if row.start < self.problem.frozen_until and not self.add(row):
                raise Infeasible(f"published[{place}]", "is frozen, but collides with what is frozen before it")

    def add_pin(self, path: str, pin: Pattern) -> None:
        """A pin of all five fields is a block; others are only asked whether anything can match them."""
        if any(matches(pin, row) for row in self.problem.frozen):
            return
        if not any(can_match(self.grid, request, part, pin) for request, part in self.candidates(pin)):
            raise Infeasible(path, "no legal block matches")
        block = block_of(pin)
        if block is None:
            return
        if not self.add(block):
            raise Infeasible(path, "collides with what is frozen or pinned before it")
        part = self.problem.request_by_id[block.request].part_by_id[block.part]
        rows = self.held[block.request, block.part]
        if block.request in self.frozen:
            return
        if sum(row.length for row in rows) > part.amount or len(rows) > (part.most_blocks or len(rows)):
            raise Infeasible(path, "is more than its part asks for, with what is pinned before it")

    def candidates(self, pin: Pattern) -> Iterator[tuple[Request, Part]]:
        requests = self.problem.requests if pin.request is None else (self.problem.request_by_id[pin.request],)
        for request in requests:
            for part in request.parts:
                possible = self.problem.demands[request.id, part.id] or request.id in self.frozen
                if possible and pin.part in (None, part.id):
                    yield request, part

    def add(self, row: Published) -> bool:
        """False where the block finds no unit, no side unit, a rival at work or another block of its request."""
        held = Held(
            self.grid.part_place[row.request, row.part], self.grid.resource_place[row.resource], row.start, row.length
        )
        rows = self.held.setdefault((row.request, row.part), [])
        if held in rows:
            return True
        wanted = span(row.start, row.start + row.length)
        if wanted & ~self.board.free(self.grid.parts[held.part], held.resource):
            return False
        self.board.place(held)
        rows.append(held)
        return True


def matches(pin: Pattern, row: Published) -> bool:
    return pin.matches(row.request, row.part, row.resource, row.start, row.length)


def block_of(pin: Pattern) -> Published | None:
    """The one block that a pin of all five fields names."""
    if pin.request is None or pin.part is None or pin.resource is None or pin.start is None or pin.length is None:
        return None
    return Published(pin.request, pin.part, pin.resource, pin.start, pin.length)


def can_match(grid: Grid, request: Request, part: Part, pin: Pattern) -> bool:
    """Whether a legal new block of the part, on an otherwise empty facility, matches."""
    for option in grid.read_options(request, part):
        if pin.resource not in (None, grid.resources[option.resource].id) or pin.length not in (None, option.length):
            continue
        if pin.start is None or option.starts >> pin.start & 1:
            return True
    return False
