"""One event as iCalendar text (RFC 5545, 3.6.1); escaping and folding are the icalendar library's."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import icalendar

KEPT = 8192  # rendered events kept per process: about 10 MB

_BREAKS = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")


class Status(StrEnum):
    """What calendar programs know of a booking's state."""

    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


_SHOWN_AS = {Status.TENTATIVE: "TENTATIVE", Status.CONFIRMED: "BUSY", Status.CANCELLED: "FREE"}


@dataclass(frozen=True)
class Event:
    """What a feed says of one booking; nothing in it is secret from the feed's reader.

    `zone` is the TZID of its times, empty for UTC; `days` is set instead of times when whole local days are meant,
    the second one exclusive.
    """

    uid: str
    sequence: int
    status: Status
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    changed_at: datetime
    summary: str
    zone: str = ""
    days: tuple[date, date] | None = None
    description: str = ""
    location: str = ""
    position: tuple[float, float] | None = None
    categories: tuple[str, ...] = ()
    url: str = ""


def clean(text: str) -> str:
    """Text without control characters, direction overrides and lone surrogates; every line break is one newline."""
    return _UNWANTED.sub("", _BREAKS.sub("\n", text)).strip()


def clean_line(text: str) -> str:
    """The same on one line."""
    return clean(text).replace("\n", " ")


@lru_cache(maxsize=KEPT)
def vevent(event: Event) -> bytes:
    """The VEVENT component: the same event gives the same bytes, whenever it is asked for."""
    component = icalendar.Event()
    component.add("uid", event.uid)
    component.add("dtstamp", event.changed_at)
    component.add("created", event.created_at)
    component.add("last-modified", event.changed_at)
    component.add("sequence", event.sequence)
    for name, moment in zip(("dtstart", "dtend"), _times(event), strict=True):
        component.add(name, moment)
    component.add("summary", clean_line(event.summary))
    component.add("status", event.status.value)
    component.add("transp", "TRANSPARENT" if event.status is Status.CANCELLED else "OPAQUE")
    component.add("x-microsoft-cdo-busystatus", _SHOWN_AS[event.status])
    _add_what_is_known(component, event)
    return bytes(component.to_ical())


def _add_what_is_known(component: icalendar.Event, event: Event) -> None:
    if event.description:
        component.add("description", clean(event.description))
    if event.location:
        component.add("location", clean_line(event.location))
    if event.position:
        component.add("geo", event.position)
    if event.categories:
        component.add("categories", [clean_line(category) for category in event.categories])
    if event.url:
        component.add("url", event.url)


def _times(event: Event) -> tuple[date, date] | tuple[datetime, datetime]:
    """The two ends as they are written.

    A wall time that a clock change doubles means its first pass (RFC 5545, 3.3.5), but ical.js takes the second one;
    an event that begins or ends in such an hour is written in UTC, which everybody reads alike.
    """
    if event.days is not None:
        return event.days
    zone = ZoneInfo(event.zone) if event.zone else UTC
    starts, ends = event.starts_at.astimezone(zone), event.ends_at.astimezone(zone)
    if _is_doubled(starts) or _is_doubled(ends):
        return starts.astimezone(UTC), ends.astimezone(UTC)
    return starts, ends


def _is_doubled(wall: datetime) -> bool:
    return wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()
