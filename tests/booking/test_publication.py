"""Publication: all bookings, states, reserve ranks and mails in one transaction, or nothing."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from accounts.models import Post
from accounts.policy import Role
from booking import planning
from booking.lifecycle import BookingState, PlanState, RequestState, RoundState
from booking.models import Booking, BookingKind, Feasibility, RequestEvent
from booking.queries import rounds as queries
from booking.services import publication, requests, rounds
from core.audit import AuditEntry
from core.db import db, transaction
from core.errors import Conflict, Forbidden
from core.mail import render
from core.outbox import OutboxMessage
from tests.booking.rounds_world import HOUR, NOW, World, a_certificate, a_plan, a_world
from tests.factories import BEFORE, MONDAY, a_booking, a_manager, actor, stored
from tests.support import on_both_databases


def publish(world: World, plan_id: UUID) -> None:
    publication.publish(plan_id, world.version, world.acting, NOW)


def mails() -> list[dict[str, Any]]:
    return [row.payload for row in db.session.query(OutboxMessage).filter_by(kind="mail").order_by(OutboxMessage.key)]


def nothing_has_changed(world: World, plan_id: UUID) -> bool:
    db.session.rollback()
    allocated = db.session.query(Booking).filter_by(kind=BookingKind.ROUND).count()
    states = {world.request(place).state for place in range(len(world.requests))}
    return (
        world.round.state is RoundState.ALLOCATION
        and world.plan(plan_id).state is not PlanState.PUBLISHED
        and allocated == 0
        and states <= {RequestState.SUBMITTED, RequestState.WITHDRAWN}
        and not mails()
        and db.session.query(RequestEvent).filter(RequestEvent.verb != "withdraw").count() == 0
    )


@on_both_databases
def test_a_plan_becomes_bookings_states_and_one_mail_a_person(context: Flask) -> None:
    world = a_world()
    plan_id = a_plan(world, 0, 1).id
    publish(world, plan_id)
    assert (world.round.state, world.round.published_at, world.version) == (RoundState.PUBLISHED, NOW, 2)
    assert world.plan(plan_id).state is PlanState.PUBLISHED
    states = [world.request(place).state for place in range(3)]
    assert states == [RequestState.ALLOCATED, RequestState.ALLOCATED, RequestState.RESERVE]
    bookings = db.session.query(Booking).order_by(Booking.starts_at).all()
    assert [(row.request_id, row.starts_at, row.state, row.plan_id) for row in bookings] == [
        (world.requests[0].id, MONDAY, BookingState.CONFIRMED, plan_id),
        (world.requests[1].id, MONDAY + 8 * HOUR, BookingState.CONFIRMED, plan_id),
    ]
    assert [row.title for row in bookings] == [world.requests[0].title, world.requests[1].title]
    told = mails()
    assert sorted(mail["to"] for mail in told) == sorted(person.email for person in world.members)
    assert sorted(len(mail["values"]["requests"]) for mail in told) == [1, 2]
    assert db.session.query(AuditEntry).filter_by(verb="publish").count() == 1


@pytest.mark.parametrize("language", ["it", "en"])
def test_the_mail_names_round_requests_times_and_reason(context: Flask, language: str) -> None:
    world = a_world()
    publish(world, a_plan(world, 0, 1).id)
    both = next(mail for mail in mails() if len(mail["values"]["requests"]) == 2)
    subject, text = render("round_published", language, both["values"])
    assert world.round.title_it in subject
    assert "01:00–09:00" in text
    assert {"it": "lista di riserva al posto 1", "en": "reserve list, place 1"}[language] in text
    assert str(world.requests[2].id) in text


def test_each_owner_reads_a_reason_in_the_requests_life(context: Flask) -> None:
    world = a_world(requests=4)
    certificate = a_certificate(world, r1="lengths", r2="traded_for_fairness", r3="no_window")
    publish(world, a_plan(world, 0, 1, certificate=certificate).id)
    rows = [world.request(place) for place in range(4)]
    assert [row.state for row in rows] == [
        RequestState.ALLOCATED,
        RequestState.PARTLY_ALLOCATED,
        RequestState.RESERVE,
        RequestState.REFUSED,
    ]
    notes = [row.events[-1].note for row in rows]
    assert notes[0] == publication.GRANTED
    assert [
        words in note for words, note in zip(("lengths", "fair share", "No open time"), notes[1:], strict=True)
    ] == [True] * 3


def test_what_is_not_feasible_is_refused_with_the_reviewers_words(context: Flask) -> None:
    world = a_world()
    with transaction() as tx:
        review = tx.one(queries.request_with_content(world.requests[2].id)).review
        assert review is not None
        review.feasibility, review.score, review.comment = Feasibility.NOT_FEASIBLE, None, "No such energy."
    publish(world, a_plan(world, 0, 1, certificate=a_certificate(world)).id)
    row = world.request(2)
    assert (row.state, row.events[-1].note, row.reserve_rank) == (RequestState.REFUSED, "No such energy.", None)


def test_the_reserve_serves_the_least_satisfied_organisation_first_then_the_better_score(context: Flask) -> None:
    world = a_world(requests=4)
    waiting = {f"r{place}": "bottleneck" for place in range(4)}
    publish(world, a_plan(world, certificate=a_certificate(world, (0.9, 0.2), **waiting)).id)
    assert [world.request(place).reserve_rank for place in range(4)] == [3, 1, 4, 2]


@on_both_databases
def test_of_two_managers_who_publish_at_once_one_wins(context: Flask) -> None:
    world = a_world()
    plan_id, version = a_plan(world, 0, 1).id, world.version
    managers = [world.acting, actor(a_manager(world.facility))]
    together = Barrier(len(managers))

    def go(who: Any) -> str:
        with context.app_context():
            together.wait()
            try:
                publication.publish(plan_id, version, who, NOW)
            except Conflict as refusal:
                return refusal.code
            finally:
                db.session.remove()
            return "published"

    db.session.rollback()
    with ThreadPoolExecutor(len(managers)) as pool:
        assert sorted(pool.map(go, managers)) == ["published", "stale"]
    db.session.rollback()
    assert db.session.query(Booking).count() == 2
    assert len(mails()) == 2


@on_both_databases
def test_one_taken_slot_undoes_everything(context: Flask) -> None:
    world = a_world()
    plan_id = a_plan(world, 0, 1).id
    a_booking(world.beam, starts_at=MONDAY + 10 * HOUR)  # in the way of the second block only
    with pytest.raises(Conflict) as refusal:
        publish(world, plan_id)
    assert refusal.value.code == "taken"
    assert nothing_has_changed(world, plan_id)


def test_a_plan_older_than_a_change_is_not_published(context: Flask) -> None:
    world = a_world()
    plan_id = a_plan(world, 0, 1).id
    rounds.back_to_review(world.round_id, 1, world.acting, NOW)
    rounds.start_allocation(world.round_id, 2, world.acting, NOW)
    with pytest.raises(Conflict) as refusal:
        publish(world, plan_id)
    assert refusal.value.code == "stale_plan"
    assert nothing_has_changed(world, plan_id)


def test_a_plan_with_a_withdrawn_request_is_not_published(context: Flask) -> None:
    world = a_world()
    plan_id = a_plan(world, 0, 1).id
    requests.withdraw(world.requests[0].id, actor(world.members[0]), NOW, "No sample.")
    with transaction() as tx:
        tx.session.query(OutboxMessage).delete()
    with pytest.raises(Conflict) as refusal:
        publish(world, plan_id)
    assert refusal.value.code == "stale_plan"
    assert nothing_has_changed(world, plan_id)


@pytest.mark.parametrize("values", [{"certificate": None}, {"state": PlanState.FAILED}, {"state": PlanState.RUNNING}])
def test_a_plan_without_result_is_not_published(context: Flask, values: dict[str, Any]) -> None:
    world = a_world()
    plan_id = a_plan(world, 0, 1, **values).id
    with pytest.raises(Conflict):
        publish(world, plan_id)
    assert nothing_has_changed(world, plan_id)


def test_a_stopped_run_with_a_plan_may_be_published(context: Flask) -> None:
    world = a_world()
    plan_id = a_plan(world, 0, 1, state=PlanState.CANCELLED).id
    publish(world, plan_id)
    assert world.round.state is RoundState.PUBLISHED


def test_only_managers_publish_and_only_once(context: Flask) -> None:
    world = a_world()
    plan_id = a_plan(world, 0, 1).id
    for stranger in (actor(world.members[0]), world.reviewer()):
        with pytest.raises(Forbidden):
            publication.publish(plan_id, 1, stranger, NOW)
    publish(world, plan_id)
    with pytest.raises(Conflict):
        publish(world, plan_id)
    assert db.session.query(Booking).count() == 2


def test_what_was_on_offer_stays_what_it_was(context: Flask) -> None:
    world = a_world()
    before = planning.offered_minutes(db.session(), world.round, planning.grid_of(world.round))
    publish(world, a_plan(world, 0, 1).id)
    assert planning.offered_minutes(db.session(), world.round, planning.grid_of(world.round)) == before


def test_who_asked_in_the_round_leaves_publishing_to_a_second_person(context: Flask) -> None:
    world = a_world()
    plan = a_plan(world, 0, 1)
    stored(Post(person_id=world.members[0].id, facility_id=world.facility.id, role=Role.MANAGER, since=BEFORE))
    both = actor(world.members[0])
    with pytest.raises(Forbidden) as refusal:
        publication.publish(plan.id, world.version, both, NOW)
    assert refusal.value.code == "own_request"
    assert db.session.query(Booking).count() == 0
    publication.publish(plan.id, world.version, world.acting, NOW)
    assert world.round.state is RoundState.PUBLISHED
