"""A member's requests."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("requests", __name__)


@blueprint.route("/requests", methods=['GET'])
def mine(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})


@blueprint.route("/requests/<uuid:request_id>", methods=['GET'])
def show(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})
