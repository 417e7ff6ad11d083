"""What the pages of a request show: the calendar of each part in words, the way of a request, its hours and shares."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_date, get_day_names
from flask_babel import gettext as _
from flask_babel import pgettext
from markupsafe import Markup
from wtforms import Field

from booking.content import InstrumentFacts, PartContent, RequestContent, RoundFacts
from booking.forms.requests import RequestForm, all_fields
from booking.lifecycle import RequestState, RoundState
from booking.models import Plan, Request, Round
from booking.painting import Calendar, Cell, calendar
from booking.queries import requests as queries
from core import formats
from core.i18n import either
from core.intervals import Interval, intersection, union
from core.web import current_language
from facilities.models import Instrument
from facilities.openings import WeeklyShift

USUAL_MINUTES = (30, 60, 120, 180, 240, 360, 480, 720, 1440)
MOST_USUAL = 8
DAY_MINUTES = 24 * 60


# calendars ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column's head: 'Sat' and '08–16', or the whole day's name."""

    day: str
    hours: str


@dataclass(frozen=True)
class PaintPage:
    """A part's calendar with its words. `rows` are (number of the week, its days, cells)."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[int, str, tuple[Cell | None, ...]], ...]
    zone: str
    has_clock_change: bool

    @property
    def keys(self) -> set[str]:
        """The names of all cells that can be painted."""
        return {cell.key for _number, _days, cells in self.rows for cell in cells if cell and not cell.is_held}


def paint_page(part: PartContent, round_: Round) -> PaintPage:
    """The calendar of a part: the shifts of its instruments, or days when they have none or not the same ones."""
    offered = [row.instrument for row in round_.instruments]
    chosen = [instrument for instrument in offered if instrument.id in part.instrument_ids] or offered
    zone = chosen[0].facility.timezone if chosen else round_.timezone
    horizon = queries.horizon_of(round_)
    held = [queries.held_back(round_, instrument.id) for instrument in chosen]
    shared = reduce(intersection, held) if held else []
    table = calendar(_common_shifts(chosen), ZoneInfo(zone), horizon, part.windows, shared)
    return PaintPage(
        columns=tuple(_column(column, table.by_day) for column in table.columns),
        rows=tuple(
            (number, _week(week.monday, horizon, zone), week.cells) for number, week in enumerate(table.weeks, 1)
        ),
        zone=zone,
        has_clock_change=_has_clock_change(table, ZoneInfo(zone)),
    )


def _common_shifts(instruments: Sequence[Instrument]) -> list[WeeklyShift]:
    """The weekly shifts, when all the instruments have the same operating plan."""
    plans = {instrument.operating_plan_id for instrument in instruments}
    plan = instruments[0].operating_plan if len(plans) == 1 else None
    return [WeeklyShift(row.weekday, row.start_minute, row.minutes) for row in plan.shifts] if plan else []


def _column(shift: WeeklyShift, by_day: bool) -> Column:
    day = get_day_names("abbreviated", locale=current_language())[shift.weekday]
    return Column(day, "" if by_day else f"{_clock(shift.start_minute)}–{_clock(shift.start_minute + shift.minutes)}")


def _clock(minute: int) -> str:
    hours, minutes = divmod(minute, 60)
    hours = 24 if hours == 24 and not minutes else hours % 24
    return f"{hours:02}:{minutes:02}" if minutes else f"{hours:02}"


def _week(monday: date, horizon: Interval, zone: str) -> str:
    """'4–10 Jan', cut to the round."""
    first = max(monday, horizon.start.astimezone(ZoneInfo(zone)).date())
    last = min(monday + timedelta(days=6), (horizon.end - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date())
    language = current_language()
    end = format_date(last, "d MMM", locale=language)
    if first == last:
        return end
    return f"{format_date(first, 'd' if first.month == last.month else 'd MMM', locale=language)}–{end}"


def _has_clock_change(table: Calendar, zone: ZoneInfo) -> bool:
    offsets = {cell.time.start.astimezone(zone).utcoffset() for week in table.weeks for cell in week.cells if cell}
    return len(offsets) > 1


# the form -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Complaint:
    """A line of the summary of problems: where to go, under which heading, and what is wrong."""

    anchor: str
    heading: str
    sentence: str


def complaints(form: RequestForm, general: Iterable[str] = ()) -> list[Complaint]:
    """Every problem of the form, in the order of the page."""
    beside = [
        Complaint(_anchor(field), " – ".join(filter(None, (heading, str(field.label.text)))), " ".join(field.errors))
        for heading, field in all_fields(form)
        if field.errors
    ]
    return [Complaint("parts", "", sentence) for sentence in general] + beside


def _anchor(field: Field) -> str:
    """Groups of boxes and the calendar have their id on the group."""
    group = field.type in ("InstrumentsField", "LengthsField", "CalendarField", "RadioField")
    return f"{field.id}-group" if group else field.id


def usual_lengths(facts: RoundFacts) -> list[int]:
    """Block lengths in minutes that suit the instruments: whole shifts and runs of shifts, or round numbers."""
    counted: dict[int, int] = {}
    for instrument in facts.instruments.values():
        for length in _lengths_of(instrument, facts.grain_minutes):
            counted[length] = counted.get(length, 0) + 1
    commonest = sorted(counted, key=lambda length: (-counted[length], length))[:MOST_USUAL]
    return sorted(commonest)


def _lengths_of(instrument: InstrumentFacts, grain: int) -> Iterable[int]:
    found: list[int] = []
    if instrument.starts is None:
        step = max(grain, instrument.slot_minutes)
        found = [minutes for minutes in USUAL_MINUTES if minutes % step == 0]
    for opening in instrument.openings if instrument.starts is not None else ():
        marks = [*(start for start in instrument.starts or () if opening.start <= start < opening.end), opening.end]
        found += [Interval(a, b).minutes for place, a in enumerate(marks) for b in marks[place + 1 :]]
    return [m for m in found if instrument.least_minutes <= m <= instrument.most_minutes and m % grain == 0]


def prepare(form: RequestForm, round_: Round, lengths: Sequence[int]) -> None:
    """Give the form's lists their choices."""
    form.biosafety_level.choices = [(str(level), _biosafety(level)) for level in range(5)]
    form.needs.choices = [
        ("all", _("All parts are needed: without one of them the others are of no use")),
        ("any", _("Each part is useful by itself")),
    ]
    instruments = [row.instrument for row in round_.instruments]
    several = len({instrument.facility_id for instrument in instruments}) > 1
    set_ups = sorted({instrument.configuration for instrument in instruments if instrument.configuration})
    for entry in form.parts.entries:
        entry.form.instruments.choices = [(row.id, instrument_label(row, several)) for row in instruments]
        entry.form.configuration.choices = [("", _("As the instrument is")), *((name, name) for name in set_ups)]
        entry.form.lengths.choices = [(minutes, formats.hours(minutes, current_language())) for minutes in lengths]
    places = [(str(place), part_name(place, entry.form.name.data)) for place, entry in enumerate(form.parts.entries)]
    for lag in form.lags.entries:
        lag.form.after.choices = places
        lag.form.then.choices = places


def _biosafety(level: int) -> str:
    words: str = _("0 – no biological material") if level == 0 else _("BSL-%(level)s", level=level)
    return words


def instrument_label(instrument: Instrument, is_of_several: bool) -> str:
    """The name; with its facility where a round offers instruments of several, so that they can be told apart."""
    name = either(current_language(), instrument.name_it, instrument.name)
    if not is_of_several:
        return name
    facility = either(current_language(), instrument.facility.name_it, instrument.facility.name_en)
    return Markup('{} <small class="d-block">{}</small>').format(name, facility)


def part_name(place: int, name: str | None) -> str:
    """'Part 2: mass spectrometry'."""
    number: str = _("Part %(number)s", number=place + 1)
    return f"{number}: {name}" if name else number


# hours and shares -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """What a request's organisation may reckon with in a round, in minutes; past use is not counted here."""

    offered: int
    fair: int
    asked_by_others: int
    asked_here: int

    @property
    def asked(self) -> int:
        """What the organisation would ask for in all."""
        return self.asked_by_others + self.asked_here

    @property
    def is_above(self) -> bool:
        """Whether the organisation asks for more than its share, which is allowed."""
        return self.asked > self.fair


def share_of(round_: Round, organisation_id: UUID, asked_by_others: int, asked_here: int) -> Share:
    """The organisation's part of the open time by its weight."""
    weights = {row.organisation_id: row.weight for row in round_.entitlements}
    offered = open_minutes(round_)
    fair = offered * weights.get(organisation_id, 0.0) / (sum(weights.values()) or 1.0)
    return Share(offered, int(fair), asked_by_others, asked_here)


def open_minutes(round_: Round) -> int:
    """Open instrument time of a round; instruments that share one thing count once."""
    facts = queries.round_facts(round_)
    shared: dict[UUID, list[Interval]] = {}
    total = 0
    for row in round_.instruments:
        openings = list(facts.instruments[row.instrument_id].openings)
        if row.instrument.exclusion_group_id is None:
            total += row.instrument.capacity * _minutes(openings)
        else:
            shared.setdefault(row.instrument.exclusion_group_id, []).extend(openings)
    return total + sum(_minutes(union(openings)) for openings in shared.values())


def _minutes(intervals: Iterable[Interval]) -> int:
    return sum(interval.minutes for interval in intervals)


def without_words(content: RequestContent) -> RequestContent:
    """What everybody who knows of a confidential request may read: its hours and instruments, none of its words."""
    return RequestContent(
        team_size=content.team_size,
        is_confidential=content.is_confidential,
        needs=content.needs,
        parts=tuple(replace(part, name="") for part in content.parts),
        lags=content.lags,
    )


# the way of a request -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """A station on the way of a request: 'done', 'current' or 'next'; `at` is when it happened or is due."""

    name: str
    status: str
    hint: str = ""
    at: datetime | None = None
    is_past: bool = False


def way_of(request: Request) -> list[Step]:
    """Draft, sent, judged, decided: what was, what is, and what comes next and when."""
    begun = Step(pgettext("station", "Begun"), "done", at=request.created_at, is_past=True)
    sent = Step(pgettext("station", "Sent"), "done", at=request.submitted_at, is_past=True)
    if request.state is RequestState.WITHDRAWN:
        withdrawn = Step(pgettext("station", "Withdrawn"), "current", at=request.updated_at, is_past=True)
        return [begun, *([sent] if request.submitted_at else []), withdrawn]
    deadline = request.round.deadline_at
    until = _("The round takes requests until the deadline; then the review begins.")
    score = _("The facility checks feasibility and safety and scores the request.")
    share = _("The plan of the round is made: fair shares first, then merit.")
    tell = _("You are told once, with reasons; the time appears in your calendar.")
    stations = (
        (begun, Step(pgettext("station", "Draft"), "", _("Complete it and send it before the deadline."), deadline)),
        (sent, Step(pgettext("station", "Sent"), "", until, deadline)),
        (Step(pgettext("station", "Review"), "done"), Step(pgettext("station", "Review"), "", score)),
        (Step(pgettext("station", "Allocation"), "done"), Step(pgettext("station", "Allocation"), "", share)),
        (Step(pgettext("station", "Decision"), "done"), Step(pgettext("station", "Decision"), "", tell)),
    )
    here = _station(request)
    if here == len(stations) - 1:
        decided = Step(pgettext("station", "Decision"), "current", at=request.round.published_at, is_past=True)
        return [*(done for done, _open in stations[:-1]), decided]
    return [
        *(done for done, _open in stations[:here]),
        replace(stations[here][1], status="current"),
        *(replace(step, status="next", at=None) for _done, step in stations[here + 1 :]),
    ]


def _station(request: Request) -> int:
    if request.state is RequestState.DRAFT:
        return 0
    if request.state is not RequestState.SUBMITTED:
        return 4
    return {RoundState.REVIEW: 2, RoundState.ALLOCATION: 3}.get(request.round.state, 1)


def events() -> Mapping[str, str]:
    """What can happen to a request, by verb, in words."""
    return {
        "begin": pgettext("event", "Draft begun"),
        "clone": pgettext("event", "Copied from another request"),
        "submit": pgettext("event", "Sent"),
        "withdraw": pgettext("event", "Withdrawn"),
        "review": pgettext("event", "Reviewed"),
        "allocate": pgettext("event", "Granted"),
        "allocate_partly": pgettext("event", "Granted in part"),
        "reserve": pgettext("event", "Put on the reserve list"),
        "refuse": pgettext("event", "Not granted"),
    }


# what came of it ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Free:
    """Time that was free in the plan, near to what was asked for."""

    instrument: Instrument
    time: Interval


@dataclass(frozen=True)
class Outcome:
    """The decision on a request, its reason in the reader's language or a reviewer's words, and what is free."""

    state: RequestState
    reason: str
    rank: int | None
    nearest: tuple[Free, ...]


DECIDED = {
    RequestState.ALLOCATED: "allocate",
    RequestState.PARTLY_ALLOCATED: "allocate_partly",
    RequestState.RESERVE: "reserve",
    RequestState.REFUSED: "refuse",
}


def outcome_of(request: Request, plan: Plan | None) -> Outcome | None:
    """What was decided; None before the decision."""
    verb = DECIDED.get(request.state)
    if verb is None:
        return None
    notes = [event.note for event in request.events if event.verb == verb]
    refusals = plan.certificate.get("refusals", {}) if plan and plan.certificate else {}
    nearest = refusals.get(str(request.id), {}).get("nearest", ())
    reason = _(notes[-1]) if notes and notes[-1] else ""  # here, not in the template: that would fill in any % sign
    return Outcome(request.state, reason, request.reserve_rank, _free(request, nearest))


def _free(request: Request, rows: Iterable[Mapping[str, Any]]) -> tuple[Free, ...]:
    """Blocks of a certificate, whose times are grains from the start of the horizon."""
    grain = timedelta(minutes=request.round.grain_minutes)
    instruments = {str(row.instrument_id): row.instrument for part in request.parts for row in part.alternatives}
    found = []
    for row in rows:
        instrument = instruments.get(str(row["resource"]).partition("/")[0])
        start = request.round.horizon_start + row["start"] * grain
        if instrument is not None:
            found.append(Free(instrument, Interval(start, start + row["length"] * grain)))
    return tuple(found)
