"""The rules about shared things, added to the model: capacity, exclusive names and changeover."""

from collections.abc import Sequence
from itertools import groupby

from ortools.sat.python import cp_model

from scheduler import model_rules
from scheduler.lanes import has_changeover, lane_of, needs_units
from scheduler.model import Allocation, Fits, Literal, Row, Rule, anywhere, cliques, literals_of
from scheduler.placements import Placement
from scheduler.problem import Problem
from scheduler.values import Request, Resource

Lane = list[tuple[int, str]]
"""Places of configured rows with their configuration."""


def capacity_holds(allocation: Allocation) -> None:
    """Blocks and side use together never take more units than there are."""
    uses: dict[str, dict[int, int]] = {}
    for place, row in enumerate(allocation.rows):
        part = allocation.problem.request_by_id[row.at.request].part_by_id[row.at.part]
        for name, units in ((row.at.resource, 1), *((side.resource, side.units) for side in part.side)):
            resource_use = uses.setdefault(name, {})
            resource_use[place] = resource_use.get(place, 0) + units
    for name, units_of in uses.items():
        capacity = allocation.problem.resource_by_id[name].capacity
        spans = [(allocation.rows[place].at.start, allocation.rows[place].at.end, place) for place in units_of]
        for clique in cliques(spans):
            add_capacity(allocation, [(place, units_of[place]) for place in clique], capacity)


def add_capacity(allocation: Allocation, uses: list[tuple[int, int]], capacity: int) -> None:
    terms = [(literal, units) for place, units in uses for literal in allocation.rows[place].literals]
    literals = [literal for literal, _ in terms]
    if capacity == 1:
        allocation.model.add_at_most_one(literals)
    elif sum(units for _, units in uses) > capacity:
        weights = [units for _, units in terms]
        allocation.model.add(cp_model.LinearExpr.weighted_sum(literals, weights) <= capacity)


def exclusive_names_hold(allocation: Allocation) -> None:
    """Two resources of one exclusive name never run at once; side use does not count."""
    named = [resource for resource in allocation.problem.resources if resource.exclusive is not None]
    named.sort(key=lambda resource: (resource.exclusive or "", resource.id))
    for _, group in groupby(named, key=lambda resource: resource.exclusive):
        resources = {resource.id: resource for resource in group}
        spans = [
            (row.at.start, row.at.end, place)
            for place, row in enumerate(allocation.rows)
            if row.at.resource in resources
        ]
        for clique in cliques(spans):
            if len({allocation.rows[place].at.resource for place in clique}) > 1:
                allocation.model.add_at_most_one(running(allocation, clique, resources))


def running(allocation: Allocation, clique: list[int], resources: dict[str, Resource]) -> list[Literal]:
    """One literal for each resource that runs at the clique's grain; single units speak for themselves."""
    literals: list[Literal] = []
    for name, resource in resources.items():
        own = [allocation.rows[place] for place in clique]
        blocks = [row for row in own if row.at.resource == name]
        if resource.capacity == 1:
            literals += literals_of(blocks)
        elif blocks:
            literals.append(any_of(allocation, blocks))
    return literals


def any_of(allocation: Allocation, rows: list[Row]) -> Literal:
    """A literal that is true when one of the blocks stands."""
    literals = literals_of(rows)
    if len(literals) == 1:
        return literals[0]
    found = allocation.model.new_bool_var("")
    for literal in literals:
        allocation.model.add_implication(literal, found)
    return found


def lanes(allocation: Allocation) -> dict[tuple[str, ...], tuple[Lane, list[Resource]]]:
    """Configured rows by lane, with the lane's resources; only lanes that have a changeover table."""
    found: dict[tuple[str, ...], tuple[Lane, list[Resource]]] = {}
    for place, row in enumerate(allocation.rows):
        part = allocation.problem.request_by_id[row.at.request].part_by_id[row.at.part]
        resource = allocation.problem.resource_by_id[row.at.resource]
        if part.configuration is None or not has_changeover(resource):
            continue
        key = lane_of(resource, row.at.unit)
        sharing = [
            other
            for other in allocation.problem.resources
            if other is resource or (resource.exclusive is not None and other.exclusive == resource.exclusive)
        ]
        found.setdefault(key, ([], sharing))[0].append((place, part.configuration))
    return found


def runs_one_at_a_time(key: tuple[str, ...], resources: list[Resource]) -> bool:
    """Whether a lane holds at most one block at a time."""
    return key[0] == "unit" or all(resource.capacity == 1 for resource in resources)


def changeovers_hold(allocation: Allocation) -> None:
    """Consecutive configured blocks of a lane leave the grains their changeover needs."""
    for key, (lane, resources) in lanes(allocation).items():
        table = resources[0].changeover
        for (before, after), grains in sorted(table.items()):
            if grains and may_be_bridged(allocation, lane, before, after, resources[0]):
                add_changeover_by_pairs(allocation, lane, before, after, grains)
            elif grains and before == after:
                add_changeover_to_itself(allocation, lane, before, grains)
            elif grains:
                serial = runs_one_at_a_time(key, resources)
                add_changeover(allocation, lane, (before, after), grains, serial=serial)


def named_units_do_not_overlap(allocation: Allocation) -> None:
    """Where changeover is counted by unit, each block has its unit for itself."""
    by_unit: dict[tuple[str, int], list[tuple[int, int, int]]] = {}
    for place, row in enumerate(allocation.rows):
        if allocation.problem.resource_by_id[row.at.resource].capacity > 1:
            by_unit.setdefault((row.at.resource, row.at.unit), []).append((row.at.start, row.at.end, place))
    units = {resource.id for resource in allocation.problem.resources if needs_units(resource)}
    for (name, _), spans in by_unit.items():
        if name in units:
            for clique in cliques(spans):
                allocation.model.add_at_most_one(literals_of(allocation.rows[place] for place in clique))


def may_be_bridged(allocation: Allocation, lane: Lane, before: str, after: str, resource: Resource) -> bool:
    """Whether a block of a third configuration can stand between two blocks that are too close."""
    table = resource.changeover
    for place, middle in lane:
        if middle not in (before, after):
            detour = table.get((before, middle), 0) + allocation.rows[place].at.length + table.get((middle, after), 0)
            if detour < table[before, after]:
                return True
    return False


def add_changeover(allocation: Allocation, lane: Lane, pair: tuple[str, str], grains: int, *, serial: bool) -> None:
    """No block of `after` runs while a block of `before`, lengthened by the changeover, does.

    Where blocks run one at a time, only what lengthens a block can meet another; and blocks that are no shorter than
    that exclude each other when theirs meet, which says the rule without another literal.
    """
    before, _ = pair
    spans: list[tuple[int, int, int]] = []
    is_first = {place: configuration == before for place, configuration in lane}
    for place, configuration in lane:
        row = allocation.rows[place].at
        if configuration == before:
            spans.append((row.end if serial else row.start, row.end + grains, place))
        elif configuration in pair:
            spans.append((row.start, row.end, place))
    for clique in cliques(spans):
        first = [allocation.rows[place] for place in clique if is_first[place]]
        second = [allocation.rows[place] for place in clique if not is_first[place]]
        if not (first and second):
            continue
        if serial and min(row.at.length for row in first) >= grains:
            allocation.model.add_at_most_one(literals_of([*first, *second]))
        elif serial:
            allocation.model.add_at_most_one([any_of(allocation, first), *literals_of(second)])
        else:
            allocation.model.add_at_most_one([any_of(allocation, first), any_of(allocation, second)])


def add_changeover_to_itself(allocation: Allocation, lane: Lane, configuration: str, grains: int) -> None:
    """Blocks of one configuration that still need time between them."""
    rows = allocation.rows
    spans = [(rows[place].at.start, rows[place].at.end + grains, place) for place, own in lane if own == configuration]
    for clique in cliques(spans):
        allocation.model.add_at_most_one(literals_of(rows[place] for place in clique))


def add_changeover_by_pairs(allocation: Allocation, lane: Lane, before: str, after: str, grains: int) -> None:
    """Two blocks too close for their changeover need a configured block wholly between them."""
    rows = allocation.rows
    for one in [rows[place] for place, own in lane if own == before]:
        for other in [rows[place] for place, own in lane if own == after]:
            if other is one or not other.at.end > one.at.start or not other.at.start < one.at.end + grains:
                continue
            between = [
                rows[place]
                for place, _ in lane
                if one.at.end <= rows[place].at.start and rows[place].at.end <= other.at.start
            ]
            apart = literals_of(between)
            for first in one.literals:
                for second in other.literals:
                    allocation.model.add_bool_or([first.negated(), second.negated(), *apart])


RULES: tuple[Rule, ...] = (
    model_rules.part_is_present_with_its_blocks,
    model_rules.amounts_hold,
    model_rules.leasts_hold,
    model_rules.needs_hold,
    model_rules.requests_do_not_overlap_themselves,
    model_rules.gaps_hold,
    model_rules.lags_hold,
    model_rules.pins_hold,
    capacity_holds,
    exclusive_names_hold,
    named_units_do_not_overlap,
    changeovers_hold,
)


def build(
    problem: Problem, wanted: list[Request], standing: Sequence[Placement] = (), fits: Fits = anywhere
) -> Allocation:
    """The model of all legal plans over the wanted requests, beside blocks that stand."""
    allocation = Allocation(problem, wanted, standing, fits)
    for rule in RULES:
        rule(allocation)
    return allocation
