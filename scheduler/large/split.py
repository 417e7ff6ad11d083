"""Cuts a round into tasks that cannot get into each other's way."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.large.board import Held
from scheduler.large.grid import Grid, GridRequest
from scheduler.large.judge import Judge
from scheduler.large.state import State
from scheduler.large.tasks import Task


@dataclass(frozen=True)
class Effort:
    """How much one task may do, and at what heat."""

    queries: int
    hot: float
    cold: float


def whole(grid: Grid, state: State, judge: Judge, effort: Effort, seed: str) -> Task:
    """One task over everything."""
    requests = [request.place for request in grid.requests if is_open(grid, request)]
    return task_of(grid, state, judge, effort, seed, [(0, grid.grains)], requests, judge.targets)


def split(
    grid: Grid, state: State, judge: Judge, effort: Effort, seed: str, count: int, edges: Sequence[int]
) -> list[Task]:
    """Tasks over random weeks; a request is its task's in whose weeks all its blocks lie, else nobody's."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    owner = [place % count for place in range(len(edges) - 1)]
    dice.shuffle(owner)
    cells: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for place, number in enumerate(owner):
        spans = cells[number]
        if spans and spans[-1][1] == edges[place]:
            spans[-1] = spans[-1][0], edges[place + 1]
        else:
            spans.append((edges[place], edges[place + 1]))
    requests: list[list[int]] = [[] for _ in range(count)]
    for request in grid.requests:
        if not is_open(grid, request):
            continue
        homes = {home(block, cells) for part in request.parts for block in state.blocks[part]}
        if not homes:
            homes = {dice.randrange(count)}
        if len(homes) == 1 and None not in homes:
            requests[homes.pop() or 0].append(request.place)
    spare = [max(0.0, held - target) for held, target in zip(state.held, judge.targets, strict=True)]
    targets = [
        target + extra * (count - 1) / count if target > 0 else target
        for target, extra in zip(judge.targets, spare, strict=True)
    ]
    return [
        task_of(grid, state, judge, effort, f"{seed}/{number}", cells[number], requests[number], targets)
        for number in range(count)
    ]


def is_open(grid: Grid, request: GridRequest) -> bool:
    """Whether a request may hold more than what is fixed; another host's grid may not know that it may not."""
    return any(grid.parts[place].options for place in request.parts)


def home(block: Held, cells: Sequence[Sequence[tuple[int, int]]]) -> int | None:
    """The task in whose time a block lies wholly."""
    for number, spans in enumerate(cells):
        if any(start <= block.start and block.start + block.length <= end for start, end in spans):
            return number
    return None


def task_of(
    grid: Grid,
    state: State,
    judge: Judge,
    effort: Effort,
    seed: str,
    cells: Sequence[tuple[int, int]],
    requests: Sequence[int],
    targets: Sequence[float],
) -> Task:
    return Task(
        problem=grid.problem.digest,
        blocks=tuple(block[:] for row in state.blocks for block in row if block not in state.fixed),
        fixed=tuple(block[:] for block in sorted(state.fixed)),
        cells=tuple(cells),
        requests=tuple(requests),
        targets=tuple(targets),
        penalties=tuple(judge.penalties),
        queries=effort.queries,
        hot=effort.hot,
        cold=effort.cold,
        seed=seed,
    )


def adopt(grid: Grid, state: State, task: Task, answer: Sequence[Sequence[int]]) -> None:
    """Put a task's answer in the place of what its requests held."""
    for place in task.requests:
        state.drop(grid.requests[place])
    for row in answer:
        state.place(Held(*row))
    state.log.clear()
