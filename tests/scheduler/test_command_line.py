"""The command line and the worker process: exit codes, limits, cancelling, and the same bytes each time."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import scheduler
from scheduler import Cancelled, Infeasible, Plan, Problem, Progress, Unfinished, check, solve
from tests.scheduler.demo import demo_problem
from tests.scheduler.makers import Json, a_part, a_problem, a_request, a_row

ROOT = Path(scheduler.__file__).parent.parent


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scheduler", *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False
    )


def written(folder: Path, document: object) -> Path:
    path = folder / "problem.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_solve_writes_a_plan_that_check_confirms(tmp_path: Path) -> None:
    problem, out = written(tmp_path, a_problem(a_request(), a_request("w", "n"))), tmp_path / "plan.json"
    done = run("solve", problem, "--out", out, "--time-limit", 30, "--progress")
    assert (done.returncode, done.stderr) == (0, "")
    assert {"stage", "level", "incumbent", "bound", "gap", "elapsed_fraction"} <= set(
        json.loads(done.stdout.split("\n")[0])
    )
    assert run("check", problem, out).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.json", "problem.json"]


def test_check_names_each_violation_on_its_own_line(tmp_path: Path) -> None:
    document = a_problem(a_request())
    plan = solve(Problem.from_json(document), time_limit=30).to_json()
    plan["blocks"] = []
    broken = tmp_path / "plan.json"
    broken.write_text(json.dumps(plan))
    done = run("check", written(tmp_path, document), broken)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == len(check(document, plan)) > 1


@pytest.mark.parametrize(
    ("document", "error", "path"),
    [
        ("{", "refused", ""),
        ('{"grains": NaN}', "refused", ""),
        ('{"grains": 1, "grains": 2}', "refused", ""),
        ("[" * 100_000, "refused", ""),
        ("1" * 5000, "refused", ""),
        ('{"schema": "x"}', "refused", "grain_minutes"),
        (a_problem(a_request(), grains=0), "refused", "grains"),
        (a_problem(a_request("q", "m", a_part(amount=1e400))), "refused", ""),
        (a_problem(a_request(), pins=[a_row(start=7)]), "infeasible", "pins[0]"),
    ],
)  # fmt: skip
def test_a_problem_without_a_plan_ends_with_one_json_line(
    tmp_path: Path, document: object, error: str, path: str
) -> None:
    out = tmp_path / "plan.json"
    out.write_text("an older plan")
    done = run("solve", written(tmp_path, document), "--out", out)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert json.loads(line) | {"message": ""} == {"error": error, "path": path, "message": ""}
    assert not out.exists()


def test_files_that_cannot_be_read_or_written_end_with_one_json_line(tmp_path: Path) -> None:
    latin = tmp_path / "latin.json"
    latin.write_bytes(b'"\xe8"')
    good = written(tmp_path, a_problem())
    for words in (
        ("solve", tmp_path / "missing.json", "--out", tmp_path / "plan.json"),
        ("solve", latin, "--out", tmp_path / "plan.json"),
        ("solve", good, "--out", tmp_path),
        ("solve", good, "--out", tmp_path / "no-folder" / "plan.json"),
        ("check", good, tmp_path / "missing.json"),
    ):
        done = run(*words)
        assert done.returncode == 2
        assert json.loads(done.stderr)["error"] == "refused"


def test_the_same_problem_seed_and_limit_give_the_same_bytes() -> None:
    document = a_problem(*(a_request(f"q{place}", f"m{place % 3}", a_part(amount=6)) for place in range(6)), grains=20)
    texts = {json.dumps(solve(Problem.from_json(document), time_limit=30, seed=3).to_json()) for _ in range(2)}
    assert len(texts) == 1


def a_hard_problem() -> Json:
    """The demo round without its calendar: far too many places to prove anything soon."""
    document = demo_problem()
    for resource in document["resources"]:
        resource |= {"starts": None, "open": None}
    return document


@pytest.mark.parametrize("limit", [5.0, 9.0])
def test_the_time_limit_is_honoured_within_a_tenth(limit: float) -> None:
    began = time.monotonic()
    plan = solve(Problem.from_json(a_hard_problem()), time_limit=limit)
    assert time.monotonic() - began < limit * 1.1
    assert check(a_hard_problem(), plan.to_json()) == []


def test_cancelling_keeps_the_best_plan_so_far() -> None:
    seen: list[Progress] = []
    plan = solve(
        Problem.from_json(a_hard_problem()), time_limit=60, on_progress=seen.append, cancelled=lambda: len(seen) > 1
    )
    assert isinstance(plan, Plan)
    assert seen[-1].elapsed_fraction < 0.9


def test_without_any_plan_there_is_an_error_that_says_so() -> None:
    problem = Problem.from_json(a_problem(a_request()))
    with pytest.raises(Cancelled):
        solve(problem, time_limit=30, cancelled=lambda: True)
    with pytest.raises(Unfinished):
        solve(problem, time_limit=0.001)
    with pytest.raises(Infeasible):
        solve(Problem.from_json(a_problem(a_request(), pins=[a_row(start=7)])), time_limit=30)
    with pytest.raises(ValueError, match="above 0"):
        solve(problem, time_limit=0)


def test_an_interrupt_writes_the_best_plan_so_far(tmp_path: Path) -> None:
    out = tmp_path / "plan.json"
    words = ("solve", str(written(tmp_path, a_hard_problem())), "--out", str(out), "--time-limit", "60", "--progress")
    with subprocess.Popen([sys.executable, "-m", "scheduler", *words], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if b"unfair" in line or b"leximin" in line:
                break
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    assert process.returncode == 0
    assert check(a_hard_problem(), json.loads(out.read_text())) == []


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
