"""Commands of the demo round."""

from typing import Any


def init_app(app: Any) -> None:
    """Stub."""
