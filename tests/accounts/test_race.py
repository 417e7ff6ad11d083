"""Many at once: what may happen once happens once, on both databases."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts import services
from accounts.content import OrganisationContent
from accounts.models import Invitation, LoginAttempt, Membership, Organisation, OrganisationType, Person
from accounts.policy import SYSTEM, Role
from accounts.services import credentials, invitations
from accounts.services.login import Origin, sign_in
from core import clock
from core.db import Tx, db
from core.errors import Refusal
from tests.accounts.factories import a_delegate, an_account, token_of
from tests.factories import a_person, actor, an_organisation
from tests.support import on_both_databases

MANY = 16


def _at_once(app: Flask, verb: Callable[[int], object], times: int = MANY) -> Counter[str]:
    """Do the verb so many times at once, each in its own thread; count 'done' and the codes of refusals."""

    def one(number: int) -> str:
        with app.app_context():
            try:
                verb(number)
            except Refusal as refusal:
                return refusal.code
            finally:
                db.session.remove()
        return "done"

    with ThreadPoolExecutor(times) as pool:
        return Counter(pool.map(one, range(times)))


def _count(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@on_both_databases
def test_ten_guesses_are_ten_even_when_they_come_at_once(context: Flask) -> None:
    email = an_account().email
    outcome = _at_once(context, lambda _: sign_in(email, "wrong", Origin("192.0.2.1"), clock.now()))
    assert outcome == {"wrong_password": 10, "too_many": MANY - 10}
    assert _count(LoginAttempt) == 10


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_without_the_lock_more_guesses_would_pass(context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: all have begun before the first one counts."""
    email, all_are_here = an_account().email, Barrier(12)
    monkeypatch.setattr(Tx, "alone", lambda _tx, _name: all_are_here.wait(30))
    outcome = _at_once(context, lambda _: sign_in(email, "wrong", Origin("192.0.2.1"), clock.now()), times=12)
    assert outcome == {"wrong_password": 12}


@on_both_databases
def test_one_link_lets_one_person_in(context: Flask) -> None:
    organisation = an_organisation()
    delegate = a_delegate(organisation)
    invitations.invite(organisation.id, "x@example.org", Role.MEMBER, actor(delegate), clock.now())
    token, people = token_of("invitation"), [actor(a_person()) for _ in range(MANY)]
    outcome = _at_once(context, lambda n: invitations.accept_invitation(token, people[n], clock.now()))
    assert outcome == {"done": 1, "not_found": MANY - 1}
    assert _count(Membership) == 2


@on_both_databases
def test_a_reset_link_sets_one_password(context: Flask) -> None:
    credentials.request_reset(an_account().email, "192.0.2.1", clock.now())
    token = token_of("password_reset")
    outcome = _at_once(context, lambda n: credentials.reset_password(token, f"a long password {n}", clock.now()))
    assert outcome == {"done": 1, "not_found": MANY - 1}


@on_both_databases
def test_a_form_sent_many_times_at_once_makes_one_thing(context: Flask) -> None:
    office, content = actor(a_person(is_office=True)), OrganisationContent("Ente", OrganisationType.SME)
    outcome = _at_once(context, lambda _: services.create_organisation(content, office, clock.now(), "key"))
    assert outcome == {"done": MANY}
    assert _count(Organisation) == 1


@on_both_databases
def test_one_invitation_is_sent_however_often_the_form_comes(context: Flask) -> None:
    organisation = an_organisation()
    delegate = actor(a_delegate(organisation))
    email = "x@example.org"
    outcome = _at_once(
        context, lambda _: invitations.invite(organisation.id, email, Role.MEMBER, delegate, clock.now(), "key")
    )
    assert outcome == {"done": MANY}
    assert _count(Invitation) == 1


@on_both_databases
def test_an_address_gets_one_account_and_a_name_one_organisation(context: Flask) -> None:
    outcome = _at_once(context, lambda _: services.create_person("x@example.org", "New", "", SYSTEM, clock.now()))
    assert outcome == {"done": 1, "invalid": MANY - 1}
    assert _count(Person) == 1
    content = OrganisationContent("Ente", OrganisationType.SME)
    outcome = _at_once(context, lambda _: services.create_organisation(content, SYSTEM, clock.now()))
    assert outcome == {"done": 1, "invalid": MANY - 1}


@on_both_databases
def test_joining_at_once_makes_one_membership(context: Flask) -> None:
    organisation, person = an_organisation(), a_person()
    outcome = _at_once(
        context, lambda _: services.add_membership(person.id, organisation.id, Role.MEMBER, SYSTEM, clock.now())
    )
    assert outcome == {"done": MANY}
    assert _count(Membership) == 1
