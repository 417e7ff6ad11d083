"""The world of tests/safety/world.py, made once and copied for each test: two runs of the solver take their time."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import create_app
from core import clock
from core.db import db
from tests.conftest import settings_for
from tests.safety.world import NOW, Copy, a_world


@pytest.fixture(scope="session")
def made(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The database with the world in it, and the names of its rows."""
    folder = tmp_path_factory.mktemp("world")
    path = Path(shutil.copy(sqlite_template, folder / "equora.db"))
    app = create_app(settings_for(f"sqlite:///{path}", folder))
    with app.app_context():
        names = a_world().names()
        db.session.remove()
        db.engine.dispose()
    return path, names


@pytest.fixture
def world(made: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[Copy]:
    """A test's own copy, with an application context open; the pages live at NOW."""
    path, names = made
    shutil.copy(path, tmp_path / "equora.db")
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'equora.db'}", tmp_path))
    with app.app_context(), clock.frozen_at(NOW):
        yield Copy(app, names)
        db.session.remove()
        db.engine.dispose()
