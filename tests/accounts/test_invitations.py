"""Invitations: single-use links into an organisation."""

from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import Invitation, Membership, Organisation, Person
from accounts.policy import Role
from accounts.services import invitations, memberships
from core import clock
from core.audit import AuditEntry
from core.db import db
from core.errors import Forbidden, Invalid, NotFound
from tests.accounts.factories import a_delegate, an_account, is_signed_in, mails, sign_in, token_of
from tests.factories import a_member, actor, an_organisation
from tests.support import Browser, browser

NEW = "new.person@example.org"
JOIN = {"name": "New Person", "password": "a long enough one", "language": "en"}


def _invited(organisation: Organisation, email: str = NEW, role: Role = Role.MEMBER) -> str:
    """Invite and give the link's secret."""
    invitations.invite(organisation.id, email, role, actor(a_delegate(organisation)), clock.now())
    return token_of("invitation")


def _role(person: Person, organisation: Organisation) -> Role | None:
    db.session.rollback()  # else we would still see what was there at our last look
    wanted = (Membership.person_id == person.id, Membership.organisation_id == organisation.id)
    return db.session.scalar(select(Membership.role).where(*wanted))


def test_a_delegate_invites_by_mail_and_only_a_hash_of_the_link_is_kept(context: Flask, app: Flask) -> None:
    organisation = an_organisation(name="Università di Prova")
    delegate = a_delegate(organisation)
    client = browser(app, delegate.id)
    answer = client.post_form(
        f"/organisations/{organisation.slug}/invitations", {"email": NEW, "role": "delegate", "key": "k"}
    )
    assert answer.status_code == 303
    sent = mails("invitation")[0]
    assert (sent["to"], sent["values"]["organisation"]) == (NEW, "Università di Prova")
    kept = db.session.scalars(select(Invitation)).one()
    assert kept.role is Role.DELEGATE
    assert sent["values"]["token"] not in (kept.token_hash, str(kept.id))
    assert NEW in client.get(f"/organisations/{organisation.slug}").get_data(as_text=True)


def test_the_same_form_sent_twice_invites_once(context: Flask, app: Flask) -> None:
    organisation = an_organisation()
    client = browser(app, a_delegate(organisation).id)
    for _ in range(3):
        client.post_form(
            f"/organisations/{organisation.slug}/invitations", {"email": NEW, "role": "member", "key": "k"}
        )
    assert len(mails("invitation")) == 1


def test_a_new_person_makes_an_account_with_the_link_and_is_signed_in(context: Flask, visitor: Browser) -> None:
    organisation = an_organisation()
    token = _invited(organisation)
    page = visitor.get(f"/invitations/{token}")
    assert page.status_code == 200
    assert organisation.name in page.get_data(as_text=True)
    answer = visitor.post_form(f"/invitations/{token}/join", JOIN)
    assert answer.location == f"/organisations/{organisation.slug}"
    db.session.rollback()
    person = db.session.scalars(select(Person).where(Person.email == NEW)).one()
    assert (person.name, person.language, _role(person, organisation)) == ("New Person", "en", Role.MEMBER)
    assert is_signed_in(visitor)


def test_somebody_with_an_account_signs_in_and_accepts(context: Flask, visitor: Browser) -> None:
    organisation = an_organisation()
    person = an_account(email=NEW)
    token = _invited(organisation)
    assert "Accedi" in visitor.get(f"/invitations/{token}").get_data(as_text=True)
    assert sign_in(visitor, NEW, next=f"/invitations/{token}").location == f"/invitations/{token}"
    assert visitor.post_form(f"/invitations/{token}").status_code == 303
    assert _role(person, organisation) is Role.MEMBER


def test_the_invitation_is_bound_to_whoever_accepts_it(context: Flask, app: Flask) -> None:
    organisation = an_organisation()
    token = _invited(organisation, "old.address@example.org")
    person = an_account(email="new.address@example.org")
    assert browser(app, person.id).post_form(f"/invitations/{token}").status_code == 303
    kept = db.session.scalars(select(Invitation)).one()
    assert kept.used_by_id == person.id


def test_a_visitor_cannot_accept_without_an_account(context: Flask, visitor: Browser) -> None:
    token = _invited(an_organisation())
    assert visitor.post_form(f"/invitations/{token}").location == f"/invitations/{token}"
    assert db.session.scalars(select(Invitation)).one().used_at is None


def test_a_delegate_who_is_invited_as_a_member_stays_delegate(context: Flask, app: Flask) -> None:
    organisation, other = an_organisation(), an_account()
    token = _invited(organisation)
    person = a_delegate(organisation)
    browser(app, person.id).post_form(f"/invitations/{token}")
    assert _role(person, organisation) is Role.DELEGATE
    assert _role(other, organisation) is None


def _dead_links(organisation: Organisation) -> dict[str, str]:
    """A link of each kind that no longer counts."""
    delegate, now = a_delegate(organisation), clock.now()
    links = {"unknown": "no-such-secret"}

    def invite(name: str) -> UUID:
        made = invitations.invite(organisation.id, f"{name}@example.org", Role.MEMBER, actor(delegate), now)
        links[name] = token_of("invitation")
        return made

    invite("used")
    invitations.accept_invitation(links["used"], actor(an_account()), now)
    expired = invite("expired")
    db.session.scalars(select(Invitation).where(Invitation.id == expired)).one().expires_at = now
    db.session.commit()
    invitations.revoke_invitation(invite("revoked"), actor(delegate), now)
    replaced = "again@example.org"
    invitations.invite(organisation.id, replaced, Role.MEMBER, actor(delegate), now)
    links["replaced"] = token_of("invitation")
    invitations.invite(organisation.id, replaced, Role.MEMBER, actor(delegate), now)
    return links


def test_every_link_that_does_not_count_gives_the_same_page(context: Flask, app: Flask, visitor: Browser) -> None:
    organisation = an_organisation()
    signed_in = browser(app, an_account().id)
    pages = set()
    for token in _dead_links(organisation).values():
        page = visitor.get(f"/invitations/{token}")
        assert page.status_code == 404
        pages.add(page.get_data(as_text=True).replace(token, ""))
        assert visitor.post_form(f"/invitations/{token}/join", JOIN).status_code == 404
        assert signed_in.post_form(f"/invitations/{token}").status_code == 404
    assert len(pages) == 1


def test_an_invitation_dies_with_the_right_of_who_sent_it(context: Flask, visitor: Browser) -> None:
    organisation = an_organisation()
    delegate = a_delegate(organisation)
    invitations.invite(organisation.id, NEW, Role.MEMBER, actor(delegate), clock.now())
    memberships.remove_membership(delegate.id, organisation.id, actor(delegate), clock.now())
    token = token_of("invitation")
    assert visitor.get(f"/invitations/{token}").status_code == 404
    assert visitor.post_form(f"/invitations/{token}/join", JOIN).status_code == 404


def test_invitations_expire_after_a_week(context: Flask, visitor: Browser) -> None:
    token = _invited(an_organisation())
    with clock.frozen_at(clock.now() + timedelta(days=7, seconds=1)):
        assert visitor.get(f"/invitations/{token}").status_code == 404


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"password": "short"}, "Servono almeno 10 caratteri."),
        ({"password": "password123"}, "Questa password è troppo facile da indovinare."),
        ({"password": NEW}, "Questa password è troppo facile da indovinare."),
        ({"password": "x" * 200}, "Al massimo 128 caratteri."),
        ({"name": "X"}, "Occorre un nome da 2 a 200 caratteri."),
        ({"language": "fr"}, "Non è una opzione valida"),
    ],
)
def test_a_mistake_is_shown_beside_its_field_and_uses_nothing_up(
    context: Flask, visitor: Browser, change: dict[str, str], sentence: str
) -> None:
    token = _invited(an_organisation())
    answer = visitor.post_form(f"/invitations/{token}/join", {**JOIN, **change})
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    assert visitor.post_form(f"/invitations/{token}/join", JOIN).status_code == 303


def test_nobody_is_invited_above_delegate(context: Flask, app: Flask) -> None:
    organisation = an_organisation()
    delegate = a_delegate(organisation)
    for role in (Role.MANAGER, Role.REVIEWER, Role.OFFICE, Role.SYSTEM):
        with pytest.raises(Forbidden):
            invitations.invite(organisation.id, NEW, role, actor(delegate), clock.now())
    client = browser(app, delegate.id)
    answer = client.post_form(f"/organisations/{organisation.slug}/invitations", {"email": NEW, "role": "office"})
    assert answer.status_code == 422
    assert db.session.scalar(select(func.count()).select_from(Invitation)) == 0


def test_members_and_delegates_of_others_may_not_invite(context: Flask, app: Flask) -> None:
    organisation = an_organisation()
    for person in (a_member(organisation), a_delegate(an_organisation())):
        client = browser(app, person.id)
        answer = client.post_form(f"/organisations/{organisation.slug}/invitations", {"email": NEW, "role": "member"})
        assert answer.status_code == 403
    assert mails("invitation") == []


def test_whoever_belongs_already_is_not_invited(context: Flask) -> None:
    organisation = an_organisation()
    member, delegate = a_member(organisation), a_delegate(organisation)
    with pytest.raises(Invalid):
        invitations.invite(organisation.id, member.email, Role.MEMBER, actor(delegate), clock.now())
    invitations.invite(organisation.id, member.email, Role.DELEGATE, actor(delegate), clock.now())


def test_a_delegate_takes_back_only_invitations_of_the_own_organisation(context: Flask, app: Flask) -> None:
    organisation, other = an_organisation(), an_organisation()
    made = invitations.invite(organisation.id, NEW, Role.MEMBER, actor(a_delegate(organisation)), clock.now())
    stranger = a_delegate(other)
    for slug in (organisation.slug, other.slug):
        answer = browser(app, stranger.id).post_form(f"/organisations/{slug}/invitations/{made}/revoke")
        assert answer.status_code == 404
    with pytest.raises(NotFound):
        invitations.revoke_invitation(made, actor(stranger), clock.now())


def test_every_act_is_in_the_audit_trail_without_the_secret(context: Flask) -> None:
    organisation = an_organisation()
    token = _invited(organisation)
    invitations.join_by_invitation(token, "New Person", "a long enough one", "it", clock.now())
    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.verb for entry in entries] == ["invite", "create_person", "accept_invitation"]
    assert token not in str([entry.detail for entry in entries])
