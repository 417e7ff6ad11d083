"""What a reader's feed says of a booking: rows and rights in, values out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from accounts.policy import Actor
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind, CalendarKind
from calendars.policy import Detail, may_read_title
from calendars.vevent import Event, Status
from core.i18n import N_, either, say
from facilities.models import Facility, Instrument

STATUS = {
    BookingState.TENTATIVE: Status.TENTATIVE,
    BookingState.CONFIRMED: Status.CONFIRMED,
    BookingState.REFUSED: Status.CANCELLED,
    BookingState.CANCELLED: Status.CANCELLED,
}
# Programs that show neither STATUS nor TRANSP (Google, Outlook) do show the summary.
SUMMARIES = {
    BookingState.TENTATIVE: N_("Tentative: %(what)s"),
    BookingState.REFUSED: N_("Not approved: %(what)s"),
    BookingState.CANCELLED: N_("Cancelled: %(what)s"),
}
STATES = {
    BookingState.TENTATIVE: N_("waiting for approval"),
    BookingState.CONFIRMED: N_("confirmed"),
    BookingState.REFUSED: N_("not approved"),
    BookingState.CANCELLED: N_("cancelled"),
}
OFFERED, OFFERED_STATE = N_("Offer: %(what)s"), N_("offered from the waitlist")
CLOSED = {BookingKind.CLOSURE: N_("Closed"), BookingKind.MAINTENANCE: N_("Maintenance")}


@dataclass(frozen=True)
class Reader:
    """Whose feed it is, and what it was asked to tell.

    `site` is the product's public address; `zones` maps a time zone to the TZID it is written as, empty for UTC.
    """

    actor: Actor
    kind: CalendarKind
    detail: Detail
    language: str
    site: str
    zones: Mapping[str, str]


def event_of(booking: Booking, instrument: Instrument, reader: Reader) -> Event:
    """What the reader may know of the booking, and no more than the feed's detail level."""
    facility = instrument.facility
    is_readable = bool(may_read_title(reader.actor, facility.id, booking.person_id))
    told = reader.detail if is_readable else Detail.BUSY
    event = Event(
        uid=booking.uid,
        sequence=booking.sequence,
        status=STATUS[booking.state],
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        created_at=booking.created_at,
        changed_at=booking.changed_at,
        summary=_summary(booking, instrument, reader, told),
        zone=reader.zones[facility.timezone],
        days=_whole_days(booking, facility.timezone),
        description=_description(booking, instrument, reader) if told is Detail.FULL else "",
    )
    if reader.detail is Detail.BUSY:
        return event
    return replace(
        event,
        url=booking_url(booking, reader.site) if is_readable else instrument_url(instrument, reader.site),
        location=", ".join((_name(instrument, reader), _facility_name(facility, reader), facility.city)),
        position=(facility.latitude, facility.longitude),
        categories=(_category(booking, reader),),
    )


def booking_url(booking: Booking, site: str) -> str:
    """Where the booking is shown to those who may see it."""
    return f"{site}/bookings/{booking.id}"


def instrument_url(instrument: Instrument, site: str) -> str:
    """The instrument's public page."""
    return f"{site}/facilities/{instrument.facility.slug}/{instrument.slug}"


def _summary(booking: Booking, instrument: Instrument, reader: Reader, told: Detail) -> str:
    what = _subject(booking, reader, told)
    if told is not Detail.BUSY or reader.kind is not CalendarKind.PERSON:
        what = f"{what} · {_name(instrument, reader)}"
    pattern = OFFERED if booking.is_offer else SUMMARIES.get(booking.state)
    return say(reader.language, pattern, {"what": what}) if pattern else what


def _subject(booking: Booking, reader: Reader, told: Detail) -> str:
    """A confidential title is in no feed at all: feeds rest with whatever program was given the address."""
    if told is Detail.BUSY:
        return say(reader.language, CLOSED.get(booking.kind, N_("Busy")))
    if booking.is_confidential:
        return say(reader.language, N_("Confidential booking"))
    return booking.title or _category(booking, reader)


def _category(booking: Booking, reader: Reader) -> str:
    return say(reader.language, CLOSED.get(booking.kind, N_("Booking")))


def _description(booking: Booking, instrument: Instrument, reader: Reader) -> str:
    """The facts of the booking, a line each; no person is named."""
    lines = [
        (N_("Instrument: %(value)s"), _name(instrument, reader)),
        (N_("Place: %(value)s"), booking.unit + 1 if instrument.capacity > 1 else ""),
        (N_("Facility: %(value)s"), _facility_name(instrument.facility, reader)),
        (N_("State: %(value)s"), say(reader.language, OFFERED_STATE if booking.is_offer else STATES[booking.state])),
        (N_("Organisation: %(value)s"), booking.organisation.name if booking.organisation else ""),
    ]
    texts = [say(reader.language, pattern, {"value": value}) for pattern, value in lines if value]
    return "\n".join([*texts, booking_url(booking, reader.site)])


def _name(instrument: Instrument, reader: Reader) -> str:
    return either(reader.language, instrument.name_it, instrument.name)


def _facility_name(facility: Facility, reader: Reader) -> str:
    return either(reader.language, facility.name_it, facility.name_en)


def _whole_days(booking: Booking, timezone: str) -> tuple[date, date] | None:
    """The days of a closure that lasts from one local midnight to another; None for everything else."""
    if booking.kind not in CLOSED:
        return None
    zone = ZoneInfo(timezone)
    first, last = booking.starts_at.astimezone(zone), booking.ends_at.astimezone(zone)
    return (first.date(), last.date()) if _is_midnight(first) and _is_midnight(last) else None


def _is_midnight(moment: datetime) -> bool:
    return moment.time() == time()
