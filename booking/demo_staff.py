"""The demo's staff: a qualification of its facility, who has it, and who is on duty to help."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from accounts.policy import Actor
from core.db import db
from facilities.models import Facility
from facilities.queries import qualifications as queries
from facilities.services import duties, qualifications
from facilities.services.duties import DutyContent
from facilities.services.qualifications import QualificationContent

NAME, NAME_IT = "Beam safety (demo)", "Sicurezza del fascio (demo)"
WEEKDAYS = 5


def load_staff(
    facility: Facility,
    instrument_ids: Iterable[UUID],
    trained: Iterable[UUID],
    manager: Actor,
    today: date,
    now: datetime,
) -> None:
    """Load it once: the first of the trained people has the qualification for another three weeks only."""
    names = {row.name for row in db.session.scalars(queries.qualifications_of(facility.id))}
    if NAME in names or manager.person_id is None:
        return
    content = QualificationContent(
        NAME, NAME_IT, valid_days=730, unused_days=365, instrument_ids=frozenset(instrument_ids)
    )
    made = qualifications.add_qualification(facility.id, content, manager, now, "demo-qualification")
    for weeks, person_id in zip((3, 52), trained, strict=True):
        last = today + timedelta(weeks=weeks)
        qualifications.grant(made, person_id, last, "Demo: corso / course", manager, now)
    for weekday in range(WEEKDAYS):
        duty = DutyContent(manager.person_id, weekday, 9 * 60, 8 * 60, today)
        duties.add_duty(facility.id, duty, manager, now, f"demo-duty-{weekday}")
