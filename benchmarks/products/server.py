"""A server as processes: started, waited for, and what its processes take of CPU and memory."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.products.product import Call, Product, Visitor

TICK = os.sysconf("SC_CLK_TCK")
START_LIMIT = 60.0


@dataclass(frozen=True)
class Server:
    """A running server; `cold_start` is the seconds from its start to its first answer."""

    pid: int
    port: int
    cold_start: float

    def processes(self) -> list[int]:
        """The first process and all that it has started."""
        found, waiting = [], [self.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            for thread in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (thread / "children").read_text().split())
        return found

    def cpu(self) -> float:
        """Seconds of CPU, of the application and of a database that lives in it."""
        return sum(_cpu(pid) for pid in self.processes())

    def worker_mb(self) -> float:
        """Private and shared memory of the largest process, in MB (shared pages counted by share)."""
        return max(_pss(pid) for pid in self.processes())


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _pss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no Pss")


@contextmanager
def served(product: Product, workers: int, first: str) -> Iterator[Server]:
    """Start a product's server and end it afterwards; `first` is the page whose answer means that it is up."""
    port = _free_port()
    command, environment, folder = product.command(port, workers)
    began = time.monotonic()
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(process, port, first, began + START_LIMIT)
        yield Server(process.pid, port, time.monotonic() - began)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, first: str, until: float) -> None:
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}: see server.log")
        try:
            Visitor(port).send(Call(first, expect=(200, 302)))
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
