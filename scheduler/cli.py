"""The command line: `python -m scheduler solve | check | diff | whatif` (docs/reference/scheduler.md, «Commands»)."""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from rich.console import Console

from scheduler.check import check
from scheduler.cli_changes import add_diff, add_whatif
from scheduler.display import Display, result
from scheduler.errors import SchedulerError
from scheduler.files import read_json, remove, write_json
from scheduler.plan import Plan
from scheduler.problem import Problem
from scheduler.protocol import Progress
from scheduler.runner import OnPlan, OnProgress, ignore, solve

FINE, BROKEN, REFUSED = 0, 1, 2
DEFAULT_LIMIT = 60.0


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
    """One JSON line; when nobody reads them any more, the plan is still wanted."""
    try:
        sys.stdout.write(json.dumps(asdict(progress)) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        write_to_nobody()


def write_to_nobody() -> None:
    """Standard output has lost its reader: what is still to be written there is dropped."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def solve_command(arguments: argparse.Namespace) -> int:
    """Write a plan, or one JSON line on standard error and no plan."""
    stop = Stop()
    out = Path(arguments.out)
    remove(out)
    problem = Problem.from_json(read_json(Path(arguments.problem)))

    def run(on_progress: OnProgress = ignore, on_plan: OnPlan = ignore) -> Plan:
        return solve(
            problem,
            time_limit=arguments.time_limit,
            seed=arguments.seed,
            on_progress=on_progress,
            on_plan=on_plan,
            cancelled=stop,
            memory_mb=arguments.memory,
            workers=arguments.workers,
            repair=arguments.repair,
        )

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    if arguments.progress:
        plan = run(print_progress)
    elif console.is_terminal:
        with Display(arguments.time_limit, console) as display:
            plan = run(display.on_progress, display.on_plan)
        console.print(result(plan))
    else:
        plan = run()
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


def positive_number(text: str) -> int:
    number = int(text)
    if not 0 < number <= 10**6:
        raise argparse.ArgumentTypeError("must be between 1 and 1000000")
    return number


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
    solving.add_argument("--memory", type=positive_number, metavar="MEGABYTES", help="the most each worker may use")
    solving.add_argument(
        "--workers", type=positive_number, default=1, metavar="N", help="processes that search at once"
    )
    solving.add_argument(
        "--repair", action="store_true", help="keep as many published blocks as possible before all else"
    )
    solving.add_argument("--progress", action="store_true", help="write JSON lines to standard output")
    solving.set_defaults(run=solve_command)
    checking = commands.add_parser("check", help="check a plan without any solver")
    checking.add_argument("problem", metavar="PROBLEM.json")
    checking.add_argument("plan", metavar="PLAN.json")
    checking.set_defaults(run=check_command)
    add_diff(commands.add_parser("diff", help="say what changes from one plan to another"))
    add_whatif(commands.add_parser("whatif", help="change a problem; times are grains from its start"))
    return root


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    arguments = parser().parse_args(words)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        write_to_nobody()
        return BROKEN
    except SchedulerError as error:
        line = {"error": error.code, "path": error.path, "message": error.message}
        sys.stderr.write(json.dumps(line) + "\n")
        return REFUSED
    return code
