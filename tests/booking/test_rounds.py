"""The life of a round: who may take which step, and what is refused on the way."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from accounts.policy import SYSTEM, VISITOR, Actor, Role
from booking.lifecycle import RequestState, RoundState
from booking.models import Fairness, Feasibility, Round
from booking.policy import rounds as policy
from booking.queries import rounds as queries
from booking.services import rounds
from booking.services.rounds import EntitlementContent, HoldContent, RoundContent
from core.audit import AuditEntry
from core.db import db, transaction
from core.errors import Conflict, Forbidden, Invalid, NotFound
from facilities.models import Instrument
from facilities.policy import BookingMode
from tests.booking.rounds_world import NOW, Verb, a_world
from tests.factories import (
    MONDAY,
    a_facility,
    a_manager,
    a_member,
    a_person,
    a_request,
    actor,
    an_instrument,
    an_organisation,
)

EARLY = MONDAY - timedelta(days=40)  # the call is open, the deadline ahead


def a_content(*instruments: Instrument, **values: Any) -> RoundContent:
    return RoundContent(
        **{
            "title_it": "Bando",
            "title_en": "A round of beams",
            "opens_at": MONDAY - timedelta(days=60),
            "deadline_at": MONDAY - timedelta(days=14),
            "horizon_start": MONDAY,
            "horizon_end": MONDAY + timedelta(weeks=4),
            "instrument_ids": tuple(row.id for row in instruments),
            **values,
        }
    )


def a_beam() -> Instrument:
    return an_instrument(booking_mode=BookingMode.ROUND)


def the_manager_of(beam: Instrument) -> Actor:
    return actor(a_manager(beam.facility))


def the_round(round_id: Any) -> Round:
    db.session.rollback()
    return db.session.scalars(queries.round_by_id(round_id)).one()


def test_a_manager_makes_a_draft_with_all_that_the_form_says(context: Flask) -> None:
    beam, organisation = a_beam(), an_organisation()
    content = a_content(
        beam,
        fairness=Fairness.MERIT,
        scale_worst=5.0,
        scale_best=1.0,
        entitlements=(EntitlementContent(organisation.id, 2.5, 12.0),),
        holds=(HoldContent(MONDAY, MONDAY + timedelta(hours=8), "buffer", beam.id),),
    )
    made = the_round(rounds.create(content, the_manager_of(beam), EARLY, "key"))
    assert (made.slug, made.state, made.fairness) == ("a-round-of-beams", RoundState.DRAFT, Fairness.MERIT)
    assert [(row.organisation_id, row.weight, row.past_use_hours) for row in made.entitlements] == [
        (organisation.id, 2.5, 12.0)
    ]
    assert [(row.note, row.instrument_id) for row in made.holds] == [("buffer", beam.id)]
    assert db.session.query(AuditEntry).filter_by(verb="create", subject_id=made.id).count() == 1


def test_the_same_key_makes_one_round_and_the_same_title_another_slug(context: Flask) -> None:
    beam = a_beam()
    manager = the_manager_of(beam)
    first = rounds.create(a_content(beam), manager, EARLY, "key")
    assert rounds.create(a_content(beam), manager, EARLY, "key") == first
    second = rounds.create(a_content(beam), manager, EARLY, "other key")
    assert the_round(second).slug == "a-round-of-beams-2"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("title_it", {"title_it": " "}),
        ("title_en", {"title_en": ""}),
        ("instruments", {"instrument_ids": ()}),
        ("fairness", {"fairness": Fairness.QUOTA}),
        ("deadline_at", {"deadline_at": MONDAY - timedelta(days=61)}),
        ("horizon_start", {"deadline_at": MONDAY + timedelta(days=1)}),
        ("horizon_end", {"horizon_end": MONDAY}),
        ("holds", {"holds": (HoldContent(MONDAY, MONDAY),)}),
        ("scale_best", {"scale_worst": 3.0, "scale_best": 3.0}),
        ("value_slack", {"value_slack": 1.5}),
        ("value_slack", {"value_slack": float("nan")}),
        ("grain_minutes", {"grain_minutes": 7}),
    ],
)
def test_what_makes_no_sense_is_named_beside_its_field(context: Flask, field: str, values: dict[str, Any]) -> None:
    beam = a_beam()
    with pytest.raises(Invalid) as refusal:
        rounds.create(a_content(beam, **values), the_manager_of(beam), EARLY, "")
    assert field in refusal.value.fields


def test_an_entitlement_without_weight_and_a_hold_of_a_stranger_are_refused(context: Flask) -> None:
    beam, organisation = a_beam(), an_organisation()
    content = a_content(
        beam,
        entitlements=(EntitlementContent(organisation.id, 0.0),),
        holds=(HoldContent(MONDAY, MONDAY + timedelta(hours=1), "", organisation.id),),
    )
    with pytest.raises(Invalid) as refusal:
        rounds.create(content, the_manager_of(beam), EARLY, "")
    assert set(refusal.value.fields) == {"entitlements", "holds"}


def test_only_instruments_given_by_rounds_can_be_offered(context: Flask) -> None:
    instant = an_instrument(booking_mode=BookingMode.INSTANT)
    with pytest.raises(Invalid, match="marked"):
        rounds.create(a_content(instant), the_manager_of(instant), EARLY, "")


def test_a_round_over_two_facilities_needs_who_manages_both(context: Flask) -> None:
    one, other = a_beam(), a_beam()
    with pytest.raises(Forbidden):
        rounds.create(a_content(one, other), the_manager_of(one), EARLY, "")
    made = the_round(rounds.create(a_content(one, other), actor(a_person(is_office=True)), EARLY, ""))
    assert len(made.instruments) == 2


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.MEMBER, None])
def test_nobody_else_opens_rounds(context: Flask, role: Role | None) -> None:
    beam = a_beam()
    person = a_manager(beam.facility, Role.REVIEWER) if role is Role.REVIEWER else a_member() if role else a_person()
    with pytest.raises(Forbidden):
        rounds.create(a_content(beam), actor(person), EARLY, "")


STEPS: list[tuple[RoundState, Verb, RoundState]] = [
    (RoundState.DRAFT, rounds.open_call, RoundState.OPEN),
    (RoundState.OPEN, rounds.close_submissions, RoundState.REVIEW),
    (RoundState.REVIEW, rounds.reopen, RoundState.OPEN),
    (RoundState.REVIEW, rounds.start_allocation, RoundState.ALLOCATION),
    (RoundState.ALLOCATION, rounds.back_to_review, RoundState.REVIEW),
    (RoundState.PUBLISHED, rounds.close, RoundState.CLOSED),
]


@pytest.mark.parametrize(("before", "verb", "after"), STEPS)
def test_a_manager_takes_every_legal_step_and_the_version_rises(
    context: Flask, before: RoundState, verb: Verb, after: RoundState
) -> None:
    world = a_world(before)
    verb(world.round_id, 1, world.acting, EARLY)
    assert (world.round.state, world.version) == (after, 2)


@pytest.mark.parametrize(("before", "verb", "after"), STEPS)
def test_no_step_is_taken_from_another_state_or_on_an_old_version(
    context: Flask, before: RoundState, verb: Verb, after: RoundState
) -> None:
    world = a_world(before)
    with pytest.raises(Conflict, match="in the meantime"):
        verb(world.round_id, 7, world.acting, EARLY)
    wrong = a_world(RoundState.CLOSED)
    with pytest.raises(Conflict, match="no longer possible"):
        verb(wrong.round_id, 1, wrong.acting, EARLY)
    assert world.round.state is before
    assert world.version == 1


@pytest.mark.parametrize(("before", "verb", "after"), STEPS)
def test_who_does_not_manage_the_round_takes_no_step(
    context: Flask, before: RoundState, verb: Verb, after: RoundState
) -> None:
    world = a_world(before)
    others = [world.reviewer(), actor(world.members[0]), actor(a_manager(a_facility())), VISITOR]
    for other in others:
        with pytest.raises(NotFound if before is RoundState.DRAFT else Forbidden):
            verb(world.round_id, 1, other, EARLY)
    assert world.round.state is before


@pytest.mark.parametrize(("state", "verb"), [(RoundState.DRAFT, rounds.open_call), (RoundState.REVIEW, rounds.reopen)])
def test_a_call_does_not_open_after_its_deadline(context: Flask, state: RoundState, verb: Verb) -> None:
    world = a_world(state)
    with pytest.raises(Conflict, match="deadline"):
        verb(world.round_id, 1, world.acting, NOW)


def test_the_allocation_does_not_start_while_reviews_are_missing_and_says_which(context: Flask) -> None:
    world = a_world(RoundState.REVIEW, requests=5)
    verdicts: list[dict[str, Any]] = [
        {"feasibility": None},
        {"score": None},
        {"safety_is_cleared": False},
        {"feasibility": Feasibility.NOT_FEASIBLE, "score": None, "safety_is_cleared": False},
    ]
    with transaction() as tx:
        for asked, values in zip(world.requests, verdicts, strict=False):
            review = tx.one(queries.request_with_content(asked.id)).review
            for name, value in values.items():
                setattr(review, name, value)
    organisation = world.organisations[0]
    a_request(world.round, world.members[0], organisation.id, world.beam, number=6)
    a_request(world.round, world.members[0], organisation.id, world.beam, number=7, state=RequestState.WITHDRAWN)
    with pytest.raises(Conflict) as refusal:
        rounds.start_allocation(world.round_id, 1, world.acting, NOW)
    assert refusal.value.code == "reviews_missing"
    named = str(refusal.value.values["requests"])
    assert [part.split(" ")[0] for part in named.split(", ")] == ["1", "2", "3", "6"]


def test_an_open_round_keeps_what_requests_rely_on(context: Flask) -> None:
    world = a_world(RoundState.OPEN, scale_best=100.0)
    row = world.round
    kept = a_content(
        world.beam,
        opens_at=row.opens_at,
        deadline_at=row.deadline_at,
        horizon_start=row.horizon_start,
        horizon_end=row.horizon_end,
        entitlements=tuple(EntitlementContent(o.id, 2.0) for o in world.organisations),
    )
    moved = {
        "horizon_end": replace(kept, horizon_end=MONDAY + timedelta(weeks=5)),
        "grain_minutes": replace(kept, grain_minutes=60),
        "scale_worst": replace(kept, scale_worst=5.0),
    }
    for name, content in moved.items():
        with pytest.raises(Invalid) as refusal:
            rounds.edit(world.round_id, content, 1, world.acting, EARLY)
        assert name in refusal.value.fields
    other = an_instrument(world.facility, booking_mode=BookingMode.ROUND)
    with pytest.raises(Invalid) as refusal:
        rounds.edit(world.round_id, replace(kept, instrument_ids=(other.id,)), 1, world.acting, EARLY)
    assert "instruments" in refusal.value.fields
    rounds.edit(world.round_id, replace(kept, instrument_ids=(other.id, world.beam.id)), 1, world.acting, EARLY)
    assert [entry.instrument_id for entry in world.round.instruments] == [other.id, world.beam.id]
    assert {entry.weight for entry in world.round.entitlements} == {2.0}
    with pytest.raises(Conflict):
        rounds.edit(world.round_id, kept, 1, world.acting, EARLY)  # an old version


def test_nothing_is_edited_once_the_allocation_has_begun(context: Flask) -> None:
    world = a_world(RoundState.ALLOCATION)
    with pytest.raises(Conflict, match="allocation"):
        rounds.edit(world.round_id, a_content(world.beam), 1, world.acting, EARLY)


def test_the_table_of_rights(context: Flask) -> None:
    world = a_world(RoundState.DRAFT)
    facilities = {world.facility.id}
    manager, reviewer, member = world.acting, world.reviewer(), actor(world.members[0])
    office, stranger = actor(a_person(is_office=True)), actor(a_manager(a_facility()))
    everybody = (VISITOR, member, reviewer, stranger, manager, office, SYSTEM)

    def answers(rule: Any) -> list[bool]:
        return [bool(rule(who)) for who in everybody]

    assert answers(policy.may_open_rounds) == [False, False, False, True, True, True, True]
    assert answers(lambda who: policy.may_manage_round(who, facilities)) == [False] * 4 + [True] * 3
    assert answers(lambda who: policy.may_read_round(who, facilities, is_draft=True)) == [False] * 4 + [True] * 3
    assert answers(lambda who: policy.may_read_round(who, facilities, is_draft=False)) == [True] * 7
    assert answers(lambda who: policy.may_see_inbox(who, facilities)) == [False, False, True, False, True, True, True]
    assert answers(lambda who: policy.may_see_plans(who, facilities)) == [False] * 4 + [True] * 3
    assert policy.role_at(manager, set()) is Role.VISITOR  # a round of no facility is nobody's
