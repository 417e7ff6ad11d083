"""Handing held time over to a colleague: the slot is never free in between, and the booking stays the same one."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from accounts import queries as accounts
from accounts.models import Person
from accounts.policy import Actor
from booking.lifecycle import BOOKING_STEPS, can_step
from booking.models import Booking
from booking.policy import changes as policy
from booking.queries import ledger as queries
from booking.services.ledger.common import check_is_no_offer, locked_bundle, reason_missing, tell
from booking.services.ledger.holders import check_may_hold, give, holder_of, of_another
from booking.services.ledger.holding import RUNNING_KINDS
from core.db import Tx, transaction
from core.errors import Conflict, Invalid
from core.i18n import N_

_NOT_A_COLLEAGUE = N_("Nobody of the booking's organisation has this address.")


def hand_over(booking_id: UUID, email: str, actor: Actor, now: datetime, reason: str = "") -> None:
    """Give a booking, and those of its bundle, to another person of the same organisation, who may give it back.

    `email` names the colleague: who belongs to an organisation is not for everybody to read. To whom it belongs already
    changes nothing. Refusals, beside "email": Invalid "not_a_colleague", Conflict "not_qualified", "quota",
    "own_booking"; else Conflict "has_ended", "is_offer"; Invalid "reason_missing" (a manager).
    """
    reason = reason.strip()
    with transaction() as tx:
        row, beside = locked_bundle(tx, booking_id)
        policy.may_hand_over(actor, queries.held(row)).or_refuse()
        _check_goes_on(tx, row, now)
        colleague = _colleague(tx, row, email)
        if colleague.id == row.person_id:
            return
        is_own = actor.is_person(row.person_id)
        if not is_own and not reason:
            raise reason_missing()
        bundle = [row, *beside]
        _check_colleague(tx, bundle, colleague, now)
        tell(tx, row, "booking_handed_over", now, reason=reason, by="" if is_own else actor.name, to=colleague.name)
        for each in bundle:
            give(tx, each, replace(holder_of(each), person=colleague), "hand_over", actor, now, reason)
        tell(tx, row, "booking_received", now, reason=reason, by=actor.name)


def _check_goes_on(tx: Tx, row: Booking, now: datetime) -> None:
    if row.kind not in RUNNING_KINDS or not can_step(BOOKING_STEPS, row.state, "hand_over"):
        raise Conflict(N_("This booking can no longer be handed over."), code="illegal_step")
    if row.ends_at <= now or row.checked_out_at is not None:
        raise Conflict(N_("This booking is over."), code="has_ended")
    check_is_no_offer(row)


def _colleague(tx: Tx, row: Booking, email: str) -> Person:
    """Whoever has this address in the booking's organisation; nothing else is told about an address."""
    assert row.organisation_id is not None  # noqa: S101 - the policy has just said so
    person = tx.session.scalars(accounts.person_by_email(email)).one_or_none()
    if person is None or not accounts.counts(person) or not _belongs(tx, person, row.organisation_id):
        raise Invalid(_NOT_A_COLLEAGUE, code="not_a_colleague", fields={"email": _NOT_A_COLLEAGUE})
    return person


def _belongs(tx: Tx, person: Person, organisation_id: UUID) -> bool:
    return tx.session.scalars(accounts.membership(person.id, organisation_id)).first() is not None


def _check_colleague(tx: Tx, bundle: list[Booking], colleague: Person, now: datetime) -> None:
    given = {each.id for each in bundle}
    for each in bundle:
        try:
            check_may_hold(tx, each, replace(holder_of(each), person=colleague), frozenset(given), now)
        except Conflict as refusal:
            raise of_another(refusal, "email") from refusal
        given.remove(each.id)
