"""Asks the scheduler for a plan, lets it be checked by the independent verifier, and reads it back as rows."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from booking.planning.grid import Grid
from booking.planning.offer import instrument_and_unit
from booking.planning.problem import Document
from scheduler import (
    Cancelled,
    Hands,
    Offer,
    Plan,
    Problem,
    Progress,
    SchedulerError,
    Share,
    ShareWork,
    canonical_hash,
    check,
)
from scheduler import solve as solve_problem

__all__ = ["Hands", "Offer", "Share", "ShareWork"]  # the scheduler's own, as they are


class NoPlan(Exception):
    """There is no plan to keep; the text says why, in words for a manager."""


class Stopped(NoPlan):
    """It was cancelled before the first plan was found."""


@dataclass(frozen=True)
class GoalReport:
    """What is known of one goal: the best so far, its proven bound and the gap between them; None is not yet known."""

    goal: str
    incumbent: float | None
    bound: float | None
    gap: float | None


@dataclass(frozen=True)
class ProgressReport:
    """Where a run stands: what it works on, and every goal of which anything is known, in order of appearance.

    `elapsed` is the fraction of the time limit that is gone.
    """

    stage: str
    elapsed: float
    goals: tuple[GoalReport, ...]

    def to_json(self) -> Document:
        """As it is kept in the plan's row."""
        return asdict(self)


@dataclass(frozen=True)
class PlannedBlock:
    """A stretch of one unit of an instrument, given to a part of a request."""

    request_id: UUID
    part_id: UUID
    instrument_id: UUID
    unit: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Solution:
    """A plan that the independent verifier has found right, with its certificate."""

    blocks: tuple[PlannedBlock, ...]
    certificate: Document


def problem_hash(problem: Document) -> str:
    """SHA-256 of the problem's canonical JSON."""
    return canonical_hash(problem)


def solve(
    problem: Document,
    time_limit_seconds: int,
    seed: int,
    on_progress: Callable[[ProgressReport], None],
    is_cancelled: Callable[[], bool],
    share_work: ShareWork | None = None,
) -> Solution:
    """Solve and verify; NoPlan when there is none or the verifier disagrees, Stopped when cancelled too early.

    `share_work` is asked in this thread who else does tasks of a large problem.
    """
    goals: dict[str, GoalReport] = {}
    try:
        plan = solve_problem(
            Problem.from_json(problem),
            time_limit=time_limit_seconds,
            seed=seed,
            on_progress=lambda progress: on_progress(_report(progress, goals)),
            cancelled=is_cancelled,
            share_work=share_work,
        )
    except Cancelled as error:
        raise Stopped(str(error)) from error
    except SchedulerError as error:
        raise NoPlan(f"{error.code}: {error}") from error
    document = plan.to_json()
    wrong = check(problem, document)
    if wrong:
        raise NoPlan("the independent check disagrees: " + "; ".join(map(str, wrong[:5])))
    return Solution(_blocks(problem, plan), dict(plan.certificate))


def _report(progress: Progress, goals: dict[str, GoalReport]) -> ProgressReport:
    """The report of this moment; `goals` remembers those of before."""
    if progress.incumbent is not None or progress.bound is not None:
        goals[progress.stage] = GoalReport(progress.stage, progress.incumbent, progress.bound, progress.gap)
    return ProgressReport(progress.stage, progress.elapsed_fraction, tuple(goals.values()))


def _blocks(problem: Document, plan: Plan) -> tuple[PlannedBlock, ...]:
    start = datetime.fromisoformat(problem["start"])
    grid = Grid(start, problem["grain_minutes"], problem["grains"])
    blocks = []
    for block in plan.blocks:
        instrument_id, unit = instrument_and_unit(block.resource, block.unit)
        starts_at = grid.instant(block.start)
        length = timedelta(minutes=grid.minutes * block.length)
        blocks.append(
            PlannedBlock(UUID(block.request), UUID(block.part), instrument_id, unit, starts_at, starts_at + length)
        )
    return tuple(blocks)
