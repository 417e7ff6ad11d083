"""The goals of a plan as figures, each with a bound that no legal plan passes; proven where the two meet."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from scheduler import figures
from scheduler.figures import MICRO, exact
from scheduler.lanes import count_changeovers, has_changeover, lane_of
from scheduler.large.bits import span
from scheduler.large.grid import Grid, GridPart, Option
from scheduler.placements import preference_score
from scheduler.plan import Block
from scheduler.problem import Problem
from scheduler.quick import floors_missed
from scheduler.values import Published, Resource

Row = dict[str, object]


def row(name: str, achieved: float, bound: float) -> Row:
    return {"name": name, "achieved": achieved, "bound": bound, "proven": achieved == bound}


def vector_row(vector: Sequence[int], bound: Sequence[int]) -> Row:
    """Sorted satisfactions, both in millionths."""
    reached, most = ([entry / MICRO for entry in entries] for entries in (vector, bound))
    return {"name": "leximin", "achieved": reached, "bound": most, "proven": reached == most}


def welfare_row(problem: Problem, micro: Mapping[str, int]) -> Row:
    """Nobody is more than wholly satisfied: no sum of logarithms is above 0."""
    return row("welfare", figures.welfare(problem, micro), 0.0)


def floors_row(problem: Problem, held: Mapping[str, Fraction]) -> Row:
    """No group lacks less than nothing."""
    return row("floors", float(floors_missed(problem, held)), 0.0)


def preferences(problem: Problem, blocks: Sequence[Block]) -> Fraction:
    """Σ preference weight × u."""
    return sum((exact(preference_score(problem, block)) for block in blocks), Fraction(0))


def preferences_row(grid: Grid, blocks: Sequence[Block]) -> Row:
    """Every part could at most hold all that it may at the starts it likes best."""
    problem = grid.problem
    frozen: dict[int, list[Published]] = {}
    for item in problem.frozen:
        frozen.setdefault(grid.part_place[item.request, item.part], []).append(item)
    most = sum((most_liked(grid, part, frozen.get(part.place, ())) for part in grid.parts), Fraction(0))
    return row("preferences", float(preferences(problem, blocks)), float(most))


def most_liked(grid: Grid, part: GridPart, frozen: Sequence[Published]) -> Fraction:
    """The preference score that a part cannot exceed; its frozen blocks have theirs already."""
    problem = grid.problem
    wishes = problem.requests[grid.requests[part.request].place].part_by_id[part.id].preferred
    if not wishes:
        return Fraction(0)
    standing = sum((exact(preference_score(problem, unnumbered(item))) for item in frozen), Fraction(0))
    starts = 0
    for option in possible(grid, part):
        starts |= option.starts
    best = max((wish.weight for wish in wishes if starts & span(wish.start, wish.end)), default=0)
    rest = part.amount - sum(item.length for item in frozen) if frozen else part.demand
    return standing + exact(best) * exact(part.cost) * max(0, rest)


def unnumbered(item: Published) -> Block:
    return Block(item.request, item.part, item.resource, 0, item.start, item.length)


def changeovers(problem: Problem, blocks: Sequence[Block]) -> int:
    """Changes of configuration that a table lists, on lanes that run one block at a time."""
    parallel = {resource.exclusive for resource in problem.resources if resource.capacity > 1}
    lanes: dict[tuple[str, ...], list[tuple[Block, str]]] = {}
    tables: dict[tuple[str, ...], Resource] = {}
    for block in blocks:
        resource = problem.resource_by_id[block.resource]
        configuration = problem.request_by_id[block.request].part_by_id[block.part].configuration
        is_serial = resource.exclusive is None or resource.exclusive not in parallel
        if configuration is not None and has_changeover(resource) and is_serial:
            lane = lane_of(resource, block.unit)
            lanes.setdefault(lane, []).append((block, configuration))
            tables[lane] = resource
    return sum(count_changeovers(rows, tables[lane].changeover) for lane, rows in lanes.items())


def changeovers_row(problem: Problem, blocks: Sequence[Block]) -> Row:
    return row("changeovers", changeovers(problem, blocks), 0)


def unmoved_row(grid: Grid, blocks: Sequence[Block]) -> Row:
    """Published blocks that stay; at most those that each by itself may."""
    problem = grid.problem
    stays = len(problem.published) - len(figures.moved_blocks(problem.published, blocks))
    return row("unmoved", stays, max(stays, sum(1 for item in problem.published if may_stay(grid, item))))


def may_stay(grid: Grid, item: Published) -> bool:
    """Whether a published block is frozen, or a legal one on an otherwise empty facility."""
    if item.start < grid.problem.frozen_until:
        return True
    part, resource = grid.parts[grid.part_place[item.request, item.part]], grid.resource_place[item.resource]
    return any(
        option.resource == resource and option.length == item.length and option.starts >> item.start & 1
        for option in possible(grid, part)
    )


def possible(grid: Grid, part: GridPart) -> list[Option]:
    """Options of a part; those of a request with frozen blocks as if its own rules were lifted."""
    row = grid.problem.requests[grid.requests[part.request].place]
    if part.options or all(item.request != row.id for item in grid.problem.frozen):
        return part.options
    return grid.read_options(row, row.part_by_id[part.id])
