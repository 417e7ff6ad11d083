"""The page on which the cluster office appoints managers and reviewers."""

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts import access, policy, queries
from accounts.forms import PostForm
from accounts.policy import Role
from accounts.services import posts as verbs
from accounts.views.blueprint import blueprint
from core import clock
from core.db import db
from core.errors import Invalid
from core.forms import choice
from core.i18n import N_, either
from core.web import current_language


@blueprint.route("/posts", methods=["GET", "POST"])
@access.signed_in
def posts() -> ResponseReturnValue:
    """Who works for which facility, and a form to appoint somebody."""
    actor = access.current_actor()
    policy.may_list_posts(actor).or_refuse()
    form = _form()
    if form.validate_on_submit():
        try:
            verbs.appoint(_person_id(form), UUID(form.facility.data), Role(form.role.data), actor, clock.now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("accounts.posts"), 303)
    rows = db.session.execute(queries.all_posts()).all()
    return render_template("accounts/posts.html", form=form, posts=rows), 422 if form.errors else 200


@blueprint.post("/posts/<uuid:facility_id>/<uuid:person_id>/dismiss")
@access.signed_in
def dismiss(facility_id: UUID, person_id: UUID) -> ResponseReturnValue:
    """End somebody's post."""
    verbs.dismiss(person_id, facility_id, access.current_actor(), clock.now())
    flash(_("The post has ended."), "success")
    return redirect(url_for("accounts.posts"), 303)


def _form() -> PostForm:
    form, language = PostForm(), current_language()
    rows = db.session.execute(queries.all_facilities()).all()
    form.facility.choices = [choice(str(row.id), either(language, row.name_it, row.name_en)) for row in rows]
    return form


def _person_id(form: PostForm) -> UUID:
    found = db.session.scalars(queries.person_by_email(form.email.data or "")).one_or_none()
    if found is None:
        raise Invalid(fields={"email": N_("There is no account with this address. Invite the person first.")})
    return found.id
