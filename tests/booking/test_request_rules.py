"""Every rule for what a request says: each has content that keeps it and content that breaks it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.content import (
    InstrumentFacts,
    LagContent,
    PartContent,
    RequestContent,
    RoundFacts,
    WindowContent,
    WindowKind,
)
from booking.request_rules import Strictness, fewest_blocks, problems_of
from core.intervals import Interval, union

START = datetime(2027, 1, 4, tzinfo=UTC)
HOUR = 60
HORIZON = Interval(START, START + timedelta(weeks=4))
P, C, BENCH, DEAR = (UUID(int=number) for number in range(1, 5))


def _shifts() -> list[Interval]:
    """Saturdays 07–15 and 15–23 UTC, Tuesdays 21–01."""
    saturday, tuesday = START + timedelta(days=5, hours=7), START + timedelta(days=1, hours=21)
    return sorted(
        Interval(begin + timedelta(weeks=week), begin + timedelta(weeks=week, hours=hours))
        for week in range(4)
        for begin, hours in ((saturday, 8), (saturday + timedelta(hours=8), 8), (tuesday, 4))
    )


def _instrument(number: UUID, **values: Any) -> InstrumentFacts:
    shifts = _shifts()
    return replace(
        InstrumentFacts(
            id=number,
            cost=1.0,
            least_minutes=240,
            most_minutes=1440,
            slot_minutes=60,
            configuration=None,
            openings=tuple(union(shifts)),
            starts=tuple(shift.start for shift in shifts),
        ),
        **values,
    )


FACTS = RoundFacts(
    HORIZON,
    30,
    {
        P: _instrument(P, configuration="p"),
        C: _instrument(C, configuration="C"),
        BENCH: _instrument(BENCH, openings=(HORIZON,), starts=None, least_minutes=60, most_minutes=480),
        DEAR: _instrument(DEAR, cost=4.0),
    },
)


def a_part(**values: Any) -> PartContent:
    part = PartContent(
        instrument_ids=(P,), amount_minutes=16 * HOUR, least_minutes=8 * HOUR, lengths_minutes=(8 * HOUR,)
    )
    return replace(part, **values)


def content(**values: Any) -> RequestContent:
    sound = RequestContent(title="T", objectives="O", sample="cells", team_size=2, parts=(a_part(),))
    return replace(sound, **values)


def window(kind: WindowKind, first_day: float, last_day: float) -> WindowContent:
    return WindowContent(START + timedelta(days=first_day), START + timedelta(days=last_day), kind)


def fields(said: RequestContent, strictness: Strictness = Strictness.SUBMIT) -> list[str]:
    return [path for path, _sentence in problems_of(said, FACTS, strictness)]


def test_a_sound_request_has_no_problem() -> None:
    assert problems_of(content(), FACTS) == []


def test_an_empty_draft_may_be_kept_but_not_sent() -> None:
    empty = RequestContent(parts=(PartContent(),))
    assert fields(empty, Strictness.DRAFT) == []
    assert fields(empty) == [
        "title",
        "objectives",
        "sample",
        "team_size",
        "parts-0-instruments",
        "parts-0-amount",
        "parts-0-lengths",
    ]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"title": "x" * 201}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"title": "nul\x00"}, "title"),
        ({"title": "lone \ud800"}, "title"),
        ({"acronym": "x" * 31}, "acronym"),
        ({"background": "x" * 6001}, "background"),
        ({"safety": "x" * 4001}, "safety"),
        ({"sample": "x" * 201}, "sample"),
        ({"grant_number": "x" * 81}, "grant_number"),
        ({"team_size": 0}, "team_size"),
        ({"team_size": 501}, "team_size"),
        ({"biosafety_level": 5}, "biosafety_level"),
        ({"biosafety_level": -1}, "biosafety_level"),
        ({"parts": (a_part(),) * 9}, "parts"),
        ({"lags": (LagContent(0, 1),) * 17, "parts": (a_part(), a_part())}, "lags"),
        ({"lags": (LagContent(0, 5),)}, "lags-0-then"),
        ({"lags": (LagContent(-1, 0),)}, "lags-0-after"),
        ({"lags": (LagContent(0, 0),)}, "lags-0-then"),
        ({"lags": (LagContent(0, 1, -1),), "parts": (a_part(), a_part())}, "lags-0-least"),
        ({"lags": (LagContent(0, 1, 10**9),), "parts": (a_part(), a_part())}, "lags-0-least"),
        ({"lags": (LagContent(0, 1, 0, 10**9),), "parts": (a_part(), a_part())}, "lags-0-most"),
    ],
)
def test_not_even_a_draft_may_say(values: dict[str, Any], field: str) -> None:
    assert fields(content(**values), Strictness.DRAFT) == [field]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "x" * 81}, "name"),
        ({"name": "a\r\nb"}, "name"),
        ({"instrument_ids": (uuid4(),)}, "instruments"),
        ({"instrument_ids": (P, P)}, "instruments"),
        ({"configuration": "He"}, "configuration"),
        ({"amount_minutes": -1}, "amount"),
        ({"amount_minutes": 5 * 7 * 24 * HOUR}, "amount"),
        ({"least_minutes": -30}, "least"),
        ({"gap_least_minutes": -30}, "gap_least"),
        ({"gap_most_minutes": 10**9}, "gap_most"),
        ({"lengths_minutes": tuple(range(30, 420, 30))}, "lengths"),
        ({"lengths_minutes": (480, 480)}, "lengths"),
        ({"lengths_minutes": (0,)}, "lengths"),
        ({"lengths_minutes": (10**9,)}, "lengths"),
        ({"most_blocks": 0}, "most_blocks"),
        ({"most_blocks": 1001}, "most_blocks"),
        ({"windows": (window(WindowKind.PREFERRED, -1, 1),)}, "windows"),
        ({"windows": (window(WindowKind.IMPOSSIBLE, 27, 29),)}, "windows"),
        ({"windows": (window(WindowKind.PREFERRED, 3, 3),)}, "windows"),
        ({"windows": (window(WindowKind.PREFERRED, 3, 2),)}, "windows"),
        ({"windows": (window(WindowKind.PREFERRED, 1, 3), window(WindowKind.IMPOSSIBLE, 2, 4))}, "windows"),
        ({"windows": tuple(window(WindowKind.PREFERRED, 1, 2) for _ in range(1001))}, "windows"),
    ],
)
def test_not_even_a_draft_may_have_a_part_with(values: dict[str, Any], field: str) -> None:
    assert fields(content(parts=(a_part(**values),)), Strictness.DRAFT) == [f"parts-0-{field}"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"title": "  "}, "title"),
        ({"objectives": ""}, "objectives"),
        ({"sample": ""}, "sample"),
        ({"team_size": None}, "team_size"),
        ({"biosafety_level": 1}, "safety"),
        ({"grant_programme": "Horizon Europe"}, "grant_number"),
        ({"grant_number": "101"}, "grant_programme"),
        ({"parts": ()}, "parts"),
        ({"parts": (a_part(), a_part()), "lags": (LagContent(0, 1, 60, 30),)}, "lags-0-most"),
        ({"parts": (a_part(), a_part()), "lags": (LagContent(0, 1), LagContent(1, 0))}, "lags"),
        (
            {"parts": (a_part(),) * 3, "lags": (LagContent(0, 1), LagContent(1, 2), LagContent(2, 0))},
            "lags",
        ),
    ],
)
def test_a_draft_may_but_a_sent_request_may_not_say(values: dict[str, Any], field: str) -> None:
    assert fields(content(**values), Strictness.DRAFT) == []
    assert fields(content(**values)) == [field]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"instrument_ids": ()}, "instruments"),
        ({"instrument_ids": (BENCH, DEAR)}, "instruments"),
        ({"instrument_ids": (P, C)}, "instruments"),
        ({"configuration": "C"}, "configuration"),
        ({"amount_minutes": 0, "least_minutes": 0}, "amount"),
        ({"amount_minutes": 12 * HOUR}, "amount"),
        ({"amount_minutes": 485, "least_minutes": 0}, "amount"),
        ({"least_minutes": 20 * HOUR}, "least"),
        ({"least_minutes": 45}, "least"),
        ({"lengths_minutes": ()}, "lengths"),
        ({"lengths_minutes": (485,)}, "lengths"),
        ({"lengths_minutes": (2 * HOUR,)}, "lengths"),
        ({"lengths_minutes": (16 * HOUR, 24 * HOUR)}, "lengths"),
        ({"most_blocks": 1}, "most_blocks"),
        ({"gap_least_minutes": 90, "gap_most_minutes": 60}, "gap_most"),
        ({"windows": (window(WindowKind.IMPOSSIBLE, 0, 28),)}, "windows"),
        ({"windows": (window(WindowKind.IMPOSSIBLE, 0, 26),)}, None),
        ({"windows": (window(WindowKind.IMPOSSIBLE, 0, 26.7),)}, "windows"),
        ({"windows": (window(WindowKind.IMPOSSIBLE, 0, 26.3),), "least_minutes": 16 * HOUR}, "windows"),
    ],
)
def test_a_part_of_a_sent_request(values: dict[str, Any], field: str | None) -> None:
    said = content(parts=(a_part(**values),))
    assert fields(said, Strictness.DRAFT) == []
    assert fields(said) == ([f"parts-0-{field}"] if field else [])


@pytest.mark.parametrize(
    "part",
    [
        a_part(configuration="p"),
        a_part(lengths_minutes=(16 * HOUR,)),
        a_part(amount_minutes=20 * HOUR, lengths_minutes=(4 * HOUR, 8 * HOUR), most_blocks=3),
        a_part(gap_least_minutes=0, gap_most_minutes=0),
        a_part(instrument_ids=(BENCH,), lengths_minutes=(HOUR,), configuration="p"),
        a_part(windows=(window(WindowKind.PREFERRED, 0, 7), window(WindowKind.IMPOSSIBLE, 7, 14))),
    ],
)
def test_a_part_may_be_asked_like_this(part: PartContent) -> None:
    assert fields(content(parts=(part,))) == []


def test_parts_may_wait_for_each_other_without_a_circle() -> None:
    lags = (LagContent(0, 1, 0, 48 * HOUR), LagContent(0, 2), LagContent(1, 2))
    assert fields(content(parts=(a_part(),) * 3, lags=lags)) == []


@given(
    st.integers(1, 200),
    st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True),
)
def test_the_fewest_blocks_are_what_trying_finds(amount: int, lengths: list[int]) -> None:
    reached, blocks = {0}, 0
    while amount not in reached and blocks <= amount:
        blocks += 1
        reached = {total + length for total in reached for length in lengths if total + length <= amount}
    assert fewest_blocks(amount, lengths) == (blocks if amount in reached else None)
