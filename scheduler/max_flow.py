"""Exact maximum flow on integers of any size (Dinic 1970), in plain Python."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Protocol

SOURCE, SINK = 0, 1
ENDLESS = -1


class Arcs(Protocol):
    """A network by its arcs; a size is an integer or ENDLESS."""

    @property
    def nodes(self) -> int: ...
    @property
    def tails(self) -> Sequence[int]: ...
    @property
    def heads(self) -> Sequence[int]: ...
    @property
    def sizes(self) -> Sequence[int]: ...


@dataclass(frozen=True)
class Cut:
    """The largest amount, and what it leaves: who can still be reached from the source, and who reaches the sink."""

    sent: int
    from_source: Sequence[bool]
    to_sink: Sequence[bool]


class FindCut(Protocol):
    """The largest flow from supplies (an amount for each node) to the sink when every size is multiplied."""

    def __call__(self, network: Arcs, supplies: Mapping[int, int], factor: int) -> Cut: ...


def capacities(network: Arcs, supplies: Mapping[int, int], factor: int) -> list[int]:
    """Sizes as far as they matter: no arc carries more than all supplies, and no smallest cut holds one that could."""
    most = sum(supplies.values()) + 1
    return [most if size == ENDLESS else min(most, size * factor) for size in network.sizes]


class Network:
    """A directed graph with integer capacities; arcs come in pairs, an arc's reverse is `arc ^ 1`."""

    def __init__(self, nodes: int = 2) -> None:
        self.heads: list[int] = []
        self.room: list[int] = []
        self.arcs: list[list[int]] = [[] for _ in range(nodes)]

    def add_arc(self, tail: int, head: int, capacity: int, flow: int = 0) -> None:
        """An arc that carries a flow already."""
        arc = len(self.heads)
        self.heads += (head, tail)
        self.room += (capacity - flow, flow)
        self.arcs[tail].append(arc)
        self.arcs[head].append(arc + 1)

    def send(self) -> int:
        """Send as much more as possible from source to sink; gives the amount."""
        total = 0
        while True:
            levels = self.distances()
            if levels[SINK] < 0:
                return total
            total += self.fill(levels)

    def distances(self) -> list[int]:
        """Arcs from the source on paths with room; −1 = not reachable."""
        levels = [-1] * len(self.arcs)
        levels[SOURCE] = 0
        queue = deque((SOURCE,))
        while queue:
            node = queue.popleft()
            for arc in self.arcs[node]:
                head = self.heads[arc]
                if self.room[arc] and levels[head] < 0:
                    levels[head] = levels[node] + 1
                    queue.append(head)
        return levels

    def fill(self, levels: list[int]) -> int:
        """Send along shortest paths until each holds a full arc; gives the amount."""
        places = [0] * len(self.arcs)
        path: list[int] = []
        total, node = 0, SOURCE
        while True:
            if node == SINK:
                total += self.push(path)
                node = self.heads[path[-1]] if path else SOURCE
            arc = self.next_arc(node, levels, places)
            if arc is not None:
                path.append(arc)
                node = self.heads[arc]
            elif path:
                node = self.heads[path.pop() ^ 1]
                places[node] += 1
            else:
                return total

    def push(self, path: list[int]) -> int:
        """Send along a path what it has room for, and keep of it what lies before its first full arc."""
        sent = min([self.room[arc] for arc in path])
        for arc in path:
            self.room[arc] -= sent
            self.room[arc ^ 1] += sent
        first = next(place for place, arc in enumerate(path) if not self.room[arc])
        del path[first:]
        return sent

    def next_arc(self, node: int, levels: list[int], places: list[int]) -> int | None:
        arcs, level = self.arcs[node], levels[node] + 1
        for place in range(places[node], len(arcs)):
            arc = arcs[place]
            if self.room[arc] and levels[self.heads[arc]] == level:
                places[node] = place
                return arc
        places[node] = len(arcs)
        return None

    def from_source(self) -> list[bool]:
        """Which nodes the source can still reach."""
        return [level >= 0 for level in self.distances()]

    def to_sink(self) -> list[bool]:
        """Which nodes have a path with room to the sink."""
        reached = [False] * len(self.arcs)
        reached[SINK] = True
        queue = deque((SINK,))
        while queue:
            node = queue.popleft()
            for arc in self.arcs[node]:
                tail = self.heads[arc]
                if self.room[arc ^ 1] and not reached[tail]:
                    reached[tail] = True
                    queue.append(tail)
        return reached


def find_cut(network: Arcs, supplies: Mapping[int, int], factor: int, flows: Sequence[int] = ()) -> Cut:
    """`FindCut` in plain Python. `flows` is a legal start: of every supply in order, then of every arc."""
    known = iter(flows or repeat(0))
    graph = Network(network.nodes)
    sent = 0
    for node, amount in supplies.items():
        flow = next(known)
        sent += flow
        graph.add_arc(SOURCE, node, amount, flow)
    rows = zip(network.tails, network.heads, capacities(network, supplies, factor), known, strict=False)
    for tail, head, size, flow in rows:
        graph.add_arc(tail, head, size, flow)
    return Cut(sent + graph.send(), graph.from_source(), graph.to_sink())
