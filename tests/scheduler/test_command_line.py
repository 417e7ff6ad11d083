"""The command line: exit codes, files, what a terminal shows, and each command."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

import scheduler
from scheduler import Problem, check, solve
from scheduler.cli import main
from tests.scheduler.demo import demo_problem
from tests.scheduler.makers import a_part, a_problem, a_request, a_row

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


def test_an_interrupt_writes_the_best_plan_so_far(tmp_path: Path) -> None:
    out = tmp_path / "plan.json"
    words = ("solve", str(written(tmp_path, demo_problem())), "--out", str(out), "--time-limit", "60", "--progress")
    with subprocess.Popen([sys.executable, "-m", "scheduler", *words], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if b"leximin" in line:
                break
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    assert process.returncode == 0
    plan = json.loads(out.read_text())
    assert plan["certificate"]["proven"] is False
    assert check(demo_problem(), plan) == []


def test_a_reader_that_leaves_early_costs_neither_the_plan_nor_a_traceback(tmp_path: Path) -> None:
    problem, out = written(tmp_path, a_problem(a_request())), tmp_path / "plan.json"
    for words, code in (
        (("solve", problem, "--out", out, "--progress"), 0),
        (("diff", problem, out, out), 1),
        (("diff", problem, out, out, "--json"), 1),
    ):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-m", "scheduler", *map(str, words)],
            cwd=ROOT,
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(writer)
        assert (done.returncode, done.stderr) == (code, b"")
        assert out.exists()


def on_a_terminal(*words: object) -> tuple[int, str]:
    """Exit code and standard error of a command that has a terminal of 100 columns there, without control sequences."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
    with subprocess.Popen(
        [sys.executable, "-m", "scheduler", *map(str, words)],
        cwd=ROOT, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=environment | {"TERM": "xterm-256color"},
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        while chunk := read_terminal(ours):
            shown += chunk
    os.close(ours)
    return process.returncode, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


def read_terminal(ours: int) -> bytes:
    """The next bytes; none once the other side has closed (Linux then reports EIO)."""
    try:
        return os.read(ours, 4096)
    except OSError:
        return b""


def test_a_terminal_shows_time_stage_and_every_goal_with_its_bound(tmp_path: Path) -> None:
    document = a_problem(a_request(), a_request("w", "n", a_part(amount=6)))
    out = tmp_path / "plan.json"
    code, shown = on_a_terminal("solve", written(tmp_path, document), "--out", out, "--time-limit", 30, "--workers", 2)
    assert code == 0
    certificate = json.loads(out.read_text())["certificate"]
    last = shown[shown.rindex("of 30 s") :].replace("\r", "").splitlines()
    rows = [line.split() for line in last]
    assert ["goal", "best", "bound", "gap"] in rows
    assert ["value", f"{certificate['value']:,.6g}", f"{certificate['value_bound']:,.6g}", "proven"] in rows
    assert ["fairness", f"{certificate['s_sorted'][0]:.6g}", f"{certificate['s_bound'][0]:.6g}", "proven"] in rows
    assert "proven best" in last[-1]


def test_a_terminal_shows_no_picture_beside_json_lines(tmp_path: Path) -> None:
    problem = written(tmp_path, a_problem(a_request()))
    assert on_a_terminal("solve", problem, "--out", tmp_path / "plan.json", "--progress") == (0, "")


def test_json_lines_end_each_goal_with_its_figures(tmp_path: Path) -> None:
    problem, out = written(tmp_path, a_problem(a_request(), a_request("w", "n"))), tmp_path / "plan.json"
    lines = [json.loads(line) for line in run("solve", problem, "--out", out, "--progress").stdout.splitlines()]
    last = {line["stage"]: line for line in lines}
    for place, level in enumerate(json.loads(out.read_text())["certificate"]["levels"]):
        line = last[level["name"]]
        assert line["level"] == place
        if not isinstance(level["achieved"], list):
            assert (line["incumbent"], line["bound"], line["gap"]) == (level["achieved"], level["bound"], 0.0)


def test_a_cancellation_and_its_difference_on_the_command_line(tmp_path: Path) -> None:
    problem = written(tmp_path, a_problem(a_request(), a_request("w/1", "n")))
    old, changed, new = (tmp_path / name for name in ("old.json", "changed.json", "new.json"))
    assert run("solve", problem, "--out", old).returncode == 0
    done = run(
        "whatif", problem, "--out", changed, "--published", old, "--frozen-until", 1, "--cancel", "q",
        "--outage", "r:6-8", "--weight", "n=2.5", "--forbid", "*/p/r/1/", "--pin", '{"request": "w/1", "length": 2}',
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(changed.read_text())
    assert [row["id"] for row in document["requests"]] == ["w/1"]
    assert document["resources"][0]["open"] == [[0, 6]]
    assert [row["weight"] for row in document["members"]] == [1.0, 2.5]
    assert document["forbidden"] == [{"part": "p", "resource": "r", "start": 1}]
    assert document["pins"] == [{"request": "w/1", "length": 2}]
    assert document["frozen_until"] == 1
    assert run("solve", changed, "--out", new).returncode == 0
    done = run("diff", problem, old, new, "--new-problem", changed)
    assert (done.returncode, done.stderr) == (0, "")
    assert "not asked" in done.stdout
    found = json.loads(run("diff", problem, old, new, "--new-problem", changed, "--json").stdout)
    assert {row["request"] for row in found["lost"]} == {"q"}
    refused = run("diff", problem, old, new)
    assert refused.returncode == 2
    assert json.loads(refused.stderr)["path"] == "new.problem"


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (["--cancel", "x"], "cancel"),
        (["--outage", "r:5-3"], "outage"),
        (["--weight", "m=nan"], "members[0].weight"),
        (["--pin", "q/p/r/8/2"], "pins[0].start"),
        (["--forbid", '{"colour": 1}'], "forbidden[0].colour"),
        (["--frozen-until", "3"], "frozen_until"),
    ],
)  # fmt: skip
def test_a_change_that_makes_no_sense_leaves_no_file(tmp_path: Path, words: list[str], path: str) -> None:
    out = tmp_path / "changed.json"
    out.write_text("an older problem")
    done = run("whatif", written(tmp_path, a_problem(a_request())), "--out", out, *words)
    assert done.returncode == 2
    assert json.loads(done.stderr)["path"] == path
    assert not out.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["whatif", "p", "--out", "o", "--pin", "q/p"],
        ["whatif", "p", "--out", "o", "--pin", "q/p/r/x/2"],
        ["whatif", "p", "--out", "o", "--pin", "{"],
        ["whatif", "p", "--out", "o", "--weight", "m"],
        ["whatif", "p", "--out", "o", "--weight", "m=x"],
        ["whatif", "p", "--out", "o", "--outage", "r"],
        ["whatif", "p", "--out", "o", "--outage", "r:1"],
        ["solve", "p", "--out", "o", "--workers", "0"],
        ["solve", "p", "--out", "o", "--memory", "-5"],
        ["solve", "p", "--out", "o", "--time-limit", "nan"],
        ["solve", "p", "--out", "o", "--seed", "-1"],
    ],
)  # fmt: skip
def test_words_that_cannot_be_read_are_refused_with_the_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err
