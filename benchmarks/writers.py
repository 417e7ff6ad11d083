"""Fifty processes book at once on SQLite, which has one writer at a time: how long the unluckiest waits."""

import multiprocessing
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import queues
from multiprocessing.synchronize import Barrier
from pathlib import Path
from uuid import UUID

from accounts.queries import actor_of
from app import create_app
from benchmarks.comparison import Table
from benchmarks.options import Options
from benchmarks.products import Equora, Workload, workload
from benchmarks.products.data import INSTRUMENTS
from booking.services import ledger
from core import clock
from core.config import settings_from
from core.db import db
from core.errors import Busy

WRITERS, EACH = 50, 10
QUICK_WRITERS = 8
TARGET = 2.0


@dataclass(frozen=True)
class Writer:
    """Who books what: an hour of an instrument on one day after the other."""

    environment: dict[str, str]
    instrument_id: UUID
    person_id: UUID
    organisation_id: UUID
    free_from: datetime


def run(options: Options) -> list[Table]:
    """Each process books an hour of its own again and again, as fast as it can; no two want the same time."""
    writers = QUICK_WRITERS if options.quick else WRITERS
    work = workload(clock.now().date())
    with tempfile.TemporaryDirectory(prefix="equora-writers-") as folder:
        product = Equora()
        product.prepare(Path(folder), work)
        spawn = multiprocessing.get_context("spawn")
        start = spawn.Barrier(writers)
        answers: queues.Queue[tuple[list[float], int]] = spawn.Queue()
        processes = [
            spawn.Process(target=_write, args=(writer_of(product, work, n), start, answers)) for n in range(writers)
        ]
        for process in processes:
            process.start()
        told = [answers.get(timeout=600) for _ in processes]
        for process in processes:
            process.join()
    times = sorted(seconds for own, _ in told for seconds in own)
    refused = sum(busy for _, busy in told)
    worst = times[-1]
    return [
        Table(
            "Writers on SQLite",
            ("writers", "bookings", "median ms", "p95 ms", "worst s", "told that it is busy", "target", "verdict"),
            (
                (
                    str(writers),
                    f"{len(times):,}",
                    f"{statistics.median(times) * 1000:.0f}",
                    f"{times[int(len(times) * 0.95)] * 1000:.0f}",
                    f"{worst:.2f}",
                    str(refused),
                    f"worst < {TARGET:.0f} s",
                    "met" if worst < TARGET and not refused else "**missed**",
                ),
            ),
            ("Each writer is a process that has booked before and books without a pause, by the whole service.",),
        )
    ]


def writer_of(product: Equora, work: Workload, number: int) -> Writer:
    """The writer with this number, on an instrument of its own."""
    instrument_id = product.instruments[number % INSTRUMENTS][0]
    person_id = product.people[number]
    return Writer(product.environment(5000), instrument_id, person_id, product.organisation, work.free_from)


def _write(writer: Writer, start: Barrier, answers: "queues.Queue[tuple[list[float], int]]") -> None:
    app = create_app(settings_from(writer.environment))
    times: list[float] = []
    busy = 0
    with app.app_context():
        actor = actor_of(db.session(), writer.person_id)
        for turn in range(EACH + 1):
            if turn == 1:  # the first booking of a process loads what all later ones use
                start.wait()
                times.clear()
            begins = writer.free_from + timedelta(days=turn)
            ends, key = begins + timedelta(hours=1), f"writer {writer.instrument_id} {turn}"
            began = time.perf_counter()
            try:
                ledger.book(
                    writer.instrument_id, writer.organisation_id, begins, ends, "Measured", actor, clock.now(), key
                )
            except Busy:
                busy += 1
            times.append(time.perf_counter() - began)
    answers.put((times, busy))
