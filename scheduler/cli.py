"""The command line: `python -m scheduler solve PROBLEM.json --out PLAN.json` and `… check PROBLEM.json PLAN.json`."""

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from scheduler.check import check
from scheduler.errors import ProblemError, SchedulerError
from scheduler.problem import Problem
from scheduler.protocol import Progress
from scheduler.runner import OnProgress, solve

FINE, BROKEN, REFUSED = 0, 1, 2
DEFAULT_LIMIT = 60.0


def refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")


def refuse_repeated_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def read_json(path: Path) -> object:
    """A parsed file; raises ProblemError for whatever keeps it from being one JSON document."""
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text, parse_constant=refuse_constant, object_pairs_hook=refuse_repeated_keys)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ProblemError("", f"cannot read {path.name}: {reason}") from error
    except RecursionError as error:
        raise ProblemError("", f"cannot read {path.name}: nested too deeply") from error


def write_json(path: Path, document: dict[str, object]) -> None:
    """Write beside the target and rename, so that no reader ever sees half a plan."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True) + "\n"
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).replace(path)
    except OSError as error:
        raise ProblemError("", f"cannot write {path.name}: {error.strerror}") from error


def remove(path: Path) -> None:
    """No plan of an earlier run may be taken for the answer to this problem."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ProblemError("", f"cannot write {path.name}: {error.strerror}") from error


class Stop:
    """Becomes true at the first SIGINT or SIGTERM: the best plan so far is kept."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.ask)

    def ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True

    def __call__(self) -> bool:
        return self.asked


def print_progress(progress: Progress) -> None:
    sys.stdout.write(json.dumps(asdict(progress)) + "\n")
    sys.stdout.flush()


def show_on(bar: Bar) -> OnProgress:
    """Draws progress on a terminal."""
    task = bar.add_task("start", total=1.0, note="")

    def show(progress: Progress) -> None:
        note = "" if progress.gap is None else f"gap {progress.gap:.2%}"
        bar.update(task, description=progress.stage, completed=progress.elapsed_fraction, note=note)

    return show


def solve_command(arguments: argparse.Namespace) -> int:
    """Write a plan, or one JSON line on standard error and no plan."""
    stop = Stop()
    out = Path(arguments.out)
    remove(out)
    problem = Problem.from_json(read_json(Path(arguments.problem)))
    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    drawn: AbstractContextManager[object] = bar if sys.stderr.isatty() else nullcontext()
    on_progress = print_progress if arguments.progress else show_on(bar)
    with drawn:
        plan = solve(
            problem,
            time_limit=arguments.time_limit,
            seed=arguments.seed,
            on_progress=on_progress,
            cancelled=stop,
            memory_mb=arguments.memory,
        )
    write_json(out, plan.to_json())
    return FINE


def check_command(arguments: argparse.Namespace) -> int:
    """One line for each violation, or one that says that there is none."""
    problem, plan = read_json(Path(arguments.problem)), read_json(Path(arguments.plan))
    violations = check(problem, plan)
    for row in violations:
        sys.stdout.write(f"{row.rule}: {row.where}: {row.message}\n")
    if not violations:
        sys.stdout.write("The plan is legal and every figure of its certificate holds.\n")
    return BROKEN if violations else FINE


def positive_seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 10**7:
        raise argparse.ArgumentTypeError("must be above 0 seconds")
    return seconds


def seed_number(text: str) -> int:
    seed = int(text)
    if not 0 <= seed < 2**31:
        raise argparse.ArgumentTypeError("must be between 0 and 2147483647")
    return seed


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="python -m scheduler", description="Allocate time fairly, with a proof.")
    commands = root.add_subparsers(required=True)
    solving = commands.add_parser("solve", help="make a plan")
    solving.add_argument("problem", metavar="PROBLEM.json")
    solving.add_argument("--out", required=True, metavar="PLAN.json")
    solving.add_argument("--time-limit", type=positive_seconds, default=DEFAULT_LIMIT, metavar="SECONDS")
    solving.add_argument("--seed", type=seed_number, help="instead of the policy's")
    solving.add_argument("--memory", type=int, metavar="MEGABYTES", help="the most the worker may use")
    solving.add_argument("--progress", action="store_true", help="write JSON lines to standard output")
    solving.set_defaults(run=solve_command)
    checking = commands.add_parser("check", help="check a plan without any solver")
    checking.add_argument("problem", metavar="PROBLEM.json")
    checking.add_argument("plan", metavar="PLAN.json")
    checking.set_defaults(run=check_command)
    return root


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    arguments = parser().parse_args(words)
    try:
        code: int = arguments.run(arguments)
    except SchedulerError as error:
        line = {"error": error.code, "path": error.path, "message": error.message}
        sys.stderr.write(json.dumps(line) + "\n")
        return REFUSED
    return code
