"""Celery, bound to the application."""

from typing import Any

from core.config import Settings


def init_app(app: Any, settings: Settings) -> None:
    """Stub."""
