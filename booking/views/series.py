"""Booking again and again, and changing or cancelling what was booked so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from accounts import queries as accounts
from accounts.access import current_actor, signed_in
from accounts.models import Organisation
from accounts.policy import Actor
from booking.forms.ledger import ReasonForm, day_of
from booking.forms.series import ScopeForm, SeriesChangeForm, SeriesForm, as_typed, wall_times_of
from booking.lifecycle import BookingState
from booking.models import Booking
from booking.policy import changes
from booking.policy import ledger as policy
from booking.queries import ledger as queries
from booking.queries import series as series_queries
from booking.recurrence import read
from booking.services import series as services
from booking.services.ledger.approvals import Decision
from booking.services.ledger.qualified import assistance_of
from booking.services.series import OccurrencesRefused, SeriesWish
from booking.services.series_changes import Scope, cancel_series, change_series, decide_series
from booking.terms import Terms
from booking.views.series_words import DayLine, day_lines, pattern_words, refusal_words
from core import clock, formats
from core.db import db
from core.errors import NotFound, Refusal
from core.web import current_language
from facilities import queries as facilities
from facilities.facts import name_of
from facilities.models import Assistance, Instrument

blueprint = Blueprint("series", __name__)
USUAL_TIMES = 10
PROCESSED = ("preview", "book")
"""Buttons of our own form; without one of them what the booking form had is taken over."""


# --- booking ----------------------------------------------------------------------------------------------


@blueprint.route("/facilities/<facility_slug>/<slug>/series", methods=["GET", "POST"])
@signed_in
def new(facility_slug: str, slug: str) -> ResponseReturnValue:
    """The pattern, then its dates with what cannot be had, then all of it at once."""
    instrument = _instrument(facility_slug, slug)
    actor, terms = current_actor(), queries.terms_of(instrument)
    organisations = _organisations(actor)
    policy.may_book(actor, organisations[0].id if organisations else None).or_refuse()
    if request.form.get("do") not in PROCESSED:
        return _page(facility_slug, slug, _prefilled(terms, organisations), ())
    form = SeriesForm()
    form.offer(terms, {one.id: one.name for one in organisations})
    wish = _wish(form, instrument) if form.validate() else None
    if wish is None:
        return _page(facility_slug, slug, form, ()), 422
    if request.form["do"] == "book":
        return _booked(facility_slug, slug, form, wish)
    return _shown(facility_slug, slug, form, wish, None)


def _booked(facility_slug: str, slug: str, form: SeriesForm, wish: SeriesWish) -> ResponseReturnValue:
    try:
        made = services.book_series(wish, current_actor(), clock.now(), form.key.data or "")
    except OccurrencesRefused as refusal:
        return _shown(facility_slug, slug, form, wish, refusal)
    except Refusal as refusal:
        if not form.show(refusal):
            raise
        return _page(facility_slug, slug, form, ()), refusal.status
    rows = db.session.scalars(series_queries.occurrences_of(made)).all()
    flash(_said_of(rows))
    return redirect(url_for("bookings.show", booking_id=rows[0].id), 303)


def _said_of(rows: Sequence[Booking]) -> str:
    if any(row.state is BookingState.TENTATIVE for row in rows):
        return str(
            ngettext(
                "%(num)d date is held for you until a manager decides.",
                "%(num)d dates are held for you until a manager decides.",
                len(rows),
            )
        )
    return str(
        ngettext(
            "%(num)d date is booked. One mail lists it.",
            "%(num)d dates are booked. One mail lists them.",
            len(rows),
        )
    )


def _shown(
    facility_slug: str, slug: str, form: SeriesForm, wish: SeriesWish, refusal: Refusal | None
) -> ResponseReturnValue:
    """The dates of a pattern, each with what can be chosen."""
    try:
        lines = services.preview(wish, current_actor(), clock.now())
    except Refusal as whole:
        if not form.show(whole):
            raise
        return _page(facility_slug, slug, form, ()), whole.status
    shown = day_lines(lines, wish, queries.terms_of(_instrument(facility_slug, slug)).zone.key)
    return _page(facility_slug, slug, form, shown, refusal), refusal.status if refusal else 200


def _page(
    facility_slug: str, slug: str, form: SeriesForm, lines: Sequence[DayLine], refusal: Refusal | None = None
) -> str:
    instrument = _instrument(facility_slug, slug)
    return render_template(
        "booking/series/new.html",
        instrument=instrument,
        facility=instrument.facility,
        name=name_of(instrument, current_language()),
        form=form,
        organisations=_organisations(current_actor()),
        asks_assistance=assistance_of(instrument) is Assistance.OPTIONAL,
        lines=lines,
        open_questions=sum(1 for line in lines if line.why),
        to_book=sum(1 for line in lines if line.is_held),
        hindrance=refusal_words(refusal) if refusal else "",
    )


def _wish(form: SeriesForm, instrument: Instrument) -> SeriesWish | None:
    pattern = form.pattern()
    if pattern is None:
        return None
    is_assisted = bool(form.is_assisted.data)
    return SeriesWish(
        pattern, instrument.id, UUID(form.organisation_id.data), form.title.data, is_assisted, form.moved()
    )


def _prefilled(terms: Terms, organisations: list[Organisation]) -> SeriesForm:
    """The form with what the booking form held, else two hours tomorrow at nine."""
    sent = request.form
    first = _day(sent.get("day", "")) or clock.now().astimezone(terms.zone).date() + timedelta(days=1)
    last = _day(sent.get("end_day", "")) or first
    form = SeriesForm(
        formdata=None,
        data={
            "organisation_id": sent.get("organisation_id", ""),
            "title": sent.get("title", ""),
            "start": sent.get("start", "09:00"),
            "end": sent.get("end", "11:00"),
            "days": max(0, (last - first).days),
            "repeats": "weekly",
            "every": 1,
            "weekdays": [str(first.weekday())],
            "month_day": str(first.day),
            "nth": str(min(5, (first.day - 1) // 7 + 1)),
            "weekday": str(first.weekday()),
            "first": first,
            "ends": "count",
            "count": USUAL_TIMES,
        },
    )
    form.offer(terms, {one.id: one.name for one in organisations})
    return form


def _day(text: str) -> date | None:
    try:
        return day_of(text)
    except ValueError:
        return None


def _instrument(facility_slug: str, slug: str) -> Instrument:
    found = db.session.scalars(facilities.instrument_by_slugs(facility_slug, slug)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _organisations(actor: Actor) -> list[Organisation]:
    if actor.person_id is None or not actor.is_member:
        return []
    return list(db.session.scalars(accounts.organisations_of(actor.person_id)))


# --- a booking's series -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """What the page of a booking shows of its series."""

    words: str
    bookings: Sequence[Booking]
    can_change: bool
    can_cancel: bool
    waiting: int
    """How many bookings wait for a decision that is the reader's."""


def part_of(actor: Actor, row: Booking, now: datetime) -> Part | None:
    """The series that a booking belongs to, with those of its bookings that the actor may know; None: it has none."""
    if row.series_id is None:
        return None
    series = db.session.scalars(series_queries.series(row.series_id)).one()
    rows = db.session.scalars(series_queries.occurrences_with_places(series.id)).all()
    known = [one for one in rows if policy.may_see(actor, queries.held(one))]
    to_come = [one for one in known if policy.is_live(queries.held(one)) and one.starts_at > now]
    held = queries.held(row)
    decides = bool(policy.may_decide(actor, held))
    waiting = db.session.scalars(series_queries.waiting_in(series.id, now)).all() if decides else []
    return Part(
        words=pattern_words(read(series.pattern)),
        bookings=known,
        can_change=bool(to_come) and bool(changes.may_move(actor, held)),
        can_cancel=bool(to_come) and bool(policy.may_cancel(actor, held)),
        waiting=len(waiting),
    )


@blueprint.route("/bookings/<uuid:booking_id>/series/change", methods=["GET", "POST"])
@signed_in
def change(booking_id: UUID) -> ResponseReturnValue:
    """Other times or another title for one, the following or all."""
    row = _part(booking_id)
    actor, terms = current_actor(), queries.terms_of(row.instrument)
    changes.may_move(actor, queries.held(row)).or_refuse()
    now_are = wall_times_of(row.starts_at, row.ends_at, terms.zone)
    usual = {**as_typed(now_are), "title": row.title, "scope": Scope.THIS.value}
    form = SeriesChangeForm(data=usual if request.method == "GET" else {})
    form.offer_times(terms)
    if not form.is_submitted():
        return _change_page(row, form, None)
    wanted = form.change(now_are, row.title) if form.validate() else None
    if wanted is None:
        return _change_page(row, form, None), 422
    try:
        change_series(booking_id, Scope(form.scope.data), wanted, actor, clock.now(), form.reason.data)
    except Refusal as refusal:
        form.show(refusal)
        return _change_page(_part(booking_id), form, refusal), refusal.status
    flash(_("Changed. A mail lists the new times."))
    return redirect(url_for("bookings.show", booking_id=booking_id), 303)


def _change_page(row: Booking, form: SeriesChangeForm, refusal: Refusal | None) -> str:
    return _scope_page("booking/series/change.html", row, form, refusal)


@blueprint.route("/bookings/<uuid:booking_id>/series/cancel", methods=["GET", "POST"])
@signed_in
def cancel(booking_id: UUID) -> ResponseReturnValue:
    """Give back one, the following or all."""
    row = _part(booking_id)
    actor = current_actor()
    policy.may_cancel(actor, queries.held(row)).or_refuse()
    form = ScopeForm(data={"scope": Scope.ALL.value} if request.method == "GET" else {})
    if not form.is_submitted():
        return _scope_page("booking/series/cancel.html", row, form, None)
    if not form.validate():
        return _scope_page("booking/series/cancel.html", row, form, None), 422
    try:
        cancel_series(booking_id, Scope(form.scope.data), actor, clock.now(), form.reason.data)
    except Refusal as refusal:
        form.show(refusal)
        return _scope_page("booking/series/cancel.html", _part(booking_id), form, refusal), refusal.status
    flash(_("Cancelled; the time is free."))
    return redirect(url_for("bookings.show", booking_id=booking_id), 303)


@blueprint.post("/bookings/<uuid:booking_id>/series/approve")
@signed_in
def approve(booking_id: UUID) -> ResponseReturnValue:
    """Approve all that wait, with one press."""
    return _decided(booking_id, Decision.APPROVE, "")


@blueprint.route("/bookings/<uuid:booking_id>/series/refuse", methods=["GET", "POST"])
@signed_in
def refuse(booking_id: UUID) -> ResponseReturnValue:
    """Ask for the reason, then refuse all that wait."""
    row = _part(booking_id)
    policy.may_decide(current_actor(), queries.held(row)).or_refuse()
    form = ReasonForm()
    if form.validate_on_submit():
        try:
            return _decided(booking_id, Decision.REFUSE, form.reason.data)
        except Refusal as refusal:
            if not form.show(refusal):
                raise
            return _scope_page("booking/series/refuse.html", _part(booking_id), form, None), refusal.status
    return _scope_page("booking/series/refuse.html", row, form, None)


def _decided(booking_id: UUID, decision: Decision, reason: str) -> ResponseReturnValue:
    _part(booking_id)
    results = decide_series(booking_id, decision, current_actor(), clock.now(), reason)
    refused = [one.refusal for one in results if one.refusal is not None]
    done = len(results) - len(refused)
    flash(ngettext("Decided on %(num)d booking.", "Decided on %(num)d bookings.", done))
    if refused:
        flash(refusal_words(refused[0]))
    return redirect(url_for("bookings.show", booking_id=booking_id), 303)


def _part(booking_id: UUID) -> Booking:
    """The booking, if it has a series and the actor may know of it."""
    row = db.session.scalars(queries.booking_for_its_page(booking_id)).one_or_none()
    if row is None or row.series_id is None:
        raise NotFound
    policy.may_see(current_actor(), queries.held(row)).or_refuse()
    return row


def _scope_page(template: str, row: Booking, form: ScopeForm | ReasonForm, refusal: Refusal | None) -> str:
    actor, now = current_actor(), clock.now()
    part = part_of(actor, row, now)
    refused = refusal.refused if isinstance(refusal, OccurrencesRefused) else {}
    return render_template(
        template,
        booking=row,
        part=part,
        form=form,
        needs_reason=not actor.is_person(row.person_id),
        hindrance=refusal_words(refusal) if refusal and not refusal.fields else "",
        refused=[
            (formats.full_day(day, current_language()), refusal_words(why)) for day, why in sorted(refused.items())
        ],
    )
