"""Who is asking in this request: the bridge from the web session to an Actor."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from accounts.policy import Actor
from accounts.queries import actor_of
from core.db import db
from core.sessions import ServerSession

P = ParamSpec("P")
MEMBER_IDLE_SECONDS = 8 * 3600
MANAGER_IDLE_SECONDS = 30 * 60


def init_app(app: Flask) -> None:
    """Let every request know its actor, and every template too."""
    app.before_request(_know_language)
    app.context_processor(lambda: {"actor": current_actor()})


def current_actor() -> Actor:
    """Who asks, with the rights of this moment; read once per request."""
    if "actor" not in g:
        known = session.get("_user_id")
        g.actor = actor_of(db.session(), UUID(known) if known else None)
    actor: Actor = g.actor
    return actor


def _know_language() -> None:
    if session.get("_user_id"):
        g.preferred_language = current_actor().language


def begin_session(actor: Actor) -> None:
    """Sign the person in under a new session key; managers and office idle out sooner (TRUST.md)."""
    assert isinstance(session._get_current_object(), ServerSession)  # type: ignore[attr-defined]  # noqa: S101, SLF001
    session.clear()
    session.renew()  # type: ignore[attr-defined]
    session["_user_id"] = str(actor.person_id)
    session["_idle_seconds"] = MANAGER_IDLE_SECONDS if actor.is_manager else MEMBER_IDLE_SECONDS
    g.actor = actor


def end_session() -> None:
    """Sign out: the row is deleted when the response leaves."""
    session.clear()
    g.pop("actor", None)


def signed_in(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """A page for people with an account; visitors are led to the login page and back."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if current_actor().is_signed_in:
            return view(*args, **kwargs)
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("accounts.login", next=wanted), 303)

    return guarded


def own_path(wanted: str | None) -> str | None:
    """The wanted place if it is a plain path of this site, else None (no open redirect)."""
    if not wanted or not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted:
        return None
    parts = urlsplit(wanted)
    return wanted if not parts.scheme and not parts.netloc else None
