"""One mail to each person whose bookings a closure has cancelled, with other times near them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from accounts import queries as accounts
from accounts.models import Person
from accounts.policy import Actor
from booking.models import Booking
from booking.queries import ledger as queries
from booking.queries.alternatives import alternatives_for
from core import mail
from core.db import Tx
from core.i18n import either
from core.intervals import Interval
from facilities.models import Instrument


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
    facility, holder = row.instrument.facility, accounts.actor_of(tx.session, person.id)
    return {
        "instrument": _name(row.instrument, person),
        "facility": either(person.language, facility.name_it, facility.name_en),
        "city": facility.city,
        "zone": facility.timezone,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "title": row.title,
        "path": f"/bookings/{row.id}",
        "offers": [
            {
                "instrument": _name(one.instrument, person),
                "starts_at": one.interval.start.isoformat(),
                "ends_at": one.interval.end.isoformat(),
                "zone": one.instrument.facility.timezone,
                "path": _form_path(one.instrument, one.interval),
            }
            for one in alternatives_for(tx.session, row.instrument, row.interval, holder, now)
        ],
    }


def _name(instrument: Instrument, person: Person) -> str:
    return either(person.language, instrument.name_it, instrument.name)


def _form_path(instrument: Instrument, wanted: Interval) -> str:
    """The booking form of an instrument, filled in with a time by its wall clock."""
    start, end = (
        at.astimezone(queries.terms_of(instrument).zone).strftime("%Y-%m-%dT%H:%M") for at in (wanted.start, wanted.end)
    )
    return f"/facilities/{instrument.facility.slug}/{instrument.slug}?week={start[:10]}&start={start}&end={end}#book"
