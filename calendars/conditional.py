"""How a feed is answered over HTTP: 200, 304 or 404, gzip, and the headers of each (RFC 9110, 9111)."""

import gzip
from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Response, request

HEADERS = {
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Vary": "Accept-Encoding",
}
SMALL = 512  # below that gzip saves nothing


def answer(etag: str, changed_at: datetime, now: datetime, body: Callable[[], bytes]) -> Response:
    """304 when the client has it already, else 200 with the body, which is made only then.

    Dates count whole seconds, so that a second change can follow in the same one. Until that second is over, the
    feed says that it changed a second earlier: who asks with that date later gets the second change (RFC 9110, 8.8.2).
    """
    response = Response(headers=HEADERS)
    response.set_etag(etag, weak=True)
    response.last_modified = min(changed_at, now - timedelta(seconds=1))
    if _is_known(etag, changed_at):
        response.status_code = 304
        return response
    response.headers["Content-Type"] = "text/calendar; charset=utf-8"
    response.headers["Content-Disposition"] = 'inline; filename="equora.ics"'
    _fill(response, body())
    return response


def no_such_feed() -> Response:
    """The one answer to every secret that opens nothing."""
    return Response("There is no such calendar.\n", 404, headers=HEADERS, mimetype="text/plain")


def _is_known(etag: str, changed_at: datetime) -> bool:
    """If-None-Match decides alone where it is sent (RFC 9110, 13.2.2); its tags are compared weakly."""
    if "If-None-Match" in request.headers:
        return request.if_none_match.contains_weak(etag)
    since = request.if_modified_since
    return since is not None and changed_at <= since


def _fill(response: Response, body: bytes) -> None:
    if len(body) > SMALL and request.accept_encodings.quality("gzip") > 0:
        response.headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=6, mtime=0)
    response.set_data(body)
