"""How a feed is answered: headers, 304, gzip, methods, and one and the same 404."""

import gzip
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import event, select, update
from sqlalchemy.engine import Engine
from werkzeug.http import http_date, parse_date
from werkzeug.test import TestResponse

from accounts.models import Membership, Person, Post
from accounts.policy import Role
from booking.lifecycle import BookingState
from booking.models import Booking
from calendars import services, vevent
from calendars.models import Subscription
from core import clock
from core.db import db, transaction
from tests.calendars.factories import a_feed, changed, touched
from tests.factories import BEFORE, MONDAY, a_booking, a_facility, a_member, actor, an_instrument
from tests.support import Browser, browser, on_both_databases

NOW = BEFORE + timedelta(days=2, hours=12)


@pytest.fixture(autouse=True)
def at_noon(context: Flask) -> Iterator[None]:
    """Time stands still."""
    with clock.frozen_at(NOW):
        yield


@pytest.fixture
def booking() -> Booking:
    """A booking of a member's."""
    return touched(a_booking(an_instrument(name="Cryostat"), person_id=a_member().id, title="Graphene " * 20))


@pytest.fixture
def path(booking: Booking) -> str:
    """The feed of that member's bookings."""
    assert booking.person is not None
    return a_feed(booking.person)


def fetch(visitor: Browser, path: str, method: str = "GET", **headers: str) -> TestResponse:
    """One request of a calendar program; header names with _ for -."""
    return visitor.open(path, method=method, headers={name.replace("_", "-"): v for name, v in headers.items()})


def test_the_headers_are_those_of_a_private_calendar(visitor: Browser, path: str) -> None:
    answer = fetch(visitor, path)
    headers = answer.headers
    assert answer.status_code == 200
    assert headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["ETag"].startswith('W/"')
    assert parse_date(headers["Last-Modified"]) is not None
    assert "Set-Cookie" not in headers


def test_the_same_state_gives_the_same_bytes(visitor: Browser, path: str) -> None:
    first = fetch(visitor, path)
    with clock.frozen_at(NOW + timedelta(hours=3)):
        vevent.vevent.cache_clear()
        second = fetch(visitor, path)
    assert first.get_data() == second.get_data()
    assert first.headers["ETag"] == second.headers["ETag"]
    assert first.headers["Last-Modified"] == second.headers["Last-Modified"]


def test_head_has_the_headers_of_get_and_no_body(visitor: Browser, path: str) -> None:
    get, head = fetch(visitor, path), fetch(visitor, path, "HEAD")
    assert head.status_code == 200
    assert head.get_data() == b""
    assert dict(head.headers) == dict(get.headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(visitor: Browser, path: str, method: str) -> None:
    answer = fetch(visitor, path, method)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "form",
    ["{weak}", "{strong}", '"x", {weak}, W/"y"', '"x",{strong}', "*"],
    ids=["the tag", "the same as a strong tag", "in a list", "in a dense list", "anything"],
)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_has_this_version_gets_304(visitor: Browser, path: str, form: str, encoding: str, method: str) -> None:
    tag = fetch(visitor, path, Accept_Encoding=encoding).headers["ETag"]
    known = form.format(weak=tag, strong=tag.removeprefix("W/"))
    answer = fetch(visitor, path, method, If_None_Match=known, Accept_Encoding=encoding)
    assert answer.status_code == 304
    assert answer.get_data() == b""
    assert answer.headers["ETag"] == tag
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Vary"] == "Accept-Encoding"
    for name in ("Content-Type", "Content-Encoding", "Set-Cookie"):
        assert name not in answer.headers


@pytest.mark.parametrize("known", ['W/"other"', '"a", "b"', ""])
def test_who_has_another_version_gets_the_feed(visitor: Browser, path: str, known: str) -> None:
    assert fetch(visitor, path, If_None_Match=known).status_code == 200


def test_a_tag_decides_alone_where_there_is_one(visitor: Browser, path: str) -> None:
    since = fetch(visitor, path).headers["Last-Modified"]
    assert fetch(visitor, path, If_None_Match='"other"', If_Modified_Since=since).status_code == 200


@pytest.mark.parametrize(("days", "status"), [(-1, 200), (0, 304), (1, 304)])
def test_who_asks_by_date_gets_304_if_nothing_changed_since(
    visitor: Browser, path: str, days: int, status: int
) -> None:
    modified = parse_date(fetch(visitor, path).headers["Last-Modified"])
    assert modified is not None
    since = http_date(modified + timedelta(days=days))
    assert fetch(visitor, path, If_Modified_Since=since).status_code == status


def test_a_date_that_is_none_is_ignored(visitor: Browser, path: str) -> None:
    assert fetch(visitor, path, If_Modified_Since="yesterday").status_code == 200


def test_a_change_is_seen_at_once_also_twice_in_one_second(visitor: Browser, booking: Booking, path: str) -> None:
    for state in (BookingState.TENTATIVE, BookingState.CANCELLED):
        before = fetch(visitor, path)
        changed(booking, NOW, state=state)
        for condition in (
            {"If_None_Match": before.headers["ETag"]},
            {"If_Modified_Since": before.headers["Last-Modified"]},
        ):
            after = fetch(visitor, path, **condition)
            assert after.status_code == 200, condition
            assert f"STATUS:{state.value.upper()}".encode() in after.get_data()


def test_a_cancelled_booking_that_leaves_makes_another_version(visitor: Browser, booking: Booking, path: str) -> None:
    changed(booking, NOW, state=BookingState.CANCELLED)
    with clock.frozen_at(NOW + timedelta(days=30)):
        before = fetch(visitor, path)
    with clock.frozen_at(NOW + timedelta(days=31)):
        assert fetch(visitor, path, If_None_Match=before.headers["ETag"]).status_code == 200
        assert fetch(visitor, path, If_Modified_Since=before.headers["Last-Modified"]).status_code == 200


def test_other_rights_make_another_version(visitor: Browser) -> None:
    booking = touched(a_booking(an_instrument(), person_id=a_member().id, title="Graphene"))
    member = a_member()
    path = a_feed(member, booking.instrument)
    before = fetch(visitor, path)
    facility_id = booking.instrument.facility_id
    make_manager(member, a_facility().id)  # elsewhere: nothing changes here
    assert fetch(visitor, path, If_None_Match=before.headers["ETag"]).status_code == 304
    make_manager(member, facility_id)
    after = fetch(visitor, path, If_None_Match=before.headers["ETag"])
    assert after.status_code == 200
    assert b"Graphene" in after.get_data()
    assert b"Graphene" not in before.get_data()


def test_another_name_of_the_instrument_makes_another_version(visitor: Browser, booking: Booking, path: str) -> None:
    before = fetch(visitor, path)
    with transaction() as tx:
        row = tx.session.get_one(Booking, booking.id)
        row.instrument.name = "Cryostat II"
    after = fetch(visitor, path, If_None_Match=before.headers["ETag"])
    assert after.status_code == 200
    assert "Cryostat II" in after.get_data().decode().replace("\r\n ", "")


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [("gzip", True), ("deflate, gzip;q=0.5", True), ("*", True), ("gzip;q=0", False), ("identity", False), ("", False)],
)
def test_gzip_for_who_understands_it(visitor: Browser, path: str, accepted: str, is_packed: bool) -> None:
    plain = fetch(visitor, path).get_data()
    answer = fetch(visitor, path, Accept_Encoding=accepted)
    assert (answer.headers.get("Content-Encoding") == "gzip") == is_packed
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert int(answer.headers["Content-Length"]) == len(answer.get_data())
    assert (gzip.decompress(answer.get_data()) if is_packed else answer.get_data()) == plain


def make_manager(person: Person, facility_id: UUID) -> None:
    """The person manages the facility from now on."""
    with transaction() as tx:
        tx.session.add(Post(person_id=person.id, facility_id=facility_id, role=Role.MANAGER, since=BEFORE))


def dead_paths() -> dict[str, str]:
    """Addresses that open nothing, each for a reason of its own."""
    wrong = "/calendars/feeds/" + "A" * 43 + ".ics"
    owner, revoker, leaver = a_member(), a_member(), a_member()
    paths = {"wrong": wrong, "short": "/calendars/feeds/x.ics", "revoked": a_feed(revoker)}
    paths["dead owner"] = a_feed(owner)
    paths["left the last organisation"] = a_feed(leaver, an_instrument())
    with transaction() as tx:
        revoked = tx.session.scalars(select(Subscription).where(Subscription.person_id == revoker.id)).one()
        revoked.revoked_at = NOW
        tx.session.get_one(Person, owner.id).is_active = False
        for row in tx.session.scalars(select(Membership).where(Membership.person_id == leaver.id)):
            tx.session.delete(row)
    return paths


def test_whatever_is_dead_answers_the_same(visitor: Browser) -> None:
    answers = {reason: fetch(visitor, path, If_None_Match="*") for reason, path in dead_paths().items()}
    assert {answer.status_code for answer in answers.values()} == {404}
    assert len({answer.get_data() for answer in answers.values()}) == 1
    assert len({str(sorted(answer.headers)) for answer in answers.values()}) == 1
    assert not any("Set-Cookie" in answer.headers or "Location" in answer.headers for answer in answers.values())


def test_wrong_revoked_and_dead_owner_do_the_same_work(visitor: Browser) -> None:
    paths = dead_paths()
    counts = {reason: statements(visitor, paths[reason]) for reason in ("wrong", "revoked", "dead owner")}
    assert len({tuple(said) for said in counts.values()}) == 1
    assert len(counts["wrong"]) == 1


def test_a_right_that_comes_back_brings_the_feed_back(visitor: Browser) -> None:
    member = a_member()
    path = a_feed(member)
    for is_active, status in ((False, 404), (True, 200)):
        with transaction() as tx:
            tx.session.execute(update(Person).where(Person.id == member.id).values(is_active=is_active))
        assert fetch(visitor, path).status_code == status


def statements(visitor: Browser, path: str, **headers: str) -> list[str]:
    """The reads and writes of one request."""
    said: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "ROLLBACK")):
            said.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        fetch(visitor, path, **headers)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return said


def test_a_304_is_six_reads_by_key_whatever_the_size_and_renders_nothing(
    visitor: Browser, booking: Booking, path: str
) -> None:
    for n in range(50):
        start = MONDAY + timedelta(days=n + 2)
        end = start + timedelta(hours=1)
        touched(a_booking(booking.instrument, person_id=booking.person_id, starts_at=start, ends_at=end))
    tag = fetch(visitor, path).headers["ETag"]
    rendered = vevent.vevent.cache_info()
    said = statements(visitor, path, If_None_Match=tag)
    assert len(said) <= 6, said
    assert all(statement.startswith("SELECT") for statement in said)
    assert vevent.vevent.cache_info() == rendered


def test_a_fetch_is_noted_with_the_program_at_most_every_five_minutes(visitor: Browser, path: str) -> None:
    def noted() -> tuple[datetime | None, str]:
        db.session.rollback()
        at, program = db.session.execute(select(Subscription.fetched_at, Subscription.fetched_by)).one()
        return at, program

    fetch(visitor, path, User_Agent="khal/1")
    assert noted() == (NOW, "khal/1")
    writes = [s for s in statements(visitor, path) if s.startswith("UPDATE")]
    assert writes == []
    with clock.frozen_at(NOW + timedelta(minutes=5)):
        fetch(visitor, path, "HEAD", User_Agent="other/2")
    assert noted() == (NOW + timedelta(minutes=5), "other/2")


@on_both_databases
def test_a_feed_is_answered_while_the_note_cannot_be_written(visitor: Browser) -> None:
    path = a_feed(a_member())
    with transaction() as tx:  # holds the only writer's lock of SQLite, the row's lock of PostgreSQL
        tx.session.execute(update(Subscription).values(name="held"))
        assert fetch(visitor, path).status_code == 200
    assert db.session.scalars(select(Subscription.fetched_at)).one() is None


def test_a_signed_in_browser_gets_no_cookie_either(app: Flask, booking: Booking, path: str) -> None:
    answer = browser(app, booking.person_id).get(path + "?lang=it")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers["Vary"]


def test_a_revoked_address_is_dead_at_the_next_fetch(visitor: Browser, booking: Booking, path: str) -> None:
    tag = fetch(visitor, path).headers["ETag"]
    assert booking.person is not None
    services.revoke(db.session.scalars(select(Subscription.id)).one(), actor(booking.person), NOW)
    assert fetch(visitor, path, If_None_Match=tag).status_code == 404


@pytest.mark.parametrize("path", ["/calendars/feeds/.ics", "/calendars/feeds/a", "/calendars/feeds/a/b.ics"])
def test_other_shapes_are_no_feeds(visitor: Browser, path: str) -> None:
    assert fetch(visitor, path).status_code == 404
