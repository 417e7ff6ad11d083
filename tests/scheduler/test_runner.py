"""The worker process: limits of time and memory, cancelling, plans as they come, and the same bytes each time."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import scheduler
from scheduler import Cancelled, Infeasible, Plan, Problem, Progress, Unfinished, Usage, check, solve
from scheduler.protocol import peak_mb
from tests.scheduler.demo import a_hard_problem, demo_problem
from tests.scheduler.makers import a_part, a_problem, a_request, a_row

ROOT = Path(scheduler.__file__).parent.parent


def test_the_same_problem_seed_and_limit_give_the_same_bytes() -> None:
    document = a_problem(*(a_request(f"q{place}", f"m{place % 3}", a_part(amount=6)) for place in range(6)), grains=20)
    texts = {json.dumps(solve(Problem.from_json(document), time_limit=30, seed=3).to_json()) for _ in range(2)}
    assert len(texts) == 1


@pytest.mark.parametrize("limit", [5.0, 9.0])
def test_the_time_limit_is_honoured_within_a_tenth(limit: float) -> None:
    began = time.monotonic()
    plan = solve(Problem.from_json(a_hard_problem()), time_limit=limit)
    assert time.monotonic() - began < limit * 1.1
    assert check(a_hard_problem(), plan.to_json()) == []


def test_cancelling_keeps_the_best_plan_so_far() -> None:
    seen: list[Progress] = []
    plan = solve(
        Problem.from_json(demo_problem()),
        time_limit=60,
        on_progress=seen.append,
        cancelled=lambda: bool(seen) and seen[-1].stage == "value",
    )
    assert check(demo_problem(), plan.to_json()) == []
    assert plan.certificate["proven"] is False
    assert seen[-1].elapsed_fraction < 0.9


def test_without_any_plan_there_is_an_error_that_says_so() -> None:
    problem = Problem.from_json(a_problem(a_request()))
    with pytest.raises(Cancelled):
        solve(problem, time_limit=30, cancelled=lambda: True)
    with pytest.raises(Unfinished):
        solve(problem, time_limit=0.001)
    with pytest.raises(Infeasible):
        solve(Problem.from_json(a_problem(a_request(), pins=[a_row(start=7)])), time_limit=30)
    with pytest.raises(ValueError, match="time_limit"):
        solve(problem, time_limit=0)
    with pytest.raises(ValueError, match="workers"):
        solve(problem, time_limit=1, workers=0)
    with pytest.raises(ValueError, match="memory_mb"):
        solve(problem, time_limit=1, memory_mb=0)


def test_every_better_plan_is_handed_on_as_it_comes_and_the_last_one_is_the_answer() -> None:
    told: list[Plan | Usage] = []
    document = a_problem(*(a_request(f"q{place}", f"m{place % 3}", a_part(amount=6)) for place in range(6)), grains=20)
    answer = solve(Problem.from_json(document), time_limit=30, on_plan=told.append, on_end=told.append)
    *plans, usage = told
    assert len(plans) > 1
    assert plans[-1] is answer
    assert all(isinstance(plan, Plan) and check(document, plan.to_json()) == [] for plan in plans)
    assert isinstance(usage, Usage)
    assert 0 < usage.seconds < 30
    assert usage.peak_mb is not None
    assert 20 < usage.peak_mb < 2000


def test_what_a_run_has_cost_is_told_also_when_it_fails() -> None:
    ends: list[Usage] = []
    with pytest.raises(Infeasible):
        solve(Problem.from_json(a_problem(a_request(), pins=[a_row(start=7)])), time_limit=30, on_end=ends.append)
    assert len(ends) == 1


@pytest.mark.parametrize("megabytes", [1, 10])
def test_without_memory_for_a_plan_there_is_an_error_that_says_so(megabytes: int) -> None:
    document = a_problem(*(a_request(f"q{number}") for number in range(2000)), grains=200_000)
    with pytest.raises(Unfinished, match="memory") as refused:
        solve(Problem.from_json(document), time_limit=20, memory_mb=megabytes)
    assert "Traceback" not in refused.value.message
    assert "\n" not in refused.value.message


def test_when_the_memory_ends_the_best_plan_so_far_is_kept() -> None:
    ends: list[Usage] = []
    plan = solve(Problem.from_json(a_hard_problem()), time_limit=20, memory_mb=60, on_end=ends.append)
    assert check(a_hard_problem(), plan.to_json()) == []
    assert ends[0].seconds < 15


def test_the_worker_dies_with_its_parent() -> None:
    script = "import json,sys; from scheduler import *; solve(Problem.from_json(json.load(sys.stdin)), time_limit=60)"
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(a_hard_problem()).encode())
        process.stdin.close()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until = time.monotonic() + 20
        while not (found := children.read_text().split()) and time.monotonic() < until:
            os.sched_yield()
        command = Path(f"/proc/{found[0]}/cmdline")
        while b"scheduler.child" not in command.read_bytes():
            os.sched_yield()
        began = time.monotonic()
        while time.monotonic() < began + 2:  # the worker asks for the signal once it has read its order
            os.sched_yield()
        process.kill()
    while Path(f"/proc/{found[0]}").exists() and b"scheduler" in command.read_bytes():
        assert time.monotonic() < until + 20
        os.sched_yield()


def test_importing_the_package_loads_no_solver() -> None:
    script = "import sys, scheduler; sys.exit(bool({'ortools', 'numpy', 'rich'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


# It takes 40 MiB, says so, and goes on with ``then`` when it is told to: nothing here is a matter of who is faster.
HUNGRY = (
    "import os, subprocess, sys; taken = bytes(range(256)) * (40 << 12); print(1, flush=True); os.read(0, 1); {then}"
)


def test_the_peak_of_memory_counts_the_processes_that_a_worker_has_started() -> None:
    inner = HUNGRY.format(then="")
    outer = HUNGRY.format(then=f"subprocess.run([sys.executable, '-c', {inner!r}], check=False)")
    with subprocess.Popen([sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        alone = peak_mb(process.pid)
        process.stdin.write(b"1")
        process.stdin.flush()
        process.stdout.readline()
        both = peak_mb(process.pid)
        process.stdin.close()
    assert alone is not None
    assert both is not None
    assert 40 < alone < 70
    assert 2 * 40 < both < 2 * 70
    assert peak_mb(process.pid) is None
