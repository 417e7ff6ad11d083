"""The blocks that every plan at large holds: frozen ones, pins, and what their requests need beside them.

Tries come before proofs: a few choices on the board find a legal plan nearly always. Where none is found the exact
model is asked (`scheduler.fixed`), which also names what cannot be kept.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from scheduler.certificate import EXEMPT_RULES
from scheduler.greedy import held_at, placement_of, starting_at
from scheduler.large.bits import first, last, span
from scheduler.large.board import Held
from scheduler.large.grid import Grid, GridPart, GridRequest, Option
from scheduler.large.state import Pick, State, earliest
from scheduler.placements import Placement, give_units
from scheduler.rules import Draft
from scheduler.rules_shared import broken_rules
from scheduler.values import Fairness, Pattern, Policy, Published

TRIES = 4
MOST_CANDIDATES = 60
"""Places tried for one pin."""
MOMENTS = 6
"""Moments of the horizon from which what a request lacks is tried to be served."""
LATER_RULES = ("quota",)
"""What blocks added by the search can still put right."""
NO_CAPS = Policy(Fairness.LEXIMIN, 0.0, 0, ())


def standing(grid: Grid) -> list[Held] | None:
    """Frozen and pinned blocks with what else their requests must hold; None when no try finds a legal choice."""
    if not (grid.problem.frozen or grid.problem.pins):
        return []
    frozen = frozen_blocks(grid)
    for turn in range(TRIES):
        found = Choice(grid, frozen, turn).blocks()
        if found is not None and can_stand(grid, found):
            return found
    return None


def frozen_blocks(grid: Grid) -> list[Held]:
    """Frozen blocks; where units differ each takes one that fits."""
    state = State(grid)
    for row in sorted(grid.problem.frozen, key=lambda row: (row.start, row.request, row.part, row.resource)):
        state.place(on_unit(state, grid, row))
    return [block for rows in state.blocks for block in rows]


def on_unit(state: State, grid: Grid, row: Published) -> Held:
    """A block on the unit whose last block is nearest before it, of those that it fits on; else on the first."""
    held = held_at(grid, Placement(row.request, row.part, row.resource, row.start, row.length))
    resource = grid.resources[held.resource]
    if not resource.lane_by_unit:
        return held
    part, wanted = grid.parts[held.part], span(held.start, held.end)
    fitting = [
        unit for unit in range(resource.capacity) if not wanted & state.board.unit_blocked(part, held.resource, unit)
    ]
    before = span(0, held.start)
    unit = max(fitting, key=lambda unit: (state.board.units[held.resource][unit] & before).bit_length(), default=0)
    return held._replace(unit=unit)


def can_stand(grid: Grid, blocks: Sequence[Held]) -> bool:
    """Whether blocks are a legal plan, but for caps and for what may be lifted from frozen requests."""
    problem = grid.problem
    frozen = {row.request for row in problem.frozen}
    draft = Draft(problem, give_units(problem, [placement_of(grid, block) for block in blocks]))
    return all(
        row.rule in LATER_RULES or (row.rule in EXEMPT_RULES and row.where.partition("/")[0] in frozen)
        for row in broken_rules(draft)
    )


def lifted(state: State, request: GridRequest) -> set[tuple[str, str]]:
    """The rules, and where, that what a request holds does not meet."""
    problem = state.grid.problem
    row = problem.requests[request.place]
    alone = replace(problem, requests=(row,), published=(), pins=(), forbidden=(), policy=NO_CAPS)
    held = [placement_of(state.grid, block) for place in request.parts for block in state.blocks[place]]
    draft = Draft(alone, give_units(alone, held))
    return {(found.rule, found.where) for found in broken_rules(draft) if found.rule in EXEMPT_RULES}


class Choice:
    """One try: a block for each pin, then whatever the requests of pins and frozen blocks lack."""

    def __init__(self, grid: Grid, frozen: Iterable[Held], turn: int) -> None:
        self.grid = grid
        self.problem = grid.problem
        self.state = State(grid, frozen)
        self.turn = turn
        self.dice = random.Random(turn)  # noqa: S311 - repeatable on purpose
        self.published = published_by_request(grid)

    def blocks(self) -> list[Held] | None:
        pins = sorted(self.problem.pins, key=lambda pin: -named(pin))
        if self.turn:
            self.dice.shuffle(pins)
        if not all(self.is_matched(pin) or self.seat(pin) for pin in pins):
            return None
        frozen = {row.request for row in self.problem.frozen}
        touched = [row for row in self.grid.requests if any(self.state.blocks[place] for place in row.parts)]
        for request in sorted(touched, key=lambda request: request.id in frozen):
            is_done = complete(self.state, request, self.published.get(request.place, ()))
            if not is_done and request.id not in frozen:
                return None
        return [block for rows in self.state.blocks for block in rows]

    def is_matched(self, pin: Pattern) -> bool:
        requests = self.grid.requests if pin.request is None else [self.request(pin.request)]
        rows = (block for request in requests for place in request.parts for block in self.state.blocks[place])
        return any(pin.matches(*placement_of(self.grid, block)[:5]) for block in rows)

    def request(self, name: str) -> GridRequest:
        part = self.problem.request_by_id[name].parts[0]
        return self.grid.requests[self.grid.parts[self.grid.part_place[name, part.id]].request]

    def seat(self, pin: Pattern) -> bool:
        """Place a block that matches the pin and beside which its request can be made legal."""
        for tried, block in enumerate(self.candidates(pin)):
            if tried >= MOST_CANDIDATES:
                return False
            request = self.grid.requests[self.grid.parts[block.part].request]
            self.state.place(block)
            mark = len(self.state.log)
            if complete(self.state, request, self.published.get(request.place, ())):
                self.state.undo(mark)
                return True
            self.state.undo(mark - 1)
        return False

    def candidates(self, pin: Pattern) -> Iterator[Held]:
        """Blocks that match a pin and fit: published ones, then those of requests that hold something, then others."""
        for rows in self.published.values():
            for block in rows:
                if pin.matches(*placement_of(self.grid, block)[:5]) and fits(self.state, block):
                    yield block
        requests = list(self.grid.requests) if pin.request is None else [self.request(pin.request)]
        requests.sort(key=lambda row: not any(self.state.blocks[place] for place in row.parts))
        for request in requests:
            for place in request.parts:
                part = self.grid.parts[place]
                if pin.part in (None, part.id):
                    yield from self.places(part, pin)

    def places(self, part: GridPart, pin: Pattern) -> Iterator[Held]:
        """Some starts of each option that a pin allows: the first and the last, and others at random."""
        for option in part.options:
            resource = self.grid.resources[option.resource].id
            if pin.resource not in (None, resource) or pin.length not in (None, option.length):
                continue
            starts = free_starts(self.state, part, option)
            if pin.start is not None:
                starts &= 1 << pin.start
            for start in self.some(starts):
                unit = self.state.board.unit_for(part, option.resource, start, option.length)
                yield Held(part.place, option.resource, start, option.length, unit)

    def some(self, starts: int) -> list[int]:
        if not starts:
            return []
        found = {first(starts): None, last(starts): None}
        for _ in range(MOMENTS):
            above = starts >> (at := self.dice.randrange(starts.bit_length()))
            found[at + first(above)] = None
        rows = list(found)
        if self.turn:
            self.dice.shuffle(rows)
        return rows


def named(pin: Pattern) -> int:
    """How many fields a pin names."""
    return sum(field is not None for field in (pin.request, pin.part, pin.resource, pin.start, pin.length))


def published_by_request(grid: Grid) -> dict[int, list[Held]]:
    """Published blocks that are not frozen, by the place of their request, in the order of time."""
    problem = grid.problem
    found: dict[int, list[Held]] = {}
    for row in sorted(problem.published, key=lambda row: (row.start, row.part)):
        if row.start >= problem.frozen_until:
            block = held_at(grid, Placement(row.request, row.part, row.resource, row.start, row.length))
            found.setdefault(grid.parts[block.part].request, []).append(block)
    return found


def free_starts(state: State, part: GridPart, option: Option) -> int:
    """Where a block fits beside what the part holds; one that must follow may come before what it follows."""
    if option.length > part.amount - state.total[part.place] or len(state.blocks[part.place]) >= part.most_blocks:
        return 0
    starts = state.board.starts(part, option) & state.spaced(part, option.length)
    is_led = any(not state.blocks[lag.after] for lag in part.follows)
    return starts if is_led else starts & state.window(part)


def fits(state: State, block: Held) -> bool:
    """Whether a block may stand beside what is held, as far as it alone is asked."""
    part = state.grid.parts[block.part]
    for option in part.options:
        if (option.resource, option.length) == (block.resource, block.length):
            return bool(free_starts(state, part, option) >> block.start & 1)
    return False


def seated(state: State, block: Held) -> Held:
    """The block on a unit that is free for it."""
    unit = state.board.unit_for(state.grid.parts[block.part], block.resource, block.start, block.length)
    return block._replace(unit=unit)


def complete(state: State, request: GridRequest, published: Sequence[Held]) -> bool:
    """Add as little as makes a request legal, first what is published; False, and nothing changed, if it cannot be."""
    if is_legal(state, request):
        return True
    begin = len(state.log)
    for wanted in (published, ()) if published else ((),):
        for block in wanted:
            if fits(state, block):
                state.place(seated(state, block))
                if is_legal(state, request):
                    return True
        mark = len(state.log)
        for pick in picks(state):
            state.serve(request, pick)
            if is_legal(state, request):
                trim(state, request, mark)
                return True
            state.undo(mark)
        state.undo(begin)
    return False


def picks(state: State) -> list[Pick]:
    """Ways to choose a start: the earliest, the latest, the earliest from some moment on."""
    grains = state.grid.grains
    moments = [starting_at(grains * count // MOMENTS) for count in range(1, MOMENTS)]
    return [earliest, lambda _part, _option, starts: last(starts), *moments]


def trim(state: State, request: GridRequest, mark: int) -> None:
    """Take back what was placed after a mark of the log, as far as the request stays legal."""
    added = [block for was_placed, block in state.log[mark:] if was_placed]
    for block in reversed(added):
        if block in state.blocks[block.part]:
            state.remove(block)
            if not is_legal(state, request):
                state.place(block)


def is_legal(state: State, request: GridRequest) -> bool:
    """Whether a request holds nothing, or all that its own rules ask for: least, needs, gap and lags."""
    if not any(state.blocks[place] for place in request.parts):
        return True
    return all(part_is_legal(state, request, state.grid.parts[place]) for place in request.parts)


def part_is_legal(state: State, request: GridRequest, part: GridPart) -> bool:
    blocks = sorted(state.blocks[part.place], key=lambda block: block.start)
    if not blocks:
        return part.least == 0 or not request.needs_all
    fixed = [block.length for block in blocks if block in state.fixed]
    total = state.total[part.place]
    if not part.least <= total <= max(part.amount, sum(fixed)) or len(blocks) > max(part.most_blocks, len(fixed)):
        return False
    apart = [after.start - before.end for before, after in pairwise(blocks)]
    if any(gap < part.gap_least or (part.gap_most is not None and gap > part.gap_most) for gap in apart):
        return False
    window = state.window(part) if part.follows else state.board.everything
    return all(window >> block.start & 1 for block in blocks)
