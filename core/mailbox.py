"""The local outbox: mails of a demo installation, readable on a page instead of sent."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from core.db import db
from core.mail import Mail

PAGE = 50

blueprint = Blueprint("mailbox", __name__)


@blueprint.get("/outbox")
def index() -> ResponseReturnValue:
    """The latest mails, or those to one address."""
    wanted = request.args.get("to", "")
    latest = select(Mail).order_by(Mail.sent_at.desc(), Mail.key).limit(PAGE)
    if wanted:
        latest = latest.where(Mail.to == wanted)
    addresses = db.session.scalars(select(Mail.to).distinct().order_by(Mail.to)).all()
    return render_template("ui/mailbox.html", mails=db.session.scalars(latest).all(), to=wanted, addresses=addresses)
