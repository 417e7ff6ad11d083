"""A real worker process does what is rung, and a killed one loses nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from booking.lifecycle import PlanState
from booking.models import Booking
from booking.services import plans
from core import clock, mail, outbox
from core.config import ROOT
from core.db import db, transaction
from tests.booking.rounds_world import a_world
from tests.jobs.smtp import Sink
from tests.support import on_both_databases

PATIENCE = 60.0


def until(true: Callable[[], bool], what: str) -> None:
    """Look again and again until it is so; fail after PATIENCE seconds."""
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(0.05)


def a_worker(database_url: str, instance: Path, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "worker", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": database_url,
            "INSTANCE_PATH": str(instance),
            "PUBLIC_URL": "http://localhost",
            **environment,
        },
        stderr=subprocess.DEVNULL,
    )


def ask_for_mails(count: int) -> None:
    for n in range(count):
        with transaction() as tx:
            to, values = f"p{n}@example.org", {"name": f"Person {n}"}
            mail.send(tx, key=f"m:{n}", to=to, language="en", template="welcome", values=values, at=clock.now())


def done() -> int:
    db.session.rollback()
    state = outbox.OutboxMessage.state == outbox.OutboxState.DONE
    return db.session.scalar(select(func.count()).select_from(outbox.OutboxMessage).where(state)) or 0


def let_claims_go_stale() -> None:
    """As if the heartbeats had stopped long ago, so that the test need not wait."""
    with transaction() as tx:
        tx.session.execute(
            update(outbox.OutboxMessage)
            .where(outbox.OutboxMessage.state == outbox.OutboxState.TAKEN)
            .values(heartbeat_at=clock.now() - outbox.STALE_AFTER - timedelta(seconds=1))
        )


def test_a_rung_mail_leaves_through_a_real_worker(installation: Flask, database_url: str, tmp_path: Path) -> None:
    worker = a_worker(database_url, tmp_path)
    try:
        ask_for_mails(3)
        until(lambda: done() == 3, "three mails done")
        assert db.session.scalar(select(func.count()).select_from(mail.Mail)) == 3
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0


@on_both_databases
def test_a_worker_killed_in_mid_mail_loses_nothing(installation: Flask, database_url: str, tmp_path: Path) -> None:
    with Sink() as sink:
        sink.hold()  # the mail server accepts the connection and keeps the worker waiting
        worker = a_worker(database_url, tmp_path, "--no-beat", SMTP_URL=sink.url)  # its beat would outlive it
        try:
            ask_for_mails(4)
            until(lambda: sink.waiting > 0, "the worker talks to the mail server")
        finally:
            worker.kill()
            worker.wait()
        assert done() == 0
        sink.release()
        let_claims_go_stale()
        second = a_worker(database_url, tmp_path, SMTP_URL=sink.url)
        try:
            until(lambda: done() == 4, "all four mails done by the second worker")
        finally:
            second.send_signal(signal.SIGTERM)
            second.wait(20)
        assert {to for to, _ in sink.received} == {f"p{n}@example.org" for n in range(4)}
        ids = {to: message["Message-ID"] for to, message in sink.received}
        assert len(set(ids.values())) == 4


@on_both_databases
def test_a_worker_killed_in_mid_solve_leaves_the_schedule_alone_and_the_run_is_taken_up(
    installation: Flask, database_url: str, tmp_path: Path
) -> None:
    world = a_world(requests=6)
    plan_id = plans.propose(world.round_id, world.version, 10, world.acting, clock.now(), "")
    worker = a_worker(database_url, tmp_path, "--no-beat")
    try:
        until(lambda: world.plan(plan_id).state is PlanState.RUNNING, "the run has begun")
    finally:
        worker.kill()
        worker.wait()
    row = world.plan(plan_id)
    assert (row.state, row.blocks, row.certificate) == (PlanState.RUNNING, [], None)
    assert db.session.scalar(select(func.count()).select_from(Booking)) == 0
    let_claims_go_stale()
    second = a_worker(database_url, tmp_path)
    try:
        until(lambda: world.plan(plan_id).state is PlanState.DONE, "the second worker has done the run")
    finally:
        second.send_signal(signal.SIGTERM)
        second.wait(20)
    assert world.plan(plan_id).certificate is not None
