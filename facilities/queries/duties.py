"""Every question asked of the staff: weekly duties and absences."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from accounts.models import Person
from core.intervals import Interval
from facilities.duties import Away, WeeklyDuty
from facilities.models import Absence, Duty
from facilities.openings import WeeklyShift


def duty(duty_id: UUID) -> Select[Duty]:
    """The duty with this id."""
    return select(Duty).where(Duty.id == duty_id)


def absence(absence_id: UUID) -> Select[Absence]:
    """The absence with this id."""
    return select(Absence).where(Absence.id == absence_id)


def duties_at(facility_id: UUID, today: date) -> Select[Duty]:
    """A facility's weekly duties that are not over, through the week."""
    return (
        select(Duty)
        .where(Duty.facility_id == facility_id, or_(Duty.until_day.is_(None), Duty.until_day >= today))
        .options(joinedload(Duty.person, innerjoin=True))
        .order_by(Duty.weekday, Duty.start_minute, Duty.id)
    )


def absences_at(facility_id: UUID, now: datetime) -> Select[Absence]:
    """A facility's absences that are not over, the next first."""
    return (
        select(Absence)
        .where(Absence.facility_id == facility_id, Absence.ends_at > now)
        .options(joinedload(Absence.person, innerjoin=True))
        .order_by(Absence.starts_at, Absence.id)
    )


def helpers_at(facility_id: UUID) -> Select[Duty]:
    """All weekly duties of a facility that count: those of accounts in use."""
    return select(Duty).join(Duty.person).where(Duty.facility_id == facility_id, Person.is_active)


def absences_in(facility_id: UUID, during: Interval) -> Select[Absence]:
    """Absences that touch a stretch."""
    return select(Absence).where(
        Absence.facility_id == facility_id, Absence.starts_at < during.end, Absence.ends_at > during.start
    )


def people_with_duties(facility_id: UUID) -> Select[Person]:
    """Who has a weekly duty at a facility, by name."""
    people = select(Duty.person_id).where(Duty.facility_id == facility_id)
    return select(Person).where(Person.id.in_(people)).order_by(Person.name, Person.id)


def weekly(row: Duty) -> WeeklyDuty:
    """What the rules look at in a duty."""
    shift = WeeklyShift(row.weekday, row.start_minute, row.minutes)
    return WeeklyDuty(row.person_id, shift, row.from_day, row.until_day)


def away(row: Absence) -> Away:
    """What the rules look at in an absence."""
    return Away(row.person_id, Interval(row.starts_at, row.ends_at))
