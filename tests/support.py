"""What tests need to act as a browser of a signed-in person, with every guard switched on."""

import secrets
from contextvars import copy_context
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.globals import _cv_app
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from core import clock
from core.db import transaction
from core.session_rows import StoredSession
from core.tokens import hashed

on_both_databases = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


class Browser(FlaskClient):
    """A client whose requests never see an application context that the test itself has open."""

    csrf = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send one request."""
        context = copy_context()
        context.run(_cv_app.set, None)  # type: ignore[arg-type]
        return context.run(super().open, *args, **kwargs)

    def post_form(self, url: str, data: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        """Send a form as our own pages would, CSRF token included."""
        return self.post(url, data={**(data or {}), "csrf_token": self.csrf}, **kwargs)


def browser(app: Flask, person_id: UUID | None = None, **session: Any) -> Browser:
    """A browser; signed in as `person_id` when given, by a session row as login itself makes it."""
    app.test_client_class = Browser
    client = app.test_client()
    assert isinstance(client, Browser)
    key, raw = secrets.token_urlsafe(32), secrets.token_hex(20)
    data: dict[str, Any] = {"csrf_token": raw, **session}
    if person_id is not None:
        data["_user_id"] = str(person_id)
    now = clock.now()
    with app.app_context(), transaction() as tx:
        tx.session.add(
            StoredSession(
                key_hash=hashed(key),
                data=data,
                person_id=data.get("_user_id"),
                created_at=now,
                seen_at=now,
                expires_at=now + timedelta(hours=1),
            )
        )
    client.set_cookie(app.config["SESSION_COOKIE_NAME"], key, domain="localhost")
    assert app.secret_key is not None
    client.csrf = URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps(raw)
    return client
