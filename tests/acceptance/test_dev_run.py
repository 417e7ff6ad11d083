"""A person clones, types `./dev run`, looks around, presses Ctrl-C: everything works, and nothing is left behind."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).parents[2]
PATIENCE = 300


@dataclass(frozen=True)
class Running:
    """`./dev run` after it said that it is ready."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    url: str
    said: str

    def children(self) -> dict[str, int]:
        """Process ids of the web server and the worker, each the leader of a process group."""
        tasks = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        numbers = [int(number) for number in tasks.read_text(encoding="ascii").split()]
        return {self._name(number): number for number in numbers}

    @staticmethod
    def _name(number: int) -> str:
        return "web server" if b"gunicorn" in Path(f"/proc/{number}/cmdline").read_bytes() else "worker"

    def end(self) -> tuple[int, str]:
        """Wait for its end; give its exit status and last words."""
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        return self.process.wait(PATIENCE), rest


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = os.environ | {"PORT": str(port), "INSTANCE_PATH": str(tmp_path / "instance")}
    with subprocess.Popen(
        [sys.executable, ROOT / "dev", "run"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "Equora is ready:" in line:
                break
        try:
            assert "Equora is ready:" in said, said
            yield Running(process, environment, f"http://127.0.0.1:{port}", said)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)


def _alive(groups: Iterable[int]) -> list[int]:
    """The process groups that still have a member."""
    alive = []
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, 0)
            alive.append(group)
    return alive


def test_it_serves_shows_the_accounts_and_ctrl_c_leaves_nothing_behind(running: Running) -> None:
    with urllib.request.urlopen(f"{running.url}/healthz") as answer:  # noqa: S310 - our own address
        assert answer.status == 200
    assert "password" in running.said.lower()

    demo = subprocess.run(
        [sys.executable, ROOT / "dev", "demo"], env=running.environment, capture_output=True, text=True, check=True
    )
    told = json.loads(demo.stdout)
    assert running.url in demo.stdout
    assert {"member", "manager"} <= {account["role"] for account in told["accounts"]}

    children = running.children()
    assert set(children) == {"web server", "worker"}
    running.process.send_signal(signal.SIGINT)
    status, last_words = running.end()
    assert (status, last_words.strip().splitlines()[-1]) == (0, "Stopped.")
    assert _alive(children.values()) == []


@pytest.mark.parametrize("victim", ["web server", "worker"])
def test_when_one_half_dies_the_other_is_stopped_and_its_name_is_said(running: Running, victim: str) -> None:
    children = running.children()
    os.kill(children[victim], signal.SIGKILL)
    status, last_words = running.end()
    assert status == 1
    assert f"The {victim} ended by itself with status -9" in last_words
    assert _alive(children.values()) == []
