"""The first page: the network for visitors, what is next for members, what waits for managers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from accounts import queries as accounts
from accounts.access import current_actor
from accounts.models import Organisation
from accounts.policy import Actor
from booking.models import Booking, Request, Round, TroubleState
from booking.queries import approvals, ledger, trouble, waitlist
from booking.queries import home as queries
from booking.queries import requests as request_queries
from booking.views.inbox_menu import facilities_managed
from booking.views.slots import lines
from core import clock
from core.db import db
from core.intervals import Interval
from facilities.listing import summary

blueprint = Blueprint("home", __name__)
NEXT_BOOKINGS = 4
LATEST_REQUESTS = 4


@dataclass(frozen=True)
class Balance:
    """What an organisation asked for in rounds and what it was given, in minutes."""

    organisation: Organisation
    asked: int
    granted: int


@dataclass(frozen=True)
class Member:
    """What a person who acts for an organisation wants to see first."""

    requests: Sequence[Request]
    rounds: Sequence[Round]
    balances: Sequence[Balance]


@dataclass(frozen=True)
class Manager:
    """What waits for a manager."""

    approvals: int
    troubles: int
    reviews: int
    allocate: Sequence[Round]
    rounds: Sequence[Round]


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """One page, by who asks."""
    actor, now = current_actor(), clock.now()
    return render_template(
        "booking/home/index.html",
        network=summary(db.session()),
        calls=db.session.scalars(queries.open_calls(now)).all(),
        member=_member(actor, now) if actor.is_member else None,
        manager=_manager(actor, now) if actor.is_manager else None,
        next_lines=lines(_next_bookings(actor, now), actor, now),
        offers=_offers(actor, now),
    )


def _offers(actor: Actor, now: datetime) -> int:
    """How many offers of the waitlist wait for the person\'s answer."""
    if actor.person_id is None:
        return 0
    return db.session.scalar(waitlist.how_many_offers(actor.person_id, now)) or 0


def _next_bookings(actor: Actor, now: datetime) -> Sequence[Booking]:
    if actor.person_id is None:
        return []
    return db.session.scalars(ledger.upcoming_of(actor.person_id, now).limit(NEXT_BOOKINGS)).all()


def _member(actor: Actor, now: datetime) -> Member:
    assert actor.person_id is not None  # noqa: S101 - members are signed in
    mine = frozenset(actor.memberships)
    return Member(
        requests=db.session.scalars(request_queries.requests_of_person(actor.person_id).limit(LATEST_REQUESTS)).all(),
        rounds=db.session.scalars(request_queries.rounds_open_for(mine, now)).all(),
        balances=_balances(actor.person_id, mine),
    )


def _balances(person_id: UUID, organisation_ids: frozenset[UUID]) -> list[Balance]:
    """Hours asked and granted in rounds, of each of the person's organisations: three statements."""
    asked = dict(db.session.execute(queries.minutes_asked(organisation_ids)).all())
    granted = dict.fromkeys(organisation_ids, 0)
    for holder, start, end in db.session.execute(queries.time_granted(organisation_ids)):
        if holder is not None:
            granted[holder] += Interval(start, end).minutes
    organisations = db.session.scalars(accounts.organisations_of(person_id))
    return [Balance(one, asked.get(one.id, 0), granted[one.id]) for one in organisations]


def _manager(actor: Actor, now: datetime) -> Manager:
    facilities = facilities_managed(actor)
    return Manager(
        approvals=db.session.scalar(approvals.how_many_wait_for(actor, now)) or 0,
        troubles=dict(db.session.execute(trouble.counts_at(facilities)).all()).get(TroubleState.REPORTED, 0),
        reviews=db.session.scalar(queries.how_many_reviews_are_missing(facilities)) or 0,
        allocate=db.session.scalars(queries.rounds_to_allocate(facilities)).all(),
        rounds=db.session.scalars(queries.rounds_run_at(facilities, now)).all(),
    )
