"""Managers set the rules under which an instrument is booked."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from accounts.policy import Actor
from booking.instrument_rules import Hours, RulesContent, check, hindrance, terms_under
from booking.models import Booking
from booking.queries import ledger as ledger_queries
from booking.queries import rules as queries
from booking.services.ledger import lock_instruments
from core import audit
from core.db import Tx, transaction
from core.errors import Conflict, Invalid, Refusal
from core.i18n import N_
from facilities.models import Instrument, InstrumentRules, OperatingPlan, Shift
from facilities.policy import BookingMode, may_change_rules


@dataclass(frozen=True)
class Broken:
    """A booking to come that could not be made under the new rules, and why; it stays as it is."""

    booking: Booking
    why: Refusal


@dataclass(frozen=True)
class Seen:
    """What the manager had before them: the rules' version, and the bookings known to break the new ones."""

    version: int
    broken: frozenset[UUID] = frozenset()


def change_rules(instrument_id: UUID, content: RulesContent, seen: Seen, actor: Actor, now: datetime) -> None:
    """Set an instrument's rules. The same rules again change nothing.

    Refusals: Invalid (a value is out of range, the parent is none), Conflict "changed_meanwhile", Conflict
    "bookings_affected" when bookings to come break the new rules and the manager has not seen that.
    """
    check(content)
    with transaction() as tx:
        may_change_rules(actor, tx.one(ledger_queries.instrument(instrument_id)).facility_id).or_refuse()
        instrument = lock_instruments(tx, [instrument_id])[instrument_id]
        before = queries.content_of(instrument)
        if instrument.rules is not None and before == content:
            return
        if queries.version_of(instrument) != seen.version:
            message = N_("Somebody else changed these rules in the meantime. Please look again.")
            raise Conflict(message, code="changed_meanwhile")
        _check_family(tx, instrument, content)
        _check_hours(instrument, content)
        _check_seen(broken_by(tx.session, instrument, content, now), seen.broken)
        _write(tx, instrument, content, actor, now)
        audit.record(tx, actor.person_id, "change_rules", instrument, now, detail=_difference(before, content))


def broken_by(session: Session, instrument: Instrument, content: RulesContent, now: datetime) -> list[Broken]:
    """The bookings to come that could not be made under new rules, next first."""
    terms = terms_under(content, ledger_queries.terms_of(instrument), queries.zone_of(instrument))
    rows = session.scalars(queries.to_come(instrument, now)).unique().all()
    units: dict[int, list[Booking]] = {}
    for row in rows:
        units.setdefault(row.unit, []).append(row)
    found = []
    for row in rows:
        place = units[row.unit].index(row)
        beside = [*units[row.unit][max(0, place - 1) : place], *units[row.unit][place + 1 : place + 2]]
        why = hindrance(terms, row.interval, [one.interval for one in beside])
        if why is not None:
            found.append(Broken(row, why))
    return found


def _check_seen(broken: Collection[Broken], seen: Collection[UUID]) -> None:
    unseen = [one for one in broken if one.booking.id not in seen]
    if unseen:
        message = N_("Bookings to come would break the new rules: %(count)s. They stay; please look at them first.")
        raise Conflict(message, code="bookings_affected", count=len(broken))


def _check_family(tx: Tx, instrument: Instrument, content: RulesContent) -> None:
    """A parent is another instrument of the facility that has no parent itself."""
    if content.mode is not BookingMode.WITH_PARENT:
        return
    parents = {row.id for row in tx.session.scalars(queries.possible_parents(instrument))}
    if content.parent_id not in parents:
        raise Invalid(fields={"parent": N_("Please choose another instrument of this facility.")})
    if tx.session.scalars(queries.booked_with(instrument)).first() is not None:
        raise Invalid(fields={"mode": N_("Other instruments are booked together with this one.")})


def _check_hours(instrument: Instrument, content: RulesContent) -> None:
    if content.hours is Hours.SHARED and queries.hours_of(instrument) is not Hours.SHARED:
        raise Invalid(fields={"hours": N_("Please choose one of these.")})


# --- writing -----------------------------------------------------------------------------------------------


def _write(tx: Tx, instrument: Instrument, content: RulesContent, actor: Actor, now: datetime) -> None:
    rules = instrument.rules
    if rules is None:
        rules = instrument.rules = InstrumentRules(instrument_id=instrument.id, version=0)
    for name in queries.OF_THE_ROW:
        setattr(rules, name, getattr(content, name))
    rules.version += 1
    rules.changed_at, rules.changed_by_id = now, actor.person_id
    instrument.booking_mode = content.mode
    for name in queries.OF_THE_INSTRUMENT:
        setattr(instrument, name, getattr(content, name))
    if content.hours is Hours.OWN:
        instrument.operating_plan = _own_plan(tx, instrument, content)
    elif content.hours is Hours.ALWAYS:
        instrument.operating_plan = None


def _own_plan(tx: Tx, instrument: Instrument, content: RulesContent) -> OperatingPlan:
    """The instrument's own operating plan, with the weekly stretches that the managers gave."""
    plan = tx.session.scalars(queries.own_plan(instrument)).one_or_none()
    if plan is None:
        plan = OperatingPlan(slug=queries.own_slug(instrument), timezone=instrument.facility.timezone)
        tx.session.add(plan)
    plan.shifts = [
        Shift(weekday=one.weekday, start_minute=one.start_minute, minutes=one.minutes) for one in content.weekly
    ]
    return plan


def _difference(before: RulesContent, after: RulesContent) -> dict[str, Any]:
    """What changed, by field: from what to what."""
    old, new = _plain(before), _plain(after)
    return {name: [old[name], new[name]] for name in new if old[name] != new[name]}


def _plain(content: RulesContent) -> dict[str, Any]:
    values = {name: str(value) if isinstance(value, UUID) else value for name, value in asdict(content).items()}
    values["weekly"] = [[one.weekday, one.start_minute, one.minutes] for one in content.weekly]
    return values
