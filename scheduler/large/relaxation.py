"""The coarse relaxation of a problem: prices of time, prices of fairness, and where each request fits best.

A linear program over (part, resource, cell of time); every legal plan is one of its points. Its prices steer the
search; bounds are computed from prices again, so nothing proven rests on the solver's accuracy (`bounds.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from scheduler.bound_cells import thing_of
from scheduler.bound_rooms import rooms_of
from scheduler.large.relaxation_lp import Solution
from scheduler.large.relaxation_model import Coarse, Floats, Ints, coarse
from scheduler.large.relaxation_prices import NEARLY, Pricing
from scheduler.placements import Placement
from scheduler.problem import Problem

GUIDE = 0.98
"""Of its level: the floor of each member in the program whose prices steer. At the level itself prices explode."""


@dataclass(frozen=True)
class Relaxation:
    """The solved relaxation.

    `cells` are boundaries in grains: cell c is [cells[c], cells[c + 1]). `things` are resources (`r:…`) and exclusive
    names (`x:…`); `thing_of` gives the place of what a resource's blocks take first. `prices[thing, cell]` ≥ 0 is the
    value of one grain of one unit (of an exclusive name: of the name). `member_prices` ≥ 0 is the value that one
    cost-grain held by a member is worth beside its merit. Rows are where a part can stand: its `request`, `part` and
    `resource` by place in the problem (part within its request), its `cell`, the most grains there (`room`), the grains
    of the optimum (`volume`), and the value of one grain with member prices, less all prices (`profit`).
    `levels` are the members' satisfactions in the leximin optimum of the relaxation where not all can have `GUIDE`
    together, else 1. `value` is that of the optimum with standing blocks, every member at `GUIDE` × its level; a little
    above it where prices came by descent, and then `volume` is spread over more rows than needed.
    """

    cells: Ints
    things: tuple[str, ...]
    thing_of: Mapping[str, int]
    prices: Floats
    member_prices: Mapping[str, float]
    request: Ints
    part: Ints
    resource: Ints
    cell: Ints
    room: Floats
    volume: Floats
    profit: Floats
    levels: Mapping[str, float]
    value: float
    model: Coarse


def relax(problem: Problem, shares: Mapping[str, Fraction], fixed: Sequence[Placement]) -> Relaxation:
    """Solve the relaxation beside blocks that stand; `shares` are fair shares in cost-grains.

    The same arguments give the same arrays.
    """
    model = coarse(rooms_of(problem, fixed), shares)
    pricing = Pricing(model)
    levels = np.ones(len(model.members))
    solution = pricing.most_value(GUIDE * model.fair)
    if solution.short.sum() > NEARLY * model.fair.sum():
        levels, _ = pricing.levels()
        solution = pricing.most_value(GUIDE * levels * model.fair)
    return written(model, solution, levels)


def written(model: Coarse, solution: Solution, levels: Floats) -> Relaxation:
    rooms = model.rooms
    width = len(rooms.cells) - 1
    known = {name: place for place, name in enumerate(rooms.things)}
    seats = np.array(rooms.seat, dtype=np.int64)
    worth = model.value + model.held.T @ solution.floors
    profit = worth[model.ask] - model.takes.T @ solution.prices
    return Relaxation(
        cells=np.array(rooms.cells, dtype=np.int64),
        things=rooms.things,
        thing_of={resource.id: known[thing_of(resource)] for resource in rooms.problem.resources},
        prices=solution.prices.reshape(len(rooms.things), width),
        member_prices=dict(zip(model.members, solution.floors.tolist(), strict=True)),
        request=model.request[model.ask],
        part=np.array([ask.part for ask in rooms.asks], dtype=np.int64)[model.ask],
        resource=np.array(rooms.seat_resource, dtype=np.int64)[seats],
        cell=model.cell,
        room=model.grains,
        volume=solution.volume,
        profit=profit,
        levels=dict(zip(model.members, levels.tolist(), strict=True)),
        value=model.start_value + solution.objective,
        model=model,
    )
