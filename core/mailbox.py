"""The local outbox: mails of an installation without a mail server, readable on a page."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

blueprint = Blueprint("mailbox", __name__)


@blueprint.route("/outbox", methods=['GET'])
def index(**_args: str) -> ResponseReturnValue:
    """Stub."""
    return render_template("errors/refusal.html", status=501, message="stub", fields={})
