"""At the instrument: what its QR code opens on a phone, check-in and check-out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.access import current_actor, own_path, signed_in
from accounts.policy import Actor
from booking import availability
from booking.forms.ledger import ActForm
from booking.models import Booking
from booking.policy import ledger as ledger_policy
from booking.policy import use as policy
from booking.queries import ledger
from booking.queries import use as queries
from booking.services import use
from booking.terms import check_mode
from booking.views.instrument_week import suggested_end
from booking.views.slots import lines
from core import clock
from core.db import db
from core.errors import NotFound, Refusal
from core.intervals import Interval
from facilities import queries as facilities
from facilities.models import Instrument

blueprint = Blueprint("use", __name__)
AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class Free:
    """A slot that the reader could book now, and the address of the form that is filled in with it."""

    when: Interval
    url: str


@dataclass(frozen=True)
class Held:
    """Time that somebody holds; `who` is empty for those who may not know."""

    row: Booking
    who: str


@blueprint.get("/at/<facility_slug>/<slug>")
@signed_in
def at(facility_slug: str, slug: str) -> ResponseReturnValue:
    """Who has the instrument now and next, my own booking, and a free slot that can be had at once."""
    actor, now = current_actor(), clock.now()
    assert actor.person_id is not None  # noqa: S101 - signed in
    instrument = instrument_of(facility_slug, slug)
    rows = db.session.scalars(queries.around(instrument, Interval(now, now + AHEAD))).all()
    mine = db.session.scalars(queries.mine_at(instrument.id, actor.person_id, now)).all()
    return render_template(
        "booking/use/at.html",
        instrument=instrument,
        facility=instrument.facility,
        running=_held(actor, [row for row in rows if row.starts_at <= now < row.ends_at]),
        coming=_held(actor, [row for row in rows if row.starts_at > now][:2]),
        mine=lines(mine, actor, now),
        free=_free(instrument, actor, now),
        form=ActForm(),
        may_print=bool(policy.may_print_label(actor, instrument.facility_id)),
    )


@blueprint.post("/bookings/<uuid:booking_id>/check-in")
@signed_in
def check_in(booking_id: UUID) -> ResponseReturnValue:
    """Check in, and back to where the button was."""
    use.check_in(booking_id, current_actor(), clock.now())
    flash(_("You are checked in."))
    return _back(booking_id)


@blueprint.post("/bookings/<uuid:booking_id>/check-out")
@signed_in
def check_out(booking_id: UUID) -> ResponseReturnValue:
    """Check out, and back to where the button was."""
    use.check_out(booking_id, current_actor(), clock.now())
    flash(_("You are checked out. What was left of the time is free for others."))
    return _back(booking_id)


def instrument_of(facility_slug: str, slug: str) -> Instrument:
    """The instrument of an address; NotFound."""
    found = db.session.scalars(facilities.instrument_by_slugs(facility_slug, slug)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _back(booking_id: UUID) -> ResponseReturnValue:
    return redirect(own_path(request.form.get("back")) or url_for("bookings.show", booking_id=booking_id), 303)


def _held(actor: Actor, rows: Sequence[Booking]) -> list[Held]:
    return [
        Held(row, row.person.name if row.person and ledger_policy.may_see(actor, ledger.held(row)) else "")
        for row in rows
    ]


def _free(instrument: Instrument, actor: Actor, now: datetime) -> Free | None:
    """The shortest booking that the reader could make of the very next slot; None when they cannot."""
    terms = ledger.terms_of(instrument)
    start = terms.next_slot(terms.first_start(now))
    if not actor.is_member or start is None or start - now > AHEAD:
        return None
    try:
        check_mode(instrument.booking_mode)
    except Refusal:
        return None
    end = suggested_end(terms, Interval(start, start + timedelta(minutes=terms.least_minutes)))
    wanted = Interval(start, end)
    rows = db.session.scalars(ledger.held_on(instrument, terms.held(wanted))).all()
    busy = availability.with_buffers(ledger.busy(rows, instrument), *terms.buffers)
    if not terms.fits(wanted) or not availability.free_units(busy, instrument.capacity, wanted):
        return None
    first, last = (f"{at.astimezone(terms.zone):%Y-%m-%dT%H:%M}" for at in (start, end))
    address: dict[str, Any] = {"facility_slug": instrument.facility.slug, "slug": instrument.slug}
    return Free(wanted, url_for("instruments.show", start=first, end=last, _anchor="book", **address))
