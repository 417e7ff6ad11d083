"""States and legal steps of rounds, requests, plans and bookings, as tables."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from accounts.policy import Role
from core.errors import Conflict, Forbidden
from core.i18n import N_


class RoundState(StrEnum):
    """Where a round stands (DOMAIN.md, workflow)."""

    DRAFT = "draft"
    OPEN = "open"
    REVIEW = "review"
    ALLOCATION = "allocation"
    PUBLISHED = "published"
    CLOSED = "closed"


class RequestState(StrEnum):
    """Where a request stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    WITHDRAWN = "withdrawn"
    ALLOCATED = "allocated"
    PARTLY_ALLOCATED = "partly_allocated"
    RESERVE = "reserve"
    REFUSED = "refused"


class PlanState(StrEnum):
    """Where a solver run stands; DONE has a proven or best plan, CANCELLED may have one."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    PUBLISHED = "published"


class BookingState(StrEnum):
    """Whether a booking holds its time."""

    TENTATIVE = "tentative"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    CANCELLED = "cancelled"


LIVE = (BookingState.TENTATIVE, BookingState.CONFIRMED)
GRANTED = (RequestState.ALLOCATED, RequestState.PARTLY_ALLOCATED)

S = TypeVar("S", bound=StrEnum)
Steps = Mapping[tuple[S, str], tuple[S, frozenset[Role]]]

_OWNER = frozenset({Role.MEMBER, Role.DELEGATE})
_MANAGER = frozenset({Role.MANAGER, Role.OFFICE})
_SYSTEM = frozenset({Role.SYSTEM})
_REVIEWER = frozenset({Role.REVIEWER})

ROUND_STEPS: Steps[RoundState] = {
    (RoundState.DRAFT, "open"): (RoundState.OPEN, _MANAGER),
    (RoundState.OPEN, "close_submissions"): (RoundState.REVIEW, _MANAGER | _SYSTEM),
    (RoundState.REVIEW, "reopen"): (RoundState.OPEN, _MANAGER),
    (RoundState.REVIEW, "start_allocation"): (RoundState.ALLOCATION, _MANAGER),
    (RoundState.ALLOCATION, "back_to_review"): (RoundState.REVIEW, _MANAGER),
    (RoundState.ALLOCATION, "publish"): (RoundState.PUBLISHED, _MANAGER),
    (RoundState.PUBLISHED, "close"): (RoundState.CLOSED, _MANAGER),
}

REQUEST_STEPS: Steps[RequestState] = {
    (RequestState.DRAFT, "edit"): (RequestState.DRAFT, _OWNER),
    (RequestState.DRAFT, "submit"): (RequestState.SUBMITTED, _OWNER),
    (RequestState.DRAFT, "withdraw"): (RequestState.WITHDRAWN, _OWNER),
    (RequestState.SUBMITTED, "withdraw"): (RequestState.WITHDRAWN, _OWNER),
    (RequestState.SUBMITTED, "review"): (RequestState.SUBMITTED, _MANAGER | _REVIEWER),
    (RequestState.SUBMITTED, "allocate"): (RequestState.ALLOCATED, _MANAGER | _SYSTEM),
    (RequestState.SUBMITTED, "allocate_partly"): (RequestState.PARTLY_ALLOCATED, _MANAGER | _SYSTEM),
    (RequestState.SUBMITTED, "reserve"): (RequestState.RESERVE, _MANAGER | _SYSTEM),
    (RequestState.SUBMITTED, "refuse"): (RequestState.REFUSED, _MANAGER | _SYSTEM),
    (RequestState.RESERVE, "withdraw"): (RequestState.WITHDRAWN, _OWNER),
    (RequestState.ALLOCATED, "withdraw"): (RequestState.WITHDRAWN, _OWNER),
    (RequestState.PARTLY_ALLOCATED, "withdraw"): (RequestState.WITHDRAWN, _OWNER),
}

PLAN_STEPS: Steps[PlanState] = {
    (PlanState.QUEUED, "start"): (PlanState.RUNNING, _SYSTEM),
    (PlanState.QUEUED, "cancel"): (PlanState.CANCELLED, _MANAGER | _SYSTEM),
    (PlanState.RUNNING, "start"): (PlanState.RUNNING, _SYSTEM),
    (PlanState.RUNNING, "finish"): (PlanState.DONE, _SYSTEM),
    (PlanState.RUNNING, "cancel"): (PlanState.CANCELLED, _SYSTEM),
    (PlanState.RUNNING, "fail"): (PlanState.FAILED, _SYSTEM),
    (PlanState.DONE, "publish"): (PlanState.PUBLISHED, _MANAGER),
    (PlanState.CANCELLED, "publish"): (PlanState.PUBLISHED, _MANAGER),
}

BOOKING_STEPS: Steps[BookingState] = {
    (BookingState.TENTATIVE, "approve"): (BookingState.CONFIRMED, _MANAGER),
    (BookingState.TENTATIVE, "refuse"): (BookingState.REFUSED, _MANAGER),
    (BookingState.TENTATIVE, "cancel"): (BookingState.CANCELLED, _OWNER | _MANAGER | _SYSTEM),
    (BookingState.CONFIRMED, "cancel"): (BookingState.CANCELLED, _OWNER | _MANAGER | _SYSTEM),
    (BookingState.CONFIRMED, "cancel_late"): (BookingState.CANCELLED, _OWNER),
    (BookingState.TENTATIVE, "cancel_late"): (BookingState.CANCELLED, _OWNER),
    (BookingState.TENTATIVE, "accept"): (BookingState.CONFIRMED, _OWNER),
    (BookingState.TENTATIVE, "accept_for_approval"): (BookingState.TENTATIVE, _OWNER),
    (BookingState.TENTATIVE, "approve_level"): (BookingState.TENTATIVE, _MANAGER),
    (BookingState.TENTATIVE, "lapse"): (BookingState.CANCELLED, _SYSTEM),
    (BookingState.TENTATIVE, "move"): (BookingState.TENTATIVE, _OWNER | _MANAGER),
    (BookingState.CONFIRMED, "move"): (BookingState.CONFIRMED, _OWNER | _MANAGER),
    (BookingState.TENTATIVE, "rename"): (BookingState.TENTATIVE, _OWNER | _MANAGER),
    (BookingState.CONFIRMED, "rename"): (BookingState.CONFIRMED, _OWNER | _MANAGER),
    (BookingState.CONFIRMED, "ask_again"): (BookingState.TENTATIVE, _OWNER),
    (BookingState.TENTATIVE, "hand_over"): (BookingState.TENTATIVE, _OWNER | _MANAGER),
    (BookingState.CONFIRMED, "hand_over"): (BookingState.CONFIRMED, _OWNER | _MANAGER),
    (BookingState.CONFIRMED, "swap"): (BookingState.CONFIRMED, _OWNER),
    (BookingState.CONFIRMED, "check_in"): (BookingState.CONFIRMED, _OWNER | _MANAGER),
    (BookingState.CONFIRMED, "check_out"): (BookingState.CONFIRMED, _OWNER | _MANAGER | _SYSTEM),
    (BookingState.CONFIRMED, "release"): (BookingState.CANCELLED, _SYSTEM),
}


def step(table: Steps[S], state: S, verb: str, role: Role) -> S:
    """The state after `verb`; Conflict when the state does not know the verb, Forbidden when the role may not."""
    found = table.get((state, verb))
    if found is None:
        raise Conflict(N_("This is no longer possible: the state has changed."), code="illegal_step")
    after, roles = found
    if role not in roles:
        raise Forbidden
    return after


def can_step(table: Steps[S], state: S, verb: str) -> bool:
    """Whether the state knows the verb at all; for showing or hiding an action."""
    return (state, verb) in table
