"""Tasks done by others: the run's side, which shares them out, and the helper's side, which does them.

The run never depends on anybody: it does what nobody has begun, and what others have begun but not finished for a
while. A task has one answer whoever does it, so it does no harm when two do.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from scheduler.errors import SchedulerError
from scheduler.large.grid import Grid
from scheduler.large.tasks import Answer, RunTasks, Task, answer_from_text, answer_to_text, perform
from scheduler.lifetime import die_with
from scheduler.problem import Problem
from scheduler.protocol import Offer, Share

PAUSE_SECONDS = 0.05
PATIENCE = 2.0
"""So many times what its own tasks take a run waits for those of others before it does them itself."""
LEAST_PATIENCE_SECONDS = 0.5
PROBLEMS_KEPT = 2
MOST_DEATHS = 3


@dataclass
class Shared:
    """Tasks of a run that others may do too; `local` does those that are left to the run, `slots` at a time.

    When `offer` says that there is nobody, everything is done here from then on.
    """

    offer: Callable[[Offer], Share | None]
    local: RunTasks
    slots: int
    has_company: bool = True
    finished: dict[str, str] = field(default_factory=dict)
    """Own answers that nobody was told of yet."""
    pace: float = 0.0
    """Seconds that the slowest of the own turns took; decides who does a task, never what comes out."""

    def run(self, tasks: Sequence[Task]) -> list[Answer]:
        """Answers in the order of the tasks."""
        waiting = {task.key: task for task in tasks}
        keys, answers = list(waiting), dict[str, Answer]()
        texts = {key: waiting[key].to_text() for key in keys[self.slots :]} if self.has_company else {}
        since = time.monotonic()
        while waiting:
            is_late = time.monotonic() - since > max(LEAST_PATIENCE_SECONDS, PATIENCE * self.pace)
            share = self.ask(Offer(tuple(waiting), texts, self.finished, self.slots, is_late))
            texts, self.finished = {}, {}
            found = {key: answer_from_text(text) for key, text in share.answers.items() if key in waiting}
            mine = [waiting[key] for key in share.mine if key in waiting and key not in found]
            found |= self.do(mine)
            if found:
                since = time.monotonic()
            elif waiting:
                time.sleep(PAUSE_SECONDS)
            answers |= found
            waiting = {key: task for key, task in waiting.items() if key not in answers}
        return [answers[task.key] for task in tasks]

    def ask(self, offer: Offer) -> Share:
        share = self.offer(offer) if self.has_company else None
        if share is None:
            self.has_company = False
            return Share(offer.awaits, {})
        return share

    def do(self, tasks: Sequence[Task]) -> dict[str, Answer]:
        if not tasks:
            return {}
        began = time.monotonic()
        found = {task.key: answer for task, answer in zip(tasks, self.local(tasks), strict=True)}
        self.pace = max(self.pace, time.monotonic() - began)
        self.finished |= {key: answer_to_text(answer) for key, answer in found.items()}
        return found


class Hands:
    """Local processes that do tasks of runs elsewhere; they keep the last problems and die with this process."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self.executor = self.start()

    def start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.processes, multiprocessing.get_context("spawn"), die_with, (os.getpid(),))

    def perform(self, text: str, problem: Callable[[], Mapping[str, Any]]) -> str:
        """The answer to a task, both as JSON; `problem` is asked for the document when a process does not have it yet.

        Raises BrokenProcessPool when something kills the processes again and again, ValueError when the document
        is not the task's problem.
        """
        for death in range(MOST_DEATHS):
            executor = self.executor
            try:
                answer = executor.submit(work, text, None).result()
                return executor.submit(work, text, problem()).result() or "" if answer is None else answer
            except BrokenProcessPool:
                if death == MOST_DEATHS - 1:
                    raise
                if self.executor is executor:  # another thread may have noticed first
                    self.executor = self.start()
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End the processes once they have done what they are at."""
        self.executor.shutdown(wait=False, cancel_futures=True)


GRIDS: dict[str, Grid] = {}
"""The last problems of this process, the latest last."""


def work(text: str, document: Mapping[str, Any] | None) -> str | None:
    """In a process of `Hands`: the answer, None when the problem is not known here."""
    task = Task.from_text(text)
    if task.problem not in GRIDS:
        if document is None:
            return None
        try:
            keep(Problem.from_json(document))
        except SchedulerError as error:
            raise ValueError(str(error)) from None  # theirs takes two words, and cannot be sent to another process
    if task.problem not in GRIDS:
        raise ValueError("the task is of another problem")
    return answer_to_text(perform(GRIDS[task.problem], task))


def keep(problem: Problem) -> None:
    """Remember a problem; fair shares are in the targets of its tasks, so the grid needs none."""
    while len(GRIDS) >= PROBLEMS_KEPT:
        del GRIDS[next(iter(GRIDS))]
    GRIDS[problem.digest] = Grid(problem, dict.fromkeys(problem.member_by_id, Fraction(0)))
