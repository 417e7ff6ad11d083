"""What a solve may claim that hardly had time to begin."""

from benchmarks.instances import make
from scheduler import Problem
from scheduler.model_shared import build
from scheduler.search import Budget, Search


def test_a_solve_that_ends_before_its_first_bound_proves_nothing() -> None:
    problem = Problem.from_json(make("small", "rich", 1))
    allocation = build(problem, list(problem.requests))
    search = Search(allocation, {}, 1, Budget(0.0), lambda *_: None)
    figure = allocation.held("m002")
    outcome = search.solve("alone", lambda _: allocation.total(figure), 1.0)
    assert not outcome.is_feasible
    assert not outcome.is_proven
    assert outcome.bound >= figure.most > 0
