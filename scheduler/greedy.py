"""Quick plans in the ways facilities give time today: the floor below which no plan may fall."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from graphlib import TopologicalSorter
from itertools import islice

from scheduler.board import Board
from scheduler.demand import part_demand
from scheduler.figures import exact
from scheduler.placements import Placement, give_units, part_placements, preference
from scheduler.plan import Block
from scheduler.problem import Problem
from scheduler.values import Needs, Part, Request

PLACES_TRIED = 20_000  # per part: bounds the time on problems with very many grains
ANCHORS_TRIED = 200


def in_lag_order(request: Request) -> list[Part]:
    """Parts so that each comes after those it follows."""
    before: dict[str, list[str]] = {part.id: [] for part in request.parts}
    for lag in request.lags:
        before[lag.then].append(lag.after)
    return [request.part_by_id[name] for name in TopologicalSorter(before).static_order()]


def lag_window(request: Request, part: Part, held: Mapping[str, list[Placement]], grains: int) -> tuple[int, int]:
    """First and last start that the lags leave to a part; first > last when something before it is missing."""
    first, last = 0, grains
    for lag in request.lags:
        if lag.then != part.id:
            continue
        ends = [placement.end for placement in held.get(lag.after, ())]
        if not ends:
            return 1, 0
        first = max(first, max(ends) + lag.least)
        last = last if lag.most is None else min(last, max(ends) + lag.most)
    return first, last


Options = dict[tuple[str, str], list[Placement]]
"""Placements of each (request, part) in the order in which they are tried."""


class Server:
    """Serves one request after the other on a board, each as fully as it finds room."""

    def __init__(self, problem: Problem, base: Sequence[Placement] = (), options: Options | None = None) -> None:
        self.problem = problem
        self.board = Board(problem)
        for placement in base:
            self.board.place(placement)
        self.base = base
        self.options: Options = {} if options is None else options

    def serve(self, request: Request) -> bool:
        """Place the request's parts; an `all` request that misses one gets nothing."""
        held: dict[str, list[Placement]] = {}
        for part in in_lag_order(request):
            first, last = lag_window(request, part, held, self.problem.grains)
            held[part.id] = self.serve_part(request, part, first, last) if first <= last else []
            if not held[part.id] and part.least > 0 and request.needs is Needs.ALL:
                for placement in [row for rows in held.values() for row in rows]:
                    self.board.remove(placement)
                return False
        return any(held.values())

    def places(self, request: Request, part: Part) -> list[Placement]:
        """The part's placements: best liked first, then longest, then earliest; by start where gaps matter."""
        key = request.id, part.id
        if key not in self.options:
            rows = list(islice(part_placements(self.problem, request, part), PLACES_TRIED))
            if part.gap is not None:
                rows.sort(key=lambda row: (row.start, -row.length))
            elif part.preferred:
                rows.sort(key=lambda row: (-preference(part, row.start), -row.length, row.start))
            self.options[key] = rows
        return self.options[key]

    def serve_part(self, request: Request, part: Part, first: int, last: int) -> list[Placement]:
        """The fullest chain of blocks found, placed on the board; [] if none reaches the least."""
        rows = self.places(request, part)
        if (first, last) != (0, self.problem.grains):
            rows = [row for row in rows if first <= row.start <= last]
        enough = part_demand(self.problem, part)
        best: list[Placement] = []
        anchor = 0
        for _ in range(ANCHORS_TRIED if part.gap is not None else 1):
            anchor, chain = self.chain(part, rows, anchor)
            total = sum(row.length for row in chain)
            for row in chain:
                self.board.remove(row)
            if total >= part.least and total > sum(row.length for row in best):
                best = chain
            if total >= enough or not chain:
                break
        for row in best:
            self.board.place(row)
        return best

    def chain(self, part: Part, rows: Sequence[Placement], anchor: int) -> tuple[int, list[Placement]]:
        """Blocks taken in order from the anchor wherever they fit, and the place behind the first of them."""
        chain: list[Placement] = []
        rest, room = part.amount, part.most_blocks
        for place in range(anchor, len(rows)):
            row = rows[place]
            if rest <= 0 or room == len(chain) or is_too_late(part, chain, row):
                break
            if row.length > rest or not follows(part, chain, row):
                continue
            fitting = self.board.fits(row)
            if fitting is not None:
                anchor = anchor if chain else place + 1
                self.board.place(fitting)
                chain.append(fitting)
                rest -= row.length
        return anchor, chain


def follows(part: Part, chain: list[Placement], row: Placement) -> bool:
    """Whether a later block keeps the gap after the last of the chain."""
    if part.gap is None or not chain:
        return True
    apart = row.start - chain[-1].end
    return part.gap.least <= apart and (part.gap.most is None or apart <= part.gap.most)


def is_too_late(part: Part, chain: list[Placement], row: Placement) -> bool:
    """Whether a row, and with it all later ones, lies beyond the gap."""
    if part.gap is None or part.gap.most is None or not chain:
        return False
    return row.start - chain[-1].end > part.gap.most


def waiting(server: Server) -> list[Request]:
    """Requests that hold nothing yet."""
    held = {placement.request for placement in server.base}
    return [request for request in server.problem.requests if request.id not in held]


def first_come(server: Server, _shares: Mapping[str, Fraction]) -> None:
    """In the order of the requests."""
    for request in waiting(server):
        server.serve(request)


def by_merit(server: Server, _shares: Mapping[str, Fraction]) -> None:
    """Highest merit first."""
    for request in sorted(waiting(server), key=lambda row: -row.merit):
        server.serve(request)


def fair(server: Server, shares: Mapping[str, Fraction]) -> None:
    """Always the member with the lowest satisfaction, with its best request."""
    held = {member: Fraction(0) for member in shares}
    for placement in server.base:
        charge(server.problem, placement, held)
    queue = sorted(waiting(server), key=lambda row: -row.merit)
    while queue:
        request = min(queue, key=lambda row: standing(row, held, shares))
        queue.remove(request)
        if server.serve(request):
            for placement in server.board.by_request[request.id]:
                charge(server.problem, placement, held)


def standing(request: Request, held: Mapping[str, Fraction], shares: Mapping[str, Fraction]) -> Fraction:
    """The lowest satisfaction among the request's members; those without a fair share come last."""
    return min(held[name] / shares[name] if shares[name] else Fraction(1) for name in request.shares)


def charge(problem: Problem, placement: Placement, held: dict[str, Fraction]) -> None:
    cost = exact(problem.resource_by_id[placement.resource].cost)
    for member, share in problem.request_by_id[placement.request].shares.items():
        held[member] += placement.length * cost * exact(share)


Greedy = Callable[[Server, Mapping[str, Fraction]], None]
GREEDIES: dict[str, Greedy] = {"first_come": first_come, "merit": by_merit, "fair": fair}


def greedy_plans(
    problem: Problem, base: Sequence[Placement], shares: Mapping[str, Fraction], options: Options
) -> Iterator[tuple[str, tuple[Block, ...]]]:
    """The plan of each greedy by name, upon blocks that must stay."""
    for name, rule in GREEDIES.items():
        server = Server(problem, base, options)
        rule(server, shares)
        yield name, give_units(problem, list(server.board.placed))
