"""Giving a booking to another person: who may not take it, and how it is written."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import Person
from accounts.policy import Actor
from booking.models import Booking, BookingKind
from booking.policy.ledger import OWN
from booking.queries import changes as queries
from booking.services.ledger.holding import change_state, touch
from booking.services.ledger.qualified import check_qualified
from booking.services.ledger.quotas import check_quotas
from core.db import Tx
from core.errors import Conflict
from core.i18n import N_

_UNFIT = {
    "not_qualified": N_(
        "The other person may not use the instrument then: “%(qualification)s” is missing or has ended."
    ),
    "quota": N_("With this booking the other person would exceed a quota: %(quota)s."),
}


@dataclass(frozen=True)
class Holder:
    """Who holds a booking, in whose name and what for."""

    person: Person
    organisation_id: UUID
    title: str
    is_confidential: bool


def holder_of(row: Booking) -> Holder:
    """Who holds a booking that is a person's."""
    assert row.person is not None  # noqa: S101 - closures are nobody's and never get here
    assert row.organisation_id is not None  # noqa: S101 - the policy has said so
    return Holder(row.person, row.organisation_id, row.title, row.is_confidential)


def check_may_hold(tx: Tx, row: Booking, holder: Holder, gives_back: frozenset[UUID], now: datetime) -> None:
    """Refuse a person who approved the booking, lacks a qualification, or would exceed a quota; times stay as they are.

    `gives_back`: bookings that are no longer the person's or the organisation's afterwards. What a round has allocated
    counts against no quota.
    """
    if tx.session.scalars(queries.approval_by(row, holder.person.id)).first() is not None:
        raise Conflict(OWN.reason, code=OWN.code)
    check_qualified(tx, row.instrument, holder.person.id, row.interval, row.is_assisted, now)
    if row.kind is not BookingKind.ROUND:
        check_quotas(tx, row.instrument, holder.person.id, holder.organisation_id, row.interval, gives_back, now)


def beside(refusal: Conflict, field: str) -> Conflict:
    """A refusal of `check_may_hold`, beside a field of another form than a booking's."""
    return Conflict(refusal.message, code=refusal.code, fields={field: refusal.message}, **refusal.values)


def of_another(refusal: Conflict, field: str) -> Conflict:
    """A refusal of `check_may_hold` in words for whoever is not the person that it speaks of, beside a field."""
    sentence = _UNFIT.get(refusal.code, refusal.message)
    return Conflict(sentence, code=refusal.code, fields={field: sentence}, **refusal.values)


def give(tx: Tx, row: Booking, to: Holder, verb: str, actor: Actor, now: datetime, reason: str = "") -> None:
    """Let a locked booking be somebody else's, audited; the calendars of both show it. It leaves its series."""
    facts = {"from": str(row.person_id), "to": str(to.person.id)}
    change_state(tx, row, verb, actor, now, reason, facts)
    row.person, row.person_id = to.person, to.person.id
    row.organisation_id = to.organisation_id
    row.title, row.is_confidential = to.title, to.is_confidential
    row.series_id = row.series_day = None
    tx.session.flush()
    tx.session.expire(row, ["organisation"])
    touch(tx, row, now)
