"""Who may use an instrument alone, and whether somebody is there to help."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts import queries as accounts
from booking.models import Booking
from booking.queries import qualified as queries
from core.db import Tx
from core.errors import Conflict, Refusal
from core.i18n import N_, either
from core.intervals import Interval, union
from facilities import duties, qualifications
from facilities.models import Assistance, Facility, Instrument
from facilities.qualifications import Lack, Lacking
from facilities.queries import duties as staff_queries
from facilities.queries import qualifications as qualification_queries

LOOK_AHEAD = timedelta(days=14)

_LACKS = {
    Lack.MISSING: N_("This needs the qualification “%(qualification)s”, which you do not have."),
    Lack.REVOKED: N_("Your qualification “%(qualification)s” was revoked on %(date)s."),
    Lack.EXPIRED: N_("Your qualification “%(qualification)s” counts until %(date)s, the booking ends on %(day)s."),
    Lack.UNUSED: N_("Without a use before, your qualification “%(qualification)s” counts only until %(date)s."),
}
_LACKS_BUT_HELP = {
    Lack.MISSING: N_(
        "This needs the qualification “%(qualification)s”, which you do not have. With assistance you can book it."
    ),
    Lack.REVOKED: N_(
        "Your qualification “%(qualification)s” was revoked on %(date)s. With assistance you can book it."
    ),
    Lack.EXPIRED: N_(
        "Your qualification “%(qualification)s” counts until %(date)s, the booking ends on %(day)s. "
        "With assistance you can book it."
    ),
    Lack.UNUSED: N_(
        "Without a use before, your qualification “%(qualification)s” counts only until %(date)s. "
        "With assistance you can book it."
    ),
}


def assistance_of(instrument: Instrument) -> Assistance:
    """Whether somebody of the facility helps on an instrument; nobody does where no rule says so."""
    return instrument.rules.assistance if instrument.rules else Assistance.NONE


def is_helped(instrument: Instrument, is_assisted: bool) -> bool:
    """Whether a use is an assisted one: where help is required every use is."""
    return is_assisted or assistance_of(instrument) is Assistance.REQUIRED


def check_qualified(
    tx: Tx, instrument: Instrument, person_id: UUID, wanted: Interval, is_assisted: bool, now: datetime
) -> None:
    """Conflict "not_qualified" when the person lacks a qualification at the booked time and nobody assists."""
    offer = assistance_of(instrument)
    if offer is Assistance.REQUIRED or (offer is Assistance.OPTIONAL and is_assisted):
        return
    needed = tx.session.scalars(qualification_queries.needed_by(instrument.id)).all()
    if not needed:
        return
    rows = tx.session.scalars(qualification_queries.grants_for(person_id, [one.id for one in needed]))
    grants = {row.qualification_id: row for row in rows}
    zone = ZoneInfo(instrument.facility.timezone)
    for one in needed:
        row = grants.get(one.id)
        lacking = qualifications.lacking(qualification_queries.granted(row, one) if row else None, wanted, zone)
        if lacking is not None:
            language = tx.one(accounts.person(person_id)).language
            raise _not_qualified(either(language, one.name_it, one.name), lacking, wanted, zone, offer)


def _not_qualified(name: str, lacking: Lacking, wanted: Interval, zone: ZoneInfo, offer: Assistance) -> Refusal:
    sentence = (_LACKS if offer is Assistance.NONE else _LACKS_BUT_HELP)[lacking.lack]
    return Conflict(
        sentence,
        code="not_qualified",
        fields={"start": sentence},
        qualification=name,
        lack=lacking.lack.value,
        date=lacking.day.isoformat() if lacking.day else "",
        day=qualifications.last_day_of(wanted, zone).isoformat(),
    )


def check_staff(
    tx: Tx,
    instrument: Instrument,
    wanted: Interval,
    is_assisted: bool,
    gives_back: Collection[UUID],
    bundle_id: UUID | None = None,
) -> None:
    """Conflict "nobody_on_duty" when an assisted use is not covered by staff who are not helping elsewhere.

    Each assisted booking takes one person all through; those of the same bundle share theirs. Conflict "no_assistance"
    where nobody ever helps. Two that are checked at once at one facility wait for each other.
    """
    if not is_helped(instrument, is_assisted):
        return
    if assistance_of(instrument) is Assistance.NONE:
        message = N_("Nobody of the facility helps with this instrument: book it without assistance.")
        raise Conflict(message, code="no_assistance", fields={"is_assisted": message})
    facility = instrument.facility
    tx.alone(f"staff of {facility.id}")
    ahead = Interval(wanted.start, wanted.end + LOOK_AHEAD)
    rows = tx.session.scalars(queries.assisted_at(facility.id, ahead)).all()
    others = [row for row in rows if row.id not in gives_back and not _is_same(row.bundle_id, bundle_id)]
    free = duties.free_to_help(_staff(tx, facility, ahead), _helping(others))
    if not any(one.holds(wanted) for one in free):
        raise _nobody(duties.next_helped(free, wanted), ZoneInfo(facility.timezone))


def _is_same(bundle_id: UUID | None, other: UUID | None) -> bool:
    return bundle_id is not None and bundle_id == other


def _helping(rows: Iterable[Booking]) -> list[Interval]:
    """The time that each booking, or bundle of bookings, takes of one person."""
    taken: dict[UUID, list[Interval]] = defaultdict(list)
    for row in rows:
        taken[row.bundle_id or row.id].append(row.interval)
    return [one for times in taken.values() for one in union(times)]


def _staff(tx: Tx, facility: Facility, during: Interval) -> list[duties.Staffed]:
    weekly = [staff_queries.weekly(row) for row in tx.session.scalars(staff_queries.helpers_at(facility.id))]
    away = [staff_queries.away(row) for row in tx.session.scalars(staff_queries.absences_in(facility.id, during))]
    return duties.on_duty(weekly, away, ZoneInfo(facility.timezone), during)


def _nobody(at: datetime | None, zone: ZoneInfo) -> Conflict:
    if at is None:
        sentence = N_("Nobody of the facility is free to help all through this time.")
        return Conflict(sentence, code="nobody_on_duty", fields={"start": sentence})
    sentence = N_("Nobody of the facility is free to help all through this time. The next time is %(next)s.")
    local = at.astimezone(zone)
    return Conflict(sentence, code="nobody_on_duty", fields={"start": sentence}, next=f"{local:%Y-%m-%d %H:%M}")
