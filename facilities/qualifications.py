"""When a qualification counts: from its grant until it expires, is revoked or was not used for too long."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from core.intervals import Interval

SOON_DAYS = 30
MOMENT = timedelta(microseconds=1)


class Lack(StrEnum):
    """Why somebody may not use an instrument alone."""

    MISSING = "missing"
    REVOKED = "revoked"
    EXPIRED = "expired"
    UNUSED = "unused"


@dataclass(frozen=True)
class Granted:
    """A person's grant: `expires_on` is its last local day, `unused_days` how long it lasts without a use."""

    granted_at: datetime
    expires_on: date | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    unused_days: int | None = None


@dataclass(frozen=True)
class Lacking:
    """What is wrong with a grant, and the local day since which it is (the last one on which it counted, or None)."""

    lack: Lack
    day: date | None = None


def lacking(granted: Granted | None, booked: Interval, zone: ZoneInfo) -> Lacking | None:
    """Why a grant does not count for a booked stretch; None when it does.

    It has to count through the local day on which the booking ends; disuse is counted in local days from the last use,
    or the grant, to the day on which the booking begins.
    """
    if granted is None or granted.granted_at > booked.start:
        return Lacking(Lack.MISSING)
    if granted.revoked_at is not None:
        return Lacking(Lack.REVOKED, granted.revoked_at.astimezone(zone).date())
    if granted.expires_on is not None and granted.expires_on < last_day_of(booked, zone):
        return Lacking(Lack.EXPIRED, granted.expires_on)
    used_until = last_day_without_use(granted, zone)
    if used_until is not None and used_until < booked.start.astimezone(zone).date():
        return Lacking(Lack.UNUSED, used_until)
    return None


def last_day_without_use(granted: Granted, zone: ZoneInfo) -> date | None:
    """The last local day on which a grant counts if it is not used again; None: disuse does not end it."""
    if granted.unused_days is None:
        return None
    since = max(filter(None, (granted.granted_at, granted.last_used_at)))
    return since.astimezone(zone).date() + timedelta(days=granted.unused_days)


def last_day(granted: Granted, zone: ZoneInfo) -> date | None:
    """The last local day on which a grant counts as things stand; None: it has no end in sight."""
    return min(filter(None, (granted.expires_on, last_day_without_use(granted, zone))), default=None)


def ends_soon(granted: Granted, zone: ZoneInfo, now: datetime) -> bool:
    """Whether a grant that counts today will not in `SOON_DAYS` days."""
    last, today = last_day(granted, zone), now.astimezone(zone).date()
    return granted.revoked_at is None and last is not None and today <= last <= today + timedelta(days=SOON_DAYS)


def usual_end(valid_days: int | None, zone: ZoneInfo, now: datetime) -> date | None:
    """The last day of a grant made now, by its qualification's rule."""
    return None if valid_days is None else now.astimezone(zone).date() + timedelta(days=valid_days)


def last_day_of(booked: Interval, zone: ZoneInfo) -> date:
    """The local day on which a stretch ends; one that ends at midnight ends on the day before."""
    return (booked.end - MOMENT).astimezone(zone).date()
