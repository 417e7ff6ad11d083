"""The invented problems: the same bytes everywhere, of the proportions that they claim, and well-formed."""

import hashlib
import json
import subprocess
import sys
from typing import Any

import pytest

from benchmarks.instances import KINDS, las_cumbres, make, network, sizes
from scheduler import Problem

Json = dict[str, Any]
SMALL_ENOUGH = [(size, kind) for kind in KINDS for size in sizes(kind) if size != "xl"]
FINGERPRINTS = {
    ("small", "plain"): "7cb24251b14e3f25",
    ("small", "rich"): "6a1291306c1a4881",
    ("medium", "plain"): "2e873d086dc506bd",
    ("medium", "rich"): "c997a97e8108dee6",
    ("large", "plain"): "5769f24320a532b7",
    ("large", "rich"): "fd18e04237cf4f34",
    ("300", "las_cumbres"): "cf6e63fe380bf703",
}


def fingerprint(document: Json) -> str:
    text = json.dumps(document, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def parts_of(document: Json, name: str) -> list[Json]:
    return [part for request in document["requests"] for part in request["parts"] if part["id"] == name]


@pytest.mark.parametrize(("size", "kind"), sorted(FINGERPRINTS))
def test_a_seed_makes_the_same_bytes_on_every_python(size: str, kind: str) -> None:
    assert fingerprint(make(size, kind, 1)) == FINGERPRINTS[size, kind]


def test_the_command_prints_what_the_function_makes() -> None:
    command = [sys.executable, "-m", "benchmarks.instances", "small", "rich", "3"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(printed) == make("small", "rich", 3)


@pytest.mark.parametrize("arguments", [[], ["small", "plain"], ["huge", "plain", "1"], ["small", "las_cumbres", "1"]])
def test_the_command_refuses_what_it_does_not_know(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "benchmarks.instances", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "small" in answer.stderr


@pytest.mark.parametrize(("size", "kind"), [*SMALL_ENOUGH, ("xl", "rich")])
def test_the_scheduler_accepts_every_size_and_kind(size: str, kind: str) -> None:
    document = make(size, kind, 2)
    problem = Problem.from_json(document)
    assert problem.policy.seed == 2
    assert {member for request in problem.requests for member in request.shares} == set(problem.member_by_id)
    assert len({request["id"] for request in document["requests"]}) == len(document["requests"])


@pytest.mark.parametrize("size", ["medium", "large"])
@pytest.mark.parametrize("kind", ["plain", "rich"])
def test_networks_have_the_documented_proportions(size: str, kind: str) -> None:
    document = make(size, kind, 1)
    counts = network.SIZES[size]
    requests = document["requests"]
    assert len(document["resources"]) == counts.resources
    assert len(requests) == counts.requests
    assert len(document["members"]) == counts.members
    loose = 0.07 if size == "medium" else 0.04
    kinds = ["+".join(part["id"] for part in request["parts"]) for request in requests]
    for name, share in (("beam", 0.45), ("bench", 0.40), ("beam+bench", 0.15)):
        assert kinds.count(name) / len(kinds) == pytest.approx(share, abs=loose)
    single = [request for request in requests if len(request["parts"]) == 1]
    assert sum(request["needs"] == "all" for request in single) / len(single) == pytest.approx(0.3, abs=loose)
    benches = parts_of(document, "bench")
    assert sum(bool(part["side"]) for part in benches) / len(benches) == pytest.approx(0.25, abs=loose)
    assert network.demand(document) / network.capacity(document) == pytest.approx(1.6, abs=0.1)


def test_beams_open_eighteen_shifts_a_week_and_benches_five_days() -> None:
    document = make("large", "plain", 1)
    for row in document["resources"]:
        lengths = {end - start for start, end in row["open"]}
        first = {start % network.WEEK for start, _ in row["open"]}
        if row["id"].startswith("beam"):
            assert lengths == {18 * network.SHIFT}
            assert first == {network.DAY}
            assert row["starts"] == list(range(0, document["grains"], network.SHIFT))
        else:
            days = 7 if row["id"].startswith("staff") else 5
            assert lengths == {24}
            assert first == {day * network.DAY + 16 for day in range(days)}


def test_plain_networks_have_nothing_that_the_prototype_lacked() -> None:
    document = make("large", "plain", 1)
    assert not any("exclusive" in row or "changeover" in row for row in document["resources"])
    assert {member["past_use"] for member in document["members"]} == {0}
    for request in document["requests"]:
        assert len(request["shares"]) == 1
        for part in request["parts"]:
            assert len(part["lengths"]) == 1
            assert (part["gap"], part["preferred"], part["configuration"]) == (None, [], None)
            blocks = part["most_blocks"] if request["needs"] == "all" else 1
            assert part["least"] == blocks * part["lengths"][0]


def test_rich_networks_use_the_whole_format() -> None:
    document = make("large", "rich", 1)
    beams = [row for row in document["resources"] if row["id"].startswith("beam")]
    assert sum("changeover" in row for row in beams) == round(len(beams) / 3)
    names = [row["exclusive"] for row in beams if "exclusive" in row]
    assert sorted({names.count(name) for name in names}) == [2]
    parts = [part for request in document["requests"] for part in request["parts"]]
    assert any(part["gap"] for part in parts)
    assert any(part["preferred"] for part in parts)
    assert any(len(part["lengths"]) > 1 and part["least"] < part["amount"] for part in parts)
    assert {part["configuration"] for part in parts_of(document, "beam")} == {"A", "B", "C", "D"}
    assert any(len(request["shares"]) == 2 for request in document["requests"])
    assert any(member["past_use"] for member in document["members"])


@pytest.mark.parametrize("size", sizes("las_cumbres"))
def test_observations_fit_their_windows_on_each_size(size: str) -> None:
    document = make(size, "las_cumbres", 1)
    assert len(document["requests"]) == int(size)
    assert len(document["resources"]) == las_cumbres.TELESCOPES
    assert sum(end - start for row in document["resources"] for start, end in row["open"]) == 10 * 7 * 108
    nights = {row["id"]: row["open"] for row in document["resources"]}
    for request in document["requests"]:
        (part,) = request["parts"]
        dark = [night for name in part["alternatives"] for night in nights[name]]
        overlaps = [min(b, y) - max(a, x) for a, b in part["allowed"] for x, y in dark]
        assert max(overlaps) >= part["amount"]
        assert 2 <= part["amount"] <= 18
