"""Pages of signing in, signing out and of a forgotten password."""

from dataclasses import dataclass
from uuid import UUID

from flask import abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug import Response

from accounts import access, devices, queries
from accounts.forms import LoginForm, NewPasswordForm, ResetForm
from accounts.models import Person
from accounts.policy import Role
from accounts.services import credentials
from accounts.services import login as verbs
from accounts.views.blueprint import blueprint
from core import clock
from core.config import installed
from core.db import db
from core.errors import Invalid, NotFound, Refusal, TooMany
from core.i18n import either
from core.web import current_language

_ORDER = (Role.MEMBER, Role.DELEGATE, Role.REVIEWER, Role.MANAGER, Role.OFFICE)


@dataclass(frozen=True)
class DemoAccount:
    """One of the demo's people, as the sign-in page shows them."""

    person_id: UUID
    name: str
    email: str
    role: Role
    places: tuple[str, ...]


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Sign in with address and password."""
    wanted = access.own_path(request.values.get("next"))
    if request.method == "GET" and access.current_actor().is_signed_in:
        return redirect(wanted or url_for("home.index"), 303)
    form = LoginForm(data={"next": wanted})
    if not form.validate_on_submit():
        return _login_page(form, status=422 if form.errors else 200)
    try:
        person_id = verbs.sign_in(
            form.email.data or "", form.password.data or "", devices.origin_of(request), clock.now()
        )
    except (Invalid, TooMany) as refusal:
        return _login_page(form, refusal, refusal.status)
    return _welcome(person_id, wanted)


@blueprint.post("/login/demo")
def demo_login() -> ResponseReturnValue:
    """Sign in as one of the demo's invented people."""
    if not installed().demo:
        raise NotFound
    try:
        chosen = UUID(request.form.get("person", ""))
    except ValueError:
        abort(400)
    return _welcome(verbs.sign_in_as_demo(chosen, clock.now()), access.own_path(request.form.get("next")))


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign out; a copy of the cookie is worthless from now on."""
    access.end_session()
    return redirect(url_for("home.index"), 303)


@blueprint.route("/password/reset", methods=["GET", "POST"])
def forgot_password() -> ResponseReturnValue:
    """Ask for a link by mail; the answer is the same for every address."""
    form = ResetForm()
    if not form.validate_on_submit():
        return render_template("accounts/forgot.html", form=form), 422 if form.errors else 200
    credentials.request_reset(form.email.data or "", devices.origin_of(request).address, clock.now())
    return render_template("accounts/forgot.html", form=None)


@blueprint.route("/password/reset/<token>", methods=["GET", "POST"])
def choose_password(token: str) -> ResponseReturnValue:
    """Choose a new password with the link of a mail."""
    if db.session.scalars(queries.reset_open(token, clock.now())).one_or_none() is None:
        raise NotFound
    form = NewPasswordForm()
    if form.validate_on_submit():
        try:
            credentials.reset_password(token, form.password.data or "", clock.now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            access.end_session()
            flash(_("Your new password is set. Please sign in with it."), "success")
            return redirect(url_for("accounts.login"), 303)
    return render_template("accounts/choose_password.html", form=form), 422 if form.errors else 200


def _welcome(person_id: UUID, wanted: str | None) -> Response:
    access.begin_session(person_id)
    response = make_response(redirect(wanted or url_for("home.index"), 303))
    devices.remember(request, response, person_id)
    return response


def _login_page(form: LoginForm, refusal: Refusal | None = None, status: int = 200) -> Response:
    message = _(refusal.message, **refusal.values) if refusal else ""
    accounts = _demo_accounts() if installed().demo else []
    page = render_template("accounts/login.html", form=form, message=message, accounts=accounts)
    response = make_response(page, status)
    if refusal and refusal.retry_after:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _demo_accounts() -> list[DemoAccount]:
    names = {
        row.id: either(current_language(), row.name_it, row.name_en)
        for row in db.session.execute(queries.all_facilities())
    }
    people = db.session.scalars(queries.demo_people()).all()
    accounts = [_demo_account(person, names) for person in people]
    return sorted(accounts, key=lambda account: (_ORDER.index(account.role), account.name))


def _demo_account(person: Person, facility_names: dict[UUID, str]) -> DemoAccount:
    """A person's highest role and where they have it."""
    roles = [*(m.role for m in person.memberships), *(p.role for p in person.posts)]
    role = Role.OFFICE if person.is_office else max(roles, key=_ORDER.index, default=Role.MEMBER)
    places = [m.organisation.name for m in person.memberships if m.role is role]
    places += [facility_names[p.facility_id] for p in person.posts if p.role is role]
    return DemoAccount(person.id, person.name, person.email, role, tuple(places))
