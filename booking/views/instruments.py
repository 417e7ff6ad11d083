"""An instrument with its live availability and, where it is instant, its booking form."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("instruments", __name__)


@blueprint.route("/facilities/<facility_slug>/<slug>", methods=['GET'])
def show(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})
