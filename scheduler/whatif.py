"""What if: pure functions that change a problem document (`equora-problem/1`), each change checked as a whole problem.

Every function takes parsed JSON and gives a new document that shares nothing with it. All raise ProblemError
with the path inside the changed problem, or with the name of the argument that is wrong (`outage.end`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scheduler.parse import read_interval
from scheduler.plan import Plan
from scheduler.problem import Problem
from scheduler.reading import Node
from scheduler.values import Interval, Published

Document = dict[str, Any]
Row = Mapping[str, object]
"""A pin or a ban: any of request, part, resource, start, length; a missing one matches anything."""


def checked(document: Document) -> Document:
    """A copy of the document, once it has been found to be a problem."""
    return Problem.from_json(document).to_json()


def with_pins(document: Document, pins: Iterable[Row]) -> Document:
    """These rows must be in the plan, beside the pins of before."""
    return with_rows(document, "pins", pins)


def with_forbidden(document: Document, rows: Iterable[Row]) -> Document:
    """No new block may match these rows, beside those forbidden before."""
    return with_rows(document, "forbidden", rows)


def with_rows(document: Document, key: str, rows: Iterable[Row]) -> Document:
    before = checked(document)
    return checked(before | {key: [*before.get(key, []), *map(dict, rows)]})


def with_weights(document: Document, weights: Mapping[str, float]) -> Document:
    """Members named here have another weight."""
    known = Problem.from_json(document).member_by_id
    for member in weights:
        if member not in known:
            Node(member, f"weights.{member}").refuse("names no member of this problem")
    rows = [row | {"weight": weights[row["id"]]} if row["id"] in weights else row for row in document["members"]]
    return checked(document | {"members": rows})


def with_outage(document: Document, resource: str, start: int, end: int) -> Document:
    """The resource is closed in [start, end), grains from the start of the problem.

    An outage is a fact and no wish: published blocks that need the resource in that time, as their place or as a
    side resource, are published no longer, even if they were frozen. Pins stay: one that the outage makes impossible
    is named when the problem is solved.
    """
    problem = Problem.from_json(document)
    if resource not in problem.resource_by_id:
        Node(resource, "outage.resource").refuse("names no resource of this problem")
    closed = read_interval(Node([start, end], "outage"), problem.grains)
    hours = [list(rest) for rest in without(problem.resource_by_id[resource].open, closed)]
    resources = [row | {"open": hours} if row["id"] == resource else row for row in document["resources"]]
    hit = {place for place, row in enumerate(problem.published) if is_hit(problem, row, resource, closed)}
    published = [row for place, row in enumerate(document.get("published", [])) if place not in hit]
    return checked(document | {"resources": resources} | ({"published": published} if hit else {}))


def without(intervals: Iterable[Interval], closed: Interval) -> Iterator[Interval]:
    """What is left of half-open intervals."""
    for start, end in intervals:
        for left, right in ((start, min(end, closed[0])), (max(start, closed[1]), end)):
            if left < right:
                yield left, right


def is_hit(problem: Problem, row: Published, resource: str, closed: Interval) -> bool:
    """Whether a published block needs the resource while it is closed."""
    sides = problem.request_by_id[row.request].part_by_id[row.part].side
    needed = {row.resource, *(side.resource for side in sides)}
    return resource in needed and row.start < closed[1] and closed[0] < row.start + row.length


def without_request(document: Document, request: str) -> Document:
    """A cancellation: the request is gone, with its published blocks (frozen ones too), pins and bans.

    Bans that name only a part that no other request has go with it.
    """
    problem = Problem.from_json(document)
    if request not in problem.request_by_id:
        Node(request, "cancel").refuse("names no request of this problem")
    parts = {part.id for row in problem.requests if row.id != request for part in row.parts}
    changed = {"requests": [row for row in document["requests"] if row["id"] != request]}
    for key in ("published", "pins", "forbidden"):
        if key in document:
            changed[key] = [row for row in document[key] if row.get("request") != request]
    if "forbidden" in changed:
        changed["forbidden"] = [row for row in changed["forbidden"] if row.get("part") in {None, *parts}]
    return checked(document | changed)


def from_plan(document: Document, plan: Plan, frozen_until: int) -> Document:
    """The plan is in force: its blocks are the published ones, and those that start before `frozen_until` stay.

    The plan may answer an older version of the problem, as long as this one knows all that it names.
    """
    checked(document)
    rows = [
        {
            "request": block.request,
            "part": block.part,
            "resource": block.resource,
            "start": block.start,
            "length": block.length,
        }
        for block in plan.blocks
    ]
    return checked(document | {"published": rows, "frozen_until": frozen_until})
