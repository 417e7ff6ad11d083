"""The staff's plan: weekly duties and absences, entered by a facility's managers."""

from uuid import UUID
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from accounts.access import current_actor, signed_in
from core import clock
from core.db import db
from core.errors import Invalid, NotFound
from core.forms import choice
from facilities.forms.qualifications import WEEKDAYS, AbsenceForm, DutyForm
from facilities.models import Absence, Duty, Facility
from facilities.queries import duties as queries
from facilities.services import duties as verbs
from facilities.views.blueprint import blueprint
from facilities.views.qualifications import managed, person_with


@blueprint.get("/facilities/<slug>/duties")
@signed_in
def duties(slug: str) -> ResponseReturnValue:
    """Who helps when."""
    facility = managed(slug)
    today = clock.now().astimezone(ZoneInfo(facility.timezone)).date()
    return _page(facility, DutyForm(from_day=today), _absence_form(facility))


@blueprint.post("/facilities/<slug>/duties")
@signed_in
def add_duty(slug: str) -> ResponseReturnValue:
    """Enter a weekly duty."""
    facility, form = managed(slug), DutyForm()
    if form.validate():
        try:
            content = form.content(person_with(form.email.data or "").id)
            verbs.add_duty(facility.id, content, current_actor(), clock.now(), form.key.data or "")
        except Invalid as refusal:
            form.show(refusal)
        else:
            return _saved(slug)
    facility = managed(slug)
    return _page(facility, form, _absence_form(facility))


@blueprint.post("/facilities/<slug>/duties/<uuid:duty_id>/end")
@signed_in
def end_duty(slug: str, duty_id: UUID) -> ResponseReturnValue:
    """Take a weekly duty out of the plan."""
    _of(managed(slug), db.session.scalars(queries.duty(duty_id)).one_or_none())
    verbs.end_duty(duty_id, current_actor(), clock.now())
    return _saved(slug)


@blueprint.post("/facilities/<slug>/absences")
@signed_in
def add_absence(slug: str) -> ResponseReturnValue:
    """Enter that somebody is away."""
    facility = managed(slug)
    form = _absence_form(facility)
    if form.validate():
        try:
            start, end = form.times(ZoneInfo(facility.timezone))
            person_id = UUID(form.person.data)
            verbs.add_absence(facility.id, person_id, start, end, current_actor(), clock.now(), form.key.data or "")
        except Invalid as refusal:
            form.show(refusal)
        else:
            return _saved(slug)
    facility = managed(slug)
    today = clock.now().astimezone(ZoneInfo(facility.timezone)).date()
    return _page(facility, DutyForm(formdata=None, from_day=today), form)


@blueprint.post("/facilities/<slug>/absences/<uuid:absence_id>/remove")
@signed_in
def remove_absence(slug: str, absence_id: UUID) -> ResponseReturnValue:
    """Take an absence out of the plan."""
    _of(managed(slug), db.session.scalars(queries.absence(absence_id)).one_or_none())
    verbs.remove_absence(absence_id, current_actor(), clock.now())
    return _saved(slug)


def _of(facility: Facility, row: Duty | Absence | None) -> None:
    """Refuse what is not in this facility's plan."""
    if row is None or row.facility_id != facility.id:
        raise NotFound


def _absence_form(facility: Facility) -> AbsenceForm:
    form = AbsenceForm(prefix="absence-")
    people = db.session.scalars(queries.people_with_duties(facility.id))
    form.person.choices = [choice(str(one.id), one.name) for one in people]
    return form


def _saved(slug: str) -> Response:
    flash(_("Saved."), "success")
    return redirect(url_for("facilities.duties", slug=slug), 303)


def _page(facility: Facility, duty: DutyForm, absence: AbsenceForm) -> ResponseReturnValue:
    now = clock.now()
    today = now.astimezone(ZoneInfo(facility.timezone)).date()
    page = render_template(
        "facilities/duties.html",
        facility=facility,
        weekdays=WEEKDAYS,
        duties=db.session.scalars(queries.duties_at(facility.id, today)).all(),
        absences=db.session.scalars(queries.absences_at(facility.id, now)).all(),
        duty=duty,
        absence=absence,
    )
    return page, 422 if duty.errors or absence.errors else 200
