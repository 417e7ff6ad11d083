"""The plan that the search starts from, made without any solver: what must stay, what is published, and a filling."""

from collections.abc import Sequence
from fractions import Fraction

from scheduler import figures
from scheduler.certificate import Evidence
from scheduler.figures import exact
from scheduler.greedy import Server, by_merit, fair, placement_of
from scheduler.large.board import Held
from scheduler.large.fixed import (
    complete,
    fits,
    is_legal,
    lifted,
    on_unit,
    published_by_request,
    standing,
)
from scheduler.large.grid import Grid, GridRequest
from scheduler.large.state import State, earliest
from scheduler.placements import give_units
from scheduler.plan import Block
from scheduler.quick import Emit, emit_checked, first_plan
from scheduler.values import Fairness, Published

TENTHS = 10
NEARLY = 1e-9
"""Of all that is held: so close to a cap exact numbers decide."""


def begin(evidence: Evidence, emit: Emit, *, is_repair: bool) -> None:
    """Emit the first plan: beside what is published, frozen or pinned, if tries find one, else the best greedy."""
    problem = evidence.problem
    if not (problem.published or problem.pins or problem.policy.fairness is Fairness.QUOTA):
        first_plan(evidence, emit)
        return
    grid = grid_of(evidence)
    base = standing(grid)
    if base is None:
        return
    state = first_state(grid, base, is_repair=is_repair)
    fill(state)
    if keep_caps(state):
        emit_checked(evidence, blocks_of(state), emit)


def grid_of(evidence: Evidence) -> Grid:
    """The grid of the evidence, with the fair shares as they are now."""
    grid = evidence.grid
    grid.shares = [float(evidence.shares[member]) for member in grid.members]
    return grid


def first_state(grid: Grid, base: Sequence[Held], *, is_repair: bool) -> State:
    """What must stay, and what is published as far as it can stand: in a repair that is fixed too."""
    state = kept(grid, base)
    if not is_repair:
        return state
    stays = [block for rows in state.blocks for block in rows]
    if grid.problem.policy.fairness is Fairness.QUOTA:  # what is above a cap cannot stay
        fill(state)
        keep_caps(state)
        stays = [block for block in stays if block in state.blocks[block.part]]
    return State(grid, stays)


def kept(grid: Grid, base: Sequence[Held]) -> State:
    """Published blocks that still fit; a request that they leave illegal gets what it lacks, or loses them."""
    state = State(grid, base)
    frozen = grid.problem.frozen_until
    for row in sorted(grid.problem.published, key=lambda row: (row.start, row.request, row.part)):
        if row.start >= frozen:
            put(state, row)
    state.log.clear()
    published = published_by_request(grid)
    lacking = [row for row in grid.requests if not is_legal(state, row)]
    for request in lacking:
        if not complete(state, request, published.get(request.place, ())):
            settle(state, request, published.get(request.place, ()))
    state.log.clear()
    return state


def put(state: State, row: Published) -> None:
    """Place a published block if it is not held and fits."""
    block = on_unit(state, state.grid, row)
    if block[:4] not in {held[:4] for held in state.blocks[block.part]} and fits(state, block):
        state.place(block)


def settle(state: State, request: GridRequest, published: Sequence[Held]) -> None:
    """A request that cannot be legal keeps what is fixed, and what is published where that lifts no further rule.

    It gets nothing more: beside its frozen blocks nothing of it is legal.
    """
    state.drop(request)
    if is_legal(state, request):
        return
    row = state.grid.problem.requests[request.place]
    for place in request.parts:  # a request that can never be whole has none so far
        part = state.grid.parts[place]
        part.options = state.grid.read_options(row, row.part_by_id[part.id])
    before = lifted(state, request)
    for wanted in published:
        if fits(state, wanted):
            block = on_unit(state, state.grid, row_of(state.grid, wanted))
            state.place(block)
            if not lifted(state, request) <= before:
                state.remove(block)
    for place in request.parts:
        state.grid.parts[place].options = []


def row_of(grid: Grid, block: Held) -> Published:
    return Published(*placement_of(grid, block)[:5])


class Filler(Server):
    """Serves all that is not full yet, on a state that holds something already."""

    def __init__(self, state: State) -> None:
        self.grid = state.grid
        self.state = state
        self.liked = {}

    def waiting(self) -> list[GridRequest]:
        return [row for row in self.grid.requests if not self.state.is_full(row)]


def fill(state: State) -> None:
    """Free time goes to the lowest member, then to the highest merit; to merit alone where the policy says so."""
    rule = by_merit if state.grid.problem.policy.fairness is Fairness.MERIT else fair
    rule(Filler(state))


def blocks_of(state: State) -> tuple[Block, ...]:
    """All that is held, in plan order."""
    grid = state.grid
    return give_units(grid.problem, [placement_of(grid, block) for rows in state.blocks for block in rows])


def keep_caps(state: State) -> bool:
    """Policy `quota`: while a group is above its cap, its request of the least merit goes; False if that is not enough.

    Less of one group is less of everything too, so all groups are looked at again. When all that a group holds is
    fixed, the others get what they can: then it is less of the whole.
    """
    problem = state.grid.problem
    if problem.policy.fairness is not Fairness.QUOTA:
        return True
    others_wait = True
    while (members := above_cap(state)) is not None:
        if lose_least(state, members):
            continue
        if not others_wait or not serve_others(state, members):
            return False
        others_wait = False
    return True


def above_cap(state: State) -> set[int] | None:
    """The members of the group that is furthest above its cap; exactly counted where it is close."""
    grid, everything = state.grid, sum(state.held)
    groups = [(row, {grid.members.index(member) for member in row.members}) for row in grid.problem.policy.quotas]
    excess = [sum(state.held[member] for member in members) - row.cap * everything for row, members in groups]
    worst = max(range(len(groups)), key=excess.__getitem__, default=None)
    if worst is None or excess[worst] < -NEARLY * everything:
        return None
    if excess[worst] > NEARLY * everything:
        return groups[worst][1]
    held = figures.served(grid.problem, blocks_of(state))
    total = sum(held.values(), Fraction(0))
    for row, members in groups:
        if sum((held[member] for member in row.members), Fraction(0)) > exact(row.cap) * total:
            return members
    return None


def lose_least(state: State, members: set[int]) -> bool:
    """Take a request of these members away, of those who are best served without it; False when all is fixed."""
    grid = state.grid
    loose = [
        request
        for request in grid.requests
        if any(member in members for member, _ in request.shares)
        and any(block not in state.fixed for place in request.parts for block in state.blocks[place])
    ]
    if not loose:
        return False
    ranks = {
        request.place: (-served_without(state, request, members), grid.problem.requests[request.place].merit)
        for request in loose
    }
    state.drop(min(loose, key=lambda request: (ranks[request.place], request.place)))
    return True


def serve_others(state: State, members: set[int]) -> bool:
    """Give time to requests that none of these members shares; False when nothing could be given."""
    mark = len(state.log)
    for request in state.grid.requests:
        if not any(member in members for member, _ in request.shares) and not state.is_full(request):
            state.serve(request, earliest)
    return len(state.log) > mark


def served_without(state: State, request: GridRequest, members: set[int]) -> float:
    """The lowest satisfaction, in tenths, that some of the members who share a request keep when it goes."""
    grid = state.grid
    paid = sum(
        block.length * grid.parts[place].cost
        for place in request.parts
        for block in state.blocks[place]
        if block not in state.fixed
    )
    return min(
        (state.held[member] - paid * share) * TENTHS // grid.shares[member] if grid.shares[member] else float(TENTHS)
        for member, share in request.shares
        if member in members
    )
