"""What an instrument asks of a booking, in words, so that nobody learns a rule by breaking it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from accounts.models import Organisation
from accounts.policy import Actor
from booking import quota_words
from booking.lengths import length_text
from booking.queries import ledger as ledger_queries
from booking.queries import quotas as quota_queries
from booking.quotas import Period, QuotaOf, Use, period_of
from booking.terms import Terms
from core import formats
from core.intervals import Interval
from core.web import current_language
from facilities.models import Instrument
from facilities.openings import WeeklyShift, local_instant
from facilities.policy import BookingMode

NOON = 12 * 60
MONDAY = date(2027, 1, 4)
"""Any Monday, for the names of the weekdays."""


@dataclass(frozen=True)
class Asks:
    """The rules, and what of each quota the reader and their organisations have used."""

    rules: Sequence[str]
    quotas: Sequence[str]


def asks_of(
    session: Session,
    instrument: Instrument,
    actor: Actor,
    organisations: Iterable[Organisation],
    day: date | None,
    now: datetime,
) -> Asks:
    """The rules of an instrument, and the quotas in the period of the day that the form shows (None: of today)."""
    terms = ledger_queries.terms_of(instrument)
    rules = [*_lengths(terms), *_when(terms), *_afterwards(instrument)]
    zone = ZoneInfo(instrument.facility.timezone)
    at = local_instant(day or now.astimezone(zone).date(), NOON, zone)
    found = [quota_queries.rule_of(row) for row in session.scalars(quota_queries.quotas_on(instrument))]
    said: dict[str, None] = {}
    for one in organisations if found else ():
        assert actor.person_id is not None  # noqa: S101 - who has organisations is signed in
        asked = quota_queries.Asked(actor.person_id, one.id, now, Interval(at, at + timedelta(hours=1)))
        uses = quota_queries.uses(session, instrument, found, asked)
        said |= dict.fromkeys(_used(use, one.name, zone.key, now) for use in uses)
    last_minute = [_last_minute(instrument)] if said else []
    return Asks(rules, [*said, *filter(None, last_minute)])


# --- the instrument's own rules ------------------------------------------------------------------------------


def _length(minutes: int) -> str:
    return length_text(minutes, current_language())


def _lengths(terms: Terms) -> Iterator[str]:
    yield _(
        "In steps of %(step)s, from %(least)s to %(most)s.",
        step=_length(terms.slot_minutes),
        least=_length(terms.least_minutes),
        most=_length(terms.most_minutes),
    )
    if not terms.allows_overnight and not terms.allows_several_days:
        yield _("Within one day: not over midnight.")
    elif not terms.allows_overnight:
        yield _("Not for a single night; for more than 24 hours it can be booked.")
    elif not terms.allows_several_days:
        yield _("For at most 24 hours.")
    if terms.buffer_before or terms.buffer_after:
        yield _(
            "Before each booking %(before)s stay free, after it %(after)s.",
            before=_length(terms.buffer_before),
            after=_length(terms.buffer_after),
        )


def _when(terms: Terms) -> Iterator[str]:
    if terms.shifts is not None:
        yield _("Open: %(hours)s.", hours=_hours_in_words(terms.shifts))
    if terms.lead_minutes:
        yield _("Book at least %(lead)s ahead.", lead=_length(terms.lead_minutes))
    yield _("Book at most %(days)s days ahead.", days=terms.horizon_days)


def _afterwards(instrument: Instrument) -> Iterator[str]:
    rules = instrument.rules
    if rules is None:
        return
    if instrument.booking_mode is BookingMode.APPROVAL and rules.approval_levels > 1:
        yield _("%(number)s approvals are needed, one after the other.", number=rules.approval_levels)
    if rules.free_cancel_minutes:
        yield _(
            "Cancel freely until %(length)s before the start; later, what nobody else takes counts as used.",
            length=_length(rules.free_cancel_minutes),
        )
    if rules.no_show_minutes is not None:
        yield _(
            "Check in within %(length)s of the start: otherwise the time is free for others.",
            length=_length(rules.no_show_minutes),
        )


def _hours_in_words(shifts: Sequence[WeeklyShift]) -> str:
    """'Mon–Fri 08:00–18:00, Sat 09:00–12:00'."""
    of_day: dict[int, list[str]] = {}
    for one in sorted(shifts, key=lambda shift: (shift.weekday, shift.start_minute)):
        of_day.setdefault(one.weekday, []).append(_stretch(one))
    texts = [(day, ", ".join(of_day[day])) for day in sorted(of_day)]
    runs = groupby(enumerate(texts), key=lambda item: (item[1][0] - item[0], item[1][1]))
    return "; ".join(_run([day for _place, (day, _text) in run], text) for (_gap, text), run in runs)


def _run(days: Sequence[int], text: str) -> str:
    names = [formats.weekday_short(MONDAY + timedelta(days=day), current_language()) for day in days]
    return f"{names[0]}–{names[-1]} {text}" if len(names) > 1 else f"{names[0]} {text}"


def _stretch(one: WeeklyShift) -> str:
    end = one.start_minute + one.minutes
    days, minute = divmod(end, 24 * 60)
    if (days, minute) == (1, 0):
        days, minute = 0, 24 * 60
    later = formats.weekday_short(MONDAY + timedelta(days=one.weekday + days), current_language()) if days else ""
    return f"{quota_words.clock(one.start_minute)}–{f'{later} ' if later else ''}{quota_words.clock(minute)}"


# --- quotas ----------------------------------------------------------------------------------------------------


def _used(use: Use, organisation: str, zone: str, now: datetime) -> str:
    values = {
        "quota": quota_words.name(use.rule),
        "who": _("by you") if use.rule.of is QuotaOf.PERSON else _("by %(name)s", name=organisation),
        "used": quota_words.quantity(use.rule, use.used),
        "most": quota_words.quantity(use.rule, use.rule.most),
        "when": _period(use, zone, now),
    }
    return str(_("Quota: %(quota)s. Used %(who)s %(when)s: %(used)s of %(most)s.", **values))


def _period(use: Use, zone: str, now: datetime) -> str:
    """'this week', or which period the form's time lies in when it is not the present one."""
    if use.renews_at is None:
        return str(_("now"))
    if period_of(use.rule.period, now, ZoneInfo(zone)).end == use.renews_at:
        present = {
            Period.DAY: _("today"),
            Period.WEEK: _("this week"),
            Period.MONTH: _("this month"),
            Period.YEAR: _("this year"),
        }
        return str(present[use.rule.period])
    last = formats.day(use.renews_at - timedelta(minutes=1), zone, current_language())
    return str(_("until %(day)s", day=last))


def _last_minute(instrument: Instrument) -> str:
    minutes = quota_queries.last_minute_of(instrument)
    if not minutes:
        return ""
    return str(_("Less than %(length)s before the start no quota counts.", length=_length(minutes)))
