"""The edge that all pages share: language, security headers, error pages, health, template helpers."""

import hashlib
import logging
import re
import secrets
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    g,
    has_request_context,
    jsonify,
    make_response,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import Babel, get_locale, gettext
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from markupsafe import Markup
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from core import clock, formats
from core.config import ROOT, Settings
from core.db import db
from core.errors import Busy, Refusal
from core.i18n import DEFAULT_LANGUAGE, FEATURES, LANGUAGES, Spoken, either
from core.sessions import DatabaseSessions

LANGUAGE_COOKIE = "lang"
LARGEST_BODY = 2 * 1024 * 1024
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # Bootstrap's own icons are data URIs in its style sheet
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

logger = logging.getLogger("equora")
csrf = CSRFProtect()
babel = Babel()
health = Blueprint("health", __name__)


def init_app(app: Flask, settings: Settings) -> None:
    """Give the application everything in this module."""
    app.session_interface = DatabaseSessions()
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="__Host-equora" if settings.https else "equora",
        SESSION_COOKIE_SECURE=settings.https,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_PARTS=5000,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY,
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_TRANSLATION_DIRECTORIES=";".join([str(ROOT / "translations")] * len(FEATURES)),
        BABEL_DOMAIN=";".join(FEATURES),
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,
    )
    babel.init_app(app, locale_selector=language)
    Spoken.reader = staticmethod(lambda: current_language() if has_request_context() else "en")
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.before_request(partial(_only_known_hosts, frozenset(settings.allowed_hosts)))
    app.before_request(_only_from_here)
    app.before_request(_no_control_characters)
    csrf.init_app(app)
    app.before_request(_session_was_read)
    app.after_request(_headers)
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(Exception, _bug)
    app.register_blueprint(health)
    _template_helpers(app, settings)


# --- language ---------------------------------------------------------------------------------------------


def language() -> str:
    """The reader's language: chosen now, chosen before, their account's, their browser's, Italian."""
    for wish in (request.args.get("lang"), request.cookies.get(LANGUAGE_COOKIE), g.get("preferred_language")):
        if wish in LANGUAGES:
            return str(wish)
    return request.accept_languages.best_match(LANGUAGES) or DEFAULT_LANGUAGE


def current_language() -> str:
    """The language of this request's page: 'it' or 'en'."""
    locale = get_locale()
    return locale.language if locale else DEFAULT_LANGUAGE


def remember_language(response: Response, chosen: str) -> None:
    """Let this browser read in the chosen language from now on."""
    response.set_cookie(
        LANGUAGE_COOKIE, chosen, max_age=31_536_000, samesite="Lax", httponly=True, secure=request.is_secure
    )


# --- before and after each request ------------------------------------------------------------------------


def _only_known_hosts(allowed: frozenset[str]) -> None:
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    if host not in allowed:
        abort(400, description="unknown host")


def _only_from_here() -> None:
    """A browser says where a request comes from; forms are accepted from our own pages only."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        abort(403)


def _no_control_characters() -> None:
    """NUL bytes, other control characters and lone surrogates have no business in any input."""
    if _CONTROL.search(request.path):
        abort(400)
    for values in (request.args, request.form):
        for name, value in values.items(multi=True):
            if _CONTROL.search(name or "\0") or _CONTROL.search(value):  # a part of a form may lack its name
                abort(400)


def _session_was_read() -> None:
    lost = getattr(session, "lost", None)
    if lost is not None:
        raise lost


def _headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
    if "Cache-Control" not in headers and request.endpoint != "static":
        headers["Cache-Control"] = "private, no-store" if session else "private, no-cache"
    chosen = request.args.get("lang")
    if chosen in LANGUAGES and request.method == "GET" and response.mimetype == "text/html":
        remember_language(response, chosen)
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


# --- errors -----------------------------------------------------------------------------------------------


def refused(refusal: Refusal) -> ResponseReturnValue:
    """A refusal as a page, or as a problem document (RFC 9457) for programs."""
    message = gettext(refusal.message, **refusal.values)
    fields = {name: gettext(sentence, **refusal.values) for name, sentence in refusal.fields.items()}
    response = make_response(_answer(refusal.status, refusal.code, message, fields))
    if refusal.retry_after:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or (error.code or 500) < 400:
        return error
    status = error.code or 500
    cause = getattr(error, "original_exception", None)  # what went wrong before or after the view
    if cause is not None:
        return _unforeseen(cause)
    if isinstance(error, CSRFError):
        return _answer(400, "csrf", gettext("This form is too old. Please load the page again and send it once more."))
    answer = make_response(_answer(status, f"http_{status}", _sentence(status)))
    if status == 405 and getattr(error, "valid_methods", None):
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined]
    return answer


def _unforeseen(error: Exception) -> ResponseReturnValue:
    if isinstance(error, Refusal):
        return refused(error)
    return _database_away(error) if isinstance(error, OperationalError) else _bug(error)


def _database_away(error: OperationalError) -> ResponseReturnValue:
    """The database is locked, full, restarting or gone: trying again helps. Wrong SQL is still a bug of ours."""
    if getattr(error.orig, "sqlite_errorname", "") == "SQLITE_ERROR":
        return _bug(error)
    logger.error("the database does not answer", exc_info=error)
    db.session.rollback()
    return refused(Busy())


def _bug(error: Exception) -> ResponseReturnValue:
    code = secrets.token_hex(4)
    logger.error("unexpected error %s", code, exc_info=error)
    return _answer(500, "bug", gettext("Something went wrong on our side. It is in the log under %(code)s.", code=code))


def _sentence(status: int) -> str:
    sentences: dict[int, str] = {
        400: gettext("This request could not be understood."),
        403: gettext("You are not allowed to do this."),
        404: gettext("There is no such page, or you may not see it."),
        405: gettext("This page does not take that kind of request."),
        413: gettext("That is too large."),
        429: gettext("Too many tries. Please wait a while."),
    }
    return str(sentences.get(status, gettext("This request could not be answered.")))


def _answer(status: int, code: str, message: str, fields: dict[str, str] | None = None) -> ResponseReturnValue:
    if request.path.startswith("/api/"):
        body: dict[str, Any] = {"type": "about:blank", "status": status, "code": code, "title": message}
        if fields:
            body["fields"] = fields
        response = jsonify(body)
        response.mimetype = "application/problem+json"
    else:
        page = render_template("errors/refusal.html", status=status, message=message, fields=fields or {})
        response = make_response(page)
    response.status_code = status
    return response


# --- health -----------------------------------------------------------------------------------------------


@health.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return jsonify(status="ok")


@health.get("/readyz")
def readyz() -> ResponseReturnValue:
    """The database answers too."""
    db.session.execute(text("SELECT 1"))
    return jsonify(status="ok", at=clock.now().isoformat())


# --- templates --------------------------------------------------------------------------------------------


@cache
def _fingerprint(path: Path, _modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def asset(filename: str) -> str:
    """The URL of a static file with a fingerprint, so that browsers may keep it for ever."""
    path = ROOT / "static" / filename
    return url_for("static", filename=filename, v=_fingerprint(path, path.stat().st_mtime_ns))


def other_language_url(lang: str) -> str:
    """This page in another language; built by hand, for url_for would obey names such as _scheme in the query."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return "/" + quote(request.path.lstrip("/")) + "?" + urlencode([*kept, ("lang", lang)])


def _template_helpers(app: Flask, settings: Settings) -> None:
    def in_language(function: Callable[..., str]) -> Callable[..., str]:
        return lambda *args: function(*args, current_language())

    def csrf_field() -> Markup:
        return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())

    app.jinja_env.filters.update(
        moment=in_language(formats.moment),
        day=in_language(formats.day),
        short_date=in_language(formats.short_date),
        short_day=in_language(formats.short_day),
        clock_time=in_language(formats.clock_time),
        end_time=in_language(formats.end_time),
        local_date=formats.local_date,
        weekday_short=in_language(formats.weekday_short),
        month_short=in_language(formats.month_short),
        hours=in_language(formats.hours),
        percent=in_language(formats.percent),
        number=lambda value, digits=1: formats.number(value, current_language(), digits),
    )
    app.jinja_env.globals.update(
        span=lambda start, end, zone: formats.span(start, end, zone, current_language()),
        either=lambda italian, english: either(current_language(), italian, english),
        language=current_language,
        languages=LANGUAGES,
        other_language_url=other_language_url,
        asset=asset,
        csrf_field=csrf_field,
        is_demo=settings.demo,
        now=clock.now,
        new_key=lambda: secrets.token_urlsafe(16),
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
