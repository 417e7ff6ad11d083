"""One event as text: whatever people write, five programs read the same thing, and nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calendars.vevent import Event, Status, clean, clean_line, vevent
from calendars.vtimezone import rule_of, vtimezone
from tests.calendars import parsers
from tests.calendars.checker import faults
from tests.calendars.parsers import PARSERS, Shown

ROME = rule_of("Europe/Rome", 2026)
assert ROME is not None
FRAME = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Equora//Equora//EN\r\nNAME:a\r\nX-WR-CALNAME:a\r\nDESCRIPTION:a\r\n"
    b"REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\nX-PUBLISHED-TTL:PT1H\r\n" + vtimezone(ROME)
)
SPRING = datetime(2027, 3, 28, 1, tzinfo=UTC)
AUTUMN = datetime(2027, 10, 31, 1, tzinfo=UTC)
JANUARY = datetime(2027, 1, 4, 8, tzinfo=UTC)
SIMPLE = Event(
    uid="a@localhost",
    sequence=0,
    status=Status.CONFIRMED,
    starts_at=JANUARY,
    ends_at=JANUARY + timedelta(hours=2),
    created_at=JANUARY - timedelta(days=9),
    changed_at=JANUARY - timedelta(days=8),
    summary="A booking",
    zone="Europe/Rome",
)


@pytest.fixture(scope="module", autouse=True)
def engine() -> Iterator[None]:
    """ical.js runs as long as this file's tests."""
    yield
    parsers.stop_engine()


def calendar(*events: Event) -> bytes:
    """A feed of these events."""
    return FRAME + b"".join(map(vevent, events)) + b"END:VCALENDAR\r\n"


def lines(event: Event) -> list[str]:
    """The content lines of an event, unfolded."""
    return vevent(event).decode().replace("\r\n ", "").split("\r\n")


pieces = st.one_of(
    st.text(max_size=12),
    st.sampled_from("\r\n\t\x00\x07\x0b\x0c\x1b\x7f\x85\u2028\u2029\u202e\ufeff\ud800;,:\\\"'=^%<>&"),
    st.sampled_from(["😀", "👩‍🔬", "à", "è", "ß", "漢", "e\u0301", "\r\nEND:VEVENT\r\n", "\\n", "\\,", "\\\\", " "]),
)
hostile = st.lists(pieces, max_size=40).map("".join)
wide = st.sampled_from(["é", "😀é", "漢字", ",", ";", "\\", "\n"])
borders = st.builds(lambda n, tail: "x" * n + tail, st.integers(50, 80), wide)
instants = st.one_of(
    st.integers(0, 60 * 24 * 365 * 3).map(lambda n: datetime(2026, 6, 1, tzinfo=UTC) + timedelta(minutes=n)),
    st.integers(-180, 180).map(lambda n: SPRING + timedelta(minutes=n)),
    st.integers(-180, 180).map(lambda n: AUTUMN + timedelta(minutes=n)),
)


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    summary=st.one_of(hostile, borders),
    description=st.one_of(hostile, borders),
    location=hostile,
    start=instants,
    minutes=st.integers(1, 3000),
    status=st.sampled_from(Status),
)
def test_five_programs_read_what_was_written_and_nothing_else(
    summary: str, description: str, location: str, start: datetime, minutes: int, status: Status
) -> None:
    event = replace(
        SIMPLE,
        summary=summary,
        description=description,
        location=location,
        starts_at=start,
        ends_at=start + timedelta(minutes=minutes),
        status=status,
        categories=(location,),
    )
    feed = calendar(event)
    assert [fault for fault in faults(feed) if "e-mail" not in fault] == []
    expected = (event.uid, event.starts_at, event.ends_at)
    for name, parse in PARSERS.items():
        shown = parse(feed.decode())
        assert [tuple(one[:3]) for one in shown] == [expected], name
        assert {one.summary.strip() for one in shown} == {clean_line(summary)}, name


@pytest.mark.parametrize("change", [SPRING, AUTUMN], ids=["spring 2027", "autumn 2027"])
@pytest.mark.parametrize("parser", PARSERS)
def test_every_half_hour_around_a_clock_change_is_the_same_instant_everywhere(change: datetime, parser: str) -> None:
    starts = [change + timedelta(minutes=30 * n) for n in range(-8, 9)]
    events = [
        replace(SIMPLE, uid=f"{n}@localhost", starts_at=start, ends_at=start + timedelta(minutes=30))
        for n, start in enumerate(starts)
    ]
    feed = calendar(*events)
    assert faults(feed) == []
    assert PARSERS[parser](feed.decode()) == {Shown(e.uid, e.starts_at, e.ends_at, e.summary) for e in events}


def test_a_doubled_hour_is_written_in_utc_because_programs_disagree_which_pass_it_means() -> None:
    for start in (AUTUMN - timedelta(hours=1), AUTUMN):
        written = lines(replace(SIMPLE, starts_at=start, ends_at=start + timedelta(hours=3)))
        assert f"DTSTART:{start:%Y%m%dT%H%M%SZ}" in written
    before = AUTUMN - timedelta(hours=2)
    written = lines(replace(SIMPLE, starts_at=before, ends_at=before + timedelta(minutes=30)))
    assert "DTSTART;TZID=Europe/Rome:20271031T010000" in written


@pytest.mark.parametrize("parser", PARSERS)
def test_whole_days_are_dates_with_an_exclusive_end(parser: str) -> None:
    midnight = datetime(2027, 3, 27, tzinfo=ZoneInfo("Europe/Rome"))
    days = (date(2027, 3, 27), date(2027, 3, 29))
    event = replace(SIMPLE, starts_at=midnight, ends_at=midnight + timedelta(days=2), days=days)
    feed = calendar(event)
    assert "DTSTART;VALUE=DATE:20270327" in lines(event)
    assert faults(feed) == []
    assert PARSERS[parser](feed.decode()) == {Shown(event.uid, *days, event.summary)}


@pytest.mark.parametrize(
    ("status", "transparency", "shown_as"),
    [
        (Status.TENTATIVE, "OPAQUE", "TENTATIVE"),
        (Status.CONFIRMED, "OPAQUE", "BUSY"),
        (Status.CANCELLED, "TRANSPARENT", "FREE"),
    ],
)
def test_only_what_is_cancelled_takes_no_time(status: Status, transparency: str, shown_as: str) -> None:
    written = lines(replace(SIMPLE, status=status))
    assert f"STATUS:{status.value}" in written
    assert f"TRANSP:{transparency}" in written
    assert f"X-MICROSOFT-CDO-BUSYSTATUS:{shown_as}" in written


def test_an_event_says_when_it_last_changed_not_when_it_was_asked_for() -> None:
    written = lines(SIMPLE)
    assert "DTSTAMP:20261227T080000Z" in written
    assert "LAST-MODIFIED:20261227T080000Z" in written
    assert "CREATED:20261226T080000Z" in written


def test_the_same_instant_in_another_zone_is_another_text() -> None:
    assert vevent(SIMPLE) != vevent(replace(SIMPLE, zone=""))
    assert "DTSTART:20270104T080000Z" in lines(replace(SIMPLE, zone=""))


def test_italian_stays_italian() -> None:
    written = lines(replace(SIMPLE, summary="Perché no? Così è più già", location="Città, «Università»"))
    assert "SUMMARY:Perché no? Così è più già" in written
    assert "LOCATION:Città\\, «Università»" in written


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nb\rc\nd\u2028e", "a\nb\nc\nd\ne"),
        ("\x00\x07a\x1b[31m\x7f\x9b", "a[31m"),
        ("abc\u202egpj.exe", "abcgpj.exe"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("👩‍🔬 è é", "👩‍🔬 è é"),
    ],
)
def test_text_is_cleaned_of_what_no_calendar_should_get(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned
