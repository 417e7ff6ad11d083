"""Exact maximum flow on integers of any size (Dinic 1970)."""

from collections import deque

SOURCE, SINK = 0, 1


class Network:
    """A directed graph with integer capacities; arcs come in pairs, an arc's reverse is `arc ^ 1`."""

    def __init__(self) -> None:
        self.heads: list[int] = []
        self.room: list[int] = []
        self.arcs: list[list[int]] = [[], []]

    def add_node(self) -> int:
        self.arcs.append([])
        return len(self.arcs) - 1

    def add_arc(self, tail: int, head: int, capacity: int) -> int:
        arc = len(self.heads)
        self.heads += (head, tail)
        self.room += (capacity, 0)
        self.arcs[tail].append(arc)
        self.arcs[head].append(arc + 1)
        return arc

    def send(self) -> int:
        """Send as much as possible from source to sink; gives the amount."""
        total = 0
        while True:
            levels = self.distances()
            if levels[SINK] < 0:
                return total
            places = [0] * len(self.arcs)
            while sent := self.augment(levels, places):
                total += sent

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

    def augment(self, levels: list[int], places: list[int]) -> int:
        """Send along one shortest path, or give 0 when there is none left."""
        path: list[int] = []
        node = SOURCE
        while node != SINK:
            arc = self.next_arc(node, levels, places)
            if arc is not None:
                path.append(arc)
                node = self.heads[arc]
            elif path:
                node = self.heads[path.pop() ^ 1]
                places[node] += 1
            else:
                return 0
        sent = min(self.room[arc] for arc in path)
        for arc in path:
            self.room[arc] -= sent
            self.room[arc ^ 1] += sent
        return sent

    def next_arc(self, node: int, levels: list[int], places: list[int]) -> int | None:
        arcs = self.arcs[node]
        while places[node] < len(arcs):
            arc = arcs[places[node]]
            if self.room[arc] and levels[self.heads[arc]] == levels[node] + 1:
                return arc
            places[node] += 1
        return None

    def can_reach_sink(self) -> list[bool]:
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
