"""The program of Las Cumbres' kind: its plan is legal, and nothing is better than its optimum."""

from typing import Any

import pytest

from benchmarks import weighted_sum
from benchmarks.instances import las_cumbres, make
from scheduler import Problem

Json = dict[str, Any]
Start = tuple[str, int]


def starts_of(document: Json, request: Json) -> list[Start]:
    """All (telescope, slice) at which an observation may begin, from the document alone."""
    (part,) = request["parts"]
    nights = {row["id"]: row["open"] for row in document["resources"]}
    found: list[Start] = []
    for name in part["alternatives"]:
        for start in range(document["grains"] - part["amount"] + 1):
            slots = [*nights[name]], [*part["allowed"]]
            if all(any(a <= start and start + part["amount"] <= b for a, b in spans) for spans in slots):
                found.append((name, start))
    return found


def best_value(document: Json, place: int = 0, taken: frozenset[tuple[str, int]] = frozenset()) -> int:
    """The largest Σ priority × slices over all choices of starts for the observations from `place` on."""
    if place == len(document["requests"]):
        return 0
    request = document["requests"][place]
    length = request["parts"][0]["amount"]
    best = best_value(document, place + 1, taken)
    for name, start in starts_of(document, request):
        own = {(name, start + offset) for offset in range(length)}
        if not own & taken:
            best = max(best, request["merit"] * length + best_value(document, place + 1, taken | own))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_the_optimum_is_that_of_plain_enumeration(seed: int) -> None:
    document = crowded(seed)
    outcome = weighted_sum.solve(Problem.from_json(document), 20, gap=0)
    assert outcome.status == "OPTIMAL"
    assert outcome.value == outcome.bound == best_value(document)
    assert 0 < outcome.served < len(document["requests"])


def crowded(seed: int) -> Json:
    """Four observations of 10 to 18 slices that want the same 22 of two telescopes: not all of them fit."""
    document = las_cumbres.make_sized(4, f"crowded/{seed}", seed, telescopes=2, nights=1)
    dusk = max(row["open"][0][0] for row in document["resources"])
    for row in document["resources"]:
        row["open"] = [[dusk, dusk + 22]]
    for place, request in enumerate(document["requests"]):
        (part,) = request["parts"]
        part["allowed"] = [[0, document["grains"]]]
        part["amount"] = part["least"] = max(10 + place, part["amount"])
        part["lengths"] = [part["amount"]]
    return document


def test_its_plan_is_legal() -> None:
    document = make("100", "las_cumbres", 1)
    outcome = weighted_sum.solve(Problem.from_json(document), 20)
    requests = {request["id"]: request for request in document["requests"]}
    assert len({block.request for block in outcome.blocks}) == len(outcome.blocks) == outcome.served > 0
    for block in outcome.blocks:
        assert block.length == requests[block.request]["parts"][0]["amount"]
        assert (block.resource, block.start) in starts_of(document, requests[block.request])
    slices = [(block.resource, grain) for block in outcome.blocks for grain in range(block.start, block.end)]
    assert len(set(slices)) == len(slices)
    assert outcome.value == sum(requests[block.request]["merit"] * block.length for block in outcome.blocks)
    assert outcome.value <= outcome.bound


def test_it_says_so_when_time_leaves_no_proof() -> None:
    outcome = weighted_sum.solve(Problem.from_json(make("1000", "las_cumbres", 1)), 0.5)
    assert outcome.status != "OPTIMAL"
    assert outcome.value < outcome.bound


def test_it_refuses_what_it_cannot_say() -> None:
    with pytest.raises(ValueError, match="is not one block"):
        weighted_sum.solve(Problem.from_json(make("small", "plain", 1)), 1)
