"""The web server is killed -9 under load: whatever it had acknowledged is there when it is back."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from booking.models import Booking
from core import clock
from core.config import ROOT
from core.db import db
from tests.factories import a_facility, a_member, an_instrument, an_organisation
from tests.support import Browser, browser, on_both_databases

CLIENTS, ENOUGH = 6, 12
PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def a_server(app: Flask, database_url: str, instance: Path, port: int) -> subprocess.Popen[bytes]:
    assert app.secret_key is not None
    return subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "app:create_app()"],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": database_url,
            "INSTANCE_PATH": str(instance),
            "PUBLIC_URL": "http://localhost",
            "SECRET_KEY": str(app.secret_key),
            "PORT": str(port),
            "WEB_WORKERS": "2",
        },
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": "localhost"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def wait_until_ready(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while not is_ready(port):
        assert time.monotonic() < end, "the server does not answer"
        time.sleep(0.05)


class Client(threading.Thread):
    """Books an hour on one day after the other until the server is gone; notes what was acknowledged."""

    def __init__(self, port: int, person: Browser, path: str, organisation_id: UUID) -> None:
        super().__init__()
        self.port, self.person, self.path, self.organisation_id = port, person, path, organisation_id
        self.acknowledged: list[UUID] = []
        self.refused: list[tuple[int, bytes]] = []

    def run(self) -> None:
        cookie = self.person.get_cookie("equora", domain="localhost")
        assert cookie is not None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        first = clock.now().date() + timedelta(days=2)
        try:
            for turn in range(300):
                day = str(first + timedelta(days=turn // 8))
                hour = 8 + turn % 8
                fields = {
                    "csrf_token": self.person.csrf,
                    "organisation_id": str(self.organisation_id),
                    "title": "Under load",
                    "day": day,
                    "end_day": day,
                    "start": f"{hour:02}:00",
                    "end": f"{hour + 1:02}:00",
                    "key": f"{self.path} {turn}",
                }
                headers = {
                    "Host": "localhost",
                    "Cookie": f"{cookie.key}={cookie.value}",
                    "Content-Type": "application/x-www-form-urlencoded",
                }
                connection.request("POST", self.path, urlencode(fields), headers)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status == 303:
                    self.acknowledged.append(UUID(answer.headers["Location"].rpartition("/")[2]))
                else:
                    self.refused.append((answer.status, body))
        except (OSError, http.client.HTTPException):
            return  # killed


@on_both_databases
def test_bookings_acknowledged_before_a_kill_are_there_afterwards(
    app: Flask, context: Flask, database_url: str, tmp_path: Path
) -> None:
    organisation, facility, port = an_organisation(), a_facility(slug="lab"), free_port()
    scopes = [an_instrument(facility, slug=f"scope-{n}") for n in range(CLIENTS)]
    clients = [
        Client(port, browser(app, a_member(organisation).id), f"/facilities/lab/{scope.slug}", organisation.id)
        for scope in scopes
    ]
    db.session.remove()
    server = a_server(app, database_url, tmp_path, port)
    try:
        wait_until_ready(port)
        for client in clients:
            client.start()
        end = time.monotonic() + PATIENCE
        while sum(len(client.acknowledged) for client in clients) < ENOUGH:
            assert time.monotonic() < end, [client.refused[:1] for client in clients]
            time.sleep(0.01)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    for client in clients:
        client.join(PATIENCE)
    again = a_server(app, database_url, tmp_path, port)
    try:
        wait_until_ready(port)
        stored = set(db.session.scalars(select(Booking.id)))
        acknowledged = {booking for client in clients for booking in client.acknowledged}
        assert len(acknowledged) >= ENOUGH
        assert acknowledged <= stored
        assert [client.refused for client in clients] == [[]] * CLIENTS
    finally:
        os.killpg(again.pid, signal.SIGTERM)
        again.wait(20)
