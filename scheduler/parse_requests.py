"""Reads requests: shares, parts, lags and what they may name."""

import math
from bisect import bisect_left
from collections.abc import Container, Sequence
from graphlib import CycleError, TopologicalSorter

from scheduler.parse import MOST_UNITS, read_interval, read_intervals, read_name, read_rows, read_unique_ids
from scheduler.reading import Node, refuse_repeats
from scheduler.values import Gap, Lag, Needs, Part, Preference, Request, Resource, Side

SHARES_TOLERANCE = 1e-9
MOST_LENGTHS = 1000
PART_REQUIRED = ("id", "alternatives", "amount", "lengths")
PART_OPTIONAL = ("least", "most_blocks", "gap", "allowed", "preferred", "configuration", "side")


def read_shares(node: Node, members: Container[str]) -> dict[str, float]:
    """Fractions above 0 that sum to 1 (± 1e-9)."""
    shares: dict[str, float] = {}
    for key, item in node.entries().items():
        if key not in members:
            item.refuse("names no member of this problem")
        shares[key] = item.number(1 + SHARES_TOLERANCE, positive=True)
    if abs(math.fsum(shares.values()) - 1) > SHARES_TOLERANCE * 1.001:
        node.refuse("must sum to 1")
    return shares


def read_gap(node: Node | None) -> Gap | None:
    """[least, most] grains between blocks, most null = no limit; absent or null = no rule."""
    if node is None or node.is_null():
        return None
    ends = node.items()
    if len(ends) != len(("least", "most")):
        node.refuse("must be [least, most]")
    least = ends[0].integer()
    most = None if ends[1].is_null() else ends[1].integer()
    if most is not None and most < least:
        node.refuse("the most is below the least")
    return Gap(least, most)


def read_preference(node: Node, grains: int) -> Preference:
    """[start, end, weight]; preferred intervals may overlap: the highest weight counts."""
    items = node.items()
    if len(items) != len(("start", "end", "weight")):
        node.refuse("must be [start, end, weight]")
    start, end = read_interval(Node([item.value for item in items[:2]], node.path), grains)
    return Preference(start, end, items[2].number())


def read_alternatives(node: Node, resources: dict[str, Resource]) -> tuple[str, ...]:
    """Resources of one cost: that is what makes fair shares an exact flow."""
    rows = node.items()
    if not rows:
        node.refuse("must name a resource")
    names = tuple(read_name(row, resources, "resource") for row in rows)
    refuse_repeats(rows, names)
    for row, name in zip(rows, names, strict=True):
        if resources[name].cost != resources[names[0]].cost:
            row.refuse(f"must have the same cost as {names[0]}")
    return names


def read_lengths(node: Node) -> tuple[int, ...]:
    rows = node.items(MOST_LENGTHS)
    if not rows:
        node.refuse("must hold a length")
    lengths = tuple(row.integer(1) for row in rows)
    refuse_repeats(rows, lengths)
    return lengths


def read_side(node: Node, resources: Container[str]) -> Side:
    fields = node.fields(("resource",), ("units",))
    units = fields["units"].integer(1, MOST_UNITS) if "units" in fields else 1
    return Side(read_name(fields["resource"], resources, "resource"), units)


def read_sides(node: Node | None, resources: Container[str]) -> tuple[Side, ...]:
    sides = read_rows(node, lambda row: read_side(row, resources))
    if node is not None:
        refuse_repeats(node.items(), [side.resource for side in sides])
    return sides


def read_part(node: Node, resources: dict[str, Resource], grains: int) -> Part:
    fields = node.fields(PART_REQUIRED, PART_OPTIONAL)
    most_blocks, configuration = fields.get("most_blocks"), fields.get("configuration")
    amount = fields["amount"].integer()
    least = fields["least"].integer() if "least" in fields else 0
    if least > amount:
        fields["least"].refuse("is above the amount")
    return Part(
        id=fields["id"].text(),
        alternatives=read_alternatives(fields["alternatives"], resources),
        amount=amount,
        least=least,
        lengths=read_lengths(fields["lengths"]),
        most_blocks=None if most_blocks is None or most_blocks.is_null() else most_blocks.integer(1),
        gap=read_gap(fields.get("gap")),
        allowed=read_intervals(fields.get("allowed"), grains),
        preferred=read_rows(fields.get("preferred"), lambda row: read_preference(row, grains)),
        configuration=None if configuration is None or configuration.is_null() else configuration.text(),
        side=read_sides(fields.get("side"), resources),
    )


def read_lag(node: Node, parts: Container[str]) -> Lag:
    fields = node.fields(("after", "then"), ("least", "most"))
    after, then = read_name(fields["after"], parts, "part"), read_name(fields["then"], parts, "part")
    if after == then:
        fields["then"].refuse("a part cannot follow itself")
    least = fields["least"].integer() if "least" in fields else 0
    most = fields["most"].integer() if "most" in fields and not fields["most"].is_null() else None
    if most is not None and most < least:
        fields["most"].refuse("is below the least")
    return Lag(after, then, least, most)


def is_acyclic(lags: Sequence[Lag]) -> bool:
    behind: dict[str, list[str]] = {}
    for lag in lags:
        behind.setdefault(lag.then, []).append(lag.after)
    try:
        TopologicalSorter(behind).prepare()
    except CycleError:
        return False
    return True


def refuse_circles(nodes: Sequence[Node], lags: Sequence[Lag]) -> None:
    """Refuse the first lag that closes a circle with those before it."""
    if is_acyclic(lags):
        return
    first = bisect_left(range(1, len(lags) + 1), 1, key=lambda count: int(not is_acyclic(lags[:count])))
    nodes[first].refuse("closes a circle of lags")


def read_lags(node: Node | None, parts: Container[str]) -> tuple[Lag, ...]:
    lags = read_rows(node, lambda row: read_lag(row, parts))
    if node is not None:
        refuse_repeats(node.items(), [(lag.after, lag.then) for lag in lags])
        refuse_circles(node.items(), lags)
    return lags


def read_request(node: Node, members: Container[str], resources: dict[str, Resource], grains: int) -> Request:
    fields = node.fields(("id", "shares", "merit", "needs", "parts"), ("lags",))
    if fields["needs"].text() not in list(Needs):
        fields["needs"].refuse(f"must be one of {', '.join(Needs)}")
    ids = read_unique_ids(fields["parts"])
    if not ids:
        fields["parts"].refuse("must hold a part")
    return Request(
        id=fields["id"].text(),
        shares=read_shares(fields["shares"], members),
        merit=fields["merit"].number(),
        needs=Needs(fields["needs"].text()),
        parts=tuple(read_part(row, resources, grains) for row in fields["parts"].items()),
        lags=read_lags(fields.get("lags"), set(ids)),
    )
