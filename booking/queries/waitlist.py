"""Every question asked of the waitlist: who waits for what, what organisations have used, what they are entitled to."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session, joinedload

from booking.lifecycle import LIVE, RoundState
from booking.models import (
    Booking,
    Entitlement,
    Round,
    RoundInstrument,
    ShareEntry,
    ShareKind,
    Waiting,
    WaitState,
)
from booking.waiting import YEAR, Place, Turn, Use, in_turn
from core.intervals import Interval
from facilities.models import Instrument

STANDING = (WaitState.WAITING, WaitState.OFFERED)
"""States in which a place is in the waitlist."""
_SETTLED = (ShareKind.USED, ShareKind.NO_SHOW)
"""Entries of the share ledger that stand instead of a booking's own length."""


def place(place_id: UUID) -> Select[Waiting]:
    """The place with this id."""
    return select(Waiting).where(Waiting.id == place_id)


def standing_on(instrument_id: UUID) -> Select[Waiting]:
    """Places that wait for an instrument or have an offer of it; by time of joining."""
    return (
        select(Waiting)
        .where(Waiting.instrument_id == instrument_id, Waiting.state.in_(STANDING))
        .order_by(Waiting.created_at, Waiting.id)
    )


def standing_of(person_id: UUID, instrument_id: UUID, during: Interval) -> Select[Waiting]:
    """A person's places for an instrument whose window touches a stretch."""
    return standing_on(instrument_id).where(
        Waiting.person_id == person_id, Waiting.starts_at < during.end, Waiting.ends_at > during.start
    )


def how_many_places(person_id: UUID) -> Select[int]:
    """In how many places a person stands, everywhere."""
    return select(func.count(Waiting.id)).where(Waiting.person_id == person_id, Waiting.state.in_(STANDING))


def instruments_awaited() -> Select[UUID]:
    """Instruments that somebody waits for or has an offer of, in a fixed order."""
    return select(Waiting.instrument_id).where(Waiting.state.in_(STANDING)).distinct().order_by(Waiting.instrument_id)


def affected_by(instrument_id: UUID) -> Select[UUID]:
    """The awaited ones among an instrument and those of its exclusion group: time freed on it may be theirs."""
    return instruments_awaited().where(Waiting.instrument_id.in_(_sharing_with(instrument_id)))


def anybody_waits(instrument_id: UUID) -> Select[bool]:
    """Whether somebody stands in the waitlist of the instrument or of one of its exclusion group."""
    return select(exists().where(Waiting.state.in_(STANDING), Waiting.instrument_id.in_(_sharing_with(instrument_id))))


def _sharing_with(instrument_id: UUID) -> Select[UUID]:
    group = select(Instrument.exclusion_group_id).where(Instrument.id == instrument_id).scalar_subquery()
    return select(Instrument.id).where(or_(Instrument.id == instrument_id, Instrument.exclusion_group_id == group))


# --- lists ------------------------------------------------------------------------------------------------


def _listed() -> Select[Waiting]:
    return select(Waiting).options(
        joinedload(Waiting.instrument, innerjoin=True).joinedload(Instrument.facility, innerjoin=True),
        joinedload(Waiting.organisation, innerjoin=True),
        joinedload(Waiting.person, innerjoin=True),
        joinedload(Waiting.booking),
    )


def places_of(person_id: UUID) -> Select[Waiting]:
    """A person's places in all waitlists: offers first, then by the window's start."""
    return (
        _listed()
        .where(Waiting.person_id == person_id, Waiting.state.in_(STANDING))
        .order_by(Waiting.state, Waiting.starts_at, Waiting.id)
    )


def rivals(rows: Iterable[Waiting]) -> Select[Waiting]:
    """Everybody who waits for what these places compete for, these included; offers do not wait."""
    instruments = [row.instrument for row in rows]
    groups = {one.exclusion_group_id for one in instruments if one.exclusion_group_id is not None}
    same = select(Instrument.id).where(
        or_(Instrument.id.in_({one.id for one in instruments}), Instrument.exclusion_group_id.in_(groups))
    )
    return (
        select(Waiting)
        .where(Waiting.instrument_id.in_(same), Waiting.state == WaitState.WAITING)
        .options(joinedload(Waiting.instrument, innerjoin=True))
        .order_by(Waiting.created_at, Waiting.id)
    )


def places_at(facility_id: UUID) -> Select[Waiting]:
    """Everybody's places for the instruments of a facility."""
    here = select(Instrument.id).where(Instrument.facility_id == facility_id)
    return (
        _listed()
        .where(Waiting.instrument_id.in_(here), Waiting.state.in_(STANDING))
        .order_by(Waiting.instrument_id, Waiting.created_at, Waiting.id)
    )


def how_many_offers(person_id: UUID, now: datetime) -> Select[int]:
    """How many offers wait for a person's answer."""
    return select(func.count(Waiting.id)).where(
        Waiting.person_id == person_id, Waiting.state == WaitState.OFFERED, Waiting.offered_until > now
    )


def offer_of(booking_id: UUID) -> Select[Waiting]:
    """The place whose standing offer this booking holds."""
    return select(Waiting).where(Waiting.booking_id == booking_id, Waiting.state == WaitState.OFFERED)


# --- fair shares ------------------------------------------------------------------------------------------


def uses_at(session: Session, facility_id: UUID, organisation_ids: Collection[UUID], now: datetime) -> list[Use]:
    """What counts as these organisations' use of a facility in the last 365 days and what they have booked.

    Live bookings with their length, or, once the share ledger knows how they were used, what it charges; late
    cancellations and credits too. A round's `past_use_hours` is not added: it repeats what the ledger has.
    """
    here = select(Instrument.id).where(Instrument.facility_id == facility_id)
    recent = Booking.ends_at > now - YEAR
    booked = select(Booking.organisation_id, Booking.person_id, Booking.starts_at, Booking.ends_at).where(
        Booking.instrument_id.in_(here),
        Booking.organisation_id.in_(organisation_ids),
        Booking.state.in_(LIVE),
        recent,
        ~_is_settled(),
    )
    charged = (
        select(ShareEntry.organisation_id, ShareEntry.person_id, ShareEntry.charged_minutes, Booking.ends_at)
        .join(Booking, Booking.id == ShareEntry.booking_id)
        .where(ShareEntry.facility_id == facility_id, ShareEntry.organisation_id.in_(organisation_ids), recent)
    )
    lengths = [
        Use(whose, who, Interval(start, end).minutes, end)
        for whose, who, start, end in session.execute(booked)
        if whose is not None
    ]
    return lengths + [Use(*row) for row in session.execute(charged)]


def _is_settled() -> ColumnElement[bool]:
    entry = select(ShareEntry.id).where(ShareEntry.booking_id == Booking.id, ShareEntry.kind.in_(_SETTLED))
    return entry.correlate(Booking).exists()


def weights_at(session: Session, facility_id: UUID) -> dict[UUID, float]:
    """The entitlements that were last decided for a facility: those of its latest round; none: empty."""
    latest = (
        select(Round.id)
        .join(RoundInstrument, RoundInstrument.round_id == Round.id)
        .join(Instrument, Instrument.id == RoundInstrument.instrument_id)
        .where(Instrument.facility_id == facility_id, Round.state != RoundState.DRAFT)
        .order_by(Round.horizon_start.desc(), Round.opens_at.desc(), Round.id)
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Entitlement.organisation_id, Entitlement.weight).where(Entitlement.round_id == latest)
    )
    return dict(rows.all())


def queues(session: Session, rows: Iterable[Waiting], now: datetime) -> dict[UUID, list[Turn]]:
    """These places in the order in which they are asked, by what they compete for (`contested`).

    Two statements for each facility.
    """
    by_facility: dict[UUID, list[Waiting]] = defaultdict(list)
    for row in rows:
        by_facility[row.instrument.facility_id].append(row)
    found: dict[UUID, list[Turn]] = {}
    for facility_id, here in by_facility.items():
        uses = uses_at(session, facility_id, {row.organisation_id for row in here}, now)
        weights = weights_at(session, facility_id)
        for key in {contested(row.instrument) for row in here}:
            places = [_place_of(row) for row in here if contested(row.instrument) == key]
            found[key] = in_turn(places, uses, weights, now)
    return found


def contested(instrument: Instrument) -> UUID:
    """What those who wait for an instrument compete for: its exclusion group, or else the instrument."""
    return instrument.exclusion_group_id or instrument.id


def _place_of(row: Waiting) -> Place:
    return Place(row.id, row.person_id, row.organisation_id, row.created_at)
