"""A better plan by exact models of a few requests at a time, with all others standing where they are.

A neighbourhood search whose steps are solved by lexicographic goals (large neighbourhood search; Shaw 1998).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
from random import Random

from scheduler import figures
from scheduler.fairness import floors, leximin, require
from scheduler.goals import keep_caps, most_value
from scheduler.greedy import held_at
from scheduler.large.grid import Grid
from scheduler.large.state import State
from scheduler.lattice import lattice
from scheduler.model import Fits
from scheduler.model_shared import build
from scheduler.placements import Placement, give_units
from scheduler.plan import Block
from scheduler.quick import rank
from scheduler.search import Budget, Search
from scheduler.values import Fairness, Request

STEP_LIMIT = 0.3  # deterministic seconds of the solver for one step
STEP_COST = 0.04  # and what a step costs besides: most of its work is making small models
FREE_AT_ONCE = 12
LOWER_FIRST = 0.7  # how much likelier a member is helped than the next one above it
FOR_FAIRNESS = 0.6  # of the steps; the others begin with any request that wants more

Shares = Mapping[str, Fraction]
Found = Callable[[tuple[Block, ...]], None]


def polish(
    grid: Grid, blocks: Sequence[Block], free: Collection[str], shares: Shares, budget: Budget, seed: int
) -> tuple[Block, ...] | None:
    """The plan after the free requests were served anew, or None when that is no better by the policy.

    Requests with frozen blocks never are free. `budget` is in deterministic seconds and pays for the step.
    """
    problem = grid.problem
    frozen = {row.request for row in problem.frozen}
    wanted = [request for request in problem.requests if request.id in free and request.id not in frozen]
    names = {request.id for request in wanted}
    step = lattice(problem)
    rows = [Placement(b.request, b.part, b.resource, b.start // step * step, b.length, b.unit) for b in blocks]
    standing = [row for row in rows if row.request not in names]
    allocation = build(problem, wanted, standing, free_places(grid, wanted, standing))
    concerned = {member: shares[member] for request in wanted for member in request.shares}
    own = Budget(min(STEP_LIMIT, budget.left))
    search = Search(allocation, concerned, seed, own, lambda *_: None)
    if problem.policy.fairness is Fairness.QUOTA:
        keep_caps(search)
    is_known = search.adopt([block for block in blocks if block.request in names])
    if is_known or search.solve("start", lambda _: 0, 1 / 4).is_feasible:
        pursue(search, problem.policy.fairness)
    budget.pay(own.spent + STEP_COST)
    if not search.hint:
        return None
    found = give_units(problem, [*standing, *search.placements()])
    return found if rank(problem, found, shares) > rank(problem, blocks, shares) else None


def free_places(grid: Grid, wanted: Sequence[Request], standing: Sequence[Placement]) -> Fits:
    """Whether a block has room beside those that stand."""
    board = State(grid, [held_at(grid, row) for row in standing]).board
    starts: dict[tuple[str, str, str, int], int] = {}
    for request in wanted:
        for row in request.parts:
            part = grid.parts[grid.part_place[request.id, row.id]]
            for option in part.options:
                name = grid.resources[option.resource].id
                starts[request.id, row.id, name, option.length] = board.starts(part, option)

    def fits(place: Placement) -> bool:
        mask = starts.get((place.request, place.part, place.resource, place.length), 0)
        return bool(mask >> place.start & 1)

    return fits


def pursue(search: Search, fairness: Fairness) -> None:
    """The first goals of the policy for the members concerned; everybody else keeps what it holds."""
    if fairness is Fairness.MERIT:
        most_value(search, 1 / 2)
    search.kept.append(require(search, floors(leximin(search, 1 / 2).achieved, 0)))
    if fairness is not Fairness.MERIT:
        most_value(search, 1)


def polished(
    grid: Grid, blocks: Sequence[Block], shares: Shares, budget: Budget, seed: int, on_better: Found
) -> tuple[Block, ...]:
    """Step after step within the budget; never worse than the plan it begins with."""
    best = tuple(blocks)
    dice = Random(f"{seed}/polish")  # noqa: S311 - repeatable on purpose
    while budget.left > 0:
        free = neighbourhood(grid, best, shares, dice)
        if not free:
            break
        found = polish(grid, best, free, shares, budget, seed)
        if found is not None:
            best = found
            on_better(best)
    return best


def neighbourhood(grid: Grid, blocks: Sequence[Block], shares: Shares, dice: Random) -> set[str]:
    """A request that wants more, most often of a member that stands low, and others that use its resources."""
    problem = grid.problem
    totals = figures.part_totals(blocks)
    short = [request for request in problem.requests if not figures.is_fully_served(request, totals)]
    if not short:
        return set()
    if dice.random() < FOR_FAIRNESS:
        micro = figures.satisfactions(figures.served(problem, blocks), shares)
        low = sorted(micro, key=lambda member: (micro[member], member))
        member = low[min(int(dice.expovariate(LOWER_FIRST)), len(low) - 1)] if low else ""
        short = [request for request in short if member in request.shares] or short
    chosen = dice.choice(short)
    names = {name for part in chosen.parts for name in part.alternatives}
    others = [
        request.id
        for request in problem.requests
        if request is not chosen and any(names.intersection(part.alternatives) for part in request.parts)
    ]
    return {chosen.id, *dice.sample(others, min(FREE_AT_ONCE, len(others)))}
