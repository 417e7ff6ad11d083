"""Runs the worker process, watches the limit and the caller's wish to stop, and keeps the best plan."""

import json
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from scheduler.errors import Cancelled, Infeasible, ProblemError, SchedulerError, Unfinished
from scheduler.plan import Plan
from scheduler.problem import Problem
from scheduler.protocol import Progress

LOGGER = logging.getLogger(__name__)
POLL_SECONDS = 0.1
STDERR_SHOWN = 400
ERRORS: dict[str, type[SchedulerError]] = {kind.code: kind for kind in (ProblemError, Infeasible, Unfinished)}

OnProgress = Callable[[Progress], None]
OnPlan = Callable[[Plan], None]


def solve(
    problem: Problem,
    *,
    time_limit: float,
    seed: int | None = None,
    on_progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
    memory_mb: int | None = None,
) -> Plan:
    """The best verified plan found in `time_limit` seconds of wall time.

    The work runs in a child process that is killed at the limit and dies with this one. `seed` overrides the
    policy's. `on_progress` is called here at every report; `cancelled` is asked ten times a second.
    Raises Infeasible when no legal plan exists, Cancelled or Unfinished when none was found in time.
    """
    if time_limit <= 0:
        raise ValueError("time_limit must be above 0 seconds")
    worker = Worker(problem, time_limit, problem.policy.seed if seed is None else seed, memory_mb)
    try:
        return worker.wait(on_progress or (lambda _: None), cancelled or (lambda: False))
    finally:
        worker.end()


class Worker:
    """One child process and the last plan it reported."""

    def __init__(self, problem: Problem, time_limit: float, seed: int, memory_mb: int | None) -> None:
        self.started = time.monotonic()
        self.time_limit = time_limit
        self.plan: dict[str, object] | None = None
        self.complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        root = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "scheduler.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            env=os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": "0"},
        )
        order = {
            "problem": problem.to_json(),
            "seed": seed,
            "time_limit": time_limit,
            "memory_mb": memory_mb,
            "parent": os.getpid(),
        }
        self.lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        assert self.process.stdin is not None  # noqa: S101 - PIPE was asked for
        assert self.process.stdout is not None  # noqa: S101 - PIPE was asked for
        threading.Thread(target=give, args=(self.process.stdin, json.dumps(order)), daemon=True).start()
        threading.Thread(target=collect, args=(self.process.stdout, self.lines), daemon=True).start()

    def wait(self, on_progress: OnProgress, cancelled: Callable[[], bool]) -> Plan:
        """Follow the reports until the work is done, the limit comes or the caller cancels."""
        for line in self.reports(cancelled):
            report = json.loads(line)
            body = report["body"]
            if report["kind"] == "plan":
                self.plan = body
            elif report["kind"] == "progress":
                on_progress(replace(Progress(**body), elapsed_fraction=self.elapsed()))
            elif report["kind"] == "error":
                raise ERRORS[body["error"]](body["path"], body["message"])
        complaint = self.complaint()
        if complaint:
            LOGGER.warning("The scheduler's worker ended early: %s", complaint)
        if self.plan is not None:
            return Plan.from_json(self.plan)
        if cancelled():
            raise Cancelled("", "cancelled before the first plan")
        raise Unfinished("", f"no plan within {self.time_limit:g} s. {complaint}".strip())

    def reports(self, cancelled: Callable[[], bool]) -> Iterator[str]:
        """Lines of the child as they come; what it wrote before it was stopped is not lost."""
        while self.elapsed() < 1 and not cancelled():
            try:
                line = self.lines.get(timeout=min(POLL_SECONDS, self.remaining()))
            except queue.Empty:
                continue
            if line is None:
                return
            yield line
        self.process.kill()
        while (line := self.lines.get()) is not None:
            if line.endswith("\n"):  # the last line may have been cut off
                yield line

    def elapsed(self) -> float:
        """Fraction of the limit that is gone."""
        return min(1.0, (time.monotonic() - self.started) / self.time_limit)

    def remaining(self) -> float:
        return max(0.001, self.started + self.time_limit - time.monotonic())

    def complaint(self) -> str:
        """The end of what the child wrote to standard error, when it failed by itself."""
        if self.process.wait() in (0, -9):
            return ""
        self.complaints.seek(0)
        text = self.complaints.read().decode(errors="replace").strip()
        return text[-STDERR_SHOWN:] or f"exit status {self.process.returncode}"

    def end(self) -> None:
        """Leave nothing running."""
        self.process.kill()
        self.process.wait()
        self.complaints.close()


def give(stream: IO[bytes], text: str) -> None:
    """Write the order; a child that died early does not read it."""
    try:
        with stream:
            stream.write(text.encode())
    except BrokenPipeError:
        return


def collect(stream: IO[bytes], lines: "queue.SimpleQueue[str | None]") -> None:
    """Queue the child's lines, then None."""
    with stream:
        for line in stream:
            lines.put(line.decode())
    lines.put(None)
