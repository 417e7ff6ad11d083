"""The judge of feeds is itself judged: a sound feed has no fault, and each broken one is caught."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from booking.lifecycle import BookingState
from core import clock
from tests.calendars.checker import faults
from tests.calendars.factories import a_feed, touched
from tests.factories import BEFORE, MONDAY, a_booking, a_facility, a_member, an_instrument
from tests.support import Browser


@pytest.fixture
def sound(context: Flask, visitor: Browser) -> bytes:
    """A feed with a long title full of traps, a tentative and a cancelled booking."""
    person = a_member()
    instrument = an_instrument(a_facility(name_en="Proteomics, Milan; east wing"), name="Orbitrap, the big one")
    title = "Perché, no; \\ sì 😀 " * 6 + "\r\nDTSTART:19700101T000000"
    for day, state in enumerate((BookingState.CONFIRMED, BookingState.TENTATIVE, BookingState.CANCELLED)):
        start = MONDAY + timedelta(days=day)
        end = start + timedelta(hours=1)
        touched(a_booking(instrument, person_id=person.id, title=title, state=state, starts_at=start, ends_at=end))
    with clock.frozen_at(BEFORE):
        return visitor.get(a_feed(person, name="Mine, and; \\ theirs")).get_data()


def test_a_sound_feed_has_no_fault(sound: bytes) -> None:
    assert faults(sound) == []
    assert sound.count(b"BEGIN:VEVENT") == 3


def _replace(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda body: body.replace(old, new, 1)


def _unfold(body: bytes) -> bytes:
    return body.replace(b"\r\n ", b"")


def _fold_at_characters(body: bytes) -> bytes:
    lines = body.replace(b"\r\n ", b"").decode().split("\r\n")
    folded = ["\r\n ".join([line[:75], *(line[n : n + 74] for n in range(75, len(line), 74))]) for line in lines]
    return "\r\n".join(folded).encode()


def _fold_inside_a_character(body: bytes) -> bytes:
    at = body.index("é".encode())
    return body[: at + 1] + b"\r\n " + body[at + 1 :]


def _without_timezone(body: bytes) -> bytes:
    begin, end = body.index(b"BEGIN:VTIMEZONE"), body.index(b"END:VTIMEZONE\r\n") + len(b"END:VTIMEZONE\r\n")
    return body[:begin] + body[end:]


def _same_uid(body: bytes) -> bytes:
    uids = [line for line in body.split(b"\r\n") if line.startswith(b"UID:")]
    return body.replace(uids[1], uids[0])


MUTATIONS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "bare line feeds": (lambda body: body.replace(b"\r\n", b"\n"), "CRLF"),
    "no folding": (_unfold, "octets"),
    "folding by characters": (_fold_at_characters, "octets"),
    "a fold inside a character": (_fold_inside_a_character, "inside a character"),
    "an unescaped comma": (_replace(b"Perch\xc3\xa9\\,", b"Perch\xc3\xa9,"), "unescaped"),
    "an unescaped semicolon": (_replace(b"no\\;", b"no;"), "unescaped"),
    "an unescaped backslash": (_replace(b"\\\\ s", b"\\ s"), "escapes nothing"),
    "an unescaped name": (_replace(b"NAME:Mine\\,", b"NAME:Mine,"), "unescaped"),
    "an injected line": (_replace(b"DTSTART:19700101T000000", b"\r\nDTSTART:19700101T000000"), "DTSTART"),
    "a control character": (_replace(b"SUMMARY:", b"SUMMARY:\x07"), "control"),
    "no VTIMEZONE": (_without_timezone, "no VTIMEZONE"),
    "a VTIMEZONE an hour off": (_replace(b"TZOFFSETTO:+0200", b"TZOFFSETTO:+0300"), "wrong at"),
    "a clock change a week off": (_replace(b"BYDAY=-1SU;BYMONTH=3", b"BYDAY=3SU;BYMONTH=3"), "wrong at"),
    "daylight time an hour late": (_replace(b"DTSTART:19700329T020000", b"DTSTART:19700329T030000"), "wrong at"),
    "a UID twice": (_same_uid, "UID twice"),
    "no UID": (_replace(b"UID:", b"X-UID:"), "without UID"),
    "a naive time": (lambda body: body.replace(b";TZID=Europe/Rome", b""), "naive"),
    "a local DTSTAMP": (_replace(b"Z\r\nCREATED", b"\r\nCREATED"), "DTSTAMP is not in UTC"),
    "a calendar UID": (_replace(b"VERSION:2.0\r\n", b"VERSION:2.0\r\nUID:x\r\n"), "calendar has a UID"),
    "METHOD without ORGANIZER": (_replace(b"VERSION:2.0", b"METHOD:PUBLISH\r\nVERSION:2.0"), "METHOD"),
    "an untyped REFRESH-INTERVAL": (_replace(b";VALUE=DURATION", b""), "DURATION"),
    "a cancelled booking that takes time": (_replace(b"TRANSP:TRANSPARENT", b"TRANSP:OPAQUE"), "TRANSP"),
    "an attendee": (_replace(b"SEQUENCE:0", b"SEQUENCE:0\r\nATTENDEE:mailto:a@example.org"), "ATTENDEE"),
    "an e-mail address": (_replace(b"SUMMARY:", b"SUMMARY:anna@example.org "), "e-mail"),
    "an event without end": (_replace(b"END:VEVENT\r\n", b""), "closes something else"),
    "a cut feed": (lambda body: body[: len(body) // 2], "not closed"),
    "two calendars": (lambda body: body + body, "second calendar"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_each_broken_feed_is_caught(sound: bytes, mutation: str) -> None:
    change, complaint = MUTATIONS[mutation]
    broken = change(sound)
    assert broken != sound, "the mutation changes nothing"
    assert any(complaint in fault for fault in faults(broken)), faults(broken)
