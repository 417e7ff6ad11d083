"""The first page: the network for visitors, what is next for people."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("home", __name__)


@blueprint.route("/", methods=['GET'])
def index(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})
