"""Signing in and out."""

import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from accounts import passwords
from accounts.models import LoginAttempt
from core import clock
from core.audit import AuditEntry
from core.config import install, installed
from core.db import db
from core.session_rows import StoredSession
from tests.accounts.factories import PASSWORD, an_account, fresh, is_signed_in, session_cookie, sign_in, with_cookie
from tests.factories import a_facility, a_manager, a_person
from tests.support import Browser, browser

NOON = datetime(2027, 1, 4, 12, tzinfo=UTC)


def test_the_right_password_signs_in(context: Flask, visitor: Browser) -> None:
    person = an_account(email="anna@example.org")
    answer = sign_in(visitor, " Anna@Example.org ")
    assert (answer.status_code, answer.location) == (303, "/")
    assert is_signed_in(visitor)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "sign_in")).one()
    assert entry.person_id == person.id


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("anna@example.org", "wrong"),
        ("nobody@example.org", PASSWORD),
        ("none@example.org", ""),
        ("gone@example.org", PASSWORD),
    ],
)
def test_every_wrong_try_gets_the_same_answer(context: Flask, visitor: Browser, email: str, password: str) -> None:
    an_account(email="anna@example.org")
    a_person(email="none@example.org")  # has not chosen a password yet
    an_account(email="gone@example.org", is_active=False)
    answer = sign_in(visitor, email, password or "anything")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "L’indirizzo o la password non è corretto." in page
    assert not is_signed_in(visitor)


def test_an_unknown_account_takes_as_long_as_a_known_one() -> None:
    known = passwords.hash_of(PASSWORD)

    def cost(password_hash: str) -> float:
        begin = time.process_time()
        passwords.matches(password_hash, "a wrong guess")
        return time.process_time() - begin

    pairs = [(cost(known), cost("")) for _ in range(9)]
    ratio = statistics.median(k for k, _ in pairs) / statistics.median(u for _, u in pairs)
    assert 0.6 < ratio < 1.7


def test_a_hash_of_older_parameters_is_renewed_at_sign_in(context: Flask, visitor: Browser) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    person = an_account(password_hash=old)
    assert sign_in(visitor, person.email).status_code == 303
    renewed = fresh(person.id).password_hash
    assert renewed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.matches(renewed, PASSWORD)


def test_a_session_planted_before_sign_in_is_worthless(context: Flask, app: Flask, visitor: Browser) -> None:
    planted = session_cookie(visitor)
    assert planted
    sign_in(visitor, an_account().email)
    assert session_cookie(visitor) not in ("", planted)
    assert not is_signed_in(with_cookie(app, planted))


def test_a_key_that_we_did_not_make_is_never_taken(context: Flask, app: Flask, visitor: Browser) -> None:
    attacker = app.test_client()
    attacker.set_cookie("equora", "fixed-by-an-attacker", domain="localhost")
    attacker.get("/login")
    made = attacker.get_cookie("equora")
    assert made is not None
    assert made.value != "fixed-by-an-attacker"


def test_a_copied_cookie_is_dead_after_signing_out(context: Flask, app: Flask, visitor: Browser) -> None:
    sign_in(visitor, an_account().email)
    copy = with_cookie(app, session_cookie(visitor))
    assert is_signed_in(copy)
    assert visitor.post_form("/logout").status_code == 303
    assert not is_signed_in(visitor)
    assert not is_signed_in(copy)
    assert db.session.scalars(select(StoredSession).where(StoredSession.person_id.is_not(None))).all() == []


def test_signing_out_needs_a_form(visitor: Browser) -> None:
    answer = visitor.get("/logout")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")


def test_sessions_end_when_they_lie_idle_sooner_for_managers(context: Flask, app: Flask) -> None:
    member, manager = an_account(), a_manager(a_facility(), password_hash=passwords.hash_of(PASSWORD))
    browsers = [browser(app), browser(app)]
    with clock.frozen_at(datetime.now(UTC) + timedelta(minutes=1)):
        start = clock.now()
        for client, person in zip(browsers, (member, manager), strict=True):
            sign_in(client, person.email)
    with clock.frozen_at(start + timedelta(minutes=29)):
        assert [is_signed_in(client) for client in browsers] == [True, True]
    with clock.frozen_at(start + timedelta(minutes=60)):
        assert [is_signed_in(client) for client in browsers] == [True, False]
    with clock.frozen_at(start + timedelta(hours=9, minutes=1)):
        assert not is_signed_in(browsers[0])


def test_no_session_lives_longer_than_twelve_hours(context: Flask, visitor: Browser) -> None:
    start = clock.now()
    sign_in(visitor, an_account().email)
    for hour in (4, 8, 11):
        with clock.frozen_at(start + timedelta(hours=hour)):
            assert is_signed_in(visitor)
    with clock.frozen_at(start + timedelta(hours=12, minutes=1)):
        assert not is_signed_in(visitor)


def test_who_becomes_a_manager_idles_out_sooner_from_then_on(context: Flask, visitor: Browser) -> None:
    person = an_account()
    sign_in(visitor, person.email)
    person.is_office = True
    db.session.commit()
    assert is_signed_in(visitor)
    with clock.frozen_at(clock.now() + timedelta(minutes=31)):
        assert not is_signed_in(visitor)


def test_a_closed_account_is_signed_out_at_once(context: Flask, visitor: Browser) -> None:
    person = an_account()
    sign_in(visitor, person.email)
    person.is_active = False
    db.session.commit()
    assert not is_signed_in(visitor)


@pytest.mark.parametrize(
    "wanted",
    ["/rounds", "/facilities?q=microscope", "/account"],
)
def test_one_comes_back_to_where_one_wanted_to_go(context: Flask, visitor: Browser, wanted: str) -> None:
    assert sign_in(visitor, an_account().email, next=wanted).location == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "evil.example",
        " //evil.example",
        "http:evil.example",
    ],
)
def test_nobody_is_led_to_another_site(context: Flask, visitor: Browser, wanted: str) -> None:
    assert sign_in(visitor, an_account().email, next=wanted).location == "/"
    assert visitor.get("/login", query_string={"next": wanted}).location == "/"


def test_pages_for_members_lead_a_visitor_to_sign_in_and_back(visitor: Browser) -> None:
    assert visitor.get("/organisations?q=x").location == "/login?next=/organisations?q%3Dx"


# --- guessing ---------------------------------------------------------------------------------------------


def _wrong(client: Browser, email: str, **extra: str) -> int:
    return int(sign_in(client, email, "wrong guess", **extra).status_code)


def test_after_ten_wrong_guesses_an_account_takes_no_more_for_an_hour(context: Flask, app: Flask) -> None:
    person = an_account()
    with clock.frozen_at(NOON):
        assert {_wrong(browser(app), person.email) for _ in range(10)} == {422}
        eleventh = sign_in(browser(app), person.email)
        assert eleventh.status_code == 429
        assert eleventh.headers["Retry-After"] == "3600"
        assert "fra 60 minuti" in eleventh.get_data(as_text=True)
    with clock.frozen_at(NOON + timedelta(minutes=61)):
        assert sign_in(browser(app), person.email).status_code == 303


def test_an_unknown_account_is_refused_after_as_many_guesses(context: Flask, app: Flask) -> None:
    answers = [_wrong(browser(app), "nobody@example.org") for _ in range(11)]
    assert answers == [422] * 10 + [429]


def test_a_known_device_is_not_locked_out_by_others_guesses(context: Flask, app: Flask, visitor: Browser) -> None:
    person = an_account()
    sign_in(visitor, person.email)
    visitor.post_form("/logout")
    attacker = browser(app)
    while _wrong(attacker, person.email) != 429:
        pass
    visitor.get("/login")
    visitor.csrf = _token(visitor)
    assert sign_in(visitor, person.email).status_code == 303


def test_a_known_device_has_ten_guesses_too(context: Flask, visitor: Browser) -> None:
    person = an_account()
    sign_in(visitor, person.email)
    assert [_wrong(visitor, person.email) for _ in range(11)] == [422] * 10 + [429]


def test_a_device_is_known_for_its_own_people_only(context: Flask, app: Flask, visitor: Browser) -> None:
    attacker, victim = an_account(), an_account()
    sign_in(visitor, attacker.email)
    assert [_wrong(visitor, victim.email) for _ in range(11)] == [422] * 10 + [429]
    assert _wrong(browser(app), victim.email) == 429


def test_a_forged_device_cookie_helps_nobody(context: Flask, app: Flask) -> None:
    person = an_account()
    answers = []
    for number in range(11):
        client = browser(app)
        client.set_cookie("equora-device", f"forged{number}.x.y", domain="localhost")
        answers.append(_wrong(client, person.email))
    assert answers == [422] * 10 + [429]


def test_fifty_wrong_guesses_from_one_address_are_enough(context: Flask, app: Flask) -> None:
    client = browser(app)
    answers = [_wrong(client, f"person{number}@example.org") for number in range(51)]
    assert answers == [422] * 50 + [429]
    elsewhere = client.post_form(
        "/login", {"email": "other@example.org", "password": "wrong"}, environ_base={"REMOTE_ADDR": "192.0.2.7"}
    )
    assert elsewhere.status_code == 422


def test_addresses_of_one_ipv6_network_count_as_one(context: Flask, app: Flask) -> None:
    client = browser(app)
    answers = [
        client.post_form(
            "/login",
            {"email": f"person{number}@example.org", "password": "wrong"},
            environ_base={"REMOTE_ADDR": f"2001:db8::{number + 1:x}"},
        ).status_code
        for number in range(51)
    ]
    assert answers == [422] * 50 + [429]


def test_what_is_kept_of_guesses_tells_no_address(context: Flask, visitor: Browser) -> None:
    _wrong(visitor, "anna@example.org")
    attempt = db.session.scalars(select(LoginAttempt)).one()
    assert {len(attempt.account_hash), len(attempt.address_hash)} == {64}
    assert "anna" not in attempt.account_hash


def test_signing_in_rightly_is_no_guess(context: Flask, visitor: Browser) -> None:
    sign_in(visitor, an_account().email)
    assert db.session.scalars(select(LoginAttempt)).all() == []


# --- the demo ---------------------------------------------------------------------------------------------


def test_in_the_demo_its_people_are_one_click_away(context: Flask, visitor: Browser) -> None:
    person = an_account(name="Anna Demo", demo=True)
    an_account(name="Real Person")
    page = visitor.get("/login").get_data(as_text=True)
    assert "Anna Demo" in page
    assert "Real Person" not in page
    assert visitor.post_form("/login/demo", {"person": str(person.id)}).status_code == 303
    assert is_signed_in(visitor)


def test_nobody_signs_in_as_a_real_person_without_a_password(context: Flask, visitor: Browser) -> None:
    person = an_account()
    assert visitor.post_form("/login/demo", {"person": str(person.id)}).status_code == 404
    assert visitor.post_form("/login/demo", {"person": "x"}).status_code == 400
    assert not is_signed_in(visitor)


def _token(client: Browser) -> str:
    page = client.get("/login").get_data(as_text=True)
    return page.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]


def test_where_the_demo_is_off_its_people_are_nobody(context: Flask, visitor: Browser) -> None:
    person = a_person(demo=True, password_hash=passwords.hash_of("equora-demo"), is_office=True)
    signed_in = browser(context, person.id)
    assert signed_in.get("/posts").status_code == 200
    install(replace(installed(), demo=False))
    assert signed_in.get("/posts").status_code == 303
    form = {"email": person.email, "password": "equora-demo"}
    assert visitor.post_form("/login", form).status_code == 422
    assert visitor.post_form("/login/demo", {"person": str(person.id)}).status_code == 404
