"""Every question asked of qualifications: what an instrument needs, who has it, what ends soon."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from accounts.models import Person
from facilities.models import Facility, Instrument, InstrumentQualification, Qualification, QualificationGrant
from facilities.qualifications import Granted


def qualification(qualification_id: UUID) -> Select[Qualification]:
    """The qualification with this id."""
    return select(Qualification).where(Qualification.id == qualification_id)


def qualification_by_slug(facility_id: UUID, slug: str) -> Select[Qualification]:
    """The qualification of an address."""
    return select(Qualification).where(Qualification.facility_id == facility_id, Qualification.slug == slug)


def qualifications_of(facility_id: UUID) -> Select[Qualification]:
    """A facility's qualifications, those in use first, by name."""
    return (
        select(Qualification)
        .where(Qualification.facility_id == facility_id)
        .order_by(Qualification.is_active.desc(), Qualification.name, Qualification.id)
    )


def slugs_of_qualifications(facility_id: UUID) -> Select[str]:
    """The slugs that a facility's qualifications have taken."""
    return select(Qualification.slug).where(Qualification.facility_id == facility_id)


def instruments_of(facility_id: UUID) -> Select[Instrument]:
    """A facility's instruments, in their order."""
    return select(Instrument).where(Instrument.facility_id == facility_id).order_by(Instrument.position, Instrument.id)


def facilities_with(facility_ids: Collection[UUID]) -> Select[Facility]:
    """These facilities."""
    return select(Facility).where(Facility.id.in_(facility_ids))


def needed_by(instrument_id: UUID) -> Select[Qualification]:
    """What one must be qualified for to use an instrument alone, by name."""
    return (
        select(Qualification)
        .join(InstrumentQualification, InstrumentQualification.qualification_id == Qualification.id)
        .where(InstrumentQualification.instrument_id == instrument_id, Qualification.is_active)
        .order_by(Qualification.name, Qualification.id)
    )


def needs_of(qualification_ids: Collection[UUID]) -> Select[InstrumentQualification]:
    """Which instruments need these qualifications."""
    return select(InstrumentQualification).where(InstrumentQualification.qualification_id.in_(qualification_ids))


def grant(grant_id: UUID) -> Select[QualificationGrant]:
    """The grant with this id, with its qualification and person."""
    return (
        select(QualificationGrant)
        .where(QualificationGrant.id == grant_id)
        .options(
            joinedload(QualificationGrant.qualification, innerjoin=True),
            joinedload(QualificationGrant.person, innerjoin=True),
        )
    )


def grant_of(qualification_id: UUID, person_id: UUID) -> Select[QualificationGrant]:
    """A person's grant of one qualification."""
    return select(QualificationGrant).where(
        QualificationGrant.qualification_id == qualification_id, QualificationGrant.person_id == person_id
    )


def grants_for(person_id: UUID, qualification_ids: Collection[UUID]) -> Select[QualificationGrant]:
    """A person's grants of these qualifications, whether they count or not."""
    return select(QualificationGrant).where(
        QualificationGrant.person_id == person_id, QualificationGrant.qualification_id.in_(qualification_ids)
    )


def grants_used_by(person_id: UUID, instrument_id: UUID, at: datetime) -> Select[QualificationGrant]:
    """A person's grants that a use of an instrument refreshes: not revoked, last used before, made before."""
    needed = select(InstrumentQualification.qualification_id).where(
        InstrumentQualification.instrument_id == instrument_id
    )
    return (
        select(QualificationGrant)
        .where(
            QualificationGrant.person_id == person_id,
            QualificationGrant.qualification_id.in_(needed),
            QualificationGrant.revoked_at.is_(None),
            func.coalesce(QualificationGrant.last_used_at, QualificationGrant.granted_at) < at,
        )
        .order_by(QualificationGrant.id)
    )


def holders_of(qualification_id: UUID) -> Select[QualificationGrant]:
    """Who has, or had, a qualification; by name, revoked ones last."""
    return (
        select(QualificationGrant)
        .join(QualificationGrant.person)
        .where(QualificationGrant.qualification_id == qualification_id)
        .options(joinedload(QualificationGrant.person, innerjoin=True))
        .order_by(QualificationGrant.revoked_at.is_not(None), Person.name, QualificationGrant.id)
    )


def live_grants_at(facility_id: UUID) -> Select[QualificationGrant]:
    """Grants at a facility that were not revoked, of qualifications in use, with their people."""
    return (
        select(QualificationGrant)
        .join(QualificationGrant.qualification)
        .where(
            Qualification.facility_id == facility_id, Qualification.is_active, QualificationGrant.revoked_at.is_(None)
        )
        .options(
            joinedload(QualificationGrant.qualification, innerjoin=True),
            joinedload(QualificationGrant.person, innerjoin=True),
        )
    )


def grants_of(person_id: UUID) -> Select[QualificationGrant]:
    """A person's own grants with their qualifications."""
    return (
        select(QualificationGrant)
        .join(QualificationGrant.qualification)
        .where(QualificationGrant.person_id == person_id)
        .options(joinedload(QualificationGrant.qualification, innerjoin=True))
        .order_by(Qualification.name, QualificationGrant.id)
    )


def granted(row: QualificationGrant, of: Qualification) -> Granted:
    """What the rules look at in a grant."""
    return Granted(row.granted_at, row.expires_on, row.last_used_at, row.revoked_at, of.unused_days)
