"""The page behind the link of an invitation."""

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import access, devices, queries
from accounts.forms import JoinForm
from accounts.models import Invitation
from accounts.policy import may_invite
from accounts.services import invitations as verbs
from accounts.views.blueprint import blueprint
from core import clock
from core.db import db
from core.errors import Invalid, NotFound
from core.web import current_language


@blueprint.get("/invitations/<token>")
def invitation(token: str) -> ResponseReturnValue:
    """What one is invited to, and the two ways to accept: as oneself, or with a new account."""
    return _page(_invitation(token), token, JoinForm(data={"language": current_language()}))


@blueprint.post("/invitations/<token>")
def accept_invitation(token: str) -> ResponseReturnValue:
    """Accept as the person who is signed in."""
    actor = access.current_actor()
    if not actor.is_signed_in:
        return redirect(url_for("accounts.invitation", token=token), 303)
    organisation_id = verbs.accept_invitation(token, actor, clock.now())
    return _welcome(db.session.scalars(queries.organisation(organisation_id)).one().slug)


@blueprint.post("/invitations/<token>/join")
def join(token: str) -> ResponseReturnValue:
    """Accept with a new account for the invited address, and sign in with it."""
    found = _invitation(token)
    form = JoinForm()
    if not form.validate():
        return _page(found, token, form), 422
    slug = found.organisation.slug
    try:
        person_id = verbs.join_by_invitation(
            token, form.name.data or "", form.password.data or "", form.language.data, clock.now()
        )
    except Invalid as refusal:
        if not form.show(refusal):
            raise
        return _page(_invitation(token), token, form), 422
    access.begin_session(person_id)
    response = _welcome(slug)
    devices.remember(request, response, person_id)
    return response


def _invitation(token: str) -> Invitation:
    found = db.session.scalars(queries.invitation_open(token, clock.now())).one_or_none()
    if found is None:
        raise NotFound
    sender = queries.actor_of(db.session(), found.invited_by_id)
    if not may_invite(sender, found.organisation_id, found.role):
        raise NotFound
    return found


def _page(found: Invitation, token: str, form: JoinForm) -> str:
    known = db.session.scalars(queries.person_by_email(found.email)).one_or_none() is not None
    sender = db.session.scalars(queries.person(found.invited_by_id)).one()
    here = url_for("accounts.invitation", token=token)
    return render_template(
        "accounts/invitation.html",
        invitation=found,
        sender=sender.name,
        token=token,
        has_account=known,
        form=form,
        login_url=url_for("accounts.login", next=here),
    )


def _welcome(slug: str) -> Response:
    flash(_("Welcome: you belong to this organisation now."), "success")
    return make_response(redirect(url_for("accounts.organisation", slug=slug), 303))
