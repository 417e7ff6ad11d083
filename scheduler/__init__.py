"""The allocation core: a problem of who asks for what becomes a plan with a certificate."""

from scheduler.canonical import canonical_hash
from scheduler.check import check
from scheduler.errors import Cancelled, Infeasible, ProblemError, SchedulerError, Unfinished
from scheduler.plan import Block, Plan
from scheduler.problem import Problem
from scheduler.protocol import Progress
from scheduler.rules import Violation
from scheduler.runner import solve

__all__ = [
    "Block",
    "Cancelled",
    "Infeasible",
    "Plan",
    "Problem",
    "ProblemError",
    "Progress",
    "SchedulerError",
    "Unfinished",
    "Violation",
    "canonical_hash",
    "check",
    "solve",
]
