"""A confidential request's words, looked for on every page that anybody can open."""

import pytest

from accounts.models import Person
from booking.lifecycle import RequestState
from booking.models import CalendarKind, Request
from calendars.policy import Detail
from calendars.services import subscribe
from core.db import db, transaction
from tests.safety.pages import GETS
from tests.safety.world import NOW, SECRET, Copy

WITHOUT_RIGHT = ("visitor", "colleague", "delegate", "stranger", "stranger_delegate", "manager_elsewhere", "office")
WITH_RIGHT = ("owner", "reviewer", "manager")


def pages_with_secrets(world: Copy, role: str) -> list[str]:
    client = world.browser(role)
    found = []
    for pattern in sorted({pattern for patterns in GETS.values() for pattern in patterns} - {"/outbox"}):
        for language in ("it", "en"):
            url = world.path(pattern)
            answer = client.get(url, query_string={"lang": language} if "?" not in url else None)
            assert answer.status_code < 500, pattern
            if SECRET in answer.text or SECRET in str(answer.headers):
                found.append(pattern)
    return sorted(set(found))


@pytest.mark.parametrize("role", WITHOUT_RIGHT)
def test_no_page_shows_a_confidential_word_to_who_may_not_read_it(world: Copy, role: str) -> None:
    assert pages_with_secrets(world, role) == []


@pytest.mark.parametrize("role", WITH_RIGHT)
def test_the_walk_would_see_the_words(world: Copy, role: str) -> None:
    found = pages_with_secrets(world, role)
    assert "/requests/{secret}" in found
    assert "/bookings/{secret_booking}" in found or role == "reviewer"
    assert "/rounds/{round_allocation}/plans/1" in found or role != "manager"


def test_a_shared_one_is_read_by_the_delegate_and_by_no_colleague(world: Copy) -> None:
    with transaction() as tx:
        for row in tx.session.query(Request).filter(Request.state != RequestState.DRAFT):
            row.is_shared = True
    assert "/requests/{secret}" in pages_with_secrets(world, "delegate")
    assert pages_with_secrets(world, "colleague") == []


@pytest.mark.parametrize("detail", list(Detail))
@pytest.mark.parametrize("role", ["owner", "manager", "office", "stranger"])
def test_no_feed_tells_a_confidential_word_to_anybody(world: Copy, role: str, detail: Detail) -> None:
    kinds = [(CalendarKind.INSTRUMENT, world.id("beam_id")), (CalendarKind.FACILITY, world.id("here_id"))]
    person_id = world.id(role)
    for kind, subject_id in [*kinds, (CalendarKind.PERSON, person_id)]:
        secret = subscribe(kind, subject_id, detail, "en", "A feed", world.actor(role), NOW)
        answer = world.browser("visitor").get(f"/calendars/feeds/{secret}.ics")
        assert answer.status_code == 200
        assert SECRET not in answer.text.replace("\r\n ", "")


def test_mails_with_confidential_words_go_to_their_owner_only(world: Copy) -> None:
    db.session.rollback()
    owner = db.session.get_one(Person, world.id("owner")).email
    rows = db.session.execute(db.text("SELECT payload FROM outbox_messages")).scalars().all()
    with_secrets = [str(row) for row in rows if SECRET in str(row)]
    assert with_secrets
    assert all(owner in row for row in with_secrets)


def test_the_audit_trail_holds_no_confidential_word(world: Copy) -> None:
    rows = db.session.execute(db.text("SELECT reason, detail FROM audit_entries")).all()
    assert rows
    assert SECRET not in str(rows)
