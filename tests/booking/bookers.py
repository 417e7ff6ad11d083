"""People who book, for the tests of the ledger, and what their pages ask of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, event

from accounts.models import Organisation, Person
from booking.services import ledger
from facilities.models import Instrument
from tests.factories import BEFORE, MONDAY, a_member, actor, an_organisation

NINE = MONDAY + timedelta(hours=9)
HOUR = timedelta(hours=1)
ROME = ZoneInfo("Europe/Rome")


def rome(*wall: int) -> datetime:
    """An instant by Rome's wall clock."""
    return datetime(*wall, tzinfo=ROME).astimezone(UTC)  # type: ignore[misc,arg-type]


@dataclass
class Booker:
    """Somebody who can book: a person and their organisation."""

    person: Person
    organisation: Organisation

    def book(self, instrument: Instrument, start: datetime = NINE, end: datetime | None = None, **more: Any) -> UUID:
        """Book two hours unless told otherwise."""
        organisation_id = more.get("organisation_id", self.organisation.id)
        return ledger.book(
            instrument.id,
            organisation_id,
            start,
            end or start + 2 * HOUR,
            more.get("title", ""),
            actor(self.person),
            more.get("now", BEFORE),
            more.get("key", ""),
        )


def a_booker(**values: Any) -> Booker:
    """A member of an organisation of their own."""
    organisation = an_organisation()
    return Booker(a_member(organisation, **values), organisation)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SELECT statements that were sent meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)
