"""Fixtures of the tests with real workers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from core.db import db
from jobs.engine import celery
from tests.conftest import settings_for


@pytest.fixture
def installation(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An application whose broker is the embedded one."""
    settings = settings_for(database_url, tmp_path)
    app = create_app(type(settings)(**{**settings.__dict__, "broker_url": "filesystem://localhost"}))
    forget_connections()
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    forget_connections()


def forget_connections() -> None:
    """Celery keeps connections and queues of the application of another test, and has no public way to give them up."""
    vars(celery).pop("amqp", None)
    celery._after_fork()  # type: ignore[attr-defined]
