"""Fixtures for all tests: a real database with real migrations, a fresh application, browsers of people.

`app`            an application on a fresh database (SQLite; both databases with `@on_both_databases`)
`context`        the same with an application context open, for tests of services and queries
`visitor`        a browser that is not signed in; `browser(app, person_id)` of tests.support gives others
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade

from app import create_app
from core.config import ROOT, Settings
from core.db import db
from tests import postgres
from tests.support import Browser, browser


def settings_for(database_url: str, instance: Path) -> Settings:
    """Settings of a test's own installation."""
    return Settings(
        database_url=database_url,
        broker_url="memory://",
        public_url="http://localhost",
        secret_key="a secret of the tests",
        allowed_hosts=("localhost", "127.0.0.1"),
        instance=instance,
        smtp_url=None,
        mail_from="Equora <noreply@localhost>",
        demo=True,
        trusted_proxies=0,
    )


def _migrate(database_url: str, instance: Path) -> None:
    app = create_app(settings_for(database_url, instance))
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database to copy."""
    folder = tmp_path_factory.mktemp("template")
    _migrate(f"sqlite:///{folder / 'equora.db'}", folder)
    return folder / "equora.db"


@pytest.fixture(scope="session")
def postgres_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated, empty PostgreSQL database to copy."""
    if postgres.server_url() is None:
        pytest.skip(postgres.why_unavailable())
    url = postgres.create_database(None)
    _migrate(url, tmp_path_factory.mktemp("postgres"))
    yield url
    postgres.drop_database(url)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh migrated database; parametrised indirectly with 'sqlite' or 'postgresql'."""
    if getattr(request, "param", "sqlite") == "postgresql":
        url = postgres.create_database(request.getfixturevalue("postgres_template"))
        yield url
        postgres.drop_database(url)
        return
    shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "equora.db")
    yield f"sqlite:///{tmp_path / 'equora.db'}"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """An application on a fresh database."""
    application = create_app(settings_for(database_url, tmp_path))
    yield application
    with application.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def context(app: Flask) -> Iterator[Flask]:
    """The application with its context open."""
    with app.app_context():
        yield app
        db.session.remove()


@pytest.fixture
def visitor(app: Flask) -> Browser:
    """A browser that nobody is signed in with."""
    return browser(app)
