"""What the calendar's address asks for, and what a dragged bar sends; nonsense in an address is no wish."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from booking.forms.ledger import clock_minutes, day_of
from core.errors import Invalid
from core.i18n import N_
from core.localtime import instants_at

LONGEST_WORD = 120
MOST_ROWS = 100_000
MOST_ONLY = 60
_WALL = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)


class View(StrEnum):
    """How much time is shown."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class Asked:
    """What is to be shown: a period, the instruments, how many rows are skipped; `only` narrows to rows to draw anew.

    `day` is any day of the period (None: today); `shown` the one of the phone's agenda (None: today or the first).
    """

    view: View = View.WEEK
    day: date | None = None
    shown: date | None = None
    facility: str = ""
    kind: str = ""
    technique: str = ""
    mine: bool = False
    after: int = 0
    only: frozenset[UUID] = frozenset()

    def period(self, today: date) -> tuple[date, int]:
        """The first day of the period and the number of its days."""
        day = self.day or today
        if self.view is View.DAY:
            return day, 1
        if self.view is View.WEEK:
            return day - timedelta(days=day.weekday()), 7
        first = day.replace(day=1)
        return first, (_next_month(first) - first).days

    def moved(self, today: date, step: int) -> date:
        """A day of the period before (-1) or after (1)."""
        first, days = self.period(today)
        return first - timedelta(days=1) if step < 0 else first + timedelta(days=days)


def asked_from(args: MultiDict[str, str]) -> Asked:
    """Read an address."""
    view = args.get("view", "")
    after = args.get("after", "")
    return Asked(
        view=View(view) if view in set(View) else View.WEEK,
        day=day_or_none(args.get("day", "")),
        shown=day_or_none(args.get("shown", "")),
        facility=_word(args, "facility"),
        kind=_word(args, "kind"),
        technique=_word(args, "technique"),
        mine=args.get("mine") == "y",
        after=min(int(after), MOST_ROWS) if _WHOLE.fullmatch(after) else 0,
        only=frozenset(found for text in args.getlist("only")[:MOST_ONLY] if (found := uuid_or_none(text))),
    )


def query_of(asked: Asked, **changes: Any) -> dict[str, Any]:
    """The address that asks for the same, with changes; what is not asked for is left out."""
    values = {**vars(asked), **changes}
    return {
        "view": None if values["view"] is View.WEEK else str(values["view"]),
        "day": values["day"].isoformat() if values["day"] else None,
        "shown": values["shown"].isoformat() if values["shown"] else None,
        "facility": values["facility"] or None,
        "kind": values["kind"] or None,
        "technique": values["technique"] or None,
        "mine": "y" if values["mine"] else None,
        "after": str(values["after"]) if values["after"] else None,
    }


@dataclass(frozen=True)
class Dropped:
    """A bar that was dropped: which booking, its sequence as it was drawn, on which instrument, from when, until when.

    The times are by the wall clock, as they were sent.
    """

    booking_id: UUID
    instrument_id: UUID
    sequence: int
    start: str
    end: str

    def times(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Both instants; Invalid where the clock shows a time never or twice: the form asks which one is meant."""
        return _instant("start", self.start, zone), _instant("end", self.end, zone)


def dropped_from(form: MultiDict[str, str]) -> Dropped:
    """Read what a script sent; Invalid when it was not ours."""
    booking_id, instrument_id = uuid_or_none(form.get("booking", "")), uuid_or_none(form.get("instrument", ""))
    sequence = form.get("sequence", "")
    if booking_id is None or instrument_id is None or not _WHOLE.fullmatch(sequence):
        raise Invalid(code="not_a_move")
    return Dropped(booking_id, instrument_id, int(sequence), form.get("start", ""), form.get("end", ""))


def _instant(field: str, text: str, zone: ZoneInfo) -> datetime:
    found = _WALL.fullmatch(text)
    minute = clock_minutes(found[2]) if found else None
    day = day_or_none(found[1]) if found else None
    if day is None or minute is None:
        raise Invalid(code="not_a_move")
    instants = instants_at(day, minute, zone)
    if len(instants) == 1:
        return instants[0]
    message = (
        N_("This time comes twice on that day, because the clocks go back. Please use the booking's own page.")
        if instants
        else N_("This time does not exist on that day: the clocks go forward over it.")
    )
    raise Invalid(message, code="clock_change", fields={field: message})


def day_or_none(text: str) -> date | None:
    """'2027-01-04' of a plausible year, else None."""
    try:
        return day_of(text)
    except ValueError:
        return None


def uuid_or_none(text: str) -> UUID | None:
    """An id, else None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _word(args: MultiDict[str, str], name: str) -> str:
    return args.get(name, "").strip()[:LONGEST_WORD]


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)
