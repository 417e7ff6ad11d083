"""Settings: safe defaults, one secret per installation, clear words for nonsense."""

from pathlib import Path

import pytest

from core.config import settings_from


def test_the_defaults_are_one_machine_with_sqlite(tmp_path: Path) -> None:
    settings = settings_from({"INSTANCE_PATH": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path / 'equora.db'}"
    assert settings.broker_url.startswith("filesystem://")
    assert settings.public_url == "http://127.0.0.1:5000"
    assert not settings.https


def test_the_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = settings_from({"INSTANCE_PATH": str(tmp_path)}).secret_key
    assert settings_from({"INSTANCE_PATH": str(tmp_path)}).secret_key == first
    assert len(first) == 64
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_secret_of_the_environment_comes_first(tmp_path: Path) -> None:
    assert settings_from({"INSTANCE_PATH": str(tmp_path), "SECRET_KEY": "given"}).secret_key == "given"
    assert not (tmp_path / "secret_key").exists()


def test_a_public_url_without_a_scheme_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="PUBLIC_URL"):
        settings_from({"INSTANCE_PATH": str(tmp_path), "PUBLIC_URL": "equora.example.org"})


def test_the_host_of_the_public_url_is_allowed(tmp_path: Path) -> None:
    settings = settings_from({"INSTANCE_PATH": str(tmp_path), "PUBLIC_URL": "https://equora.example.org/"})
    assert "equora.example.org" in settings.allowed_hosts
    assert settings.https
