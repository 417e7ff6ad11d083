"""Organisations, their people, and posts at facilities."""

import pytest
from flask import Flask
from sqlalchemy import select

from accounts import services
from accounts.content import OrganisationContent
from accounts.models import Organisation, OrganisationType
from accounts.policy import SYSTEM, Role
from core import clock
from core.audit import AuditEntry
from core.db import db
from core.errors import Forbidden, Invalid
from tests.accounts.factories import a_delegate, an_account, fresh
from tests.factories import a_facility, a_manager, a_member, a_person, actor, an_organisation
from tests.support import Browser, browser

FORM = {"name": "Ente di Prova", "type": "public_research", "is_member": "y", "key": "one"}


@pytest.fixture
def office(context: Flask, app: Flask) -> Browser:
    """A browser of the cluster office."""
    return browser(app, an_account(is_office=True).id)


def test_members_see_the_organisations_but_not_their_people(context: Flask, app: Flask) -> None:
    organisation = an_organisation(name="Alfa", city="Pavia", ror="https://ror.org/029gmnc79")
    colleague = a_member(organisation, name="Colleague Hidden")
    client = browser(app, a_member().id)
    assert "Alfa" in client.get("/organisations?q=pavia").get_data(as_text=True)
    assert "Alfa" not in client.get("/organisations?q=milano").get_data(as_text=True)
    page = client.get(f"/organisations/{organisation.slug}").get_data(as_text=True)
    assert "non verificato" in page
    assert colleague.name not in page
    assert colleague.email not in page


def test_a_delegate_sees_the_people_of_the_own_organisation_only(context: Flask, app: Flask) -> None:
    own, other = an_organisation(), an_organisation()
    colleague, stranger = a_member(own, name="Colleague"), a_member(other, name="Stranger")
    client = browser(app, a_delegate(own).id)
    assert colleague.email in client.get(f"/organisations/{own.slug}").get_data(as_text=True)
    assert stranger.email not in client.get(f"/organisations/{other.slug}").get_data(as_text=True)


def test_visitors_are_asked_to_sign_in(visitor: Browser) -> None:
    assert visitor.get("/organisations").location == "/login?next=/organisations"


def test_an_unknown_type_in_the_search_is_ignored(office: Browser) -> None:
    assert office.get("/organisations?type=wizards&q=%25_").status_code == 200


def test_the_office_enters_an_organisation_once(office: Browser) -> None:
    for _ in range(3):
        answer = office.post_form("/organisations/new", {**FORM, "ror": "05gqaka33"})
        assert answer.location == "/organisations/ente-di-prova"
    made = db.session.scalars(select(Organisation).where(Organisation.name == "Ente di Prova")).one()
    assert (made.ror, made.ror_confirmed, made.type) == (
        "https://ror.org/05gqaka33",
        False,
        OrganisationType.PUBLIC_RESEARCH,
    )


def test_all_mistakes_are_shown_at_once_beside_their_fields(office: Browser) -> None:
    answer = office.post_form("/organisations/new", {**FORM, "name": "X", "ror": "029gmnc78", "type": "wizards"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert all(f'id="{field}-error"' in page for field in ("name", "ror", "type"))
    assert "La cifra di controllo di questo identificativo ROR non torna" in page


def test_two_organisations_cannot_have_one_name(office: Browser) -> None:
    an_organisation(name="Ente di Prova")
    answer = office.post_form("/organisations/new", FORM)
    assert answer.status_code == 422
    assert "Esiste già un’organizzazione con questo nome." in answer.get_data(as_text=True)


def test_the_office_changes_an_organisation_and_its_address_stays(office: Browser) -> None:
    organisation = an_organisation()
    form = {**FORM, "ror": "05gqaka33", "ror_confirmed": "y"}
    assert office.post_form(f"/organisations/{organisation.slug}/edit", form).status_code == 303
    page = office.get(f"/organisations/{organisation.slug}").get_data(as_text=True)
    assert "Ente di Prova" in page
    assert "confermato" in page


@pytest.mark.parametrize("path", ["/organisations/new", "/organisations/{slug}/edit", "/posts"])
def test_pages_of_the_office_are_not_for_others(context: Flask, app: Flask, path: str) -> None:
    organisation = an_organisation()
    for person in (a_delegate(organisation), a_manager(a_facility())):
        client = browser(app, person.id)
        assert client.get(path.format(slug=organisation.slug)).status_code == 403
        assert client.post_form(path.format(slug=organisation.slug), FORM).status_code == 403


def test_slugs_of_similar_names_differ(context: Flask) -> None:
    names = ("Ente A.B.", "Ente A B", "Ente: A-B")
    for name in names:
        services.create_organisation(OrganisationContent(name, OrganisationType.SME), SYSTEM, clock.now())
    assert set(db.session.scalars(select(Organisation.slug))) == {"ente-a-b", "ente-a-b-2", "ente-a-b-3"}


# --- people -----------------------------------------------------------------------------------------------


def test_a_removed_person_loses_the_right_on_the_next_request(context: Flask, app: Flask) -> None:
    organisation = an_organisation()
    delegate, colleague = a_delegate(organisation), a_delegate(organisation)
    theirs = browser(app, colleague.id)
    path = f"/organisations/{organisation.slug}"
    assert delegate.email in theirs.get(path).get_data(as_text=True)
    removed = browser(app, delegate.id).post_form(f"{path}/people/{colleague.id}/remove")
    assert removed.status_code == 303
    assert delegate.email not in theirs.get(path).get_data(as_text=True)
    invited = theirs.post_form(f"{path}/invitations", {"email": "x@example.org", "role": "member"})
    assert invited.status_code == 403


def test_nobody_removes_people_of_another_organisation(context: Flask, app: Flask) -> None:
    organisation = an_organisation()
    person = a_member(organisation)
    for other in (a_delegate(an_organisation()), a_member(organisation), a_manager(a_facility())):
        answer = browser(app, other.id).post_form(f"/organisations/{organisation.slug}/people/{person.id}/remove")
        assert answer.status_code == 403
    assert organisation.id in actor(fresh(person.id)).memberships


def test_removing_somebody_who_is_not_there_is_not_found(context: Flask, app: Flask) -> None:
    organisation = an_organisation()
    client = browser(app, a_delegate(organisation).id)
    stranger = a_person()
    assert client.post_form(f"/organisations/{organisation.slug}/people/{stranger.id}/remove").status_code == 404
    assert client.post_form(f"/organisations/{organisation.slug}/people/x/remove").status_code == 404


def test_a_delegate_makes_a_member_delegate_but_nothing_more(context: Flask, app: Flask) -> None:
    organisation = an_organisation()
    member = a_member(organisation)
    client = browser(app, a_delegate(organisation).id)
    path = f"/organisations/{organisation.slug}/people/{member.id}/role"
    assert client.post_form(path, {"role": "manager"}).status_code == 422
    assert actor(member).memberships[organisation.id] is Role.MEMBER
    assert client.post_form(path, {"role": "delegate"}).status_code == 303
    assert actor(fresh(member.id)).memberships[organisation.id] is Role.DELEGATE


def test_everybody_may_leave(context: Flask, app: Flask) -> None:
    organisation = an_organisation()
    member = a_member(organisation)
    assert browser(app, member.id).post_form(f"/account/organisations/{organisation.id}/leave").status_code == 303
    assert actor(fresh(member.id)).memberships == {}


# --- posts ------------------------------------------------------------------------------------------------


def test_the_office_appoints_and_dismisses(office: Browser) -> None:
    facility, person = a_facility(name_it="Sala XPR"), a_person()
    form = {"email": person.email, "facility": str(facility.id), "role": "reviewer"}
    assert office.post_form("/posts", form).status_code == 303
    assert office.post_form("/posts", {**form, "role": "manager"}).status_code == 303
    assert actor(person).posts == {facility.id: Role.MANAGER}
    assert "Sala XPR" in office.get("/posts").get_data(as_text=True)
    assert office.post_form(f"/posts/{facility.id}/{person.id}/dismiss").status_code == 303
    assert actor(fresh(person.id)).posts == {}
    verbs = db.session.scalars(select(AuditEntry.verb).order_by(AuditEntry.id)).all()
    assert verbs == ["appoint", "appoint", "dismiss"]


def test_a_post_needs_an_account_a_facility_and_a_role(office: Browser) -> None:
    facility = a_facility()
    answer = office.post_form(
        "/posts", {"email": "nobody@example.org", "facility": str(facility.id), "role": "manager"}
    )
    assert "Non c’è un account con questo indirizzo." in answer.get_data(as_text=True)
    wrong = office.post_form("/posts", {"email": "", "facility": "x", "role": "office"})
    assert wrong.status_code == 422
    assert all(f'id="{field}-error"' in wrong.get_data(as_text=True) for field in ("email", "facility", "role"))


def test_only_the_office_appoints(context: Flask) -> None:
    facility, person = a_facility(), a_person()
    manager = a_manager(facility)
    with pytest.raises(Forbidden):
        services.appoint(person.id, facility.id, Role.REVIEWER, actor(manager), clock.now())
    with pytest.raises(Forbidden):
        services.dismiss(manager.id, facility.id, actor(manager), clock.now())


# --- the own account --------------------------------------------------------------------------------------


def test_the_profile_is_checked_and_saved(context: Flask, app: Flask) -> None:
    person = a_member()
    client = browser(app, person.id)
    wrong = client.post_form("/account", {"name": "Anna B.", "language": "en", "orcid": "0000-0002-1825-0098"})
    assert wrong.status_code == 422
    assert 'id="orcid-error"' in wrong.get_data(as_text=True)
    saved = client.post_form("/account", {"name": " Anna   B. ", "language": "en", "orcid": "0000000218250097"})
    assert saved.status_code == 303
    known = fresh(person.id)
    assert (known.name, known.language, known.orcid) == ("Anna B.", "en", "0000-0002-1825-0097")
    assert '<html lang="en">' in client.get("/account").get_data(as_text=True)


def test_unknown_fields_of_a_form_change_nothing(context: Flask, app: Flask) -> None:
    person = a_member()
    form = {"name": "Anna B.", "language": "it", "is_office": "y", "email": "x@example.org", "demo": "y", "id": "1"}
    assert browser(app, person.id).post_form("/account", form).status_code == 303
    known = fresh(person.id)
    assert (known.is_office, known.email, known.demo) == (False, person.email, False)


def test_an_address_has_one_account(context: Flask) -> None:
    services.create_person("anna@example.org", "Anna", "", SYSTEM, clock.now())
    with pytest.raises(Invalid):
        services.create_person(" ANNA@example.org", "Anna", "", SYSTEM, clock.now())


def test_even_the_office_cannot_make_another_office(context: Flask) -> None:
    with pytest.raises(Forbidden):
        services.create_person("x@example.org", "New", "", actor(a_person(is_office=True)), clock.now(), is_office=True)
