"""The demo from an empty database to published bookings, through the services and with the real solver."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from accounts import queries as accounts
from accounts.models import Organisation, Person
from accounts.policy import Actor, Role
from booking import commands, demo, planning, results
from booking.demo_requests import GREEDY_BY_HAND, demo_requests, rows
from booking.lifecycle import PlanState, RequestState, RoundState
from booking.models import Booking, BookingKind, Plan, Request, Round
from booking.queries import plans as plan_queries
from booking.queries import rounds as queries
from booking.services import plans, publication, rounds
from core.db import db
from core.outbox import OutboxMessage

NOW = datetime(2026, 11, 18, 10, tzinfo=UTC)
LONG_ENOUGH = 300  # a limit, not a duration: the proof takes about ten seconds of one core
WINDOWS_OF_TIME = [NOW, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 8, 30, 23, 59, tzinfo=UTC)]


def load() -> Round:
    demo.load(lambda _step: None, NOW)
    return the_round()


def the_round() -> Round:
    db.session.rollback()
    return db.session.scalars(queries.round_by_slug(demo.ROUND)).one()


def as_person(email: str) -> Actor:
    return accounts.actor_of(db.session(), db.session.scalars(accounts.person_by_email(email)).one().id)


def counts() -> dict[str, int]:
    return {kind.__name__: db.session.query(kind).count() for kind in (Person, Organisation, Request, Booking, Round)}


@pytest.mark.parametrize("now", WINDOWS_OF_TIME)
def test_the_story_has_its_deadline_ahead_and_its_time_from_a_monday(now: datetime) -> None:
    calendar = demo.Calendar(now)
    assert calendar.monday.weekday() == 0
    assert timedelta(weeks=6) <= calendar.horizon.start + timedelta(days=1) - now <= timedelta(weeks=7, days=2)
    assert now + timedelta(days=13) < calendar.deadline < calendar.horizon.start
    assert calendar.horizon.start.astimezone(ZoneInfo("Europe/Rome")).hour == 0


def test_the_demo_is_loaded_once_however_often_it_is_asked_for(context: Flask) -> None:
    assert not demo.is_complete()
    round_ = load()
    assert demo.is_complete()
    before, version = counts(), round_.version
    again = load()
    assert (counts(), again.version) == (before, version)


def test_the_demo_is_what_its_file_says(context: Flask) -> None:
    round_ = load()
    sent = db.session.scalars(queries.requests_sent(round_.id)).all()
    assert (round_.state, round_.demo, len(sent)) == (RoundState.OPEN, True, 24)
    by_code = {row.acronym: row for row in sent}
    for row in rows():
        request = by_code[row["id"]]
        assert sum(part.amount_minutes for part in request.parts) == row["hours"] * 60
        assert request.organisation.type is not None
        assert request.organisation.type.value == row["organisation_type"]
        assert request.review is not None
        assert (request.review.score, request.demo) == (row["panel_score_0_100"], True)
    offered = planning.offered_minutes(db.session(), round_, planning.grid_of(round_))
    assert offered == (32 * 8 + 21 * 4) * 60
    assert not rounds.reviews_missing(sent)


def test_everybody_has_their_role_and_can_be_printed(context: Flask) -> None:
    load()
    assert as_person("olga.office@example.org").is_office
    facility = demo._facility(demo.FACILITY).id
    assert as_person("marco.manager@example.org").posts == {facility: Role.MANAGER}
    assert as_person("rita.reviewer@example.org").posts == {facility: Role.REVIEWER}
    assert set(as_person("davide.delegate@example.org").memberships.values()) == {Role.DELEGATE}
    lines = commands.account_lines()
    assert len(lines) == 1 + len(demo.PEOPLE)
    assert demo.PASSWORD in lines[0]


def test_there_are_bookings_and_a_closure_marked_as_demo(context: Flask) -> None:
    load()
    found = Counter(row.kind for row in db.session.query(Booking))
    assert found[BookingKind.INSTANT] == 8
    assert sum(1 for row in db.session.query(Booking) if row.series_id) == 3
    assert found[BookingKind.MAINTENANCE] >= 1
    assert all(row.title.startswith("Demo") for row in db.session.query(Booking))


def test_the_demo_round_is_solved_published_and_told(context: Flask) -> None:
    """The promise of the product on its own example: proven, more hours than by hand, every type served."""
    round_, manager = load(), as_person("marco.manager@example.org")
    rounds.close_submissions(round_.id, round_.version, manager, NOW)
    rounds.start_allocation(round_.id, the_round().version, manager, NOW)
    plan_id = plans.propose(round_.id, the_round().version, LONG_ENOUGH, manager, NOW, "")
    plans.run({"plan_id": str(plan_id)}, lambda: None)
    plan = db.session.scalars(plan_queries.plan_with_blocks(plan_id)).one()
    _check_figures(plan)
    publication.publish(plan_id, the_round().version, manager, NOW)
    _check_publication(plan)


def _check_figures(plan: Plan) -> None:
    assert plan.state is PlanState.DONE
    sent = db.session.scalars(queries.requests_sent(plan.round_id)).all()
    result = results.result_of(plan, the_round(), sent)
    assert result is not None
    assert [level.name for level in result.levels if not level.proven] == []
    assert result.ours.hours > sum(GREEDY_BY_HAND.values()) == 292
    assert sum((block.ends_at - block.starts_at) / timedelta(hours=1) for block in plan.blocks) == result.ours.hours
    assert {kind.value for kind, hours in result.ours.of_type.items() if kind and hours > 0} == set(GREEDY_BY_HAND)
    assert {outcome.name for outcome in result.outcomes} == {results.OURS, *results.BASELINES}
    assert {share.asked for share in result.shares} == {192.0, 116.0, 56.0, 40.0}


def _check_publication(plan: Plan) -> None:
    db.session.rollback()
    assert db.session.query(Booking).filter_by(kind=BookingKind.ROUND).count() == len(plan.blocks)
    sent = db.session.scalars(queries.requests_sent(plan.round_id)).all()
    states = Counter(row.state for row in sent)
    assert RequestState.SUBMITTED not in states
    served = {block.request_id for block in plan.blocks}
    assert states[RequestState.ALLOCATED] + states[RequestState.PARTLY_ALLOCATED] == len(served)
    ranks = sorted(row.reserve_rank for row in sent if row.reserve_rank)
    assert ranks == list(range(1, states[RequestState.RESERVE] + 1))
    told = db.session.query(OutboxMessage).filter(OutboxMessage.key.startswith("round_published:")).all()
    assert len({row.payload["to"] for row in told}) == len(told) == 5


def test_the_contents_are_the_same_each_time(context: Flask) -> None:
    beam = demo._beam(load())
    assert demo_requests(beam) == demo_requests(beam)
