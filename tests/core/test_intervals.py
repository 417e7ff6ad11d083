"""Sets of half-open stretches behave like sets of minutes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.intervals import Interval, difference, intersection, union

START = datetime(2027, 1, 1, tzinfo=UTC)


def stretch(first: int, last: int) -> Interval:
    return Interval(START + timedelta(minutes=first), START + timedelta(minutes=last))


def minutes(intervals: list[Interval]) -> set[int]:
    return {
        minute
        for i in intervals
        for minute in range(int((i.start - START).total_seconds() // 60), int((i.end - START).total_seconds() // 60))
    }


stretches = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda pair: stretch(pair[0], pair[0] + pair[1])), max_size=6
)


@given(stretches, stretches)
def test_union_intersection_and_difference_are_those_of_sets(first: list[Interval], second: list[Interval]) -> None:
    assert minutes(union(first + second)) == minutes(first) | minutes(second)
    assert minutes(intersection(first, second)) == minutes(first) & minutes(second)
    assert minutes(difference(first, second)) == minutes(first) - minutes(second)


@given(stretches)
def test_a_union_is_sorted_and_its_stretches_do_not_touch(intervals: list[Interval]) -> None:
    merged = union(intervals)
    assert all(a.end < b.start for a, b in pairwise(merged))


def test_an_interval_is_never_empty() -> None:
    with pytest.raises(ValueError, match="ends after it starts"):
        stretch(5, 5)
