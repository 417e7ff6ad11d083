"""Find me a free one: the earliest free stretches across all instruments that one may book."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from statistics import mean

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.access import current_actor
from accounts.policy import Actor
from booking.finding import Offer, kilometres, offers
from booking.forms.finding import FindForm
from booking.queries import calendar as queries
from booking.queries import ledger as ledger_queries
from booking.views.calendar_rows import BOOKABLE, around, choices, facility_name, may_book, visible, zone_of
from booking.views.instrument_week import wall_text
from core import clock, formats
from core.db import db
from core.intervals import Interval
from core.localtime import midnight
from core.web import current_language
from facilities.facts import name_of
from facilities.models import Facility, Instrument
from facilities.search import words_of
from facilities.vocabulary import say, vocabulary

blueprint = Blueprint("finding", __name__)
MOST_OF_EACH = 3
MOST_SHOWN = 40


@dataclass(frozen=True)
class Found:
    """A booking that can be made, where, how far away, and until when one could stay."""

    offer: Offer
    instrument: Instrument
    zone: str
    kilometres: float | None
    url: str

    @property
    def name(self) -> str:
        """Of the instrument."""
        return name_of(self.instrument, current_language())

    @property
    def place(self) -> str:
        """Facility and city."""
        return f"{facility_name(self.instrument)} · {self.instrument.facility.city}"

    @property
    def day(self) -> date:
        """The local day on which it begins."""
        return formats.local_date(self.offer.booking.start, self.zone)


@blueprint.get("/find")
def find() -> ResponseReturnValue:
    """The form, and what it finds."""
    actor, now = current_actor(), clock.now()
    every = db.session.scalars(queries.instruments()).unique().all()
    bookable = [one for one in visible(every, actor) if one.booking_mode in BOOKABLE] if may_book(actor) else []
    cities = cities_of(bookable)
    form = _form(bookable, cities, actor, now)
    is_sound = form.validate()
    found = _found(form, _wanted(bookable, form), cities.get(form.near.data or ""), now) if is_sound else []
    page = render_template(
        "booking/finding/find.html",
        form=form,
        is_sound=is_sound,
        days=[(day, list(group)) for day, group in groupby(found[:MOST_SHOWN], key=lambda one: one.day)],
        count=len(found),
        most=MOST_SHOWN,
        may_book=may_book(actor),
    )
    return page, 200 if is_sound else 422


def cities_of(instruments: Iterable[Instrument]) -> dict[str, tuple[float, float]]:
    """Every city with the middle of its facilities, by name."""
    sites: dict[str, dict[str, Facility]] = {}
    for one in instruments:
        sites.setdefault(one.facility.city, {})[one.facility.slug] = one.facility
    return {
        city: (mean(one.latitude for one in there.values()), mean(one.longitude for one in there.values()))
        for city, there in sorted(sites.items())
    }


def _form(
    bookable: Sequence[Instrument], cities: dict[str, tuple[float, float]], actor: Actor, now: datetime
) -> FindForm:
    near = "" if "near" in request.args else _home(actor)
    form = FindForm.asked(request.args, formats.local_date(now, zone_of(bookable)), near if near in cities else "")
    options = choices(bookable)
    form.offer("technique", [(one.value, one.label) for one in options.techniques], _("any"))
    form.offer("kind", [(one.value, one.label) for one in options.kinds], _("any"))
    form.offer("facility", [(one.value, one.label) for one in options.facilities], _("any"))
    form.offer("near", [(city, city) for city in cities], _("anywhere"))
    return form


def _home(actor: Actor) -> str:
    """The city of the reader's organisation."""
    return (db.session.scalar(queries.city_of(actor.memberships)) or "") if actor.memberships else ""


def _wanted(bookable: Iterable[Instrument], form: FindForm) -> list[Instrument]:
    words = words_of(form.q.data or "")
    return [
        one
        for one in bookable
        if form.technique.data in ("", *(each.slug for each in one.facility.techniques))
        and form.kind.data in ("", one.kind)
        and form.facility.data in ("", one.facility.slug)
        and _has_words(one, words)
    ]


def _has_words(one: Instrument, words: Sequence[str]) -> bool:
    """Whether each word begins a word of the instrument's, its facility's or their techniques' names."""
    if not words:
        return True
    facility, kinds = one.facility, vocabulary().kinds
    texts = [one.name, one.name_it, say(kinds, one.kind, "it"), say(kinds, one.kind, "en")]
    texts += [facility.name_it, facility.name_en, facility.city]
    texts += [text for each in facility.techniques for text in (each.name_it, each.name_en)]
    known = [word for text in texts for word in words_of(text)]
    return all(any(word.startswith(wish) for word in known) for wish in words)


def _found(
    form: FindForm, wanted: Sequence[Instrument], centre: tuple[float, float] | None, now: datetime
) -> list[Found]:
    """By time, then by distance, then by facility."""
    if not wanted:
        return []
    day = timedelta(days=1)  # the wall clocks of other zones are at most a day away
    zone = ledger_queries.terms_of(wanted[0]).zone
    when = Interval(midnight(form.first.data, zone) - day, midnight(form.last.data, zone) + 2 * day)
    rows = db.session.execute(queries.held(wanted, around(when, wanted))).all()
    busy = queries.busy_by_instrument(rows, wanted)
    found = []
    for one in wanted:
        terms = ledger_queries.terms_of(one)
        away = kilometres(centre, (one.facility.latitude, one.facility.longitude)) if centre else None
        for offer in offers(terms, busy[one.id], one.capacity, form.wish(terms), now, MOST_OF_EACH):
            url = url_for(
                "instruments.show",
                facility_slug=one.facility.slug,
                slug=one.slug,
                week=formats.local_date(offer.booking.start, terms.zone.key).isoformat(),
                start=wall_text(offer.booking.start, terms),
                end=wall_text(offer.booking.end, terms),
                _anchor="book",
            )
            found.append(Found(offer, one, terms.zone.key, away, url))
    return sorted(found, key=lambda one: (one.offer.booking.start, one.kilometres or 0.0, one.place, one.name))
