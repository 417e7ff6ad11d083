"""Commands of the worker."""

from typing import Any


def init_app(app: Any) -> None:
    """Stub."""
