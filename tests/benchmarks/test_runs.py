"""One measured run: its time line holds verified plans, and what it keeps can be read again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.drawing import draw
from benchmarks.runs import Case, Journal, Run, is_above_greedy, measure
from benchmarks.targets import TARGETS, Target, first_plan, gap, judged, worst


@pytest.fixture(scope="module")
def run() -> Run:
    return measure(Case("las_cumbres", "100", 10, 1))


def test_a_run_has_a_time_line_a_cost_and_a_verdict(run: Run) -> None:
    assert not run.error
    assert run.verdict == ()
    assert run.above_greedy
    assert [moment.seconds for moment in run.moments] == sorted(moment.seconds for moment in run.moments)
    assert run.last is not None
    assert 0 < run.moments[0].seconds <= run.last.seconds <= run.seconds <= 11
    assert run.peak_mb is not None
    assert run.peak_mb > 20
    assert set(run.baselines) == {"first_come", "merit", "fair"}


def test_a_journal_gives_back_what_it_kept(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "raw.jsonl"
    Journal(path).keep("one", run.to_json)
    again = Journal(path, resume=True).keep("one", lambda: pytest.fail("the result is known"))
    assert Run.from_json(again) == run
    afresh = Journal(path).keep("one", lambda: {"made": "anew"})
    assert afresh == {"made": "anew"}
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2


def test_a_run_without_a_plan_misses_its_targets(run: Run) -> None:
    failed = replace(run, moments=(), levels={}, above_greedy=False, error="unfinished: no plan within 10 s")
    target = Target("las_cumbres", "100", 10, "first plan", first_plan, 4, at_most=True, unit="s")
    assert target.verdict([run])[3] == "met"
    assert target.verdict([run, failed]) == ("first plan", "≤ 4.0 s", "1 of 2 runs have none", "**missed**")
    assert [row[3] for row in judged([run, failed])] == ["**missed**"]


def test_targets_are_judged_by_the_median_over_seeds(run: Run) -> None:
    assert run.last is not None
    runs = [replace(run, moments=(replace(run.last, gap=figure),)) for figure in (0.001, 0.012, 0.9)]
    at_most = Target("plain", "large", 60, "gap", gap, 0.015, at_most=True, unit="%")
    assert at_most.verdict(runs) == ("gap", "≤ 1.50 %", "1.20 % (0.10 % – 90.00 %)", "met")
    assert replace(at_most, limit=0.01).verdict(runs)[3] == "**missed**"
    runs = [replace(run, moments=(replace(run.last, worst=figure),)) for figure in (0.1, 0.97, 1.0)]
    assert Target("plain", "large", 60, "worst", worst, 0.97, at_most=False).verdict(runs)[3] == "met"
    assert Target("plain", "large", 60, "worst", worst, 0.98, at_most=False).verdict(runs)[3] == "**missed**"


def test_each_size_and_kind_of_network_has_targets() -> None:
    kinds = {(target.kind, target.size) for target in TARGETS}
    assert kinds >= {(kind, size) for kind in ("plain", "rich") for size in ("small", "medium", "large")}
    assert ("plain", "xl") in kinds


@pytest.mark.parametrize(
    ("fairness", "vector", "value", "expected"),
    [
        ("leximin", [0.5, 0.6], 90.0, True),
        ("leximin", [0.5, 0.5], 99.0, False),
        ("leximin", [0.4, 1.0], 200.0, False),
        ("merit", [0.0, 0.0], 120.0, True),
        ("merit", [1.0, 1.0], 90.0, False),
    ],
)
def test_no_greedy_plan_may_be_better_by_the_policy(
    fairness: str, vector: list[float], value: float, expected: bool
) -> None:
    greedy = {"s_sorted": [0.5, 0.5], "value": 100.0}
    certificate = {"policy": {"fairness": fairness}, "s_sorted": vector, "value": value, "baselines": {"merit": greedy}}
    assert is_above_greedy(certificate) is expected


def test_the_same_runs_draw_the_same_bytes(run: Run, tmp_path: Path) -> None:
    one, other = tmp_path / "one.svg", tmp_path / "other.svg"
    draw([run], "title", one)
    draw([Run.from_json(json.loads(json.dumps(run.to_json())))], "title", other)
    assert one.read_bytes() == other.read_bytes()
    assert b"worst satisfaction" in one.read_bytes()
    assert len(one.read_bytes()) < 60_000
