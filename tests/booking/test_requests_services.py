"""The verbs of a request: what each does, and whom and when it refuses."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import Membership
from accounts.policy import Role
from booking.content import LagContent, Needs, RequestContent, WindowContent, WindowKind
from booking.lifecycle import BookingState, RequestState, RoundState
from booking.models import Booking, BookingKind, Entitlement, Request, RequestEvent, Round
from booking.queries import requests as queries
from booking.services import requests as services
from core.audit import AuditEntry
from core.db import db, transaction
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.mail import render
from core.outbox import OutboxMessage
from tests.booking.asking import HOUR, NOW, World, a_world, read
from tests.factories import MONDAY, a_booking, a_manager, a_member, a_round, actor, an_organisation, stored
from tests.support import on_both_databases

DEADLINE = MONDAY - timedelta(days=14)


def verbs_of(request: Request) -> list[str]:
    statement = select(AuditEntry.verb).where(AuditEntry.subject_id == request.id).order_by(AuditEntry.id)
    return list(db.session.scalars(statement))


def set_state(world: World, state: RoundState) -> None:
    with transaction() as tx:
        tx.one(select(Round).where(Round.id == world.round.id)).state = state


def set_request_state(request: Request, state: RequestState) -> None:
    with transaction() as tx:
        tx.one(select(Request).where(Request.id == request.id)).state = state


# begin


@on_both_databases
def test_a_member_begins_a_draft(context: Flask) -> None:
    world = a_world()
    request = read(world.begin())
    assert (request.state, request.version, request.number) == (RequestState.DRAFT, 1, None)
    assert request.organisation_id == world.organisation.id
    assert len(request.parts) == 1
    assert [(event.verb, event.at) for event in request.events] == [("begin", NOW)]
    assert verbs_of(request) == ["request.begin"]


@on_both_databases
def test_the_same_key_begins_one_draft(context: Flask) -> None:
    world = a_world()
    assert world.begin("key") == world.begin("key")
    assert world.begin("other") != world.begin("key")
    assert db.session.scalar(select(func.count()).select_from(Request)) == 2


def test_nobody_asks_in_the_name_of_others(context: Flask) -> None:
    world = a_world()
    stranger = actor(a_member())
    with pytest.raises(Forbidden):
        services.begin(world.round.id, world.organisation.id, stranger, NOW)


def test_an_organisation_without_entitlement_asks_for_nothing(context: Flask) -> None:
    world = a_world()
    poor = an_organisation()
    with pytest.raises(Forbidden, match="entitlement"):
        services.begin(world.round.id, poor.id, actor(a_member(poor)), NOW)


@pytest.mark.parametrize("state", [RoundState.REVIEW, RoundState.ALLOCATION, RoundState.PUBLISHED, RoundState.CLOSED])
def test_a_round_that_is_not_open_takes_nothing(context: Flask, state: RoundState) -> None:
    world = a_world(state=state)
    with pytest.raises(Conflict):
        world.begin()


def test_a_round_in_preparation_is_not_known_of(context: Flask) -> None:
    with pytest.raises(NotFound):
        a_world(state=RoundState.DRAFT).begin()


def test_nothing_begins_before_the_round_opens_nor_from_the_deadline_on(context: Flask) -> None:
    world = a_world(opens_at=NOW + timedelta(days=1))
    with pytest.raises(Conflict, match="no requests now"):
        world.begin()
    with pytest.raises(Conflict) as refusal:
        services.begin(world.round.id, world.organisation.id, world.actor, DEADLINE)
    assert refusal.value.code == "deadline_passed"


def test_a_late_member_reads_the_deadline_in_local_time(context: Flask) -> None:
    world = a_world()
    english = replace(world.actor, language="en")
    with pytest.raises(Conflict) as refusal:
        services.begin(world.round.id, world.organisation.id, english, DEADLINE + timedelta(seconds=1))
    assert refusal.value.values == {"deadline": "Mon 21 Dec 2026, 01:00"}


# save


@on_both_databases
def test_what_was_saved_is_read_back(context: Flask) -> None:
    world = a_world()
    window = WindowContent(MONDAY, MONDAY + timedelta(days=2), WindowKind.IMPOSSIBLE)
    second = world.part(
        name="second",
        instrument_ids=(world.carbon.id,),
        most_blocks=3,
        gap_least_minutes=0,
        gap_most_minutes=7 * 24 * HOUR,
        configuration="C",
        windows=(window,),
    )
    said = world.content(
        acronym="GLIO",
        background="b",
        method="m",
        impact="i",
        biosafety_level=2,
        safety="gloves",
        equipment="an incubator",
        grant_programme="Horizon",
        grant_number="1",
        is_confidential=True,
        is_shared=True,
        wants_partners=True,
        wants_grant_help=True,
        needs=Needs.ANY,
        parts=(world.part(), second),
        lags=(LagContent(0, 1, 60, 48 * HOUR),),
    )
    request_id = world.begin()
    assert services.save(request_id, said, 1, world.actor, NOW) == 2
    request = read(request_id)
    assert queries.content_of(request) == said
    assert verbs_of(request) == ["request.begin", "request.save"]


@on_both_databases
def test_saving_again_replaces_parts_windows_and_lags(context: Flask) -> None:
    world = a_world()
    lags = (LagContent(0, 1),)
    request_id = world.draft(parts=(world.part(name="a"), world.part(name="b")), lags=lags)
    swapped = world.content(parts=(world.part(name="b"), world.part(name="a"), world.part(name="c")), lags=lags)
    services.save(request_id, swapped, 2, world.actor, NOW)
    assert queries.content_of(read(request_id)) == swapped
    services.save(request_id, RequestContent(), 3, world.actor, NOW)
    assert queries.content_of(read(request_id)) == RequestContent()


def test_saving_the_same_leaves_no_trace(context: Flask) -> None:
    world = a_world()
    request_id = world.draft()
    assert services.save(request_id, world.content(), 2, world.actor, NOW + timedelta(hours=1)) == 2
    request = read(request_id)
    assert request.updated_at == NOW
    assert verbs_of(request) == ["request.begin", "request.save"]


@on_both_databases
def test_of_two_windows_the_slower_one_is_told(context: Flask) -> None:
    world = a_world()
    request_id = world.begin()
    services.save(request_id, world.content(title="first"), 1, world.actor, NOW)
    with pytest.raises(Conflict) as refusal:
        services.save(request_id, world.content(title="second"), 1, world.actor, NOW)
    assert refusal.value.code == "old_version"
    assert read(request_id).title == "first"


def test_a_draft_with_a_bad_shape_is_refused_and_nothing_changes(context: Flask) -> None:
    world = a_world()
    request_id = world.draft()
    with pytest.raises(Invalid) as refusal:
        services.save(request_id, world.content(title="x" * 300, team_size=0), 2, world.actor, NOW)
    assert set(refusal.value.fields) == {"title", "team_size"}
    assert queries.content_of(read(request_id)) == world.content()


def test_only_the_owner_saves(context: Flask) -> None:
    world = a_world()
    request_id = world.draft()
    colleague = actor(a_member(world.organisation))
    manager = actor(a_manager(world.facility))
    for other in (colleague, manager):
        with pytest.raises(NotFound):
            services.save(request_id, world.content(title="x"), 2, other, NOW)
    services.submit(request_id, world.actor, NOW)
    with pytest.raises(NotFound):
        services.save(request_id, world.content(title="x"), 3, colleague, NOW)
    with pytest.raises(Forbidden):
        services.save(request_id, world.content(title="x"), 3, manager, NOW)


def test_who_left_the_organisation_changes_nothing_in_its_name(context: Flask) -> None:
    world = a_world()
    request_id = world.draft()
    with transaction() as tx:
        tx.session.delete(tx.one(select(Membership).where(Membership.person_id == world.person.id)))
    with pytest.raises(Forbidden, match="no longer"):
        services.save(request_id, world.content(title="x"), 2, world.actor, NOW)
    with pytest.raises(Forbidden, match="no longer"):
        services.submit(request_id, world.actor, NOW)
    services.withdraw(request_id, world.actor, NOW)


def test_a_draft_rests_when_the_round_closes(context: Flask) -> None:
    world = a_world()
    request_id = world.draft()
    with pytest.raises(Conflict, match="deadline"):
        services.save(request_id, world.content(title="x"), 2, world.actor, DEADLINE)


def test_an_unknown_request_is_not_found(context: Flask) -> None:
    world = a_world()
    with pytest.raises(NotFound):
        services.save(uuid4(), world.content(), 1, world.actor, NOW)
    with pytest.raises(NotFound):
        services.withdraw(uuid4(), world.actor, NOW)


# submit


@on_both_databases
def test_a_sent_request_has_a_number_an_event_and_a_mail(context: Flask) -> None:
    world = a_world()
    first, second = read(world.sent()), read(world.sent())
    assert [first.number, second.number] == [1, 2]
    assert (first.state, first.submitted_at) == (RequestState.SUBMITTED, NOW)
    assert [event.verb for event in first.events] == ["begin", "submit"]
    assert verbs_of(first) == ["request.begin", "request.save", "request.submit"]
    [mail] = db.session.scalars(select(OutboxMessage).where(OutboxMessage.key == f"request_submitted:{first.id}")).all()
    assert mail.payload["to"] == world.person.email
    for language in ("it", "en"):
        subject, body = render(mail.payload["template"], language, mail.payload["values"])
        assert first.title in subject
        assert f"/requests/{first.id}" in body


def test_sending_makes_plans_of_the_round_old(context: Flask) -> None:
    world = a_world()
    world.sent()
    assert db.session.scalar(select(Round.version).where(Round.id == world.round.id)) == 2


def test_an_incomplete_draft_is_not_sent(context: Flask) -> None:
    world = a_world()
    request_id = world.draft(title="", parts=(world.part(amount_minutes=0, least_minutes=0),))
    with pytest.raises(Invalid) as refusal:
        services.submit(request_id, world.actor, NOW)
    assert set(refusal.value.fields) == {"title", "parts-0-amount"}
    assert read(request_id).state is RequestState.DRAFT
    assert db.session.scalar(select(Round.version).where(Round.id == world.round.id)) == 1


def test_a_second_sending_is_refused_and_sends_nothing(context: Flask) -> None:
    world = a_world()
    request_id = world.sent()
    with pytest.raises(Conflict):
        services.submit(request_id, world.actor, NOW)
    assert db.session.scalar(select(func.count()).select_from(OutboxMessage)) == 1


def test_what_was_sent_is_what_was_seen(context: Flask) -> None:
    world = a_world()
    request_id = world.draft()
    with pytest.raises(Conflict):
        services.submit(request_id, world.actor, NOW, version=1)
    services.submit(request_id, world.actor, NOW, version=2)


def test_a_late_request_is_refused(context: Flask) -> None:
    world = a_world()
    request_id = world.draft()
    with pytest.raises(Conflict) as refusal:
        services.submit(request_id, world.actor, DEADLINE)
    assert refusal.value.code == "deadline_passed"
    services.submit(request_id, world.actor, DEADLINE - timedelta(seconds=1))


def test_an_entitlement_taken_away_stops_the_sending(context: Flask) -> None:
    world = a_world()
    request_id = world.draft()
    with transaction() as tx:
        tx.session.delete(tx.one(select(Entitlement).where(Entitlement.round_id == world.round.id)))
    with pytest.raises(Forbidden, match="entitlement"):
        services.submit(request_id, world.actor, NOW)


def test_a_sent_request_cannot_be_edited(context: Flask) -> None:
    world = a_world()
    request_id = world.sent()
    with pytest.raises(Conflict):
        services.save(request_id, world.content(title="x"), 3, world.actor, NOW)


# withdraw


def test_a_draft_is_withdrawn_without_a_reason_and_without_a_mail(context: Flask) -> None:
    world = a_world()
    request_id = world.draft()
    services.withdraw(request_id, world.actor, NOW)
    assert read(request_id).state is RequestState.WITHDRAWN
    assert db.session.scalar(select(func.count()).select_from(OutboxMessage)) == 0


@on_both_databases
def test_a_sent_request_is_withdrawn_with_a_reason(context: Flask) -> None:
    world = a_world()
    request_id = world.sent()
    with pytest.raises(Invalid) as refusal:
        services.withdraw(request_id, world.actor, NOW, "  ")
    assert set(refusal.value.fields) == {"reason"}
    with pytest.raises(Invalid):
        services.withdraw(request_id, world.actor, NOW, "x" * 1001)
    services.withdraw(request_id, world.actor, NOW, "The cells died.")
    request = read(request_id)
    assert request.state is RequestState.WITHDRAWN
    assert [(event.verb, event.note) for event in request.events][-1] == ("withdraw", "The cells died.")
    assert verbs_of(request)[-1] == "request.withdraw"
    mail = db.session.scalars(select(OutboxMessage).where(OutboxMessage.key.startswith("request_withdrawn"))).one()
    for language in ("it", "en"):
        assert "The cells died." in render(mail.payload["template"], language, mail.payload["values"])[1]
    assert db.session.scalar(select(Round.version).where(Round.id == world.round.id)) == 3


def test_a_request_can_be_withdrawn_after_the_deadline_but_only_once(context: Flask) -> None:
    world = a_world()
    request_id = world.sent()
    set_state(world, RoundState.ALLOCATION)
    services.withdraw(request_id, world.actor, DEADLINE + timedelta(days=1), "No more need.")
    with pytest.raises(Conflict):
        services.withdraw(request_id, world.actor, DEADLINE + timedelta(days=1), "Again.")


@on_both_databases
def test_withdrawing_a_granted_request_gives_back_its_future_time(context: Flask) -> None:
    world = a_world()
    request = read(world.sent())
    set_request_state(request, RequestState.ALLOCATED)
    begun, ahead = (
        a_booking(
            world.protons,
            kind=BookingKind.ROUND,
            starts_at=start,
            request_id=request.id,
            person_id=world.person.id,
            organisation_id=world.organisation.id,
        )
        for start in (MONDAY, MONDAY + timedelta(days=7))
    )
    services.withdraw(request.id, world.actor, MONDAY + timedelta(hours=1), "Done.")
    states = dict(db.session.execute(select(Booking.id, Booking.state)).all())
    assert states == {begun.id: BookingState.CONFIRMED, ahead.id: BookingState.CANCELLED}


def test_a_refused_request_cannot_be_withdrawn(context: Flask) -> None:
    world = a_world()
    request = read(world.sent())
    set_request_state(request, RequestState.REFUSED)
    with pytest.raises(Conflict):
        services.withdraw(request.id, world.actor, NOW, "Why not.")


def test_only_the_owner_withdraws(context: Flask) -> None:
    world = a_world()
    request_id = world.sent()
    delegate = actor(a_member(world.organisation, role=Role.DELEGATE))
    with pytest.raises(Forbidden):
        services.withdraw(request_id, delegate, NOW, "Not needed.")
    with pytest.raises(NotFound):
        services.withdraw(request_id, actor(a_member()), NOW, "Not mine.")


# clone


@on_both_databases
def test_a_clone_says_the_same_and_is_a_draft(context: Flask) -> None:
    world = a_world()
    original = world.sent(parts=(world.part(), world.part()), lags=(LagContent(0, 1),))
    clone = read(services.clone(original, world.actor, NOW, "key"))
    assert clone.id == services.clone(original, world.actor, NOW, "key")
    assert (clone.state, clone.number, clone.cloned_from_id) == (RequestState.DRAFT, None, original)
    assert queries.content_of(clone) == queries.content_of(read(original))
    assert verbs_of(clone) == ["request.clone"]


def test_a_clone_in_another_round_leaves_out_what_that_does_not_offer(context: Flask) -> None:
    world = a_world()
    windows = (
        WindowContent(MONDAY, MONDAY + timedelta(days=10), WindowKind.IMPOSSIBLE),
        WindowContent(MONDAY + timedelta(days=20), MONDAY + timedelta(days=21), WindowKind.PREFERRED),
    )
    both = (world.part(instrument_ids=(world.carbon.id, world.protons.id), configuration="C", windows=windows),)
    original = world.draft(parts=both)
    other = a_round(
        world.protons,
        organisations=(world.organisation,),
        horizon_start=MONDAY + timedelta(days=7),
        horizon_end=MONDAY + timedelta(days=14),
    )
    clone = read(services.clone(original, world.actor, NOW, "", other.id))
    [part] = queries.content_of(clone).parts
    assert clone.round_id == other.id
    assert part.instrument_ids == (world.protons.id,)
    assert part.configuration is None
    assert part.windows == (
        WindowContent(MONDAY + timedelta(days=7), MONDAY + timedelta(days=10), WindowKind.IMPOSSIBLE),
    )


def test_a_clone_takes_an_organisation_that_may_ask_there(context: Flask) -> None:
    world = a_world()
    original = world.draft()
    second = an_organisation()
    stored(Membership(person_id=world.person.id, organisation_id=second.id, role=Role.MEMBER, since=NOW))
    other = a_round(world.protons, organisations=(second,))
    assert read(services.clone(original, world.actor, NOW, "", other.id)).organisation_id == second.id
    nobodys = a_round(world.protons)
    with pytest.raises(Forbidden, match="None of your organisations"):
        services.clone(original, world.actor, NOW, "", nobodys.id)


def test_a_clone_needs_an_open_round_and_an_own_request(context: Flask) -> None:
    world = a_world()
    original = world.sent()
    with pytest.raises(Conflict):
        services.clone(original, world.actor, DEADLINE)
    with pytest.raises(NotFound):
        services.clone(original, actor(a_member()), NOW)
    with pytest.raises(Forbidden):
        services.clone(original, actor(a_manager(world.facility)), NOW)


# break glass


def test_the_office_opens_a_confidential_request_with_a_reason_that_is_kept(context: Flask) -> None:
    world = a_world()
    request = read(world.sent(is_confidential=True))
    office = a_member(is_office=True)
    with pytest.raises(Invalid):
        services.break_glass(request.id, actor(office), NOW, " ")
    services.break_glass(request.id, actor(office), NOW, "A complaint.")
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "request.break_glass")).one()
    assert (entry.person_id, entry.subject_id, entry.reason) == (office.id, request.id, "A complaint.")


def test_nobody_else_breaks_the_glass(context: Flask) -> None:
    world = a_world()
    request_id = world.sent(is_confidential=True)
    with pytest.raises(Forbidden):
        services.break_glass(request_id, actor(a_manager(world.facility)), NOW, "Curious.")
    with pytest.raises(NotFound):
        services.break_glass(request_id, actor(a_member()), NOW, "Curious.")
    assert db.session.scalar(select(func.count()).select_from(RequestEvent)) == 2
