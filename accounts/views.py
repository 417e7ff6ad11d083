"""Pages of login, invitations, passwords and organisations."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("accounts", __name__)


@blueprint.route("/login", methods=["GET", "POST"])
def login(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})


@blueprint.route("/logout", methods=["POST"])
def logout(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})


@blueprint.route("/account", methods=["GET"])
def account(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})


@blueprint.route("/organisations/<slug>", methods=["GET"])
def organisation(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})


@blueprint.route("/organisations", methods=["GET"])
def organisations(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})
