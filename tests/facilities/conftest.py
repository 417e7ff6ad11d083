"""A database that already holds the shipped catalogue, for tests that only read."""

import shutil
from pathlib import Path

import pytest

from app import create_app
from tests.conftest import settings_for
from tests.facilities.factories import a_furnished_copy


@pytest.fixture(scope="session")
def furnished_catalogue(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the shipped catalogue, to copy."""
    folder = tmp_path_factory.mktemp("catalogue")
    database = Path(shutil.copy(sqlite_template, folder / "equora.db"))
    return a_furnished_copy(create_app(settings_for(f"sqlite:///{database}", folder)), database, folder)
