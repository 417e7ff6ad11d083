"""Typed reading of JSON values that remembers the path of everything it refuses."""

import math
from collections.abc import Hashable, Iterable
from typing import NoReturn

from scheduler.errors import ProblemError

LARGEST = 10**9  # keeps every product of three figures inside 64 bits after scaling
SMALLEST = 1e-9  # of a number above 0: quotients of two figures stay far inside a float
LONGEST_TEXT = 500


class Node:
    """One JSON value and where it stands; the path is put together only when something is refused.

    A large problem has half a million values: without a text for each of them it is read a third faster.
    """

    __slots__ = ("_at", "value")

    def __init__(self, value: object, at: "str | tuple[Node, str | int]" = "") -> None:
        self.value = value
        self._at = at

    @property
    def path(self) -> str:
        """Such as `requests[3].parts[0].allowed[1]`."""
        if isinstance(self._at, str):
            return self._at
        parent, key = self._at
        return f"{parent.path}[{key}]" if isinstance(key, int) else parent.child(key)

    def refuse(self, message: str) -> NoReturn:
        raise ProblemError(self.path, message)

    def child(self, key: str) -> str:
        path = self.path
        return f"{path}.{key}" if path else key

    def entries(self) -> dict[str, "Node"]:
        """The members of a JSON object with free keys."""
        if not isinstance(self.value, dict):
            self.refuse("must be an object")
        for key in self.value:
            if not isinstance(key, str):
                self.refuse("keys must be texts")
        return {key: Node(item, (self, key)) for key, item in self.value.items()}

    def fields(self, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, "Node"]:
        """The members of a JSON object with known keys; unknown and missing ones are refused."""
        found = self.entries()
        wanted = list(required)
        known = {*wanted, *optional}
        for key, node in found.items():
            if key not in known:
                node.refuse("unknown key")
        for key in wanted:
            if key not in found:
                raise ProblemError(self.child(key), "missing")
        return found

    def items(self, most: int | None = None) -> list["Node"]:
        """The members of a JSON array, `most` of them at most."""
        if not isinstance(self.value, list):
            self.refuse("must be an array")
        if most is not None and len(self.value) > most:
            self.refuse(f"must hold at most {most}")
        return [Node(item, (self, place)) for place, item in enumerate(self.value)]

    def integer(self, least: int = 0, most: int = LARGEST) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.refuse("must be an integer")
        if not least <= self.value <= most:
            self.refuse(f"must be between {least} and {most}")
        return self.value

    def number(self, most: float = LARGEST, *, positive: bool = False) -> float:
        value = self.value
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            self.refuse("must be a number")
        if isinstance(value, float) and not math.isfinite(value):
            self.refuse("must be finite")
        if not 0 <= value <= most or (positive and value == 0):
            self.refuse(f"must be {'above' if positive else 'at least'} 0 and at most {most:g}")
        if 0 < value < SMALLEST:
            self.refuse(f"must be {'' if positive else '0 or '}at least {SMALLEST:g}")
        return value

    def text(self) -> str:
        if not isinstance(self.value, str):
            self.refuse("must be a text")
        if not 0 < len(self.value) <= LONGEST_TEXT:
            self.refuse(f"must have 1 to {LONGEST_TEXT} characters")
        if not self.value.isascii() and any("\ud800" <= character <= "\udfff" for character in self.value):
            self.refuse("is not valid Unicode")
        return self.value

    def is_null(self) -> bool:
        return self.value is None


def refuse_repeats(nodes: Iterable[Node], keys: Iterable[Hashable]) -> None:
    """Refuse the first node whose key came before."""
    seen: set[Hashable] = set()
    for node, key in zip(nodes, keys, strict=True):
        if key in seen:
            node.refuse("is a duplicate")
        seen.add(key)
