"""What a page offers instead of a time that was refused: links that fill its form."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import url_for

from accounts.policy import Actor
from booking.forms.ledger import StretchForm
from booking.queries.alternatives import Alternative, Where, alternatives_for
from booking.queries.ledger import terms_of
from booking.views.instrument_week import wall_text
from core.db import db
from core.formats import local_date
from core.intervals import Interval
from facilities.models import Instrument

ABOUT_TIME = {"day", "start", "end_day", "end"}


@dataclass(frozen=True)
class Instead:
    """One alternative, and where the form is filled in with it."""

    where: Where
    instrument: Instrument
    interval: Interval
    zone: str
    url: str


def instead_of(
    form: StretchForm,
    instrument: Instrument,
    actor: Actor,
    now: datetime,
    url_of: Callable[[Alternative], str] | None = None,
    gives_back: Collection[UUID] = (),
) -> list[Instead]:
    """What could be booked instead of the time in a refused form; nothing while its time is not what is wrong."""
    times = form.peek(terms_of(instrument).zone) if ABOUT_TIME & set(form.errors) else None
    if times is None or times[0] >= times[1]:
        return []
    found = alternatives_for(db.session(), instrument, Interval(*times), actor, now, gives_back)
    return [
        Instead(one.where, one.instrument, one.interval, terms_of(one.instrument).zone.key, (url_of or book_there)(one))
        for one in found
    ]


def book_there(one: Alternative) -> str:
    """The booking form of an alternative's instrument, filled in with its time."""
    terms, instrument = terms_of(one.instrument), one.instrument
    return url_for(
        "instruments.show",
        facility_slug=instrument.facility.slug,
        slug=instrument.slug,
        week=local_date(one.interval.start, terms.zone.key).isoformat(),
        start=wall_text(one.interval.start, terms),
        end=wall_text(one.interval.end, terms),
        _anchor="book",
    )
