"""A real mail server on loopback that can be made to keep its client waiting."""

import asyncio
import socket
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Event
from types import TracebackType

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Sink:
    """Receives mails; `received` holds (recipient, message)."""

    def __init__(self) -> None:
        self.received: list[tuple[str, EmailMessage]] = []
        self.waiting = 0
        self._open = Event()
        self._open.set()
        self._port = _free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take one mail, when the door is open."""
        self.waiting += 1
        while not self._open.is_set():
            await asyncio.sleep(0.02)
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received.extend((to, message) for to in envelope.rcpt_tos)
        return "250 OK"

    def hold(self) -> None:
        """Keep every client waiting from now on."""
        self._open.clear()

    def release(self) -> None:
        """Let them through."""
        self._open.set()

    @property
    def url(self) -> str:
        """As SMTP_URL wants it."""
        return f"smtp://127.0.0.1:{self._port}"

    def __enter__(self) -> "Sink":
        self._controller.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.release()
        self._controller.stop()
