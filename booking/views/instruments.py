"""An instrument with its live availability and, where members book it themselves, its booking form."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import queries as accounts
from accounts.access import current_actor, signed_in
from accounts.models import Organisation
from accounts.policy import Actor, No
from booking.forms.ledger import BookingForm, clock_text, day_of
from booking.lifecycle import BookingState
from booking.models import Booking, Round
from booking.policy import ledger as policy
from booking.queries import home as home_queries
from booking.queries import ledger as queries
from booking.services import ledger
from booking.services.ledger import Order
from booking.services.ledger.leftover import without_its_parent
from booking.terms import DAY_MINUTES, Terms, check_mode
from booking.views.alternatives import instead_of
from booking.views.asks import asks_of
from booking.views.conditions import BOOKABLE, Conditions, along_with, conditions_of
from booking.views.instrument_week import Week, suggested_end, week_of
from core import clock
from core.db import db
from core.errors import NotFound, Refusal
from core.intervals import Interval
from core.web import current_language
from facilities import queries as facilities
from facilities.facts import name_of
from facilities.models import Instrument
from facilities.policy import BookingMode, may_change_rules, may_see_free_busy

blueprint = Blueprint("instruments", __name__)


@dataclass(frozen=True)
class Actions:
    """What the page offers; each from the rule that the verb asks, too."""

    see_free_busy: bool
    book: bool
    close: bool
    rules: bool
    why_not: str


@blueprint.get("/facilities/<facility_slug>/<slug>")
def show(facility_slug: str, slug: str) -> ResponseReturnValue:
    """Facts, the week, the booking form."""
    instrument = _instrument(facility_slug, slug)
    return _page(instrument, None)


@blueprint.post("/facilities/<facility_slug>/<slug>")
@signed_in
def book(facility_slug: str, slug: str) -> ResponseReturnValue:
    """Book; a refusal is shown beside its field."""
    instrument = _instrument(facility_slug, slug)
    terms = queries.terms_of(instrument)
    organisations = _organisations(current_actor())
    policy.may_book(current_actor(), organisations[0].id if organisations else None).or_refuse()
    form = _booking_form(organisations, terms)
    if not form.validate():
        return _page(instrument, form), 422
    times = form.times(terms.zone)
    if times is None:
        return _page(instrument, form), 422
    organisation_id = UUID(form.organisation_id.data)
    wanted = Order(
        (instrument.id, *(form.also.data or [])), organisation_id, *times, form.title.data, bool(form.is_assisted.data)
    )
    try:
        made = ledger.book_together(wanted, current_actor(), clock.now(), form.key.data or "")
    except Refusal as refusal:
        if not form.show(refusal):
            raise
        return _page(_instrument(facility_slug, slug), form), refusal.status
    is_confirmed = db.session.get_one(Booking, made).state is not BookingState.TENTATIVE
    flash(_("Booked. A mail confirms it.") if is_confirmed else _("Held for you until a manager decides."))
    return redirect(url_for("bookings.show", booking_id=made), 303)


def _instrument(facility_slug: str, slug: str) -> Instrument:
    found = db.session.scalars(facilities.instrument_by_slugs(facility_slug, slug)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _page(instrument: Instrument, sent: BookingForm | None) -> str:
    actor, now = current_actor(), clock.now()
    organisations = _organisations(actor)
    conditions = conditions_of(db.session(), instrument, actor, now)
    actions = _actions(instrument, conditions, actor, organisations)
    week = _week(instrument, conditions, actor, actions, now, sent)
    form = sent or _prefilled(instrument, organisations, week) if actions.book else None
    return render_template(
        "booking/instruments/show.html",
        instrument=instrument,
        facility=instrument.facility,
        name=name_of(instrument, current_language()),
        actions=actions,
        conditions=conditions,
        bookable=_is_bookable(instrument, conditions),
        along=along_with(db.session(), instrument, _chosen(form, instrument)) if form else [],
        week=week,
        form=form,
        asks=asks_of(db.session(), instrument, actor, organisations, form.day.data, now) if form else None,
        alternatives=instead_of(sent, instrument, actor, now) if sent else [],
        organisations=organisations,
        rounds=_rounds(instrument, now),
    )


def _is_bookable(instrument: Instrument, conditions: Conditions) -> bool:
    """Whether members book it themselves, at least some of its time."""
    return instrument.booking_mode in BOOKABLE or conditions.is_leftover


def _actions(
    instrument: Instrument, conditions: Conditions, actor: Actor, organisations: list[Organisation]
) -> Actions:
    sees = bool(may_see_free_busy(actor, instrument.facility.free_busy_is_public))
    answer = policy.may_book(actor, organisations[0].id if organisations else None)
    why_not = _(answer.reason) if isinstance(answer, No) else ""
    if not _is_bookable(instrument, conditions):
        why_not = _why_not_bookable(instrument, conditions)
    return Actions(
        see_free_busy=sees,
        book=not why_not,
        close=bool(policy.may_close(actor, instrument.facility_id)),
        rules=bool(may_change_rules(actor, instrument.facility_id)),
        why_not=why_not,
    )


def _why_not_bookable(instrument: Instrument, conditions: Conditions) -> str:
    if conditions.parent is not None:
        refusal = without_its_parent(conditions.parent, current_language())
        return str(_(refusal.message, **refusal.values))
    try:
        check_mode(instrument.booking_mode)
    except Refusal as refusal:
        return str(_(refusal.message))
    return ""


def _organisations(actor: Actor) -> list[Organisation]:
    if actor.person_id is None or not actor.is_member:
        return []
    return list(db.session.scalars(accounts.organisations_of(actor.person_id)))


def _rounds(instrument: Instrument, now: datetime) -> list[Round]:
    """Open calls in which this instrument's time is given."""
    if instrument.booking_mode is not BookingMode.ROUND:
        return []
    return list(db.session.scalars(home_queries.open_calls_for(instrument.id, now)))


def _week(
    instrument: Instrument,
    conditions: Conditions,
    actor: Actor,
    actions: Actions,
    now: datetime,
    sent: BookingForm | None,
) -> Week | None:
    if not actions.see_free_busy:
        return None
    offers = _is_bookable(instrument, conditions) and (actions.book or not actor.is_signed_in)
    first = sent.day.data if sent else _asked_day()
    return week_of(db.session(), instrument, actor, now, first=first, can_book=offers, only=conditions.leftover)


def _asked_day() -> date | None:
    """The first day that the address asks for; today when it names none."""
    try:
        return day_of(request.args.get("week", ""))
    except ValueError:
        return None


# --- the form ---------------------------------------------------------------------------------------------


def _booking_form(organisations: list[Organisation], terms: Terms, **values: object) -> BookingForm:
    form = BookingForm(data=values) if values else BookingForm()
    form.offer_organisations({one.id: one.name for one in organisations})
    form.offer(terms)
    return form


def _prefilled(instrument: Instrument, organisations: list[Organisation], week: Week | None) -> BookingForm:
    terms = queries.terms_of(instrument)
    stretch = _asked_stretch(terms) or (_suggested(terms, week.first_free) if week and week.first_free else None)
    if stretch is None:
        return _booking_form(organisations, terms)
    start, end = (at.astimezone(terms.zone) for at in (stretch.start, stretch.end))
    end_day, end_minute = end.date(), end.hour * 60 + end.minute
    if end_minute == 0:
        end_day, end_minute = end_day - timedelta(days=1), DAY_MINUTES
    return _booking_form(
        organisations,
        terms,
        day=start.date(),
        start=clock_text(start.hour * 60 + start.minute),
        end_day=end_day,
        end=clock_text(end_minute),
    )


def _chosen(form: BookingForm, instrument: Instrument) -> Interval | None:
    """The stretch that the form shows; None while it names none."""
    times = form.peek(queries.terms_of(instrument).zone)
    return Interval(*times) if times and times[0] < times[1] else None


def _suggested(terms: Terms, free: Interval) -> Interval:
    return Interval(free.start, suggested_end(terms, free))


def _asked_stretch(terms: Terms) -> Interval | None:
    """The stretch that the address names, 'start=2027-01-04T08:30&end=…' by the wall clock; None if it is none."""
    start, end = (_wall(request.args.get(name, ""), terms.zone) for name in ("start", "end"))
    return Interval(start, end) if start and end and start < end else None


def _wall(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        day_of(text[:10])
        return datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=zone)
    except ValueError:
        return None
