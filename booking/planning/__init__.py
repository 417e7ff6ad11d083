"""The one door to the scheduler: rows of a round become a problem, a plan becomes rows."""

from booking.planning.grid import Grid
from booking.planning.offer import offered_minutes
from booking.planning.problem import Document, grid_of, problem_of
from booking.planning.solving import (
    Hands,
    NoPlan,
    Offer,
    PlannedBlock,
    ProgressReport,
    Share,
    ShareWork,
    Solution,
    Stopped,
    problem_hash,
    solve,
)

__all__ = [
    "Document",
    "Grid",
    "Hands",
    "NoPlan",
    "Offer",
    "PlannedBlock",
    "ProgressReport",
    "Share",
    "ShareWork",
    "Solution",
    "Stopped",
    "grid_of",
    "offered_minutes",
    "problem_hash",
    "problem_of",
    "solve",
]
