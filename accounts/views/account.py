"""The page of one's own account."""

from uuid import UUID

from flask import flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import access, queries
from accounts.forms import ChangePasswordForm, ProfileForm
from accounts.models import Person
from accounts.services import credentials, memberships, people
from accounts.views.blueprint import blueprint
from core import clock
from core.db import db
from core.errors import Invalid, TooMany
from core.web import remember_language


@blueprint.get("/account")
@access.signed_in
def account() -> ResponseReturnValue:
    """Who I am, what I belong to, where I am signed in."""
    return _page(_profile(_me()), ChangePasswordForm())


@blueprint.post("/account")
@access.signed_in
def change_profile() -> ResponseReturnValue:
    """Save name, language and ORCID iD."""
    form, me = ProfileForm(), access.current_actor()
    if form.validate() and me.person_id is not None:
        try:
            people.change_profile(
                me.person_id, form.name.data or "", form.language.data, form.orcid.data or "", me, clock.now()
            )
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(_("Saved."), "success")
            response = make_response(redirect(url_for("accounts.account"), 303))
            remember_language(response, form.language.data)
            return response
    return _page(form, ChangePasswordForm()), 422


@blueprint.post("/account/password")
@access.signed_in
def change_password() -> ResponseReturnValue:
    """Save a new password and end all other sessions."""
    form, me = ChangePasswordForm(), access.current_actor()
    if form.validate() and me.person_id is not None:
        try:
            credentials.change_password(
                me.person_id,
                form.old.data or "",
                form.new.data or "",
                access.session_key_hash(),
                me,
                clock.now(),
            )
        except (Invalid, TooMany) as refusal:
            form.show(refusal, otherwise="old")
        else:
            flash(_("Your new password is set; all other sessions have ended."), "success")
            return redirect(url_for("accounts.account"), 303)
    return _page(_profile(_me()), form), 422


@blueprint.post("/account/sessions/end")
@access.signed_in
def end_all_sessions() -> ResponseReturnValue:
    """Sign out everywhere, here too."""
    me = access.current_actor()
    if me.person_id is not None:
        credentials.end_all_sessions(me.person_id, me, clock.now())
    access.end_session()
    flash(_("You are signed out everywhere."), "success")
    return redirect(url_for("accounts.login"), 303)


@blueprint.post("/account/sessions/<key_hash>/end")
@access.signed_in
def end_session(key_hash: str) -> ResponseReturnValue:
    """Sign out on one device."""
    me = access.current_actor()
    if me.person_id is not None:
        credentials.end_session(me.person_id, key_hash, me, clock.now())
    flash(_("That session has ended."), "success")
    return redirect(url_for("accounts.account"), 303)


@blueprint.post("/account/organisations/<uuid:organisation_id>/leave")
@access.signed_in
def leave(organisation_id: UUID) -> ResponseReturnValue:
    """Leave an organisation."""
    me = access.current_actor()
    if me.person_id is not None:
        memberships.remove_membership(me.person_id, organisation_id, me, clock.now())
    flash(_("You have left the organisation."), "success")
    return redirect(url_for("accounts.account"), 303)


def _me() -> Person:
    person_id = access.current_actor().person_id
    assert person_id is not None  # noqa: S101 - these pages are for people who are signed in
    return db.session.scalars(queries.person(person_id)).one()


def _profile(me: Person) -> ProfileForm:
    return ProfileForm(formdata=None, data={"name": me.name, "language": me.language, "orcid": me.orcid or ""})


def _page(profile: ProfileForm, password: ChangePasswordForm) -> str:
    me, now = _me(), clock.now()
    return render_template(
        "accounts/account.html",
        me=me,
        profile=profile,
        password=password,
        memberships=db.session.scalars(queries.memberships_of(me.id)).all(),
        posts=db.session.execute(queries.posts_of(me.id)).all(),
        sessions=db.session.scalars(queries.sessions_of(me.id, now)).all(),
        this_session=access.session_key_hash(),
    )
