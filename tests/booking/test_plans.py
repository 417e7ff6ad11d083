"""Runs of the solver: asked for, done, followed, cancelled, taken over from a worker that died."""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from booking import planning
from booking.lifecycle import PlanState, RoundState
from booking.models import Plan
from booking.queries import plans as queries
from booking.services import plans
from core import clock, outbox
from core.db import db, transaction
from core.errors import Conflict, Forbidden, Invalid, NotFound
from jobs.tasks import perform_all_due
from tests.booking.rounds_world import NOW, World, a_world, no_beat
from tests.factories import a_facility, a_manager, a_person, actor


def proposed(world: World, key: str = "", seconds: int = 10) -> UUID:
    return plans.propose(world.round_id, world.version, seconds, world.acting, NOW, key)


def run(plan_id: UUID) -> None:
    plans.run({"plan_id": str(plan_id)}, no_beat)


def test_a_proposal_waits_with_its_problem_and_rings_once(context: Flask) -> None:
    world = a_world()
    first, again = proposed(world, "key"), proposed(world, "key")
    assert first == again
    row = world.plan(first)
    assert (row.number, row.state, row.round_version) == (1, PlanState.QUEUED, 1)
    assert row.problem_hash == planning.problem_hash(plans.problem_of(first, world.acting))
    assert [message.payload for message in db.session.query(outbox.OutboxMessage)] == [{"plan_id": str(first)}]
    assert world.plan(proposed(world, "other")).number == 2


def test_plans_are_asked_for_only_in_allocation_by_managers_within_the_limits(context: Flask) -> None:
    world = a_world(RoundState.REVIEW)
    with pytest.raises(Conflict, match="in allocation"):
        proposed(world)
    world = a_world()
    with pytest.raises(Invalid):
        proposed(world, seconds=11)
    for person in (world.members[0], a_manager(a_facility()), a_person()):
        with pytest.raises(Forbidden):
            plans.propose(world.round_id, 1, 10, actor(person), NOW, "")
    with pytest.raises(Forbidden):
        plans.propose(world.round_id, 1, 10, world.reviewer(), NOW, "")


def test_a_run_stores_verified_blocks_and_its_certificate(context: Flask) -> None:
    world = a_world()
    plan_id = proposed(world)
    run(plan_id)
    row = world.plan(plan_id)
    assert (row.state, row.error) == (PlanState.DONE, "")
    assert {block.request_id for block in row.blocks} == {request.id for request in world.requests}
    assert all(block.ends_at - block.starts_at == timedelta(hours=8) for block in row.blocks)
    assert row.certificate is not None
    assert row.certificate["proven"]
    assert row.certificate["problem"] == row.problem_hash
    assert row.finished_at is not None
    stored = row.certificate
    run(plan_id)  # a doubled message changes nothing
    assert world.plan(plan_id).certificate == stored


def test_the_task_engine_finds_the_run_by_its_outbox(context: Flask) -> None:
    world = a_world(requests=1)
    plan_id = proposed(world)
    with clock.frozen_at(NOW):
        assert perform_all_due() == 1
    assert world.plan(plan_id).state is PlanState.DONE


def test_a_run_that_a_dead_worker_left_is_begun_again(context: Flask) -> None:
    world = a_world(requests=1)
    plan_id = proposed(world)
    with transaction() as tx:
        left = tx.one(queries.plan_to_lock(plan_id))
        left.state, left.heartbeat_at, left.progress = PlanState.RUNNING, NOW, {"stage": "value"}
    run(plan_id)
    assert world.plan(plan_id).state is PlanState.DONE


def test_a_waiting_run_is_cancelled_at_once_and_never_starts(context: Flask) -> None:
    world = a_world(requests=1)
    plan_id = proposed(world)
    plans.cancel(plan_id, world.acting, NOW)
    plans.cancel(plan_id, world.acting, NOW)
    run(plan_id)
    row = world.plan(plan_id)
    assert (row.state, row.certificate, row.started_at) == (PlanState.CANCELLED, None, None)


def test_a_running_run_hears_of_cancel_and_says_where_it_stands(
    context: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = a_world(requests=1)
    plan_id = proposed(world)
    monkeypatch.setattr(plans, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(plans, "BEAT_SECONDS", 0.0)
    beats: list[PlanState] = []
    solve = planning.solve

    def solve_what_is_cancelled(*args: Any) -> planning.Solution:
        is_cancelled, end = args[4], time.monotonic() + 60
        while not is_cancelled():  # so small a problem may be solved before anybody could say a word
            assert time.monotonic() < end
            time.sleep(0.01)
        return solve(*args)

    def beat() -> None:
        beats.append(world.plan(plan_id).state)
        plans.cancel(plan_id, world.acting, NOW)

    monkeypatch.setattr(planning, "solve", solve_what_is_cancelled)
    plans.run({"plan_id": str(plan_id)}, beat)
    row = world.plan(plan_id)
    assert beats[0] is PlanState.RUNNING
    assert row.state is PlanState.CANCELLED
    assert row.cancel_requested
    assert row.finished_at is not None


def test_a_problem_without_a_plan_fails_with_its_reason(context: Flask) -> None:
    world = a_world(requests=1)
    plan_id = proposed(world)
    with transaction() as tx:
        row = tx.one(queries.plan_with_problem(plan_id))
        row.problem = {**row.problem, "grains": 0}
    run(plan_id)
    row = world.plan(plan_id)
    assert row.state is PlanState.FAILED
    assert "grains" in row.error


def test_a_fault_of_ours_ends_the_run_and_reaches_the_log(context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world(requests=1)
    plan_id = proposed(world)

    def broken(*_args: object) -> planning.Solution:
        raise ZeroDivisionError

    monkeypatch.setattr(planning, "solve", broken)
    with pytest.raises(ZeroDivisionError):
        run(plan_id)
    assert (world.plan(plan_id).state, world.plan(plan_id).error) == (PlanState.FAILED, "ZeroDivisionError")


def test_only_managers_cancel_a_run_or_read_its_problem(context: Flask) -> None:
    world = a_world(requests=1)
    plan_id = proposed(world)
    for stranger in (actor(world.members[0]), world.reviewer(), actor(a_manager(a_facility()))):
        with pytest.raises(NotFound):
            plans.cancel(plan_id, stranger, NOW)
        with pytest.raises(NotFound):
            plans.problem_of(plan_id, stranger)
    assert world.plan(plan_id).state is PlanState.QUEUED


def test_a_plan_that_was_never_asked_for_is_no_work(context: Flask) -> None:
    run(UUID(int=0))
    assert db.session.query(Plan).count() == 0
