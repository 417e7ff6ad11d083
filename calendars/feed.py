"""A feed: found by its secret, known by its version, written as one VCALENDAR (RFC 5545, RFC 7986)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import icalendar
from sqlalchemy.orm import Session

from accounts.policy import Actor, Answer
from accounts.queries import actor_of
from booking.models import CalendarKind
from calendars import policy, queries
from calendars.entries import Reader, event_of
from calendars.models import Subscription
from calendars.policy import Detail
from calendars.vevent import clean_line, vevent
from calendars.vtimezone import Rule, rule_of, vtimezone
from core.i18n import N_, say
from core.tokens import hashed
from facilities.models import Instrument

PAST = timedelta(days=366)
GIVEN_UP_STAYS = timedelta(days=30)
CLOSING = b"END:VCALENDAR\r\n"
CONTENTS = {
    Detail.BUSY: N_("Bookings kept in Equora: busy times only."),
    Detail.TITLE: N_("Bookings kept in Equora, with titles where you may read them."),
    Detail.FULL: N_("Bookings kept in Equora, with what you may read of each."),
}


@dataclass(frozen=True)
class Feed:
    """A subscription that may be read now.

    `today` is the UTC midnight that decides what is too old to show; `changed_at` is when the feed became what it is:
    at the last change of a booking, or as the day began.
    """

    subscription: Subscription
    actor: Actor
    instruments: tuple[Instrument, ...]
    version: int
    changed_at: datetime
    today: datetime


def find(session: Session, secret: str, now: datetime) -> Feed | None:
    """The feed that this secret opens at this moment; None whatever the reason. A handful of reads by key."""
    row = session.execute(queries.live_subscription(hashed(secret))).one_or_none()
    if row is None:
        return None
    subscription, version = row
    actor = actor_of(session, subscription.person_id)
    instruments = session.scalars(queries.instruments_in(subscription.kind, subscription.subject_id)).all()
    if not _may_read(actor, subscription, instruments):
        return None
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    booked_at = version.changed_at if version else today
    return Feed(
        subscription=subscription,
        actor=actor,
        instruments=tuple(instruments),
        version=version.version if version else 0,
        changed_at=max(booked_at, subscription.created_at, today),
        today=today,
    )


def _may_read(actor: Actor, subscription: Subscription, instruments: Sequence[Instrument]) -> Answer:
    """The rule by which the subscription was made, asked again: who has lost the right has lost the feed."""
    if subscription.kind is CalendarKind.PERSON:
        return policy.may_subscribe_to_person(actor, subscription.subject_id)
    if subscription.kind is CalendarKind.FACILITY:
        return policy.may_subscribe_to_facility(actor, subscription.subject_id)
    return policy.may_subscribe_to_facility(actor, instruments[0].facility_id)


def etag(feed: Feed, site: str) -> str:
    """What the feed's bytes depend on, in short: bookings (by their version), rights, names and places, the day.

    The day is in it because what was cancelled leaves after a month; it also lets rarer things (an organisation's
    name, our own wording) reach the subscriber within a day.
    """
    subscription = feed.subscription
    facts = [
        (
            instrument.id,
            instrument.slug,
            instrument.name,
            instrument.name_it,
            instrument.capacity,
            instrument.facility.slug,
            instrument.facility.name_it,
            instrument.facility.name_en,
            instrument.facility.city,
            instrument.facility.latitude,
            instrument.facility.longitude,
            instrument.facility.timezone,
            feed.actor.manages(instrument.facility_id),
        )
        for instrument in feed.instruments
    ]
    state = (subscription.id, feed.version, subscription.detail, subscription.language, feed.today, site, facts)
    return hashlib.blake2s(repr(state).encode(), digest_size=16).hexdigest()


def body(session: Session, feed: Feed, site: str) -> bytes:
    """The feed as a calendar: the same state gives the same bytes."""
    subscription = feed.subscription
    since = feed.today - PAST
    rules = {zone: rule_of(zone, since.year) for zone in sorted({i.facility.timezone for i in feed.instruments})}
    reader = Reader(
        actor=feed.actor,
        kind=subscription.kind,
        detail=subscription.detail,
        language=subscription.language,
        site=site,
        zones={zone: zone if rule else "" for zone, rule in rules.items()},
    )
    instruments = {instrument.id: instrument for instrument in feed.instruments}
    bookings = session.scalars(
        queries.bookings_in(subscription.kind, subscription.subject_id, since, feed.today - GIVEN_UP_STAYS)
    )
    events = [
        event_of(booking, instruments[booking.instrument_id], reader)
        for booking in bookings
        if booking.instrument_id in instruments  # one that was booked since `find` comes with the next version
    ]
    used = {event.zone for event in events if event.days is None}
    zones = [vtimezone(rule) for zone, rule in rules.items() if isinstance(rule, Rule) and zone in used]
    return b"".join([_opening(subscription), *zones, *map(vevent, events), CLOSING])


def _opening(subscription: Subscription) -> bytes:
    """The calendar's own properties. No UID (vdirsyncer would keep one event of all), no METHOD (no ORGANIZER)."""
    text = icalendar.vText  # the library writes NAME and X- properties unescaped unless told what they are
    name = text(clean_line(subscription.name))
    calendar = icalendar.Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//Equora//Equora//EN")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("description", text(say(subscription.language, CONTENTS[subscription.detail])))
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", icalendar.vDuration(timedelta(hours=1)))
    return bytes(calendar.to_ical()).removesuffix(CLOSING)
