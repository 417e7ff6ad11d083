"""The network of the fair shares: from members through the windows of their parts to open time, with few arcs.

Parts with equal windows share a node, open time is cut only where some window begins or ends, and a window reaches
its pieces through a tree (as in a segment tree): an interval costs arcs in the logarithm of its pieces.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from scheduler.demand import intersect
from scheduler.figures import exact
from scheduler.max_flow import ENDLESS, SINK
from scheduler.problem import Problem
from scheduler.values import Interval, Part, Resource

Usable = tuple[tuple[str, ...], tuple[Interval, ...]]
"""The alternatives and the allowed intervals of a part: all that its windows depend on."""
Ranges = dict[str, tuple[Interval, ...]]
"""For each resource the disjoint intervals that some part can use."""


def part_cost(problem: Problem, part: Part) -> Fraction:
    """All alternatives of a part have one cost."""
    return exact(problem.resource_by_id[part.alternatives[0]].cost)


def physical_name(resource: Resource) -> str:
    """An exclusive name is one resource."""
    return f"r:{resource.id}" if resource.exclusive is None else f"x:{resource.exclusive}"


@dataclass(frozen=True)
class ShareNetwork:
    """Arcs from members' doors to the sink; sizes are whole multiples of 1/unit cost-grains, or ENDLESS.

    `feeds` are amounts that must flow into a node, whatever the members claim: what is settled already.
    """

    nodes: int
    unit: int
    tails: list[int]
    heads: list[int]
    sizes: list[int]
    doors: dict[str, int]
    feeds: dict[int, int]

    def beyond(self, open_nodes: Sequence[bool]) -> "ShareNetwork":
        """What remains once the other nodes are cut off by full arcs: these feed what is left.

        In every largest flow the arcs out of the cut are full and those into it are empty, so both sides can be
        treated by themselves from there on.
        """
        arcs = zip(self.tails, self.heads, self.sizes, strict=True)
        kept = [(tail, head, size) for tail, head, size in arcs if open_nodes[head]]
        feeds = {node: size for node, size in self.feeds.items() if open_nodes[node]}
        for tail, head, size in kept:
            if not open_nodes[tail]:
                feeds[head] = feeds.get(head, 0) + size
        inner = [row for row in kept if open_nodes[row[0]]]
        return ShareNetwork(
            self.nodes,
            self.unit,
            [row[0] for row in inner],
            [row[1] for row in inner],
            [row[2] for row in inner],
            {member: door for member, door in self.doors.items() if open_nodes[door]},
            feeds,
        )


class Builder:
    """Gathers nodes and arcs; sizes are fractions until all of them are known."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.nodes = 2
        self.tails: list[int] = []
        self.heads: list[int] = []
        self.finite: list[tuple[int, Fraction]] = []

    def node(self) -> int:
        self.nodes += 1
        return self.nodes - 1

    def build(self) -> ShareNetwork:
        doors = {member.id: self.node() for member in self.problem.members}
        self.add_open_time(self.add_parts(doors))
        unit = math.lcm(*{size.denominator for _, size in self.finite})
        sizes = [ENDLESS] * len(self.tails)
        for arc, size in self.finite:
            sizes[arc] = size.numerator * (unit // size.denominator)
        return ShareNetwork(self.nodes, unit, self.tails, self.heads, sizes, doors, {})

    def add_arc(self, tail: int, head: int, size: Fraction) -> None:
        self.finite.append((len(self.tails), size))
        self.tails.append(tail)
        self.heads.append(head)

    def add_endless(self, tail: int, heads: Sequence[int]) -> None:
        self.tails.extend([tail] * len(heads))
        self.heads.extend(heads)

    def add_parts(self, doors: Mapping[str, int]) -> dict[Usable, int]:
        """One divisible copy of each part for each of its request's members: all may use the same windows."""
        windows: dict[Usable, int] = {}
        for request in self.problem.requests:
            for part in request.parts:
                size = self.problem.demands[request.id, part.id] * part_cost(self.problem, part)
                if not size:
                    continue
                key = part.alternatives, part.allowed
                window = windows[key] if key in windows else windows.setdefault(key, self.node())
                for member, share in request.shares.items():
                    self.add_arc(doors[member], window, size * exact(share))
        return windows

    def add_open_time(self, windows: Mapping[Usable, int]) -> None:
        """Everything that each physical thing offers to the windows."""
        things: dict[str, list[tuple[int, Ranges]]] = {}
        for usable, node in windows.items():
            for name, ranges in self.ranges_of(usable).items():
                things.setdefault(name, []).append((node, ranges))
        for users in things.values():
            self.add_thing(users)

    def ranges_of(self, usable: Usable) -> dict[str, Ranges]:
        """The usable intervals by physical thing and resource."""
        found: dict[str, Ranges] = {}
        names, allowed = usable
        for name in names:
            resource = self.problem.resource_by_id[name]
            intervals = intersect(resource.open, allowed)
            if intervals:
                found.setdefault(physical_name(resource), {})[name] = intervals
        return found

    def add_thing(self, users: list[tuple[int, Ranges]]) -> None:
        """One thing's open time; where resources of one name count differently, each keeps its own rate too."""
        names = list(dict.fromkeys(name for _, ranges in users for name in ranges))
        resources = [self.problem.resource_by_id[name] for name in names]
        rates = {row.id: row.capacity * exact(row.cost) for row in resources}
        if len(set(rates.values())) == 1:
            rate = rates[names[0]]
            pieces = Pieces([spans for _, ranges in users for spans in ranges.values()])
            leaves = [self.node() for _ in pieces.lengths]
            for leaf, length in zip(leaves, pieces.lengths, strict=True):
                self.add_arc(leaf, SINK, length * rate)
            self.add_tree(pieces, leaves, ((node, spans) for node, ranges in users for spans in ranges.values()))
            return
        self.add_unequal(users, rates)

    def add_unequal(self, users: list[tuple[int, Ranges]], rates: Mapping[str, Fraction]) -> None:
        """Each resource's own rate, and together never more than the largest rate among those in use."""
        pieces = Pieces([spans for _, ranges in users for spans in ranges.values()])
        together = [Fraction(0)] * len(pieces.lengths)
        cells = [self.node() for _ in pieces.lengths]
        for name, rate in rates.items():
            own = [(node, ranges[name]) for node, ranges in users if name in ranges]
            leaves = [self.node() for _ in pieces.lengths]
            for place in pieces.places_inside(Pieces([spans for _, spans in own])):
                together[place] = max(together[place], rate)
                self.add_arc(leaves[place], cells[place], pieces.lengths[place] * rate)
            self.add_tree(pieces, leaves, own)
        for cell, length, rate in zip(cells, pieces.lengths, together, strict=True):
            self.add_arc(cell, SINK, length * rate)

    def add_tree(
        self, pieces: "Pieces", leaves: Sequence[int], users: Iterable[tuple[int, tuple[Interval, ...]]]
    ) -> None:
        """Arcs from each user to the pieces of its intervals, over inner nodes that stand for runs of pieces."""
        size = len(leaves)
        nodes = [0] * size + list(leaves)

        def node_at(place: int) -> int:
            if not nodes[place]:
                nodes[place] = self.node()
                self.add_endless(nodes[place], [node_at(2 * place), node_at(2 * place + 1)])
            return nodes[place]

        for user, spans in users:
            for span in spans:
                self.add_endless(user, [node_at(place) for place in cover(*pieces.places(span), size)])


class Pieces:
    """The time inside any of the intervals, cut wherever one of them begins or ends."""

    def __init__(self, lists: Sequence[Sequence[Interval]]) -> None:
        steps: dict[int, int] = {}
        for spans in lists:
            for start, end in spans:
                steps[start] = steps.get(start, 0) + 1
                steps[end] = steps.get(end, 0) - 1
        self.starts: list[int] = []
        self.lengths: list[int] = []
        users = before = 0
        for grain in sorted(steps):
            if users:
                self.starts.append(before)
                self.lengths.append(grain - before)
            users += steps[grain]
            before = grain

    def places(self, span: Interval) -> tuple[int, int]:
        """First piece of one of the intervals, and the piece behind its last."""
        return bisect_left(self.starts, span[0]), bisect_left(self.starts, span[1])

    def places_inside(self, coarser: "Pieces") -> Iterator[int]:
        """The pieces inside those of a list whose cuts are all cuts of this one."""
        for start, length in zip(coarser.starts, coarser.lengths, strict=True):
            yield from range(*self.places((start, start + length)))


def cover(first: int, end: int, size: int) -> list[int]:
    """The fewest nodes of a tree over `size` leaves (root 1, children 2i and 2i + 1) that make up [first, end)."""
    found = []
    left, right = first + size, end + size
    while left < right:
        if left & 1:
            found.append(left)
            left += 1
        if right & 1:
            right -= 1
            found.append(right)
        left //= 2
        right //= 2
    return found


def share_network(problem: Problem) -> ShareNetwork:
    """The network of a problem; the flow ignores side resources, lags, gaps, starts, changeover and self-overlap."""
    return Builder(problem).build()
