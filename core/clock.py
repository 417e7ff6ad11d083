"""The only clock of the product."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_frozen: ContextVar[datetime | None] = ContextVar("frozen_clock", default=None)


def now() -> datetime:
    """The present instant, aware and in UTC, cut to whole seconds (what a calendar can say)."""
    return _frozen.get() or datetime.now(UTC).replace(microsecond=0)


@contextmanager
def frozen_at(instant: datetime) -> Iterator[None]:
    """Make `now()` answer `instant` in this context; for tests and for imports that replay dated acts."""
    token = _frozen.set(instant.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)
