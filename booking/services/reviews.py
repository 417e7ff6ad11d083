"""Judges a request: technical verdict, safety, and the score on the round's own scale, kept as 0–100."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.policy import Actor
from booking.lifecycle import REQUEST_STEPS, RoundState, step
from booking.models import Feasibility, RequestEvent, Review, Round
from booking.policy import rounds as policy
from booking.queries import requests as request_queries
from booking.queries import rounds as queries
from core import audit
from core.db import transaction
from core.errors import Conflict, Invalid
from core.i18n import N_

REVIEWED = N_("Your request was reviewed.")
OPEN_FOR_REVIEW = (RoundState.OPEN, RoundState.REVIEW)


@dataclass(frozen=True)
class Verdict:
    """What a reviewer says. `score_given` is on the round's own scale; the comment is for the applicant."""

    feasibility: Feasibility
    safety_is_cleared: bool = False
    score_given: float | None = None
    comment: str = ""


def review(request_id: UUID, verdict: Verdict, version: int, actor: Actor, now: datetime) -> None:
    """Record the verdict, or replace the one before. Conflict when the request is no longer `version`."""
    with transaction() as tx:
        round_id = tx.one(queries.request_to_lock(request_id)).round_id
        round_ = tx.lock(queries.round_to_lock(round_id))
        request = tx.lock(queries.request_to_lock(request_id))
        facilities = request_queries.standing(request).facility_ids  # not the round's: it may be of several facilities
        policy.may_review(actor, facilities, request.person_id, request.organisation_id).or_refuse()
        if round_.state not in OPEN_FOR_REVIEW:
            raise Conflict(N_("The time for reviews is over."), code="illegal_step")
        if request.version != version:
            raise Conflict(code="stale")
        request.state = step(REQUEST_STEPS, request.state, "review", policy.role_at(actor, facilities))
        row = request.review or Review(request_id=request.id)
        _write(row, verdict, scored(round_, verdict))
        row.reviewed_by_id, row.reviewed_at = actor.person_id, now
        tx.session.add(row)
        tx.session.add(RequestEvent(request_id=request.id, at=now, verb="review", state=request.state, note=REVIEWED))
        request.version += 1
        round_.version += 1
        audit.record(tx, actor.person_id, "review", request, now)


def scored(round_: Round, verdict: Verdict) -> float | None:
    """The score on 0–100, after refusing what the round's scale does not know or what lacks its reason."""
    if verdict.feasibility is Feasibility.NOT_FEASIBLE:
        if not verdict.comment.strip():
            raise Invalid(fields={"comment": N_("Please give the applicant the reason.")})
        return None
    if verdict.score_given is None:
        return None
    low, high = sorted((round_.scale_worst, round_.scale_best))
    if not low <= verdict.score_given <= high:
        raise Invalid(fields={"score_given": N_("This score is not on the round's scale.")})
    return mapped(verdict.score_given, round_.scale_worst, round_.scale_best)


def mapped(given: float, worst: float, best: float) -> float:
    """A score of any linear scale on 0 (worst) … 100 (best), to four decimals."""
    return round(100 * (given - worst) / (best - worst), 4)


def _write(row: Review, verdict: Verdict, score: float | None) -> None:
    row.feasibility = verdict.feasibility
    row.safety_is_cleared = verdict.safety_is_cleared
    row.score_given = verdict.score_given if score is not None else None
    row.score = score
    row.comment = verdict.comment.strip()
