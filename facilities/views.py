"""Public pages of the catalogue."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("facilities", __name__)


@blueprint.route("/facilities", methods=["GET"])
def index(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})


@blueprint.route("/facilities/<slug>", methods=["GET"])
def show(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})
