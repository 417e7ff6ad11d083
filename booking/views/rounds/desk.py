"""The manager's desk: new round, edit, steps, inbox, reserve list."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Select

from accounts.access import current_actor, signed_in
from accounts.policy import Actor
from booking.forms.rounds import SPARE_ROWS, RoundForm, StepForm, content_of, values_of
from booking.lifecycle import RoundState
from booking.models import Feasibility, Request, Round
from booking.policy import requests as request_policy
from booking.policy import rounds as policy
from booking.queries import requests as request_queries
from booking.queries import rounds as queries
from booking.services import rounds as services
from booking.views.rounds.common import Desk, blueprint, managed, policies, readable, request_states, round_states
from booking.views.titles import title_of
from core import clock
from core.db import db
from core.errors import Conflict, Invalid
from core.web import current_language
from facilities.models import Instrument

Verb = Callable[[UUID, int, Any, datetime], None]
VERBS: Mapping[str, Verb] = {
    "open": services.open_call,
    "close_submissions": services.close_submissions,
    "reopen": services.reopen,
    "start_allocation": services.start_allocation,
    "back_to_review": services.back_to_review,
    "close": services.close,
}
ROME = ZoneInfo("Europe/Rome")
FORM_FIELDS = {
    "opens_at": "opens_day",
    "deadline_at": "deadline_day",
}
"""Where the form shows what the service says of an instant."""


@blueprint.route("/rounds/new", methods=["GET", "POST"])
@signed_in
def new() -> ResponseReturnValue:
    """Open a round: first as a draft."""
    actor = current_actor()
    policy.may_open_rounds(actor).or_refuse()
    form = RoundForm(data=_first_values()) if request.method == "GET" else RoundForm()
    instruments = _prepare(form, None)
    if form.validate_on_submit():
        content = content_of(form, _zone(form, instruments))
        try:
            round_id = services.create(content, actor, clock.now(), form.key.data or "")
        except Invalid as refusal:
            _show_beside(form, refusal)
        else:
            slug = db.session.scalars(queries.round_to_lock(round_id)).one().slug
            flash(_("The draft is saved. Open the call when it is ready."))
            return redirect(url_for("rounds.show", slug=slug), 303)
    return _form_page(form, None), 422 if form.errors else 200


@blueprint.route("/rounds/<slug>/edit", methods=["GET", "POST"])
@signed_in
def edit(slug: str) -> ResponseReturnValue:
    """Change a round."""
    desk = managed(slug)
    if not desk.may_edit:
        raise Conflict(_("A round cannot be changed once its allocation has begun."), code="illegal_step")
    round_, zone = desk.round, ZoneInfo(desk.round.timezone)
    form = RoundForm(data=values_of(round_, zone)) if request.method == "GET" else RoundForm()
    _prepare(form, round_)
    if form.validate_on_submit():
        try:
            services.edit(round_.id, content_of(form, zone), form.version.data, desk.actor, clock.now())
        except Invalid as refusal:
            _show_beside(form, refusal)
        else:
            flash(_("The round is changed."))
            return redirect(url_for("rounds.show", slug=slug), 303)
    return _form_page(form, readable(slug).round), 422 if form.errors else 200


@blueprint.post("/rounds/<slug>/steps/<verb>")
@signed_in
def take_step(slug: str, verb: str) -> ResponseReturnValue:
    """Take the round one step on, or back."""
    desk, form = managed(slug), StepForm()
    if verb not in VERBS or not form.validate_on_submit():
        abort(400)
    try:
        VERBS[verb](desk.round.id, form.version.data, desk.actor, clock.now())
    except Conflict as refusal:
        flash(_(refusal.message, **refusal.values) if refusal.values else _(refusal.message), "error")
    else:
        flash(_("Done: the round is now in this state: %(state)s.", state=_state_now(slug)))
    return redirect(url_for("rounds.show", slug=slug), 303)


@blueprint.get("/rounds/<slug>/requests")
@signed_in
def inbox(slug: str) -> ResponseReturnValue:
    """All requests of a round, sortable, with what their reviews still lack."""
    desk = readable(slug)
    policy.may_see_inbox(desk.actor, desk.facilities).or_refuse()
    rows = _readable(desk, queries.requests_sent(desk.round.id))
    order = request.args.get("sort", "number")
    if order.removeprefix("-") not in SORTS:
        abort(400)
    rows.sort(key=SORTS[order.removeprefix("-")], reverse=order.startswith("-"))
    competing = [row for row in rows if row.state.value == "submitted"]
    return render_template(
        "booking/rounds/inbox.html",
        desk=desk,
        round=desk.round,
        requests=rows,
        order=order,
        missing={row.id for row in services.reviews_missing(competing)},
        states=request_states(),
        may_review={row.id for row in rows if _may_review(desk.actor, row)},
        takes_reviews=desk.round.state in (RoundState.OPEN, RoundState.REVIEW),
    )


@blueprint.get("/rounds/<slug>/reserve")
@signed_in
def reserve(slug: str) -> ResponseReturnValue:
    """Who is asked first when time becomes free."""
    desk = readable(slug)
    policy.may_see_inbox(desk.actor, desk.facilities).or_refuse()
    rows = _readable(desk, queries.reserve_list(desk.round.id))
    return render_template("booking/rounds/reserve.html", desk=desk, round=desk.round, requests=rows)


# inbox ----------------------------------------------------------------------------------------------------------------


def minutes_asked(row: Request) -> int:
    """Minutes of all parts."""
    return sum(part.amount_minutes for part in row.parts)


def _feasibility(row: Request) -> str:
    review = row.review
    return review.feasibility.value if review and review.feasibility else ""


def _score(row: Request) -> float:
    return row.review.score if row.review and row.review.score is not None else -1.0


SORTS: Mapping[str, Callable[[Request], Any]] = {
    "number": lambda row: row.number or 0,
    "title": lambda row: title_of(row).casefold(),
    "organisation": lambda row: (row.organisation.name.casefold(), row.number or 0),
    "state": lambda row: (row.state.value, row.number or 0),
    "hours": lambda row: (minutes_asked(row), row.number or 0),
    "feasibility": lambda row: (_feasibility(row), row.number or 0),
    "score": lambda row: (_score(row), row.number or 0),
}


def _readable(desk: Desk, statement: Select[Request]) -> list[Request]:
    """Those that the actor may know of: a round of several facilities has requests that concern only one."""
    rows = db.session.scalars(statement)
    return [row for row in rows if request_policy.may_read(desk.actor, request_queries.standing(row))]


def _may_review(actor: Actor, row: Request) -> bool:
    facilities = request_queries.standing(row).facility_ids
    return bool(policy.may_review(actor, facilities, row.person_id, row.organisation_id))


def _state_now(slug: str) -> str:
    db.session.rollback()
    return round_states()[readable(slug).round.state]


# the form -------------------------------------------------------------------------------------------------------------


def _first_values() -> dict[str, Any]:
    """A call that opens today, with the usual distances; the manager changes what differs."""
    today = clock.now().astimezone(ROME).date()
    monday = today + timedelta(days=7 - today.weekday(), weeks=11)
    return {
        "opens_day": today,
        "opens_at": 9 * 60,
        "deadline_day": today + timedelta(weeks=5),
        "deadline_at": 12 * 60,
        "horizon_start": monday,
        "horizon_end": monday + timedelta(weeks=12, days=-1),
        "fairness": "leximin",
        "grain_minutes": 30,
    }


def _prepare(form: RoundForm, round_: Round | None) -> dict[UUID, Instrument]:
    """Fill the choices, and one entitlement row for each member organisation; gives the instruments on offer."""
    actor = current_actor()
    found = [row for row in db.session.scalars(queries.instruments_for_rounds()) if actor.manages(row.facility_id)]
    offered: dict[str, list[tuple[str, str]]] = {}
    for row in found:
        name = row.facility.name_it if current_language() == "it" else row.facility.name_en
        own = row.name_it if current_language() == "it" and row.name_it else row.name
        offered.setdefault(name, []).append((str(row.id), own))
    if request.method == "GET":
        _append_rows(form, round_)
    form.offer(offered, policies())
    form.groups = offered
    return {row.id: row for row in found}


def _append_rows(form: RoundForm, round_: Round | None) -> None:
    entitled = {row.organisation_id: row for row in round_.entitlements} if round_ else {}
    for organisation in db.session.scalars(queries.member_organisations()):
        known = entitled.get(organisation.id)
        form.entitlements.append_entry(
            {
                "organisation_id": str(organisation.id),
                "weight": known.weight if known else (None if round_ else 1.0),
                "past_use": known.past_use_hours if known else 0.0,
            }
        )
    for _row in range(SPARE_ROWS):
        form.holds.append_entry()


def _form_page(form: RoundForm, round_: Round | None) -> str:
    names = {str(row.id): row.name for row in db.session.scalars(queries.member_organisations())}
    return render_template(
        "booking/rounds/form.html",
        form=form,
        round=round_,
        groups=form.groups,
        organisations=names,
        is_fixed=round_ is not None and round_.state is not RoundState.DRAFT,
    )


def _zone(form: RoundForm, instruments: Mapping[UUID, Instrument]) -> ZoneInfo:
    """Times are local to the first chosen instrument's facility."""
    for instrument_id in form.instruments.data or ():
        if instrument_id in instruments:
            return ZoneInfo(instruments[instrument_id].facility.timezone)
    return ROME


def _show_beside(form: RoundForm, refusal: Invalid) -> None:
    for name, message in refusal.fields.items():
        field = form[FORM_FIELDS.get(name, name)]
        field.errors = [*field.errors, _(message)]
    form.form_errors.append(_(refusal.message))


def feasibility_words() -> Mapping[Feasibility, str]:
    """Verdicts in words."""
    return {Feasibility.FEASIBLE: _("Feasible"), Feasibility.NOT_FEASIBLE: _("Not feasible")}
