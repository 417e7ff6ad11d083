"""What all answers of the interface share: validators for caches, and how errors are described."""

from typing import Any, Final

from flask import Response, request
from flask.blueprints import BlueprintSetupState

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "status", "code", "title"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable, for programs."},
        "title": {"type": "string", "description": "For people, in their language."},
        "fields": {
            "type": "object",
            "description": "What is wrong with which parameter.",
            "additionalProperties": {"type": "string"},
        },
    },
}


def problem(description: str) -> dict[str, Any]:
    """An error as the OpenAPI document describes it."""
    return {"description": description, "content": {"application/problem+json": {"schema": PROBLEM}}}


RESPONSES: Final[dict[int | str, Any]] = {
    304: {"description": "What If-None-Match names is still true; there is no body."},
    400: problem("The request cannot be understood."),
    404: problem("There is no such thing."),
    422: problem("A parameter is unknown, repeated or has an impossible value; `fields` says which."),
}


def describe_errors(state: BlueprintSetupState) -> None:
    """Errors are described above; the framework's own descriptions are of another form."""
    state.app.config.update(AUTO_404_RESPONSE=False, AUTO_VALIDATION_ERROR_RESPONSE=False)


def conditional(response: Response) -> Response:
    """An entity tag of the content; 304 without a body for who knows it already (RFC 9110, section 13)."""
    if response.status_code == 200 and request.method in ("GET", "HEAD"):
        response.add_etag()
        response.vary.update(("Accept-Language", "Cookie"))
        response.make_conditional(request)
    return response
