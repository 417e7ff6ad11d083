"""The last goals, where they cost nothing: blocks move or change places for their wishes, their like, or stability."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from scheduler.figures import moved_blocks
from scheduler.large.bits import first, last, span
from scheduler.large.board import Held
from scheduler.large.fixed import fits, is_legal, seated
from scheduler.large.grid import Grid, GridPart, Option
from scheduler.large.levels import changeovers, preferences
from scheduler.large.state import State
from scheduler.placements import preference
from scheduler.plan import Block
from scheduler.problem import Problem

PASSES = 2
MOST_SWAPS = 8
"""Blocks asked to change places with one that would like to stand there."""
Rank = tuple[float, int, int]
"""Preference score, changeovers (negative) and whether it stays, of one block where it stands."""


def closing(problem: Problem, blocks: tuple[Block, ...]) -> tuple[object, ...]:
    """The last goals of a plan, higher is better."""
    return preferences(problem, blocks), -changeovers(problem, blocks), -len(moved_blocks(problem.published, blocks))


def finish(state: State) -> None:
    """Move single blocks on their resource, or two of a length, where a last goal gains and none before it loses."""
    mover = Mover(state)
    for _ in range(PASSES):
        blocks = [block for rows in state.blocks for block in rows if block not in state.fixed]
        if not sum([mover.settle(block) for block in blocks if block in state.blocks[block.part]]):
            break
    state.log.clear()


class Mover:
    """Tries other starts for one block at a time; keeps each lane's blocks in the order of time."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.grid: Grid = state.grid
        self.lanes: dict[int, list[tuple[int, str]]] = {}
        for rows in state.blocks:
            for block in rows:
                self.note(block)
        problem = self.grid.problem
        self.published = {
            (self.grid.part_place[row.request, row.part], self.grid.resource_place[row.resource], row.start, row.length)
            for row in problem.published
        }
        self.published_by: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for part, resource, start, length in sorted(self.published):
            self.published_by.setdefault((part, resource), []).append((start, length))
        self.wishes = [
            problem.requests[self.grid.requests[part.request].place].part_by_id[part.id] for part in self.grid.parts
        ]

    def lane(self, block: Held) -> int:
        """The lane that counts the block's changeovers, −1 where none does."""
        resource = self.grid.resources[block.resource]
        if self.grid.parts[block.part].configuration is None or resource.lane < 0:
            return -1
        return resource.lane + block.unit if resource.lane_by_unit else resource.lane

    def note(self, block: Held) -> None:
        lane, configuration = self.lane(block), self.grid.parts[block.part].configuration
        if lane >= 0 and configuration is not None:
            insort(self.lanes.setdefault(lane, []), (block.start, configuration))

    def forget(self, block: Held) -> None:
        lane, configuration = self.lane(block), self.grid.parts[block.part].configuration
        if lane >= 0 and configuration is not None:
            self.lanes[lane].remove((block.start, configuration))

    def settle(self, block: Held) -> bool:
        """Put a block where the last goals like it best; whether it has moved."""
        state, part = self.state, self.grid.parts[block.part]
        option = option_of(part, block)
        if option is None or not self.may_gain(block):
            return False
        self.forget(block)
        best, found = self.rank(block), block
        state.remove(block)
        starts = state.board.starts(part, option) & state.spaced(part, option.length) & state.window(part)
        for start in self.candidates(part, block, starts):
            unit = state.board.unit_for(part, option.resource, start, option.length)
            other = Held(part.place, option.resource, start, option.length, unit)
            rank = self.rank(other)
            if rank > best and self.is_legal(other):
                best, found = rank, other
        state.place(found)
        self.note(found)
        return found != block or any(self.swap(block, other) for other in self.envied(block))

    def envied(self, block: Held) -> list[Held]:
        """Blocks of the same length on the resource that stand where this one would be liked better."""
        part = self.wishes[block.part]
        now = preference(part, block.start)
        found = [
            (-preference(part, other.start), other)
            for other in self.state.using(block.resource, 0, self.state.grid.grains)
            if (other.resource, other.length) == (block.resource, block.length) and other not in self.state.fixed
        ]
        return [other for liked, other in sorted(found)[:MOST_SWAPS] if -liked > now]

    def swap(self, one: Held, other: Held) -> bool:
        """Let two blocks change places if both are legal there and better off together."""
        if one.part == other.part:
            return False
        state, mark = self.state, len(self.state.log)
        self.forget(one)
        self.forget(other)
        pair = self.traded(one, other)
        is_better = pair is not None and self.pair_rank(*pair) > self.pair_rank(one, other)
        if pair is None or not is_better:
            state.undo(mark)
            pair = one, other
        for block in pair:
            self.note(block)
        return is_better

    def traded(self, one: Held, other: Held) -> tuple[Held, Held] | None:
        """Both blocks in each other's place on the board; None where that is not legal."""
        state = self.state
        state.remove(one)
        state.remove(other)
        found = []
        for block in (one._replace(start=other.start), other._replace(start=one.start)):
            if not fits(state, block):
                return None
            found.append(seated(state, block))
            state.place(found[-1])
        return (found[0], found[1]) if all(is_legal_request(state, block) for block in found) else None

    def pair_rank(self, one: Held, other: Held) -> Rank:
        """For two blocks that are not noted in their lanes."""
        first_rank = self.rank(one)
        self.note(one)
        second_rank = self.rank(other)
        self.forget(one)
        return first_rank[0] + second_rank[0], first_rank[1] + second_rank[1], first_rank[2] + second_rank[2]

    def may_gain(self, block: Held) -> bool:
        part = self.wishes[block.part]
        is_liked = any(wish.weight > preference(part, block.start) for wish in part.preferred)
        return is_liked or self.turns(block) > 0 or (bool(self.published) and block[:4] not in self.published)

    def is_legal(self, block: Held) -> bool:
        """Whether the block's request keeps its rules with the block here."""
        self.state.place(block)
        is_legal = is_legal_request(self.state, block)
        self.state.remove(block)
        return is_legal

    def rank(self, block: Held) -> Rank:
        """For a block that is not noted in its lane."""
        return preference(self.wishes[block.part], block.start), -self.turns(block), block[:4] in self.published

    def turns(self, block: Held) -> int:
        """Changeovers beside the block, less the one between its neighbours that would stand without it."""
        lane, configuration = self.lane(block), self.grid.parts[block.part].configuration
        if lane < 0 or configuration is None:
            return 0
        table = self.grid.resources[block.resource].changeover
        rows = self.lanes.get(lane, [])
        at = bisect_left(rows, (block.start, configuration))
        behind = at + (at < len(rows) and rows[at] == (block.start, configuration))
        before, after = ([name for _, name in part] for part in (rows[max(0, at - 1) : at], rows[behind : behind + 1]))
        return count([*before, configuration, *after], table) - count([*before, *after], table)

    def candidates(self, part: GridPart, block: Held, starts: int) -> Iterator[int]:
        """The first and the last start of each wish, the nearest to blocks of its kind, and where it was published."""
        for wish in self.wishes[part.place].preferred:
            if inside := starts & span(wish.start, wish.end):
                yield first(inside)
                yield last(inside)
        like = (start for start, name in self.lanes.get(self.lane(block), ()) if name == part.configuration)
        for start in like:
            if behind := starts >> start:
                yield start + first(behind)
            if before := starts & span(0, start + 1):
                yield last(before)
        yield from (start for start in self.published_at(block) if starts >> start & 1)

    def published_at(self, block: Held) -> list[int]:
        """Where blocks like this one were published."""
        rows = self.published_by.get((block.part, block.resource), ())
        return [start for start, length in rows if length == block.length]


def is_legal_request(state: State, block: Held) -> bool:
    return is_legal(state, state.grid.requests[state.grid.parts[block.part].request])


def option_of(part: GridPart, block: Held) -> Option | None:
    """The option that a block uses; none for frozen blocks that the rules of new ones would not allow."""
    same = (row for row in part.options if (row.resource, row.length) == (block.resource, block.length))
    return next(same, None)


def count(names: Sequence[str], table: Mapping[tuple[str, str], int]) -> int:
    return sum(1 for pair in pairwise(names) if table.get(pair, 0) > 0)
