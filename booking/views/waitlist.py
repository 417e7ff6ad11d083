"""Waiting for a free slot: the form, my places with their offers, a facility's queues for its managers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import queries as accounts
from accounts.access import current_actor, signed_in
from accounts.models import Organisation
from booking.forms.ledger import ActForm, clock_minutes, day_of
from booking.forms.waitlist import WaitForm, suggested
from booking.models import Waiting, WaitState
from booking.policy import waitlist as policy
from booking.queries import ledger
from booking.queries import waitlist as queries
from booking.services import waitlist
from booking.terms import Terms
from booking.waiting import Turn
from core import clock
from core.db import db
from core.errors import NotFound, Refusal
from core.intervals import Interval
from core.localtime import instants_at
from core.web import current_language
from facilities import queries as facilities
from facilities.facts import name_of
from facilities.models import Instrument

blueprint = Blueprint("waitlist", __name__)


@dataclass(frozen=True)
class Position:
    """A place with its number among all whose windows touch it; None of both while it has an offer."""

    row: Waiting
    turn: Turn | None
    number: int
    of: int


# --- joining ----------------------------------------------------------------------------------------------


@blueprint.route("/facilities/<facility_slug>/<slug>/wait", methods=["GET", "POST"])
@signed_in
def wait(facility_slug: str, slug: str) -> ResponseReturnValue:
    """Ask for a window and a length, and join."""
    instrument = _instrument(facility_slug, slug)
    actor = current_actor()
    assert actor.person_id is not None  # noqa: S101 - signed in
    organisations = list(db.session.scalars(accounts.organisations_of(actor.person_id)))
    policy.may_wait(actor, organisations[0].id if organisations else None).or_refuse()
    terms = ledger.terms_of(instrument)
    form = _form(terms, organisations)
    if not form.is_submitted():
        return _wait_page(instrument, form, organisations, None)
    wanted = form.wanted(terms) if form.validate() else None
    if wanted is None:
        return _wait_page(instrument, form, organisations, None), 422
    refusal = _joined(instrument, form, wanted)
    if refusal is not None:
        return _wait_page(_instrument(facility_slug, slug), form, organisations, refusal), refusal.status
    flash(_("You are in the waitlist. A mail comes as soon as a slot is offered to you."))
    return redirect(url_for("waitlist.mine"), 303)


def _form(terms: Terms, organisations: Sequence[Organisation]) -> WaitForm:
    today = clock.now().astimezone(terms.zone).date()
    form = WaitForm(data=suggested(terms, _asked(terms), today))
    form.offer_organisations({one.id: one.name for one in organisations})
    form.offer(terms)
    form.start.offer([0])
    return form


def _joined(instrument: Instrument, form: WaitForm, wanted: waitlist.Window) -> Refusal | None:
    """Do it; a refusal comes back, shown beside its field."""
    organisation_id, title, key = UUID(form.organisation_id.data), form.title.data, form.key.data or ""
    try:
        waitlist.join(instrument.id, organisation_id, wanted, title, current_actor(), clock.now(), key)
    except Refusal as refusal:
        if not form.show(refusal, otherwise="day"):
            raise
        return refusal
    return None


def _wait_page(
    instrument: Instrument, form: WaitForm, organisations: Sequence[Organisation], refusal: Refusal | None
) -> str:
    return render_template(
        "booking/waitlist/wait.html",
        instrument=instrument,
        facility=instrument.facility,
        name=name_of(instrument, current_language()),
        form=form,
        organisations=organisations,
        book_url=_book_url(instrument, refusal) if refusal and refusal.code == "is_free" else None,
    )


def _book_url(instrument: Instrument, refusal: Refusal) -> str:
    """Where the free time of a refusal is booked."""
    zone = ledger.terms_of(instrument).zone
    start, end = (str(refusal.values[name]) for name in ("starts_at", "ends_at"))
    first, last = (datetime.fromisoformat(at).astimezone(zone) for at in (start, end))
    return url_for(
        "instruments.show",
        facility_slug=instrument.facility.slug,
        slug=instrument.slug,
        week=first.date().isoformat(),
        start=f"{first:%Y-%m-%dT%H:%M}",
        end=f"{last:%Y-%m-%dT%H:%M}",
        _anchor="book",
    )


def _asked(terms: Terms) -> Interval | None:
    """The stretch that the address names, 'start=2027-01-04T08:30&end=…' by the wall clock; None if it is none."""
    start, end = (_wall(request.args.get(name, ""), terms.zone) for name in ("start", "end"))
    return Interval(start, end) if start and end and start < end else None


def _wall(text: str, zone: ZoneInfo) -> datetime | None:
    """An instant by the wall clock, '24:00' too; None when there is none."""
    day, _t, time = text.partition("T")
    try:
        minute = clock_minutes(time)
        found = () if minute is None else instants_at(day_of(day), minute, zone)
    except ValueError:
        return None
    return found[0] if found else None


def _instrument(facility_slug: str, slug: str) -> Instrument:
    found = db.session.scalars(facilities.instrument_by_slugs(facility_slug, slug)).one_or_none()
    if found is None:
        raise NotFound
    return found


# --- my places --------------------------------------------------------------------------------------------


@blueprint.get("/waitlist")
@signed_in
def mine() -> ResponseReturnValue:
    """A person's places: offers to answer, and where they stand in each queue."""
    actor, now = current_actor(), clock.now()
    assert actor.person_id is not None  # noqa: S101 - signed in
    rows = db.session.scalars(queries.places_of(actor.person_id)).unique().all()
    positions = _positions(rows, now)
    return render_template(
        "booking/waitlist/mine.html",
        offers=[one for one in positions if one.row.state is WaitState.OFFERED],
        waiting=[one for one in positions if one.row.state is WaitState.WAITING],
        form=ActForm(),
        now=now,
    )


@blueprint.post("/waitlist/<uuid:place_id>/offers/<uuid:booking_id>/accept")
@signed_in
def accept(place_id: UUID, booking_id: UUID) -> ResponseReturnValue:
    """Take what is offered."""
    waitlist.accept(place_id, booking_id, current_actor(), clock.now())
    flash(_("The time is yours. A mail says so, or that a manager still has to decide."))
    return redirect(url_for("bookings.show", booking_id=booking_id), 303)


@blueprint.post("/waitlist/<uuid:place_id>/offers/<uuid:booking_id>/decline")
@signed_in
def decline(place_id: UUID, booking_id: UUID) -> ResponseReturnValue:
    """Let the next one have it."""
    waitlist.decline(place_id, booking_id, current_actor(), clock.now())
    flash(_("The time goes to the next one. You still wait for another."))
    return redirect(url_for("waitlist.mine"), 303)


@blueprint.post("/waitlist/<uuid:place_id>/leave")
@signed_in
def leave(place_id: UUID) -> ResponseReturnValue:
    """Wait no longer."""
    waitlist.leave(place_id, current_actor(), clock.now())
    flash(_("You no longer wait for this."))
    return redirect(url_for("waitlist.mine"), 303)


# --- a facility's queues ----------------------------------------------------------------------------------


@blueprint.get("/facilities/<slug>/waitlist")
@signed_in
def queue(slug: str) -> ResponseReturnValue:
    """Who waits for a facility's instruments, in which order and why."""
    facility = db.session.scalars(facilities.facility_by_slug(slug)).one_or_none()
    if facility is None:
        raise NotFound
    policy.may_see_queue(current_actor(), facility.id).or_refuse()
    rows = db.session.scalars(queries.places_at(facility.id)).unique().all()
    positions = sorted(_positions(rows, clock.now()), key=_listed_at)
    return render_template(
        "booking/waitlist/queue.html",
        facility=facility,
        groups=[(one, list(each)) for one, each in groupby(positions, key=lambda position: position.row.instrument)],
        count=len(positions),
    )


def _listed_at(one: Position) -> tuple[int, str, int]:
    """By instrument, offers first, then by turn."""
    instrument = one.row.instrument
    return instrument.position, instrument.slug, one.turn.number if one.turn else 0


def _positions(rows: Sequence[Waiting], now: datetime) -> list[Position]:
    """Where each of these places stands, in a number of statements that depends on the facilities only."""
    rivals = {row.id: row for row in db.session.scalars(queries.rivals(rows))} if rows else {}
    queues = queries.queues(db.session(), rivals.values(), now)
    return [_position(row, rivals, queues.get(queries.contested(row.instrument), [])) for row in rows]


def _position(row: Waiting, rivals: dict[UUID, Waiting], turns: Sequence[Turn]) -> Position:
    near = [turn for turn in turns if _touch(row, rivals[turn.place.id])]
    for number, turn in enumerate(near, 1):
        if turn.place.id == row.id:
            return Position(row, turn, number, len(near))
    return Position(row, None, 0, len(near))


def _touch(one: Waiting, other: Waiting) -> bool:
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at
