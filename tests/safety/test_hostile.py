"""Nonsense in every field of every form and in every query: a clear no, nothing changed, never a fault of ours."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import inspect

from core.db import db
from core.web import LARGEST_BODY
from tests.safety.pages import GETS
from tests.safety.posts import POSTS
from tests.safety.world import Copy

NONSENSE = (
    "",
    "NaN",
    "inf",
    "-1",
    "1e309",
    "9" * 400,
    "0x10",
    "2147483648",
    "-9223372036854775809",
    "9999-12-31",
    "9999-12-31T23:59",
    "0001-01-01",
    "2027-02-30",
    "24:01",
    "٣",
    "[]",
    '{"a": 1}',
    "None",
    "00000000-0000-0000-0000-000000000007",
    "{nothing}",
    "../../etc/passwd",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "%s %(x)s {{ 7*7 }} {0}",
    "=1+1",
    "a\r\nSet-Cookie: x=1",
    "x" * 100_000,
    "\u202e\ufeff\u2028",
    "é\U0001f9ec",
)
BROKEN = ("\x00", "a\x00b", "\x1b[2J")
KEPT = {"sessions", "login_attempts"}
"""Tables that every request may write to."""
POWERFUL = ("visitor", "owner", "manager", "office")
NAMES = re.compile(r'\bname="([^"]+)"')
PAGES_WITH_FORMS = {
    "accounts.change_profile": "/account",
    "accounts.change_password": "/account",
    "accounts.invite": "/organisations/{organisation}",
    "accounts.change_role": "/organisations/{organisation}",
    "accounts.join": "/invitations/{invited}",
    "calendars.make": "/calendars/subscribe/facility/{here_id}",
    "instruments.book": "/facilities/{here}/{scope}",
    "requests.save": "/requests/{draft}/edit",
    "rounds.propose": "/rounds/{round_allocation}/plans",
    "rounds.take_step": "/rounds/{round_open}",
    "rounds.publish": "/rounds/{round_allocation}/plans/1",
    "requests.create": "/requests/new",
    "requests.clone": "/requests/{secret}",
    "requests.withdraw": "/requests/{secret}",
    "requests.break_glass": "/requests/{secret}",
    "bookings.approve": "/bookings/{waiting}",
    "deputies.end": "/facilities/{here}/deputies",
    "requests.submit": "/requests/{draft}/submit",
    "waitlist.accept": "/waitlist",
    "waitlist.decline": "/waitlist",
    "waitlist.leave": "/waitlist",
    "use.check_in": "/at/{here}/{scope}",
    "use.check_out": "/at/{here}/{scope}",
    "troubles.credit": "/troubles/{trouble}",
    "troubles.close": "/troubles/{trouble}",
}
"""Where a form stands that is not on the page of its own address."""
WITHOUT_FIELDS = {"accounts.logout", "accounts.end_all_sessions", "accounts.end_session"}


def counts() -> dict[str, int]:
    """How many rows each table has."""
    db.session.rollback()
    tables = set(inspect(db.engine).get_table_names()) - KEPT
    return {table: db.session.execute(db.text(f"SELECT count(*) FROM {table}")).scalar_one() for table in tables}


def fields_of(world: Copy, role: str, endpoint: str, pattern: str) -> list[str]:
    """The names that a form's page sends."""
    page = world.browser(role).get(world.path(PAGES_WITH_FORMS.get(endpoint, pattern)))
    found = set(NAMES.findall(page.text)) if page.status_code == 200 else set()
    return sorted(found - {"csrf_token", "viewport", "lang", "description", "key"} | {"unheard_of"})


def forms() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for endpoint, rows in POSTS.items():
        if endpoint not in WITHOUT_FIELDS:
            yield from ((endpoint, pattern, values) for pattern, values in rows)


@pytest.mark.parametrize("role", POWERFUL)
def test_nonsense_in_all_fields_at_once_is_refused_and_changes_nothing(world: Copy, role: str) -> None:
    for number, (endpoint, pattern, _values) in enumerate(forms()):
        names, client, before = fields_of(world, role, endpoint, pattern), world.browser(role), counts()
        for word in NONSENSE[number % 3 :: 3]:
            answer = client.post_form(world.path(pattern), dict.fromkeys(names, word))
            assert answer.status_code < 500, (endpoint, word[:40], answer.text[:300])
            before = before if answer.status_code >= 400 else counts()  # some nonsense is a sound text
        assert counts() == before, endpoint


@pytest.mark.parametrize("role", POWERFUL)
def test_one_field_of_nonsense_is_no_fault_of_ours(world: Copy, role: str) -> None:
    for number, (endpoint, pattern, values) in enumerate(forms()):
        names, client = fields_of(world, role, endpoint, pattern), world.browser(role)
        for place, name in enumerate(names[:: 1 + len(names) // 12]):
            word = NONSENSE[(number + 7 * place) % len(NONSENSE)]
            sent = {**{key: world.path(value) for key, value in values.items()}, name: word}
            answer = client.post_form(world.path(pattern), sent)
            assert answer.status_code < 500, (endpoint, name, word[:40], answer.text[:300])


@pytest.mark.parametrize("word", BROKEN)
def test_control_characters_are_refused_everywhere(world: Copy, word: str) -> None:
    before = counts()
    for _endpoint, pattern, values in forms():
        sent = {**{key: world.path(value) for key, value in values.items()}, "anything": word}
        assert world.browser("office").post_form(world.path(pattern), sent).status_code == 400, pattern
    assert counts() == before


def test_a_lone_surrogate_and_a_body_that_is_no_form_are_refused(world: Copy) -> None:
    before, client = counts(), world.browser("owner")
    for _endpoint, pattern, _values in forms():
        for body in (b"title=%ED%A0%80&csrf_token=", b"\xff\xfe\x00=%", b"a" * 1000, b"&" * 2000, b"[1,2]"):
            answer = client.post(
                world.path(pattern), data=body, content_type="application/x-www-form-urlencoded", headers={}
            )
            assert 400 <= answer.status_code < 500, (pattern, body[:20])
        answer = client.post(world.path(pattern), data=b"--x\r\n\r\n", content_type="multipart/form-data; boundary=x")
        assert 400 <= answer.status_code < 500, pattern
    assert counts() == before


def test_a_huge_body_is_too_large_everywhere(world: Copy) -> None:
    for endpoint in ("requests.save", "accounts.login", "rounds.new"):
        pattern = POSTS[endpoint][0][0]
        answer = world.browser("manager").post_form(world.path(pattern), {"title": "x" * (LARGEST_BODY + 1)})
        assert answer.status_code == 413


QUERIES = ("q", "type", "sort", "page", "week", "start", "end", "show", "to", "from", "lang", "check", "round", "next")


@pytest.mark.parametrize("role", POWERFUL)
def test_nonsense_in_queries_is_no_fault_of_ours_and_writes_nothing(world: Copy, role: str) -> None:
    client = world.browser(role)
    before = counts()
    for number, pattern in enumerate(sorted({one for patterns in GETS.values() for one in patterns if "?" not in one})):
        for place, name in list(enumerate(QUERIES))[number % 3 :: 3]:
            word = NONSENSE[(number + 5 * place) % len(NONSENSE)][:2000]
            answer = client.get(world.path(pattern), query_string={name: [word, word] if place % 3 else word})
            assert answer.status_code < 500, (pattern, name, word[:40])
    after = counts()
    assert {table for table in before if after[table] != before[table]} <= {"calendar_fetches"}
