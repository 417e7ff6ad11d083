"""Everyday pages and answers of Equora and of other products, by one script, in one run, on the same bookings.

The headline is CPU per request: what the server's processes take, the database inside them included. Requests go over
the loopback, one after the other, alternating between the products; throughput and p95 are of eight clients at once.
"""

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.comparison import Table
from benchmarks.options import Options
from benchmarks.products import Call, Equora, Nemo, Product, Workload, workload
from benchmarks.products.product import Visitor
from benchmarks.products.server import Server, served
from core import clock

WORKERS, CLIENTS = 2, 8
REQUESTS, QUICK_REQUESTS = 200, 20
SLOW, FEWEST = 0.5, 5
"""An answer that takes longer than this many seconds is asked for less often, at least this many times."""
FIRST_PAGE = {"Equora": "/healthz"}
ENVIRONMENTS = Path(os.environ.get("EQUORA_BENCH_ENVIRONMENTS") or Path.home() / ".cache" / "equora-bench")
WORDS = {
    "one": "week of one instrument",
    "all": "week of all 60 instruments",
    "one, 304": "the same, known already (one)",
    "all, 304": "the same, known already (all)",
    "mine": "my bookings",
    "catalogue": "catalogue list",
    "create": "create a booking",
}
TARGETS = {"all": 100.0, "one": 20.0, "create": 5.0}
"""How many times less CPU than NEMO."""
MOST_STATEMENTS, MOST_MS_UNCHANGED, MOST_P95_MS, MOST_MB, MOST_START = 5, 2.0, 50.0, 100.0, 1.5


@dataclass
class Figure:
    """Of one call on one product: CPU and wall milliseconds a request, bytes, statements."""

    cpu_ms: float = 0.0
    wall_ms: list[float] = field(default_factory=list)
    size: int = 0
    statements: int | None = None
    p95_ms: float = 0.0
    a_second: float = 0.0

    @property
    def median_ms(self) -> float:
        """Of the wall."""
        return statistics.median(self.wall_ms)


@dataclass
class Contender:
    """A product with its running server and a signed-in visitor."""

    product: Product
    server: Server
    visitor: Visitor
    calls: dict[str, Call]
    figures: dict[str, Figure] = field(default_factory=dict)
    created: int = 0
    megabytes: float = 0.0


def run(options: Options) -> list[Table]:
    """Equora beside the products named by --only (NEMO without it)."""
    requests = QUICK_REQUESTS if options.quick else REQUESTS
    names = options.only or ("nemo",)
    work = workload(clock.now().date())
    with tempfile.TemporaryDirectory(prefix="equora-web-") as folder, _contenders(Path(folder), names, work) as found:
        for name in WORDS:
            for one in found:
                measure(one, name, work, requests)
        for one in found:
            one.megabytes = one.server.worker_mb()
        return [_figures(found), _targets(found)]


@contextmanager
def _contenders(folder: Path, names: Sequence[str], work: Workload) -> Iterator[list[Contender]]:
    products: list[Product] = [Equora()]
    if "nemo" in names:
        products.append(Nemo(ENVIRONMENTS / "nemo"))
    with ExitStack() as stack:
        found = []
        for product in products:
            own = folder / type(product).__name__
            own.mkdir()
            product.prepare(own, work)
            server = stack.enter_context(served(product, WORKERS, FIRST_PAGE.get(product.name, "/")))
            visitor = Visitor(server.port)
            product.sign_in(visitor)
            found.append(Contender(product, server, visitor, product.calls(visitor, work)))
        yield found


def measure(one: Contender, name: str, work: Workload, requests: int) -> None:
    """Ask for one thing again and again and note what it takes; nothing when the product does not have it."""
    if name != "create" and name not in one.calls:
        return

    def call() -> Call:
        if name != "create":
            return one.calls[name]
        one.created += 1
        return one.product.create(one.visitor, work, one.created - 1)

    figure = one.figures[name] = Figure()
    began = time.perf_counter()
    for _ in range(2 * WORKERS):  # both workers have done it before
        figure.size = len(one.visitor.send(call())[1])
    slow = (time.perf_counter() - began) / (2 * WORKERS)
    count = max(FEWEST, min(requests, int(requests * SLOW / slow / 10)))
    before = one.server.cpu()
    for _ in range(count):
        asked = call()
        began = time.perf_counter()
        one.visitor.send(asked)
        figure.wall_ms.append((time.perf_counter() - began) * 1000)
    figure.cpu_ms = (one.server.cpu() - before) * 1000 / count
    if name != "create":
        figure.statements = one.product.statements(one.calls[name])
        _at_once(one, one.calls[name], figure, count)


def _at_once(one: Contender, call: Call, figure: Figure, count: int) -> None:
    """The same by eight clients, each with its own connection and the same session."""
    times: list[float] = []
    lock = threading.Lock()
    each = max(1, count // CLIENTS)

    def client() -> None:
        visitor = Visitor(one.server.port)
        visitor.cookies = dict(one.visitor.cookies)
        own = []
        for _ in range(each):
            began = time.perf_counter()
            visitor.send(call)
            own.append((time.perf_counter() - began) * 1000)
        with lock:
            times.extend(own)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    figure.a_second = len(times) / (time.perf_counter() - began)
    figure.p95_ms = sorted(times)[int(len(times) * 0.95)]


# --- tables -----------------------------------------------------------------------------------------------


def _figures(found: Sequence[Contender]) -> Table:
    rows = [
        (
            words,
            one.product.name,
            f"{figure.cpu_ms:.1f}",
            f"{figure.median_ms:.1f}",
            "" if not figure.p95_ms else f"{figure.p95_ms:.1f}",
            "" if not figure.a_second else f"{figure.a_second:.0f}",
            "" if figure.statements is None else f"{figure.statements:,}",
            f"{figure.size:,}",
        )
        for name, words in WORDS.items()
        for one in found
        if (figure := one.figures.get(name)) is not None
    ]
    remarks = tuple(
        f"{one.product.name}: up in {one.server.cold_start:.1f} s, {one.megabytes:.0f} MB the largest worker."
        for one in found
    )
    return Table(
        "Everyday pages and answers",
        ("what", "product", "CPU ms", "median ms", "p95 ms, 8 clients", "a second, 8 clients", "statements", "bytes"),
        tuple(rows),
        (
            f"60 instruments, 240 people, 21,571 bookings over a year, 433 in the measured week; {WORKERS} web workers",
            "with four threads each, SQLite, signed in, one request after the other over the loopback.",
            *remarks,
        ),
    )


def _targets(found: Sequence[Contender]) -> Table:
    ours = found[0]
    peers = [one for one in found[1:] if isinstance(one.product, Nemo)]
    rows = [
        _judged(
            f"{WORDS[name]}: CPU of {peer.product.name} ÷ ours",
            peer.figures[name].cpu_ms / ours.figures[name].cpu_ms,
            times,
            "≥ {:.0f}",
            lambda value, target: value >= target,
        )
        for peer in peers
        for name, times in TARGETS.items()
    ]
    most = ours.figures["all"].statements or 0
    rows += [
        _judged("week of all instruments: statements", most, MOST_STATEMENTS, "≤ {:.0f}"),
        *(
            _judged(f"{WORDS[name]}: CPU ms", ours.figures[name].cpu_ms, MOST_MS_UNCHANGED, "≤ {:.1f}")
            for name in ("one, 304", "all, 304")
        ),
        _judged(
            "slowest p95 at 8 clients, ms", max(one.p95_ms for one in ours.figures.values()), MOST_P95_MS, "≤ {:.0f}"
        ),
        _judged("cold start, s", ours.server.cold_start, MOST_START, "≤ {:.1f}"),
        _judged("a web worker, MB", ours.megabytes, MOST_MB, "≤ {:.0f}"),
    ]
    return Table("Everyday pages: targets", ("figure", "target", "measured", "verdict"), tuple(rows))


def _judged(
    what: str,
    value: float,
    target: float,
    form: str,
    is_met: Callable[[float, float], bool] = lambda value, target: value <= target,
) -> tuple[str, ...]:
    return what, form.format(target), f"{value:.1f}", "met" if is_met(value, target) else "**missed**"
