"""The same pages and answers with ten thousand and with a million bookings: how much they grow."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.comparison import Table
from benchmarks.options import Options
from benchmarks.products import Equora, workload
from benchmarks.products.product import Visitor
from benchmarks.products.server import served
from benchmarks.web import FIRST_PAGE, REQUESTS, WORDS, WORKERS, Contender, measure
from core import clock

FEW, MANY = 10_000, 1_000_000
QUICK_FEW, QUICK_MANY = 5_000, 50_000
TARGET = 1.2
NAMES = ("one", "all", "one, 304", "all, 304", "mine", "catalogue", "create")


def run(options: Options) -> list[Table]:
    """Both databases are filled first; then each call is measured on one server after the other."""
    few, many = (QUICK_FEW, QUICK_MANY) if options.quick else (FEW, MANY)
    today = clock.now().date()
    with tempfile.TemporaryDirectory(prefix="equora-scale-") as folder, ExitStack() as stack:
        found = []
        for count in (few, many):
            work, product, own = workload(today, count), Equora(), Path(folder) / str(count)
            own.mkdir()
            product.prepare(own, work)
            server = stack.enter_context(served(product, WORKERS, FIRST_PAGE[product.name]))
            visitor = Visitor(server.port)
            product.sign_in(visitor)
            found.append((Contender(product, server, visitor, product.calls(visitor, work)), work))
        for name in NAMES:
            for one, work in found:
                measure(one, name, work, REQUESTS)
    rows = []
    for name in NAMES:
        before, after = (one.figures[name] for one, _ in found)
        growth = after.cpu_ms / before.cpu_ms
        verdict = "met" if growth <= TARGET else "**missed**"
        rows.append(
            (
                WORDS[name],
                f"{before.cpu_ms:.2f}",
                f"{after.cpu_ms:.2f}",
                f"{growth:.2f}×",
                f"{after.median_ms / before.median_ms:.2f}×",
                verdict,
            )
        )
    return [
        Table(
            "Growth of everyday pages",
            ("what", f"CPU ms at {few:,}", f"CPU ms at {many:,}", "CPU", f"median time (≤ {TARGET}×)", "CPU verdict"),
            tuple(rows),
            (f"433 bookings in the measured week in both; {WORKERS} web workers, SQLite, {REQUESTS} requests each.",),
        )
    ]
