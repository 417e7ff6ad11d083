"""Forgotten and changed passwords."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from accounts import passwords
from accounts.models import PasswordReset
from core import clock
from core.db import db
from tests.accounts.factories import (
    PASSWORD,
    an_account,
    fresh,
    is_signed_in,
    mails,
    renew_token,
    session_cookie,
    sign_in,
    token_of,
    with_cookie,
)
from tests.support import Browser, browser

NEW = "another long password"


def _ask(client: Browser, email: str) -> str:
    answer = client.post_form("/password/reset", {"email": email})
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def test_the_answer_is_the_same_for_every_address(context: Flask, visitor: Browser) -> None:
    person = an_account()
    an_account(email="closed@example.org", is_active=False)
    answers = {
        _ask(visitor, email) for email in (person.email, "nobody@example.org", "closed@example.org", "no address")
    }
    assert len(answers) == 1
    assert [mail["to"] for mail in mails("password_reset")] == [person.email]


def test_a_forgotten_password_is_replaced_with_the_link(context: Flask, visitor: Browser) -> None:
    person = an_account()
    _ask(visitor, person.email)
    token = token_of("password_reset")
    assert visitor.get(f"/password/reset/{token}").status_code == 200
    assert visitor.post_form(f"/password/reset/{token}", {"password": NEW}).location == "/login"
    assert passwords.matches(fresh(person.id).password_hash, NEW)
    assert mails("password_changed")[0]["to"] == person.email


def test_a_new_password_ends_all_sessions(context: Flask, app: Flask, visitor: Browser) -> None:
    person = an_account()
    sign_in(visitor, person.email)
    elsewhere = browser(app, person.id)
    assert is_signed_in(elsewhere)
    _ask(visitor, person.email)
    browser(app).post_form(f"/password/reset/{token_of('password_reset')}", {"password": NEW})
    assert not is_signed_in(visitor)
    assert not is_signed_in(elsewhere)


def test_a_link_works_once_for_an_hour_and_only_the_latest(context: Flask, visitor: Browser) -> None:
    person = an_account()
    _ask(visitor, person.email)
    first = token_of("password_reset")
    with clock.frozen_at(clock.now() + timedelta(minutes=1)):
        _ask(visitor, person.email)
    second = token_of("password_reset")
    assert first != second
    assert visitor.get(f"/password/reset/{first}").status_code == 404
    with clock.frozen_at(clock.now() + timedelta(minutes=62)):
        assert visitor.get(f"/password/reset/{second}").status_code == 404
    assert visitor.post_form(f"/password/reset/{second}", {"password": "short"}).status_code == 422
    assert visitor.post_form(f"/password/reset/{second}", {"password": NEW}).status_code == 303
    renewed = browser(visitor.application)
    assert renewed.post_form(f"/password/reset/{second}", {"password": NEW}).status_code == 404
    assert renewed.get("/password/reset/unknown").status_code == 404


def test_only_a_hash_of_the_link_is_kept(context: Flask, visitor: Browser) -> None:
    _ask(visitor, an_account().email)
    assert db.session.scalars(select(PasswordReset.token_hash)).one() != token_of("password_reset")


def test_asking_again_and_again_sends_few_mails(context: Flask, visitor: Browser) -> None:
    person = an_account()
    for _ in range(8):
        _ask(visitor, person.email)
    assert len(mails("password_reset")) == 5


def test_changing_the_password_needs_the_present_one(context: Flask, visitor: Browser) -> None:
    person = an_account()
    sign_in(visitor, person.email)
    answer = visitor.post_form("/account/password", {"old": "wrong", "new": NEW})
    assert answer.status_code == 422
    assert "Questa non è la password attuale." in answer.get_data(as_text=True)
    assert passwords.matches(fresh(person.id).password_hash, PASSWORD)


def test_changing_the_password_ends_the_other_sessions_only(context: Flask, app: Flask, visitor: Browser) -> None:
    person = an_account()
    sign_in(visitor, person.email)
    elsewhere = browser(app, person.id)
    assert visitor.post_form("/account/password", {"old": PASSWORD, "new": NEW}).status_code == 303
    assert is_signed_in(visitor)
    assert not is_signed_in(elsewhere)
    assert passwords.matches(fresh(person.id).password_hash, NEW)


@pytest.mark.parametrize("weak", ["short", "1234567890", "aaaaaaaaaaaa", "Password123"])
def test_a_weak_password_is_refused_beside_its_field(context: Flask, visitor: Browser, weak: str) -> None:
    person = an_account()
    sign_in(visitor, person.email)
    answer = visitor.post_form("/account/password", {"old": PASSWORD, "new": weak})
    assert answer.status_code == 422
    assert 'id="new-error"' in answer.get_data(as_text=True)


def test_the_present_password_cannot_be_guessed_from_a_stolen_session(context: Flask, visitor: Browser) -> None:
    person = an_account()
    sign_in(visitor, person.email)
    for _ in range(10):
        visitor.post_form("/account/password", {"old": "wrong", "new": NEW})
    answer = visitor.post_form("/account/password", {"old": PASSWORD, "new": NEW})
    assert answer.status_code == 422
    assert "Troppi tentativi" in answer.get_data(as_text=True)


def test_signing_out_everywhere_ends_this_session_too(context: Flask, app: Flask, visitor: Browser) -> None:
    person = an_account()
    sign_in(visitor, person.email)
    elsewhere, copy = browser(app, person.id), with_cookie(app, session_cookie(visitor))
    assert visitor.post_form("/account/sessions/end").status_code == 303
    assert [is_signed_in(client) for client in (visitor, elsewhere, copy)] == [False, False, False]


def test_one_session_is_ended_from_another_and_nobody_elses(context: Flask, app: Flask, visitor: Browser) -> None:
    person, stranger = an_account(), an_account()
    sign_in(visitor, person.email)
    other = browser(app)
    sign_in(other, person.email)
    page = visitor.get("/account").get_data(as_text=True)
    action = next(line for line in page.splitlines() if "/account/sessions/" in line and "/sessions/end" not in line)
    path = action.split('action="')[1].split('"')[0]
    thief = browser(app, stranger.id)
    renew_token(thief)
    assert thief.post_form(path).status_code == 404
    assert visitor.post_form(path).status_code == 303
    assert is_signed_in(visitor)
    assert not is_signed_in(other)
