"""My calendar addresses, the page that makes one, and the feeds themselves."""

from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.access import current_actor, signed_in
from booking.models import CalendarKind
from calendars import conditional, pages, services
from calendars import feed as feeds
from calendars.forms import SubscribeForm
from calendars.links import links_to, qr_code
from calendars.policy import Detail, may_read_title
from calendars.targets import Target, may_subscribe, target_of
from core import clock
from core.config import installed
from core.db import db
from core.errors import NotFound
from core.i18n import either
from core.web import current_language

blueprint = Blueprint("calendars", __name__)


@blueprint.get("/calendars")
@signed_in
def index() -> ResponseReturnValue:
    """My calendar addresses, and calendars I am likely to want."""
    return render_template("calendars/index.html", page=pages.overview(db.session(), current_actor()))


@blueprint.get("/calendars/subscribe/<kind>/<uuid:subject_id>")
@signed_in
def subscribe(kind: str, subject_id: UUID) -> ResponseReturnValue:
    """The form for a new address."""
    target = _target(kind, subject_id)
    form = SubscribeForm(formdata=None, name=_suggested_name(target), language=current_language())
    return _form_page(form, target)


@blueprint.post("/calendars/subscribe/<kind>/<uuid:subject_id>")
@signed_in
def make(kind: str, subject_id: UUID) -> ResponseReturnValue:
    """Make the address and show it, in this very answer: it is stored nowhere, so no later page could show it."""
    target = _target(kind, subject_id)
    form = SubscribeForm()
    if not form.validate_on_submit():
        return _form_page(form, target), 422
    try:
        secret = services.subscribe(
            target.kind,
            subject_id,
            Detail(form.detail.data),
            form.language.data,
            form.name.data or "",
            current_actor(),
            clock.now(),
            form.key.data or "",
        )
    except services.AlreadyShown as refusal:
        flash(_(refusal.message), "error")
        return redirect(url_for("calendars.index"), 303)
    return _address_page(secret, form.name.data or "", target)


@blueprint.post("/calendars/<uuid:subscription_id>/revoke")
@signed_in
def revoke(subscription_id: UUID) -> ResponseReturnValue:
    """End one of my addresses."""
    services.revoke(subscription_id, current_actor(), clock.now())
    flash(_("The address has been revoked. Whoever still asks for it gets nothing."), "success")
    return redirect(url_for("calendars.index"), 303)


@blueprint.get("/calendars/feeds/<secret>.ics")
def feed(secret: str) -> ResponseReturnValue:
    """A feed, for whoever has its secret; rights are those of its owner at this moment."""
    now, site = clock.now(), installed().public_url
    found = feeds.find(db.session(), secret, now)
    if found is None:
        return conditional.no_such_feed()
    if services.fetch_is_worth_noting(found.subscription, now):
        services.note_fetch(found.subscription.id, request.user_agent.string, now)
    return conditional.answer(
        feeds.etag(found, site), found.changed_at, now, lambda: feeds.body(db.session(), found, site)
    )


def _target(kind: str, subject_id: UUID) -> Target:
    """What the address of the page names, if the actor may subscribe to it."""
    if kind not in {member.value for member in CalendarKind}:
        raise NotFound
    target = target_of(db.session(), CalendarKind(kind), subject_id)
    may_subscribe(current_actor(), target).or_refuse()
    return target


def _suggested_name(target: Target) -> str:
    name = either(current_language(), target.name_it, target.name_en) or _("My bookings")
    return f"Equora · {name}"[:120]


def _form_page(form: SubscribeForm, target: Target) -> str:
    reads_all_titles = target.facility_id is not None and may_read_title(current_actor(), target.facility_id, None)
    return render_template(
        "calendars/subscribe.html", form=form, target=target, reads_all_titles=bool(reads_all_titles)
    )


def _address_page(secret: str, name: str, target: Target) -> Response:
    links = links_to(installed().public_url + url_for("calendars.feed", secret=secret), name)
    page = render_template("calendars/address.html", links=links, target=target, qr=qr_code(links.webcal))
    return Response(page, 201, headers={"Cache-Control": "private, no-store"}, mimetype="text/html")
