"""The same code on PostgreSQL with a message server, and several workers: one of them is killed, nothing is lost."""

import os
import signal
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask

from app import create_app
from core.db import db
from tests.conftest import settings_for
from tests.jobs.conftest import forget_connections
from tests.jobs.smtp import Sink
from tests.jobs.test_worker import a_worker, ask_for_mails, done, let_claims_go_stale, until

BROKERS = {
    "redis": os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15"),
    "rabbitmq": os.environ.get("TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672//"),
}
MAILS = 12


def answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), timeout=1):
            return True
    except OSError:
        return False


@pytest.fixture(params=sorted(BROKERS))
def broker_url(request: pytest.FixtureRequest) -> str:
    url = BROKERS[request.param]
    if not answers(url):
        pytest.skip(
            f"no {request.param} answers at {urlsplit(url).hostname}: name one in TEST_REDIS_URL or TEST_AMQP_URL"
        )
    return url


@pytest.fixture
def scaled(database_url: str, broker_url: str, tmp_path: Path) -> Iterator[Flask]:
    settings = settings_for(database_url, tmp_path)
    app = create_app(type(settings)(**{**settings.__dict__, "broker_url": broker_url}))
    forget_connections()
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    forget_connections()


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_workers_share_the_mails_and_one_that_is_killed_loses_none(
    scaled: Flask, database_url: str, broker_url: str, tmp_path: Path
) -> None:
    with Sink() as sink:
        sink.hold()
        workers = [
            a_worker(database_url, tmp_path / str(uuid.uuid4()), *arguments, SMTP_URL=sink.url, BROKER_URL=broker_url)
            for arguments in (["--no-beat"], [])
        ]
        try:
            ask_for_mails(MAILS)
            until(lambda: sink.waiting >= 3, "both workers talk to the mail server")
            workers[0].kill()
            workers[0].wait()
            sink.release()
            let_claims_go_stale()
            until(lambda: done() == MAILS, "all mails done by the worker that is left")
        finally:
            for worker in workers:
                worker.send_signal(signal.SIGTERM)
                worker.wait(20)
        assert {to for to, _ in sink.received} == {f"p{n}@example.org" for n in range(MAILS)}
        ids = {to: message["Message-ID"] for to, message in sink.received}
        assert len(set(ids.values())) == MAILS
