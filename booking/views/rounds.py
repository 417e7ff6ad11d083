"""Rounds: public calls, the manager's inbox, plans."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("rounds", __name__)


@blueprint.route("/rounds", methods=['GET'])
def index(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})


@blueprint.route("/rounds/<slug>", methods=['GET'])
def show(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})
