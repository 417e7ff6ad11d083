"""The worker process: reads a problem on standard input, writes plans and progress as JSON lines."""

import contextlib
import ctypes
import importlib
import json
import os
import resource
import signal
import sys
from importlib.metadata import version

from scheduler.errors import SchedulerError
from scheduler.problem import Problem
from scheduler.protocol import Line, Progress
from scheduler.quick import first_plan, gather

PR_SET_PDEATHSIG = 1
WORK_PER_SECOND = 0.2  # deterministic seconds in a second of the limit: leaves room for slow, busy machines


def die_with(parent: int) -> None:
    """Ask the kernel (Linux) to end this process when its parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def limit_memory(megabytes: int | None) -> None:
    if megabytes is not None:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))


def work(problem: Problem, seed: int, time_limit: float, line: Line) -> None:
    """First plan without the solver, then the solver's; OR-Tools is loaded only in between.

    It takes about a second to load, and the first plan must not wait for it: the one import by name.
    """
    limit = round(time_limit * WORK_PER_SECOND, 6)
    line.progress(Progress("shares", 0, None, None, None))
    evidence = gather(problem, seed, limit, version("ortools"))
    first_plan(evidence, line.plan)
    exact = importlib.import_module("scheduler.exact")
    search = importlib.import_module("scheduler.search")
    exact.run(exact.Work(evidence, line.plan, line.progress, search.Budget(limit)))


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what a Ctrl-C means
    line = Line(sys.stdout)
    order = json.load(sys.stdin)
    die_with(order["parent"])
    limit_memory(order["memory_mb"])
    try:
        work(Problem.from_json(order["problem"]), order["seed"], order["time_limit"], line)
    except SchedulerError as error:
        line.error(error)
    line.done()


if __name__ == "__main__":
    main()
