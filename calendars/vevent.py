"""One event as iCalendar text (RFC 5545, 3.6.1).

Escaping and folding are the icalendar library's; its component objects, which cost six times as much, are left out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import vText
from icalendar.parser import Contentline

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
    starts, ends = _times(event)
    lines = [
        "BEGIN:VEVENT",
        f"UID:{_escaped(event.uid)}",
        f"DTSTAMP:{_utc(event.changed_at)}",
        f"CREATED:{_utc(event.created_at)}",
        f"LAST-MODIFIED:{_utc(event.changed_at)}",
        f"SEQUENCE:{event.sequence}",
        f"DTSTART{starts}",
        f"DTEND{ends}",
        f"SUMMARY:{_escaped(clean_line(event.summary))}",
        f"STATUS:{event.status.value}",
        f"TRANSP:{'TRANSPARENT' if event.status is Status.CANCELLED else 'OPAQUE'}",
        f"X-MICROSOFT-CDO-BUSYSTATUS:{_SHOWN_AS[event.status]}",
        *_what_is_known(event),
        "END:VEVENT",
    ]
    return b"".join(map(_folded, lines))


def _what_is_known(event: Event) -> Iterator[str]:
    if event.description:
        yield f"DESCRIPTION:{_escaped(clean(event.description))}"
    if event.location:
        yield f"LOCATION:{_escaped(clean_line(event.location))}"
    if event.position:
        yield f"GEO:{event.position[0]};{event.position[1]}"
    if event.categories:
        yield "CATEGORIES:" + ",".join(_escaped(clean_line(category)) for category in event.categories)
    if event.url:
        yield f"URL:{clean_line(event.url)}"


def _folded(line: str) -> bytes:
    folded: bytes = Contentline(line).to_ical()  # type: ignore[no-untyped-call]  # the library leaves it untyped
    return folded + b"\r\n"


def _escaped(text: str) -> str:
    return vText(text).to_ical().decode()


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _times(event: Event) -> tuple[str, str]:
    """What follows DTSTART and DTEND.

    A wall time that a clock change doubles means its first pass (RFC 5545, 3.3.5), but ical.js takes the second one;
    an event that begins or ends in such an hour is written in UTC, which everybody reads alike.
    """
    if event.days is not None:
        return f";VALUE=DATE:{event.days[0]:%Y%m%d}", f";VALUE=DATE:{event.days[1]:%Y%m%d}"
    zone = ZoneInfo(event.zone) if event.zone else UTC
    starts, ends = event.starts_at.astimezone(zone), event.ends_at.astimezone(zone)
    if zone is UTC or _is_doubled(starts) or _is_doubled(ends):
        return f":{_utc(starts)}", f":{_utc(ends)}"
    return f";TZID={event.zone}:{starts:%Y%m%dT%H%M%S}", f";TZID={event.zone}:{ends:%Y%m%dT%H%M%S}"


def _is_doubled(wall: datetime) -> bool:
    return wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()
