"""Tasks of a run on the workers: rows with answers, bells that only ring, and a run that needs nobody."""

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, update

from booking.models import Plan, PlanTask
from booking.planning import Hands, Offer, Share
from booking.services import plans, work
from core import clock
from core.db import db, transaction
from jobs.allocation import share_with_workers
from jobs.tasks import tidy
from scheduler import Problem, check, solve
from scheduler.large.remote import Shared
from scheduler.large.tasks import Answer, Task, answer_from_text, answer_to_text, perform
from tests.booking.rounds_world import NOW, a_world, no_beat
from tests.jobs.test_worker import a_worker, until
from tests.scheduler.wide import a_wide_problem, best_plan, grid_of, some_tasks
from tests.support import on_both_databases

DOCUMENT = a_wide_problem()
GRID = grid_of(DOCUMENT)
SHORT, LONG = 300, 15_000
TASKS = some_tasks(GRID, SHORT)
KEYS = tuple(task.key for task in TASKS)
TEXTS = {task.key: task.to_text() for task in TASKS}


@pytest.fixture(scope="module")
def hands() -> Iterator[Hands]:
    made = Hands(1)
    yield made
    made.close()


def a_run() -> UUID:
    """A plan whose problem is the wide one."""
    world = a_world(requests=1)
    plan_id = plans.propose(world.round_id, world.version, 10, world.acting, NOW, "")
    with transaction() as tx:
        tx.session.execute(update(Plan).where(Plan.id == plan_id).values(problem=DOCUMENT))
    return plan_id


def an_offer(**changes: object) -> Offer:
    """All tasks, the first one only for the run."""
    tasks = {key: TEXTS[key] for key in KEYS[1:]}
    return replace(Offer(KEYS, tasks, {}, want=1, insists=False), **changes)  # type: ignore[arg-type]


def rows(plan_id: UUID) -> dict[str, PlanTask]:
    db.session.rollback()
    return {row.key: row for row in db.session.scalars(select(PlanTask).where(PlanTask.plan_id == plan_id))}


def expected_of(tasks: Sequence[Task]) -> list[Answer]:
    return [perform(GRID, task) for task in tasks]


class Own:
    """The run's own hands; notes what they did."""

    def __init__(self) -> None:
        self.done: list[Task] = []

    def __call__(self, tasks: Sequence[Task]) -> list[Answer]:
        self.done.extend(tasks)
        return expected_of(tasks)


def run_with_workers(
    plan_id: UUID, tasks: Sequence[Task], own: Own, meanwhile: Callable[[], None] = lambda: None
) -> list[Answer]:
    """A round; once its tasks are offered, `meanwhile` happens before the run begins with its own."""
    share_work = share_with_workers(plan_id)

    def offer(offer: Offer) -> Share | None:
        share = share_work(offer)
        if offer.tasks:
            meanwhile()
        return share

    return Shared(offer, own, 1).run(tasks)


@on_both_databases
def test_offered_tasks_are_rows_asked_twice_or_not_and_the_run_has_its_own(context: Flask) -> None:
    plan_id = a_run()
    share, others = work.share(plan_id, an_offer(), NOW)
    assert (share.mine, dict(share.answers), others) == (KEYS[:1], {}, list(KEYS[1:]))
    again, others = work.share(plan_id, an_offer(), NOW)
    assert (again.mine, others) == (KEYS[:1], list(KEYS[1:]))
    assert set(rows(plan_id)) == set(KEYS)
    assert [key for key, row in rows(plan_id).items() if row.body is None] == [KEYS[0]]


@on_both_databases
def test_a_task_is_done_by_one_worker_and_has_one_answer(context: Flask, hands: Hands) -> None:
    plan_id = a_run()
    work.share(plan_id, an_offer(), NOW)
    assert work.perform(plan_id, KEYS[1], hands, NOW)
    assert not work.perform(plan_id, KEYS[1], hands, NOW)  # answered
    assert not work.perform(plan_id, KEYS[0], hands, NOW)  # the run's own
    assert not work.perform(plan_id, "0" * 64, hands, NOW)  # forgotten
    row = rows(plan_id)[KEYS[1]]
    assert row.body is None
    share, _ = work.share(plan_id, an_offer(tasks={}, finished={KEYS[1]: "[]"}), NOW)
    assert answer_from_text(share.answers[KEYS[1]]) == perform(GRID, TASKS[1])  # the first answer stays
    assert KEYS[1] not in share.mine


@on_both_databases
def test_what_a_silent_worker_has_taken_is_taken_again(context: Flask, hands: Hands) -> None:
    plan_id = a_run()
    _, others = work.share(plan_id, an_offer(want=2), NOW)
    assert others == list(KEYS[2:])
    assert not work.perform(plan_id, KEYS[1], hands, NOW + work.LEASE)  # the run itself is at it
    assert work.perform(plan_id, KEYS[1], hands, NOW + work.LEASE + timedelta(seconds=1))


def test_a_run_does_what_others_have_begun_only_when_it_insists(context: Flask) -> None:
    plan_id = a_run()
    work.share(plan_id, an_offer(), NOW)
    with transaction() as tx:
        tx.session.execute(update(PlanTask).values(taken_at=NOW))
    asks = partial(an_offer, awaits=KEYS[1:], tasks={})
    assert work.share(plan_id, asks(), NOW)[0].mine == ()
    assert work.share(plan_id, asks(insists=True), NOW)[0].mine == KEYS[3:]


def test_a_task_that_fails_is_free_again(context: Flask, hands: Hands) -> None:
    plan_id = a_run()
    work.share(plan_id, an_offer(), NOW)
    with transaction() as tx:
        tx.session.execute(update(Plan).values(problem={"schema": "none"}))
    strange = Hands(1)
    with pytest.raises(ValueError, match="grain_minutes"):
        work.perform(plan_id, KEYS[2], strange, NOW)
    strange.close()
    assert rows(plan_id)[KEYS[2]].taken_at is None


def test_rows_end_with_their_run_or_an_hour_later(context: Flask) -> None:
    plan_id = a_run()
    now = clock.now()
    work.share(plan_id, an_offer(), now - work.KEPT + timedelta(minutes=1))
    tidy()
    assert len(rows(plan_id)) == 4
    with clock.frozen_at(now + timedelta(minutes=2)):
        tidy()
    assert rows(plan_id) == {}
    work.share(plan_id, an_offer(), now)
    with transaction() as tx:
        tx.session.execute(update(Plan).values(problem={"schema": "none"}))  # so that the run ends at once
    plans.run({"plan_id": str(plan_id)}, no_beat, share_with_workers)
    assert rows(plan_id) == {}


def test_without_any_worker_the_run_does_everything_and_a_second_one_repeats_nothing(context: Flask) -> None:
    plan_id = a_run()
    own = Own()
    assert run_with_workers(plan_id, TASKS, own) == expected_of(TASKS)
    assert sorted(task.key for task in own.done) == sorted(KEYS)
    last = own.done[-1]  # a run tells of its last answer with its next question
    told = {last.key: answer_to_text(perform(GRID, last))}
    work.share(plan_id, an_offer(awaits=(), tasks={}, finished=told), NOW)
    heir = Own()
    assert run_with_workers(plan_id, TASKS, heir) == expected_of(TASKS)
    assert heir.done == []  # begun again after its worker died, it finds all answers


def test_without_a_database_the_run_goes_on_alone(context: Flask) -> None:
    no_plan = UUID(int=0)  # the database refuses its rows
    assert share_with_workers(no_plan)(an_offer()) is None


def test_the_plan_is_the_same_with_workers_or_without(context: Flask) -> None:
    plan_id = a_run()
    assert best_plan(DOCUMENT, share_work=share_with_workers(plan_id)) == best_plan(DOCUMENT)
    assert sum(row.answer is not None for row in rows(plan_id).values()) > 3


def test_a_run_in_a_thread_without_a_context_reaches_the_rows(context: Flask) -> None:
    plan_id = a_run()
    share_work = share_with_workers(plan_id)
    with ThreadPoolExecutor(1) as solver:
        future = solver.submit(
            solve,
            Problem.from_json(DOCUMENT),
            time_limit=30,
            share_work=share_work,
            cancelled=lambda: any(row.answer for row in rows_elsewhere(context, plan_id)),
        )
        assert check(DOCUMENT, future.result().to_json()) == []
    assert rows(plan_id)


def rows_elsewhere(app: Flask, plan_id: UUID) -> list[PlanTask]:
    with app.app_context():
        return list(rows(plan_id).values())


def test_a_worker_killed_in_mid_task_loses_nothing(installation: Flask, database_url: str, tmp_path: Path) -> None:
    plan_id = a_run()
    tasks = some_tasks(GRID, LONG)
    taken: list[str] = []
    worker = a_worker(database_url, tmp_path, "--only-allocation", "--no-beat")

    def is_at_it() -> bool:
        taken.extend(key for key, row in rows(plan_id).items() if is_begun(row))
        return bool(taken)

    def kill_in_mid_task() -> None:
        until(is_at_it, "the worker has begun a task")
        worker.kill()
        worker.wait()

    own = Own()
    try:
        assert run_with_workers(plan_id, tasks, own, kill_in_mid_task) == expected_of(tasks)
        assert set(taken) <= {task.key for task in own.done}  # the run has done what the dead worker was at
    finally:
        worker.kill()
        worker.wait()


def is_begun(row: PlanTask) -> bool:
    return row.taken_at is not None and row.answer is None


def test_a_living_worker_helps(installation: Flask, database_url: str, tmp_path: Path) -> None:
    plan_id = a_run()
    own = Own()
    worker = a_worker(database_url, tmp_path)

    def wait_for_help() -> None:
        until(lambda: any(row.answer for row in rows(plan_id).values()), "the worker has done a task")

    try:
        assert run_with_workers(plan_id, TASKS, own, wait_for_help) == expected_of(TASKS)
        assert len(own.done) < 4
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
