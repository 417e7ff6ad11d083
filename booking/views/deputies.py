"""The deputies of a facility's managers: who stands in for whom until when, a new one, an early end."""

from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.access import current_actor, own_path, signed_in
from booking.forms.approvals import DeputyForm
from booking.forms.ledger import ActForm
from booking.policy import approvals as policy
from booking.queries import approvals as queries
from booking.services import deputies
from core import clock
from core.db import db
from core.errors import NotFound, Refusal
from facilities import queries as facilities
from facilities.models import Facility

blueprint = Blueprint("deputies", __name__)


@blueprint.route("/facilities/<slug>/deputies", methods=["GET", "POST"])
@signed_in
def index(slug: str) -> ResponseReturnValue:
    """The deputies at a facility, and the form for a manager's own."""
    facility = _facility(slug)
    policy.may_deputise(current_actor(), facility.id).or_refuse()
    form = DeputyForm()
    if not form.is_submitted():
        return _page(facility, form)
    times = form.times(ZoneInfo(facility.timezone)) if form.validate() else None
    if times is None:
        return _page(facility, form), 422
    try:
        deputies.deputise(facility.id, form.email.data, *times, current_actor(), clock.now(), form.key.data or "")
    except Refusal as refusal:
        if not form.show(refusal):
            raise
        return _page(_facility(slug), form), refusal.status
    flash(_("The deputy is told by mail."))
    return redirect(url_for("deputies.index", slug=slug), 303)


@blueprint.post("/deputies/<uuid:deputy_id>/end")
@signed_in
def end(deputy_id: UUID) -> ResponseReturnValue:
    """End a deputy's time at once; for a manager, or for the deputy who gives it back."""
    deputies.end_deputy(deputy_id, current_actor(), clock.now())
    flash(_("This deputy’s time has ended."))
    return redirect(own_path(request.form.get("back")) or url_for("bookings.mine"), 303)


def _facility(slug: str) -> Facility:
    found = db.session.scalars(facilities.facility_by_slug(slug)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _page(facility: Facility, form: DeputyForm) -> str:
    return render_template(
        "booking/inbox/deputies.html",
        facility=facility,
        form=form,
        act=ActForm(),
        deputies=db.session.scalars(queries.deputies_at(facility.id, clock.now())).all(),
        time_now=clock.now(),
    )
