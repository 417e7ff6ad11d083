"""An independent judge of a feed's bytes: RFC 5545 and our own feed rules, written without any calendar library."""

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.calendars.content import Component, Property, line_faults, read

TEXTS = {"SUMMARY", "DESCRIPTION", "LOCATION", "NAME", "X-WR-CALNAME", "CATEGORIES"}
ESCAPED = re.compile(r"(?:[^\\]|\\[\\;,nN])*", re.DOTALL)
UTC_TIME = re.compile(r"\d{8}T\d{6}Z")
LOCAL_TIME = re.compile(r"\d{8}T\d{6}")
DATE = re.compile(r"\d{8}")
NEEDED = {
    "VCALENDAR": {"VERSION", "PRODID", "NAME", "X-WR-CALNAME", "DESCRIPTION", "REFRESH-INTERVAL", "X-PUBLISHED-TTL"},
    "VEVENT": {
        "UID",
        "DTSTAMP",
        "LAST-MODIFIED",
        "SEQUENCE",
        "DTSTART",
        "DTEND",
        "SUMMARY",
        "STATUS",
        "TRANSP",
    },
    "VTIMEZONE": {"TZID"},
    "STANDARD": {"DTSTART", "TZOFFSETFROM", "TZOFFSETTO"},
    "DAYLIGHT": {"DTSTART", "TZOFFSETFROM", "TZOFFSETTO"},
}
ADDRESS = re.compile(r"mailto:|[\w.]+@[\w.]+\.\w")
MANY_TIMES = {"CATEGORIES"}
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MOMENTS = {"DTSTAMP", "CREATED", "LAST-MODIFIED"}


def faults(body: bytes) -> list[str]:
    """Everything that is wrong with a feed, in words; empty when it is sound."""
    reading = read(body)
    found = line_faults(body) + reading.faults
    root = reading.root
    if root is None:
        return [*found, "no VCALENDAR"]
    events = [child for child in root.children if child.name == "VEVENT"]
    zones = {child.value("TZID"): child for child in root.children if child.name == "VTIMEZONE"}
    found += _component_faults(root)
    found += _calendar_faults(root, events)
    found += [fault for event in events for fault in _event_faults(event, set(zones))]
    found += [fault for name, zone in zones.items() for fault in _zone_faults(name, zone)]
    return found


def _component_faults(component: Component) -> list[str]:
    names = Counter(p.name for p in component.properties)
    found = [f"{component.name} without {name}" for name in sorted(NEEDED.get(component.name, set()) - set(names))]
    found += [f"{name} twice in a {component.name}" for name, n in names.items() if n > 1 and name not in MANY_TIMES]
    for p in component.properties:
        if p.name in TEXTS:
            if not ESCAPED.fullmatch(p.value):
                found.append(f"{p.name} has a backslash that escapes nothing")
            if re.search(";" if p.name in MANY_TIMES else "[;,]", re.sub(r"\\.", "", p.value)):
                found.append(f"{p.name} has an unescaped separator")
    return found + [fault for child in component.children for fault in _component_faults(child)]


def _calendar_faults(root: Component, events: list[Component]) -> list[str]:
    found = []
    names = {p.name for p in root.properties}
    if "UID" in names:
        found.append("the calendar has a UID")
    if "METHOD" in names and not all(event.value("ORGANIZER") for event in events):
        found.append("METHOD without ORGANIZER")
    refresh = next((p for p in root.properties if p.name == "REFRESH-INTERVAL"), None)
    if refresh is not None and refresh.parameters.get("VALUE") != "DURATION":
        found.append("REFRESH-INTERVAL is not said to be a DURATION")
    twice = [uid for uid, n in Counter(event.value("UID") for event in events).items() if n > 1]
    found += [f"UID twice: {uid}" for uid in twice]
    order = [child.name for child in root.children]
    if order != sorted(order, key=lambda name: name != "VTIMEZONE"):
        found.append("a VTIMEZONE after its use")
    return found


def _event_faults(event: Component, zones: set[str]) -> list[str]:
    found = [fault for p in event.properties for fault in _property_faults(p, zones)]
    if not event.value("SEQUENCE").isdigit():
        found.append("SEQUENCE is not a number")
    if event.value("STATUS") not in {"TENTATIVE", "CONFIRMED", "CANCELLED"}:
        found.append("unknown STATUS")
    if (event.value("STATUS") == "CANCELLED") != (event.value("TRANSP") == "TRANSPARENT"):
        found.append("TRANSP does not fit STATUS")
    kinds = {p.parameters.get("VALUE", "DATE-TIME") for p in event.properties if p.name in {"DTSTART", "DTEND"}}
    if len(kinds) > 1:
        found.append("DTSTART and DTEND are of different kinds")
    elif not found and _instant(event, "DTSTART") >= _instant(event, "DTEND"):
        found.append("it ends before it begins")
    return found


def _property_faults(p: Property, zones: set[str]) -> list[str]:
    if p.name in MOMENTS:
        return [] if UTC_TIME.fullmatch(p.value) else [f"{p.name} is not in UTC"]
    if p.name in {"DTSTART", "DTEND"}:
        return _time_faults(p, zones)
    if p.name in {"ATTENDEE", "RRULE", "RDATE", "EXDATE"}:
        return [f"{p.name} has no place in a feed"]
    return ["an e-mail address"] if p.name != "UID" and ADDRESS.search(p.value) else []


def _time_faults(p: Property, zones: set[str]) -> list[str]:
    if p.parameters.get("VALUE") == "DATE":
        return [] if DATE.fullmatch(p.value) else [f"{p.name} is no date"]
    zone = p.parameters.get("TZID")
    if zone is None:
        return [] if UTC_TIME.fullmatch(p.value) else [f"{p.name} is a naive time"]
    if not LOCAL_TIME.fullmatch(p.value):
        return [f"{p.name} has a zone and is not local"]
    return [] if zone in zones else [f"{p.name} uses {zone}, of which there is no VTIMEZONE"]


def _instant(event: Component, name: str) -> datetime:
    p = next(p for p in event.properties if p.name == name)
    text = p.value if "T" in p.value else p.value + "T000000"
    zone = ZoneInfo(p.parameters["TZID"]) if "TZID" in p.parameters else UTC
    return datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S").replace(tzinfo=zone).astimezone(UTC)


def _zone_faults(name: str, zone: Component) -> list[str]:
    """Compare what the VTIMEZONE says with `zoneinfo`, each six hours of two years and around the changes."""
    if any(p.name == "RDATE" for child in zone.children for p in child.properties):
        return [f"{name} is made of RDATEs"]
    real = ZoneInfo(name)
    for year in (2027, 2028):
        onsets = sorted(_onset(child, year) for child in zone.children)
        steps = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=6 * n) for n in range(4 * 365)]
        steps += [at + timedelta(seconds=s) for at, _ in onsets for s in (-1, 0)]
        for at in steps:
            past = [offset for onset, offset in onsets if onset <= at]
            if (past[-1] if past else onsets[-1][1]) != at.astimezone(real).utcoffset():
                return [f"{name} is wrong at {at:%Y-%m-%d %H:%M} UTC"]
    return []


def _onset(observance: Component, year: int) -> tuple[datetime, timedelta]:
    """When an observance begins in a year (UTC), and its offset."""
    rule = dict(part.split("=") for part in observance.value("RRULE").split(";") if part)
    start = datetime.strptime(observance.value("DTSTART"), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    before, after = _offset(observance.value("TZOFFSETFROM")), _offset(observance.value("TZOFFSETTO"))
    return (datetime.combine(_day(rule, year), start.timetz()) - before if rule else start), after


def _day(rule: dict[str, str], year: int) -> date:
    """The one day of a year that a rule of ours names."""
    match = re.fullmatch(r"(-?\d)?(SU|MO|TU|WE|TH|FR|SA)", rule["BYDAY"])
    assert match is not None
    first = date(year, int(rule["BYMONTH"]), 1)
    month = [first + timedelta(days=n) for n in range(31) if (first + timedelta(days=n)).month == first.month]
    days = [day for day in month if day.weekday() == WEEKDAYS.index(match.group(2))]
    if match.group(1) is None:
        return next(day for day in days if str(day.day) in rule["BYMONTHDAY"].split(","))
    n = int(match.group(1))
    return days[n - 1 if n > 0 else n]


def _offset(text: str) -> timedelta:
    size = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    return -size if text.startswith("-") else size
