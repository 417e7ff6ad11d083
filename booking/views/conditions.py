"""What a member should know beside an instrument's booking form: what they need, who helps, what goes along."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from accounts.policy import Actor
from booking import availability
from booking.models import Round
from booking.queries import ledger as ledger_queries
from booking.queries import qualified as queries
from booking.services.ledger.leftover import leftover_of
from booking.services.ledger.qualified import assistance_of
from core.i18n import either
from core.intervals import Interval
from core.web import current_language
from facilities.facts import name_of
from facilities.models import Assistance, Instrument
from facilities.policy import BookingMode
from facilities.qualifications import Lacking, lacking, last_day
from facilities.queries import qualifications as qualification_queries

BOOKABLE = (BookingMode.INSTANT, BookingMode.APPROVAL)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Need:
    """A qualification that the instrument needs; `lacking` None: the reader has it at present, through `until`."""

    name: str
    lacking: Lacking | None
    until: date | None


@dataclass(frozen=True)
class Along:
    """Another instrument of the facility to book together with this one; `is_free` None: no time is chosen yet."""

    id: UUID
    name: str
    is_free: bool | None
    is_asked_for: bool
    belongs_here: bool


@dataclass(frozen=True)
class Conditions:
    """Everything that the page says beside the form. `leftover`: what rounds have left, None unless in mode `round`.

    `published` are those rounds, and `on_reserve` is how many of their requests wait for such time.
    """

    parent: Instrument | None
    leftover: Sequence[Interval] | None
    published: Sequence[Round]
    on_reserve: int
    needs: Sequence[Need]
    assistance: Assistance

    @property
    def is_leftover(self) -> bool:
        """Whether members book what a round has left."""
        return bool(self.leftover)


def conditions_of(session: Session, instrument: Instrument, actor: Actor, now: datetime) -> Conditions:
    """What holds for one instrument and one reader."""
    in_rounds = instrument.booking_mode is BookingMode.ROUND
    left = leftover_of(session, instrument, now) if in_rounds else None
    published = session.scalars(queries.published_rounds_with(instrument.id, now)).all() if left else []
    reserve = queries.how_many_on_reserve([one.id for one in published], instrument.id)
    return Conditions(
        parent=parent_of(session, instrument),
        leftover=left,
        published=published,
        on_reserve=(session.scalar(reserve) or 0) if published else 0,
        needs=_needs(session, instrument, actor, now),
        assistance=assistance_of(instrument),
    )


def parent_of(session: Session, instrument: Instrument) -> Instrument | None:
    """The instrument together with which one is booked; None when it is not in that mode, or belongs to none yet."""
    parent_id = instrument.rules.parent_id if instrument.rules else None
    if instrument.booking_mode is not BookingMode.WITH_PARENT or parent_id is None:
        return None
    return session.scalars(ledger_queries.instrument(parent_id)).one_or_none()


def _needs(session: Session, instrument: Instrument, actor: Actor, now: datetime) -> list[Need]:
    needed = session.scalars(qualification_queries.needed_by(instrument.id)).all()
    if not needed or actor.person_id is None:
        return [Need(either(current_language(), one.name_it, one.name), None, None) for one in needed]
    rows = session.scalars(qualification_queries.grants_for(actor.person_id, [one.id for one in needed]))
    grants = {row.qualification_id: row for row in rows}
    zone, present = ZoneInfo(instrument.facility.timezone), Interval(now, now + SECOND)
    found = []
    for one in needed:
        row = grants.get(one.id)
        granted = qualification_queries.granted(row, one) if row else None
        name = either(current_language(), one.name_it, one.name)
        found.append(Need(name, lacking(granted, present, zone), last_day(granted, zone) if granted else None))
    return found


def along_with(session: Session, instrument: Instrument, when: Interval | None) -> list[Along]:
    """What can be booked along, and which of it is free at the chosen time: one statement for each of them."""
    found = session.scalars(queries.offered_along(instrument)).all()
    return [
        Along(
            id=one.id,
            name=name_of(one, current_language()),
            is_free=_is_free(session, one, when) if when else None,
            is_asked_for=one.booking_mode is BookingMode.APPROVAL,
            belongs_here=one.booking_mode is BookingMode.WITH_PARENT,
        )
        for one in found
    ]


def _is_free(session: Session, instrument: Instrument, when: Interval) -> bool:
    terms = ledger_queries.terms_of(instrument)
    held = terms.held(when)
    rows = session.scalars(ledger_queries.held_on(instrument, held)).all()
    units = availability.free_units(ledger_queries.busy(rows, instrument), instrument.capacity, held)
    return bool(units) and terms.is_open(when)
