"""What the larger benchmarks compare: changes to a plan in force, and two solvers on one problem."""

import random
from dataclasses import replace
from typing import Any

import pytest

from benchmarks import repair, weighted
from benchmarks.instances import make
from benchmarks.instances.network import WEEK
from benchmarks.repair import Repaired
from benchmarks.runs import Case, Moment, Run
from scheduler import Block, Plan, Problem, from_plan
from scheduler.quick import best_greedy, gather

Json = dict[str, Any]


@pytest.fixture(scope="module")
def in_force() -> Json:
    """A small problem with the best greedy plan published, its first four weeks frozen."""
    document = make("small", "plain", 1)
    problem = Problem.from_json(document)
    blocks = best_greedy(gather(problem, 1, 1.0, "test"))
    assert blocks is not None
    return from_plan(document, Plan(problem.digest, blocks, {}), 4 * WEEK)


def test_a_cancellation_takes_one_request_that_is_not_over(in_force: Json) -> None:
    changed = repair.cancel(in_force, random.Random("a"))
    (gone,) = {row["id"] for row in in_force["requests"]} - {row["id"] for row in changed["requests"]}
    held = [row for row in in_force["published"] if row["request"] == gone]
    assert any(row["start"] >= in_force["frozen_until"] for row in held)
    assert changed["published"] == [row for row in in_force["published"] if row["request"] != gone]


def test_an_outage_closes_a_beam_in_a_week_in_which_it_was_in_use(in_force: Json) -> None:
    changed = repair.outage(in_force, random.Random("a"))
    (beam,) = [(old, new) for old, new in zip(in_force["resources"], changed["resources"], strict=True) if old != new]
    closed = [span for span in beam[0]["open"] if span not in beam[1]["open"]]
    assert len(closed) == 1
    assert closed[0][0] >= in_force["frozen_until"]
    assert len(changed["published"]) < len(in_force["published"])


def test_blocks_that_are_missing_from_a_plan_have_moved(in_force: Json) -> None:
    rows = {repair.key(row) for row in in_force["published"]}
    blocks = tuple(Block(*key[:3], 0, *key[3:]) for key in sorted(rows))
    assert repair.share_missing(rows, Plan("", blocks, {})) == 0
    assert repair.share_missing(rows, Plan("", blocks[1:], {})) == pytest.approx(1 / len(rows))
    elsewhere = replace(blocks[0], start=blocks[0].start + 1)
    assert repair.share_missing(rows, Plan("", (elsewhere, *blocks[1:]), {})) == pytest.approx(1 / len(rows))


GOOD = Repaired(1.0, 0.01, 0.02, 0, 0.9, "passed")


@pytest.mark.parametrize(
    "bad",
    [
        {"seconds": None},
        {"seconds": 3.1},
        {"moved": 0.06},
        {"moved_at_end": 0.06},
        {"frozen_moved": 1},
        {"verdict": "x"},
    ],
)
def test_one_bad_repair_misses_the_target(bad: dict[str, Any]) -> None:
    assert repair.row("change", [GOOD, GOOD])[-1] == "met"
    assert repair.row("change", [GOOD, replace(GOOD, **bad)])[-1] == "**missed**"


def a_run(*plans: tuple[float, float], gap: float = 0.0) -> Run:
    """A run with these moments (seconds, value)."""
    moments = tuple(Moment(seconds, value, gap, 1.0, 1.0, 1) for seconds, value in plans)
    return Run(Case("las_cumbres", "300", 20, 1), moments, None, 9, 1, (0, 0), {}, 1.0, {}, True, (), "")


def test_speed_is_the_time_to_a_plan_as_good_as_theirs() -> None:
    theirs = {"value": 100.0, "build_seconds": 1.0, "solve_seconds": 9.0}
    assert weighted.speed_row([(theirs, a_run((0.2, 99), (0.5, 100), (8, 101)))])[3:] == ("0.05", "met")
    assert weighted.speed_row([(theirs, a_run((0.2, 99), (5, 100)))])[3:] == ("0.50", "**missed**")
    assert weighted.speed_row([(theirs, a_run((0.2, 99)))])[3:] == ("inf", "**missed**")


def test_gaps_are_to_the_smaller_of_both_bounds() -> None:
    ours = a_run((1, 90), gap=0.1)
    assert weighted.best_bound({"bound": 120.0}, ours) == pytest.approx(100)
    assert weighted.best_bound({"bound": 95.0}, ours) == 95
    assert weighted.best_bound({"status": "KILLED"}, ours) == pytest.approx(100)


def test_their_program_runs_in_a_process_of_its_own() -> None:
    answer = weighted.apart("100", 1, 20)
    assert answer["status"] == "OPTIMAL"
    assert answer["served"] == 100
    assert answer["peak_mb"] > 20
    assert "blocks" not in answer
