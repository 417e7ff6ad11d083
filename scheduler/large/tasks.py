"""The unit of work that may run anywhere: exchange steps on some requests within some stretches of time.

A task names everything that its answer depends on, so the same task gives the same answer on any host, and may be
asked for twice. Tasks of one round touch disjoint requests and disjoint time; each may use up its part of what a
member holds beyond its target. So their answers stand together, in whatever order they come.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scheduler.large.bits import span
from scheduler.large.board import Held
from scheduler.large.exchange import Exchange
from scheduler.large.grid import Grid
from scheduler.large.judge import Judge
from scheduler.large.state import State

Row = tuple[int, int, int, int, int]
"""A block by places: part, resource, start, length, unit."""


@dataclass(frozen=True)
class Task:
    """Exchange for so many questions to the board, from hot to cold; `cells` are half-open spans of grains."""

    problem: str
    blocks: tuple[Row, ...]
    fixed: tuple[Row, ...]
    cells: tuple[tuple[int, int], ...]
    requests: tuple[int, ...]
    targets: tuple[float, ...]
    penalties: tuple[float, ...]
    queries: int
    hot: float
    cold: float
    seed: str

    @property
    def key(self) -> str:
        """SHA-256 of all of it: two tasks of one key have one answer."""
        return hashlib.sha256(self.to_text().encode()).hexdigest()

    def to_text(self) -> str:
        """As JSON, numbers in full: what `from_text` makes of it is equal and has the same key."""
        return json.dumps(vars(self), separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> "Task":
        """What `to_text` wrote."""
        body = json.loads(text)
        rows = {name: rows_of(body[name]) for name in ("blocks", "fixed", "cells")}
        return cls(**body | rows | {name: tuple(body[name]) for name in ("requests", "targets", "penalties")})


Answer = tuple[Row, ...]
"""The blocks that the task's requests hold afterwards."""


def rows_of(rows: Sequence[Sequence[int]]) -> tuple[Any, ...]:
    return tuple(map(tuple, rows))


def answer_to_text(answer: Answer) -> str:
    return json.dumps(answer, separators=(",", ":"))


def answer_from_text(text: str) -> Answer:
    return rows_of(json.loads(text))


RunTasks = Callable[[Sequence[Task]], list[Answer]]
"""Answers in the order of the tasks."""


def perform(grid: Grid, task: Task) -> Answer:
    """Do one task."""
    fixed = {Held(*row) for row in task.fixed}
    state = State(grid, fixed)
    for row in task.blocks:
        state.place(Held(*row))
    state.log.clear()
    inside = 0
    for start, end in task.cells:
        inside |= span(start, end)
    state.board.everything = inside
    judge = Judge(grid, task.targets, task.penalties)
    Exchange(grid, state, judge, task.requests, task.seed).run(task.queries, task.hot, task.cold)
    return tuple(
        block[:]
        for request in task.requests
        for part in grid.requests[request].parts
        for block in state.blocks[part]
        if block not in fixed
    )
