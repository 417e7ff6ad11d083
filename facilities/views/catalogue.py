"""Public pages of the catalogue: the list with search, facets and map, and a page for each facility."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from accounts.access import current_actor
from core.db import db
from core.errors import NotFound
from core.web import current_language
from facilities import policy, queries
from facilities.forms import wish_from
from facilities.listing import listing
from facilities.views.blueprint import blueprint


@blueprint.get("/facilities")
def index() -> ResponseReturnValue:
    """Search the catalogue."""
    policy.may_read_catalogue(current_actor()).or_refuse()
    wish = wish_from(request.args)
    return render_template("facilities/index.html", listing=listing(db.session(), wish, current_language()))


@blueprint.get("/facilities/<slug>")
def show(slug: str) -> ResponseReturnValue:
    """One facility with its instruments."""
    policy.may_read_catalogue(current_actor()).or_refuse()
    facility = db.session.scalars(queries.facility_by_slug(slug)).one_or_none()
    if facility is None:
        raise NotFound
    return render_template("facilities/show.html", facility=facility)
