"""What is free beside a plan for requests that it does not serve: as near to their windows as can be."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from scheduler import figures
from scheduler.greedy import FEW_MOMENTS, held_at, starting_at
from scheduler.large.bits import first, last, span
from scheduler.large.board import Held
from scheduler.large.grid import Grid, GridPart, GridRequest, Option
from scheduler.large.state import Pick, State
from scheduler.plan import Block
from scheduler.problem import Problem
from scheduler.values import Interval

MOST_CHOICES = 3


class Choice(NamedTuple):
    """One way to serve a request outside of its windows: the more grains and the nearer the better."""

    missing: int
    distance: int
    blocks: tuple[Held, ...]


def nearest_alternatives(problem: Problem, blocks: Sequence[Block]) -> dict[str, list[dict[str, object]]]:
    """Up to three choices for each request that holds nothing, each free beside the plan as it stands.

    Everything but the parts' windows holds: lengths, least, gaps, lags, bans, and what the resources allow. Rows have
    `choice` (from 1), `part`, `resource`, `start` and `length`.
    """
    nearby = Nearby(problem, blocks)
    found = {}
    for request in nearby.unserved():
        rows = [
            nearby.row(held) | {"choice": number}
            for number, choice in enumerate(nearby.choices(request), 1)
            for held in choice.blocks
        ]
        if rows:
            found[request.id] = rows
    return found


class Nearby:
    """The plan on a board, and parts whose windows are the whole horizon."""

    def __init__(self, problem: Problem, blocks: Sequence[Block]) -> None:
        self.problem = problem
        self.grid = Grid(problem, dict.fromkeys(problem.member_by_id, figures.exact(0)))
        self.state = State(self.grid, [held_at(self.grid, block) for block in blocks])

    def unserved(self) -> list[GridRequest]:
        return [row for row in self.grid.requests if not any(self.state.blocks[place] for place in row.parts)]

    def choices(self, request: GridRequest) -> Iterator[Choice]:
        """The nearest choice, then the nearest that shares no time on a resource with those before it."""
        own = {place: self.grid.parts[place] for place in request.parts}
        wide = {place: self.widened(request, part) for place, part in own.items()}
        taken: list[Held] = []
        for _ in range(MOST_CHOICES):
            best = self.best(request, {place: without(part, taken) for place, part in wide.items()})
            self.grid.parts[request.parts[0] : request.parts[-1] + 1] = own.values()
            if best is None:
                return
            yield best
            taken.extend(best.blocks)

    def widened(self, request: GridRequest, part: GridPart) -> GridPart:
        row = self.problem.requests[request.place]
        whole = replace(row.part_by_id[part.id], allowed=((0, self.problem.grains),))
        return replace(part, options=self.grid.read_options(row, whole), demand=part.amount)

    def best(self, request: GridRequest, parts: dict[int, GridPart]) -> Choice | None:
        """The best choice with the first part on any one of its resources."""
        found: list[Choice] = []
        head = parts[request.parts[0]]
        for resource in dict.fromkeys(option.resource for option in head.options):
            options = [option for option in head.options if option.resource == resource]
            found.extend(self.attempts(request, parts | {head.place: replace(head, options=options)}))
        return min(found, default=None)

    def attempts(self, request: GridRequest, parts: dict[int, GridPart]) -> Iterator[Choice]:
        """As near as possible; where that leaves something missing, from several moments on too."""
        for place, part in parts.items():
            self.grid.parts[place] = part
        near = self.attempt(request, parts, self.pick)
        if near is not None:
            yield near
        if near is None or near.missing:
            for moment in range(0, self.grid.grains, max(1, self.grid.grains // FEW_MOMENTS)):
                choice = self.attempt(request, parts, starting_at(moment))
                if choice is not None:
                    yield choice

    def attempt(self, request: GridRequest, parts: dict[int, GridPart], pick: Pick) -> Choice | None:
        if not self.state.serve(request, pick):
            return None
        held = [row for place in request.parts for row in self.state.blocks[place]]
        self.state.undo()
        missing = sum(part.amount for part in parts.values()) - sum(row.length for row in held)
        distance = sum(distance_from(self.windows(row.part), row.start, row.length) for row in held)
        return Choice(missing, distance, tuple(held))

    def windows(self, part: int) -> tuple[Interval, ...]:
        row = self.grid.parts[part]
        return self.problem.requests[self.grid.requests[row.request].place].part_by_id[row.id].allowed

    def pick(self, part: GridPart, option: Option, starts: int) -> int:
        """The start that is nearest to the windows; of equally near ones the earliest."""
        candidates = {first(starts)}
        for begin, end in self.windows(part.place):
            before, behind = starts & span(0, begin + 1), starts >> max(0, end - option.length)
            inside = starts & span(begin, end - option.length + 1)
            if inside:
                return first(inside)
            if before:
                candidates.add(last(before))
            if behind:
                candidates.add(first(behind) + max(0, end - option.length))
        windows = self.windows(part.place)
        return min(candidates, key=lambda start: (distance_from(windows, start, option.length), start))

    def place(self, held: Held) -> bool:
        """Put a block where its part could have it but for the windows; False where it is not free."""
        part = self.grid.parts[held.part]
        request = self.grid.requests[part.request]
        for option in self.widened(request, part).options:
            at_start = replace(option, starts=option.starts & 1 << held.start)
            if (option.resource, option.length) == (held.resource, held.length) and self.fits(part, at_start):
                unit = self.state.board.unit_for(part, held.resource, held.start, held.length)
                self.state.place(held._replace(unit=unit))
                return True
        return False

    def fits(self, part: GridPart, option: Option) -> bool:
        return bool(self.state.board.starts(part, option))

    def row(self, held: Held) -> dict[str, object]:
        part, resource = self.grid.parts[held.part].id, self.grid.resources[held.resource].id
        return {"part": part, "resource": resource, "start": held.start, "length": held.length}


def without(part: GridPart, taken: Sequence[Held]) -> GridPart:
    """The part without the starts that would overlap blocks of its own in earlier choices."""
    options = []
    for option in part.options:
        starts = option.starts
        for held in taken:
            if held.part == part.place and held.resource == option.resource:
                starts &= ~span(max(0, held.start - option.length + 1), held.end)
        if starts:
            options.append(replace(option, starts=starts))
    return replace(part, options=options)


def distance_from(windows: Sequence[Interval], start: int, length: int) -> int:
    """Grains between a block and the nearest window."""
    return min((max(begin - start, start + length - end, 0) for begin, end in windows), default=0)
