"""Changing a booking: move it, hand it over, and what may be changed at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import queries as accounts
from accounts.access import current_actor, signed_in
from accounts.policy import Actor
from booking.forms.changes import HandOverForm, MoveForm, filled_in
from booking.forms.ledger import day_of
from booking.lifecycle import BOOKING_STEPS, BookingState, can_step
from booking.models import Booking, BookingKind
from booking.policy import changes as policy
from booking.policy import ledger as ledger_policy
from booking.queries import changes as queries
from booking.queries import ledger as ledger_queries
from booking.queries import swaps as swap_queries
from booking.queries.alternatives import AT_ONCE, Alternative
from booking.services import ledger
from booking.services.ledger import RUNNING_KINDS
from booking.views.alternatives import Instead, instead_of
from booking.views.instrument_week import wall_text
from core import clock
from core.db import db
from core.errors import NotFound, Refusal
from core.forms import Form
from core.intervals import Interval
from core.web import current_language
from facilities.facts import name_of
from facilities.models import Instrument

blueprint = Blueprint("changes", __name__)


@dataclass(frozen=True)
class Changes:
    """What may be changed about a booking now, and whether cancelling it now counts as used time."""

    move: bool
    hand_over: bool
    swap: bool
    is_charged: bool
    free_until: datetime | None
    """Until when its holder cancels free of charge; None where that is no question."""


def changes_of(actor: Actor, row: Booking, now: datetime) -> Changes:
    """The actions of a booking's page, from the rules that the verbs ask."""
    held = ledger_queries.held(row)
    goes_on = row.kind in RUNNING_KINDS and row.ends_at > now and row.checked_out_at is None and not row.is_offer
    is_own = bool(policy.may_swap(actor, held))
    is_charged = ledger.is_charged(db.session(), row, actor, now)
    free_until = ledger.free_until(row) if is_own and row.state is BookingState.CONFIRMED else None
    return Changes(
        move=goes_on and can_step(BOOKING_STEPS, row.state, "move") and bool(ledger.answer_to_move(actor, row)),
        hand_over=goes_on
        and can_step(BOOKING_STEPS, row.state, "hand_over")
        and bool(policy.may_hand_over(actor, held)),
        swap=goes_on and is_own and swap_queries.is_swappable(row, now),
        is_charged=is_charged,
        free_until=free_until if free_until is not None and _is_told(free_until, row, now, is_charged) else None,
    )


def _is_told(free_until: datetime, row: Booking, now: datetime, is_charged: bool) -> bool:
    """Where a rule sets an hour, and unless the booking was moved when that was over."""
    return free_until < row.starts_at and is_charged == (now > free_until)


def seen(booking_id: UUID) -> Booking:
    """The booking, if the actor may know of it."""
    row = db.session.scalars(ledger_queries.booking_for_its_page(booking_id)).one_or_none()
    if row is None:
        raise NotFound
    ledger_policy.may_see(current_actor(), ledger_queries.held(row)).or_refuse()
    return row


def hindrance_of(form: Form, refusal: Refusal) -> str:
    """The sentence of a refusal that stands beside no field of the form."""
    return "" if form.show(refusal) else str(_(refusal.message, **refusal.values))


def done(booking_id: UUID, sentence: str) -> ResponseReturnValue:
    flash(sentence)
    return redirect(url_for("bookings.show", booking_id=booking_id), 303)


# --- move -------------------------------------------------------------------------------------------------


@blueprint.route("/bookings/<uuid:booking_id>/move", methods=["GET", "POST"])
@signed_in
def move(booking_id: UUID) -> ResponseReturnValue:
    """Other times, or another instrument of the facility."""
    row = seen(booking_id)
    ledger.check_may_move(current_actor(), row)
    places = _places(row)
    if request.method == "GET":
        return _move_page(row, places, _as_asked(row, places))
    form = MoveForm()
    target = next((one for one in places if str(one.id) == form.instrument_id.data), row.instrument)
    _offer(form, places, target)
    times = form.times(ledger_queries.terms_of(target).zone) if form.validate() else None
    if times is None:
        return _move_page(row, places, form), 422
    try:
        ledger.move(
            booking_id,
            *times,
            form.sequence.data or 0,
            current_actor(),
            clock.now(),
            target.id,
            form.reason.data,
        )
    except Refusal as refusal:
        row = seen(booking_id)
        return _move_page(row, _places(row), form, refusal), refusal.status
    is_asked = seen(booking_id).state is BookingState.TENTATIVE
    return done(booking_id, _("Moved; a manager decides on it.") if is_asked else _("Moved. A mail confirms it."))


def _places(row: Booking) -> list[Instrument]:
    """Where a booking may be put: its own instrument first, then those of the facility that are given likewise."""
    modes = (row.instrument.booking_mode,) if row.kind is BookingKind.ROUND else AT_ONCE
    others = db.session.scalars(queries.other_instruments(row.instrument)).all()
    return [row.instrument, *(one for one in others if one.booking_mode in modes)]


def _as_asked(row: Booking, places: Sequence[Instrument]) -> MoveForm:
    """The booking as it is, or at the stretch and instrument that the address names."""
    target = next((one for one in places if one.slug == request.args.get("instrument")), row.instrument)
    zone = ledger_queries.terms_of(target).zone
    start, end = (_wall(request.args.get(name, ""), zone) for name in ("start", "end"))
    when = Interval(start, end) if start and end and start < end else row.interval
    form = MoveForm(data={**filled_in(when, zone), "instrument_id": str(target.id), "sequence": row.sequence})
    _offer(form, places, target)
    for which in (form.start_pass, form.end_pass):
        which.is_asked = bool(which.data)
    return form


def _offer(form: MoveForm, places: Sequence[Instrument], target: Instrument) -> None:
    form.offer(ledger_queries.terms_of(target))
    form.offer_instruments((one.id, name_of(one, current_language())) for one in places)


def _wall(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        day_of(text[:10])
        return datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=zone).astimezone(UTC)
    except ValueError:
        return None


def _move_page(row: Booking, places: Sequence[Instrument], form: MoveForm, refusal: Refusal | None = None) -> str:
    actor, now = current_actor(), clock.now()
    hindrance = hindrance_of(form, refusal) if refusal else ""
    if refusal is not None and refusal.code == "changed_meanwhile":
        form.sequence.raw_data = [str(row.sequence)]
    return render_template(
        "booking/changes/move.html",
        booking=row,
        form=form,
        hindrance=hindrance,
        alternatives=_instead(row, places, form, actor, now),
        needs_reason=not actor.is_person(row.person_id),
        runs=policy.runs(row.starts_at, row.checked_in_at, now),
        asks_again=row.state is BookingState.CONFIRMED
        and row.kind is BookingKind.APPROVAL
        and actor.is_person(row.person_id),
    )


def _instead(row: Booking, places: Sequence[Instrument], form: MoveForm, actor: Actor, now: datetime) -> list[Instead]:
    """Other times and instruments to which this booking could move."""
    target = next((one for one in places if str(one.id) == form.instrument_id.data), row.instrument)
    found = instead_of(form, target, actor, now, _move_there(row), {row.id})
    known = {one.id for one in places}
    return [one for one in found if one.instrument.id in known]


def _move_there(row: Booking) -> Callable[[Alternative], str]:
    def url(one: Alternative) -> str:
        terms = ledger_queries.terms_of(one.instrument)
        start, end = (wall_text(at, terms) for at in (one.interval.start, one.interval.end))
        return url_for("changes.move", booking_id=row.id, start=start, end=end, instrument=one.instrument.slug)

    return url


# --- hand over --------------------------------------------------------------------------------------------


@blueprint.route("/bookings/<uuid:booking_id>/hand-over", methods=["GET", "POST"])
@signed_in
def hand_over(booking_id: UUID) -> ResponseReturnValue:
    """To a colleague, by their address; back to whom it came from with one press."""
    row, actor = seen(booking_id), current_actor()
    policy.may_hand_over(actor, ledger_queries.held(row)).or_refuse()
    form, refusal = HandOverForm(data={"email": _came_from(actor, row)}), None
    if form.validate_on_submit():
        try:
            ledger.hand_over(booking_id, form.email.data, actor, clock.now(), form.reason.data)
        except Refusal as found:
            refusal, row = found, seen(booking_id)
        else:
            flash(_("Handed over. Both of you are told by mail."))
            is_known = ledger_policy.may_see(actor, ledger_queries.held(_again(booking_id)))
            url = url_for("bookings.show", booking_id=booking_id) if is_known else url_for("bookings.mine")
            return redirect(url, 303)
    page = render_template(
        "booking/changes/hand_over.html",
        booking=row,
        form=form,
        hindrance=hindrance_of(form, refusal) if refusal else "",
        needs_reason=not actor.is_person(row.person_id),
    )
    return page, refusal.status if refusal else 200


def _again(booking_id: UUID) -> Booking:
    return db.session.scalars(ledger_queries.booking_for_its_page(booking_id)).one()


def _came_from(actor: Actor, row: Booking) -> str:
    """The address of whoever handed the booking to its holder, who has read their name in a mail."""
    if not actor.is_person(row.person_id) or row.person_id is None:
        return ""
    last = db.session.scalars(queries.last_hand_over(row)).first()
    if last is None or last.detail["to"] != str(row.person_id):
        return ""
    giver = db.session.scalars(accounts.person(UUID(last.detail["from"]))).one_or_none()
    return giver.email if giver is not None else ""
