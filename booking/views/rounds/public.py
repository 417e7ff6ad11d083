"""Pages of rounds that everybody may read: the calls, one call with its result, the feed of open calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, make_response, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.access import current_actor
from accounts.policy import Actor
from accounts.words import TYPES
from booking import planning, reasons, results
from booking.demo import ROUND as DEMO_ROUND
from booking.demo_requests import GREEDY_BY_HAND, GREEDY_BY_HAND_SERVED
from booking.lifecycle import RoundState
from booking.models import Plan, Request, Round
from booking.policy import rounds as policy
from booking.queries import plans as plan_queries
from booking.queries import rounds as queries
from booking.views.rounds.common import (
    Desk,
    blueprint,
    goals,
    plan_states,
    policies,
    readable,
    request_states,
    round_states,
)
from core import clock
from core.config import installed
from core.db import db
from core.web import current_language


@blueprint.get("/rounds")
def index() -> ResponseReturnValue:
    """Open calls first, then those under way, then the past; drafts for those who manage them."""
    actor, now = current_actor(), clock.now()
    rows = [round_ for round_ in db.session.scalars(queries.all_rounds()) if _may_read(actor, round_)]
    taking = [row for row in rows if row.state is RoundState.OPEN and row.deadline_at > now]
    return render_template(
        "booking/rounds/index.html",
        open_rounds=sorted(taking, key=lambda row: row.deadline_at),
        drafts=[row for row in rows if row.state is RoundState.DRAFT],
        others=[row for row in rows if row not in taking and row.state is not RoundState.DRAFT],
        may_open=bool(policy.may_open_rounds(actor)),
        states=round_states(),
    )


@blueprint.get("/rounds.atom")
def atom() -> ResponseReturnValue:
    """The open calls as an Atom feed (RFC 4287)."""
    now = clock.now()
    rows = [row for row in db.session.scalars(queries.all_rounds()) if is_taking(row, now)]
    updated = max((row.opens_at for row in rows), default=now)
    body = render_template(
        "booking/rounds/atom.xml", rounds=rows, updated=updated, url=installed().public_url, language=current_language()
    )
    response: Response = make_response(body)
    response.headers["Content-Type"] = "application/atom+xml; charset=utf-8"
    return response


@blueprint.get("/rounds/<slug>")
def show(slug: str) -> ResponseReturnValue:
    """The call: what is offered, until when, under which policy; later its result."""
    desk = readable(slug)
    round_ = desk.round
    plan = _plan_to_show(desk)
    sent = list(db.session.scalars(queries.requests_sent(round_.id)))
    grid = planning.grid_of(round_)
    return render_template(
        "booking/rounds/show.html",
        desk=desk,
        round=round_,
        is_taking=is_taking(round_, clock.now()),
        may_ask=any(row.organisation_id in desk.actor.memberships for row in round_.entitlements),
        offered=planning.offered_minutes(db.session(), round_, grid),
        sent=sent,
        own=[row for row in sent if concerns(desk.actor, row)],
        plan=plan,
        figures=figures_of(plan, round_, sent, desk) if plan else None,
        reason_of=lambda row: reason_of(plan, row),
        blocks_of=lambda row: [block for block in (plan.blocks if plan else ()) if block.request_id == row.id],
        words=words(),
    )


def words() -> dict[str, Any]:
    """Everything that is named the same on all pages of rounds."""
    return {
        "round": round_states(),
        "request": request_states(),
        "plan": plan_states(),
        "policy": policies(),
        "goal": goals(),
        "type": {kind: _(text) for kind, text in TYPES.items()} | {None: _("Other")},
        "outcome": {
            results.OURS: _("This plan"),
            "merit": _("Greedy by score"),
            "first_come": _("First come, first served"),
            "fair": _("Greedy by fairness"),
        },
        "left_out": {
            "no_request": _("it asked for nothing"),
            "no_window": _("none of its requests fits into open time"),
            "no_legal_plan": _("none of its requests can be placed"),
            "past_use": _("its past use exceeds its share"),
        },
    }


# what the pages show --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Yardstick:
    """Granting the demo's requests by hand: whole, by score, until nothing fits."""

    served: int
    of_type: dict[str, int]

    @property
    def hours(self) -> int:
        """In all."""
        return sum(self.of_type.values())


@dataclass(frozen=True)
class Figures:
    """A plan's result as the reader may see it: all organisations, or the own ones."""

    result: results.Result
    shares: Sequence[results.Share]
    is_whole: bool
    yardstick: Yardstick | None


def figures_of(plan: Plan, round_: Round, sent: Sequence[Request], desk: Desk) -> Figures | None:
    """The figures for this reader; None while the plan has none."""
    result = results.result_of(plan, round_, sent)
    if result is None:
        return None
    own = [row for row in result.shares if row.organisation.id in desk.actor.memberships]
    yardstick = Yardstick(GREEDY_BY_HAND_SERVED, GREEDY_BY_HAND) if round_.slug == DEMO_ROUND else None
    return Figures(result, result.shares if desk.may_manage else own, desk.may_manage, yardstick)


def _plan_to_show(desk: Desk) -> Plan | None:
    """The plan in force for everybody; before that, managers see the newest that has a result."""
    if desk.round.state in (RoundState.PUBLISHED, RoundState.CLOSED):
        return db.session.scalars(plan_queries.published_plan(desk.round.id)).one_or_none()
    if desk.may_manage:
        return db.session.scalars(plan_queries.latest_with_certificate(desk.round.id)).one_or_none()
    return None


def reason_of(plan: Plan | None, request: Request) -> str:
    """Why a request got less than it asked for, in one sentence that names nobody else."""
    certificate = plan.certificate if plan else None
    found = certificate["refusals"].get(str(request.id)) if certificate else None
    return _(reasons.headline(found)) if found else ""


def concerns(actor: Actor, request: Request) -> bool:
    """Whether the request is the reader's own, or of an organisation that they are the delegate of."""
    return actor.is_person(request.person_id) or actor.is_delegate_of(request.organisation_id)


def is_taking(round_: Round, now: datetime) -> bool:
    """Whether requests can be sent now."""
    return round_.state is RoundState.OPEN and round_.opens_at <= now < round_.deadline_at


def _may_read(actor: Actor, round_: Round) -> bool:
    facilities = {row.instrument.facility_id for row in round_.instruments}
    return bool(policy.may_read_round(actor, facilities, is_draft=round_.state is RoundState.DRAFT))
