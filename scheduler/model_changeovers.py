"""Counts changeovers in the model: the configuration of each lane is carried from start to start."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from ortools.sat.python import cp_model

from scheduler.lanes import count_changeovers
from scheduler.model import Allocation, Literal, literals_of
from scheduler.model_shared import Lane, lanes, runs_one_at_a_time

Table = Mapping[tuple[str, str], int]
NONE_YET = ">"  # a name that no table can hold, so leaving it is free
Starts = dict[int, dict[str, list[int]]]
"""For each start of a lane the places of the rows there, by configuration."""


def serial_lanes(allocation: Allocation) -> Iterator[tuple[Lane, Table]]:
    """Lanes that run one block at a time: only there blocks have an order."""
    for key, (lane, resources) in lanes(allocation).items():
        if runs_one_at_a_time(key, resources):
            yield lane, resources[0].changeover


def count_in_lanes(allocation: Allocation, chosen: Mapping[int, bool]) -> int:
    """The changeovers of a chosen set of rows."""
    return sum(
        count_changeovers([(allocation.rows[place].at, own) for place, own in lane if chosen.get(place)], table)
        for lane, table in serial_lanes(allocation)
    )


def changeover_total(
    allocation: Allocation, model: cp_model.CpModel, chosen: Mapping[int, bool]
) -> cp_model.LinearExprT:
    """The number of changeovers, at least; the chosen rows are the hint of its literals."""
    changes = [
        change
        for lane, table in serial_lanes(allocation)
        for change in lane_changes(allocation, model, starts_of(allocation, lane), table, chosen)
    ]
    return cp_model.LinearExpr.sum(changes)


def starts_of(allocation: Allocation, lane: Lane) -> Starts:
    found: Starts = {}
    for place, configuration in lane:
        found.setdefault(allocation.rows[place].at.start, {}).setdefault(configuration, []).append(place)
    return dict(sorted(found.items()))


def lane_changes(
    allocation: Allocation, model: cp_model.CpModel, starts: Starts, table: Table, chosen: Mapping[int, bool]
) -> Iterator[Literal]:
    """One state at every start, which only a block of another configuration leaves; a change is where it does.

    All of it is linear: said by clauses, the relaxation of the total is 0.
    """
    names = states_of(starts, table)
    carried = carried_in(starts, chosen, names)
    states = {grain: {name: model.new_bool_var("") for name in names} for grain in starts}
    for grain, by_name in starts.items():
        model.add_exactly_one(states[grain].values())
        for name, state in states[grain].items():
            model.add_hint(state, carried[grain] == name)
            model.add(cp_model.LinearExpr.sum(begun(allocation, by_name, name)) <= state)
    for before, after in pairwise(starts):
        for name in names:
            blocks = begun(allocation, starts[after], name)
            model.add(states[after][name] <= cp_model.LinearExpr.sum([states[before][name], *blocks]))
            leaving = [other for other in names if table.get((other, name), 0) > 0]
            if leaving and blocks:
                arrived = blocks if name in leaving else [states[after][name]]
                change = model.new_bool_var("")
                model.add(
                    cp_model.LinearExpr.sum([*(states[before][other] for other in leaving), *arrived]) <= change + 1
                )
                is_begun = any(chosen.get(place) for place in starts[after][name])
                model.add_hint(change, is_begun and carried[before] in leaving)
                yield change


def begun(allocation: Allocation, by_name: Mapping[str, list[int]], name: str) -> list[Literal]:
    """The blocks of a configuration that may start here; at most one of them does."""
    return literals_of(allocation.rows[place] for place in by_name.get(name, []))


def states_of(starts: Starts, table: Table) -> list[str]:
    """The configurations; where one needs a changeover to itself, also none yet, or its first block would count."""
    names = {name for by_name in starts.values() for name in by_name}
    if any(table.get((name, name), 0) > 0 for name in names):
        names.add(NONE_YET)
    return sorted(names)


def carried_in(starts: Starts, chosen: Mapping[int, bool], names: list[str]) -> dict[int, str]:
    """The state of a plan at each start of a lane; before its first block none yet, or that block's configuration."""
    started = {
        grain: name
        for grain, by_name in starts.items()
        for name, places in by_name.items()
        if any(chosen.get(place) for place in places)
    }
    current = NONE_YET if NONE_YET in names else next(iter(started.values()), names[0])
    found = {}
    for grain in starts:
        current = started.get(grain, current)
        found[grain] = current
    return found
