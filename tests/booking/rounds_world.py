"""A small round with everything that its tests need: a beam, a manager, two organisations and their requests."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from accounts.models import Organisation, Person
from accounts.policy import Actor, Role
from booking.lifecycle import PlanState, RoundState
from booking.models import Feasibility, Plan, PlanBlock, Request, Review, Round
from booking.queries import plans as plan_queries
from booking.queries import rounds as queries
from core.db import db
from facilities.models import Facility, Instrument
from facilities.policy import BookingMode
from tests.factories import (
    MONDAY,
    a_facility,
    a_manager,
    a_member,
    a_request,
    a_round,
    actor,
    an_instrument,
    an_organisation,
    stored,
)

NOW = MONDAY - timedelta(days=10)  # after the deadline of the round, before its time
HOUR = timedelta(hours=1)


def no_beat() -> None:
    """A worker that nobody watches."""


@dataclass
class World:
    """The rows of a test's round, and short ways to read them afresh."""

    facility: Facility
    beam: Instrument
    manager: Person
    organisations: list[Organisation]
    members: list[Person]
    round_id: UUID
    requests: list[Request] = field(default_factory=list)

    @property
    def acting(self) -> Actor:
        """The manager, as they are now."""
        return actor(self.manager)

    @property
    def round(self) -> Round:
        """The round as it is now."""
        db.session.rollback()
        return db.session.scalars(queries.round_by_id(self.round_id)).one()

    @property
    def version(self) -> int:
        """The round's version as it is now."""
        return self.round.version

    def request(self, place: int) -> Request:
        """A request as it is now."""
        db.session.rollback()
        return db.session.scalars(queries.request_with_content(self.requests[place].id)).one()

    def plan(self, plan_id: UUID) -> Plan:
        """A plan as it is now."""
        db.session.rollback()
        return db.session.scalars(plan_queries.plan_with_blocks(plan_id)).one()

    def reviewer(self) -> Actor:
        """Somebody who reviews for the facility."""
        return actor(a_manager(self.facility, Role.REVIEWER))


def a_world(state: RoundState = RoundState.ALLOCATION, requests: int = 3, **values: Any) -> World:
    """A round of one always open beam in whole days, with feasible 8 h requests of two organisations in turn."""
    facility = a_facility()
    beam = an_instrument(facility, booking_mode=BookingMode.ROUND, slot_minutes=480)
    organisations = [an_organisation(), an_organisation()]
    members = [a_member(row) for row in organisations]
    round_ = a_round(beam, organisations=tuple(organisations), state=state, **values)
    world = World(facility, beam, a_manager(facility), organisations, members, round_.id)
    for place in range(requests):
        person, organisation = members[place % 2], organisations[place % 2]
        made = a_request(round_, person, organisation.id, beam, number=place + 1)
        world.requests.append(made)
        stored(a_review(made, score=90.0 - place))
    return world


def a_review(request: Request, **values: Any) -> Review:
    """A verdict that lets a request compete."""
    return Review(
        **{
            "request_id": request.id,
            "feasibility": Feasibility.FEASIBLE,
            "safety_is_cleared": True,
            "score": 80.0,
            **values,
        }
    )


def a_certificate(world: World, satisfaction: tuple[float, float] = (1.0, 0.5), **refusals: str) -> dict[str, Any]:
    """What publication reads of a certificate; refusals as r0="bottleneck" for the first request."""
    return {
        "members": {
            str(organisation.id): {"s": s, "T": 16.0, "served": 16.0}
            for organisation, s in zip(world.organisations, satisfaction, strict=True)
        },
        "refusals": {str(world.requests[int(name[1:])].id): {"code": code} for name, code in refusals.items()},
        "left_out": {},
        "levels": [],
        "baselines": {},
    }


def a_plan(world: World, *served: int, **values: Any) -> Plan:
    """A finished plan that gives the named requests 8 h each, one after the other from MONDAY."""
    row = Plan(
        **{
            "round_id": world.round_id,
            "number": 1,
            "state": PlanState.DONE,
            "round_version": world.version,
            "seed": 1,
            "time_limit_seconds": 10,
            "problem": {},
            "problem_hash": "0" * 64,
            "certificate": a_certificate(world, r2="bottleneck"),
            "created_by_id": world.manager.id,
            "created_at": NOW,
            "finished_at": NOW,
            **values,
        }
    )
    row.blocks = [
        PlanBlock(
            request_id=world.requests[place].id,
            part_id=world.requests[place].parts[0].id,
            instrument_id=world.beam.id,
            unit=0,
            starts_at=MONDAY + 8 * HOUR * slot,
            ends_at=MONDAY + 8 * HOUR * (slot + 1),
        )
        for slot, place in enumerate(served)
    ]
    return stored(row)


Verb = Callable[[UUID, int, Actor, datetime], None]
