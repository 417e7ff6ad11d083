"""The waitlist's rules: who is next, why, how use fades, how long an offer stands, which starts are tried."""

from datetime import datetime, timedelta
from fractions import Fraction
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.availability import Busy
from booking.terms import Terms
from booking.vacancies import Wait, vacancies
from booking.waiting import Because, Place, Turn, Use, counted, in_turn, offer_until, standings
from core.intervals import Interval
from facilities.openings import WeeklyShift
from facilities.policy import BookingMode
from tests.factories import MONDAY

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
NOW = MONDAY
SPACE = UUID(int=0)


def an_id(name: str) -> UUID:
    return uuid5(SPACE, name)


def a_place(name: str, organisation: str = "", joined: timedelta = timedelta()) -> Place:
    return Place(an_id(name), an_id(f"person {name}"), an_id(organisation or name), NOW - 10 * DAY + joined)


def a_use(organisation: str, minutes: int, until: datetime = NOW, person: str | None = None) -> Use:
    return Use(an_id(organisation), an_id(f"person {person}") if person else None, minutes, until)


def names(turns: list[Turn], *places: str) -> list[str]:
    known = {an_id(name): name for name in places}
    return [known[turn.place.id] for turn in turns]


# --- what use still counts --------------------------------------------------------------------------------

COUNTED = [
    ("just ended", timedelta(), 60.0),
    ("still to come", -30 * DAY, 60.0),
    ("a half-life ago", 90 * DAY, 30.0),
    ("two half-lives ago", 180 * DAY, 15.0),
    ("a moment less than a year ago", 365 * DAY - MINUTE, 60 * 2 ** -(365 / 90)),
    ("a year ago", 365 * DAY, 0.0),
    ("long ago", 4000 * DAY, 0.0),
]


@pytest.mark.parametrize(("age", "minutes"), [pytest.param(*case[1:], id=case[0]) for case in COUNTED])
def test_use_fades_by_half_in_90_days_and_is_forgotten_after_a_year(age: timedelta, minutes: float) -> None:
    assert counted(60, NOW - age, NOW) == pytest.approx(minutes, rel=1e-5)


def test_a_credit_takes_use_away_and_never_makes_a_debt() -> None:
    uses = [a_use("a", 120), a_use("a", -30), a_use("b", 10), a_use("b", -60)]
    found = standings([an_id("a"), an_id("b")], uses, {}, NOW)
    assert [found[an_id(one)].used for one in "ab"] == [90, 0]


# --- fair shares ------------------------------------------------------------------------------------------


def test_without_entitlements_all_who_wait_have_equal_shares_of_what_they_had_together() -> None:
    found = standings([an_id("a"), an_id("b")], [a_use("a", 12 * 60), a_use("b", 48 * 60)], {}, NOW)
    assert [(one.used, one.share) for one in (found[an_id("a")], found[an_id("b")])] == [(720, 1800.0), (2880, 1800.0)]


def test_an_entitlement_makes_the_share_larger_and_satisfaction_smaller() -> None:
    uses, weights = [a_use("a", 600), a_use("b", 300)], {an_id("a"): 4.0}
    found = standings([an_id("a"), an_id("b")], uses, weights, NOW)
    assert [found[an_id(one)].share for one in "ab"] == [720.0, 180.0]
    assert [found[an_id(one)].satisfaction for one in "ab"] == [Fraction(150), Fraction(300)]


def test_organisations_that_do_not_wait_take_no_share() -> None:
    found = standings([an_id("a")], [a_use("a", 60), a_use("b", 6000)], {}, NOW)
    assert (found[an_id("a")].share, set(found)) == (60.0, {an_id("a")})


# --- who is next ------------------------------------------------------------------------------------------


def test_the_organisation_with_the_least_satisfaction_is_first_whoever_joined_first() -> None:
    places = [a_place("rich"), a_place("poor", joined=5 * DAY), a_place("none", joined=9 * DAY)]
    turns = in_turn(places, [a_use("rich", 600), a_use("poor", 60)], {}, NOW)
    assert names(turns, "rich", "poor", "none") == ["none", "poor", "rich"]
    assert [turn.number for turn in turns] == [1, 2, 3]
    assert {turn.because for turn in turns} == {Because.SHARE}


TIES = [
    ("own use", [a_use("o", 60, person="a")], timedelta(), DAY, ["b", "a"], Because.OWN_USE),
    ("time of joining", [a_use("o", 60)], DAY, timedelta(), ["b", "a"], Because.JOINED),
    ("time of joining, the other way", [], timedelta(), DAY, ["a", "b"], Because.JOINED),
]


@pytest.mark.parametrize(
    ("uses", "a_joined", "b_joined", "order", "because"), [pytest.param(*case[1:], id=case[0]) for case in TIES]
)
def test_ties_go_by_own_use_then_by_time_of_joining(
    uses: list[Use], a_joined: timedelta, b_joined: timedelta, order: list[str], because: Because
) -> None:
    turns = in_turn([a_place("a", "o", a_joined), a_place("b", "o", b_joined)], uses, {}, NOW)
    assert names(turns, "a", "b") == order
    assert [turn.because for turn in turns] == [because, because]


def test_equal_in_everything_is_decided_by_the_id() -> None:
    turns = in_turn([a_place("a", "o"), a_place("b", "o")], [], {}, NOW)
    assert [turn.place.id for turn in turns] == sorted([an_id("a"), an_id("b")])


def test_who_waits_alone_is_told_so() -> None:
    assert [turn.because for turn in in_turn([a_place("a")], [], {}, NOW)] == [Because.ALONE]
    assert in_turn([], [], {}, NOW) == []


def test_each_place_says_how_its_organisation_stands() -> None:
    turn = in_turn([a_place("a"), a_place("b")], [a_use("a", 720, person="a"), a_use("b", 2880)], {}, NOW)[0]
    assert (turn.standing.used, turn.standing.share, turn.own_minutes) == (720, 1800.0, 720)


PLACES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("wxyz"), st.integers(0, 5)), min_size=1, max_size=8, unique=True
).map(lambda rows: [a_place(f"{o}{p}{j}", o, timedelta(hours=j)) for o, p, j in rows])
USES = st.lists(
    st.builds(
        lambda organisation, minutes, days: a_use(organisation, minutes, NOW - timedelta(days=days)),
        st.sampled_from("abcd"),
        st.integers(-60, 2000),
        st.integers(-20, 400),
    ),
    max_size=12,
)
WEIGHTS = st.dictionaries(st.sampled_from([an_id(one) for one in "abcd"]), st.sampled_from([0.5, 1.0, 3.0]))


@given(PLACES, USES, WEIGHTS, st.randoms(use_true_random=False))
def test_the_order_is_a_function_of_the_facts_not_of_their_order(
    places: list[Place], uses: list[Use], weights: dict[UUID, float], chance: object
) -> None:
    turns = in_turn(places, uses, weights, NOW)
    chance.shuffle(places)  # type: ignore[attr-defined]  # a Random
    chance.shuffle(uses)  # type: ignore[attr-defined]
    assert in_turn(places, uses, weights, NOW) == turns
    assert sorted(turn.place.id for turn in turns) == sorted(place.id for place in places)


@given(PLACES, USES, WEIGHTS, st.integers(1, 5000))
def test_who_has_used_more_is_never_earlier(
    places: list[Place], uses: list[Use], weights: dict[UUID, float], more: int
) -> None:
    mine = places[0]

    def ahead_of_me(used: list[Use]) -> set[UUID]:
        turns = in_turn(places, used, weights, NOW)
        number = next(turn.number for turn in turns if turn.place == mine)
        return {turn.place.id for turn in turns if turn.number < number}

    extra = Use(mine.organisation_id, mine.person_id, more, NOW)
    assert ahead_of_me(uses) <= ahead_of_me([*uses, extra])


# --- how long an offer stands -----------------------------------------------------------------------------

STANDS = [
    ("weeks ahead: a day", 60 * DAY, timedelta(), 24 * HOUR),
    ("four days ahead: a day", 4 * DAY, timedelta(), 24 * HOUR),
    ("two days ahead: a quarter", 2 * DAY, timedelta(), 12 * HOUR),
    ("tomorrow", DAY, timedelta(), 6 * HOUR),
    ("last minute: half an hour", 2 * HOUR, timedelta(), 30 * MINUTE),
    ("last minute, later still", 45 * MINUTE, timedelta(), 30 * MINUTE),
    ("never beyond the start", 20 * MINUTE, timedelta(), 20 * MINUTE),
    ("never beyond start − lead", 3 * HOUR, 2 * HOUR + 40 * MINUTE, 20 * MINUTE),
    ("the lead makes it last minute", 3 * HOUR, HOUR, 30 * MINUTE),
    ("a long lead, time enough", 10 * DAY, 5 * DAY, 24 * HOUR),
    ("nobody could answer", 4 * MINUTE, timedelta(), None),
    ("inside the lead", HOUR, 2 * HOUR, None),
    ("begun", -HOUR, timedelta(), None),
]


@pytest.mark.parametrize(("ahead", "lead", "stands"), [pytest.param(*case[1:], id=case[0]) for case in STANDS])
def test_an_offer_stands_as_long_as_the_table_says(ahead: timedelta, lead: timedelta, stands: timedelta | None) -> None:
    assert offer_until(NOW + ahead, NOW, lead) == (NOW + stands if stands else None)


@given(st.integers(-1000, 100_000), st.integers(0, 5000), st.integers(0, 59))
def test_no_offer_outlives_the_last_moment_of_booking(ahead: int, lead: int, seconds: int) -> None:
    now = NOW + timedelta(seconds=seconds)
    start, before = NOW + ahead * MINUTE, lead * MINUTE
    until = offer_until(start, now, before)
    if until is not None:
        assert now < until <= min(start - before, now + DAY)


# --- which starts are tried -------------------------------------------------------------------------------

ROME = ZoneInfo("Europe/Rome")
OPEN = Terms(BookingMode.INSTANT, ROME, 60, 60, 1440)
OFFICE = Terms(
    BookingMode.INSTANT, ROME, 60, 60, 480, tuple(WeeklyShift(day, 9 * 60, 480) for day in range(5)), buffer_after=30
)
NINE = MONDAY + 8 * HOUR  # 09:00 in Rome


def hours(start: float, end: float) -> Interval:
    return Interval(NINE + start * HOUR, NINE + end * HOUR)


def tried(terms: Terms, busy: list[Busy], wait: Wait, capacity: int = 1) -> list[Interval]:
    return list(vacancies(terms, capacity, busy, wait, NOW - DAY))


def test_of_each_free_piece_the_first_start_is_tried_and_of_each_day_in_it() -> None:
    found = tried(OPEN, [Busy(hours(2, 4), 0)], Wait(hours(0, 48), 120))
    assert [one.start for one in found] == [NINE, NINE + 4 * HOUR, MONDAY + 23 * HOUR, MONDAY + 47 * HOUR]
    assert {one.minutes for one in found} == {120}


def test_buffers_and_opening_hours_are_kept() -> None:
    found = tried(OFFICE, [Busy(hours(2, 3), 0)], Wait(hours(-9, 24), 60))
    assert [one.start for one in found] == [NINE, NINE + 3 * HOUR]
    assert tried(OFFICE, [Busy(hours(1, 7), 0)], Wait(hours(0, 8), 60)) == [hours(7, 8)]


def test_a_stretch_lies_on_one_unit_and_is_tried_once() -> None:
    busy = [Busy(hours(0, 2), 0), Busy(hours(2, 8), 1)]
    assert tried(OPEN, busy, Wait(hours(0, 4), 180), capacity=2) == []
    assert tried(OPEN, [], Wait(hours(0, 4), 180), capacity=3) == [hours(0, 3)]


def test_time_that_was_let_go_is_not_touched_again() -> None:
    found = tried(OPEN, [], Wait(hours(0, 6), 120, never=(hours(1, 3),)))
    assert found == [hours(3, 5)]
