"""Swapping bookings: offer one's own for a time that somebody has, and answer such an offer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.access import current_actor, signed_in
from accounts.policy import Actor
from booking.forms.changes import SwapForm, slot_text
from booking.forms.ledger import ActForm
from booking.models import Booking, Swap, SwapState
from booking.policy import changes as policy
from booking.queries import ledger as ledger_queries
from booking.queries import swaps as queries
from booking.queries.swaps import Slot
from booking.services import ledger
from booking.views.changes import done, hindrance_of, seen
from core import clock, formats
from core.db import db
from core.errors import NotFound, Refusal
from core.web import current_language
from facilities.facts import name_of

blueprint = Blueprint("swaps", __name__)


@dataclass(frozen=True)
class Offer:
    """An offer as one of the two sees it: their own booking, and the other time without a name."""

    swap: Swap
    own: Booking
    other: Booking
    is_asked: bool
    """Whether it is theirs to accept or decline; else they have made it."""


def offers_of(person_id: UUID, now: datetime) -> list[Offer]:
    """The offers that wait for a person's answer, then those that they have made."""
    asked = db.session.scalars(queries.asked_of(person_id, now))
    made = db.session.scalars(queries.offered_by(person_id, now))
    return [
        *(Offer(one, one.wanted, one.offered, is_asked=True) for one in asked),
        *(Offer(one, one.offered, one.wanted, is_asked=False) for one in made),
    ]


@blueprint.route("/bookings/<uuid:booking_id>/swap", methods=["GET", "POST"])
@signed_in
def new(booking_id: UUID) -> ResponseReturnValue:
    """Choose a time that somebody has, and offer one's own for it."""
    row, actor, now = seen(booking_id), current_actor(), clock.now()
    policy.may_swap(actor, ledger_queries.held(row)).or_refuse()
    slots = {slot_text(slot): (slot, name) for slot, name in _slots(row, now)}
    form, refusal = SwapForm(), None
    form.offer_slots(slots.values())
    if form.validate_on_submit() and form.slot.data in slots:
        slot, _name = slots[form.slot.data]
        try:
            ledger.offer_swap(booking_id, slot, form.message.data, actor, now, form.key.data or "")
        except Refusal as found:
            refusal, row = found, seen(booking_id)
        else:
            return done(booking_id, _("Offered. Whoever holds that time is asked by mail."))
    elif form.is_submitted() and not form.slot.errors:
        form.slot.errors = [_("Please choose one of these.")]
    page = render_template(
        "booking/changes/swap.html",
        booking=row,
        form=form,
        hindrance=hindrance_of(form, refusal) if refusal else "",
        is_possible=queries.is_swappable(row, now),
        has_slots=bool(slots),
    )
    return page, refusal.status if refusal else 422 if form.errors else 200


def _slots(row: Booking, now: datetime) -> list[tuple[Slot, str]]:
    """Times that one can ask for, as free/busy tells them."""
    if not queries.is_swappable(row, now):
        return []
    return [
        (
            Slot(one.instrument_id, one.unit, one.starts_at),
            _in_words(one),
        )
        for one in queries.slots_for(db.session(), row, now)
    ]


def _in_words(row: Booking) -> str:
    when = formats.span(row.starts_at, row.ends_at, row.instrument.facility.timezone, current_language())
    return f"{name_of(row.instrument, current_language())}: {when}"


@blueprint.get("/swaps/<uuid:swap_id>")
@signed_in
def show(swap_id: UUID) -> ResponseReturnValue:
    """One offer, with its answer or the buttons to answer it."""
    offer = _offer_seen(swap_id)
    stands = offer.swap.state is SwapState.OFFERED and offer.swap.expires_at > clock.now()
    return render_template(
        "booking/changes/offer.html",
        offer=offer,
        form=ActForm(),
        stands=stands and not queries.is_stale(offer.swap),
    )


@blueprint.post("/swaps/<uuid:swap_id>/accept")
@signed_in
def accept(swap_id: UUID) -> ResponseReturnValue:
    """Swap."""
    return _answered(swap_id, ledger.accept_swap, _("Swapped. The other time is yours now."))


@blueprint.post("/swaps/<uuid:swap_id>/decline")
@signed_in
def decline(swap_id: UUID) -> ResponseReturnValue:
    """Keep one's booking."""
    return _answered(swap_id, ledger.decline_swap, _("Declined. You keep your booking."))


@blueprint.post("/swaps/<uuid:swap_id>/withdraw")
@signed_in
def withdraw(swap_id: UUID) -> ResponseReturnValue:
    """Take one's offer back."""
    return _answered(swap_id, ledger.withdraw_swap, _("Withdrawn. You keep your booking."))


def _answered(swap_id: UUID, act: Callable[[UUID, Actor, datetime], None], sentence: str) -> ResponseReturnValue:
    """Do it; what stands in the way is said on the page of the offer."""
    offer = _offer_seen(swap_id)
    try:
        act(swap_id, current_actor(), clock.now())
    except NotFound:
        raise
    except Refusal as refusal:
        page = render_template(
            "booking/changes/offer.html",
            offer=offer,
            form=ActForm(),
            stands=False,
            hindrance=_(refusal.message, **refusal.values),
        )
        return page, refusal.status
    flash(sentence)
    return redirect(url_for("bookings.mine"), 303)


def _offer_seen(swap_id: UUID) -> Offer:
    """The offer, for one of the two whose bookings they are."""
    swap = db.session.scalars(queries.swap_for_its_page(swap_id)).one_or_none()
    if swap is None:
        raise NotFound
    actor = current_actor()
    is_asked = actor.is_person(swap.wanted.person_id)
    if not is_asked and not actor.is_person(swap.offered.person_id):
        raise NotFound
    if is_asked:
        return Offer(swap, swap.wanted, swap.offered, is_asked=True)
    return Offer(swap, swap.offered, swap.wanted, is_asked=False)
