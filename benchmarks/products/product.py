"""What a product must offer to be measured, and a browser without a window that talks to its server."""

import http.client
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.products.data import Workload


@dataclass(frozen=True)
class Call:
    """One request: with `fields` it posts them as a form.

    Success is a status out of `expect` and, if `is_empty`, no body: a product may say its refusals with status 200.
    """

    path: str
    fields: dict[str, str] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    expect: tuple[int, ...] = (200,)
    is_empty: bool = False


class Visitor:
    """One kept connection with its cookies."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookies: dict[str, str] = {}

    def send(self, call: Call) -> tuple[int, bytes, http.client.HTTPMessage]:
        """Status, body and headers; RuntimeError when the status is not an expected one."""
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), **call.headers}
        body = None
        if call.fields is not None:
            body = urlencode(call.fields)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        method = "GET" if body is None else "POST"
        try:
            self._connection.request(method, call.path, body, headers)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError):  # an idle connection that the server has closed
            self._connection.close()
            self._connection.request(method, call.path, body, headers)
            answer = self._connection.getresponse()
        content = answer.read()
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        if answer.status not in call.expect or (call.is_empty and content):
            raise RuntimeError(f"{call.path}: {answer.status} {content[:300]!r}")
        return answer.status, content, answer.headers


class Product(ABC):
    """A product with its server. The names in `calls` are the rows of the comparison."""

    name: str

    @abstractmethod
    def prepare(self, folder: Path, work: Workload) -> None:
        """Install into `folder` and store the bookings."""

    @abstractmethod
    def command(self, port: int, workers: int) -> tuple[list[str], dict[str, str], Path]:
        """The server's command, what it adds to the environment, and its folder."""

    @abstractmethod
    def sign_in(self, visitor: Visitor) -> None:
        """Become one of the people."""

    @abstractmethod
    def calls(self, visitor: Visitor, work: Workload) -> dict[str, Call]:
        """What is asked again and again, by name."""

    @abstractmethod
    def create(self, visitor: Visitor, work: Workload, n: int) -> Call:
        """The n-th booking that is made."""

    @abstractmethod
    def statements(self, call: Call) -> int | None:
        """How many statements an answer sends to the database; None when it is not known."""
