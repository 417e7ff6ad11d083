"""What the system still has to do, for the cluster office."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from accounts.access import current_actor, signed_in
from booking.forms.ledger import ActForm
from booking.lifecycle import PlanState
from booking.policy import queue as policy
from booking.queries import queue as queries
from booking.services import queue
from core import clock
from core.db import db

blueprint = Blueprint("queue", __name__)
KINDS = {
    "mail": lazy_gettext("Mail"),
    "plan": lazy_gettext("Runs of the solver"),
    "waitlist": lazy_gettext("Waitlist"),
}


@dataclass(frozen=True)
class Line:
    """How many messages of one kind stand where; `waits_since` is when the oldest due one could have been done."""

    kind: str
    due: int
    later: int
    taken: int
    silent: int
    failed: int
    done: int
    waits_since: datetime | None


@blueprint.get("/queue")
@signed_in
def index() -> ResponseReturnValue:
    """Counts by kind, what was given up, runs of the solver."""
    policy.may_see_queue(current_actor()).or_refuse()
    now = clock.now()
    return render_template(
        "booking/queue/index.html",
        lines=[Line(*row) for row in db.session.execute(queries.counts(now))],
        failed=db.session.scalars(queries.failed()).all(),
        runs=db.session.execute(queries.runs()).all(),
        kinds=KINDS,
        running=PlanState.RUNNING,
        form=ActForm(),
    )


@blueprint.post("/queue/<uuid:message_id>/again")
@signed_in
def again(message_id: UUID) -> ResponseReturnValue:
    """Try once more."""
    queue.try_again(message_id, current_actor(), clock.now())
    flash(_("It will be tried again at once."))
    return redirect(url_for("queue.index"), 303)
