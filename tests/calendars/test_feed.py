"""What a feed shows: to whom, how much, for how long, in which words."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import Post
from accounts.policy import Role
from booking.lifecycle import BookingState
from booking.models import Booking, BookingKind
from booking.services import ledger
from calendars.policy import Detail
from core import clock
from core.db import db, transaction
from tests.calendars import parsers
from tests.calendars.checker import faults
from tests.calendars.factories import a_feed, changed, text_of, touched
from tests.calendars.parsers import PARSERS, Shown
from tests.factories import (
    BEFORE,
    MONDAY,
    a_booking,
    a_facility,
    a_manager,
    a_member,
    actor,
    an_instrument,
    an_organisation,
)
from tests.support import Browser, on_both_databases

SECRETS = ("Graphene on gold", "Anna Rossi", "anna.rossi@example.org")
pytestmark = pytest.mark.usefixtures("context", "at_noon")


@pytest.fixture
def at_noon() -> Iterator[datetime]:
    """Time stands still two days after the bookings were made."""
    with clock.frozen_at(BEFORE + timedelta(days=2, hours=12)):
        yield clock.now()


def mine(booking: Booking, **values: Any) -> str:
    """The feed of whoever holds the booking."""
    assert booking.person is not None
    return a_feed(booking.person, **values)


def anna_s_booking(**values: Any) -> Booking:
    """A booking of Anna's with a title, on the cryostat in the laser laboratory."""
    anna = a_member(name=SECRETS[1], email=SECRETS[2])
    laboratory = a_facility(name_en="Laser laboratory", name_it="Laboratorio laser", latitude=45.5, longitude=9.25)
    cryostat = an_instrument(laboratory, name="Cryostat", name_it="Criostato", capacity=2)
    return touched(a_booking(cryostat, person_id=anna.id, title=SECRETS[0], unit=1, **values))


def test_my_own_bookings_with_everything_i_may_read(visitor: Browser) -> None:
    booking = anna_s_booking()
    text = text_of(visitor, mine(booking))
    assert "SUMMARY:Graphene on gold · Cryostat\n" in text
    assert "LOCATION:Cryostat\\, Laser laboratory\\, Pavia\n" in text
    assert "GEO:45.5;9.25\n" in text
    assert "CATEGORIES:Booking\n" in text
    assert f"URL:http://localhost/bookings/{booking.id}\n" in text
    assert "DTSTART;TZID=Europe/Rome:20270104T100000\n" in text
    assert f"UID:{booking.uid}\n" in text
    assert "Place: 2\\n" in text
    assert f"State: confirmed\\nhttp://localhost/bookings/{booking.id}\n" in text


def test_titles_without_the_rest(visitor: Browser) -> None:
    text = text_of(visitor, mine(anna_s_booking(), detail=Detail.TITLE))
    assert "SUMMARY:Graphene on gold · Cryostat\n" in text
    assert "State:" not in text


def test_busy_times_tell_nothing_else(visitor: Browser) -> None:
    booking = anna_s_booking()
    text = text_of(visitor, mine(booking, detail=Detail.BUSY))
    assert "SUMMARY:Busy\n" in text
    for word in (*SECRETS, "Cryostat", "Laser", "Pavia", "URL", "GEO", "LOCATION", str(booking.id)):
        assert word not in text.split("BEGIN:VEVENT")[1]


@pytest.mark.parametrize("subject", ["instrument", "facility"])
def test_a_member_sees_others_only_as_busy_and_what_is_theirs_in_full(visitor: Browser, subject: str) -> None:
    booking = anna_s_booking()
    cryostat = booking.instrument
    member = a_member()
    later = booking.starts_at + timedelta(days=1)
    own = a_booking(cryostat, person_id=member.id, title="Mine", starts_at=later, ends_at=later + timedelta(hours=1))
    text = text_of(visitor, a_feed(member, cryostat if subject == "instrument" else cryostat.facility))
    assert "SUMMARY:Busy · Cryostat\n" in text
    assert "SUMMARY:Mine · Cryostat\n" in text
    assert f"/bookings/{own.id}" in text
    assert f"URL:http://localhost/facilities/{cryostat.facility.slug}/{cryostat.slug}\n" in text
    for word in (*SECRETS, "Politecnico", str(booking.id)):
        assert word not in text


@pytest.mark.parametrize("subject", ["instrument", "facility"])
def test_a_manager_reads_titles_and_organisations_but_no_names(visitor: Browser, subject: str) -> None:
    organisation = an_organisation(name="Politecnico (demo)")
    booking = anna_s_booking(organisation_id=organisation.id)
    cryostat = booking.instrument
    manager = a_manager(cryostat.facility)
    text = text_of(visitor, a_feed(manager, cryostat if subject == "instrument" else cryostat.facility))
    assert "SUMMARY:Graphene on gold · Cryostat\n" in text
    assert "Organisation: Politecnico (demo)" in text
    assert SECRETS[1] not in text
    assert SECRETS[2] not in text


def test_a_manager_of_another_facility_reads_no_titles(visitor: Browser) -> None:
    booking = anna_s_booking()
    member = a_member()
    with transaction() as tx:
        tx.session.add(Post(person_id=member.id, facility_id=a_facility().id, role=Role.MANAGER, since=BEFORE))
    assert "Graphene" not in text_of(visitor, a_feed(member, booking.instrument))


@pytest.mark.parametrize("detail", Detail)
@pytest.mark.parametrize("reader", ["owner", "manager", "member"])
def test_a_confidential_title_is_in_no_feed(visitor: Browser, reader: str, detail: Detail) -> None:
    booking = anna_s_booking(is_confidential=True)
    assert booking.person is not None
    readers = {"owner": booking.person, "manager": a_manager(booking.instrument.facility), "member": a_member()}
    text = text_of(visitor, a_feed(readers[reader], booking.instrument, detail=detail))
    assert "Graphene" not in text
    assert text.count("BEGIN:VEVENT") == 1


def test_no_feed_has_method_organizer_attendee_or_a_uid_of_its_own(visitor: Browser) -> None:
    text = text_of(visitor, mine(anna_s_booking()))
    head = text.split("BEGIN:VEVENT")[0]
    for name in ("METHOD", "ORGANIZER", "ATTENDEE"):
        assert name not in text
    assert "\nUID" not in head


def test_the_calendar_says_its_name_and_how_often_to_ask(visitor: Browser) -> None:
    text = text_of(visitor, mine(anna_s_booking(), name="Anna's, at work; 😀"))
    for line in (
        "NAME:Anna's\\, at work\\; 😀",
        "X-WR-CALNAME:Anna's\\, at work\\; 😀",
        "DESCRIPTION:Bookings kept in Equora\\, with what you may read of each.",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ):
        assert f"\n{line}\n" in text


def test_an_italian_feed_speaks_italian(visitor: Browser) -> None:
    booking = anna_s_booking(state=BookingState.TENTATIVE)
    text = text_of(visitor, mine(booking, language="it"))
    assert "SUMMARY:Da confermare: Graphene on gold · Criostato\n" in text
    assert "LOCATION:Criostato\\, Laboratorio laser\\, Pavia\n" in text
    assert "Stato: in attesa di approvazione" in text
    assert "CATEGORIES:Prenotazione\n" in text


@pytest.mark.parametrize(
    ("state", "status", "summary"),
    [
        (BookingState.TENTATIVE, "TENTATIVE", "Tentative: Graphene on gold · Cryostat"),
        (BookingState.CONFIRMED, "CONFIRMED", "Graphene on gold · Cryostat"),
        (BookingState.REFUSED, "CANCELLED", "Not approved: Graphene on gold · Cryostat"),
        (BookingState.CANCELLED, "CANCELLED", "Cancelled: Graphene on gold · Cryostat"),
    ],
)
def test_the_state_is_said_to_programs_and_to_people(
    visitor: Browser, state: BookingState, status: str, summary: str
) -> None:
    text = text_of(visitor, mine(anna_s_booking(state=state)))
    assert f"STATUS:{status}\n" in text
    assert f"SUMMARY:{summary}\n" in text


def test_an_offer_of_the_waitlist_is_tentative_and_said_to_be_one(visitor: Browser) -> None:
    text = text_of(visitor, mine(anna_s_booking(state=BookingState.TENTATIVE, kind=BookingKind.INSTANT)))
    for line in ("STATUS:TENTATIVE", "SUMMARY:Offer: Graphene on gold · Cryostat"):
        assert f"{line}\n" in text
    assert "State: offered from the waitlist" in text


def test_what_is_cancelled_stays_thirty_days_and_then_leaves(visitor: Browser, at_noon: datetime) -> None:
    booking = anna_s_booking()
    path = mine(booking)
    changed(booking, at_noon, state=BookingState.CANCELLED)
    for days, is_shown in ((0, True), (30, True), (31, False)):
        with clock.frozen_at(at_noon + timedelta(days=days)):
            assert ("STATUS:CANCELLED" in text_of(visitor, path)) == is_shown, days


def test_what_is_long_over_leaves_after_a_year(visitor: Browser) -> None:
    booking = anna_s_booking()
    path = mine(booking)
    for days, is_shown in ((365, True), (368, False)):
        with clock.frozen_at(booking.ends_at + timedelta(days=days)):
            assert ("BEGIN:VEVENT" in text_of(visitor, path)) == is_shown, days


def test_a_moved_booking_keeps_its_uid_and_raises_its_sequence(visitor: Browser, at_noon: datetime) -> None:
    organisation = an_organisation()
    anna = a_member(organisation)
    booking = touched(a_booking(an_instrument(), person_id=anna.id, organisation_id=organisation.id))
    path = mine(booking)
    before = text_of(visitor, path)
    start = booking.starts_at + timedelta(days=1)
    ledger.move(booking.id, start, start + timedelta(hours=2), booking.sequence, actor(anna), at_noon)
    after = text_of(visitor, path)
    assert "DTSTART;TZID=Europe/Rome:20270104T100000\n" in before
    assert "DTSTART;TZID=Europe/Rome:20270105T100000\n" in after
    assert "SEQUENCE:0\n" in before
    assert "SEQUENCE:1\n" in after
    assert f"UID:{booking.uid}\n" in after
    assert f"DTSTAMP:{at_noon:%Y%m%dT%H%M%SZ}\n" in after
    assert after.count("BEGIN:VEVENT") == 1


@pytest.mark.parametrize("kind", [BookingKind.CLOSURE, BookingKind.MAINTENANCE])
def test_a_closure_of_whole_local_days_is_written_as_days(visitor: Browser, kind: BookingKind) -> None:
    cryostat = an_instrument(name="Cryostat")
    midnight = datetime(2027, 3, 26, 23, tzinfo=MONDAY.tzinfo)  # the 27th in Rome; the clocks change on the 28th
    touched(a_booking(cryostat, kind=kind, starts_at=midnight, ends_at=midnight + timedelta(hours=47)))
    text = text_of(visitor, a_feed(a_member(), cryostat))
    assert "DTSTART;VALUE=DATE:20270327\n" in text
    assert "DTEND;VALUE=DATE:20270329\n" in text
    assert "BEGIN:VTIMEZONE" not in text
    assert f"SUMMARY:{'Closed' if kind is BookingKind.CLOSURE else 'Maintenance'} · Cryostat\n" in text


def test_a_closure_of_hours_and_a_booking_of_whole_days_keep_their_times(visitor: Browser) -> None:
    cryostat = an_instrument(name="Cryostat")
    midnight = datetime(2027, 1, 4, 23, tzinfo=MONDAY.tzinfo)
    for kind, hours, day in ((BookingKind.CLOSURE, 30, 0), (BookingKind.INSTANT, 24, 3)):
        start = midnight + timedelta(days=day)
        touched(a_booking(cryostat, kind=kind, starts_at=start, ends_at=start + timedelta(hours=hours)))
    text = text_of(visitor, a_feed(a_member(), cryostat))
    assert text.count("DTSTART;TZID=Europe/Rome:") == 2


def test_a_zone_that_has_no_yearly_rule_is_written_in_utc(visitor: Browser) -> None:
    booking = touched(a_booking(an_instrument(a_facility(timezone="Africa/Casablanca"))))
    text = text_of(visitor, a_feed(a_member(), booking.instrument))
    assert f"DTSTART:{booking.starts_at:%Y%m%dT%H%M%SZ}\n" in text
    assert "VTIMEZONE" not in text


def test_my_bookings_in_several_zones_bring_each_zone_once(visitor: Browser) -> None:
    person = a_member()
    for n, zone in enumerate(("Europe/Rome", "Europe/Rome", "Europe/London", "UTC")):
        start = MONDAY + timedelta(days=n)
        instrument = an_instrument(a_facility(timezone=zone))
        touched(a_booking(instrument, person_id=person.id, starts_at=start, ends_at=start + timedelta(hours=1)))
    body = visitor.get(a_feed(person)).get_data()
    assert body.count(b"BEGIN:VTIMEZONE") == 2
    assert body.count(b"BEGIN:VEVENT") == 4
    assert faults(body) == []


@on_both_databases
def test_what_the_ledger_s_own_verbs_do_is_seen_at_the_next_fetch_by_all_programs(visitor: Browser) -> None:
    organisation = an_organisation()
    person = a_member(organisation)
    instrument = an_instrument(name="Cryostat")
    paths = [a_feed(person), a_feed(person, instrument), a_feed(person, instrument.facility)]
    now = clock.now()
    start = MONDAY + timedelta(hours=9)
    booked = ledger.book(
        instrument.id, organisation.id, start, start + timedelta(hours=2), "Perché, no?", actor(person), now, "key"
    )
    uid = db.session.get_one(Booking, booked).uid
    expected = {Shown(uid, start, start + timedelta(hours=2), "Perché, no? · Cryostat")}
    for path in paths:
        body = visitor.get(path).get_data()
        assert faults(body) == []
        for name, parse in PARSERS.items():
            assert parse(body.decode()) == expected, name
    parsers.stop_engine()
    ledger.cancel(booked, actor(person), now)
    for path in paths:
        text = text_of(visitor, path)
        assert "STATUS:CANCELLED\n" in text
        assert f"UID:{uid}\n" in text
