"""Quick plans in the ways facilities give time today: the floor below which no plan may fall."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush

from scheduler.large.bits import first, span
from scheduler.large.board import Held
from scheduler.large.grid import Grid, GridPart, GridRequest, Option
from scheduler.large.state import Pick, State
from scheduler.placements import Placement, give_units
from scheduler.plan import Block

FEW_MOMENTS = 6
"""Moments of the horizon from which a request is tried to be served."""


def starting_at(moment: int) -> Pick:
    """The earliest start from a moment on; where there is none, the earliest at all."""
    return lambda _part, _option, starts: first(starts >> moment << moment or starts)


class Server:
    """Serves one request after the other on a board, each as fully as it finds room."""

    def __init__(self, grid: Grid, base: Sequence[Placement] = ()) -> None:
        self.grid = grid
        self.state = State(grid, [held_at(grid, row) for row in base])
        self.liked: dict[int, list[int]] = {}

    def serve(self, request: GridRequest) -> bool:
        """False when nothing could be given. Where blocks must keep together, the first of them may come later."""
        if self.state.serve(request, self.pick):
            return True
        if all(self.grid.parts[place].gap_most is None for place in request.parts):
            return False
        later = (self.grid.grains * count // FEW_MOMENTS for count in range(1, FEW_MOMENTS))
        return any(self.state.serve(request, starting_at(moment)) for moment in later)

    def pick(self, part: GridPart, _option: Option, starts: int) -> int:
        """The best liked start, of those the earliest."""
        if part.place not in self.liked:
            self.liked[part.place] = self.preferences(part)
        return first(next((starts & mask for mask in self.liked[part.place] if starts & mask), starts))

    def preferences(self, part: GridPart) -> list[int]:
        """The starts that a part likes, by falling weight."""
        request = self.grid.problem.requests[self.grid.requests[part.request].place]
        masks: dict[float, int] = {}
        for row in request.part_by_id[part.id].preferred:
            masks[row.weight] = masks.get(row.weight, 0) | span(row.start, row.end)
        return [masks[weight] for weight in sorted(masks, reverse=True) if weight > 0]

    def waiting(self) -> list[GridRequest]:
        """Requests that hold nothing yet."""
        return [row for row in self.grid.requests if not any(self.state.blocks[place] for place in row.parts)]

    def blocks(self) -> tuple[Block, ...]:
        """All that is held, in plan order."""
        held = [placement_of(self.grid, row) for rows in self.state.blocks for row in rows]
        return give_units(self.grid.problem, held)


def held_at(grid: Grid, row: Placement | Block) -> Held:
    """A block by its places on the grid."""
    part = grid.part_place[row.request, row.part]
    return Held(part, grid.resource_place[row.resource], row.start, row.length, row.unit)


def placement_of(grid: Grid, held: Held) -> Placement:
    part = grid.parts[held.part]
    request, resource = grid.requests[part.request].id, grid.resources[held.resource].id
    return Placement(request, part.id, resource, held.start, held.length, held.unit)


def by_falling_merit(server: Server, requests: Iterable[GridRequest]) -> list[GridRequest]:
    rows = server.grid.problem.requests
    return sorted(requests, key=lambda request: -rows[request.place].merit)


def first_come(server: Server) -> None:
    """In the order of the requests."""
    for request in server.waiting():
        server.serve(request)


def by_merit(server: Server) -> None:
    """Highest merit first."""
    for request in by_falling_merit(server, server.waiting()):
        server.serve(request)


def fair(server: Server) -> None:
    """Always the member with the lowest satisfaction, with its best request."""
    asked: dict[tuple[int, ...], list[tuple[int, GridRequest]]] = {}
    for place, request in enumerate(by_falling_merit(server, server.waiting())):
        asked.setdefault(tuple(sorted(member for member, _ in request.shares)), []).append((place, request))
    queue = [(standing(server, members), rows[0][0], members) for members, rows in asked.items()]
    for rows in asked.values():
        rows.reverse()
    heapify(queue)
    while queue:
        before, _, members = heappop(queue)
        if standing(server, members) == before:  # it only ever rises: what is still true is the lowest
            server.serve(asked[members].pop()[1])
        if asked[members]:
            heappush(queue, (standing(server, members), asked[members][-1][0], members))


def standing(server: Server, members: Iterable[int]) -> float:
    """The lowest satisfaction among the members of a request; those without a fair share come last."""
    held, shares = server.state.held, server.grid.shares
    return min(held[member] / shares[member] if shares[member] else 1.0 for member in members)


GREEDIES: dict[str, Callable[[Server], None]] = {"first_come": first_come, "merit": by_merit, "fair": fair}


def greedy_plans(grid: Grid, base: Sequence[Placement]) -> Iterator[tuple[str, tuple[Block, ...]]]:
    """The plan of each greedy by name, upon blocks that must stay."""
    for name, rule in GREEDIES.items():
        server = Server(grid, base)
        rule(server)
        yield name, server.blocks()
