"""One of everything that a page can show, with people of every role around it, and the address of every page."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask

from accounts.models import Invitation, Organisation, Person
from accounts.policy import Actor, Role
from accounts.queries import actor_of
from booking.lifecycle import BookingState, RequestState, RoundState
from booking.models import Booking, BookingKind, CalendarKind, Deputy, Plan, Request, Round, Swap, SwapState, Trouble
from booking.models.everyday import Waiting, WaitState
from booking.quotas import Measure, Period, QuotaOf, QuotaRule
from booking.recurrence import Pattern, Weekly
from booking.services import plans, publication
from booking.services.quotas import add_quota
from booking.services.series import SeriesWish, book_series
from calendars.models import Subscription
from calendars.policy import Detail
from calendars.services import subscribe
from core import clock
from core.db import db
from core.outbox import OutboxMessage, OutboxState
from core.tokens import hashed
from facilities.models import Absence, Duty, Facility, Instrument, Qualification, QualificationGrant
from facilities.policy import BookingMode
from tests.booking.rounds_world import a_review
from tests.factories import (
    BEFORE,
    MONDAY,
    a_booking,
    a_facility,
    a_manager,
    a_member,
    a_person,
    a_request,
    a_round,
    actor,
    an_instrument,
    an_organisation,
    stored,
)
from tests.support import Browser, browser

NOW = MONDAY - timedelta(days=20)
SECRET = "Zqxjkv"  # in no word of any page
SECRETS = {
    name: f"{SECRET} {name}"
    for name in ("title", "background", "objectives", "method", "impact", "sample", "safety", "equipment")
} | {"acronym": SECRET, "grant_programme": f"{SECRET} fund", "grant_number": f"{SECRET}-7"}
HARMLESS: dict[str, Any] = dict.fromkeys(SECRETS, "harmless")
INVITED = "an invitation's token"


@dataclass
class World:
    """The rows, each named after what is special about it; `people` by role."""

    here: Facility
    elsewhere: Facility
    beam: Instrument
    scope: Instrument
    organisation: Organisation
    other: Organisation
    people: dict[str, Person]
    rounds: dict[str, Round] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    bookings: dict[str, Booking] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)

    def names(self) -> dict[str, str]:
        """Everything that an address can name."""
        ids = {name: str(row.id) for rows in (self.requests, self.bookings, self.people) for name, row in rows.items()}
        slugs = {f"round_{name}": row.slug for name, row in self.rounds.items()}
        return {
            **ids,
            **slugs,
            **self.more,
            **{f"round_{name}_id": str(row.id) for name, row in self.rounds.items()},
            "here": self.here.slug,
            "here_id": str(self.here.id),
            "beam": self.beam.slug,
            "beam_id": str(self.beam.id),
            "scope": self.scope.slug,
            "organisation": self.organisation.slug,
            "organisation_id": str(self.organisation.id),
            "other": self.other.slug,
            "other_id": str(self.other.id),
            "nothing": str(UUID(int=7)),
        }


@dataclass(frozen=True)
class Copy:
    """A copy of the world in a test's own database: names of its rows, and browsers of its people."""

    app: Flask
    names: Mapping[str, str]

    def path(self, pattern: str) -> str:
        """An address with the names of rows filled in, e.g. '/requests/{secret}'."""
        return pattern.format_map(self.names)

    def id(self, name: str) -> UUID:
        """The id of a row."""
        return UUID(self.names[name])

    def browser(self, role: str) -> Browser:
        """A browser of somebody in this role."""
        return browser(self.app, None if role == "visitor" else self.id(role))

    def actor(self, role: str) -> Actor:
        """Who somebody in this role is right now."""
        return actor_of(db.session(), self.id(role))


def a_world() -> World:
    """Confidential requests of `owner` in every state, seen from everywhere; needs an application context."""
    here, elsewhere = a_facility(), a_facility()
    beam = an_instrument(here, booking_mode=BookingMode.ROUND, slot_minutes=60)
    scope = an_instrument(here, booking_mode=BookingMode.APPROVAL)
    organisation, other = an_organisation(), an_organisation()
    people = {
        "owner": a_member(organisation),
        "colleague": a_member(organisation),
        "delegate": a_member(organisation, Role.DELEGATE),
        "stranger": a_member(other),
        "stranger_delegate": a_member(other, Role.DELEGATE),
        "reviewer": a_manager(here, Role.REVIEWER),
        "manager": a_manager(here),
        "manager_elsewhere": a_manager(elsewhere),
        "office": a_person(is_office=True),
    }
    world = World(here, elsewhere, beam, scope, organisation, other, people)
    _rounds(world)
    _requests(world)
    with clock.frozen_at(NOW):
        _plans(world)
        _bookings(world)
        _accounts(world)
        _waitlist(world)
    _staff(world)
    _quota(world)
    return world


def _quota(world: World) -> None:
    """One that nobody ever reaches."""
    rule = QuotaRule(QuotaOf.PERSON, Measure.OPEN_BOOKINGS, Period.WEEK, most=1000)
    made = add_quota(world.here.id, rule, actor(world.people["manager"]), BEFORE, key="")
    world.more["quota"] = str(made)


def _staff(world: World) -> None:
    """A qualification that the owner has and no instrument needs, and somebody on duty who is away for a day."""
    here, owner = world.here.id, world.people["owner"].id
    laser = stored(Qualification(facility_id=here, slug="laser", name="Laser"))
    grant = stored(QualificationGrant(qualification_id=laser.id, person_id=owner, granted_at=BEFORE))
    day = {"weekday": 0, "start_minute": 0, "minutes": 60, "from_day": BEFORE.date()}
    duty = stored(Duty(facility_id=here, person_id=world.people["manager"].id, **day))
    away = {"starts_at": MONDAY, "ends_at": MONDAY + timedelta(days=1)}
    absence = stored(Absence(facility_id=here, person_id=world.people["manager"].id, **away))
    world.more |= {"grant": str(grant.id), "duty": str(duty.id), "absence": str(absence.id)}


def _rounds(world: World) -> None:
    both = (world.organisation, world.other)
    for number, (name, state) in enumerate(
        {
            "open": RoundState.OPEN,
            "draft": RoundState.DRAFT,
            "allocation": RoundState.ALLOCATION,
            "published": RoundState.ALLOCATION,
        }.items()
    ):
        start = MONDAY + timedelta(weeks=4 * number)
        world.rounds[name] = a_round(
            world.beam,
            organisations=both,
            state=state,
            horizon_start=start,
            horizon_end=start + timedelta(days=2),
            deadline_at=MONDAY - timedelta(days=14) if state is RoundState.OPEN else MONDAY - timedelta(days=21),
        )


def _requests(world: World) -> None:
    """Secret ones of the owner and plain ones of a stranger; in both rounds with plans somebody has to lose."""
    secret: dict[str, Any] = {"is_confidential": True, **SECRETS}
    owner, here = world.people["owner"], world.organisation.id

    def ask(name: str, round_name: str, score: float | None = None, **values: Any) -> None:
        made = a_request(world.rounds[round_name], owner, here, world.beam, **{**secret, **values})
        world.requests[name] = made
        if score is not None:
            stored(a_review(made, score=score))

    ask("draft", "open", state=RequestState.DRAFT, submitted_at=None, number=None)
    ask("secret", "open")
    ask("plain", "open", is_confidential=False, **HARMLESS)
    for name in ("allocation", "published"):
        ask(f"wins_{name}", name, 90.0, amount=40 * 60)
        ask(f"loses_{name}", name, 10.0, amount=40 * 60)
        ask(f"refused_{name}", name, 50.0, amount=60 * 60)
        made = a_request(world.rounds[name], world.people["stranger"], world.other.id, world.beam, title="Something")
        stored(a_review(made, score=50.0))


def _plans(world: World) -> None:
    manager = actor(world.people["manager"])
    for name in ("allocation", "published"):
        plan_id = plans.propose(world.rounds[name].id, 1, 10, manager, NOW, "")
        plans.run({"plan_id": str(plan_id)}, lambda: None)
        db.session.rollback()
        world.plans[name] = db.session.get_one(Plan, plan_id)
    publication.publish(world.plans["published"].id, 1, manager, NOW)
    db.session.rollback()


def _bookings(world: World) -> None:
    owner = {"person_id": world.people["owner"].id, "organisation_id": world.organisation.id}
    start: datetime = MONDAY + timedelta(hours=9)
    world.bookings["waiting"] = a_booking(
        world.scope, kind=BookingKind.APPROVAL, state=BookingState.TENTATIVE, starts_at=start, title="Lenses", **owner
    )
    world.bookings["confirmed"] = a_booking(world.scope, starts_at=start + timedelta(hours=4), title="Lenses", **owner)
    _swap(world, start + timedelta(days=2))
    world.bookings["running"] = a_booking(world.scope, starts_at=NOW - timedelta(hours=1), title="Lenses", **owner)
    own = {"person_id": world.people["manager"].id}
    world.bookings["managers_own"] = a_booking(
        world.scope, kind=BookingKind.APPROVAL, state=BookingState.TENTATIVE, starts_at=start + timedelta(days=1), **own
    )
    _series(world)
    row = db.session.query(Booking).filter_by(request_id=world.requests["wins_published"].id).first()
    assert row is not None, "the plan serves the secret request"
    world.bookings["secret_booking"] = row


def _swap(world: World, start: datetime) -> None:
    """A stranger offers theirs for the owner's confirmed one."""
    stranger = {"person_id": world.people["stranger"].id, "organisation_id": world.other.id}
    theirs = a_booking(world.scope, starts_at=start, title="Steel", **stranger)
    world.more["swap"] = str(
        stored(
            Swap(
                offered_id=theirs.id,
                wanted_id=world.bookings["confirmed"].id,
                state=SwapState.OFFERED,
                created_at=NOW,
                expires_at=NOW + timedelta(days=7),
            )
        ).id
    )


def _series(world: World) -> None:
    """Three Fridays of the owner."""
    first = (MONDAY + timedelta(days=4)).date()
    pattern = Pattern(Weekly(1, frozenset({4})), first, start=540, end=660, count=3)
    wish = SeriesWish(pattern, world.scope.id, world.organisation.id, "Lenses")
    made = book_series(wish, actor(world.people["owner"]), NOW, "")
    db.session.rollback()
    world.bookings["repeated"] = db.session.query(Booking).filter_by(series_id=made, series_day=first).one()


def _waitlist(world: World) -> None:
    """The owner waits and has an offer."""
    owner = {"person_id": world.people["owner"].id, "organisation_id": world.organisation.id}
    start = MONDAY + timedelta(days=11, hours=13)
    offer = a_booking(world.scope, kind=BookingKind.INSTANT, state=BookingState.TENTATIVE, starts_at=start, **owner)
    place = Waiting(
        instrument_id=world.scope.id,
        starts_at=start,
        ends_at=start + timedelta(hours=2),
        minutes=120,
        state=WaitState.OFFERED,
        booking_id=offer.id,
        offered_until=start,
        created_at=BEFORE,
        changed_at=NOW,
        **owner,
    )
    world.more |= {"place": str(stored(place).id), "offer": str(offer.id)}


def _accounts(world: World) -> None:
    delegate = world.people["delegate"]
    invitation = stored(
        Invitation(
            token_hash=hashed(INVITED),
            email="new@example.org",
            organisation_id=world.organisation.id,
            role=Role.MEMBER,
            invited_by_id=delegate.id,
            created_at=BEFORE,
            expires_at=NOW + timedelta(days=7),
        )
    )
    owner = world.people["owner"]
    feed = subscribe(CalendarKind.PERSON, owner.id, Detail.FULL, "en", "Mine", actor(owner), NOW, secrets.token_hex())
    subscription = db.session.query(Subscription).filter_by(person_id=owner.id).one()
    report = Trouble(
        booking_id=world.bookings["running"].id, person_id=owner.id, text="No light.", state="reported", created_at=NOW
    )
    later = stored(
        Deputy(
            facility_id=world.here.id,
            manager_id=world.people["manager"].id,
            person_id=world.people["reviewer"].id,
            starts_at=NOW + timedelta(days=7),
            ends_at=NOW + timedelta(days=14),
        )
    )
    given_up = OutboxMessage(
        kind="mail", key="given up", payload={}, state=OutboxState.FAILED, created_at=NOW, not_before=NOW
    )
    world.more |= {
        "deputy": str(later.id),
        "given_up": str(stored(given_up).id),
        "trouble": str(stored(report).id),
        "invitation_id": str(invitation.id),
        "invited": INVITED,
        "feed": feed,
        "subscription_id": str(subscription.id),
    }
