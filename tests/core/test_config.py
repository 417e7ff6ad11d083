"""Settings: safe defaults, one secret per installation, clear words for nonsense."""

from dataclasses import replace
from pathlib import Path

import pytest

from app import create_app
from core.config import settings_from
from tests.conftest import settings_for


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


LOCAL = (
    "http://127.0.0.1:5000",
    "http://127.1.2.3",
    "http://localhost:8080",
    "http://[::1]:5000",
    "http://x.localhost",
)
PUBLIC = (
    "https://equora.example.org",
    "http://192.168.1.7:5000",
    "http://127.0.0.1.example.org",
    "http://0.0.0.0:5000",
)


def demo_of(tmp_path: Path, **environment: str) -> bool:
    return settings_from({"INSTANCE_PATH": str(tmp_path), **environment}).demo


def test_the_demo_is_on_by_itself_only_where_nobody_else_can_reach_it(tmp_path: Path) -> None:
    assert demo_of(tmp_path)
    assert [url for url in LOCAL + PUBLIC if demo_of(tmp_path, PUBLIC_URL=url)] == list(LOCAL)
    assert demo_of(tmp_path, PUBLIC_URL=PUBLIC[0], EQUORA_DEMO="1")
    for word in ("0", "no", "FALSE", "off", ""):
        assert not demo_of(tmp_path, EQUORA_DEMO=word)
    with pytest.raises(ValueError, match="EQUORA_DEMO"):
        demo_of(tmp_path, EQUORA_DEMO="perhaps")


def test_a_demo_that_others_can_reach_is_warned_of_at_every_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = (replace(settings_for("sqlite://", tmp_path), public_url=url) for url in (LOCAL[0], PUBLIC[0]))
    create_app(here)
    assert not caplog.records
    create_app(there)
    assert "THE DEMO IS ON AT https://equora.example.org" in caplog.text
    caplog.clear()
    assert not any(rule.rule == "/outbox" for rule in create_app(replace(there, demo=False)).url_map.iter_rules())
    assert not caplog.records


def test_a_number_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="TRUSTED_PROXIES"):
        settings_from({"INSTANCE_PATH": str(tmp_path), "TRUSTED_PROXIES": "one"})


def test_the_host_of_the_public_url_is_allowed(tmp_path: Path) -> None:
    settings = settings_from({"INSTANCE_PATH": str(tmp_path), "PUBLIC_URL": "https://equora.example.org/"})
    assert "equora.example.org" in settings.allowed_hosts
    assert settings.https
