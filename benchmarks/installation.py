"""An installation of its own with the demo loaded, thrown away afterwards."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from app import create_app
from core.config import settings_from
from core.db import db


@contextmanager
def demo_installation() -> Iterator[Flask]:
    """An application on SQLite with the demo's data, its context open."""
    with tempfile.TemporaryDirectory(prefix="equora-bench-") as folder:
        app = create_app(settings_from({"INSTANCE_PATH": str(Path(folder)), "PUBLIC_URL": "http://localhost"}))
        done = app.test_cli_runner().invoke(args=["setup"])
        if done.exit_code:
            raise RuntimeError(done.output)
        with app.app_context():
            yield app
            db.session.remove()
            db.engine.dispose()
