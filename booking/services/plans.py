"""Runs of the solver: proposed by a manager, done by the task engine, cancelled by a flag.

The row is the truth. A run that a dying worker left behind is begun again by whoever is rung next, and whatever
ends first is what counts: every end goes through the table of steps on the locked row.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.policy import Actor, Role
from booking import planning
from booking.lifecycle import PLAN_STEPS, PlanState, RoundState, can_step, step
from booking.models import Plan, PlanBlock
from booking.planning import Document, NoPlan, ProgressReport, ShareWork, Solution, Stopped
from booking.policy import rounds as policy
from booking.queries import plans as queries
from booking.queries import rounds as round_queries
from booking.services import work
from booking.services.rounds import lock_managed
from core import audit, clock, idempotency, outbox
from core.db import db, transaction
from core.errors import Conflict, Invalid, NotFound
from core.i18n import N_

KIND = "plan"
TIME_LIMITS = (10, 30, 60, 300, 600)
DEFAULT_TIME_LIMIT = 60
TICK_SECONDS = 0.5
"""How often a run writes down where it stands and asks whether it was cancelled."""
BEAT_SECONDS = 5.0

Beat = Callable[[], None]
Helpers = Callable[[UUID], ShareWork | None]
"""With whom the run of a plan shares its tasks."""


def propose(round_id: UUID, version: int, time_limit_seconds: int, actor: Actor, now: datetime, key: str) -> UUID:
    """Ask for a plan of the round as it stands; the same key asks once. Conflict outside of the allocation."""
    if time_limit_seconds not in TIME_LIMITS:
        raise Invalid(fields={"time_limit": N_("Please choose one of the limits.")})
    with transaction() as tx:
        made = idempotency.made_before(tx, actor.person_id, key, "propose") if actor.person_id else None
        if made is not None:
            return made
        round_, _facilities = lock_managed(tx, round_id, actor, version)
        if round_.state is not RoundState.ALLOCATION:
            raise Conflict(N_("Plans are made while the round is in allocation."), code="illegal_step")
        problem = planning.problem_of(tx.session, tx.one(round_queries.round_by_id(round_id)))
        plan = Plan(
            round_id=round_.id,
            number=tx.one(queries.last_number(round_.id)) + 1,
            round_version=round_.version,
            seed=round_.seed,
            time_limit_seconds=time_limit_seconds,
            problem=problem,
            problem_hash=planning.problem_hash(problem),
            created_by_id=actor.person_id,
            created_at=now,
        )
        tx.session.add(plan)
        audit.record(tx, actor.person_id, "propose", plan, now)
        outbox.add(tx, KIND, key=f"plan:{plan.id}", payload={"plan_id": str(plan.id)}, at=now)
        if actor.person_id:
            idempotency.remember(tx, actor.person_id, key, "propose", plan.id, now)
        return plan.id


def cancel(plan_id: UUID, actor: Actor, now: datetime) -> None:
    """Stop a run: at once when it waits, else the worker keeps its best plan so far. Doing it twice changes nothing."""
    with transaction() as tx:
        plan = tx.lock(queries.plan_to_lock(plan_id))
        facilities = set(tx.session.scalars(round_queries.facilities_of_round(plan.round_id)))
        policy.may_see_plans(actor, facilities).or_refuse()
        if plan.state is PlanState.QUEUED:
            plan.state = step(PLAN_STEPS, plan.state, "cancel", policy.role_at(actor, facilities))
            plan.finished_at = now
        elif plan.state is not PlanState.RUNNING or plan.cancel_requested:
            return
        plan.cancel_requested = True
        audit.record(tx, actor.person_id, "cancel", plan, now)


def nobody(_plan_id: UUID) -> ShareWork | None:
    """The run does everything itself."""
    return None


def run(payload: Mapping[str, Any], beat: Beat, helpers: Helpers = nobody) -> None:
    """Do one run from its row to its end; a run that has ended already is left alone.

    Who helps with its tasks is asked in the solver's thread, which has no context of the application.
    """
    plan_id = UUID(payload["plan_id"])
    begun = _begin(plan_id)
    if begun is None:
        return
    watch = _Watch(plan_id, beat)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="plan") as solver:
        future = solver.submit(
            planning.solve,
            begun.problem,
            begun.time_limit_seconds,
            begun.seed,
            watch.report,
            watch.is_cancelled,
            helpers(plan_id),
        )
        try:
            watch.until_done(future)
        except BaseException:
            watch.stop()  # the solver must not outlive its watcher
            raise
    _end(plan_id, future, watch)
    work.forget(plan_id)


def _begin(plan_id: UUID) -> Plan | None:
    """Take the run, also one that another worker has left; None when there is nothing to do any more."""
    with transaction() as tx:
        plan = tx.session.scalars(queries.plan_to_lock(plan_id).with_for_update()).one_or_none()
        if plan is None or not can_step(PLAN_STEPS, plan.state, "start"):
            return None
        now = clock.now()
        plan.state = step(PLAN_STEPS, plan.state, "start", Role.SYSTEM)
        plan.started_at = plan.heartbeat_at = now
        plan.progress = {}
    loaded = db.session.scalars(queries.plan_with_problem(plan_id).execution_options(populate_existing=True)).one()
    db.session.expunge(loaded)
    db.session.rollback()  # no transaction stays open while the solver works
    return loaded


class _Watch:
    """Between the solver's thread and the database: the latest report in one direction, the wish to stop in the other.

    Only the worker's own thread touches the database; the solver's callbacks touch nothing but this object.
    """

    def __init__(self, plan_id: UUID, beat: Beat) -> None:
        self._plan_id = plan_id
        self._beat = beat
        self._latest: ProgressReport | None = None
        self._stop = threading.Event()
        self._beaten = time.monotonic()

    def report(self, progress: ProgressReport) -> None:
        """Called by the solver, any number of times."""
        self._latest = progress

    def is_cancelled(self) -> bool:
        """Asked by the solver."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Make the solver end soon."""
        self._stop.set()

    def until_done(self, future: "Future[Solution]") -> None:
        """Wait for the solver; meanwhile say where it stands and listen for Cancel."""
        while True:
            try:
                future.exception(timeout=TICK_SECONDS)
            except NotYet:
                self._tick()
            else:
                return

    def _tick(self) -> None:
        latest = self._latest
        with transaction() as tx:
            plan = tx.lock(queries.plan_to_lock(self._plan_id))
            plan.heartbeat_at = clock.now()
            if latest is not None:
                plan.progress = latest.to_json()
            if plan.cancel_requested or plan.state is not PlanState.RUNNING:
                self.stop()
        if time.monotonic() - self._beaten >= BEAT_SECONDS:
            self._beaten = time.monotonic()
            self._beat()


def _end(plan_id: UUID, future: "Future[Solution]", watch: _Watch) -> None:
    """Store what came out, unless the run has ended otherwise in the meantime."""
    now = clock.now()
    error = future.exception()
    with transaction() as tx:
        plan = tx.lock(queries.plan_to_lock(plan_id))
        if plan.state is not PlanState.RUNNING:
            return
        verb = _verb(error, watch)
        plan.state = step(PLAN_STEPS, plan.state, verb, Role.SYSTEM)
        plan.finished_at = plan.heartbeat_at = now
        if error is not None:
            plan.error = str(error) or type(error).__name__
        else:
            _store(plan, future.result())
        audit.record(tx, None, verb, plan, now, detail={"problem": plan.problem_hash})
    if error is not None and not isinstance(error, NoPlan):
        raise error  # a bug: the run has failed for good, and the log shall know why


def _verb(error: BaseException | None, watch: _Watch) -> str:
    if watch.is_cancelled() or isinstance(error, Stopped):
        return "cancel"
    return "finish" if error is None else "fail"


def _store(plan: Plan, solution: Solution) -> None:
    plan.certificate = solution.certificate
    plan.blocks = [
        PlanBlock(
            request_id=block.request_id,
            part_id=block.part_id,
            instrument_id=block.instrument_id,
            unit=block.unit,
            starts_at=block.starts_at,
            ends_at=block.ends_at,
        )
        for block in solution.blocks
    ]


def problem_of(plan_id: UUID, actor: Actor) -> Document:
    """The problem of a plan as a document that anybody can check; for who may see the plan."""
    plan = db.session.scalars(queries.plan_with_problem(plan_id)).one_or_none()
    if plan is None:
        raise NotFound
    facilities = set(db.session.scalars(round_queries.facilities_of_round(plan.round_id)))
    policy.may_see_plans(actor, facilities).or_refuse()
    return plan.problem
