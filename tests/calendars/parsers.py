"""The same feed read by five programs that share no code: what each of them shows."""

import json
import subprocess
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import icalendar
import playwright
import recurring_ical_events
import vobject
from ical.calendar_stream import IcsCalendarStream

HERE = Path(__file__).parent
ICAL_JS = HERE / "vendor" / "ical.js@2.2.1" / "ical.min.js"
NODE = Path(playwright.__file__).parent / "driver" / "node"
FAR = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))


class Shown(NamedTuple):
    """One event as a program shows it: instants in UTC, or whole days."""

    uid: str
    start: datetime | date
    end: datetime | date
    summary: str


def _utc(at: Any) -> datetime | date:
    if isinstance(at, datetime):
        assert at.tzinfo is not None, "a naive time"
        return at.astimezone(UTC)
    assert isinstance(at, date)
    return at


def _shown(event: Any) -> Shown:
    return Shown(str(event["UID"]), _utc(event["DTSTART"].dt), _utc(event["DTEND"].dt), str(event["SUMMARY"]))


def by_icalendar(text: str) -> set[Shown]:
    """The icalendar library, with the zones that the feed itself defines."""
    return {_shown(event) for event in icalendar.Calendar.from_ical(text).walk("VEVENT")}


def by_recurring_ical_events(text: str) -> set[Shown]:
    """The library that expands recurrences: no booking of ours may come twice or not at all."""
    return {_shown(event) for event in recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(*FAR)}


def by_home_assistant(text: str) -> set[Shown]:
    """Home Assistant's own parser, which shares no code with the others."""
    calendar = IcsCalendarStream.calendar_from_ics(text)
    return {Shown(e.uid, _utc(e.dtstart), _utc(e.dtend), e.summary or "") for e in calendar.events}


def by_vobject(text: str) -> set[Shown]:
    """vobject, the parser of several CalDAV programs; it builds its zones from our VTIMEZONE."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own use of deprecated calls of the standard library
        calendar = vobject.readOne(text)
        events = calendar.contents.get("vevent", [])
        return {Shown(e.uid.value, _utc(e.dtstart.value), _utc(e.dtend.value), e.summary.value) for e in events}


@cache
def _engine() -> "subprocess.Popen[str]":
    command = [NODE, HERE / "ical_js.mjs", ICAL_JS]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")


def stop_engine() -> None:
    """End the program that ran ical.js, if one was started."""
    if _engine.cache_info().currsize:
        _engine().kill()
        _engine().communicate()  # waits for its end and closes the pipes
        _engine.cache_clear()


def by_thunderbird(text: str) -> set[Shown]:
    """ical.js, Thunderbird's engine, run by the JavaScript that the browser tests bring along."""
    engine = _engine()
    assert engine.stdin is not None
    assert engine.stdout is not None
    engine.stdin.write(json.dumps(text) + "\n")
    engine.stdin.flush()
    return {Shown(uid, _moment(s), _moment(e), summary) for uid, s, e, summary in json.loads(engine.stdout.readline())}


def _moment(text: str) -> datetime | date:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


PARSERS: dict[str, Callable[[str], set[Shown]]] = {
    "icalendar": by_icalendar,
    "recurring-ical-events": by_recurring_ical_events,
    "ical (Home Assistant)": by_home_assistant,
    "vobject": by_vobject,
    "ical.js (Thunderbird)": by_thunderbird,
}
