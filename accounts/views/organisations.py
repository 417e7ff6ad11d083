"""Pages of organisations and of the people who act for them."""

from dataclasses import dataclass
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import access, policy, queries
from accounts.content import OrganisationContent
from accounts.forms import InviteForm, OrganisationForm, RoleForm
from accounts.models import Invitation, Membership, Organisation, OrganisationType
from accounts.policy import Role
from accounts.services import invitations, memberships
from accounts.services import organisations as verbs
from accounts.views.blueprint import blueprint
from core import clock
from core.db import db
from core.errors import Invalid, NotFound


@dataclass(frozen=True)
class Actions:
    """What the reader may do on the page of an organisation."""

    list_people: bool
    invite: bool
    change: bool


@blueprint.get("/organisations")
@access.signed_in
def organisations() -> ResponseReturnValue:
    """The organisations, to search by word and type."""
    actor = access.current_actor()
    policy.may_read_organisations(actor).or_refuse()
    text, kind = request.args.get("q", "")[:200], _type(request.args.get("type", ""))
    found = db.session.scalars(queries.organisations_like(text, kind)).all()
    return render_template(
        "accounts/organisations.html",
        organisations=found,
        text=text,
        kind=kind,
        types=list(OrganisationType),
        may_create=bool(policy.may_create_organisation(actor)),
    )


@blueprint.get("/organisations/<slug>")
@access.signed_in
def organisation(slug: str) -> ResponseReturnValue:
    """One organisation; its people for those who may see them."""
    return _page(_organisation(slug), InviteForm())


@blueprint.route("/organisations/new", methods=["GET", "POST"])
@access.signed_in
def new_organisation() -> ResponseReturnValue:
    """Enter an organisation (cluster office)."""
    actor = access.current_actor()
    policy.may_create_organisation(actor).or_refuse()
    form = OrganisationForm()
    if form.validate_on_submit():
        try:
            made = verbs.create_organisation(_content(form), actor, clock.now(), form.key.data or "")
        except Invalid as refusal:
            form.show(refusal)
        else:
            slug = db.session.scalars(queries.organisation(made)).one().slug
            return redirect(url_for("accounts.organisation", slug=slug), 303)
    return render_template("accounts/organisation_form.html", form=form, organisation=None), _status(form)


@blueprint.route("/organisations/<slug>/edit", methods=["GET", "POST"])
@access.signed_in
def edit_organisation(slug: str) -> ResponseReturnValue:
    """Say anew what is said of an organisation (cluster office)."""
    found, actor = _organisation(slug), access.current_actor()
    policy.may_change_organisation(actor).or_refuse()
    form = OrganisationForm(obj=found)
    if form.validate_on_submit():
        try:
            verbs.change_organisation(found.id, _content(form), actor, clock.now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("accounts.organisation", slug=slug), 303)
    return render_template("accounts/organisation_form.html", form=form, organisation=found), _status(form)


@blueprint.post("/organisations/<slug>/invitations")
@access.signed_in
def invite(slug: str) -> ResponseReturnValue:
    """Send an invitation."""
    found, form = _organisation(slug), InviteForm()
    if form.validate():
        try:
            invitations.invite(
                found.id,
                form.email.data or "",
                Role(form.role.data),
                access.current_actor(),
                clock.now(),
                form.key.data or "",
            )
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(_("The invitation is on its way."), "success")
            return redirect(url_for("accounts.organisation", slug=slug), 303)
    policy.may_invite(access.current_actor(), found.id, Role.MEMBER).or_refuse()
    return _page(_organisation(slug), form), 422


@blueprint.post("/organisations/<slug>/invitations/<uuid:invitation_id>/revoke")
@access.signed_in
def revoke_invitation(slug: str, invitation_id: UUID) -> ResponseReturnValue:
    """Take an invitation back."""
    found = db.session.scalars(queries.invitation(invitation_id)).one_or_none()
    if found is None or found.organisation_id != _organisation(slug).id:
        raise NotFound
    invitations.revoke_invitation(invitation_id, access.current_actor(), clock.now())
    flash(_("The invitation was taken back."), "success")
    return redirect(url_for("accounts.organisation", slug=slug), 303)


@blueprint.post("/organisations/<slug>/people/<uuid:person_id>/role")
@access.signed_in
def change_role(slug: str, person_id: UUID) -> ResponseReturnValue:
    """Make a member a delegate or the other way round."""
    found, form = _organisation(slug), RoleForm()
    if not form.validate():
        raise Invalid
    memberships.change_membership(person_id, found.id, Role(form.role.data), access.current_actor(), clock.now())
    flash(_("Saved."), "success")
    return redirect(url_for("accounts.organisation", slug=slug), 303)


@blueprint.post("/organisations/<slug>/people/<uuid:person_id>/remove")
@access.signed_in
def remove_person(slug: str, person_id: UUID) -> ResponseReturnValue:
    """End somebody's membership."""
    memberships.remove_membership(person_id, _organisation(slug).id, access.current_actor(), clock.now())
    flash(_("The person no longer belongs to this organisation."), "success")
    return redirect(url_for("accounts.organisation", slug=slug), 303)


def _organisation(slug: str) -> Organisation:
    policy.may_read_organisations(access.current_actor()).or_refuse()
    found = db.session.scalars(queries.organisation_by_slug(slug)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _page(found: Organisation, form: InviteForm) -> str:
    actor, now = access.current_actor(), clock.now()
    actions = Actions(
        list_people=bool(policy.may_list_people(actor, found.id)),
        invite=bool(policy.may_invite(actor, found.id, Role.MEMBER)),
        change=bool(policy.may_change_organisation(actor)),
    )
    people: list[Membership] = []
    pending: list[Invitation] = []
    if actions.list_people:
        people = list(db.session.scalars(queries.people_of(found.id)))
        pending = list(db.session.scalars(queries.invitations_pending(found.id, now)))
    return render_template(
        "accounts/organisation.html",
        organisation=found,
        actions=actions,
        people=people,
        pending=pending,
        form=form,
        own_role=actor.memberships.get(found.id),
    )


def _content(form: OrganisationForm) -> OrganisationContent:
    return OrganisationContent(
        name=form.name.data or "",
        type=OrganisationType(form.type.data),
        short_name=form.short_name.data or "",
        ror=form.ror.data or "",
        ror_confirmed=form.ror_confirmed.data,
        city=form.city.data or "",
        province=form.province.data or "",
        is_member=form.is_member.data,
    )


def _type(wanted: str) -> OrganisationType | None:
    return OrganisationType(wanted) if wanted in OrganisationType.__members__.values() else None


def _status(form: OrganisationForm) -> int:
    return 422 if form.errors else 200
