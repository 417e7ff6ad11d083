"""How much faster four workers improve a plan than one: tasks are measured one by one and laid out on workers.

The machine need not have four cores. Tasks of a round share nothing, so a round takes as long as the worker with the
most to do; what the run does between the rounds (cutting, adopting, judging, writing) counts in full, and so does
turning tasks and answers into texts and back. The answers do not depend on who finds them, so the plan improves by the
same steps however many workers there are: the times of the search compare what is gained in a second.
"""

import heapq
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.comparison import Table
from benchmarks.engine import middle
from benchmarks.instances import make
from benchmarks.options import Options
from scheduler import Plan, Problem, Progress
from scheduler.child import WORK_PER_SECOND
from scheduler.greedy import placement_of
from scheduler.large.board import Held
from scheduler.large.grid import Grid
from scheduler.large.run import Network
from scheduler.large.start import first_state, grid_of
from scheduler.large.tasks import Answer, Task, answer_from_text, answer_to_text, perform
from scheduler.placements import give_units
from scheduler.quick import first_plan, gather
from scheduler.rules import Draft
from scheduler.rules_shared import broken_rules

WORKERS = (1, 2, 4, 8)
TARGET = 3.0
USUAL, QUICK = ("large", 60.0), ("small", 5.0)


@dataclass(frozen=True)
class Turn:
    """CPU seconds of one round: of each task, of turning it into text and back, and of the run after the round."""

    tasks: tuple[float, ...]
    texts: tuple[float, ...]
    between: float


@dataclass
class Meter:
    """Does tasks in this process and measures them; `broken` counts answers of rounds whose plan breaks a rule."""

    grid: Grid
    turns: list[Turn] = field(default_factory=list)
    answers: int = 0
    broken: int = 0
    resumed: float | None = None
    size: int = 0
    """Bytes of the largest task as text."""

    def __call__(self, tasks: Sequence[Task]) -> list[Answer]:
        if self.resumed is not None:
            self.turns[-1] = Turn(self.turns[-1].tasks, self.turns[-1].texts, time.process_time() - self.resumed)
            self.judge(tasks[0])
        measured = [self.measure(task) for task in tasks]
        self.turns.append(Turn(tuple(row[1] for row in measured), tuple(row[2] for row in measured), 0.0))
        self.answers += len(tasks)
        self.resumed = time.process_time()
        return [row[0] for row in measured]

    def measure(self, task: Task) -> tuple[Answer, float, float]:
        """The answer, seconds of the task, and seconds for texts: the keys of all tasks are made in any case."""
        began = time.process_time()
        answer = perform(self.grid, task)
        done = time.process_time()
        text = task.to_text()
        assert Task.from_text(text).key == task.key  # noqa: S101 - what is measured
        answer_from_text(answer_to_text(answer))
        self.size = max(self.size, len(text))
        return answer, done - began, time.process_time() - done

    def judge(self, task: Task) -> None:
        """Whether what was adopted stands together: a task names all that is held before it."""
        held = [placement_of(self.grid, Held(*row)) for row in (*task.fixed, *task.blocks)]
        if broken_rules(Draft(self.grid.problem, give_units(self.grid.problem, held))):
            self.broken += len(self.turns[-1].tasks)


def seconds_with(turns: Sequence[Turn], workers: int) -> float:
    """The search's time with so many workers, the run itself being one: each takes the next task when it is free."""
    total = 0.0
    for turn in turns:
        free = [0.0] * workers
        shared = workers > 1 and len(turn.tasks) > 1
        for task, text in zip(turn.tasks, turn.texts, strict=True):
            heapq.heapreplace(free, free[0] + task + (text if shared else 0.0))
        total += max(free) + turn.between
    return total


def measured(size: str, limit: float, seed: int) -> Meter:
    """The search of one problem, all tasks done here."""
    problem = Problem.from_json(make(size, "plain", seed))
    evidence = gather(problem, seed, limit * WORK_PER_SECOND, "benchmark")
    plans: list[Plan] = []
    first_plan(evidence, plans.append)
    grid = grid_of(evidence)
    meter = Meter(grid)
    Network(evidence, plans.append, ignore, meter, grid, is_repair=False).run(first_state(grid, (), is_repair=False))
    return meter


def ignore(_progress: Progress) -> None:
    """Progress is of no interest here."""


def run(options: Options) -> list[Table]:
    """Measure the searches of some seeds and lay them out."""
    size, limit = QUICK if options.quick else USUAL
    load = os.getloadavg()[0]
    meters = [measured(size, limit, seed) for seed in options.seed_range()]
    return [table(meters, f"{size}, plain, limit {limit:g} s, seeds: {len(meters)}, load {load:.1f}")]


def table(meters: Sequence[Meter], title: str) -> Table:
    rows = [
        (
            str(workers),
            middle([seconds_with(meter.turns, workers) for meter in meters], 1),
            f"{middle([seconds_with(meter.turns, 1) / seconds_with(meter.turns, workers) for meter in meters], 2)}×",
            f"≥ {TARGET:g}×" if workers == 4 else "",
        )
        for workers in WORKERS
    ]
    turns = [turn for meter in meters for turn in meter.turns]
    answers, broken = sum(meter.answers for meter in meters), sum(meter.broken for meter in meters)
    return Table(
        f"Workers: {title}",
        ("workers", "seconds of the search", "gained in a second, against one", "target"),
        tuple(rows),
        (
            "Laid out from measured CPU seconds, medians over the seeds. Adopted without a conflict:",
            f"{100 * (answers - broken) / max(1, answers):g} % of {answers} answers. A task takes",
            f"{middle([task for turn in turns for task in turn.tasks], 2)} s and its texts",
            f"{middle([text for turn in turns for text in turn.texts], 3)} s (at most",
            f"{max(meter.size for meter in meters) / 1024:.0f} kB); the run between two rounds",
            f"{middle([turn.between for turn in turns], 2)} s in the middle,",
            f"{sum(turn.between for turn in turns) / len(meters):.1f} s in all.",
        ),
    )
