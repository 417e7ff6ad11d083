"""The worker process: reads its order on standard input, writes plans and progress as JSON lines."""

import contextlib
import importlib
import os
import pickle
import resource
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version

from scheduler.errors import SchedulerError, Unfinished
from scheduler.large.start import begin
from scheduler.lifetime import die_with
from scheduler.placements import has_more_placements
from scheduler.protocol import Line, Order, Progress, peak_mb
from scheduler.quick import first_plan, gather
from scheduler.values import Fairness

MOST_PLACEMENTS, MOST_FOR_VALUE = 12_000, 3_000
"""Places for blocks beyond which one exact model is too large to be useful. Where value comes first, prices bound it so
closely that the search by exchange is proven optimal sooner."""
WORK_PER_SECOND = 0.2  # deterministic seconds in a second of the limit: leaves room for slow, busy machines


def limit_memory(megabytes: int | None) -> None:
    """Limit what the process may allocate for itself, in MB of 2²⁰ bytes.

    RLIMIT_DATA and not RLIMIT_AS: shared libraries and address space that threads only reserve are no memory.
    """
    if megabytes is not None:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))


def work(order: Order, line: Line) -> None:
    """First plan without the solver, then the solver's; OR-Tools is loaded only in between.

    It takes about a second to load, and the first plan must not wait for it: the one import by name.
    """
    limit = round(order.time_limit * WORK_PER_SECOND, 6)
    line.progress(Progress("shares", 0, None, None, None))
    evidence = gather(order.problem, order.seed, limit, version("ortools"))
    if order.repair:
        evidence.goals = stability_first(evidence.goals)
    most = MOST_FOR_VALUE if order.problem.policy.fairness is Fairness.MERIT else MOST_PLACEMENTS
    if has_more_placements(order.problem, most):
        begin(evidence, line.plan, is_repair=order.repair)
        importlib.import_module("scheduler.large.run").run(order, evidence, line)
        return
    first_plan(evidence, line.plan)
    exact = importlib.import_module("scheduler.exact")
    search = importlib.import_module("scheduler.search")
    exact.run(exact.Work(evidence, line.plan, line.progress, search.Budget(limit)))


def stability_first(goals: Sequence[str]) -> tuple[str, ...]:
    """Repair: as few published blocks as possible move before anything else is optimised."""
    return "unmoved", *(name for name in goals if name != "unmoved")


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what a Ctrl-C means
    line = Line(sys.stdout, sys.stdin.buffer)
    order: Order = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent, through a pipe
    die_with(order.parent)
    limit_memory(order.memory_mb)
    try:
        work(order, line)
    except SchedulerError as error:
        line.error(error)
    except MemoryError:
        line.error(Unfinished("", f"the limit of {order.memory_mb} MB of memory was reached"))
    line.done(peak_mb(os.getpid()))


if __name__ == "__main__":
    main()
