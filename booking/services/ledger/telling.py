"""One mail to each person whose bookings a closure has cancelled, with other times near them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from accounts import queries as accounts
from accounts.models import Person
from accounts.policy import Actor
from booking.finding import Wish, offers
from booking.models import Booking
from booking.queries import ledger as queries
from core import mail
from core.db import Tx
from core.i18n import either
from core.intervals import Interval

LOOK_AROUND = timedelta(days=14)
MOST_OFFERS = 3
MOST_TRIED = 60


def tell_closed_out(tx: Tx, rows: Sequence[Booking], actor: Actor, now: datetime, reason: str) -> None:
    """Tell each holder once about all of their cancelled bookings, whatever the number of weeks and instruments."""
    for person_id in dict.fromkeys(row.person_id for row in rows):
        if person_id is None:
            continue
        theirs = [row for row in rows if row.person_id == person_id]
        person = tx.one(accounts.person(person_id))
        mail.send(
            tx,
            key=f"booking_closed_out:{person_id}:{theirs[0].id}:{theirs[0].sequence}",
            to=person.email,
            language=person.language,
            template="booking_closed_out",
            values={
                "name": person.name,
                "by": "" if actor.is_person(person_id) else actor.name,
                "reason": reason,
                "bookings": [_said(tx, row, person, now) for row in sorted(theirs, key=lambda row: row.starts_at)],
            },
            at=now,
        )


def _said(tx: Tx, row: Booking, person: Person, now: datetime) -> dict[str, Any]:
    instrument, facility = row.instrument, row.instrument.facility
    return {
        "instrument": either(person.language, instrument.name_it, instrument.name),
        "facility": either(person.language, facility.name_it, facility.name_en),
        "city": facility.city,
        "zone": facility.timezone,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "title": row.title,
        "path": f"/bookings/{row.id}",
        "book_path": f"/facilities/{facility.slug}/{instrument.slug}",
        "offers": [
            {"starts_at": one.start.isoformat(), "ends_at": one.end.isoformat()} for one in nearest_free(tx, row, now)
        ],
    }


def nearest_free(tx: Tx, row: Booking, now: datetime) -> list[Interval]:
    """Other times on the instrument that its terms allow, as long, nearest to the booking's first; at most a few."""
    instrument, terms = row.instrument, queries.terms_of(row.instrument)
    around = Interval(max(now, row.starts_at - LOOK_AROUND), row.ends_at + LOOK_AROUND)
    busy = queries.busy(tx.session.scalars(queries.held_on(instrument, terms.held(around))), instrument)
    wish = Wish(around, max(1, row.interval.minutes))
    found = [one.booking for one in offers(terms, busy, instrument.capacity, wish, now, MOST_TRIED)]
    found.sort(key=lambda one: (abs(one.start - row.starts_at), one.start))
    return sorted(found[:MOST_OFFERS])
