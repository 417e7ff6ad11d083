"""NEMO (NIST), installed from the package registry into an environment of its own, on the same bookings."""

import json
import os
import re
import subprocess
import venv
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from benchmarks.products.data import INSTRUMENTS, PEOPLE, Workload
from benchmarks.products.product import Call, Product, Visitor

VERSION = "8.1.5"
SITE = Path(__file__).parent / "nemo_site"
TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')


class Nemo(Product):
    """`environment` is kept between runs; its site's settings are those of NEMO's own splash pad without debugging."""

    name = f"NEMO {VERSION}"

    def __init__(self, environment: Path) -> None:
        self.environment = environment
        self.folder = Path()

    @property
    def python(self) -> str:
        """The interpreter of its environment."""
        return str(self.environment / "bin" / "python")

    def _variables(self) -> dict[str, str]:
        return {"BENCH_FOLDER": str(self.folder), "DJANGO_SETTINGS_MODULE": "bench_settings", "PYTHONPATH": str(SITE)}

    def prepare(self, folder: Path, work: Workload) -> None:
        """Install, migrate, fill."""
        self.folder = folder
        if not Path(self.python).exists():
            venv.create(self.environment, with_pip=True)
            self._run("-m", "pip", "install", "-q", f"NEMO=={VERSION}", "gunicorn")
        slots = [asdict(slot) | {"start": slot.start.isoformat(), "end": slot.end.isoformat()} for slot in work.slots]
        data = {"instruments": INSTRUMENTS, "people": PEOPLE, "slots": slots}
        (folder / "work.json").write_text(json.dumps(data), encoding="utf-8")
        self._run("-m", "bench_fill")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.python, *arguments],
            env={**os.environ, **self._variables()},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout

    def command(self, port: int, workers: int) -> tuple[list[str], dict[str, str], Path]:
        """Gunicorn as we run our own: workers, four threads each, loaded once."""
        options = ["--workers", str(workers), "--threads", "4", "--preload", "--bind", f"127.0.0.1:{port}"]
        return [self.python, "-m", "gunicorn", *options, "NEMO.wsgi:application"], self._variables(), self.folder

    def sign_in(self, visitor: Visitor) -> None:
        """Its authentication trusts a header of the web server in front; each request carries it."""
        visitor.send(Call("/", headers=self._who(), expect=(200, 302)))

    @staticmethod
    def _who() -> dict[str, str]:
        return {"Remote-User": "person0"}

    def calls(self, visitor: Visitor, work: Workload) -> dict[str, Call]:
        """What its calendar page asks for, and its landing page, which lists one's own reservations."""
        week = f"event_type=reservations&start={work.week}&end={work.until}"
        return {
            "one": Call(f"/event_feed/?{week}&item_type=tool&item_id=1", headers=self._who()),
            "all": Call(f"/event_feed/?{week}&all_tools=true", headers=self._who()),
            "mine": Call("/", headers=self._who()),
            "catalogue": Call("/calendar/", headers=self._who()),
        }

    def create(self, visitor: Visitor, work: Workload, n: int) -> Call:
        """What its calendar page posts when somebody drags a stretch."""
        start = work.free_from + timedelta(days=n // INSTRUMENTS // 8, hours=n // INSTRUMENTS % 8)
        fields = {
            "start": str(int(start.timestamp())),
            "end": str(int((start + timedelta(minutes=45)).timestamp())),
            "item_type": "tool",
            "item_id": str(n % INSTRUMENTS + 1),
        }
        if "csrftoken" not in visitor.cookies:
            visitor.send(Call("/calendar/", headers=self._who()))
        token = visitor.cookies.get("csrftoken", "")
        headers = {**self._who(), "X-CSRFToken": token}
        return Call("/create_reservation/", fields, headers=headers, expect=(200, 201), is_empty=True)

    def statements(self, call: Call) -> int | None:
        """Counted by Django itself."""
        return int(self._run("-m", "bench_count", call.path).strip().splitlines()[-1])
