"""A member's requests: list, begin, edit, send, follow, withdraw, clone."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Select

from accounts import queries as accounts
from accounts.access import current_actor, signed_in
from accounts.models import Organisation
from booking.content import RequestContent
from booking.forms import requests as forms
from booking.lifecycle import REQUEST_STEPS, RequestState, can_step
from booking.models import Request, Round
from booking.policy import requests as policy
from booking.queries import requests as queries
from booking.queries import rounds as round_queries
from booking.request_rules import problems_of
from booking.services import requests as services
from booking.views import request_pages as pages
from booking.views import titles
from booking.views.rounds.common import request_states
from core import clock
from core.db import db
from core.errors import Conflict, Invalid, NotFound
from core.intervals import Interval

blueprint = Blueprint("requests", __name__)

PER_PAGE = 50


blueprint.app_template_global("request_states")(request_states)
blueprint.app_template_global("request_events")(pages.events)
for title in (titles.title_of, titles.code_of, titles.may_read_words, titles.booking_title):
    blueprint.app_template_global(title.__name__)(title)


# lists ----------------------------------------------------------------------------------------------------------------


@blueprint.get("/requests")
@signed_in
def mine() -> ResponseReturnValue:
    """My own requests, and the rounds in which I may ask."""
    actor = current_actor()
    assert actor.person_id is not None  # noqa: S101 - signed in
    number = _page_number()
    found = _page_of(queries.requests_of_person(actor.person_id), number)
    return render_template(
        "booking/requests/mine.html",
        requests=found[:PER_PAGE],
        page=number,
        has_more=len(found) > PER_PAGE,
        open_rounds=db.session.scalars(queries.rounds_open_for(frozenset(actor.memberships), clock.now())).all(),
        led=[row for row in _organisations() if policy.may_list_requests_of(actor, row.id)],
    )


@blueprint.get("/requests/of/<slug>")
@signed_in
def of_organisation(slug: str) -> ResponseReturnValue:
    """What was sent in the name of an organisation, for its delegates."""
    organisation = db.session.scalars(accounts.organisation_by_slug(slug)).one_or_none()
    if organisation is None:
        raise NotFound
    policy.may_list_requests_of(current_actor(), organisation.id).or_refuse()
    number = _page_number()
    found = _page_of(queries.requests_sent_by(organisation.id), number)
    return render_template(
        "booking/requests/of_organisation.html",
        organisation=organisation,
        requests=found[:PER_PAGE],
        page=number,
        has_more=len(found) > PER_PAGE,
    )


def _page_number() -> int:
    text = request.args.get("page", "1")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 10_000):
        abort(400)
    return int(text)


def _page_of(statement: Select[Request], number: int) -> Sequence[Request]:
    """One page, and one row more to know whether there is a next one."""
    return db.session.scalars(statement.offset((number - 1) * PER_PAGE).limit(PER_PAGE + 1)).all()


def _organisations() -> Sequence[Organisation]:
    person_id = current_actor().person_id
    return db.session.scalars(accounts.organisations_of(person_id)).all() if person_id else ()


# begin ----------------------------------------------------------------------------------------------------------------


@blueprint.get("/requests/new")
@signed_in
def new() -> ResponseReturnValue:
    """Choose the round and in whose name to ask."""
    actor = current_actor()
    rounds = db.session.scalars(queries.rounds_open_for(frozenset(actor.memberships), clock.now())).all()
    wished = request.args.get("round")
    choices = [
        (row, db.session.scalars(queries.organisations_entitled(row.id, frozenset(actor.memberships))).all())
        for row in rounds
        if wished in (None, row.slug)
    ]
    return render_template("booking/requests/new.html", choices=choices, wished=wished)


@blueprint.post("/requests")
@signed_in
def create() -> ResponseReturnValue:
    """Begin a draft."""
    sent = _only("round", "organisation", "key")
    request_id = services.begin(
        _id(sent["round"]), _id(sent["organisation"]), current_actor(), clock.now(), sent["key"]
    )
    return redirect(url_for(".edit", request_id=request_id), 303)


@blueprint.post("/requests/<uuid:request_id>/clone")
@signed_in
def clone(request_id: UUID) -> ResponseReturnValue:
    """Begin a draft that says the same."""
    sent = _only("round", "key")
    wished = _id(sent["round"]) if sent["round"] else None
    made = services.clone(request_id, current_actor(), clock.now(), sent["key"], wished)
    flash(_("This is your copy. Check it, then send it."), "success")
    return redirect(url_for(".edit", request_id=made), 303)


def _only(*names: str) -> dict[str, str]:
    """The named fields of a small form, each once and no others."""
    for name, values in request.form.lists():
        if name not in (*names, "csrf_token") or len(values) > 1:
            raise Invalid(forms.STRANGE, code="strange_field")
    return {name: request.form.get(name, "") for name in names}


def _id(text: str) -> UUID:
    """An id out of a form; what is none names nothing."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


# edit -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Draft:
    """A request being written, its round, and the block lengths its form offers."""

    row: Request
    round: Round
    lengths: list[int]


@blueprint.get("/requests/<uuid:request_id>/edit")
@signed_in
def edit(request_id: UUID) -> ResponseReturnValue:
    """The form of a draft; with ?check it also shows what is still missing."""
    row = _found(request_id)
    policy.may_change(current_actor(), queries.standing(row)).or_refuse()
    if not _is_editable(row):
        flash(_("This request can no longer be edited."), "error")
        return redirect(url_for(".show", request_id=request_id), 303)
    draft = _draft(row)
    content = queries.content_of(row)
    form = forms.RequestForm(data=forms.data_of(content, draft.lengths))
    pages.prepare(form, draft.round, draft.lengths)
    general: list[str] = []
    if "check" in request.args:
        general = forms.add_problems(form, problems_of(content, queries.round_facts(draft.round)))
    return _form_page(draft, form, row.version, general)


@blueprint.post("/requests/<uuid:request_id>/edit")
@signed_in
def save(request_id: UUID) -> ResponseReturnValue:
    """Keep the draft, as a button or the autosave asks; answers the autosave with a line of status."""
    row = _found(request_id)
    policy.may_change(current_actor(), queries.standing(row)).or_refuse()
    forms.refuse_strange_names(request.form)
    version = _version()
    draft = _draft(row)
    form = forms.RequestForm(request.form)
    pages.prepare(form, draft.round, draft.lengths)
    if not form.validate():
        return _form_page(draft, form, version), Invalid.status
    button = request.form.get("do", "")
    content = forms.changed(forms.content_of(form), button)
    try:
        saved = services.save(request_id, content, version, current_actor(), clock.now())
    except Invalid as refusal:
        general = forms.add_problems(form, refusal.fields.items())
        return _form_page(draft, form, version, general), refusal.status
    except Conflict as refusal:
        if refusal.code != "old_version":
            raise
        return _form_page(draft, form, version, [_(refusal.message)]), refusal.status
    return _saved(request_id, button, saved, content)


def _saved(request_id: UUID, button: str, version: int, content: RequestContent) -> ResponseReturnValue:
    if _is_autosave():
        round_ = _draft(_found(request_id)).round
        painted = enumerate(pages.paint_page(part, round_) for part in content.parts)
        stale = [(place, page) for place, page in painted if page.keys != _cells_sent(place)]
        return render_template(
            "booking/requests/_saved.html", version=version, at=clock.now(), round=round_, changed_calendars=stale
        )
    if button == "review":
        return redirect(url_for(".review", request_id=request_id), 303)
    if button == "save":
        flash(_("Draft saved."), "success")
    anchors = {"add_part": f"part-{len(content.parts)}", "add_lag": "lags"}
    anchor = anchors.get(button, "lags" if button.startswith("remove_lag") else "parts")
    return redirect(url_for(".edit", request_id=request_id, _anchor=None if button == "save" else anchor), 303)


def _form_page(draft: Draft, form: forms.RequestForm, version: int, general: Sequence[str] = ()) -> str:
    """The form with everything that is wrong; for the autosave only that something is."""
    complaints = pages.complaints(form, general)
    if _is_autosave():
        return render_template("booking/requests/_not_saved.html", complaints=complaints)
    return render_template(
        "booking/requests/edit.html",
        request_=draft.row,
        round=draft.round,
        form=form,
        version=version,
        complaints=complaints,
        calendars=[pages.paint_page(part, draft.round) for part in forms.parts_shown(form)],
    )


def _is_autosave() -> bool:
    return request.method == "POST" and "HX-Request" in request.headers and "do" not in request.form


def _cells_sent(place: int) -> set[str]:
    """The cells that the browser shows of a part, which differ from ours once other instruments are chosen."""
    prefix = f"parts-{place}-windows-"
    return {name.removeprefix(prefix) for name in request.form if name.startswith(prefix)}


def _version() -> int:
    text = request.form.get("version", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid(forms.STRANGE, code="strange_field")
    return int(text)


def _draft(row: Request) -> Draft:
    round_ = db.session.scalars(round_queries.round_by_id(row.round_id)).one()
    return Draft(row, round_, pages.usual_lengths(queries.round_facts(round_)))


def _is_editable(row: Request) -> bool:
    """Whether a draft can still be kept and sent; the services make the same checks."""
    return can_step(REQUEST_STEPS, row.state, "edit") and services.takes_requests(row.round, clock.now())


# send -----------------------------------------------------------------------------------------------------------------


@blueprint.get("/requests/<uuid:request_id>/submit")
@signed_in
def review(request_id: UUID) -> ResponseReturnValue:
    """What will be sent, what it asks of the organisation's share, and what is still missing."""
    row = _found(request_id)
    policy.may_change(current_actor(), queries.standing(row)).or_refuse()
    if not _is_editable(row):
        return redirect(url_for(".show", request_id=request_id), 303)
    return _review_page(row)


@blueprint.post("/requests/<uuid:request_id>/submit")
@signed_in
def submit(request_id: UUID) -> ResponseReturnValue:
    """Send it. Sending twice is sending once."""
    _only("version")
    row = _found(request_id)
    policy.may_change(current_actor(), queries.standing(row)).or_refuse()
    if row.state is RequestState.SUBMITTED:
        return redirect(url_for(".show", request_id=request_id), 303)
    try:
        services.submit(request_id, current_actor(), clock.now(), _version())
    except Invalid as refusal:
        return _review_page(_found(request_id)), refusal.status
    flash(_("Your request was sent. A mail confirms it."), "success")
    return redirect(url_for(".show", request_id=request_id), 303)


def _review_page(row: Request) -> str:
    draft = _draft(row)
    content = queries.content_of(row)
    form = forms.RequestForm(data=forms.data_of(content, draft.lengths))
    pages.prepare(form, draft.round, draft.lengths)
    general = forms.add_problems(form, problems_of(content, queries.round_facts(draft.round)))
    asked = db.session.scalar(queries.minutes_asked_by(row.organisation_id, row.round_id)) or 0
    return render_template(
        "booking/requests/review.html",
        request_=row,
        round=draft.round,
        content=content,
        complaints=pages.complaints(form, general),
        pictures=[pages.paint_page(part, draft.round) for part in content.parts],
        share=pages.share_of(draft.round, row.organisation_id, asked, content.minutes),
    )


# follow ---------------------------------------------------------------------------------------------------------------


@blueprint.get("/requests/<uuid:request_id>")
@signed_in
def show(request_id: UUID) -> ResponseReturnValue:
    """What was asked, where it stands, what came of it."""
    return _show_page(_found(request_id))


@blueprint.post("/requests/<uuid:request_id>/withdraw")
@signed_in
def withdraw(request_id: UUID) -> ResponseReturnValue:
    """Take it back."""
    sent = _only("reason")
    try:
        services.withdraw(request_id, current_actor(), clock.now(), sent["reason"])
    except Invalid as refusal:
        errors = {name: _(sentence) for name, sentence in refusal.fields.items()}
        return _show_page(_found(request_id), errors=errors, reason=sent["reason"]), refusal.status
    flash(_("The request was withdrawn."), "success")
    return redirect(url_for(".show", request_id=request_id), 303)


@blueprint.post("/requests/<uuid:request_id>/confidential")
@signed_in
def break_glass(request_id: UUID) -> ResponseReturnValue:
    """The office looks at a confidential request once, after its reason was written down."""
    sent = _only("glass_reason")
    try:
        services.break_glass(request_id, current_actor(), clock.now(), sent["glass_reason"])
    except Invalid as refusal:
        [sentence] = refusal.fields.values()
        errors = {"glass_reason": _(sentence)}
        return _show_page(_found(request_id), errors=errors), refusal.status
    return _show_page(_found(request_id), glass_is_broken=True)


def _show_page(
    row: Request, errors: dict[str, str] | None = None, reason: str = "", glass_is_broken: bool = False
) -> str:
    actor, standing = current_actor(), queries.standing(row)
    policy.may_read(actor, standing).or_refuse()
    round_ = db.session.scalars(round_queries.round_by_id(row.round_id)).one()
    confidential = policy.may_read_confidential(actor, standing)
    texts_are_shown = bool(confidential) or glass_is_broken
    content = queries.content_of(row) if texts_are_shown else pages.without_words(queries.content_of(row))
    bookings = db.session.scalars(queries.live_bookings_of(row.id)).all()
    return render_template(
        "booking/requests/show.html",
        request_=row,
        round=round_,
        content=content,
        pictures=[pages.paint_page(part, round_) for part in content.parts],
        way=pages.way_of(row),
        is_own=actor.is_person(row.person_id),
        texts_are_shown=texts_are_shown,
        may_break_glass=not texts_are_shown and bool(policy.may_break_glass(actor, standing)),
        may_edit=bool(policy.may_change(actor, standing)) and _is_editable(row),
        may_withdraw=bool(policy.may_withdraw(actor, standing)) and can_step(REQUEST_STEPS, row.state, "withdraw"),
        clone_rounds=_rounds_to_copy_to(standing),
        bookings=bookings,
        granted_minutes=sum(Interval(booking.starts_at, booking.ends_at).minutes for booking in bookings),
        outcome=pages.outcome_of(row, db.session.scalars(queries.published_plan_of(row.round_id)).first()),
        errors=errors or {},
        reason=reason,
    )


def _rounds_to_copy_to(standing: policy.Standing) -> Sequence[Round]:
    actor = current_actor()
    if not policy.may_clone(actor, standing):
        return ()
    return db.session.scalars(queries.rounds_open_for(frozenset(actor.memberships), clock.now())).all()


def _found(request_id: UUID) -> Request:
    """The request as it is now; 404 when there is none, or none that the actor may know of."""
    row = db.session.scalars(
        queries.request_in_full(request_id).execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound
    policy.may_read(current_actor(), queries.standing(row)).or_refuse()
    return row
