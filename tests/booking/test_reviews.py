"""Judging requests: who may, what a verdict needs, and how scores of any scale become 0–100."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from accounts.models import Membership
from accounts.policy import Role
from booking.lifecycle import RequestState, RoundState
from booking.models import Feasibility, RoundInstrument
from booking.services import reviews
from booking.services.reviews import Verdict
from core.db import transaction
from core.errors import Conflict, Forbidden, Invalid
from facilities.policy import BookingMode
from tests.booking.rounds_world import World, a_world
from tests.factories import (
    BEFORE,
    MONDAY,
    a_facility,
    a_manager,
    a_person,
    a_request,
    actor,
    an_instrument,
    stored,
)
from tests.support import browser

NOW = MONDAY - timedelta(days=40)
GOOD = Verdict(Feasibility.FEASIBLE, safety_is_cleared=True, score_given=75.0)


def an_open_world(**values: Any) -> World:
    return a_world(RoundState.OPEN, **values)


def test_a_reviewer_judges_and_the_owner_sees_that_it_happened(context: Flask) -> None:
    world = an_open_world()
    reviewer = world.reviewer()
    reviews.review(world.requests[0].id, GOOD, 1, reviewer, NOW)
    row = world.request(0)
    assert row.review is not None
    assert (row.review.score, row.review.score_given, row.review.reviewed_by_id) == (75.0, 75.0, reviewer.person_id)
    assert [(event.verb, event.note) for event in row.events] == [("review", reviews.REVIEWED)]
    assert (row.version, world.version) == (2, 2)


@pytest.mark.parametrize(
    ("given", "worst", "best", "score"),
    [(5.0, 5.0, 1.0, 0.0), (1.0, 5.0, 1.0, 100.0), (2.0, 5.0, 1.0, 75.0), (7.0, 0.0, 10.0, 70.0), (1, 0, 3, 33.3333)],
)
def test_any_linear_scale_is_mapped_to_0_to_100(given: float, worst: float, best: float, score: float) -> None:
    assert reviews.mapped(given, worst, best) == score


def test_a_score_must_be_on_the_scale(context: Flask) -> None:
    world = an_open_world(scale_worst=5.0, scale_best=1.0)
    for given in (0.5, 5.5, float("nan")):
        verdict = Verdict(Feasibility.FEASIBLE, score_given=given)
        with pytest.raises(Invalid) as refusal:
            reviews.review(world.requests[0].id, verdict, 1, world.acting, NOW)
        assert "score_given" in refusal.value.fields


def test_who_is_not_feasible_is_told_why_and_gets_no_score(context: Flask) -> None:
    world = an_open_world()
    with pytest.raises(Invalid) as refusal:
        reviews.review(world.requests[0].id, Verdict(Feasibility.NOT_FEASIBLE, comment=" "), 1, world.acting, NOW)
    assert "comment" in refusal.value.fields
    verdict = Verdict(Feasibility.NOT_FEASIBLE, score_given=70.0, comment="No such energy.")
    reviews.review(world.requests[0].id, verdict, 1, world.acting, NOW)
    review = world.request(0).review
    assert review is not None
    assert (review.score, review.score_given, review.comment) == (None, None, "No such energy.")


def test_nobody_judges_an_own_request_or_one_of_their_organisation(context: Flask) -> None:
    world = an_open_world()
    with transaction():
        world.requests[0].person_id = world.manager.id
    with pytest.raises(Forbidden, match="their own request"):
        reviews.review(world.requests[0].id, GOOD, 1, world.acting, NOW)
    colleague = a_manager(world.facility)
    organisation_id = world.organisations[1].id
    stored(Membership(person_id=colleague.id, organisation_id=organisation_id, role=Role.MEMBER, since=BEFORE))
    with pytest.raises(Forbidden, match="their own organisation"):
        reviews.review(world.requests[1].id, GOOD, 1, actor(colleague), NOW)
    reviews.review(world.requests[0].id, GOOD, 1, actor(colleague), NOW)


def test_members_and_managers_of_other_facilities_judge_nothing(context: Flask) -> None:
    world = an_open_world()
    for person in (world.members[1], a_manager(a_facility()), a_person()):
        with pytest.raises(Forbidden):
            reviews.review(world.requests[0].id, GOOD, 1, actor(person), NOW)


@pytest.mark.parametrize("state", [RoundState.ALLOCATION, RoundState.PUBLISHED, RoundState.CLOSED])
def test_reviews_are_over_once_the_allocation_has_begun(context: Flask, state: RoundState) -> None:
    world = a_world(state)
    with pytest.raises(Conflict, match="over"):
        reviews.review(world.requests[0].id, GOOD, 1, world.acting, NOW)


def test_of_two_reviewers_with_the_same_page_the_second_is_told(context: Flask) -> None:
    world = an_open_world()
    reviews.review(world.requests[0].id, GOOD, 1, world.acting, NOW)
    with pytest.raises(Conflict):
        reviews.review(world.requests[0].id, GOOD, 1, world.reviewer(), NOW)


def test_a_withdrawn_request_is_not_judged(context: Flask) -> None:
    world = an_open_world()
    with transaction():
        world.requests[0].state = RequestState.WITHDRAWN
    with pytest.raises(Conflict):
        reviews.review(world.requests[0].id, GOOD, 1, world.acting, NOW)


def test_in_a_round_of_two_facilities_each_judges_and_sees_what_is_asked_of_it(context: Flask) -> None:
    world = an_open_world()
    elsewhere = a_facility()
    beam = an_instrument(elsewhere, booking_mode=BookingMode.ROUND)
    stored(RoundInstrument(round_id=world.round_id, instrument_id=beam.id, position=1))
    theirs = a_manager(elsewhere, Role.REVIEWER)
    asked = a_request(world.round, world.members[0], world.organisations[0].id, beam, title="Asked elsewhere")
    with pytest.raises(Forbidden):
        reviews.review(world.requests[0].id, GOOD, 1, actor(theirs), NOW)
    reviews.review(asked.id, GOOD, 1, actor(theirs), NOW)
    slug, here = world.round.slug, world.requests[0]
    inbox = browser(context, theirs.id).get(f"/rounds/{slug}/requests").text
    assert "Asked elsewhere" in inbox
    assert here.title not in inbox
    assert browser(context, theirs.id).get(f"/rounds/{slug}/requests/{here.id}/review").status_code == 404
