"""Where tasks run: in this process, or in local processes that may die at any moment without a loss, and elsewhere."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from scheduler.large.grid import Grid
from scheduler.large.remote import Shared
from scheduler.large.tasks import Answer, RunTasks, Task, perform
from scheduler.lifetime import die_with
from scheduler.protocol import Offer, Share

MOST_DEATHS = 20
"""Processes lost in one run before the rest is done here: something on the machine kills them all."""


@contextmanager
def runner(grid: Grid, workers: int, offer: Callable[[Offer], Share | None] | None = None) -> Iterator[RunTasks]:
    """What runs tasks: so many local processes, this one when it is one, and others if there is somebody to `offer` to.

    The answers are the same.
    """
    with local(grid, workers) as run_tasks:
        yield run_tasks if offer is None else Shared(offer, run_tasks, workers).run


@contextmanager
def local(grid: Grid, workers: int) -> Iterator[RunTasks]:
    if workers <= 1:
        yield lambda tasks: [perform(grid, task) for task in tasks]
        return
    pool = Pool(grid, workers)
    try:
        yield pool.run
    finally:
        pool.close()


class Pool:
    """Local processes that each hold the problem; a task whose process was killed is done again by another."""

    def __init__(self, grid: Grid, workers: int) -> None:
        self.grid = grid
        self.workers = workers
        self.deaths = 0
        self.executor = self.start()

    def start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.workers, multiprocessing.get_context("spawn"), hold, (self.grid, os.getpid()))

    def run(self, tasks: Sequence[Task]) -> list[Answer]:
        """Answers in the order of the tasks."""
        answers: dict[str, Answer] = {}
        while len(answers) < len({task.key for task in tasks}):
            waiting = {task.key: task for task in tasks if task.key not in answers}
            if self.deaths >= MOST_DEATHS:
                answers |= {key: perform(self.grid, task) for key, task in waiting.items()}
                continue
            futures = {key: self.executor.submit(work, task) for key, task in waiting.items()}
            try:
                for key, future in futures.items():
                    answers[key] = future.result()
            except BrokenProcessPool:
                self.deaths += 1
                self.close()
                self.executor = self.start()
        return [answers[task.key] for task in tasks]

    def close(self) -> None:
        self.executor.shutdown(wait=False, cancel_futures=True)


HERE: list[Grid] = []
"""The problem of this process."""


def hold(grid: Grid, parent: int) -> None:
    die_with(parent)
    HERE[:] = [grid]


def work(task: Task) -> Answer:
    return perform(HERE[0], task)
