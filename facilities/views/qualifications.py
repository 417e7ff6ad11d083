"""Qualifications: a facility's managers say what is needed and who has it; everybody sees their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import queries as accounts
from accounts.access import current_actor, signed_in
from accounts.models import Person
from core import clock
from core.db import db
from core.errors import Invalid, NotFound, Refusal
from core.forms import choice
from core.i18n import N_
from core.intervals import Interval
from core.web import current_language
from facilities import policy
from facilities import queries as catalogue
from facilities.facts import name_of
from facilities.forms.qualifications import GrantForm, QualificationForm, RevokeForm, form_of
from facilities.models import Facility, Instrument, Qualification, QualificationGrant
from facilities.qualifications import SOON_DAYS, Lack, ends_soon, lacking, last_day
from facilities.queries import qualifications as queries
from facilities.services import qualifications as verbs
from facilities.views.blueprint import blueprint

SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Holding:
    """A grant as a page shows it: whether it counts now, and its last day as things stand."""

    row: QualificationGrant
    lack: Lack | None
    until: date | None
    ends_soon: bool


@dataclass(frozen=True)
class Offered:
    """A qualification as the list shows it."""

    row: Qualification
    instruments: Sequence[str]
    holders: int


@blueprint.get("/facilities/<slug>/qualifications")
@signed_in
def qualifications(slug: str) -> ResponseReturnValue:
    """A facility's qualifications, and whose end soon."""
    facility, now = managed(slug), clock.now()
    rows = db.session.scalars(queries.qualifications_of(facility.id)).all()
    live = db.session.scalars(queries.live_grants_at(facility.id)).all()
    holdings = [_holding(row, facility, now) for row in live]
    soon = [one for one in holdings if one.ends_soon]
    return render_template(
        "facilities/qualifications.html",
        facility=facility,
        offered=[_offered(row, facility, holdings) for row in rows],
        soon=sorted(soon, key=lambda one: (one.until or date.max, one.row.person.name)),
        soon_days=SOON_DAYS,
    )


@blueprint.route("/facilities/<slug>/qualifications/new", methods=["GET", "POST"])
@signed_in
def new_qualification(slug: str) -> ResponseReturnValue:
    """Enter a qualification."""
    facility, form = managed(slug), QualificationForm()
    if form.validate_on_submit():
        try:
            verbs.add_qualification(facility.id, form.content(), current_actor(), clock.now(), form.key.data or "")
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("facilities.qualifications", slug=slug), 303)
    return _form_page(managed(slug), form, None)


@blueprint.route("/facilities/<slug>/qualifications/<name>/edit", methods=["GET", "POST"])
@signed_in
def edit_qualification(slug: str, name: str) -> ResponseReturnValue:
    """Say anew what is said of a qualification; switch it off or on."""
    row = _qualification(managed(slug), name)
    form = form_of(row, [need.instrument_id for need in db.session.scalars(queries.needs_of([row.id]))])
    if form.validate_on_submit():
        try:
            verbs.change_qualification(row.id, form.content(), current_actor(), clock.now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("facilities.qualification", slug=slug, name=name), 303)
    facility = managed(slug)
    return _form_page(facility, form, _qualification(facility, name))


@blueprint.get("/facilities/<slug>/qualifications/<name>")
@signed_in
def qualification(slug: str, name: str) -> ResponseReturnValue:
    """Who has a qualification."""
    return _holders_page(managed(slug), name, GrantForm())


@blueprint.post("/facilities/<slug>/qualifications/<name>")
@signed_in
def grant_qualification(slug: str, name: str) -> ResponseReturnValue:
    """Grant it to somebody of the network."""
    row, form = _qualification(managed(slug), name), GrantForm()
    if form.validate():
        try:
            person_id = person_with(form.email.data or "").id
            verbs.grant(row.id, person_id, form.expires_on.data, form.note.data, current_actor(), clock.now())
        except Refusal as refusal:
            if not form.show(refusal, "email"):
                raise
        else:
            flash(_("Granted. The person is told by mail."), "success")
            return redirect(url_for("facilities.qualification", slug=slug, name=name), 303)
    return _holders_page(managed(slug), name, form)


@blueprint.route("/facilities/<slug>/qualifications/<name>/people/<uuid:grant_id>/revoke", methods=["GET", "POST"])
@signed_in
def revoke_qualification(slug: str, name: str, grant_id: UUID) -> ResponseReturnValue:
    """Ask for the reason, then revoke."""
    facility, form = managed(slug), RevokeForm()
    row = _grant(_qualification(facility, name), grant_id)
    if form.validate_on_submit():
        try:
            verbs.revoke(grant_id, form.reason.data or "", current_actor(), clock.now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(_("Revoked. The person is told by mail."), "success")
            return redirect(url_for("facilities.qualification", slug=slug, name=name), 303)
        facility = managed(slug)
        row = _grant(_qualification(facility, name), grant_id)
    page = render_template("facilities/qualifications_revoke.html", facility=facility, grant=row, form=form)
    return page, 422 if form.errors else 200


@blueprint.get("/qualifications")
@signed_in
def my_qualifications() -> ResponseReturnValue:
    """A person's own qualifications, at all facilities."""
    actor, now = current_actor(), clock.now()
    assert actor.person_id is not None  # noqa: S101 - signed in
    rows = db.session.scalars(queries.grants_of(actor.person_id)).all()
    found = db.session.scalars(queries.facilities_with({row.qualification.facility_id for row in rows}))
    facilities = {one.id: one for one in found}
    holdings = [(facilities[row.qualification.facility_id], row) for row in rows]
    return render_template(
        "facilities/qualifications_mine.html",
        holdings=[(facility, _holding(row, facility, now)) for facility, row in holdings],
    )


# --- pieces -------------------------------------------------------------------------------------------------


def managed(slug: str) -> Facility:
    """The facility of an address, whose qualifications and duties the reader manages."""
    found = db.session.scalars(catalogue.facility_by_slug(slug)).one_or_none()
    if found is None:
        raise NotFound
    policy.may_manage_qualifications(current_actor(), found.id).or_refuse()
    policy.may_manage_duties(current_actor(), found.id).or_refuse()
    return found


def person_with(email: str) -> Person:
    """The account with this address; Invalid, beside the field, when there is none in use."""
    found = db.session.scalars(accounts.person_by_email(email)).one_or_none()
    if found is None or not accounts.counts(found):
        raise Invalid(fields={"email": N_("There is no account with this address. Invite the person first.")})
    return found


def _qualification(facility: Facility, name: str) -> Qualification:
    found = db.session.scalars(queries.qualification_by_slug(facility.id, name)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _grant(of: Qualification, grant_id: UUID) -> QualificationGrant:
    found = db.session.scalars(queries.grant(grant_id)).one_or_none()
    if found is None or found.qualification_id != of.id or found.revoked_at is not None:
        raise NotFound
    return found


def _holding(row: QualificationGrant, facility: Facility, now: datetime) -> Holding:
    granted, zone = queries.granted(row, row.qualification), ZoneInfo(facility.timezone)
    found = lacking(granted, Interval(now, now + SECOND), zone)
    return Holding(row, found.lack if found else None, last_day(granted, zone), ends_soon(granted, zone, now))


def _offered(row: Qualification, facility: Facility, holdings: Sequence[Holding]) -> Offered:
    needing = {need.instrument_id for need in db.session.scalars(queries.needs_of([row.id]))}
    names = [name_of(one, current_language()) for one in facility.instruments if one.id in needing]
    counting = sum(one.row.qualification_id == row.id and one.lack is None for one in holdings)
    return Offered(row, names, counting)


def _holders_page(facility: Facility, name: str, form: GrantForm) -> ResponseReturnValue:
    row, now = _qualification(facility, name), clock.now()
    holders = db.session.scalars(queries.holders_of(row.id)).all()
    page = render_template(
        "facilities/qualifications_holders.html",
        facility=facility,
        qualification=row,
        holdings=[_holding(one, facility, now) for one in holders],
        form=form,
    )
    return page, 422 if form.errors else 200


def _form_page(facility: Facility, form: QualificationForm, row: Qualification | None) -> ResponseReturnValue:
    instruments: Sequence[Instrument] = facility.instruments
    form.instrument_ids.choices = [choice(str(one.id), name_of(one, current_language())) for one in instruments]
    page = render_template(
        "facilities/qualifications_form.html",
        facility=facility,
        qualification=row,
        form=form,
        needing={str(one) for one in form.instrument_ids.data or []},
    )
    return page, 422 if form.errors else 200
