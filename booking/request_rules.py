"""The rules for what a request says: `problems_of` names every field that breaks one. Plain Python.

A field's path is the name of its form field: "title", "parts-0-amount", "lags-1-most". A draft must only have a sound
shape (it may be incomplete); a submitted request passes every rule (ALLOCATION.md, Problem and Rules in full).
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from math import gcd

from booking.content import InstrumentFacts, LagContent, PartContent, RequestContent, RoundFacts, WindowKind
from core.i18n import N_
from core.intervals import Interval, difference, intersection

Problem = tuple[str, str]

MOST_PARTS = 8
MOST_LAGS = 16
MOST_LENGTHS = 12
MOST_WINDOWS = 1000
MOST_BLOCKS = 1000
MOST_TEAM = 500
A_YEAR = 366 * 24 * 60
LINES = {
    "title": 200,
    "acronym": 30,
    "sample": 200,
    "grant_programme": 120,
    "grant_number": 80,
}
TEXTS = {"background": 6000, "objectives": 6000, "method": 6000, "impact": 6000, "safety": 4000, "equipment": 4000}
PART_NAME = 80
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

MISSING = N_("Please fill in this field.")
TOO_LONG = N_("This text is too long.")
ONE_LINE = N_("This must be a single line.")
BAD_CHARACTER = N_("This text holds a character that cannot be kept.")
TOO_MUCH = N_("This is more than the round lasts.")
NEGATIVE = N_("This cannot be less than 0.")


class Strictness(StrEnum):
    """How much a request must say by now."""

    DRAFT = "draft"
    SUBMIT = "submit"


def problems_of(
    content: RequestContent, facts: RoundFacts, strictness: Strictness = Strictness.SUBMIT
) -> list[Problem]:
    """Every (field path, msgid) that keeps the content from being sent, or from being kept as a draft."""
    shape = [*_text_shape(content), *_number_shape(content), *_parts_shape(content, facts), *_lags_shape(content)]
    if shape or strictness is Strictness.DRAFT:
        return shape  # the other rules reckon with what has a sound shape
    return [*_texts_complete(content), *_parts_complete(content, facts), *_lags_complete(content)]


# shape: what even a draft must keep -----------------------------------------------------------------------------------


def _text_shape(content: RequestContent) -> Iterator[Problem]:
    for name, most in LINES.items():
        yield from _line(name, getattr(content, name), most)
    for name, most in TEXTS.items():
        yield from _text(name, getattr(content, name), most)


def _line(path: str, text: str, most: int) -> Iterator[Problem]:
    if "\n" in text or "\r" in text:
        yield path, ONE_LINE
    yield from _text(path, text, most)


def _text(path: str, text: str, most: int) -> Iterator[Problem]:
    if _CONTROL.search(text):
        yield path, BAD_CHARACTER
    if len(text) > most:
        yield path, TOO_LONG


def _number_shape(content: RequestContent) -> Iterator[Problem]:
    if content.team_size is not None and not 1 <= content.team_size <= MOST_TEAM:
        yield "team_size", N_("A team has between 1 and 500 people.")
    if not 0 <= content.biosafety_level <= 4:
        yield "biosafety_level", N_("The biosafety level is between 0 and 4.")


def _parts_shape(content: RequestContent, facts: RoundFacts) -> Iterator[Problem]:
    if len(content.parts) > MOST_PARTS:
        yield "parts", N_("A request has at most 8 parts.")
    for position, part in enumerate(content.parts):
        path = f"parts-{position}"
        yield from _line(f"{path}-name", part.name, PART_NAME)
        yield from _instruments_shape(f"{path}-instruments", part, facts)
        yield from _amounts_shape(path, part, facts)
        yield from _windows_shape(f"{path}-windows", part, facts.horizon)
        offered = {instrument.configuration for instrument in facts.instruments.values()}
        if part.configuration is not None and part.configuration not in offered:
            yield f"{path}-configuration", N_("No instrument of this round offers this.")


def _instruments_shape(path: str, part: PartContent, facts: RoundFacts) -> Iterator[Problem]:
    if any(instrument not in facts.instruments for instrument in part.instrument_ids):
        yield path, N_("This instrument is not offered in this round.")
    if len(set(part.instrument_ids)) < len(part.instrument_ids):
        yield path, N_("An instrument is named twice.")


def _amounts_shape(path: str, part: PartContent, facts: RoundFacts) -> Iterator[Problem]:
    for name, minutes in (
        ("amount", part.amount_minutes),
        ("least", part.least_minutes),
        ("gap_least", part.gap_least_minutes),
        ("gap_most", part.gap_most_minutes),
    ):
        yield from _duration(f"{path}-{name}", minutes, facts.horizon.minutes)
    lengths = part.lengths_minutes
    if len(lengths) > MOST_LENGTHS or len(set(lengths)) < len(lengths):
        yield f"{path}-lengths", N_("Give at most 12 lengths, each once.")
    if any(not 0 < length <= facts.horizon.minutes for length in lengths):
        yield f"{path}-lengths", N_("A block is longer than 0 hours and not longer than the round.")
    if part.most_blocks is not None and not 1 <= part.most_blocks <= MOST_BLOCKS:
        yield f"{path}-most_blocks", N_("Give a number from 1 to 1000, or leave it empty.")


def _duration(path: str, minutes: int | None, most: int) -> Iterator[Problem]:
    if minutes is not None and minutes < 0:
        yield path, NEGATIVE
    if minutes is not None and minutes > most:
        yield path, TOO_MUCH


def _windows_shape(path: str, part: PartContent, horizon: Interval) -> Iterator[Problem]:
    if len(part.windows) > MOST_WINDOWS:
        yield path, N_("The calendar of this part has too many pieces.")
        return
    for window in part.windows:
        if window.starts_at >= window.ends_at:
            yield path, N_("A stretch of the calendar must end after it starts.")
            return
        if not (horizon.start <= window.starts_at and window.ends_at <= horizon.end):
            yield path, N_("The calendar must stay inside the time of the round.")
            return
    preferred, impossible = (_painted(part, kind) for kind in WindowKind)
    if intersection(preferred, impossible):
        yield path, N_("The same time cannot be both preferred and impossible.")


def _painted(part: PartContent, kind: WindowKind) -> list[Interval]:
    return [Interval(window.starts_at, window.ends_at) for window in part.windows if window.kind is kind]


def _lags_shape(content: RequestContent) -> Iterator[Problem]:
    if len(content.lags) > MOST_LAGS:
        yield "lags", N_("A request has at most 16 rules between parts.")
    for position, lag in enumerate(content.lags):
        yield from _ends_shape(f"lags-{position}", lag, len(content.parts))
        yield from _wait_shape(f"lags-{position}-least", lag.least_minutes)
        yield from _wait_shape(f"lags-{position}-most", lag.most_minutes or 0)


def _ends_shape(path: str, lag: LagContent, parts: int) -> Iterator[Problem]:
    for name, place in (("after", lag.after), ("then", lag.then)):
        if not 0 <= place < parts:
            yield f"{path}-{name}", N_("This is not a part of this request.")
    if lag.after == lag.then:
        yield f"{path}-then", N_("A part cannot wait for itself.")


def _wait_shape(path: str, minutes: int) -> Iterator[Problem]:
    if minutes < 0:
        yield path, NEGATIVE
    if minutes > A_YEAR:
        yield path, N_("A wait is at most a year.")


# completeness: what a request must say to be sent ---------------------------------------------------------------------


def _texts_complete(content: RequestContent) -> Iterator[Problem]:
    for name in ("title", "objectives", "sample"):
        if not getattr(content, name).strip():
            yield name, MISSING
    if content.team_size is None:
        yield "team_size", MISSING
    if content.biosafety_level >= 1 and not content.safety.strip():
        yield "safety", N_("From biosafety level 1 on, say how the work is kept safe.")
    if content.grant_programme and not content.grant_number:
        yield "grant_number", N_("Give the number of the grant as well.")
    if content.grant_number and not content.grant_programme:
        yield "grant_programme", N_("Give the programme of the grant as well.")


def _parts_complete(content: RequestContent, facts: RoundFacts) -> Iterator[Problem]:
    if not content.parts:
        yield "parts", N_("A request needs at least one part.")
    for position, part in enumerate(content.parts):
        path = f"parts-{position}"
        alternatives = [facts.instruments[instrument] for instrument in part.instrument_ids]
        problems = [
            *_alternatives_complete(path, part, alternatives),
            *_amounts_complete(path, part, facts.grain_minutes),
            *_gap_complete(path, part),
        ]
        yield from problems or [*_lengths_fit(path, part, alternatives), *_room(path, part, facts, alternatives)]


def _alternatives_complete(path: str, part: PartContent, alternatives: Sequence[InstrumentFacts]) -> Iterator[Problem]:
    if not alternatives:
        yield f"{path}-instruments", N_("Choose at least one instrument.")
    if len({instrument.cost for instrument in alternatives}) > 1:
        yield f"{path}-instruments", N_("Instruments that stand for each other must cost the same: use two parts.")
    fixed = {instrument.configuration for instrument in alternatives} - {None}
    if len(fixed) > 1:
        yield f"{path}-instruments", N_("These instruments are never set up alike: use two parts.")
    elif part.configuration is not None and fixed - {part.configuration}:
        yield f"{path}-configuration", N_("Not all of the chosen instruments offer this.")


def _amounts_complete(path: str, part: PartContent, grain: int) -> Iterator[Problem]:
    if part.amount_minutes == 0:
        yield f"{path}-amount", MISSING
    elif part.amount_minutes % grain:
        yield f"{path}-amount", N_("This does not fit the round’s time grid.")
    if part.least_minutes > part.amount_minutes:
        yield f"{path}-least", N_("The smallest useful amount cannot be more than the amount.")
    elif part.least_minutes % grain:
        yield f"{path}-least", N_("This does not fit the round’s time grid.")
    if not part.lengths_minutes:
        yield f"{path}-lengths", N_("Say how long a block may be.")
    elif any(length % grain for length in part.lengths_minutes):
        yield f"{path}-lengths", N_("This does not fit the round’s time grid.")
    elif part.amount_minutes and part.amount_minutes % grain == 0:
        yield from _divisible(path, part)


def _divisible(path: str, part: PartContent) -> Iterator[Problem]:
    blocks = fewest_blocks(part.amount_minutes, part.lengths_minutes)
    if blocks is None:
        yield f"{path}-amount", N_("The amount cannot be put together from these block lengths.")
    elif part.most_blocks is not None and blocks > part.most_blocks:
        yield f"{path}-most_blocks", N_("The amount needs more blocks than this.")


def fewest_blocks(amount: int, lengths: Sequence[int]) -> int | None:
    """How many blocks of these lengths give exactly this amount, at the least; None when no number does."""
    unit = gcd(*lengths)
    if amount % unit:
        return None
    sizes, goal = [length // unit for length in lengths], amount // unit
    fewest: list[int | None] = [0] + [None] * goal
    for total in range(1, goal + 1):
        before = [fewest[total - size] for size in sizes if size <= total]
        reached = [count for count in before if count is not None]
        fewest[total] = min(reached) + 1 if reached else None
    return fewest[goal]


def _gap_complete(path: str, part: PartContent) -> Iterator[Problem]:
    least, most = part.gap_least_minutes or 0, part.gap_most_minutes
    if most is not None and most < least:
        yield f"{path}-gap_most", N_("The longest pause cannot be shorter than the shortest.")


def _lengths_fit(path: str, part: PartContent, alternatives: Sequence[InstrumentFacts]) -> Iterator[Problem]:
    for length in part.lengths_minutes:
        if not any(instrument.least_minutes <= length <= instrument.most_minutes for instrument in alternatives):
            yield f"{path}-lengths", N_("The chosen instruments are not given in blocks of this length.")
            return
        if not any(_has_room(instrument.openings, instrument.starts, length) for instrument in alternatives):
            yield f"{path}-lengths", N_("A block of this length fits no shift of the chosen instruments.")
            return


def _has_room(openings: Sequence[Interval], starts: Sequence[datetime] | None, length: int) -> bool:
    return any(_fits(opening, starts, length) for opening in openings)


def _fits(opening: Interval, starts: Sequence[datetime] | None, length: int) -> bool:
    """Whether a block of `length` minutes can start somewhere in this stretch and end in it."""
    latest = opening.end - timedelta(minutes=length)
    if starts is None:
        return opening.start <= latest
    return any(opening.start <= start <= latest for start in starts)


def _room(
    path: str, part: PartContent, facts: RoundFacts, alternatives: Sequence[InstrumentFacts]
) -> Iterator[Problem]:
    """Whether what is not impossible leaves room for a block, and for the smallest useful amount."""
    allowed = difference([facts.horizon], _painted(part, WindowKind.IMPOSSIBLE))
    shortest = min(part.lengths_minutes)
    usable = [
        stretch.length
        for instrument in alternatives
        for stretch in intersection(instrument.openings, allowed)
        if _fits(stretch, instrument.starts, shortest)
    ]
    if not usable:
        yield f"{path}-windows", N_("Nothing is left: the calendar leaves no room for a block.")
    elif sum(usable, timedelta()) < timedelta(minutes=part.least_minutes):
        yield f"{path}-windows", N_("The calendar leaves less time than the smallest useful amount.")


def _lags_complete(content: RequestContent) -> Iterator[Problem]:
    for position, lag in enumerate(content.lags):
        if lag.most_minutes is not None and lag.most_minutes < lag.least_minutes:
            yield f"lags-{position}-most", N_("The longest wait cannot be shorter than the shortest.")
    if _runs_in_circles(content.lags):
        yield "lags", N_("The parts wait for each other in a circle.")


def _runs_in_circles(lags: Sequence[LagContent]) -> bool:
    """Kahn's algorithm: what is left when no part without a predecessor remains is a circle."""
    left = set(lags)
    while left:
        waiting = {lag.then for lag in left}
        free = {lag for lag in left if lag.after not in waiting}
        if not free:
            return True
        left -= free
    return False
