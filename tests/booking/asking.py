"""A world in which somebody can ask: an open round with two instruments that share shifts, and sound content."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from accounts.models import Organisation, Person
from accounts.policy import Actor
from booking.content import PartContent, RequestContent
from booking.models import Request, Round
from booking.queries import requests as queries
from booking.services import requests as services
from core import clock
from core.db import db
from facilities.models import Facility, Instrument
from facilities.policy import BookingMode
from tests.factories import (
    BEFORE,
    a_facility,
    a_member,
    a_round,
    actor,
    an_instrument,
    an_operating_plan,
    an_organisation,
)

NOW = BEFORE + timedelta(days=10)
HOUR = 60


@dataclass
class World:
    """Everything a test of requests names."""

    facility: Facility
    protons: Instrument
    carbon: Instrument
    organisation: Organisation
    person: Person
    round: Round

    @property
    def actor(self) -> Actor:
        """The member who asks."""
        return actor(self.person)

    def begin(self, key: str = "") -> UUID:
        """An empty draft."""
        return services.begin(self.round.id, self.organisation.id, self.actor, NOW, key)

    def draft(self, **values: Any) -> UUID:
        """A draft that could be sent."""
        request_id = self.begin()
        services.save(request_id, self.content(**values), 1, self.actor, NOW)
        return request_id

    def sent(self, **values: Any) -> UUID:
        """A request that was sent."""
        request_id = self.draft(**values)
        services.submit(request_id, self.actor, NOW)
        return request_id

    def part(self, **values: Any) -> PartContent:
        """Two nights' worth of protons or of nothing else."""
        return replace(
            PartContent(
                instrument_ids=(self.protons.id,),
                amount_minutes=16 * HOUR,
                least_minutes=8 * HOUR,
                lengths_minutes=(8 * HOUR,),
            ),
            **values,
        )

    def content(self, **values: Any) -> RequestContent:
        """Content that passes every rule."""
        return replace(
            RequestContent(
                title="Survival of glioma lines",
                objectives="To see who survives.",
                sample="cells",
                team_size=3,
                parts=(self.part(),),
            ),
            **values,
        )


def a_world(**round_values: Any) -> World:
    """An open round of four weeks: Saturday 08–16 and 16–24, Tuesday 22–02, on two instruments of one facility."""
    plan = an_operating_plan((5, 480, 480), (5, 960, 480), (1, 1320, 240))
    facility = a_facility()
    protons, carbon = (
        an_instrument(
            facility,
            name=f"Beamline {ion}",
            booking_mode=BookingMode.ROUND,
            configuration=ion,
            operating_plan_id=plan.id,
            least_minutes=240,
            most_minutes=1440,
        )
        for ion in ("p", "C")
    )
    organisation = an_organisation()
    return World(
        facility=facility,
        protons=protons,
        carbon=carbon,
        organisation=organisation,
        person=a_member(organisation, language="en"),
        round=a_round(protons, carbon, organisations=(organisation,), **round_values),
    )


def read(request_id: UUID) -> Request:
    """The request as the database has it now."""
    db.session.rollback()
    return db.session.scalars(queries.request_in_full(request_id).execution_options(populate_existing=True)).one()


@contextmanager
def at(instant: datetime = NOW) -> Iterator[None]:
    """Let the pages live at this instant."""
    with clock.frozen_at(instant):
        yield
