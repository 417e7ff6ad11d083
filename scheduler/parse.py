"""Reads members, resources, pins and the policy; the requests are read in `parse_requests`."""

from collections.abc import Callable, Container
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from scheduler.reading import Node, refuse_repeats
from scheduler.values import Fairness, Interval, Member, Pattern, Policy, Published, Quota, Request, Resource

SEED_LIMIT = 2**31 - 1
MOST_UNITS = 10_000
"""Units of one resource: each is kept book of by itself."""
Value = TypeVar("Value")


def read_rows(node: Node | None, read: Callable[[Node], Value]) -> tuple[Value, ...]:
    """Rows of an array; an absent array has none."""
    return tuple(read(item) for item in node.items()) if node is not None else ()


def read_name(node: Node, known: Container[str], noun: str) -> str:
    """An id that must exist."""
    name = node.text()
    if name not in known:
        node.refuse(f"names no {noun} of this problem")
    return name


def read_unique_ids(node: Node) -> list[str]:
    """The ids of an array of objects, without repeats; the rows themselves are read later."""
    ids = []
    for row in node.items():
        entries = row.entries()
        if "id" not in entries:
            Node(None, row.child("id")).refuse("missing")
        ids.append(entries["id"])
    refuse_repeats(ids, [item.text() for item in ids])
    return [item.text() for item in ids]


def read_interval(node: Node, grains: int) -> Interval:
    """Half-open [start, end) inside the horizon."""
    ends = node.items()
    if len(ends) != len(("start", "end")):
        node.refuse("must be [start, end]")
    start, end = ends[0].integer(0, grains), ends[1].integer(0, grains)
    if start >= end:
        node.refuse("must end after it starts")
    return start, end


def read_intervals(node: Node | None, grains: int) -> tuple[Interval, ...]:
    """Sorted, disjoint, not touching; absent or null = always, `[]` = never."""
    if node is None or node.is_null():
        return ((0, grains),)
    intervals: list[Interval] = []
    for item in node.items():
        interval = read_interval(item, grains)
        if intervals and interval[0] <= intervals[-1][1]:
            item.refuse("must start after the interval before it ends, without touching it")
        intervals.append(interval)
    return tuple(intervals)


def read_start(node: Node, grain_minutes: int, grains: int) -> str:
    """The UTC moment of grain 0, whole seconds, such as 2027-01-04T00:00:00Z."""
    text = node.text()
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        node.refuse("must be a UTC time such as 2027-01-04T00:00:00Z")
    if moment.utcoffset() != timedelta(0):
        node.refuse("must be in UTC")
    try:
        moment.astimezone(UTC) + timedelta(minutes=grain_minutes * grains)
    except OverflowError:
        node.refuse("the horizon ends after the year 9999")
    return text


def read_member(node: Node) -> Member:
    fields = node.fields(("id", "weight"), ("past_use",))
    past_use = fields["past_use"].integer() if "past_use" in fields else 0
    return Member(fields["id"].text(), fields["weight"].number(positive=True), past_use)


def read_starts(node: Node | None, grains: int) -> tuple[int, ...] | None:
    """Legal starts, strictly rising; absent or null = any grain."""
    if node is None or node.is_null():
        return None
    starts: list[int] = []
    for item in node.items():
        start = item.integer(0, grains - 1)
        if starts and start <= starts[-1]:
            item.refuse("must be later than the start before it")
        starts.append(start)
    return tuple(starts)


def read_changeover(node: Node | None) -> dict[tuple[str, str], int]:
    """Rows `"p>C": grains`; a missing pair is 0."""
    table: dict[tuple[str, str], int] = {}
    for key, item in (node.entries() if node is not None and not node.is_null() else {}).items():
        before, arrow, after = key.partition(">")
        if not (before and arrow and after) or ">" in after:
            item.refuse("the key must be two configurations such as p>C")
        table[Node(before, item.path).text(), Node(after, item.path).text()] = item.integer()
    return table


def read_resource(node: Node, grains: int) -> Resource:
    fields = node.fields(("id",), ("capacity", "cost", "open", "starts", "exclusive", "changeover"))
    name = fields.get("exclusive")
    return Resource(
        id=fields["id"].text(),
        capacity=fields["capacity"].integer(1, MOST_UNITS) if "capacity" in fields else 1,
        cost=fields["cost"].number() if "cost" in fields else 1,
        open=read_intervals(fields.get("open"), grains),
        starts=read_starts(fields.get("starts"), grains),
        exclusive=None if name is None or name.is_null() else name.text(),
        changeover=read_changeover(fields.get("changeover")),
    )


def read_resources(node: Node, grains: int) -> tuple[Resource, ...]:
    """Resources; those that share an exclusive name must carry one changeover table."""
    read_unique_ids(node)
    first: dict[str, Resource] = {}
    resources = []
    for item in node.items():
        resource = read_resource(item, grains)
        resources.append(resource)
        if resource.exclusive is None:
            continue
        if first.setdefault(resource.exclusive, resource).changeover != resource.changeover:
            Node(None, item.child("changeover")).refuse(f"differs from that of {first[resource.exclusive].id}")
    return tuple(resources)


def read_quota(node: Node, members: Container[str]) -> Quota:
    fields = node.fields(("name", "members"), ("floor", "cap"))
    rows = fields["members"].items()
    if not rows:
        fields["members"].refuse("must name a member")
    names = tuple(read_name(row, members, "member") for row in rows)
    refuse_repeats(rows, names)
    floor = fields["floor"].number(1) if "floor" in fields and not fields["floor"].is_null() else 0.0
    cap = fields["cap"].number(1) if "cap" in fields and not fields["cap"].is_null() else 1.0
    if floor > cap:
        node.refuse("the floor is above the cap")
    return Quota(fields["name"].text(), names, floor, cap)


def read_policy(node: Node, members: Container[str]) -> Policy:
    fields = node.fields(("fairness",), ("value_slack", "seed", "quotas"))
    fairness = fields["fairness"].text()
    if fairness not in list(Fairness):
        fields["fairness"].refuse(f"must be one of {', '.join(Fairness)}")
    quotas = fields.get("quotas")
    rows = read_rows(quotas, lambda row: read_quota(row, members))
    if quotas is not None:
        refuse_repeats(quotas.items(), [row.name for row in rows])
    return Policy(
        fairness=Fairness(fairness),
        value_slack=fields["value_slack"].number(1) if "value_slack" in fields else 0.0,
        seed=fields["seed"].integer(0, SEED_LIMIT) if "seed" in fields else 0,
        quotas=rows,
    )


def read_published(node: Node, requests: dict[str, Request], resources: Container[str], grains: int) -> Published:
    """A row of the plan in force; all of its fields are wanted."""
    fields = node.fields(("request", "part", "resource", "start", "length"))
    request = requests[read_name(fields["request"], requests, "request")]
    part = read_name(fields["part"], request.part_by_id, "part")
    resource = read_name(fields["resource"], resources, "resource")
    start, length = fields["start"].integer(0, grains), fields["length"].integer(1, grains)
    if start + length > grains:
        fields["length"].refuse("ends after the horizon")
    return Published(request.id, part, resource, start, length)


def read_pattern(node: Node, requests: dict[str, Request], resources: Container[str], grains: int) -> Pattern:
    """A pin or a ban; a missing field matches anything, a named one must exist."""
    fields = node.fields((), ("request", "part", "resource", "start", "length"))
    request = read_name(fields["request"], requests, "request") if "request" in fields else None
    if "part" in fields:
        name = fields["part"].text()
        chosen = requests.values() if request is None else (requests[request],)
        if not any(name in row.part_by_id for row in chosen):
            fields["part"].refuse("names no part of this problem")
    return Pattern(
        request=request,
        part=fields["part"].text() if "part" in fields else None,
        resource=read_name(fields["resource"], resources, "resource") if "resource" in fields else None,
        start=fields["start"].integer(0, grains - 1) if "start" in fields else None,
        length=fields["length"].integer(1, grains) if "length" in fields else None,
    )
