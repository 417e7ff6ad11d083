"""Pages of plans: let one be made, follow it, read it, publish it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from accounts.access import signed_in
from accounts.policy import No
from booking import planning, reasons
from booking.forms.rounds import ProposeForm, StepForm
from booking.lifecycle import PLAN_STEPS, PlanState, RequestState, RoundState, can_step
from booking.models import Plan, PlanBlock, Request, Round
from booking.planning.offer import instrument_and_unit
from booking.policy import rounds as policy
from booking.queries import plans as queries
from booking.queries import rounds as round_queries
from booking.services import plans as services
from booking.services import publication
from booking.views.rounds.common import Desk, blueprint, plan_states, readable
from booking.views.rounds.public import figures_of, words
from booking.views.titles import code_of, title_of
from core import clock
from core.db import db
from core.errors import Conflict, NotFound
from core.formats import clock_time, day, span
from core.i18n import either
from core.intervals import Interval
from core.localtime import monday_of
from core.timeline import Bar, Look, Row, Timeline, days_from, timeline
from core.web import current_language
from facilities.models import Instrument
from facilities.openings import WeeklyShift, shifts_between

WHOLE_WEEK = 1
"""The zoom at which seven days fit a desktop."""
WORKING = (PlanState.QUEUED, PlanState.RUNNING)


@blueprint.get("/rounds/<slug>/plans")
@signed_in
def plans(slug: str) -> ResponseReturnValue:
    """All plans of a round, and the button that asks for another one."""
    desk = _desk(slug)
    form = ProposeForm(version=desk.round.version) if request.method == "GET" else ProposeForm()
    return render_template(
        "booking/rounds/plans.html",
        desk=desk,
        round=desk.round,
        plans=db.session.scalars(queries.plans_of(desk.round.id)).all(),
        form=form,
        states=plan_states(),
    )


@blueprint.post("/rounds/<slug>/plans")
@signed_in
def propose(slug: str) -> ResponseReturnValue:
    """Ask for a plan."""
    desk, form = _desk(slug), ProposeForm()
    if not form.validate_on_submit():
        abort(400)
    actor, now, key = desk.actor, clock.now(), form.key.data or ""
    plan_id = services.propose(desk.round.id, form.version.data, form.time_limit.data, actor, now, key)
    number = db.session.scalars(queries.plan_to_lock(plan_id)).one().number
    return redirect(url_for("rounds.plan", slug=slug, number=number), 303)


@blueprint.get("/rounds/<slug>/plans/<int:number>")
@signed_in
def plan(slug: str, number: int) -> ResponseReturnValue:
    """One plan: its progress while it is made, then everything about it."""
    desk, row = _plan(slug, number)
    sent = list(db.session.scalars(round_queries.requests_sent(desk.round.id)))
    figures = figures_of(row, desk.round, sent, desk)
    owners = {one.person_id for one in sent if one.state is RequestState.SUBMITTED}
    second = policy.may_publish(desk.actor, desk.facilities, owners)
    return render_template(
        "booking/rounds/plan.html",
        desk=desk,
        round=desk.round,
        plan=row,
        is_working=row.state in WORKING,
        is_stale=row.round_version != desk.round.version and row.state is not PlanState.PUBLISHED,
        may_publish=_may_publish(desk, row) and bool(second),
        why_not_publish=_(second.reason) if isinstance(second, No) and _may_publish(desk, row) else "",
        figures=figures,
        calendar=_calendar(row, desk.round, sent) if figures else None,
        served=_served(row, sent) if figures else (),
        refusals=_refusals(row, desk.round, sent) if figures else (),
        words=words(),
    )


@blueprint.get("/rounds/<slug>/plans/<int:number>/progress")
@signed_in
def progress(slug: str, number: int) -> ResponseReturnValue:
    """The progress alone, asked for again and again by the page; at the end the page loads itself anew."""
    desk, row = _plan(slug, number)
    page = render_template(
        "booking/rounds/_progress.html", round=desk.round, plan=row, is_working=row.state in WORKING, words=words()
    )
    headers = {} if row.state in WORKING else {"HX-Refresh": "true"}
    return page, 200, headers


@blueprint.post("/rounds/<slug>/plans/<int:number>/cancel")
@signed_in
def cancel_plan(slug: str, number: int) -> ResponseReturnValue:
    """Stop the solver; what it has so far is kept."""
    desk, row = _plan(slug, number)
    services.cancel(row.id, desk.actor, clock.now())
    return redirect(url_for("rounds.plan", slug=slug, number=number), 303)


@blueprint.post("/rounds/<slug>/plans/<int:number>/publish")
@signed_in
def publish(slug: str, number: int) -> ResponseReturnValue:
    """Make the plan the result."""
    desk, row = _plan(slug, number)
    form = StepForm()
    if not form.validate_on_submit():
        abort(400)
    try:
        publication.publish(row.id, form.version.data, desk.actor, clock.now())
    except Conflict as refusal:
        flash(_(refusal.message, **refusal.values) if refusal.values else _(refusal.message), "error")
        return redirect(url_for("rounds.plan", slug=slug, number=number), 303)
    flash(_("Published: the bookings are made and everybody concerned gets one mail."))
    return redirect(url_for("rounds.show", slug=slug), 303)


@blueprint.get("/rounds/<slug>/plans/<int:number>/problem.json")
@signed_in
def problem(slug: str, number: int) -> ResponseReturnValue:
    """What the solver was asked, for anybody who wants to check or solve it elsewhere."""
    desk, row = _plan(slug, number)
    return jsonify(services.problem_of(row.id, desk.actor))


def _desk(slug: str) -> Desk:
    desk = readable(slug)
    policy.may_see_plans(desk.actor, desk.facilities).or_refuse()
    return desk


def _plan(slug: str, number: int) -> tuple[Desk, Plan]:
    desk = _desk(slug)
    row = db.session.scalars(queries.plan_by_number(desk.round.id, number)).one_or_none()
    if row is None:
        raise NotFound
    return desk, row


def _may_publish(desk: Desk, row: Plan) -> bool:
    fits = desk.round.state is RoundState.ALLOCATION and row.round_version == desk.round.version
    return fits and row.certificate is not None and can_step(PLAN_STEPS, row.state, "publish")


# blocks ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Served:
    """A request that got time."""

    request: Request
    blocks: Sequence[PlanBlock]
    minutes: int
    asked: int


def _served(row: Plan, sent: Sequence[Request]) -> list[Served]:
    found = []
    for wanted in sent:
        blocks = [block for block in row.blocks if block.request_id == wanted.id]
        if blocks:
            minutes = sum(Interval(block.starts_at, block.ends_at).minutes for block in blocks)
            found.append(Served(wanted, blocks, minutes, sum(part.amount_minutes for part in wanted.parts)))
    return found


@dataclass(frozen=True)
class Week:
    """A week of the horizon: its Monday, how many blocks it has, and where it is shown."""

    monday: date
    at: datetime
    blocks: int
    url: str
    is_shown: bool


@dataclass(frozen=True)
class PlanCalendar:
    """One week of the plan as a timeline, and the way to the others."""

    timeline: Timeline
    weeks: Sequence[Week]


def _calendar(row: Plan, round_: Round, sent: Sequence[Request]) -> PlanCalendar:
    zone = ZoneInfo(round_.timezone)
    mondays = _mondays(round_, zone)
    count = dict.fromkeys(mondays, 0)
    for block in row.blocks:
        count[monday_of(block.starts_at, zone)] += 1
    busy = [monday for monday in mondays if count[monday]]
    shown = _asked_week(mondays) or (busy or mondays)[0]
    weeks = [
        Week(
            monday,
            datetime.combine(monday, datetime.min.time(), zone),
            count[monday],
            url_for("rounds.plan", slug=round_.slug, number=row.number, week=monday.isoformat(), _anchor="timeline"),
            monday == shown,
        )
        for monday in mondays
    ]
    days = days_from(shown, 7, round_.timezone, clock.now())
    week = Interval(days[0].when.start, days[-1].when.end)
    by_id = {wanted.id: wanted for wanted in sent}
    rows = [_row(entry.instrument, row, by_id, week, round_.timezone) for entry in round_.instruments]
    return PlanCalendar(timeline(rows, days, round_.timezone, clock.now(), zoom=WHOLE_WEEK), weeks)


def _mondays(round_: Round, zone: ZoneInfo) -> list[date]:
    found = [monday_of(round_.horizon_start, zone)]
    while found[-1] + timedelta(days=7) <= monday_of(round_.horizon_end - timedelta(minutes=1), zone):
        found.append(found[-1] + timedelta(days=7))
    return found


def _asked_week(mondays: Sequence[date]) -> date | None:
    text = request.args.get("week", "")
    return next((monday for monday in mondays if monday.isoformat() == text), None)


def _row(instrument: Instrument, row: Plan, by_id: Mapping[UUID, Request], week: Interval, zone: str) -> Row:
    plan_ = instrument.operating_plan
    weekly = [WeeklyShift(s.weekday, s.start_minute, s.minutes) for s in plan_.shifts] if plan_ else []
    wide = Interval(week.start - timedelta(days=8), week.end + timedelta(days=8))
    return Row(
        name=_instrument_name(instrument),
        url=url_for("instruments.show", facility_slug=instrument.facility.slug, slug=instrument.slug),
        bars=[_bar(block, by_id, zone) for block in row.blocks if block.instrument_id == instrument.id],
        capacity=instrument.capacity,
        open=shifts_between(weekly, ZoneInfo(plan_.timezone), wide) if plan_ else None,
    )


def _bar(block: PlanBlock, by_id: Mapping[UUID, Request], zone: str) -> Bar:
    wanted = by_id.get(block.request_id)
    code = code_of(wanted) if wanted else "?"
    organisation = wanted.organisation if wanted else None
    who = (organisation.short_name or organisation.name) if organisation else ""
    lang, title = current_language(), title_of(wanted) if wanted else ""
    when = f"{clock_time(block.starts_at, zone, lang)}–{clock_time(block.ends_at, zone, lang)}"
    on = day(block.starts_at, zone, lang)
    return Bar(
        when=Interval(block.starts_at, block.ends_at),
        look=Look.CONFIRMED,
        code=code,
        who=who,
        says=f"{code} {who} {when}, {on}, {_instrument_name(block.instrument)}: {title}",
        url=f"#request-{block.request_id}",
    )


def _instrument_name(instrument: Instrument) -> str:
    return either(current_language(), instrument.name_it, instrument.name)


# reasons --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    """A request that got nothing or not all, and why."""

    request: Request
    granted: int
    asked: int
    headline: str
    details: Sequence[str]


def _refusals(row: Plan, round_: Round, sent: Sequence[Request]) -> list[Refusal]:
    found: Mapping[str, Any] = (row.certificate or {}).get("refusals", {})
    named = _words(round_, sent)
    served = {one.request.id: one.minutes for one in _served(row, sent)}
    return [
        Refusal(
            wanted,
            served.get(wanted.id, 0),
            sum(part.amount_minutes for part in wanted.parts),
            _(reasons.headline(found[str(wanted.id)])),
            reasons.details(found[str(wanted.id)], named),
        )
        for wanted in sent
        if str(wanted.id) in found
    ]


def _words(round_: Round, sent: Sequence[Request]) -> reasons.Words:
    """What managers call the things in a certificate."""
    requests = {str(row.id): code_of(row) for row in sent}
    members = {str(row.organisation_id): row.organisation for row in sent}
    instruments = {row.instrument_id: _instrument_name(row.instrument) for row in round_.instruments}

    def resource(name: str) -> str:
        return instruments.get(instrument_and_unit(name, 0)[0], name)

    def member(name: str) -> str:
        organisation = members.get(name)
        return (organisation.short_name or organisation.name) if organisation else name

    return reasons.Words(
        language=current_language(),
        grain_minutes=round_.grain_minutes,
        request=lambda name: requests.get(name, name),
        resource=resource,
        member=member,
        block=_block_words(round_, resource),
    )


def _block_words(round_: Round, resource: Callable[[str], str]) -> Callable[[Mapping[str, Any]], str]:
    grid = planning.grid_of(round_)

    def block(row: Mapping[str, Any]) -> str:
        start, end = grid.instant(row["start"]), grid.instant(row["start"] + row["length"])
        return f"{resource(row['resource'])}, {span(start, end, round_.timezone, current_language())}"

    return block
