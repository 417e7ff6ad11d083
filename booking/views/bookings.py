"""My bookings, one booking, and the acts on it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import Select

from accounts.access import current_actor, signed_in
from accounts.policy import Actor
from booking.forms.ledger import ActForm, ReasonForm
from booking.lifecycle import BOOKING_STEPS, BookingState, can_step
from booking.models import Booking, Trouble
from booking.policy import ledger as policy
from booking.policy import use as use_policy
from booking.queries import approvals as approval_queries
from booking.queries import ledger as queries
from booking.queries import qualified as bundle_queries
from booking.queries import trouble as trouble_queries
from booking.services import ledger
from booking.views.changes import changes_of
from booking.views.deciding import Line, levels_for, line_for, may_take_part
from booking.views.inbox_menu import has_a_say, inbox_count
from booking.views.levels import LevelLine
from booking.views.series import part_of
from booking.views.slots import by_day, lines
from booking.views.swaps import offers_of
from core import clock
from core.audit import AuditEntry
from core.db import db
from core.errors import NotFound, Refusal

blueprint = Blueprint("bookings", __name__)
PAGE = 25
SHOWN = ("upcoming", "past", "cancelled")
VERBS = {
    "book": lazy_gettext("booked"),
    "ask": lazy_gettext("asked for"),
    "allocate": lazy_gettext("allocated in a round"),
    "close": lazy_gettext("closed"),
    "approve": lazy_gettext("approved"),
    "approve_level": lazy_gettext("one level approved"),
    "refuse": lazy_gettext("refused"),
    "cancel": lazy_gettext("cancelled"),
    "cancel_late": lazy_gettext("cancelled late"),
    "move": lazy_gettext("moved"),
    "ask_again": lazy_gettext("moved and asked for again"),
    "hand_over": lazy_gettext("handed over"),
    "swap": lazy_gettext("swapped"),
    "check_in": lazy_gettext("checked in"),
    "check_out": lazy_gettext("checked out"),
    "release": lazy_gettext("released, because nobody checked in"),
    "rename": lazy_gettext("renamed"),
    "offer": lazy_gettext("offered from the waitlist"),
    "accept": lazy_gettext("accepted"),
    "accept_for_approval": lazy_gettext("accepted, and asked for"),
    "lapse": lazy_gettext("given to the next one"),
}
DONE = {
    "cancel": lazy_gettext("The booking is cancelled; its time is free."),
    "refuse": lazy_gettext("The booking is refused."),
}


@dataclass(frozen=True)
class Actions:
    """What may be done with a booking now."""

    cancel: bool
    needs_reason: bool
    decision: Line | None
    levels: Sequence[LevelLine]


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
        waiting=_how_many_wait(actor),
        swaps=offers_of(actor.person_id, now) if shown == "upcoming" and page == 1 else [],
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
        reports=_reports(actor, row),
        actions=_actions(actor, row, now),
        changes=changes_of(actor, row, now),
        part=part_of(actor, row, now),
        history=_history(actor, row),
        form=ActForm(),
        together=_together(row),
    )


def _together(row: Booking) -> Sequence[Booking]:
    """The other bookings that were made together with one."""
    found = db.session.scalars(bundle_queries.made_together(row)) if row.bundle_id is not None else ()
    return [each for each in found if each.id != row.id]


def _reports(actor: Actor, row: Booking) -> Sequence[Trouble]:
    """The trouble of a booking, for those who may read it."""
    if not actor.is_person(row.person_id) and not actor.manages(row.instrument.facility_id):
        return []
    return [
        one
        for one in db.session.scalars(trouble_queries.reports_of(row.id))
        if use_policy.may_read_trouble(actor, queries.held(row), one.person_id)
    ]


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
    state = ledger.approve(booking_id, current_actor(), clock.now(), request.form.get("level", type=int))
    is_done = state is BookingState.CONFIRMED
    flash(_("Approved. The member is told by mail.") if is_done else _("This level is given."))
    if request.form.get("back") == "approvals" or not current_actor().is_manager:
        return redirect(url_for("inbox.index"), 303)
    return redirect(url_for("bookings.show", booking_id=booking_id), 303)


@blueprint.get("/bookings/approvals")
@signed_in
def approvals() -> ResponseReturnValue:
    """Where the approvals were before there was an inbox; old mails and bookmarks lead here."""
    return redirect(url_for("inbox.index"), 303)


def _how_many_wait(actor: Actor) -> int | None:
    """How much waits for the actor; None for people who decide on nothing."""
    return inbox_count() if has_a_say(actor) else None


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
    decision = line_for(actor, row, now)
    return Actions(
        cancel=can_still and can_step(BOOKING_STEPS, row.state, "cancel") and bool(policy.may_cancel(actor, held)),
        decision=decision,
        levels=decision.levels if decision else levels_for(actor, row),
        needs_reason=row.person_id is not None and not actor.is_person(row.person_id),
    )


def _end(booking_id: UUID, verb: str) -> ResponseReturnValue:
    """The page that asks before a booking is cancelled or refused, and the act itself."""
    actor, row = current_actor(), _seen(booking_id)
    if verb == "cancel":
        policy.may_cancel(actor, queries.held(row)).or_refuse()
    else:
        may_take_part(actor, row, clock.now()).or_refuse()
    form, refusal = ReasonForm(), None
    needs_reason = verb == "refuse" or _actions(actor, row, clock.now()).needs_reason
    if form.validate_on_submit():
        refusal = _ended(booking_id, verb, form)
        if refusal is None:
            flash(str(DONE[verb]))
            return redirect(url_for("bookings.show", booking_id=booking_id), 303)
        row = _seen(booking_id)
    page = render_template(
        "booking/bookings/end.html",
        booking=row,
        form=form,
        verb=verb,
        needs_reason=needs_reason,
        changes=changes_of(actor, row, clock.now()),
    )
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
    entries = _readable(actor, row, db.session.scalars(queries.history_of(row)).all())
    acted = {entry.person_id for entry in entries if entry.person_id}
    acted |= {UUID(text) for entry in entries if (text := entry.detail.get("for"))}
    names = dict(db.session.execute(approval_queries.people(acted)).all())
    holders = {row.person_id, *(UUID(entry.detail["from"]) for entry in entries if entry.verb == "hand_over")}
    return [
        Act(entry.at, str(VERBS.get(entry.verb, entry.verb)), _who(actor, row, entry, names, holders), entry.reason)
        for entry in entries
    ]


def _readable(actor: Actor, row: Booking, entries: Sequence[AuditEntry]) -> Sequence[AuditEntry]:
    """What those who do not manage the facility read: of a swapped booking nothing from before the swap."""
    swaps = [number for number, entry in enumerate(entries) if entry.verb == "swap"]
    return entries[swaps[-1] :] if swaps and not actor.manages(row.instrument.facility_id) else entries


def _who(
    actor: Actor, row: Booking, entry: AuditEntry, names: Mapping[UUID, str], holders: Collection[UUID | None]
) -> str:
    """By whom, with its preposition (Italian melts it with an article): managers are named to managers only.

    `holders`: whoever holds the booking or has handed it over.
    """
    if actor.is_person(entry.person_id):
        return str(_("by you"))
    if entry.verb == "swap" and not actor.manages(row.instrument.facility_id):
        return ""
    name = names.get(entry.person_id) if entry.person_id else None
    if name is None:
        return str(_("by the system"))
    if not actor.manages(row.instrument.facility_id) and entry.person_id not in holders:
        return str(_("by the facility"))
    if "for" in entry.detail:
        manager = names.get(UUID(entry.detail["for"]), "")
        return str(_("by %(deputy)s for %(manager)s", deputy=name, manager=manager))
    return str(_("by %(who)s", who=name))
