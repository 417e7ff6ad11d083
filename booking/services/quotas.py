"""Managers set quotas: add one, switch one off."""

from datetime import datetime
from uuid import UUID

from accounts.policy import Actor
from booking.models import Quota
from booking.queries import quotas as queries
from booking.queries import rules as rule_queries
from booking.quotas import DAY_MINUTES, Measure, QuotaRule, bits_of
from core import audit, idempotency
from core.db import Tx, transaction
from core.errors import Invalid
from core.i18n import N_
from facilities.policy import may_change_rules

MOST = {Measure.MINUTES: 366 * DAY_MINUTES, Measure.BOOKINGS: 100_000, Measure.OPEN_BOOKINGS: 100_000}


def add_quota(facility_id: UUID, rule: QuotaRule, actor: Actor, now: datetime, key: str) -> UUID:
    """Put a quota in force; bookings that exist already count, and stay. The same key makes one quota."""
    with transaction() as tx:
        may_change_rules(actor, facility_id).or_refuse()
        assert actor.person_id is not None  # noqa: S101 - the policy has just said so
        known = idempotency.made_before(tx, actor.person_id, key, "add_quota")
        if known is not None:
            return known
        _check(tx, facility_id, rule)
        row = Quota(
            facility_id=facility_id,
            instrument_id=rule.instrument_id,
            of=rule.of,
            measure=rule.measure,
            period=rule.period,
            most=rule.most,
            created_at=now,
        )
        if rule.prime is not None:
            row.prime_weekdays = bits_of(rule.prime.weekdays)
            row.prime_from, row.prime_until = rule.prime.from_minute, rule.prime.until_minute
        tx.session.add(row)
        audit.record(tx, actor.person_id, "add_quota", row, now, detail={"most": rule.most, "measure": rule.measure})
        idempotency.remember(tx, actor.person_id, key, "add_quota", row.id, now)
        return row.id


def end_quota(quota_id: UUID, actor: Actor, now: datetime) -> None:
    """Switch a quota off. Doing it twice changes nothing."""
    with transaction() as tx:
        row = tx.lock(queries.quota(quota_id))
        may_change_rules(actor, row.facility_id).or_refuse()
        if row.is_active:
            row.is_active = False
            audit.record(tx, actor.person_id, "end_quota", row, now)


def _check(tx: Tx, facility_id: UUID, rule: QuotaRule) -> None:
    fields = {}
    if not 0 <= rule.most <= MOST[rule.measure]:
        fields["most"] = N_("This is too little or too much.")
    prime = rule.prime
    if prime is not None and not (prime.weekdays and 0 <= prime.from_minute < prime.until_minute <= DAY_MINUTES):
        fields["prime_until"] = N_("The end must be after the start.")
    known = {row.id for row in tx.session.scalars(rule_queries.instruments_at(facility_id))}
    if rule.instrument_id is not None and rule.instrument_id not in known:
        fields["instrument"] = N_("Please choose one of these.")
    if fields:
        raise Invalid(fields=fields)
