"""Closing an instrument: the form, whom it hits, and the confirmation that cancels their bookings."""

from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from accounts.access import current_actor, signed_in
from booking.forms.closures import ClosingForm
from booking.models import Booking
from booking.policy import ledger as policy
from booking.queries import closures as queries
from booking.queries import ledger as ledger_queries
from booking.services import ledger
from booking.services.ledger.closures import stretches_of
from booking.views.instruments import blueprint
from core import clock
from core.db import db
from core.errors import NotFound, Refusal
from core.web import current_language
from facilities import queries as facilities
from facilities.facts import name_of
from facilities.models import Instrument

TO_CONFIRM = ("bookings_hit", "reason_missing")


@blueprint.route("/facilities/<facility_slug>/<slug>/close", methods=["GET", "POST"])
@signed_in
def close(facility_slug: str, slug: str) -> ResponseReturnValue:
    """A manager enters a closure or maintenance; where it hits bookings, the page shows them and asks once more."""
    instrument = _instrument(facility_slug, slug)
    policy.may_close(current_actor(), instrument.facility_id).or_refuse()
    terms = ledger_queries.terms_of(instrument)
    form = ClosingForm()
    form.offer(terms)
    if not form.is_submitted():
        return _page(instrument, form, None, ())
    times = form.times(terms.zone) if form.validate() else None
    if times is None:
        return _page(instrument, form, None, ()), 422
    return _closed(instrument, form, form.closing(times, request.form.getlist("hit")))


def _closed(instrument: Instrument, form: ClosingForm, closing: ledger.Closing) -> ResponseReturnValue:
    actor, now = current_actor(), clock.now()
    address = {"facility_slug": instrument.facility.slug, "slug": instrument.slug}
    try:
        ledger.close_over(instrument.id, closing, actor, now, form.key.data or "")
    except Refusal as refusal:
        form.show(refusal)
        again = _instrument(**address)
        hit: Sequence[Booking] = ()
        if refusal.code in TO_CONFIRM:
            hit = queries.in_the_way(db.session(), again, stretches_of(again, closing, now))
        return _page(again, form, refusal, hit), refusal.status
    flash(_("The closure is entered; the calendars show it."))
    return redirect(url_for("instruments.show", **address), 303)  # type: ignore[arg-type]  # its stubs know no **values


def _instrument(facility_slug: str, slug: str) -> Instrument:
    found = db.session.scalars(facilities.instrument_by_slugs(facility_slug, slug)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _page(instrument: Instrument, form: ClosingForm, refusal: Refusal | None, hit: Sequence[Booking]) -> str:
    hindrance = ""
    if hit:
        hindrance = ngettext("One booking is in the way.", "%(num)d bookings are in the way.", len(hit))
    elif refusal is not None and not refusal.fields:
        hindrance = _(refusal.message, **refusal.values)
    return render_template(
        "booking/instruments/close.html",
        instrument=instrument,
        facility=instrument.facility,
        name=name_of(instrument, current_language()),
        form=form,
        hindrance=hindrance,
        hit=hit,
    )
