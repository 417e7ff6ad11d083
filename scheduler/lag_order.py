"""The order in which the parts of a request are served."""

from graphlib import TopologicalSorter

from scheduler.values import Part, Request


def in_lag_order(request: Request) -> list[Part]:
    """Parts so that each comes after those it follows."""
    before: dict[str, list[str]] = {part.id: [] for part in request.parts}
    for lag in request.lags:
        before[lag.then].append(lag.after)
    return [request.part_by_id[name] for name in TopologicalSorter(before).static_order()]
