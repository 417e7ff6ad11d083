"""Maximum flow by OR-Tools' push-relabel in 64 bits, made exact where the numbers do not fit."""

from collections.abc import Mapping

import numpy as np
from ortools.graph.python.max_flow import SimpleMaxFlow

from scheduler.max_flow import SINK, SOURCE, Arcs, Cut, capacities
from scheduler.max_flow import find_cut as find_cut_slowly

SAFE_BITS = 58  # of the sum of all supplies: every excess and every sum at a node stays inside 64 bits


def find_cut(network: Arcs, supplies: Mapping[int, int], factor: int) -> Cut:
    """The same as `max_flow.find_cut`.

    Where the numbers are too large, the flow of the same network with all sizes rounded down to multiples of a power
    of two is a legal start, and the plain algorithm finds what is missing to the largest flow.
    """
    shift = max(0, sum(supplies.values()).bit_length() - SAFE_BITS)
    sizes = [*supplies.values(), *capacities(network, supplies, factor)]
    graph = SimpleMaxFlow()
    arcs = graph.add_arcs_with_capacity(
        np.array([*[SOURCE] * len(supplies), *network.tails], dtype=np.int32),
        np.array([*supplies, *network.heads], dtype=np.int32),
        np.array([size >> shift for size in sizes], dtype=np.int64),
    )
    status = graph.solve(SOURCE, SINK)
    if status != SimpleMaxFlow.OPTIMAL:
        return find_cut_slowly(network, supplies, factor)
    if shift:
        return find_cut_slowly(network, supplies, factor, [int(flow) << shift for flow in graph.flows(arcs)])
    return Cut(
        graph.optimal_flow(),
        marked(graph.get_source_side_min_cut(), network.nodes),
        marked(graph.get_sink_side_min_cut(), network.nodes),
    )


def marked(places: list[int], size: int) -> list[bool]:
    """A list that is True at the places."""
    found = [False] * size
    for place in places:
        found[place] = True
    return found
