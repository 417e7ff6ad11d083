"""My bookings, one booking, the manager's list of what waits for approval."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import Select

from accounts.access import current_actor, signed_in
from accounts.models import Person
from accounts.policy import Actor, No
from booking.forms.ledger import ActForm, ReasonForm
from booking.lifecycle import BOOKING_STEPS, can_step
from booking.models import Booking
from booking.policy import ledger as policy
from booking.queries import ledger as queries
from booking.services import ledger
from booking.views.slots import by_day, lines
from core import clock
from core.audit import AuditEntry
from core.db import db
from core.errors import Forbidden, NotFound, Refusal

blueprint = Blueprint("bookings", __name__)
PAGE = 25
SHOWN = ("upcoming", "past", "cancelled")
VERBS = {
    "book": lazy_gettext("booked"),
    "ask": lazy_gettext("asked for"),
    "allocate": lazy_gettext("allocated in a round"),
    "close": lazy_gettext("closed"),
    "approve": lazy_gettext("approved"),
    "refuse": lazy_gettext("refused"),
    "cancel": lazy_gettext("cancelled"),
    "check_in": lazy_gettext("checked in"),
    "check_out": lazy_gettext("checked out"),
    "release": lazy_gettext("released, because nobody checked in"),
}
DONE = {
    "cancel": lazy_gettext("The booking is cancelled; its time is free."),
    "refuse": lazy_gettext("The booking is refused."),
}


@dataclass(frozen=True)
class Actions:
    """What may be done with a booking now."""

    cancel: bool
    decide: bool
    needs_reason: bool
    why_not_decide: str = ""


@dataclass(frozen=True)
class Act:
    """One line of a booking's history, as the reader may know it."""

    at: datetime
    verb: str
    by: str
    """With its preposition, “by …”."""
    reason: str


@blueprint.get("/bookings")
@signed_in
def mine() -> ResponseReturnValue:
    """A person's own bookings: to come, past, cancelled."""
    actor, now = current_actor(), clock.now()
    assert actor.person_id is not None  # noqa: S101 - signed in
    wanted = request.args.get("show", "upcoming")
    shown = wanted if wanted in SHOWN else "upcoming"
    page = request.args.get("page", 1, type=int)
    page = page if 1 <= page <= 10_000 else 1
    rows = db.session.scalars(_listed(shown, actor.person_id, now).offset((page - 1) * PAGE).limit(PAGE + 1)).all()
    counts = db.session.execute(queries.counts_of(actor.person_id, now)).one()
    return render_template(
        "booking/bookings/mine.html",
        days=by_day(lines(rows[:PAGE], actor, now)),
        shown=shown,
        counts=dict(zip(SHOWN, counts, strict=True)),
        page=page,
        has_more=len(rows) > PAGE,
        waiting=_how_many_wait(actor, now),
    )


def _listed(shown: str, person_id: UUID, now: datetime) -> Select[Booking]:
    if shown == "past":
        return queries.past_of(person_id, now)
    return queries.given_up_by(person_id) if shown == "cancelled" else queries.upcoming_of(person_id, now)


@blueprint.get("/bookings/<uuid:booking_id>")
@signed_in
def show(booking_id: UUID) -> ResponseReturnValue:
    """One booking with its history."""
    actor, row, now = current_actor(), _seen(booking_id), clock.now()
    return render_template(
        "booking/bookings/show.html",
        booking=row,
        line=lines([row], actor, now)[0],
        actions=_actions(actor, row, now),
        history=_history(actor, row),
        form=ActForm(),
    )


@blueprint.route("/bookings/<uuid:booking_id>/cancel", methods=["GET", "POST"])
@signed_in
def cancel(booking_id: UUID) -> ResponseReturnValue:
    """Ask once more, then cancel."""
    return _end(booking_id, "cancel")


@blueprint.route("/bookings/<uuid:booking_id>/refuse", methods=["GET", "POST"])
@signed_in
def refuse(booking_id: UUID) -> ResponseReturnValue:
    """Ask for the reason, then refuse."""
    return _end(booking_id, "refuse")


@blueprint.post("/bookings/<uuid:booking_id>/approve")
@signed_in
def approve(booking_id: UUID) -> ResponseReturnValue:
    """Approve with one press, and back to where the manager was."""
    ledger.approve(booking_id, current_actor(), clock.now())
    flash(_("Approved. The member is told by mail."))
    if request.form.get("back") == "approvals":
        return redirect(url_for("bookings.approvals"), 303)
    return redirect(url_for("bookings.show", booking_id=booking_id), 303)


@blueprint.get("/bookings/approvals")
@signed_in
def approvals() -> ResponseReturnValue:
    """What waits for the managers of the actor's facilities, by facility."""
    actor, now = current_actor(), clock.now()
    if not actor.is_manager:
        raise Forbidden
    rows = db.session.scalars(queries.awaiting_approval(facilities_managed(actor), now).limit(200)).all()
    by_facility = sorted(rows, key=lambda row: (row.instrument.facility.slug, row.starts_at))
    return render_template(
        "booking/bookings/approvals.html",
        groups=[
            (facility, [(row, _actions(actor, row, now)) for row in group])
            for facility, group in groupby(by_facility, key=lambda row: row.instrument.facility)
        ],
        count=len(rows),
        form=ActForm(),
    )


def facilities_managed(actor: Actor) -> list[UUID] | None:
    """The facilities whose approvals are the actor's to give; None: all of them."""
    if actor.is_office:
        return None
    return [facility_id for facility_id in actor.posts if actor.manages(facility_id)]


def _how_many_wait(actor: Actor, now: datetime) -> int | None:
    """How many bookings wait for this manager; None for people who manage nothing."""
    if not actor.is_manager:
        return None
    return db.session.scalar(queries.how_many_await_approval(facilities_managed(actor), now))


def _seen(booking_id: UUID) -> Booking:
    """The booking, if the actor may know of it."""
    row = db.session.scalars(queries.booking_for_its_page(booking_id)).one_or_none()
    if row is None:
        raise NotFound
    policy.may_see(current_actor(), queries.held(row)).or_refuse()
    return row


def _actions(actor: Actor, row: Booking, now: datetime) -> Actions:
    held = queries.held(row)
    can_still = not policy.has_begun(held, now)
    decide = policy.may_decide(actor, held)
    waits = can_still and can_step(BOOKING_STEPS, row.state, "approve")
    return Actions(
        cancel=can_still and can_step(BOOKING_STEPS, row.state, "cancel") and bool(policy.may_cancel(actor, held)),
        decide=waits and bool(decide),
        needs_reason=row.person_id is not None and not actor.is_person(row.person_id),
        why_not_decide=decide.reason if waits and isinstance(decide, No) and actor.manages(held.facility_id) else "",
    )


def _end(booking_id: UUID, verb: str) -> ResponseReturnValue:
    """The page that asks before a booking is cancelled or refused, and the act itself."""
    actor, row = current_actor(), _seen(booking_id)
    (policy.may_cancel if verb == "cancel" else policy.may_decide)(actor, queries.held(row)).or_refuse()
    form, refusal = ReasonForm(), None
    needs_reason = verb == "refuse" or _actions(actor, row, clock.now()).needs_reason
    if form.validate_on_submit():
        refusal = _ended(booking_id, verb, form)
        if refusal is None:
            flash(str(DONE[verb]))
            return redirect(url_for("bookings.show", booking_id=booking_id), 303)
        row = _seen(booking_id)
    page = render_template("booking/bookings/end.html", booking=row, form=form, verb=verb, needs_reason=needs_reason)
    return page, refusal.status if refusal else 200


def _ended(booking_id: UUID, verb: str, form: ReasonForm) -> Refusal | None:
    """Do it; a refusal that speaks of the reason comes back, to be shown beside its field."""
    act = ledger.cancel if verb == "cancel" else ledger.refuse
    try:
        act(booking_id, current_actor(), clock.now(), form.reason.data)
    except Refusal as refusal:
        if form.show(refusal):
            return refusal
        raise
    return None


def _history(actor: Actor, row: Booking) -> list[Act]:
    entries = db.session.scalars(queries.history_of(row)).all()
    names = {person.id: person for person in db.session.scalars(queries.people_who_acted(row))}
    return [
        Act(entry.at, str(VERBS.get(entry.verb, entry.verb)), _who(actor, row, entry, names), entry.reason)
        for entry in entries
    ]


def _who(actor: Actor, row: Booking, entry: AuditEntry, names: dict[UUID, Person]) -> str:
    """By whom, with its preposition (Italian melts it with an article): managers are named to managers only."""
    if actor.is_person(entry.person_id):
        return str(_("by you"))
    person = names.get(entry.person_id) if entry.person_id else None
    if person is None:
        return str(_("by the system"))
    if actor.manages(row.instrument.facility_id) or entry.person_id == row.person_id:
        return str(_("by %(who)s", who=person.name))
    return str(_("by the facility"))
