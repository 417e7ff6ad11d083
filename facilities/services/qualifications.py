"""Verbs of qualifications: say what is needed where, grant, revoke, note a use."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts import queries as accounts
from accounts.identifiers import slug_from
from accounts.models import Person
from accounts.policy import Actor
from core import audit, idempotency, mail
from core.db import Tx, transaction
from core.errors import Invalid
from core.i18n import N_, either
from facilities import policy
from facilities import queries as catalogue
from facilities.models import Instrument, InstrumentQualification, Qualification, QualificationGrant
from facilities.qualifications import usual_end
from facilities.queries import qualifications as queries

LONGEST_NAME = 200
MOST_DAYS = 36_500


@dataclass(frozen=True)
class QualificationContent:
    """What managers say of a qualification; `instrument_ids` are used alone only by those who have it."""

    name: str
    name_it: str = ""
    valid_days: int | None = None
    unused_days: int | None = None
    is_active: bool = True
    instrument_ids: frozenset[UUID] = frozenset()


def add_qualification(facility_id: UUID, content: QualificationContent, actor: Actor, now: datetime, key: str) -> UUID:
    """Enter a qualification of a facility; the same `key` enters it once."""
    with transaction() as tx:
        policy.may_manage_qualifications(actor, facility_id).or_refuse()
        assert actor.person_id is not None  # noqa: S101 - the policy has just said so
        known = idempotency.made_before(tx, actor.person_id, key, "add_qualification")
        if known is not None:
            return known
        tx.alone(f"qualifications of {facility_id}")
        tx.one(catalogue.facility(facility_id))
        row = Qualification(facility_id=facility_id, slug=_free_slug(tx, facility_id, content.name))
        _fill(row, _checked(content))
        tx.session.add(row)
        tx.session.flush()
        _need(tx, row, content.instrument_ids)
        audit.record(tx, actor.person_id, "add_qualification", row, now, detail=_facts(content))
        idempotency.remember(tx, actor.person_id, key, "add_qualification", row.id, now)
        return row.id


def change_qualification(qualification_id: UUID, content: QualificationContent, actor: Actor, now: datetime) -> None:
    """Say anew what is said of a qualification; saying the same again changes nothing."""
    with transaction() as tx:
        row = tx.lock(queries.qualification(qualification_id))
        policy.may_manage_qualifications(actor, row.facility_id).or_refuse()
        before = _content_of(tx, row)
        _fill(row, _checked(content))
        _need(tx, row, content.instrument_ids)
        if _content_of(tx, row) != before:
            detail = {"before": _facts(before), "after": _facts(content)}
            audit.record(tx, actor.person_id, "change_qualification", row, now, detail=detail)


def grant(
    qualification_id: UUID, person_id: UUID, expires_on: date | None, note: str, actor: Actor, now: datetime
) -> UUID:
    """Say that a person has a qualification through a day (None: as long as its rule says) and tell them.

    Somebody who has or had it gets it anew. Granting the same again changes nothing. Nobody grants to themselves.
    """
    with transaction() as tx:
        of = tx.lock(queries.qualification(qualification_id))
        policy.may_grant(actor, of.facility_id, person_id).or_refuse()
        person = tx.one(accounts.person(person_id))
        zone = ZoneInfo(tx.one(catalogue.facility(of.facility_id)).timezone)
        last = expires_on or usual_end(of.valid_days, zone, now)
        _check_grant(of, last, note, now.astimezone(zone).date())
        row = tx.session.scalars(queries.grant_of(of.id, person_id)).one_or_none()
        if row is None:
            row = QualificationGrant(qualification_id=of.id, person_id=person_id)
            tx.session.add(row)
        elif row.revoked_at is None and (row.expires_on, row.note) == (last, note.strip()):
            return row.id
        row.granted_at, row.granted_by_id = now, actor.person_id
        row.expires_on, row.note, row.revoked_at = last, note.strip(), None
        detail = {"person_id": str(person_id), "expires_on": last.isoformat() if last else None}
        audit.record(tx, actor.person_id, "grant_qualification", row, now, detail=detail)
        _tell(tx, row, of, person, "qualification_granted", now, until=last.isoformat() if last else "")
        return row.id


def revoke(grant_id: UUID, reason: str, actor: Actor, now: datetime) -> None:
    """Take a qualification from a person, who is told why. Revoking twice changes nothing."""
    with transaction() as tx:
        seen = tx.one(queries.grant(grant_id))
        of = tx.lock(queries.qualification(seen.qualification_id))
        policy.may_manage_qualifications(actor, of.facility_id).or_refuse()
        if seen.revoked_at is not None:
            return
        if not reason.strip():
            message = N_("Please say why: the person reads it.")
            raise Invalid(message, code="reason_missing", fields={"reason": message})
        seen.revoked_at = now
        detail = {"person_id": str(seen.person_id)}
        audit.record(tx, actor.person_id, "revoke_qualification", seen, now, reason=reason.strip(), detail=detail)
        _tell(tx, seen, of, seen.person, "qualification_revoked", now, reason=reason.strip())


def used(tx: Tx, person_id: UUID, instrument: Instrument, at: datetime) -> None:
    """Note that a person has used an instrument: what it needs is not unused from then on. An older use says nothing.

    For the verbs that end a use, in their transaction, after all their other locks.
    """
    for row in tx.session.scalars(queries.grants_used_by(person_id, instrument.id, at).with_for_update()):
        row.last_used_at = at


# --- pieces ---------------------------------------------------------------------------------------------------


def _checked(content: QualificationContent) -> QualificationContent:
    fields = {}
    for name in ("name", "name_it"):
        if len(getattr(content, name).strip()) > LONGEST_NAME:
            fields[name] = N_("At most %(most)s characters, please.")
    if not content.name.strip():
        fields["name"] = N_("Please give a name.")
    for name in ("valid_days", "unused_days"):
        days = getattr(content, name)
        if days is not None and not 1 <= days <= MOST_DAYS:
            fields[name] = N_("Give a number of days, at least 1, or nothing.")
    if fields:
        raise Invalid(fields=fields, most=LONGEST_NAME)
    return content


def _fill(row: Qualification, content: QualificationContent) -> None:
    row.name, row.name_it = content.name.strip(), content.name_it.strip()
    row.valid_days, row.unused_days = content.valid_days, content.unused_days
    row.is_active = content.is_active


def _need(tx: Tx, row: Qualification, wanted: Collection[UUID]) -> None:
    """Make these the instruments that need a qualification; Invalid when one is of another facility."""
    own = {one.id for one in tx.session.scalars(queries.instruments_of(row.facility_id))}
    if not set(wanted) <= own:
        message = N_("This instrument is not one of this facility.")
        raise Invalid(message, code="other_facility", fields={"instrument_ids": message})
    known = {need.instrument_id: need for need in tx.session.scalars(queries.needs_of([row.id]))}
    for instrument_id in set(wanted) - set(known):
        tx.session.add(InstrumentQualification(instrument_id=instrument_id, qualification_id=row.id))
    for instrument_id in set(known) - set(wanted):
        tx.session.delete(known[instrument_id])
    tx.session.flush()


def _content_of(tx: Tx, row: Qualification) -> QualificationContent:
    needs = frozenset(need.instrument_id for need in tx.session.scalars(queries.needs_of([row.id])))
    return QualificationContent(row.name, row.name_it, row.valid_days, row.unused_days, row.is_active, needs)


def _facts(content: QualificationContent) -> dict[str, Any]:
    return {
        "name": content.name,
        "name_it": content.name_it,
        "valid_days": content.valid_days,
        "unused_days": content.unused_days,
        "is_active": content.is_active,
        "instruments": sorted(str(one) for one in content.instrument_ids),
    }


def _free_slug(tx: Tx, facility_id: UUID, name: str) -> str:
    taken = set(tx.session.scalars(queries.slugs_of_qualifications(facility_id))) | {"new"}
    base = slug_from(name)
    return next(slug for slug in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if slug not in taken)


def _check_grant(of: Qualification, last: date | None, note: str, today: date) -> None:
    if not of.is_active:
        message = N_("This qualification is switched off.")
        raise Invalid(message, code="switched_off", fields={"email": message})
    if last is not None and last < today:
        message = N_("This day is past.")
        raise Invalid(message, code="in_the_past", fields={"expires_on": message})
    if len(note.strip()) > LONGEST_NAME:
        message = N_("At most %(most)s characters, please.")
        raise Invalid(message, code="note_too_long", fields={"note": message}, most=LONGEST_NAME)


def _tell(
    tx: Tx, row: QualificationGrant, of: Qualification, person: Person, template: str, now: datetime, **more: str
) -> None:
    facility = tx.one(catalogue.facility(of.facility_id))
    mail.send(
        tx,
        key=f"{template}:{row.id}:{now.isoformat()}",
        to=person.email,
        language=person.language,
        template=template,
        values={
            "name": person.name,
            "qualification": either(person.language, of.name_it, of.name),
            "facility": either(person.language, facility.name_it, facility.name_en),
            "path": "/qualifications",
            **more,
        },
        at=now,
    )
