"""A problem with more places for blocks than one exact model may hold, small enough to be solved in seconds."""

import os
import sys
from collections.abc import Callable
from fractions import Fraction

from scheduler import Offer, Plan, Problem, Progress, Share
from scheduler.large.grid import Grid
from scheduler.large.run import FEWEST_QUERIES, QUERIES_A_SECOND, run
from scheduler.large.tasks import Task
from scheduler.protocol import Line, Order
from scheduler.quick import first_plan, gather
from tests.scheduler.makers import Json, a_part, a_problem, a_request

WEEKS, WEEK = 4, 336
DAY = 48
REQUESTS, RESOURCES, MEMBERS = 24, 3, 12
LIMIT = 3.1 * FEWEST_QUERIES / QUERIES_A_SECOND
"""Deterministic seconds: enough for a round of one whole task, and one of four short ones."""


def a_wide_problem() -> Json:
    """Requests for any hours of four weeks on any resource, 1.5 times as much as is open."""
    grains = WEEKS * WEEK
    amount = int(1.5 * RESOURCES * grains / REQUESTS)
    names = [f"r{place}" for place in range(RESOURCES)]
    part = a_part(alternatives=names, amount=amount - amount % DAY, least=DAY, lengths=[DAY // 2, DAY])
    rows = [
        a_request(f"q{place:02}", f"m{place * place % MEMBERS:02}", part, merit=1 + place % 9)
        for place in range(REQUESTS)
    ]
    return a_problem(*rows, grains=grains, resources=[{"id": name, "capacity": 1, "cost": 1} for name in names])


def grid_of(document: Json) -> Grid:
    problem = Problem.from_json(document)
    return Grid(problem, dict.fromkeys(problem.member_by_id, Fraction(0)))


def some_tasks(grid: Grid, queries: int) -> list[Task]:
    """A task for each week: to fill it for a quarter of the requests."""
    return [
        Task(
            problem=grid.problem.digest,
            blocks=(),
            fixed=(),
            cells=((week * WEEK, (week + 1) * WEEK),),
            requests=tuple(range(week, REQUESTS, WEEKS)),
            targets=(100.0,) * len(grid.members),
            penalties=(500.0 / 3,) * len(grid.members),
            queries=queries,
            hot=50.0,
            cold=0.1,
            seed=f"week {week}",
        )
        for week in range(WEEKS)
    ]


class Told(Line):
    """Keeps what an engine in this process tells, and lets somebody share its work."""

    def __init__(self, share_work: Callable[[Offer], Share | None] | None) -> None:
        super().__init__(sys.stdout, sys.stdin.buffer)
        self.share_work = share_work
        self.plans: list[Plan] = []

    def plan(self, plan: Plan) -> None:
        self.plans.append(plan)

    def progress(self, progress: Progress) -> None:
        """Is of no interest here."""

    def offer(self, offer: Offer) -> Share | None:
        return self.share_work(offer) if self.share_work else None


def best_plan(document: Json, workers: int = 1, share_work: Callable[[Offer], Share | None] | None = None) -> Json:
    """The plan of the large engine, in this process and LIMIT."""
    problem = Problem.from_json(document)
    evidence = gather(problem, 1, LIMIT, "test")
    told = Told(share_work)
    first_plan(evidence, told.plan)
    order = Order(problem, 1, 60.0, None, workers, repair=False, parent=os.getpid(), is_shared=share_work is not None)
    run(order, evidence, told)
    return told.plans[-1].to_json()
