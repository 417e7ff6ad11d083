"""The blocks that every plan must hold: frozen ones and pins, or the proof that they cannot all stand."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ortools.sat.python import cp_model

from scheduler.errors import Infeasible
from scheduler.goals import fewest_exemptions
from scheduler.model import literals_of
from scheduler.placements import Placement
from scheduler.problem import Problem
from scheduler.search import Search
from scheduler.values import Request

MakeSearch = Callable[[Problem, Sequence[Request]], Search]


def fixed_requests(problem: Problem) -> list[Request]:
    """Requests with frozen blocks, and those a pin can match."""
    frozen = {row.request for row in problem.frozen}
    return [
        request
        for request in problem.requests
        if request.id in frozen
        or any(
            pin.request in (None, request.id) and (pin.part is None or pin.part in request.part_by_id)
            for pin in problem.pins
        )
    ]


def fixed_blocks(problem: Problem, make: MakeSearch) -> list[Placement]:
    """A legal plan of frozen and pinned blocks and as little else as possible.

    Raises Infeasible with the path of the first pin, or of the frozen blocks, that cannot be kept.
    """
    if not (problem.frozen or problem.pins):
        return []
    search = make(problem, fixed_requests(problem))
    fewest_exemptions(search, 0.1)
    fewest = -cp_model.LinearExpr.sum(literals_of(search.allocation.rows))
    outcome = search.solve("fixed", lambda _: fewest, 0.1)
    if outcome.is_impossible:
        raise Infeasible(culprit(problem, make), "what is frozen and pinned cannot stand in one legal plan")
    return search.placements()


def culprit(problem: Problem, make: MakeSearch) -> str:
    """The path of the first thing that cannot stand beside those before it."""
    for count in range(len(problem.pins)):
        if not can_stand(replace(problem, pins=problem.pins[:count]), make):
            return f"pins[{count - 1}]" if count else "published"
    return f"pins[{len(problem.pins) - 1}]" if problem.pins else "published"


def can_stand(problem: Problem, make: MakeSearch) -> bool:
    search = make(problem, fixed_requests(problem))
    return not search.solve("fixed", lambda _: 0, 0.1).is_impossible
