"""What managers decide about one instrument, as plain values, and what makes such a decision unsound."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from booking.terms import DAY_MINUTES, WEEK_MINUTES, Terms, check_mode, check_times
from core.errors import Conflict, Invalid, Refusal
from core.i18n import N_
from core.intervals import Interval
from facilities.models.rules import MOST_BUFFER, Assistance
from facilities.openings import WeeklyShift
from facilities.policy import BookingMode

YEAR_MINUTES = 365 * DAY_MINUTES
MOST_HORIZON = 731
MOST_LEVELS = 5
NO_SHOW_RANGE = (5, DAY_MINUTES)


class Hours(StrEnum):
    """From where an instrument has its opening hours."""

    ALWAYS = "always"
    SHARED = "shared"
    """An operating plan of the catalogue, which others may follow as well."""
    OWN = "own"


@dataclass(frozen=True)
class RulesContent:
    """Everything that managers say of an instrument's booking; minutes, `horizon_days` in days.

    `weekly`: the opening hours where they are the instrument's own, in the facility's wall time, by weekday and start.
    """

    mode: BookingMode
    slot_minutes: int
    least_minutes: int
    most_minutes: int
    hours: Hours = Hours.ALWAYS
    weekly: tuple[WeeklyShift, ...] = ()
    lead_minutes: int = 0
    horizon_days: int = 365
    buffer_before: int = 0
    buffer_after: int = 0
    allows_overnight: bool = True
    allows_several_days: bool = True
    free_cancel_minutes: int = 0
    last_minute_minutes: int = DAY_MINUTES
    no_show_minutes: int | None = None
    assistance: Assistance = Assistance.NONE
    approval_levels: int = 1
    opens_leftover: bool = True
    parent_id: UUID | None = None


RANGES = {
    "slot_minutes": (1, WEEK_MINUTES),
    "least_minutes": (1, YEAR_MINUTES),
    "most_minutes": (1, YEAR_MINUTES),
    "lead_minutes": (0, YEAR_MINUTES),
    "horizon_days": (1, MOST_HORIZON),
    "buffer_before": (0, MOST_BUFFER),
    "buffer_after": (0, MOST_BUFFER),
    "free_cancel_minutes": (0, YEAR_MINUTES),
    "last_minute_minutes": (0, YEAR_MINUTES),
    "approval_levels": (1, MOST_LEVELS),
}
"""Smallest and largest sound value of each number."""


def check(content: RulesContent) -> None:
    """Raise Invalid with every field that is wrong."""
    fields = dict(_wrong_fields(content))
    if fields:
        raise Invalid(fields=fields)


def _wrong_fields(content: RulesContent) -> Iterator[tuple[str, str]]:
    for name, (least, most) in RANGES.items():
        if not least <= getattr(content, name) <= most:
            yield name, N_("This is too little or too much.")
    if content.no_show_minutes is not None and not NO_SHOW_RANGE[0] <= content.no_show_minutes <= NO_SHOW_RANGE[1]:
        yield "no_show_minutes", N_("Between 5 minutes and a day, or empty.")
    yield from _impossible(content)
    if content.hours is Hours.OWN:
        yield from _wrong_hours(content.weekly)
    if content.mode is BookingMode.WITH_PARENT and content.parent_id is None:
        yield "parent", N_("Say with which instrument it is booked.")


def _impossible(content: RulesContent) -> Iterator[tuple[str, str]]:
    """Rules that no booking could keep."""
    if content.most_minutes < max(content.least_minutes, content.slot_minutes):
        yield "most_minutes", N_("The longest booking is at least as long as the shortest one and as one step.")
    elif max(content.least_minutes, content.slot_minutes) > DAY_MINUTES and not content.allows_several_days:
        yield "least_minutes", N_("The shortest booking is longer than a day, and that is not allowed below.")
    if content.lead_minutes >= content.horizon_days * DAY_MINUTES:
        yield "lead_minutes", N_("No time is left between the earliest and the latest start.")


def _wrong_hours(weekly: Sequence[WeeklyShift]) -> Iterator[tuple[str, str]]:
    if not weekly:
        yield "hours", N_("Give at least one stretch of the week.")
    if overlap(weekly):
        yield "hours", N_("Two stretches of the week overlap.")


def overlap(weekly: Sequence[WeeklyShift]) -> bool:
    """Whether two stretches of the week share a minute, the last one of Sunday and the first one of Monday included."""
    spans = sorted((one.weekday * DAY_MINUTES + one.start_minute, one.minutes) for one in weekly)
    if not spans:
        return False
    spans.append((spans[0][0] + WEEK_MINUTES, spans[0][1]))
    return any(start + minutes > following for (start, minutes), (following, _) in pairwise(spans))


def terms_under(content: RulesContent, now: Terms, zone: ZoneInfo) -> Terms:
    """The terms that an instrument would have, from those that it has now; `zone` is the facility's."""
    is_shared = content.hours is Hours.SHARED
    return Terms(
        mode=content.mode,
        zone=now.zone if is_shared else zone,
        slot_minutes=content.slot_minutes,
        least_minutes=content.least_minutes,
        most_minutes=content.most_minutes,
        shifts=now.shifts if is_shared else (content.weekly if content.hours is Hours.OWN else None),
        lead_minutes=content.lead_minutes,
        horizon_days=content.horizon_days,
        buffer_before=content.buffer_before,
        buffer_after=content.buffer_after,
        allows_overnight=content.allows_overnight,
        allows_several_days=content.allows_several_days,
    )


def hindrance(terms: Terms, stretch: Interval, others: Sequence[Interval]) -> Refusal | None:
    """Why a booking that stands could not be made under these terms; lead time and horizon are no matter any more.

    `others`: the bookings beside it on the same unit.
    """
    timeless = replace(terms, lead_minutes=0, horizon_days=MOST_HORIZON)
    try:
        check_mode(terms.mode)
        check_times(timeless, stretch.start, stretch.end, stretch.start)
    except Refusal as refusal:
        return refusal
    held = terms.held(stretch)
    if any(terms.held(one).overlaps(held) for one in others):
        return Conflict(N_("It is closer to another booking than the buffers allow."), code="buffers")
    return None
