"""`flask --app app demo json`: everything that a tool or a newcomer needs to try the running product.

It stands here because it knows both the demo's round and its calendars.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app, url_for

from accounts import queries as accounts
from accounts.policy import Role
from booking import demo
from booking.commands import demo_commands
from booking.models import CalendarKind, Round
from booking.queries import rounds as round_queries
from calendars import queries
from calendars.policy import Detail
from calendars.services import subscribe
from core import clock
from core.config import installed
from core.db import db
from core.errors import NotFound
from core.tokens import hashed
from facilities.models import Facility, Instrument

SUBSCRIBER = "anna.member@example.org"
KEPT = "demo-feeds.json"
"""Where this installation keeps the addresses of the demo's feeds, for their secrets cannot be read again."""


@dataclass(frozen=True)
class Account:
    """Somebody to sign in as."""

    role: str
    email: str
    password: str
    name: str
    organisation: str
    facility: str


@dataclass(frozen=True)
class Thing:
    """A facility, an instrument or a round: how it is called in addresses, in the database and on its page."""

    id: str
    slug: str
    url: str


@dataclass(frozen=True)
class Demo:
    """The whole answer."""

    base_url: str
    accounts: list[Account]
    facility: Thing
    instrument: Thing
    round: Thing
    feeds: dict[str, str]


def init_app(_app: Flask) -> None:
    """The command joins booking's group, which the application already knows."""


@demo_commands.command("json")
def print_json() -> None:
    """Print the demo's address, accounts, ids and calendar feeds as JSON."""
    with current_app.test_request_context(base_url=installed().public_url):
        click.echo(json.dumps(asdict(everything()), indent=2, ensure_ascii=False))


def everything() -> Demo:
    """What the demo offers; NotFound while it is not loaded."""
    round_ = db.session.scalars(round_queries.round_by_slug(demo.ROUND)).one_or_none()
    if round_ is None:
        raise NotFound
    instrument = round_.instruments[0].instrument
    facility = instrument.facility
    return Demo(
        base_url=installed().public_url,
        accounts=[_account(person) for person in _one_of_each_role()],
        facility=Thing(str(facility.id), facility.slug, _url("facilities.show", slug=facility.slug)),
        instrument=Thing(str(instrument.id), instrument.slug, _instrument_url(facility, instrument)),
        round=Thing(str(round_.id), round_.slug, _url("rounds.show", slug=round_.slug)),
        feeds=_feeds(round_),
    )


def _one_of_each_role() -> list[demo.DemoPerson]:
    first: dict[Role, demo.DemoPerson] = {}
    for person in demo.PEOPLE:
        first.setdefault(person.role, person)
    return list(first.values())


def _account(person: demo.DemoPerson) -> Account:
    works = person.role in (Role.MANAGER, Role.REVIEWER)
    organisation, facility = ("", person.place) if works else (person.place, "")
    return Account(person.role.value, person.email, demo.PASSWORD, person.name, organisation, facility)


def _url(endpoint: str, **values: Any) -> str:
    return installed().public_url + url_for(endpoint, **values)


def _instrument_url(facility: Facility, instrument: Instrument) -> str:
    return _url("instruments.show", facility_slug=facility.slug, slug=instrument.slug)


# feeds ----------------------------------------------------------------------------------------------------------------


def _feeds(round_: Round) -> dict[str, str]:
    """One address of each kind, the same at every call as long as it is not revoked."""
    kept = installed().instance / KEPT
    known: dict[str, str] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    secrets = {kind.value: _live(known.get(kind.value)) or _made(kind, round_) for kind in CalendarKind}
    _keep(kept, secrets)
    return {kind: _url("calendars.feed", secret=secret) for kind, secret in secrets.items()}


def _live(secret: str | None) -> str | None:
    """The secret, if it still opens a feed."""
    if secret is None or db.session.execute(queries.live_subscription(hashed(secret))).first() is None:
        return None
    return secret


def _made(kind: CalendarKind, round_: Round) -> str:
    person = db.session.scalars(accounts.person_by_email(SUBSCRIBER)).one()
    instrument = round_.instruments[0].instrument
    subjects = {
        CalendarKind.PERSON: person.id,
        CalendarKind.INSTRUMENT: instrument.id,
        CalendarKind.FACILITY: instrument.facility_id,
    }
    actor = accounts.actor_of(db.session(), person.id)
    name = f"Demo: {kind.value}"
    return subscribe(kind, subjects[kind], Detail.FULL, "it", name, actor, clock.now())


def _keep(path: Path, secrets: dict[str, str]) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(secrets), encoding="utf-8")
