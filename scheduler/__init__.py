"""The allocation core: a problem of who asks for what becomes a plan with a certificate."""

from scheduler.canonical import canonical_hash
from scheduler.check import check
from scheduler.difference import Difference, difference
from scheduler.errors import Cancelled, Infeasible, ProblemError, SchedulerError, Unfinished
from scheduler.large.remote import Hands
from scheduler.plan import Block, Plan
from scheduler.problem import Problem
from scheduler.protocol import Offer, Progress, Share, Usage
from scheduler.rules import Violation
from scheduler.runner import ShareWork, solve
from scheduler.whatif import from_plan, with_forbidden, with_outage, with_pins, with_weights, without_request

__all__ = [
    "Block",
    "Cancelled",
    "Difference",
    "Hands",
    "Infeasible",
    "Offer",
    "Plan",
    "Problem",
    "ProblemError",
    "Progress",
    "SchedulerError",
    "Share",
    "ShareWork",
    "Unfinished",
    "Usage",
    "Violation",
    "canonical_hash",
    "check",
    "difference",
    "from_plan",
    "solve",
    "with_forbidden",
    "with_outage",
    "with_pins",
    "with_weights",
    "without_request",
]
