"""The page on which one request is judged."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs

from accounts.access import signed_in
from booking.forms.rounds import ReviewForm
from booking.lifecycle import RequestState, RoundState
from booking.models import Request
from booking.policy import requests as request_policy
from booking.policy import rounds as policy
from booking.queries import requests as request_queries
from booking.queries import rounds as queries
from booking.services import reviews as services
from booking.views.rounds.common import Desk, blueprint, readable, request_states
from booking.views.rounds.desk import feasibility_words
from core import clock
from core.db import db
from core.errors import Invalid, NotFound


@blueprint.route("/rounds/<slug>/requests/<uuid:request_id>/review", methods=["GET", "POST"])
@signed_in
def review(slug: str, request_id: UUID) -> ResponseReturnValue:
    """Read a request and judge it."""
    desk, row = _request_of(slug, request_id)
    standing = request_queries.standing(row)
    allowed = policy.may_review(desk.actor, standing.facility_ids, row.person_id, row.organisation_id)
    form = ReviewForm()
    form.feasibility.choices = [SelectChoice(value.value, words) for value, words in feasibility_words().items()]
    if request.method == "GET":
        form.fill(row.review, row.version)
    elif form.validate_on_submit():
        try:
            services.review(row.id, form.verdict(), form.version.data, desk.actor, clock.now())
        except Invalid as refusal:
            for name, message in refusal.fields.items():
                form[name].errors = [*form[name].errors, _(message)]
        else:
            flash(_("The review of request %(number)s is saved.", number=row.number))
            return redirect(url_for("rounds.inbox", slug=slug), 303)
    page = render_template(
        "booking/rounds/review.html",
        desk=desk,
        round=desk.round,
        request_=row,
        form=form,
        refusal=None if allowed else _(getattr(allowed, "reason", "")),
        takes_reviews=_takes_reviews(desk, row),
        may_read_texts=bool(request_policy.may_read_confidential(desk.actor, standing)),
        states=request_states(),
    )
    return page, 422 if form.errors else 200


def _takes_reviews(desk: Desk, row: Request) -> bool:
    return desk.round.state in (RoundState.OPEN, RoundState.REVIEW) and row.state is RequestState.SUBMITTED


def _request_of(slug: str, request_id: UUID) -> tuple[Desk, Request]:
    """The request, for who works at a facility of its round."""
    desk = readable(slug)
    policy.may_see_inbox(desk.actor, desk.facilities).or_refuse()
    row = db.session.scalars(queries.request_with_content(request_id)).one_or_none()
    if row is None or row.round_id != desk.round.id or row.submitted_at is None:
        raise NotFound
    request_policy.may_read(desk.actor, request_queries.standing(row)).or_refuse()
    return desk, row
