"""The calendar: instruments × time, a day, a week or a month of all that one may see, and bars that are dragged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.access import current_actor, signed_in
from accounts.policy import Actor
from booking.forms.calendar import Asked, View, asked_from, dropped_from, query_of
from booking.queries import calendar as queries
from booking.queries import ledger as ledger_queries
from booking.services import ledger
from booking.views.calendar_rows import Choices, Rows, around, choices, visible, wanted, zone_of
from core import clock, formats
from core.db import db
from core.errors import NotFound, Refusal
from core.timeline import Day, Timeline, days_from, timeline
from core.web import current_language
from facilities.models import Instrument

blueprint = Blueprint("calendar", __name__)
ROWS = {View.DAY: 60, View.WEEK: 60, View.MONTH: 20}
ZOOM = {View.DAY: 1, View.WEEK: 1, View.MONTH: 0}
"""At which the whole period fits a desktop window."""


@dataclass(frozen=True)
class Page:
    """A period of the chosen instruments, and the ways to others."""

    asked: Asked
    picture: Timeline | None
    choices: Choices
    facility: Instrument | None
    """An instrument of the one facility that the page is about."""
    days: Sequence[Day]
    found: int
    more: int
    """How many rows there are after these."""

    @property
    def title(self) -> str:
        """The period in words: 'Monday 4 January 2027', '4–10 January 2027', 'January 2027'."""
        return formats.period(self.days[0].date, self.days[-1].date, current_language())

    @property
    def before(self) -> str:
        """The address of the period before."""
        return self.url(day=self.asked.moved(self.days[0].date, -1), shown=None)

    @property
    def next(self) -> str:
        """The address of the period after."""
        return self.url(day=self.asked.moved(self.days[0].date, 1), shown=None)

    def url(self, **changes: object) -> str:
        """The same page with changes, `day` and `view` among them."""
        if self.facility is not None and "facility" not in changes:
            values = query_of(self.asked, **{"after": 0, "facility": "", **changes})
            return url_for("calendar.of_facility", facility_slug=self.asked.facility, **values)
        return url_for("calendar.show", **query_of(self.asked, **{"after": 0, **changes}))


@blueprint.get("/calendar")
def show() -> ResponseReturnValue:
    """One row per instrument."""
    return _answer(asked_from(request.args), None)


@blueprint.get("/calendar/<facility_slug>")
def of_facility(facility_slug: str) -> ResponseReturnValue:
    """The same of one facility."""
    return _answer(replace(asked_from(request.args), facility=facility_slug), facility_slug)


@blueprint.post("/calendar/move")
@signed_in
def move() -> ResponseReturnValue:
    """A bar was dropped: move the booking as its form would; refused, the problem is told (RFC 9457)."""
    try:
        dropped = dropped_from(request.form)
        instrument = db.session.scalars(ledger_queries.instrument(dropped.instrument_id)).one_or_none()
        if instrument is None:
            raise NotFound
        times = dropped.times(ledger_queries.terms_of(instrument).zone)
        ledger.move(dropped.booking_id, *times, dropped.sequence, current_actor(), clock.now(), dropped.instrument_id)
    except Refusal as refusal:
        return _problem(refusal)
    return jsonify(booking=str(dropped.booking_id))


def _problem(refusal: Refusal) -> Response:
    sentence = next(iter(refusal.fields.values()), refusal.message)
    title = _(sentence, **refusal.values)
    answer = jsonify(type="about:blank", status=refusal.status, code=refusal.code, title=title)
    answer.status_code, answer.mimetype = refusal.status, "application/problem+json"
    return answer


def _answer(asked: Asked, facility_slug: str | None) -> ResponseReturnValue:
    actor = current_actor()
    every = db.session.scalars(queries.instruments()).unique().all()
    facility = next((one for one in every if one.facility.slug == facility_slug), None)
    if facility_slug is not None and facility is None:
        raise NotFound
    seen = visible(every, actor)
    if asked.mine and not actor.is_signed_in:
        return redirect(url_for("accounts.login", next=request.full_path), 303)
    booked = _booked(asked, actor)
    page = _page(asked, wanted(seen, asked, booked), choices(seen), facility, actor)
    return render_template("booking/calendar/show.html", page=page)


def _booked(asked: Asked, actor: Actor) -> frozenset[UUID]:
    """What the reader has booked, if the page is about it."""
    if not asked.mine or actor.person_id is None:
        return frozenset()
    return frozenset(db.session.scalars(queries.booked_by(actor.person_id)))


def _page(asked: Asked, found: list[Instrument], options: Choices, facility: Instrument | None, actor: Actor) -> Page:
    zone, now = zone_of(found), clock.now()
    first, count = asked.period(formats.local_date(now, zone))
    days = days_from(first, count, zone, now)
    rows = found[asked.after : asked.after + ROWS[asked.view]]
    more = max(0, len(found) - asked.after - len(rows))
    page = Page(asked, None, options, facility, days, len(found), more)
    if not rows:
        return page
    shown = _shown(days, asked.shown)
    maker = Rows(days, zone, days[shown], actor, now)
    held = db.session.scalars(queries.held_with_holders(rows, around(maker.when, rows))).all()
    of_each = queries.by_instrument(held, rows)
    picture = timeline(
        [maker.row(one, of_each[one.id]) for one in rows],
        days,
        zone,
        now,
        shown_day=shown,
        day_url=lambda n: page.url(shown=days[n].date, after=asked.after),
        zoom=ZOOM[asked.view],
    )
    return replace(page, picture=picture)


def _shown(days: Sequence[Day], wish: date | None) -> int:
    """The day of the phone's agenda: the wished one, today, the first."""
    wished = next((n for n, day in enumerate(days) if day.date == wish), None)
    return wished if wished is not None else next((n for n, day in enumerate(days) if day.is_today), 0)
