"""The file broker hands over whole messages, each once, and survives rubbish.

Each test has a queue name of its own: kombu remembers declared queues for the whole process.
"""

from pathlib import Path

import pytest
from kombu import Connection
from kombu.transport import TRANSPORT_ALIASES

import jobs.engine

assert TRANSPORT_ALIASES["filesystem"] == "jobs.transport:Transport", jobs.engine


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    for name in ("messages", "control"):
        (tmp_path / name).mkdir()
    options = {
        "data_folder_in": str(tmp_path / "messages"),
        "data_folder_out": str(tmp_path / "messages"),
        "control_folder": str(tmp_path / "control"),
    }
    return Connection("filesystem://localhost", transport_options=options)


def test_messages_come_in_order_and_once(connection: Connection) -> None:
    with connection.SimpleQueue("first") as queue:
        for n in range(20):
            queue.put({"n": n})
        got = []
        for _ in range(20):
            message = queue.get_nowait()
            got.append(message.payload["n"])
            message.ack()
        assert got == list(range(20))
        with pytest.raises(queue.Empty):
            queue.get_nowait()


def test_an_unreadable_message_is_put_away_and_the_next_one_served(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "messages" / "00_rubbish.second.msg").write_bytes(b"\xff{")
    (tmp_path / "messages" / "00_empty.second.msg").write_bytes(b"")
    with connection.SimpleQueue("second") as queue:
        queue.put({"n": 1})
        assert queue.get(timeout=5).payload == {"n": 1}
    assert len(list((tmp_path / "messages").glob("*.broken"))) == 2


def test_a_message_being_written_is_not_seen(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "messages" / "00_half.third.msg.part").write_bytes(b"{")
    with connection.SimpleQueue("third") as queue, pytest.raises(queue.Empty):
        queue.get_nowait()
