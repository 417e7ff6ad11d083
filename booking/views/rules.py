"""Managers' pages: the rules of an instrument, the quotas of a facility."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.access import current_actor, signed_in
from booking import quota_words
from booking.forms.rules import DAYS, EndForm, QuotaForm, RulesForm, values_of
from booking.instrument_rules import Hours
from booking.queries import quotas as quota_queries
from booking.queries import rules as queries
from booking.services.quotas import add_quota, end_quota
from booking.services.rules import Broken, Seen, broken_by, change_rules
from core import clock, formats
from core.db import db
from core.errors import Conflict, NotFound, Refusal
from core.web import current_language
from facilities import queries as facilities
from facilities.facts import name_of
from facilities.models import Facility, Instrument
from facilities.policy import may_change_rules

blueprint = Blueprint("rules", __name__)
MONDAY = date(2027, 1, 4)


@blueprint.route("/facilities/<facility_slug>/<slug>/rules", methods=["GET", "POST"])
@signed_in
def show(facility_slug: str, slug: str) -> ResponseReturnValue:
    """The rules of one instrument, to change."""
    instrument = _instrument(facility_slug, slug)
    may_change_rules(current_actor(), instrument.facility_id).or_refuse()
    if request.method == "GET":
        form = RulesForm(data=values_of(queries.content_of(instrument), queries.version_of(instrument)))
        return _page(instrument, form)
    form = RulesForm()
    _offer(form, instrument)
    content = form.content() if form.validate() else None
    if content is None:
        return _page(instrument, form), 422
    seen = Seen(form.version.data or 0, form.seen())
    now = clock.now()
    try:
        change_rules(instrument.id, content, seen, current_actor(), now)
    except Refusal as refusal:
        instrument = _instrument(facility_slug, slug)
        if refusal.code == "bookings_affected":
            return _page(instrument, form, broken=broken_by(db.session(), instrument, content, now)), refusal.status
        if not isinstance(refusal, Conflict) and form.show(refusal):
            return _page(instrument, form), refusal.status
        return _page(instrument, form, hindrance=refusal), refusal.status
    flash(_("The rules are set; bookings made from now on follow them."))
    return redirect(url_for("instruments.show", facility_slug=facility_slug, slug=slug), 303)


def _instrument(facility_slug: str, slug: str) -> Instrument:
    found = db.session.scalars(facilities.instrument_by_slugs(facility_slug, slug)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _offer(form: RulesForm, instrument: Instrument) -> None:
    parents = db.session.scalars(queries.possible_parents(instrument))
    names = {row.id: name_of(row, current_language()) for row in parents}
    form.offer(names, has_shared_plan=queries.hours_of(instrument) is Hours.SHARED)


def _page(
    instrument: Instrument, form: RulesForm, *, broken: Collection[Broken] = (), hindrance: Refusal | None = None
) -> str:
    _offer(form, instrument)
    form.broken.data = " ".join(str(one.booking.id) for one in broken)
    return render_template(
        "booking/rules/show.html",
        instrument=instrument,
        facility=instrument.facility,
        name=name_of(instrument, current_language()),
        form=form,
        days=weekday_names(),
        broken=broken,
        zone=instrument.facility.timezone,
        hindrance=_(hindrance.message, **hindrance.values) if hindrance else "",
        has_rules=instrument.rules is not None,
    )


def weekday_names() -> dict[int, str]:
    """'lun' … 'dom', by number (0 = Monday)."""
    return {day: formats.weekday_short(MONDAY.replace(day=MONDAY.day + day), current_language()) for day in range(DAYS)}


# --- quotas --------------------------------------------------------------------------------------------------


@blueprint.route("/facilities/<facility_slug>/quotas", methods=["GET", "POST"])
@signed_in
def quotas(facility_slug: str) -> ResponseReturnValue:
    """The quotas of a facility and its instruments, with a form for one more."""
    facility = _facility(facility_slug)
    may_change_rules(current_actor(), facility.id).or_refuse()
    form = QuotaForm()
    _offer_instruments(form, facility)
    if request.method == "GET":
        return _quotas_page(facility, form)
    rule = form.rule() if form.validate() else None
    if rule is None:
        return _quotas_page(facility, form), 422
    try:
        add_quota(facility.id, rule, current_actor(), clock.now(), form.key.data or "")
    except Refusal as refusal:
        if not form.show(refusal):
            raise
        return _quotas_page(_facility(facility_slug), form), refusal.status
    flash(_("The quota is in force."))
    return redirect(url_for("rules.quotas", facility_slug=facility_slug), 303)


@blueprint.post("/facilities/<facility_slug>/quotas/<uuid:quota_id>/end")
@signed_in
def end(facility_slug: str, quota_id: UUID) -> ResponseReturnValue:
    """Switch one off."""
    end_quota(quota_id, current_actor(), clock.now())
    flash(_("The quota is switched off."))
    return redirect(url_for("rules.quotas", facility_slug=facility_slug), 303)


def _facility(slug: str) -> Facility:
    found = db.session.scalars(facilities.facility_by_slug(slug)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _offer_instruments(form: QuotaForm, facility: Facility) -> None:
    form.offer({row.id: name_of(row, current_language()) for row in facility.instruments}, weekday_names())


def _quotas_page(facility: Facility, form: QuotaForm) -> str:
    rows = db.session.scalars(quota_queries.quotas_of(facility.id)).all()
    _offer_instruments(form, facility)
    return render_template(
        "booking/rules/quotas.html",
        facility=facility,
        form=form,
        end_form=EndForm(),
        quotas=[(row, str(quota_words.name(quota_queries.rule_of(row)))) for row in rows],
    )
