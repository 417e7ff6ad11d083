"""Who is asking in this request: the bridge from the web session to an Actor."""

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError

from accounts.devices import describe
from accounts.policy import VISITOR, Actor
from accounts.queries import actor_of
from core.db import db
from core.sessions import ServerSession

P = ParamSpec("P")
MEMBER_IDLE_SECONDS = 8 * 3600
MANAGER_IDLE_SECONDS = 30 * 60
_PLAIN_PATH = re.compile(r"/[^\\\x00-\x20\x7f]*")


def init_app(app: Flask) -> None:
    """Let every request know its actor, and every template too."""
    app.before_request(_know_person)
    app.context_processor(lambda: {"actor": _actor_for_page()})


def current_actor() -> Actor:
    """Who asks, with the rights of this moment; read once per request."""
    if "actor" not in g:
        known = session.get("_user_id") if session else None
        g.actor = actor_of(db.session(), UUID(known) if known else None)
    actor: Actor = g.actor
    return actor


def _actor_for_page() -> Actor:
    """The same; a page that says that the database is away is shown as to a visitor."""
    try:
        return current_actor()
    except DBAPIError:
        db.session.rollback()
        return VISITOR


def _know_person() -> None:
    """An account that was closed loses its session; a new post shortens the time it may lie idle."""
    if not session.get("_user_id"):
        return
    actor = current_actor()
    if not actor.is_signed_in:
        session.clear()
        return
    g.preferred_language = actor.language
    if session.get("_idle_seconds") != _idle_seconds(actor):
        session["_idle_seconds"] = _idle_seconds(actor)


def _idle_seconds(actor: Actor) -> int:
    return MANAGER_IDLE_SECONDS if actor.is_manager else MEMBER_IDLE_SECONDS


def _server_session() -> ServerSession:
    own = session._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - the way to a proxy's object
    assert isinstance(own, ServerSession)  # noqa: S101 - core.sessions makes no others
    return own


def session_key_hash() -> str:
    """What the row of the present session is found by."""
    return _server_session().key_hash


def begin_session(person_id: UUID) -> Actor:
    """Sign the person in under a new session key; managers and office idle out sooner (TRUST.md)."""
    actor = actor_of(db.session(), person_id)
    own = _server_session()
    own.clear()
    own.renew()
    own["_user_id"] = str(person_id)
    own["_idle_seconds"] = _idle_seconds(actor)
    own["_agent"] = describe(request.user_agent.string)
    g.actor = actor
    return actor


def end_session() -> None:
    """Sign out: the row is deleted when the response leaves."""
    own = _server_session()
    own.clear()
    own.renew()
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
    if not wanted or wanted.startswith("//") or not _PLAIN_PATH.fullmatch(wanted):
        return None
    parts = urlsplit(wanted)
    return wanted if not parts.scheme and not parts.netloc else None
