"""Verbs of the staff's plan: weekly duties, absences."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from accounts import queries as accounts
from accounts.policy import Actor
from core import audit, idempotency
from core.db import transaction
from core.errors import Invalid
from core.i18n import N_
from facilities import policy
from facilities import queries as catalogue
from facilities.models import Absence, Duty
from facilities.queries import duties as queries

DAY_MINUTES = 24 * 60


@dataclass(frozen=True)
class DutyContent:
    """A weekly stretch of wall time, on its days from `from_day` through `until_day` (None: no end)."""

    person_id: UUID
    weekday: int
    start_minute: int
    minutes: int
    from_day: date
    until_day: date | None = None


def add_duty(facility_id: UUID, content: DutyContent, actor: Actor, now: datetime, key: str) -> UUID:
    """Enter that a person helps every week; the same `key` enters it once."""
    with transaction() as tx:
        policy.may_manage_duties(actor, facility_id).or_refuse()
        assert actor.person_id is not None  # noqa: S101 - the policy has just said so
        known = idempotency.made_before(tx, actor.person_id, key, "add_duty")
        if known is not None:
            return known
        tx.one(catalogue.facility(facility_id))
        tx.one(accounts.person(content.person_id))
        _check_duty(content)
        row = Duty(
            facility_id=facility_id,
            person_id=content.person_id,
            weekday=content.weekday,
            start_minute=content.start_minute,
            minutes=content.minutes,
            from_day=content.from_day,
            until_day=content.until_day,
        )
        tx.session.add(row)
        audit.record(tx, actor.person_id, "add_duty", row, now, detail=_facts(row))
        idempotency.remember(tx, actor.person_id, key, "add_duty", row.id, now)
        return row.id


def end_duty(duty_id: UUID, actor: Actor, now: datetime) -> None:
    """Take a weekly duty out of the plan, from now on and backwards."""
    with transaction() as tx:
        row = tx.lock(queries.duty(duty_id))
        policy.may_manage_duties(actor, row.facility_id).or_refuse()
        audit.record(tx, actor.person_id, "end_duty", row, now, detail=_facts(row))
        tx.session.delete(row)


def add_absence(
    facility_id: UUID, person_id: UUID, start: datetime, end: datetime, actor: Actor, now: datetime, key: str
) -> UUID:
    """Enter that a person is away in [start, end); the same `key` enters it once."""
    with transaction() as tx:
        policy.may_manage_duties(actor, facility_id).or_refuse()
        assert actor.person_id is not None  # noqa: S101 - the policy has just said so
        known = idempotency.made_before(tx, actor.person_id, key, "add_absence")
        if known is not None:
            return known
        tx.one(catalogue.facility(facility_id))
        tx.one(accounts.person(person_id))
        if end <= start or end <= now:
            message = N_("The end must be after the start, and not in the past.")
            raise Invalid(message, code="ends_before_start", fields={"last_day": message})
        row = Absence(facility_id=facility_id, person_id=person_id, starts_at=start, ends_at=end)
        tx.session.add(row)
        detail = {"person_id": str(person_id), "starts_at": start.isoformat(), "ends_at": end.isoformat()}
        audit.record(tx, actor.person_id, "add_absence", row, now, detail=detail)
        idempotency.remember(tx, actor.person_id, key, "add_absence", row.id, now)
        return row.id


def remove_absence(absence_id: UUID, actor: Actor, now: datetime) -> None:
    """Take an absence out of the plan."""
    with transaction() as tx:
        row = tx.lock(queries.absence(absence_id))
        policy.may_manage_duties(actor, row.facility_id).or_refuse()
        audit.record(tx, actor.person_id, "remove_absence", row, now, detail={"person_id": str(row.person_id)})
        tx.session.delete(row)


def _check_duty(content: DutyContent) -> None:
    fields = {}
    if not 0 <= content.weekday <= 6:
        fields["weekday"] = N_("Please choose one of these.")
    if not 0 <= content.start_minute < DAY_MINUTES:
        fields["start"] = N_("Give a time between 00:00 and 24:00.")
    if not 1 <= content.minutes <= DAY_MINUTES:
        fields["end"] = N_("A duty takes at most a day.")
    if content.until_day is not None and content.until_day < content.from_day:
        fields["until_day"] = N_("The last day is before the first.")
    if fields:
        raise Invalid(fields=fields)


def _facts(row: Duty) -> dict[str, object]:
    return {
        "person_id": str(row.person_id),
        "weekday": row.weekday,
        "start_minute": row.start_minute,
        "minutes": row.minutes,
    }
