"""Bookings as lists show them: what the reader can do with each now, and what is special about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from accounts.policy import Actor
from booking import use
from booking.models import Booking
from booking.policy import use as policy
from booking.queries import ledger
from booking.queries import use as queries
from core.db import db
from core.formats import local_date


@dataclass(frozen=True)
class Line:
    """A booking and what the reader may do. `released_at`: when it is lost unless somebody checks in; None: never."""

    booking: Booking
    check_in: bool
    check_out: bool
    report: bool
    released_at: datetime | None
    offered_until: datetime | None
    """Set while it is only an offer of the waitlist."""


def lines(rows: Sequence[Booking], actor: Actor, now: datetime) -> list[Line]:
    """The bookings in their order; one more statement for all of them."""
    offers = dict(db.session.execute(queries.offered_among([row.id for row in rows])).all()) if rows else {}
    return [_line(row, actor, offers.get(row.id), now) for row in rows]


def by_day(of: Iterable[Line]) -> list[tuple[date, list[Line]]]:
    """Lines grouped by the local day on which they begin, in their order."""
    return [(day, list(group)) for day, group in groupby(of, key=_day)]


def _line(row: Booking, actor: Actor, offered_until: datetime | None, now: datetime) -> Line:
    slot, held = queries.slot_of(row), ledger.held(row)
    may_use = bool(policy.may_check_in(actor, held))
    return Line(
        booking=row,
        check_in=may_use and use.can_check_in(slot, now),
        check_out=may_use and use.can_check_out(slot, now),
        report=use.can_report(slot, now) and bool(policy.may_report_trouble(actor, held)),
        released_at=use.released_at(slot),
        offered_until=offered_until,
    )


def _day(line: Line) -> date:
    return local_date(line.booking.starts_at, line.booking.instrument.facility.timezone)
