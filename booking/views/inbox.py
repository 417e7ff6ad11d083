"""The inbox of managers and their deputies: what waits for a decision, and what they should know of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.access import current_actor, signed_in
from booking.forms.approvals import DecisionForm, wanted_of
from booking.models import Booking, Trouble
from booking.policy import approvals as policy
from booking.policy import ledger as ledger_policy
from booking.queries import approvals as approval_queries
from booking.queries import inbox as queries
from booking.queries import ledger as ledger_queries
from booking.services import ledger
from booking.views.deciding import Line, lines_of
from booking.views.inbox_menu import facilities_managed, has_a_say, inbox_count
from booking.views.results import Told, told_of
from core import clock
from core.db import db
from core.errors import Conflict, Forbidden, NotFound, Refusal
from core.i18n import N_
from facilities.models import Facility

blueprint = Blueprint("inbox", __name__)
PAGE = 20
LISTED = 50
EXPIRES_WITHIN = timedelta(days=30)
LATELY = timedelta(days=7)


@dataclass(frozen=True)
class Lists:
    """What a manager should know of; each cut to the latest LISTED."""

    troubles: Sequence[Trouble]
    expiring: Sequence[Any]
    no_shows: Sequence[Booking]
    closed_out: Sequence[Booking]


@blueprint.app_context_processor
def _menu() -> dict[str, Any]:
    return {"inbox_count": inbox_count}


@blueprint.get("/inbox")
@signed_in
def index() -> ResponseReturnValue:
    """Everything that waits for the actor, by kind."""
    _check_has_one()
    return _page()


@blueprint.post("/inbox")
@signed_in
def decide() -> ResponseReturnValue:
    """The same decision on all ticked bookings, or on the one whose button was pressed; each by itself."""
    _check_has_one()
    form = DecisionForm()
    only = request.form.get("only", "")
    wanted = wanted_of([only] if only else request.form.getlist("booking"))
    if not wanted:
        return _page(form, hindrance=_("Please tick at least one booking.")), 422
    try:
        results = told_of(wanted, _decision(), current_actor(), clock.now(), form.reason.data or "")
    except Refusal as refusal:
        if not form.show(refusal):
            return _page(form, hindrance=_(refusal.message, **refusal.values)), refusal.status
        return _page(form, ticked=request.form.getlist("booking")), refusal.status
    return _page(DecisionForm(formdata=None), results=results)


@blueprint.route("/inbox/bookings/<uuid:booking_id>", methods=["GET", "POST"])
@signed_in
def booking(booking_id: UUID) -> ResponseReturnValue:
    """One booking that waits: everything about it, approve or refuse."""
    line, form = _line_of(booking_id), DecisionForm()
    if not form.is_submitted():
        return _booking_page(line, form)
    actor, now = current_actor(), clock.now()
    wanted = wanted_of([f"{booking_id}:{request.form.get('level', '')}"])
    try:
        results = told_of(wanted, _decision(), actor, now, form.reason.data or "")
    except Refusal as refusal:
        if not form.show(refusal):
            raise
        return _booking_page(_line_of(booking_id), form), refusal.status
    if results[0].refusal is not None:
        raise results[0].refusal
    flash(results[0].says)
    return redirect(url_for("inbox.index"), 303)


def _decision() -> ledger.Decision:
    sent = request.form.get("act", ledger.Decision.APPROVE.value)
    if sent not in set(ledger.Decision):
        raise Conflict(N_("Please say whether to approve or to refuse."), code="no_decision")
    return ledger.Decision(sent)


def _check_has_one() -> None:
    policy.may_read_inbox(current_actor(), has_a_say(current_actor())).or_refuse()


# --- pages ------------------------------------------------------------------------------------------------


def _page(
    form: DecisionForm | None = None,
    *,
    results: Sequence[Told] = (),
    ticked: Sequence[str] = (),
    hindrance: str = "",
) -> str:
    actor, now = current_actor(), clock.now()
    managed = facilities_managed(actor)
    facilities = db.session.scalars(queries.facilities_named(actor, managed, now)).all()
    at = next((one for one in facilities if one.slug == request.args.get("at")), None)
    page = request.args.get("page", 1, type=int)
    page = page if 1 <= page <= 1000 else 1
    statement = approval_queries.waiting_for(actor, now, at.id if at else None)
    rows = db.session.scalars(statement.offset((page - 1) * PAGE).limit(PAGE + 1)).unique().all()
    return render_template(
        "booking/inbox/index.html",
        facilities=facilities,
        at=at,
        lines=lines_of(rows[:PAGE], actor, now),
        page=page,
        has_more=len(rows) > PAGE,
        lists=_lists(managed, at, now),
        manages=actor.is_manager,
        form=form or DecisionForm(formdata=None),
        results=results,
        ticked=ticked,
        hindrance=hindrance,
        deputy_at=[one for one in facilities if actor.manages(one.id) and (one is at or one.id in actor.posts)],
        mine=db.session.execute(approval_queries.times_as_deputy(actor.person_id, now)).all(),
    )


def _lists(managed: list[UUID] | None, at: Facility | None, now: datetime) -> Lists:
    places: list[UUID] | None = managed
    if at is not None:
        places = [at.id] if managed is None or at.id in managed else []
    today = now.astimezone(ZoneInfo(at.timezone if at else "Europe/Rome")).date()
    expiring = queries.qualifications_that_expire(places, today, today + EXPIRES_WITHIN)
    return Lists(
        troubles=db.session.scalars(queries.troubles_reported(places).limit(LISTED)).all(),
        expiring=db.session.execute(expiring.limit(LISTED)).all(),
        no_shows=db.session.scalars(queries.no_shows(places, now - LATELY).limit(LISTED)).all(),
        closed_out=db.session.scalars(queries.closed_out(places, now - LATELY, now).limit(LISTED)).all(),
    )


def _line_of(booking_id: UUID) -> Line:
    """One booking that waits, if the actor takes part in the decision or may know that they do not."""
    actor, now = current_actor(), clock.now()
    row = db.session.scalars(approval_queries.waiting_booking(booking_id, now)).unique().one_or_none()
    if row is None:
        raise NotFound
    line = lines_of([row], actor, now)[0]
    if not line.may_refuse:
        ledger_policy.may_see(actor, ledger_queries.held(row)).or_refuse()
        raise Forbidden(line.why_not)
    return line


def _booking_page(line: Line, form: DecisionForm) -> str:
    return render_template("booking/inbox/booking.html", line=line, form=form)
