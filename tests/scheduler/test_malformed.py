"""Whatever is changed in a problem, it is refused with the place that is wrong, or understood to the end."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler import Problem, ProblemError, check
from scheduler.fair_shares import fair_shares, member_demands
from scheduler.quick import first_plan, gather
from tests.scheduler.makers import Json
from tests.scheduler.random_problems import a_random_problem
from tests.scheduler.test_problem import a_rich_problem

Place = tuple[str | int, ...]
NONSENSE: tuple[object, ...] = (
    *(None, True, False, 0, 1, 2, 3, 7, -1, 0.5, 1e-320, 1e308, 10**9, 10**9 + 1, 10**30, -(10**30)),
    *(float("nan"), float("inf"), "", "x", "r", "p", "q", "\ud800", "é" * 600),
    *([], [[]], [0], [0, 0], [0, 1, 2], [[0, 1], [1, 2]], [{}], [None], ["r", "r"]),
    *({}, {"id": "x"}, {"m": 1.0}, {"a>b": 1}),
)


def places_of(value: object, at: Place = ()) -> Iterator[Place]:
    """Every place inside a document."""
    yield at
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places_of(item, (*at, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places_of(item, (*at, number))


def target_of(document: Any, place: Place) -> Any:
    for step in place:
        document = document[step]
    return document


def varied(value: Any, random: Random) -> Any:
    """Something of the same kind, and so perhaps still a problem."""
    if isinstance(value, list):
        return random.sample(value, len(value))
    if isinstance(value, (int, float)):
        return random.choice((value + 1, value - 1, value * 2, value * 0, 10**4, value / 3))
    return value


def mutated(document: Json, random: Random) -> Any:
    """One to three changes: something is taken away, doubled, renamed, or replaced by nonsense or another part."""
    changed: Any = copy.deepcopy(document)
    for _ in range(random.choice((1, 1, 2, 3))):
        place = random.choice([place for place in places_of(changed) if place] or [()])
        if not place:
            return random.choice(NONSENSE)
        holder, key = target_of(changed, place[:-1]), place[-1]
        kind = random.choice(("remove", "nonsense", "vary", "vary", "other", "repeat", "rename"))
        if kind == "remove":
            del holder[key]
        elif kind == "nonsense":
            holder[key] = copy.deepcopy(random.choice(NONSENSE))
        elif kind == "vary":
            holder[key] = varied(holder[key], random)
        elif kind == "other":
            holder[key] = copy.deepcopy(target_of(changed, random.choice(list(places_of(changed)))))
        elif isinstance(holder, list):
            holder.insert(random.randint(0, len(holder)), copy.deepcopy(target_of(holder, (key,))))
        else:
            holder[random.choice(("x", "id", "start", "\ud800", ""))] = holder.pop(key)
    return changed


def exists(document: Any, path: str) -> bool:
    """Whether a path leads somewhere; its last step may be what is missing."""
    steps = [int(number) if number else key for key, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path)]
    for place, step in enumerate(steps):
        inside = isinstance(document, list) if isinstance(step, int) else isinstance(document, dict)
        if not inside:
            return False
        known = range(len(document)) if isinstance(document, list) else document
        if step not in known:
            return place == len(steps) - 1
        document = target_of(document, (step,))
    return True


def read(document: object) -> Problem | ProblemError:
    try:
        return Problem.from_json(document)
    except ProblemError as refused:
        return refused


BASES: tuple[Callable[[int], Json], ...] = (lambda _: a_rich_problem(), a_random_problem)


@pytest.mark.parametrize("base", BASES)
@given(seed=st.integers(0, 10**9))
@settings(max_examples=600, deadline=None, derandomize=True, database=None)
def test_a_changed_problem_is_refused_at_a_place_that_exists_or_understood(
    base: Callable[[int], Json], seed: int
) -> None:
    document = mutated(base(seed % 1000), Random(seed))
    problem = read(document)
    if isinstance(problem, ProblemError):
        assert problem.message
        assert exists(document, problem.path)
        return
    assert problem.to_json() == json.loads(json.dumps(document))
    assert all(share >= 0 for share in fair_shares(problem, member_demands(problem)).values())


@given(seed=st.integers(0, 10**9))
@settings(max_examples=250, deadline=None, derandomize=True, database=None)
def test_what_is_understood_gets_a_plan_that_holds(seed: int) -> None:
    document = mutated(a_random_problem(seed % 1000) | {"pins": [], "frozen_until": 0}, Random(seed))
    problem = read(document)
    if isinstance(problem, ProblemError) or problem.pins or problem.frozen:
        return
    plans: list[Any] = []
    first_plan(gather(problem, 1, 1.0, "test"), plans.append)
    assert check(document, plans[-1].to_json()) == []
