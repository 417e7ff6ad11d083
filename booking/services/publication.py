"""Turns a plan into bookings: all of it in one transaction, or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.policy import Actor, Role
from booking import reasons
from booking.lifecycle import PLAN_STEPS, REQUEST_STEPS, ROUND_STEPS, BookingState, RequestState, step
from booking.models import BookingKind, Feasibility, Plan, PlanBlock, Request, RequestEvent, Round
from booking.policy import rounds as policy
from booking.queries import plans as plan_queries
from booking.queries import rounds as queries
from booking.services import ledger
from booking.services.rounds import lock_managed
from core import audit, mail
from core.db import Tx, transaction
from core.errors import Conflict
from core.i18n import N_, either, say
from core.intervals import Interval

GRANTED = N_("Granted in full.")
ON_RESERVE = "reserve"
_VERBS = {
    RequestState.ALLOCATED: "allocate",
    RequestState.PARTLY_ALLOCATED: "allocate_partly",
    RequestState.RESERVE: ON_RESERVE,
    RequestState.REFUSED: "refuse",
}


@dataclass(frozen=True)
class Outcome:
    """What becomes of a request. `note` is a msgid or the reviewer's own words; `rank` is its place in the reserve."""

    request: Request
    state: RequestState
    note: str
    blocks: tuple[PlanBlock, ...] = ()
    rank: int | None = None


def publish(plan_id: UUID, version: int, actor: Actor, now: datetime) -> None:
    """Make the plan the round's result: bookings, states, reserve list, one mail a person.

    `version` is the round's, as the manager saw it. Conflict: somebody was faster, the plan is older than a review or
    an edit, it has no result, or a slot is taken; then nothing has changed.
    """
    with transaction() as tx:
        round_id = tx.one(plan_queries.plan_to_lock(plan_id)).round_id
        round_, facilities = lock_managed(tx, round_id, actor, version)
        requests = _locked_requests(tx, round_id)
        policy.may_publish(actor, facilities, {row.person_id for row in requests}).or_refuse()
        plan = tx.lock(plan_queries.plan_to_lock(plan_id))
        _refuse_unfit(plan, round_)
        role = policy.role_at(actor, facilities)
        plan.state = step(PLAN_STEPS, plan.state, "publish", role)
        round_.state = step(ROUND_STEPS, round_.state, "publish", role)
        round_.version += 1
        round_.published_at = plan.published_at = now
        outcomes = outcomes_of(plan, requests)
        _book(tx, plan, outcomes, actor, now)
        for outcome in outcomes:
            _settle(tx, outcome, role, now)
        _tell(tx, round_, outcomes, now)
        audit.record(
            tx, actor.person_id, "publish", round_, now, detail={"plan": plan.number, "hash": plan.problem_hash}
        )


def _refuse_unfit(plan: Plan, round_: Round) -> None:
    if plan.certificate is None:
        raise Conflict(N_("This plan has no result that could be published."), code="no_result")
    if plan.round_version != round_.version:
        message = N_("This plan is older than the last change of the round. Please let a new one be made.")
        raise Conflict(message, code="stale_plan")


def _locked_requests(tx: Tx, round_id: UUID) -> Sequence[Request]:
    """The requests that wait for the result, held against a withdrawal at the same moment, with their content."""
    tx.session.scalars(queries.requests_to_lock(round_id).with_for_update()).all()
    return tx.session.scalars(queries.requests_in_competition(round_id).execution_options(populate_existing=True)).all()


# who gets what --------------------------------------------------------------------------------------------------------


def outcomes_of(plan: Plan, requests: Iterable[Request]) -> list[Outcome]:
    """What the plan means for every request, the reserve ranked, by number."""
    certificate: Mapping[str, Any] = plan.certificate or {}
    blocks: dict[UUID, list[PlanBlock]] = {}
    for block in plan.blocks:
        blocks.setdefault(block.request_id, []).append(block)
    found = [_outcome(request, blocks.get(request.id, []), certificate["refusals"]) for request in requests]
    ranked = sorted(
        (row for row in found if row.state is RequestState.RESERVE), key=lambda row: _need(row, certificate)
    )
    ranks = {row.request.id: place for place, row in enumerate(ranked, start=1)}
    return [Outcome(row.request, row.state, row.note, row.blocks, ranks.get(row.request.id)) for row in found]


def _outcome(request: Request, blocks: list[PlanBlock], refusals: Mapping[str, Any]) -> Outcome:
    review = request.review
    if review is None or review.feasibility is not Feasibility.FEASIBLE:
        return Outcome(request, RequestState.REFUSED, review.comment if review else "")
    short = refusals.get(str(request.id))
    if short is None:
        return Outcome(request, RequestState.ALLOCATED, GRANTED, tuple(blocks))
    note = reasons.headline(short)
    if blocks:
        return Outcome(request, RequestState.PARTLY_ALLOCATED, note, tuple(blocks))
    if reasons.is_final(short):
        return Outcome(request, RequestState.REFUSED, note)
    return Outcome(request, RequestState.RESERVE, note)


def _need(outcome: Outcome, certificate: Mapping[str, Any]) -> tuple[float, float, int]:
    """The least satisfied organisation first, then the better score, then the earlier number."""
    member = certificate["members"].get(str(outcome.request.organisation_id), {})
    satisfaction = member.get("s")
    review = outcome.request.review
    merit = review.score if review and review.score is not None else 0.0
    return (1.0 if satisfaction is None else satisfaction, -merit, outcome.request.number or 0)


# doing it -------------------------------------------------------------------------------------------------------------


def _book(tx: Tx, plan: Plan, outcomes: Iterable[Outcome], actor: Actor, now: datetime) -> None:
    """Hold every block in the ledger; its guard refuses what is taken, which undoes everything."""
    granted = {row.request.id: row for row in outcomes if row.blocks}
    missing = {block.request_id for block in plan.blocks} - set(granted)
    if missing:  # withdrawn since the plan was made
        raise Conflict(N_("A request of this plan was withdrawn. Please let a new one be made."), code="stale_plan")
    instruments = ledger.lock_instruments(tx, {block.instrument_id for block in plan.blocks})
    for block in sorted(plan.blocks, key=lambda row: (str(row.instrument_id), row.starts_at, row.unit)):
        request = granted[block.request_id].request
        claim = ledger.Claim(
            kind=BookingKind.ROUND,
            state=BookingState.CONFIRMED,
            interval=Interval(block.starts_at, block.ends_at),
            unit=block.unit,
            title=request.title,
            is_confidential=request.is_confidential,
            person_id=request.person_id,
            organisation_id=request.organisation_id,
            request_id=request.id,
            plan_id=plan.id,
        )
        ledger.hold(tx, instruments[block.instrument_id], claim, actor, now)


def _settle(tx: Tx, outcome: Outcome, role: Role, now: datetime) -> None:
    request, verb = outcome.request, _VERBS[outcome.state]
    request.state = step(REQUEST_STEPS, request.state, verb, role)
    request.reserve_rank = outcome.rank
    request.version += 1
    request.updated_at = now
    tx.session.add(RequestEvent(request_id=request.id, at=now, verb=verb, state=request.state, note=outcome.note))


def _tell(tx: Tx, round_: Round, outcomes: Iterable[Outcome], now: datetime) -> None:
    """One mail a person, however many requests they sent."""
    of_person: dict[UUID, list[Outcome]] = {}
    for outcome in outcomes:
        of_person.setdefault(outcome.request.person_id, []).append(outcome)
    for person_id, own in of_person.items():
        person = own[0].request.person
        mail.send(
            tx,
            key=f"round_published:{round_.id}:{person_id}",
            to=person.email,
            language=person.language,
            template="round_published",
            values={
                "name": person.name,
                "round": either(person.language, round_.title_it, round_.title_en),
                "zone": round_.timezone,
                "requests": [_in_words(row, person.language) for row in own],
            },
            at=now,
        )


def _in_words(outcome: Outcome, language: str) -> dict[str, Any]:
    return {
        "id": str(outcome.request.id),
        "number": outcome.request.number,
        "title": outcome.request.title,
        "state": outcome.state.value,
        "reason": say(language, outcome.note) if outcome.note else "",
        "rank": outcome.rank,
        "blocks": [
            {
                "instrument": either(language, block.instrument.name_it, block.instrument.name),
                "start": block.starts_at.isoformat(),
                "end": block.ends_at.isoformat(),
            }
            for block in sorted(outcome.blocks, key=lambda row: row.starts_at)
        ],
    }
