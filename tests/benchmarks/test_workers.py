"""Rounds laid out on workers, and what is measured of a real search."""

from dataclasses import replace

import pytest

from benchmarks.workers import Meter, Turn, measured, seconds_with, table
from tests.scheduler.wide import a_wide_problem, grid_of, some_tasks


@pytest.mark.parametrize(
    ("workers", "seconds"),
    [
        (1, 4 + 1 + 8 + 1),  # nothing is turned into text
        (2, 4 + 1 + 4.2 + 1),
        (4, 4 + 1 + 2.1 + 1),
        (8, 4 + 1 + 2.1 + 1),
    ],
)
def test_a_round_takes_as_long_as_the_worker_with_the_most_to_do(workers: int, seconds: float) -> None:
    turns = [Turn((4.0,), (0.1,), 1.0), Turn((2.0,) * 4, (0.1,) * 4, 1.0)]
    assert seconds_with(turns, workers) == pytest.approx(seconds)


def test_a_long_task_is_not_cut() -> None:
    assert seconds_with([Turn((1.0, 1.0, 1.0, 3.0), (0.0,) * 4, 0.0)], 2) == pytest.approx(4.0)


def test_a_search_is_measured_round_by_round_and_all_its_answers_stand() -> None:
    meter: Meter = measured("small", 2.0, 1)
    assert meter.answers == sum(len(turn.tasks) for turn in meter.turns)
    assert any(len(turn.tasks) > 1 for turn in meter.turns)
    assert meter.broken == 0
    assert all(second > 0 for turn in meter.turns for second in turn.tasks)
    assert "100 %" in " ".join(table([meter], "small").remarks)


def test_answers_that_do_not_stand_together_are_counted() -> None:
    grid = grid_of(a_wide_problem())
    tasks = some_tasks(grid, 10)
    meter = Meter(grid)
    meter(tasks)
    both = ((0, 0, 0, 48, 0), (1, 0, 24, 48, 0))  # two requests on one resource at one time
    meter([replace(tasks[0], blocks=both[:1])])
    assert meter.broken == 0
    meter([replace(tasks[0], blocks=both)])
    assert meter.broken == 1
