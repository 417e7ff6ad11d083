"""A plan in the making: what every part holds, what it is worth, and a log by which a step can be taken back."""

import random
from collections.abc import Callable, Iterable
from itertools import groupby
from operator import attrgetter

from scheduler.demand import lengths_to_try
from scheduler.large.bits import earlier, first, last, span
from scheduler.large.board import Board, Held
from scheduler.large.grid import Grid, GridPart, GridRequest, Option

Pick = Callable[[GridPart, Option, int], int]
ANCHORS_TRIED = 3
UNLIKED = 99
DAYS_A_STRETCH = 7


class State:
    """Blocks on a board with their value and what every member holds (cost-grains)."""

    def __init__(self, grid: Grid, fixed: Iterable[Held] = ()) -> None:
        self.grid = grid
        self.board = Board(grid)
        self.blocks: list[list[Held]] = [[] for _ in grid.parts]
        self.total = [0] * len(grid.parts)
        self.stretch = max(1, DAYS_A_STRETCH * 1440 // grid.problem.grain_minutes)
        stretches = range(grid.grains // self.stretch + 1)
        self.users: list[list[dict[Held, None]]] = [[{} for _ in stretches] for _ in grid.resources]
        """Blocks that use a resource, side use included, by stretch of time."""
        self.held = [0.0] * len(grid.members)
        self.value = 0.0
        self.log: list[tuple[bool, Held]] = []
        self.fixed = frozenset(fixed)
        for block in sorted(self.fixed):
            self.place(block)
        self.log.clear()

    def place(self, block: Held) -> None:
        self.board.place(block)
        self.blocks[block.part].append(block)
        for row in self.rows_of(block):
            row[block] = None
        self.charge(block, 1)
        self.log.append((True, block))

    def remove(self, block: Held) -> None:
        self.board.remove(block)
        self.blocks[block.part].remove(block)
        for row in self.rows_of(block):
            del row[block]
        self.charge(block, -1)
        self.log.append((False, block))

    def charge(self, block: Held, sign: int) -> None:
        part = self.grid.parts[block.part]
        grains = sign * block.length
        self.total[block.part] += grains
        self.value += grains * part.worth
        for member, share in self.grid.requests[part.request].shares:
            self.held[member] += grains * part.cost * share

    def undo(self, mark: int = 0) -> None:
        """Take back everything after a place in the log."""
        while len(self.log) > mark:
            was_placed, block = self.log.pop()
            if was_placed:
                self.remove(block)
            else:
                self.place(block)
            self.log.pop()

    def drop(self, request: GridRequest) -> None:
        """Take away all of a request that is not fixed."""
        for place in request.parts:
            for block in list(self.blocks[place]):
                if block not in self.fixed:
                    self.remove(block)

    def rows_of(self, block: Held) -> list[dict[Held, None]]:
        """Where a block is listed among the users of its resource and its side resources."""
        low, high = block.start // self.stretch, (block.start + block.length - 1) // self.stretch + 1
        rows = self.users[block.resource][low:high]
        for side, _ in self.grid.parts[block.part].sides:
            rows.extend(self.users[side][low:high])
        return rows

    def using(self, resource: int, start: int, end: int) -> list[Held]:
        """Blocks that use a resource at some moment of [start, end)."""
        low, high = start // self.stretch, (end - 1) // self.stretch + 1
        if high - low == 1:
            return [row for row in self.users[resource][low] if row[2] < end and start < row[2] + row[3]]
        found: dict[Held, None] = {}
        for users in self.users[resource][low:high]:
            for row in users:
                if row[2] < end and start < row[2] + row[3]:
                    found[row] = None
        return list(found)

    def is_full(self, request: GridRequest) -> bool:
        return all(self.total[place] >= self.grid.parts[place].demand for place in request.parts)

    def serve(self, request: GridRequest, pick: Pick) -> bool:
        """Give a request as much as fits; False, and nothing changed, when it must have more than fits."""
        mark = len(self.log)
        for place in request.parts:
            part = self.grid.parts[place]
            if self.total[place] < part.demand:
                self.serve_part(part, pick)
            if request.needs_all and part.least > 0 and not self.blocks[place]:
                self.undo(mark)
                return False
        return len(self.log) > mark

    def serve_part(self, part: GridPart, pick: Pick) -> None:
        """Add blocks up to the amount; what would stay below the least is taken back."""
        window = self.window(part)
        if not window:
            return
        mark = len(self.log)
        for _ in range(ANCHORS_TRIED if part.gap_most is not None else 1):
            self.fill(part, window, pick)
            if self.total[part.place] >= part.least:
                return
            self.undo(mark)

    def fill(self, part: GridPart, window: int, pick: Pick) -> None:
        """Blocks of the lengths that lead to the largest total, the longest first, each where it is liked best."""
        held = self.blocks[part.place]
        left = {length: list(rows) for length, rows in groupby(part.options, key=attrgetter("length"))}
        while left and len(held) < part.most_blocks:
            rest = part.amount - self.total[part.place]
            for length in lengths_to_try(tuple(left), rest, part.most_blocks - len(held)):
                if self.add_block(part, left[length], window, pick):
                    break
                del left[length]  # what does not fit now will not fit beside more blocks
            else:
                return

    def add_block(self, part: GridPart, options: list[Option], window: int, pick: Pick) -> bool:
        """One block of one of these options of equal length."""
        best: tuple[int, Option, int] | None = None
        spaced = self.spaced(part, options[0].length) & window
        if not spaced:
            return False
        for option in options:
            starts = self.board.starts(part, option) & spaced
            if starts and part.followers:
                starts = self.led(part, option, starts)
            if starts:
                rank, starts = most_liked(option, starts)
                if best is None or rank < best[0]:
                    best = rank, option, starts
        if best is None:
            return False
        _, option, starts = best
        start = pick(part, option, starts)
        unit = self.board.unit_for(part, option.resource, start, option.length)
        self.place(Held(part.place, option.resource, start, option.length, unit))
        return True

    def window(self, part: GridPart) -> int:
        """Starts that the lags leave to a part; none while a part before it holds nothing."""
        found = self.board.everything
        for lag in part.follows:
            before = self.blocks[lag.after]
            if not before:
                return 0
            end = max(block.end for block in before)
            latest = self.grid.grains if lag.most is None else min(self.grid.grains, end + lag.most + 1)
            found &= span(end + lag.least, latest)
        return found

    def spaced(self, part: GridPart, length: int) -> int:
        """Starts of a block that keeps the part's gap to the blocks it has, and the lag to those that follow it."""
        held = self.blocks[part.place]
        allowed = self.followed(part, length) if part.followers else self.board.everything
        if not held or (part.gap_least == 0 and part.gap_most is None):
            return allowed
        for block in held:
            allowed &= ~span(max(0, block.start - part.gap_least - length + 1), block.end + part.gap_least)
        if part.gap_most is not None:
            before = min(block.start for block in held) - part.gap_most - length
            behind = max(block.end for block in held) + part.gap_most
            allowed &= span(max(0, before), behind + 1)
        return allowed

    def followed(self, part: GridPart, length: int) -> int:
        """Starts of a block that leaves what follows the part within its lag: it must not become the later end."""
        held, allowed = self.blocks[part.place], self.board.everything
        for then, least, most in part.followers:
            behind = self.blocks[then]
            if not behind:
                continue
            if held:
                allowed &= span(0, max(0, max(block.end for block in held) - length + 1))
            else:
                latest = min(block.start for block in behind) - least - length
                earliest = 0 if most is None else max(0, max(block.start for block in behind) - most - length)
                allowed &= span(earliest, max(0, latest + 1))
        return allowed

    def led(self, part: GridPart, option: Option, starts: int, *, by_force: bool = False) -> int:
        """Starts after which what must follow fits, or could if others left; where one block says what the end is."""
        for then, least, most in part.followers:
            follower = self.grid.parts[then]
            if self.blocks[then] or not part.has_one_block or not self.grid.requests[part.request].needs_all:
                continue
            if follower.least == 0:
                continue
            possible = 0
            for other in follower.options:
                possible |= other.starts if by_force else self.board.starts(follower, other)
            ends = possible >> least
            reach = self.grid.grains if most is None else most - least
            starts &= earlier(ends, reach) >> option.length
        return starts


def most_liked(option: Option, starts: int) -> tuple[int, int]:
    """The place among what the relaxation likes of the best that some starts have, and the starts that are there."""
    for rank, liked in enumerate(option.liked):
        if starts & liked:
            return rank, starts & liked
    return UNLIKED, starts


def tightest(option: Option, starts: int, free: int) -> int:
    """Of the starts those that leave the fewest holes: both sides held, else one side."""
    left = starts & ~(free << 1)
    right = starts & ~(free >> option.length)
    return (left & right) or (left | right) or starts


def earliest(_part: GridPart, _option: Option, starts: int) -> int:
    return first(starts)


class TightPick:
    """Beside something held where possible; at random early or late, so that both ends of a hole are tried."""

    def __init__(self, board: Board, dice: random.Random) -> None:
        self.board = board
        self.dice = dice

    def __call__(self, part: GridPart, option: Option, starts: int) -> int:
        free = self.board.free(part, option.resource) & self.board.grid.resources[option.resource].open
        tight = tightest(option, starts, free)
        return first(tight) if self.dice.random() < 0.5 else last(tight)
