"""VTIMEZONE: what we write is what the zone does, for every zone of the world, or it is not written."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from dateutil.rrule import rrulestr

from calendars.vtimezone import parsed, rule_of, vtimezone

YEARS = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC))
SAID = (
    "Europe/Rome",
    "Europe/London",
    "Europe/Dublin",  # its summer time is the "standard" one of the rule
    "Atlantic/Reykjavik",
    "America/New_York",
    "America/Nuuk",  # changes on the evening before the last Sunday
    "America/St_Johns",
    "Asia/Jerusalem",  # changes on the Friday before a Sunday
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Auckland",
)


@pytest.mark.parametrize("name", SAID)
def test_another_library_s_recurrence_of_our_rule_agrees_with_the_zone(name: str) -> None:
    rule = rule_of(name, 2026)
    assert rule is not None
    component: Any = icalendar.Timezone.from_ical(vtimezone(rule))
    onsets = []
    for observance in component.walk():
        if observance.name in ("STANDARD", "DAYLIGHT"):
            start, before = observance["DTSTART"].dt, observance["TZOFFSETFROM"].td
            text = observance["RRULE"].to_ical().decode() if "RRULE" in observance else "FREQ=YEARLY"
            walls = rrulestr(text, dtstart=start.replace(tzinfo=UTC)).between(*YEARS)
            onsets += [(wall - before, observance["TZOFFSETTO"].td) for wall in walls]
    onsets.sort()
    zone, at = ZoneInfo(name), datetime(2026, 1, 1, tzinfo=UTC)
    moments = [at + timedelta(hours=7 * n) for n in range(9 * 52 * 24)]
    moments += [onset + timedelta(seconds=s) for onset, _ in onsets if onset > at for s in (-1, 0, 1)]
    for moment in sorted(moments):
        said = [offset for onset, offset in onsets if onset <= moment][-1]
        assert said == moment.astimezone(zone).utcoffset(), moment


@pytest.mark.parametrize("name", ["Africa/Casablanca", "Africa/El_Aaiun", "UTC", "Etc/UTC", "Nowhere/AtAll"])
def test_a_zone_that_two_yearly_rules_cannot_say_is_left_to_utc(name: str) -> None:
    assert rule_of(name, 2026) is None


def test_a_zone_that_changed_its_rules_lately_is_left_to_utc() -> None:
    assert rule_of("Europe/Moscow", 2012) is None  # permanent summer time until 2014
    assert rule_of("Europe/Moscow", 2026) is not None


@pytest.mark.parametrize(
    ("posix", "is_read"),
    [
        ("CET-1CEST,M3.5.0,M10.5.0/3", True),
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", True),
        ("<+0530>-5:30", True),
        ("EST5EDT,J60,300", False),
        ("UTC0", False),
        ("", False),
        ("CET-1CEST", False),
    ],
)
def test_only_rules_of_the_form_that_the_database_uses_are_read(posix: str, is_read: bool) -> None:
    assert (parsed("A/Zone", posix) is not None) == is_read


def test_days_that_depend_on_the_length_of_february_are_not_said() -> None:
    rule = parsed("A/Zone", "AAA0BBB,M2.5.0/25,M10.5.0")
    assert rule is not None
    assert rule.daylight is not None
    assert rule.daylight.begins is not None
    assert rule.daylight.begins.rrule() is None
