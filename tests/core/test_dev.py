"""`./dev` says in plain words what is wrong, and keeps standard output for what was asked for."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def dev(*arguments: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call ./dev from some folder."""
    return subprocess.run(
        [sys.executable, ROOT / "dev", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("word", ["help", "-h", "--help"])
def test_help_names_every_command(word: str, tmp_path: Path) -> None:
    result = dev(word, folder=tmp_path)
    assert result.returncode == 0
    for command in ("run", "demo", "test", "check", "bench", "i18n", "lock"):
        assert f"\n  {command} " in result.stdout


@pytest.mark.parametrize("words", [["dance"], ["run", "quickly"], ["check", "--fast"]])
def test_what_it_does_not_know_it_refuses_and_shows_its_help(words: list[str]) -> None:
    result = dev(*words)
    assert result.returncode == 2
    assert result.stdout == ""
    assert f"does not know `{' '.join(words)}`" in result.stderr
    assert "./dev COMMAND" in result.stderr


@pytest.mark.parametrize("port", ["", "0", "65536", "80x", "-1", "٥٠٠٠", "5000 "])
def test_a_port_that_makes_no_sense_is_named(port: str) -> None:
    result = dev("run", PORT=port)
    assert result.returncode == 1
    assert f"PORT must be a number from 1 to 65535, not {port!r}." in result.stderr


def test_a_port_that_is_taken_is_named_together_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = dev("run", PORT=str(port))
    assert result.returncode == 1
    assert f"Port {port} is taken by another program. Choose another:  PORT=5000 ./dev run" in result.stderr


def test_a_python_without_venv_hears_which_package_to_install(tmp_path: Path) -> None:
    (tmp_path / "dev").write_bytes((ROOT / "dev").read_bytes())
    (tmp_path / "requirements.lock").touch()
    without_ensurepip = (
        "import importlib.util, runpy, sys; find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'ensurepip' else find(name)\n"
        "sys.argv = ['dev', 'demo']; runpy.run_path('dev', run_name='__main__')"
    )
    result = subprocess.run(
        [sys.executable, "-c", without_ensurepip], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "sudo apt install python3-venv" in result.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_package_index_that_does_not_answer_is_reported_with_pips_own_words(tmp_path: Path) -> None:
    (tmp_path / "dev").write_bytes((ROOT / "dev").read_bytes())
    (tmp_path / "requirements.lock").write_text(f"equora-no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    result = subprocess.run(
        [sys.executable, tmp_path / "dev", "demo"],
        env=os.environ | {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert "pip: ERROR: No matching distribution found for equora-no-such-package==1.0" in result.stderr
    assert "Is the network up?" in result.stderr
