"""Deputies: a manager lets somebody else approve for them at a facility, for a time."""

from datetime import datetime, timedelta
from uuid import UUID

from accounts import queries as accounts
from accounts.models import Person
from accounts.policy import HIDDEN, Actor
from booking.models import Deputy
from booking.policy import approvals as policy
from booking.queries import approvals as queries
from core import audit, idempotency, mail
from core.db import Tx, transaction
from core.errors import Invalid
from core.i18n import N_, either
from core.intervals import Interval
from facilities import queries as facilities
from facilities.models import Facility

LONGEST = timedelta(days=366)


def deputise(
    facility_id: UUID, email: str, start: datetime, end: datetime, actor: Actor, now: datetime, key: str
) -> UUID:
    """Let whoever has this address approve for the actor at a facility in [start, end); the deputy is told by mail.

    What a deputy may do is looked up at each of their acts (booking.queries.approvals.seats_stood_for): it ends with
    the time, with this row, and with the manager's own post or account. The same `key` makes one. Refusals: Invalid
    "unknown_person", "yourself", "ends_before_start", "in_the_past", "too_long".
    """
    with transaction() as tx:
        policy.may_deputise(actor, facility_id).or_refuse()
        assert actor.person_id is not None  # noqa: S101 - the policy has just said so
        known = idempotency.made_before(tx, actor.person_id, key, "deputise")
        if known is not None:
            return known
        during = _sound(start, end, now)
        person = _somebody_else(tx, email, actor)
        facility = tx.one(facilities.facility(facility_id))
        row = Deputy(
            facility_id=facility_id,
            manager_id=actor.person_id,
            person_id=person.id,
            starts_at=during.start,
            ends_at=during.end,
        )
        tx.session.add(row)
        audit.record(tx, actor.person_id, "deputise", row, now, detail=_facts(row))
        idempotency.remember(tx, actor.person_id, key, "deputise", row.id, now)
        _tell(tx, row, person, facility, actor, now)
        return row.id


def end_deputy(deputy_id: UUID, actor: Actor, now: datetime) -> None:
    """End a deputy's time at once; one that has not begun is taken away. Ending twice changes nothing."""
    with transaction() as tx:
        row = tx.session.scalars(queries.deputy(deputy_id).with_for_update()).one_or_none()
        if row is None or row.ends_at <= now:
            _known_or_refused(row, actor)
            return
        policy.may_end_deputy(actor, row.facility_id, row.person_id).or_refuse()
        audit.record(tx, actor.person_id, "end_deputy", row, now, detail=_facts(row))
        if row.starts_at < now:
            row.ends_at = now
        else:
            tx.session.delete(row)


def _known_or_refused(row: Deputy | None, actor: Actor) -> None:
    """A deputy of times past is known to whom a present one is; one that is gone is nobody's to know of."""
    if row is None:
        HIDDEN.or_refuse()
    else:
        policy.may_end_deputy(actor, row.facility_id, row.person_id).or_refuse()


def _sound(start: datetime, end: datetime, now: datetime) -> Interval:
    if end <= start:
        raise _wrong("end", "ends_before_start", N_("The end must be after the start."))
    if end <= now:
        raise _wrong("end", "in_the_past", N_("This time is over already."))
    if end - start > LONGEST:
        raise _wrong("end", "too_long", N_("For at most a year, please."))
    return Interval(start, end)


def _somebody_else(tx: Tx, email: str, actor: Actor) -> Person:
    person = tx.session.scalars(accounts.person_by_email(email)).one_or_none()
    if person is None or not accounts.counts(person):
        raise _wrong("email", "unknown_person", N_("Nobody with an account here has this address."))
    if actor.is_person(person.id):
        raise _wrong("email", "yourself", N_("You approve for yourself already."))
    return person


def _wrong(field: str, code: str, message: str) -> Invalid:
    return Invalid(message, code=code, fields={field: message})


def _facts(row: Deputy) -> dict[str, str]:
    return {
        "facility_id": str(row.facility_id),
        "manager_id": str(row.manager_id),
        "person_id": str(row.person_id),
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
    }


def _tell(tx: Tx, row: Deputy, person: Person, facility: Facility, actor: Actor, now: datetime) -> None:
    mail.send(
        tx,
        key=f"deputy_named:{row.id}",
        to=person.email,
        language=person.language,
        template="deputy_named",
        values={
            "name": person.name,
            "manager": actor.name,
            "facility": either(person.language, facility.name_it, facility.name_en),
            "starts_at": row.starts_at.isoformat(),
            "ends_at": row.ends_at.isoformat(),
            "zone": facility.timezone,
            "path": "/inbox",
        },
        at=now,
    )
