"""The PostgreSQL that the tests start for themselves is real, private, and gone when the run is."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from tests import postgres

pytestmark = pytest.mark.postgres

EXCLUSION = """
    CREATE EXTENSION btree_gist;
    CREATE TABLE held (unit integer, span tstzrange, EXCLUDE USING gist (unit WITH =, span WITH &&));
    INSERT INTO held VALUES (1, '[2027-01-01 08:00Z,2027-01-01 10:00Z)'), (1, '[2027-01-01 10:00Z,2027-01-01 12:00Z)')
"""


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


@pytest.fixture(autouse=True)
def _server() -> None:
    if postgres.server_url() is None:
        pytest.skip(postgres.why_unavailable())


@pytest.fixture
def database() -> Iterator[str]:
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


def test_the_server_knows_exclusion_constraints_over_scalars_and_ranges(database: str) -> None:
    with _connect(database) as connection:
        connection.execute(EXCLUSION)
        with pytest.raises(psycopg.errors.ExclusionViolation):
            connection.execute("INSERT INTO held VALUES (1, '[2027-01-01 09:00Z,2027-01-01 09:30Z)')")


def test_sqlalchemy_connects_with_the_url_as_given(database: str) -> None:
    engine = create_engine(database)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT lower('È')")).scalar_one() == "è"
    engine.dispose()


def test_a_database_can_be_made_as_a_copy_of_another(database: str) -> None:
    with _connect(database) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    copy = postgres.create_database(template=database)
    with _connect(copy) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    postgres.drop_database(copy)


def test_a_dropped_database_is_gone_even_with_a_connection_open_and_dropping_it_twice_is_no_error() -> None:
    url = postgres.create_database()
    engine = create_engine(url)
    connection = engine.connect()
    postgres.drop_database(url)
    postgres.drop_database(url)
    connection.invalidate()
    connection.close()
    with pytest.raises(OperationalError, match="does not exist"):
        engine.connect()
    engine.dispose()


@pytest.mark.skipif("TEST_DATABASE_URL" in os.environ, reason="the server is not ours")
def test_a_server_of_our_own_ends_with_the_run_even_when_that_is_killed() -> None:
    script = "import sys; from tests import postgres; print(postgres.server_url(), flush=True); sys.stdin.read()"
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_TESTRUNUID"}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        url = make_url(run.stdout.readline().strip())
        data = Path(str(url.query["host"]))
        server = int((data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        guard = os.pidfd_open(int((data.parent / "guard").read_text(encoding="utf-8")))
        run.send_signal(signal.SIGKILL)
    select.select([guard], [], [], 30)
    os.close(guard)
    assert not data.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)
