"""Runs the worker process, watches the limit and the caller's wish to stop, and keeps the best plan."""

import json
import logging
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from scheduler.errors import Cancelled, Infeasible, ProblemError, SchedulerError, Unfinished
from scheduler.plan import Plan
from scheduler.problem import Problem
from scheduler.protocol import Offer, Order, Progress, Share, Usage, peak_mb

LOGGER = logging.getLogger(__name__)
POLL_SECONDS = 0.1
STDERR_SHOWN = 400
MOST_MEMORY_MB = 2**30
OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "Cannot allocate", "Unable to allocate", "Memory allocation")
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Sums in another order would give other plans on machines with other numbers of cores."""
ERRORS: dict[str, type[SchedulerError]] = {kind.code: kind for kind in (ProblemError, Infeasible)}

OnProgress = Callable[[Progress], None]
OnPlan = Callable[[Plan], None]
OnEnd = Callable[[Usage], None]
ShareWork = Callable[[Offer], Share | None]
"""Lets others do tasks of a run; None when there is nobody (any more): the run then does them all."""


def ignore(_report: object) -> None:
    """For a caller who does not ask."""


def never() -> bool:
    """For a caller who does not cancel."""
    return False


@dataclass(frozen=True)
class Caller:
    """Whom a run tells what."""

    on_progress: OnProgress
    on_plan: OnPlan
    cancelled: Callable[[], bool]
    share_work: ShareWork | None = None


def solve(  # noqa: PLR0913 - one keyword for each thing that a caller may want
    problem: Problem,
    *,
    time_limit: float,
    seed: int | None = None,
    on_progress: OnProgress = ignore,
    on_plan: OnPlan = ignore,
    on_end: OnEnd = ignore,
    cancelled: Callable[[], bool] = never,
    memory_mb: int | None = None,
    workers: int = 1,
    repair: bool = False,
    share_work: ShareWork | None = None,
) -> Plan:
    """The best verified plan found in `time_limit` seconds of wall time.

    The work runs in a child process that is killed at the limit and dies with this one. `seed` overrides the
    policy's. `workers` is how many processes may search at once. `repair` keeps as many published blocks as
    possible before anything else is optimised. `memory_mb` limits what each process may allocate (2²⁰ bytes).

    `share_work` offers the tasks of large problems to others, on any hosts: the plan is the same, it comes earlier.

    Called in this thread: `on_progress` at every report, `on_plan` with every better plan as it comes, `on_end`
    once with what the run has cost, also when it fails; `cancelled` is asked ten times a second; `share_work` while
    tasks are under way, about twenty times a second.
    Raises Infeasible when no legal plan exists, Cancelled or Unfinished when none was found in time or memory.
    """
    if time_limit <= 0:
        raise ValueError("time_limit must be above 0 seconds")
    if workers < 1:
        raise ValueError("workers must be at least 1")
    if memory_mb is not None and not 0 < memory_mb <= MOST_MEMORY_MB:
        raise ValueError(f"memory_mb must be between 1 and {MOST_MEMORY_MB}")
    order = Order(
        problem=problem,
        seed=problem.policy.seed if seed is None else seed,
        time_limit=time_limit,
        memory_mb=memory_mb,
        workers=workers,
        repair=repair,
        parent=os.getpid(),
        is_shared=share_work is not None,
    )
    worker = Worker(order)
    try:
        return worker.wait(Caller(on_progress, on_plan, cancelled, share_work))
    finally:
        worker.end()
        on_end(worker.usage())


class Worker:
    """One child process and the last plan it reported."""

    def __init__(self, order: Order) -> None:
        self.started = time.monotonic()
        self.time_limit = order.time_limit
        self.plan: Plan | None = None
        self.peak: float | None = None
        self.failure = ""
        self.stopped = False
        self.complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        root = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "scheduler.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            env=os.environ | ONE_THREAD | {"PYTHONPATH": path, "PYTHONHASHSEED": "0"},
            process_group=0,  # so that its own children end with it
        )
        self.lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        assert self.process.stdin is not None  # noqa: S101 - PIPE was asked for
        assert self.process.stdout is not None  # noqa: S101 - PIPE was asked for
        self.words: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.words.put(pickle.dumps(order))
        threading.Thread(target=give, args=(self.process.stdin, self.words), daemon=True).start()
        threading.Thread(target=collect, args=(self.process.stdout, self.lines), daemon=True).start()

    def wait(self, caller: Caller) -> Plan:
        """Follow the reports until the work is done, the limit comes or the caller cancels."""
        for line in self.reports(caller.cancelled):
            report = json.loads(line)
            self.take(report["kind"], report["body"], caller)
        complaint = self.failure or self.complaint()
        if self.plan is not None:
            if complaint:
                LOGGER.warning("The scheduler's worker ended early: %s", complaint)
            return self.plan
        if caller.cancelled():
            raise Cancelled("", "cancelled before the first plan")
        raise Unfinished("", complaint or f"no plan within {self.time_limit:g} s")

    def take(self, kind: str, body: dict[str, Any], caller: Caller) -> None:
        """Act on one report; raises what the child refused the problem for."""
        if kind == "plan":
            self.plan = Plan.from_json(body)
            caller.on_plan(self.plan)
        elif kind == "progress":
            caller.on_progress(replace(Progress(**body), elapsed_fraction=self.elapsed()))
        elif kind == "offer":
            self.reply(Offer(**body | {"awaits": tuple(body["awaits"])}), caller.share_work)
        elif kind == "done":
            self.note_peak(body["peak_mb"])
        elif body["error"] == Unfinished.code:
            self.failure = body["message"]
        else:
            raise ERRORS[body["error"]](body["path"], body["message"])

    def reply(self, offer: Offer, share_work: ShareWork | None) -> None:
        """Let the caller share the work; who has been stopped is not asked any more."""
        share = share_work(offer) if share_work is not None and not self.stopped else None
        self.words.put(json.dumps(None if share is None else asdict(share)).encode() + b"\n")

    def reports(self, cancelled: Callable[[], bool]) -> Iterator[str]:
        """Lines of the child as they come; what it wrote before it was stopped is not lost."""
        while self.elapsed() < 1 and not cancelled():
            self.note_peak(peak_mb(self.process.pid))
            try:
                line = self.lines.get(timeout=min(POLL_SECONDS, self.remaining()))
            except queue.Empty:
                continue
            if line is None:
                return
            yield line
        self.stopped = True
        self.kill()
        while (line := self.lines.get()) is not None:
            if line.endswith("\n"):  # the last line may have been cut off
                yield line

    def note_peak(self, megabytes: float | None) -> None:
        if megabytes is not None:
            self.peak = max(self.peak or 0.0, megabytes)

    def usage(self) -> Usage:
        return Usage(time.monotonic() - self.started, self.peak)

    def elapsed(self) -> float:
        """Fraction of the limit that is gone."""
        return min(1.0, (time.monotonic() - self.started) / self.time_limit)

    def remaining(self) -> float:
        return max(0.001, self.started + self.time_limit - time.monotonic())

    def complaint(self) -> str:
        """Why the child ended by itself without an answer, in one line; nothing when it was stopped or is done."""
        status = self.process.wait()
        if self.stopped or status == 0:
            return ""
        self.complaints.seek(0)
        text = self.complaints.read().decode(errors="replace").strip()
        LOGGER.debug("The scheduler's worker wrote: %s", text)
        if any(sign in text for sign in OUT_OF_MEMORY):
            return "the worker ran out of memory"
        reason = text.rpartition("\n")[2][-STDERR_SHOWN:]
        ended = f"the worker was ended by signal {-status}" if status < 0 else f"the worker failed with status {status}"
        return f"{ended}: {reason}" if reason else ended

    def kill(self) -> None:
        """End the child and the processes it has started."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Leave nothing running."""
        self.words.put(None)
        self.kill()
        self.process.wait()
        self.complaints.close()


def give(stream: IO[bytes], words: "queue.SimpleQueue[bytes | None]") -> None:
    """Write the order and what comes after it, until None; a child that died early does not read it."""
    try:
        with stream:
            while (word := words.get()) is not None:
                stream.write(word)
                stream.flush()
    except BrokenPipeError:
        return


def collect(stream: IO[bytes], lines: "queue.SimpleQueue[str | None]") -> None:
    """Queue the child's lines, then None."""
    with stream:
        for line in stream:
            lines.put(line.decode())
    lines.put(None)
