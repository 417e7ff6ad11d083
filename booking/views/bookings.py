"""My bookings, one booking, approvals."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("bookings", __name__)


@blueprint.route("/bookings", methods=['GET'])
def mine(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})


@blueprint.route("/bookings/<uuid:booking_id>", methods=['GET'])
def show(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})
