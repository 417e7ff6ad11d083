"""Who is next for time that has become free: by fair share, not by first click. Plain rules, no database."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from math import fsum
from uuid import UUID

YEAR = timedelta(days=365)
HALF_LIFE = timedelta(days=90)
LONGEST_OFFER = timedelta(hours=24)
SHORTEST_OFFER = timedelta(minutes=30)
LEAST_NOTICE = timedelta(minutes=5)
"""An offer that could stand for less than this is not made: nobody could answer it."""
PEOPLE_IN_TURN = 4
"""An offer takes at most this part of the time that is left, so that others can still be asked after it."""
DEFAULT_WEIGHT = 1.0
"""What an organisation without an entitlement counts, as in a round (booking.planning.problem)."""


@dataclass(frozen=True)
class Place:
    """Somebody's place among those who wait for one instrument."""

    id: UUID
    person_id: UUID
    organisation_id: UUID
    joined_at: datetime


@dataclass(frozen=True)
class Use:
    """Time at the facility that counts as an organisation's (and a person's): used, or booked; credits are negative."""

    organisation_id: UUID
    person_id: UUID | None
    minutes: int
    until: datetime
    """When the use ended or the booking will end."""


@dataclass(frozen=True)
class Standing:
    """Where an organisation stands at a facility, in minutes: what it has used against its fair share of it.

    `weight` is its entitlement; only the proportion of used to weight matters for the order, `share` says it in hours.
    """

    used: int
    share: float
    weight: float = DEFAULT_WEIGHT

    @property
    def satisfaction(self) -> Fraction:
        """Used over weight, exact: two organisations with the same proportion are equal, whatever rounding does."""
        return Fraction(self.used) / Fraction(self.weight)


class Because(StrEnum):
    """What separates a place from the one before it (the first: from the one after it)."""

    ALONE = "alone"
    SHARE = "share"
    OWN_USE = "own_use"
    JOINED = "joined"


@dataclass(frozen=True)
class Turn:
    """A place with its number in the queue (from 1) and what decides it."""

    place: Place
    number: int
    standing: Standing
    own_minutes: int
    because: Because


def counted(minutes: int, until: datetime, now: datetime) -> float:
    """What a use still counts, in minutes: all of it while it is to come, half of it 90 days later, nothing after 365.

    The decayed use of fair-share schedulers (J. Kay and P. Lauder, "A Fair Share Scheduler", CACM 31(1), 1988), as
    ALLOCATION.md has `past_use`: minutes × 2^(−age / half-life).
    """
    age = max(now - until, timedelta())
    if age >= YEAR:
        return 0.0
    return float(minutes * 2 ** -(age / HALF_LIFE))


def standings(
    organisation_ids: Iterable[UUID], uses: Iterable[Use], weights: Mapping[UUID, float], now: datetime
) -> dict[UUID, Standing]:
    """How each organisation that waits stands, as in a round: satisfaction s = granted / fair share.

    Granted is the decayed time that it used or has booked at the facility. Its fair share is its part, by weight, of
    what all organisations that wait have had there together: T_m = w_m / Σw × Σu. So s_m < 1 says "less than its part".
    Unlike in a round s is not cut at 1: nothing tops out here. `weights` are entitlements; without any all are equal.
    """
    waiting = set(organisation_ids)
    by_organisation: dict[UUID, list[float]] = defaultdict(list)
    for use in uses:
        by_organisation[use.organisation_id].append(counted(use.minutes, use.until, now))
    used = {one: _whole(by_organisation[one]) for one in waiting}
    weight = {one: weights.get(one, DEFAULT_WEIGHT) for one in waiting}
    total, heavy = sum(used.values()), fsum(weight.values())
    return {one: Standing(used[one], total * weight[one] / heavy, weight[one]) for one in waiting}


def in_turn(places: Iterable[Place], uses: Sequence[Use], weights: Mapping[UUID, float], now: datetime) -> list[Turn]:
    """Everybody who waits, in the order in which they are asked, each with the reason.

    The organisation with the least satisfaction first; then the person who has used least themselves; then who joined
    first; then by id. The order of the arguments does not matter.
    """
    waiting = list(places)
    standing = standings((place.organisation_id for place in waiting), uses, weights, now)
    own = _own_minutes(uses, now)

    def key(place: Place) -> tuple[Fraction, int, datetime, UUID]:
        satisfaction = standing[place.organisation_id].satisfaction
        return satisfaction, own.get(place.person_id, 0), place.joined_at, place.id

    ordered = sorted(waiting, key=key)
    reasons = [_what_separates(key(one), key(other)) for one, other in pairwise(ordered)]
    reasons = [*reasons[:1], *reasons] if reasons else [Because.ALONE]
    return [
        Turn(place, number, standing[place.organisation_id], own.get(place.person_id, 0), because)
        for number, (place, because) in enumerate(zip(ordered, reasons, strict=False), 1)
    ]


def offer_until(start: datetime, now: datetime, lead: timedelta) -> datetime | None:
    """Until when an offer of time that begins at `start` stands; None when it is too late to offer it.

    A quarter of the time until it could no longer be booked (start − lead), so that others can still be asked after;
    at most 24 hours, at least 30 minutes, and never beyond start − lead. Cut to whole minutes.
    """
    latest = start - lead
    left = latest - now
    if left < LEAST_NOTICE:
        return None
    stands = min(max(left / PEOPLE_IN_TURN, SHORTEST_OFFER), LONGEST_OFFER)
    return min(now + timedelta(minutes=stands // timedelta(minutes=1)), latest)


def _own_minutes(uses: Iterable[Use], now: datetime) -> dict[UUID, int]:
    by_person: dict[UUID, list[float]] = defaultdict(list)
    for use in uses:
        if use.person_id is not None:
            by_person[use.person_id].append(counted(use.minutes, use.until, now))
    return {person_id: _whole(minutes) for person_id, minutes in by_person.items()}


def _whole(minutes: Iterable[float]) -> int:
    """Their sum in whole minutes, at least 0; `fsum` is exact, so that the order of the rows cannot matter."""
    return max(0, round(fsum(minutes)))


def _what_separates(one: tuple[Fraction, int, datetime, UUID], other: tuple[Fraction, int, datetime, UUID]) -> Because:
    if one[0] != other[0]:
        return Because.SHARE
    return Because.OWN_USE if one[1] != other[1] else Because.JOINED
