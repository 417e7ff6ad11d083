"""The rules of a legal plan, one function each, in plain Python (docs/reference/scheduler.md, «Rules»)."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from operator import itemgetter

from scheduler.plan import Block
from scheduler.problem import Problem
from scheduler.values import Interval, Needs, Part, Pattern, Request


@dataclass(frozen=True)
class Violation:
    """One broken rule: its name, where in the plan, and what is wrong."""

    rule: str
    where: str
    message: str


@dataclass(frozen=True)
class Exemption:
    """A rule that a request with frozen blocks cannot meet: least, needs, gap or lag."""

    request: str
    rule: str
    part: str | None = None


@dataclass(frozen=True)
class Draft:
    """Blocks under examination and the exemptions claimed for them."""

    problem: Problem
    blocks: tuple[Block, ...]
    exemptions: frozenset[Exemption] = frozenset()

    @cached_property
    def frozen(self) -> frozenset[Block]:
        rows = {(row.request, row.part, row.resource, row.start, row.length) for row in self.problem.frozen}
        return frozenset(
            block
            for block in self.blocks
            if (block.request, block.part, block.resource, block.start, block.length) in rows
        )

    @cached_property
    def new(self) -> list[tuple[int, Block]]:
        """Blocks that are not frozen, with their place in the plan."""
        return [(place, block) for place, block in enumerate(self.blocks) if block not in self.frozen]

    @cached_property
    def by_part(self) -> dict[tuple[str, str], list[Block]]:
        rows: dict[tuple[str, str], list[Block]] = {}
        for block in sorted(self.blocks, key=lambda item: (item.start, item.end)):
            rows.setdefault((block.request, block.part), []).append(block)
        return rows

    @cached_property
    def by_request(self) -> dict[str, list[Block]]:
        """Blocks of each request, by start."""
        rows: dict[str, list[Block]] = {}
        for block in sorted(self.blocks, key=lambda item: (item.start, item.end)):
            rows.setdefault(block.request, []).append(block)
        return rows

    def part_of(self, block: Block) -> Part:
        return self.problem.request_by_id[block.request].part_by_id[block.part]

    def is_exempt(self, request: str, rule: str, part: str | None = None) -> bool:
        return Exemption(request, rule, part) in self.exemptions


def names_exist(draft: Draft) -> Iterator[Violation]:
    """Blocks name a request, one of its parts, a resource and one of its units (0 … capacity − 1)."""
    requests, resources = draft.problem.request_by_id, draft.problem.resource_by_id
    for place, block in enumerate(draft.blocks):
        where = f"blocks[{place}]"
        if block.request not in requests or block.part not in requests[block.request].part_by_id:
            yield Violation("name", where, "names no part of this problem")
        elif block.resource not in resources:
            yield Violation("name", where, "names no resource of this problem")
        elif block.unit >= resources[block.resource].capacity:
            yield Violation("unit", where, "units are numbered 0 to capacity − 1")


def blocks_are_sorted(draft: Draft) -> Iterator[Violation]:
    """Blocks are sorted by (request, part, start, resource, unit, length)."""
    for place, (one, other) in enumerate(pairwise(draft.blocks)):
        if one.order() >= other.order():
            yield Violation("order", f"blocks[{place + 1}]", "is not after the block before it")


def alternatives_hold(draft: Draft) -> Iterator[Violation]:
    """A block uses one of its part's alternatives."""
    for place, block in draft.new:
        if block.resource not in draft.part_of(block).alternatives:
            yield Violation("alternative", f"blocks[{place}]", f"{block.resource} is no alternative of its part")


def lengths_hold(draft: Draft) -> Iterator[Violation]:
    """A block has one of its part's lengths."""
    for place, block in draft.new:
        if block.length not in draft.part_of(block).lengths:
            yield Violation("length", f"blocks[{place}]", f"{block.length} is no length of its part")


def is_inside(block: Block, intervals: tuple[Interval, ...]) -> bool:
    """Whether one of the sorted intervals holds the whole block."""
    place = bisect_right(intervals, block.start, key=itemgetter(0)) - 1
    return place >= 0 and block.end <= intervals[place][1]


def windows_hold(draft: Draft) -> Iterator[Violation]:
    """A block lies inside one allowed interval of its part."""
    for place, block in draft.new:
        if not is_inside(block, draft.part_of(block).allowed):
            yield Violation("window", f"blocks[{place}]", "is outside the allowed intervals")


def resources_are_open(draft: Draft) -> Iterator[Violation]:
    """A block lies inside one open interval of its resource and of each side resource."""
    for place, block in draft.new:
        sides = (side.resource for side in draft.part_of(block).side)
        for name in (block.resource, *sides):
            if not is_inside(block, draft.problem.resource_by_id[name].open):
                yield Violation("open", f"blocks[{place}]", f"{name} is not open throughout")


def is_among(start: int, starts: Sequence[int]) -> bool:
    """Whether a grain is one of the sorted starts."""
    place = bisect_left(starts, start)
    return place < len(starts) and starts[place] == start


def starts_hold(draft: Draft) -> Iterator[Violation]:
    """A block starts at one of its resource's starts."""
    for place, block in draft.new:
        starts = draft.problem.resource_by_id[block.resource].starts
        if starts is not None and not is_among(block.start, starts):
            yield Violation("start", f"blocks[{place}]", f"{block.start} is no start of {block.resource}")


def nothing_new_starts_early(draft: Draft) -> Iterator[Violation]:
    """Nothing new starts before `frozen_until`."""
    for place, block in draft.new:
        if block.start < draft.problem.frozen_until:
            yield Violation("frozen_until", f"blocks[{place}]", "starts before frozen_until and is not frozen")


def frozen_blocks_stay(draft: Draft) -> Iterator[Violation]:
    """Every published block that starts before `frozen_until` is in the plan."""
    kept = {(block.request, block.part, block.resource, block.start, block.length) for block in draft.blocks}
    for place, row in enumerate(draft.problem.published):
        if (
            row.start < draft.problem.frozen_until
            and (row.request, row.part, row.resource, row.start, row.length) not in kept
        ):
            yield Violation("frozen", f"published[{place}]", "is frozen and not in the plan")


def nothing_forbidden(draft: Draft) -> Iterator[Violation]:
    """No new block matches a forbidden row."""
    rows: dict[str | None, list[tuple[int, Pattern]]] = {}
    for row, pattern in enumerate(draft.problem.forbidden):
        rows.setdefault(pattern.request, []).append((row, pattern))
    for place, block in draft.new:
        for row, pattern in (*rows.get(block.request, ()), *rows.get(None, ())):
            if pattern.matches(block.request, block.part, block.resource, block.start, block.length):
                yield Violation("forbidden", f"blocks[{place}]", f"matches forbidden[{row}]")


def pins_hold(draft: Draft) -> Iterator[Violation]:
    """Every pin is matched by a block."""
    for row, pin in enumerate(draft.problem.pins):
        blocks = draft.blocks if pin.request is None else draft.by_request.get(pin.request, ())
        if not any(pin.matches(b.request, b.part, b.resource, b.start, b.length) for b in blocks):
            yield Violation("pin", f"pins[{row}]", "no block matches")


def parts_of(draft: Draft) -> Iterator[tuple[Request, Part, list[Block]]]:
    for request in draft.problem.requests:
        for part in request.parts:
            yield request, part, draft.by_part.get((request.id, part.id), [])


def amounts_hold(draft: Draft) -> Iterator[Violation]:
    """A part gets at most its amount in at most `most_blocks` blocks; what is frozen stays even above."""
    for request, part, blocks in parts_of(draft):
        frozen = [block for block in blocks if block in draft.frozen]
        where = f"{request.id}/{part.id}"
        if sum(b.length for b in blocks) > max(part.amount, sum(b.length for b in frozen)):
            yield Violation("amount", where, "holds more than its amount")
        if part.most_blocks is not None and len(blocks) > max(part.most_blocks, len(frozen)):
            yield Violation("most_blocks", where, "has more blocks than most_blocks")


def leasts_hold(draft: Draft) -> Iterator[Violation]:
    """A part that holds anything holds its least."""
    for request, part, blocks in parts_of(draft):
        short = bool(blocks) and sum(block.length for block in blocks) < part.least
        if short and not draft.is_exempt(request.id, "least", part.id):
            yield Violation("least", f"{request.id}/{part.id}", "holds something, but not its least")


def needs_hold(draft: Draft) -> Iterator[Violation]:
    """`needs: all`: every part with a least above 0 holds something, or the whole request nothing."""
    for request in draft.problem.requests:
        empty = [part.id for part in request.parts if (request.id, part.id) not in draft.by_part and part.least > 0]
        touched = any((request.id, part.id) in draft.by_part for part in request.parts)
        if request.needs is Needs.ALL and touched and empty and not draft.is_exempt(request.id, "needs"):
            yield Violation("needs", request.id, f"wants all of its parts, but {empty[0]} is empty")


def gaps_hold(draft: Draft) -> Iterator[Violation]:
    """Consecutive blocks of a part are `gap` apart, end to start, both ends included, on any resource."""
    for request, part, blocks in parts_of(draft):
        if part.gap is None or draft.is_exempt(request.id, "gap", part.id):
            continue
        for one, other in pairwise(blocks):
            apart = other.start - one.end
            if apart < part.gap.least or (part.gap.most is not None and apart > part.gap.most):
                yield Violation("gap", f"{request.id}/{part.id}", f"blocks are {apart} grains apart")


def lags_hold(draft: Draft) -> Iterator[Violation]:
    """Every block of `then` starts least … most grains after the last block of `after` ends; none without it."""
    for request in draft.problem.requests:
        for lag in request.lags:
            then = draft.by_part.get((request.id, lag.then), [])
            if not then or draft.is_exempt(request.id, "lag", lag.then):
                continue
            ends = [block.end for block in draft.by_part.get((request.id, lag.after), [])]
            if not ends:
                yield Violation("lag", f"{request.id}/{lag.then}", f"stands without {lag.after}")
                continue
            waits = [block.start - max(ends) for block in then]
            if min(waits) < lag.least or (lag.most is not None and max(waits) > lag.most):
                yield Violation("lag", f"{request.id}/{lag.then}", f"is not within the lag after {lag.after}")


def requests_do_not_overlap_themselves(draft: Draft) -> Iterator[Violation]:
    """Blocks of one request never overlap in time."""
    for request, blocks in draft.by_request.items():
        for one, other in pairwise(blocks):
            if other.start < one.end:
                yield Violation("overlap", request, f"has two blocks at grain {other.start}")
