"""Quick plans in the ways facilities give time today: the floor below which no plan may fall."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from graphlib import TopologicalSorter
from itertools import islice

from scheduler.board import Board
from scheduler.figures import cost_grains, exact
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


class Server:
    """Serves one request after the other on a board, each as fully as it finds room."""

    def __init__(self, problem: Problem, base: Sequence[Placement] = ()) -> None:
        self.problem = problem
        self.board = Board(problem)
        for placement in base:
            self.board.place(placement)
        self.options: dict[tuple[str, str], list[Placement]] = {}

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
        """The part's placements: best liked first, then longest, then earliest; by start if gaps matter."""
        key = request.id, part.id
        if key not in self.options:
            rows = list(islice(part_placements(self.problem, request, part), PLACES_TRIED))
            if part.gap is None:
                rows.sort(key=lambda row: (-preference(part, row.start), -row.length, row.start))
            else:
                rows.sort(key=lambda row: (row.start, -row.length))
            self.options[key] = rows
        return self.options[key]

    def serve_part(self, request: Request, part: Part, first: int, last: int) -> list[Placement]:
        """The fullest chain of blocks found, placed on the board; [] if none reaches the least."""
        rows = [row for row in self.places(request, part) if first <= row.start <= last]
        best: list[Placement] = []
        for anchor in range(min(len(rows), ANCHORS_TRIED if part.gap is not None else 1)):
            chain = self.chain(part, rows[anchor:])
            total = sum(row.length for row in chain)
            for row in chain:
                self.board.remove(row)
            if total >= part.least and total > sum(row.length for row in best):
                best = chain
            if total == part.amount:
                break
        for row in best:
            self.board.place(row)
        return best

    def chain(self, part: Part, rows: Sequence[Placement]) -> list[Placement]:
        """Blocks taken in order wherever they fit behind the one before."""
        chain: list[Placement] = []
        rest, room = part.amount, part.most_blocks
        for row in rows:
            if rest <= 0 or room == len(chain):
                break
            if row.length > rest or not follows(part, chain, row):
                continue
            fitting = self.board.fits(row)
            if fitting is not None:
                self.board.place(fitting)
                chain.append(fitting)
                rest -= row.length
        return chain


def follows(part: Part, chain: list[Placement], row: Placement) -> bool:
    """Whether a later block keeps the gap after the last of the chain."""
    if part.gap is None or not chain:
        return True
    apart = row.start - chain[-1].end
    return part.gap.least <= apart and (part.gap.most is None or apart <= part.gap.most)


def waiting(problem: Problem, base: Sequence[Placement]) -> list[Request]:
    """Requests that hold nothing yet."""
    held = {placement.request for placement in base}
    return [request for request in problem.requests if request.id not in held]


def first_come(problem: Problem, base: Sequence[Placement], _shares: Mapping[str, Fraction]) -> Iterator[Placement]:
    """In the order of the requests."""
    server = Server(problem, base)
    for request in waiting(problem, base):
        server.serve(request)
    yield from server.board.placed


def by_merit(problem: Problem, base: Sequence[Placement], _shares: Mapping[str, Fraction]) -> Iterator[Placement]:
    """Highest merit first."""
    server = Server(problem, base)
    for request in sorted(waiting(problem, base), key=lambda row: -row.merit):
        server.serve(request)
    yield from server.board.placed


def fair(problem: Problem, base: Sequence[Placement], shares: Mapping[str, Fraction]) -> Iterator[Placement]:
    """Always the member with the lowest satisfaction, with its best request."""
    server = Server(problem, base)
    held = {member: Fraction(0) for member in shares}
    for placement in base:
        charge(problem, placement, held)
    queue = sorted(waiting(problem, base), key=lambda row: -row.merit)
    while queue:
        request = min(queue, key=lambda row: standing(row, held, shares))
        queue.remove(request)
        before = set(server.board.placed)
        if server.serve(request):
            for placement in server.board.placed.keys() - before:
                charge(problem, placement, held)
    yield from server.board.placed


def standing(request: Request, held: Mapping[str, Fraction], shares: Mapping[str, Fraction]) -> Fraction:
    """The lowest satisfaction among the request's members; those without a fair share come last."""
    return min(held[name] / shares[name] if shares[name] else Fraction(1) for name in request.shares)


def charge(problem: Problem, placement: Placement, held: dict[str, Fraction]) -> None:
    block = give_units(problem, [placement])[0]
    for member, share in problem.request_by_id[placement.request].shares.items():
        held[member] += cost_grains(problem, block) * exact(share)


Greedy = Callable[[Problem, Sequence[Placement], Mapping[str, Fraction]], Iterator[Placement]]
GREEDIES: dict[str, Greedy] = {"first_come": first_come, "merit": by_merit, "fair": fair}


def greedy_plans(
    problem: Problem, base: Sequence[Placement], shares: Mapping[str, Fraction]
) -> Iterator[tuple[str, tuple[Block, ...]]]:
    """The plan of each greedy by name, upon blocks that must stay."""
    for name, rule in GREEDIES.items():
        yield name, give_units(problem, list(rule(problem, base, shares)))
