"""What the pages of rounds share: the blueprint, finding a round, words for states and policies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint
from flask_babel import format_timedelta, pgettext
from flask_babel import gettext as _

from accounts.access import current_actor
from accounts.policy import Actor
from booking.lifecycle import ROUND_STEPS, PlanState, RequestState, RoundState, can_step
from booking.models import Fairness, Round
from booking.policy import rounds as policy
from booking.queries import rounds as queries
from booking.services.rounds import OFFERED_POLICIES
from core import clock
from core.db import db
from core.errors import NotFound

blueprint = Blueprint("rounds", __name__)


@blueprint.context_processor
def _helpers() -> dict[str, Callable[..., object]]:
    """What all templates of rounds may call."""
    return {"relative": relative}


def relative(at: datetime) -> str:
    """'in 12 days', '3 hours ago'."""
    return str(format_timedelta(at - clock.now(), add_direction=True, threshold=1.2))


STEPS = ("open", "close_submissions", "reopen", "start_allocation", "back_to_review", "close")


@dataclass(frozen=True)
class Desk:
    """A round with what the actor may do with it."""

    round: Round
    facilities: frozenset[UUID]
    actor: Actor

    @property
    def may_manage(self) -> bool:
        """Edit, allocate, publish."""
        return bool(policy.may_manage_round(self.actor, self.facilities))

    @property
    def may_see_inbox(self) -> bool:
        """See all requests."""
        return bool(policy.may_see_inbox(self.actor, self.facilities))

    @property
    def may_edit(self) -> bool:
        """Change what the round says."""
        return self.may_manage and self.round.state in (RoundState.DRAFT, RoundState.OPEN, RoundState.REVIEW)

    @property
    def steps(self) -> list[str]:
        """Verbs that its state knows, for who may take them."""
        return [verb for verb in STEPS if self.may_manage and can_step(ROUND_STEPS, self.round.state, verb)]


def readable(slug: str) -> Desk:
    """The round of an address; NotFound for who may not know of it."""
    round_ = db.session.scalars(queries.round_by_slug(slug)).one_or_none()
    if round_ is None:
        raise NotFound
    facilities = frozenset(row.instrument.facility_id for row in round_.instruments)
    actor = current_actor()
    policy.may_read_round(actor, facilities, is_draft=round_.state is RoundState.DRAFT).or_refuse()
    return Desk(round_, facilities, actor)


def managed(slug: str) -> Desk:
    """The round of an address, for its managers; others are refused."""
    desk = readable(slug)
    policy.may_manage_round(desk.actor, desk.facilities).or_refuse()
    return desk


def round_states() -> Mapping[RoundState, str]:
    """States of rounds in words."""
    return {
        RoundState.DRAFT: pgettext("round", "Draft"),
        RoundState.OPEN: pgettext("round", "Open"),
        RoundState.REVIEW: pgettext("round", "Under review"),
        RoundState.ALLOCATION: pgettext("round", "Allocation"),
        RoundState.PUBLISHED: pgettext("round", "Published"),
        RoundState.CLOSED: pgettext("round", "Closed"),
    }


def request_states() -> Mapping[RequestState, str]:
    """States of requests in words."""
    return {
        RequestState.DRAFT: pgettext("request", "Draft"),
        RequestState.SUBMITTED: pgettext("request", "Submitted"),
        RequestState.WITHDRAWN: pgettext("request", "Withdrawn"),
        RequestState.ALLOCATED: pgettext("request", "Granted"),
        RequestState.PARTLY_ALLOCATED: pgettext("request", "Granted in part"),
        RequestState.RESERVE: pgettext("request", "Reserve list"),
        RequestState.REFUSED: pgettext("request", "Not granted"),
    }


def plan_states() -> Mapping[PlanState, str]:
    """States of plans in words."""
    return {
        PlanState.QUEUED: pgettext("plan", "Waiting for the solver"),
        PlanState.RUNNING: pgettext("plan", "Being solved"),
        PlanState.DONE: pgettext("plan", "Ready"),
        PlanState.CANCELLED: pgettext("plan", "Stopped"),
        PlanState.FAILED: pgettext("plan", "Failed"),
        PlanState.PUBLISHED: pgettext("plan", "Published"),
    }


def policies() -> Mapping[Fairness, str]:
    """The policies on offer, in words."""
    words = {
        Fairness.LEXIMIN: _("Fair shares first: raise the least satisfied organisation, then the next; then value"),
        Fairness.PROPORTIONAL: _("Proportional: balance all organisations' satisfaction by their weights; then value"),
        Fairness.MERIT: _("Merit first: the best scores, then fair shares among plans of equal value"),
    }
    return {policy_: words[policy_] for policy_ in OFFERED_POLICIES}


def goals() -> Mapping[str, str]:
    """The solver's stages and goals in words."""
    return {
        "leximin": _("Fairness (least satisfied first)"),
        "welfare": _("Proportional fairness"),
        "value": _("Value (score × hours)"),
        "preferences": _("Preferred times"),
        "changeovers": _("Fewest changeovers"),
        "unmoved": _("Closeness to the plan in force"),
        "floors": _("Quotas"),
        "unfair": _("Bound without fairness"),
        "alone": _("Fair shares"),
        "shares": _("Fair shares"),
        "hint": _("First plan"),
        "start": _("First plan"),
        "fixed": _("What is frozen or pinned"),
        "exemptions": _("What is frozen or pinned"),
        "bound": _("Proven bound"),
        "search": _("Better plans"),
        "reasons": _("Reasons"),
    }
