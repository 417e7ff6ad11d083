"""Subscriptions and feeds."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("calendars", __name__)


@blueprint.route("/calendars", methods=["GET"])
def index(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})
