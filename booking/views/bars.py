"""A booking as a bar of the timeline: free and busy for everyone, names only for those who may know."""

from datetime import date, datetime
from functools import lru_cache, partial
from zoneinfo import ZoneInfo

from flask import url_for
from flask_babel import gettext

from accounts.policy import Actor
from booking.lifecycle import BOOKING_STEPS, BookingState, can_step
from booking.models import Booking, BookingKind
from booking.policy import changes
from booking.policy import ledger as policy
from booking.queries import ledger as queries
from booking.services.ledger import RUNNING_KINDS
from core import formats
from core.i18n import N_
from core.intervals import Interval
from core.timeline import Bar, Look
from core.web import current_language
from facilities.models import Instrument


def bar_of(row: Booking, instrument: Instrument, actor: Actor, zone: str, now: datetime) -> Bar:
    """The bar of a booking (of the instrument, or of another one in its group) as the actor may see it."""
    when = row.interval
    look, code, who, label = _words(row, instrument, actor)
    is_known = bool(policy.may_see(actor, queries.held(row)))
    is_elsewhere = row.instrument_id != instrument.id
    return Bar(
        when=when,
        look=look,
        code=code,
        who=who,
        says=_says(when, (code, who), label, zone),
        url=url_for("bookings.show", booking_id=row.id) if is_known else None,
        key=str(row.id) if is_known else "",
        held=row.held,
        sequence=row.sequence if not is_elsewhere and may_drag(row, actor, now) else None,
        fills=is_elsewhere,
    )


def may_drag(row: Booking, actor: Actor, now: datetime) -> bool:
    """Whether the bar is one's own and may still be moved; others' are moved by the form, with a reason."""
    return (
        actor.is_person(row.person_id)
        and row.kind in (BookingKind.INSTANT, BookingKind.APPROVAL)
        and row.ends_at > now
        and can_step(BOOKING_STEPS, row.state, "move")
        and bool(changes.may_move(actor, queries.held(row)))
    )


def _says(when: Interval, seen: tuple[str, str], label: str, zone: str) -> str:
    """The whole name of a bar: it begins with all that may be seen on it (WCAG 2.5.3, label in name)."""
    local, language = ZoneInfo(zone), current_language()
    start, end = when.start.astimezone(local), when.end.astimezone(local)
    words = [" ".join(part for part in (*seen, f"{start:%H:%M}–{end:%H:%M}") if part)]
    words += [label] if label not in seen else []
    first, last = _day(start.date(), language), _day(end.date(), language)
    words.append(first if first == last else f"{first} – {last}")
    return ", ".join(words)


def _words(row: Booking, instrument: Instrument, actor: Actor) -> tuple[Look, str, str, str]:
    """Look, shortest label, person and what the bar is, as far as the actor may know."""
    said = partial(_said, current_language())
    if row.kind not in RUNNING_KINDS:
        return Look.CLOSED, said(N_("Closed")), "", said(N_("Closed"))
    is_tentative = row.state is BookingState.TENTATIVE
    if actor.is_person(row.person_id):
        waiting = N_("offered to you") if row.is_offer else N_("your booking, waiting for approval")
        label = said(waiting if is_tentative else N_("your booking"))
        return (Look.TENTATIVE if is_tentative else Look.OWN), said(N_("You")), "", label
    look = Look.TENTATIVE if is_tentative else Look.CONFIRMED
    waiting = N_("Held for the waitlist") if row.is_offer else N_("Held, waiting for approval")
    label = said(waiting if is_tentative else N_("Booked"))
    if row.person is not None and policy.may_see(actor, queries.held(row)):
        code = row.organisation.short_name if row.organisation else ""
        return look, code or said(N_("Booked")), row.person.name, label
    if row.instrument_id != instrument.id:
        return look, said(N_("Not free")), "", said(N_("another instrument of this group is running"))
    return look, label, "", label


@lru_cache(maxsize=1000)
def _day(day: date, language: str) -> str:
    return formats.full_day(day, language)


@lru_cache(maxsize=100)
def _said(_language: str, message: str) -> str:
    """A text in the reader's language; a month of many instruments says the same few thousands of times."""
    return str(gettext(message))
