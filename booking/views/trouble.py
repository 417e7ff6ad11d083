"""Trouble at an instrument: a member's report, the managers' list, a report with its answer."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.access import current_actor, signed_in
from accounts.policy import Actor, No
from booking.forms.use import AnswerForm, TroubleForm
from booking.models import Booking, Trouble, TroubleState
from booking.policy import use as policy
from booking.queries import ledger
from booking.queries import trouble as queries
from booking.services import trouble
from booking.views.inbox_menu import facilities_managed
from core import clock
from core.db import db
from core.errors import NotFound, Refusal

blueprint = Blueprint("troubles", __name__)
LISTED = 200


@blueprint.get("/bookings/<uuid:booking_id>/trouble")
@signed_in
def new(booking_id: UUID) -> ResponseReturnValue:
    """The form for a report."""
    return _form_page(_reportable(booking_id), TroubleForm(formdata=None))


@blueprint.post("/bookings/<uuid:booking_id>/trouble")
@signed_in
def report(booking_id: UUID) -> ResponseReturnValue:
    """Report; a refusal is shown beside its field."""
    row, form = _reportable(booking_id), TroubleForm()
    if not form.validate():
        return _form_page(row, form), 422
    lost, key = form.lost_minutes.data or 0, form.key.data or ""
    try:
        made = trouble.report(booking_id, form.text.data or "", lost, current_actor(), clock.now(), key)
    except Refusal as refusal:
        if not form.show(refusal):
            raise
        return _form_page(_reportable(booking_id), form), refusal.status
    flash(_("Reported. The facility’s managers are told by mail and will answer."))
    return redirect(url_for("troubles.show", trouble_id=made), 303)


@blueprint.get("/troubles")
@signed_in
def index() -> ResponseReturnValue:
    """The reports at the actor's facilities, with how many there are in each state."""
    actor = current_actor()
    policy.may_list_troubles(actor).or_refuse()
    facilities = facilities_managed(actor)
    asked = request.args.get("show", TroubleState.REPORTED.value)
    state = TroubleState(asked) if asked in set(TroubleState) else None
    counts = dict(db.session.execute(queries.counts_at(facilities)).all())
    return render_template(
        "booking/use/troubles.html",
        reports=db.session.scalars(queries.reported_at(facilities, state).limit(LISTED)).all(),
        shown=state.value if state else "all",
        counts={**{one.value: counts.get(one, 0) for one in TroubleState}, "all": sum(counts.values())},
    )


@blueprint.get("/troubles/<uuid:trouble_id>")
@signed_in
def show(trouble_id: UUID) -> ResponseReturnValue:
    """One report, and the form to answer it for those who may."""
    row = _seen(trouble_id)
    return _page(row, AnswerForm(formdata=None, minutes=row.lost_minutes))


@blueprint.post("/troubles/<uuid:trouble_id>/credit")
@signed_in
def credit(trouble_id: UUID) -> ResponseReturnValue:
    """Give minutes back."""
    return _decided(trouble_id, TroubleState.CREDITED)


@blueprint.post("/troubles/<uuid:trouble_id>/close")
@signed_in
def close(trouble_id: UUID) -> ResponseReturnValue:
    """Answer without a credit."""
    return _decided(trouble_id, TroubleState.CLOSED)


def _decided(trouble_id: UUID, state: TroubleState) -> ResponseReturnValue:
    row, form, actor = _seen(trouble_id), AnswerForm(), current_actor()
    policy.may_decide_trouble(actor, ledger.held(row.booking), row.person_id).or_refuse()
    if not form.validate():
        return _page(row, form), 422
    answer, now = form.answer.data or "", clock.now()
    try:
        if state is TroubleState.CREDITED:
            trouble.credit(trouble_id, form.minutes.data or 0, answer, actor, now)
        else:
            trouble.close(trouble_id, answer, actor, now)
    except Refusal as refusal:
        if not form.show(refusal, otherwise="minutes"):
            raise
        return _page(_seen(trouble_id), form), refusal.status
    flash(_("Answered. The member is told by mail."))
    return redirect(url_for("troubles.show", trouble_id=trouble_id), 303)


def _reportable(booking_id: UUID) -> Booking:
    """The booking, if the actor may report its trouble."""
    row = db.session.scalars(ledger.booking_for_its_page(booking_id)).one_or_none()
    if row is None:
        raise NotFound
    policy.may_report_trouble(current_actor(), ledger.held(row)).or_refuse()
    return row


def _seen(trouble_id: UUID) -> Trouble:
    """The report, if the actor may know of it."""
    row = db.session.scalars(queries.trouble_for_its_page(trouble_id)).one_or_none()
    if row is None:
        raise NotFound
    policy.may_read_trouble(current_actor(), ledger.held(row.booking), row.person_id).or_refuse()
    return row


def _form_page(row: Booking, form: TroubleForm) -> str:
    return render_template("booking/use/report.html", booking=row, form=form)


def _page(row: Trouble, form: AnswerForm) -> str:
    answer = policy.may_decide_trouble(current_actor(), ledger.held(row.booking), row.person_id)
    is_open = row.state is TroubleState.REPORTED
    return render_template(
        "booking/use/trouble.html",
        report=row,
        booking=row.booking,
        form=form if answer and is_open else None,
        why_not=_why_not(current_actor(), row, answer) if is_open else "",
    )


def _why_not(actor: Actor, row: Trouble, answer: object) -> str:
    """Why a manager of the facility cannot decide."""
    manages = actor.manages(row.booking.instrument.facility_id)
    return answer.reason if isinstance(answer, No) and manages else ""
