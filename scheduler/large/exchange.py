"""Search by exchange: force a request in, let who had to leave push on where it costs less, and judge the result.

Two kinds of step, after Christiaens and Vanden Berghe, «Slack induction by string removals» (2020), and the ejection
chains of Glover (1996), on the board of bits.
"""

import math
import random
from collections.abc import Iterable, Sequence

from scheduler.large.bits import runs, span
from scheduler.large.board import Held
from scheduler.large.grid import Grid, GridPart, GridRequest, Option
from scheduler.large.judge import Judge
from scheduler.large.state import State, TightPick

MOST_NEIGHBOURS = 24
RANDOM_TRIES, ALIGNED_TRIES = 5, 14
DEPTH = 6
FORCED_SHARE = 0.75
SHORT_SHARE = 0.5
NEARLY = 1e-9
EAGERNESS = 2
DRAWS = 40
QUERIES_A_STEP = 4
QUERIES_A_RUIN = 20
ANY_LENGTH_SHARE, SAME_START_SHARE = 0.2, 0.75


class Exchange:
    """Steps on one state within some cells of time; `requests` may be touched, all others stay as they are."""

    def __init__(self, grid: Grid, state: State, judge: Judge, requests: Iterable[int], seed: str) -> None:
        self.grid = grid
        self.state = state
        self.judge = judge
        self.dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.pick = TightPick(state.board, self.dice)
        self.mine = [
            request for request in requests if any(grid.parts[part].options for part in grid.requests[request].parts)
        ]
        self.is_mine = [False] * len(grid.requests)
        for request in self.mine:
            self.is_mine[request] = True
        self.of_member: list[list[int]] = [[] for _ in grid.members]
        for request in self.mine:
            for member, _ in grid.requests[request].shares:
                self.of_member[member].append(request)
        self.counted = [member for member, target in enumerate(judge.targets) if target > 0 and self.of_member[member]]
        self.eager = self.wishes()
        self.day = max(1, 1440 // grid.problem.grain_minutes)

    def wishes(self) -> list[float]:
        """How likely each request is tried: the value of its cost-grains, with what they are worth to its members."""
        grid, judge = self.grid, self.judge
        rates = [
            judge.penalties[member] / target / 2 if target > 0 else 0.0 for member, target in enumerate(judge.targets)
        ]
        wishes = [0.0] * len(grid.requests)
        for place in self.mine:
            request = grid.requests[place]
            merit = max(grid.parts[part].worth / (grid.parts[part].cost or 1) for part in request.parts)
            wishes[place] = merit + min(merit + 1, sum(rates[member] * share for member, share in request.shares))
        most = max(wishes, default=0.0) or 1.0
        return [(wish / most) ** EAGERNESS for wish in wishes]

    def run(self, queries: int, hot: float, cold: float) -> None:
        """Step until so many questions were put to the board; worse plans are taken on as heat allows.

        Heat is what a step may lose, about once in three times (Kirkpatrick, Gelatt and Vecchi 1983).
        """
        if not self.mine:
            return
        state, begin = self.state, self.state.board.queries
        lacks = [self.judge.lack(member, held) for member, held in enumerate(state.held)]
        astray = self.judge.astray(state.held)
        while (spent := state.board.queries - begin) < queries:
            state.board.queries += QUERIES_A_STEP
            heat = hot * (cold / hot) ** (spent / queries)
            value = state.value
            state.log.clear()
            self.step()
            touched = self.touched()
            after = {member: self.judge.lack(member, state.held[member]) for member in touched}
            gained = state.value - value - sum(after.values()) + sum(lacks[member] for member in touched)
            gained += astray - (now := self.judge.astray(state.held))
            if gained >= heat * math.log(max(1e-12, self.dice.random())):
                astray = now
                for member, lack in after.items():
                    lacks[member] = lack
            else:
                state.undo()
        state.log.clear()

    def touched(self) -> set[int]:
        """Members whose holdings the step may have changed."""
        grid = self.grid
        return {
            member
            for part in {block.part for _, block in self.state.log}
            for member, _ in grid.requests[grid.parts[part].request].shares
        }

    def step(self) -> None:
        if self.dice.random() < FORCED_SHARE:
            request = self.wanted()
            if request is not None:
                self.insert(request, DEPTH, is_wanted=True)
                return
        self.ruin()

    def wanted(self) -> GridRequest | None:
        """A request that lacks something: of a member below its target, or one of high merit."""
        dice, grid, state = self.dice, self.grid, self.state
        if self.counted and dice.random() < SHORT_SHARE:
            targets, held = self.judge.targets, state.held
            short = [member for member in self.counted if held[member] < targets[member] * (1 - NEARLY)]
            if short:
                waiting = [row for row in self.of_member[dice.choice(short)] if not state.is_full(grid.requests[row])]
                if waiting:
                    return grid.requests[dice.choice(waiting)]
        for _ in range(DRAWS):
            request = grid.requests[dice.choice(self.mine)]
            if dice.random() < self.eager[request.place] and not state.is_full(request):
                return request
        return None

    def insert(self, request: GridRequest, depth: int, *, is_wanted: bool = False) -> bool:
        """Serve a request, by force while depth is left: who leaves for it must be worth less, unless it is wanted."""
        state = self.state
        if not is_wanted and state.serve(request, self.pick) and state.is_full(request):
            return True
        if depth == 0 or state.is_full(request):
            return False
        mark = len(state.log)
        gone: list[int] = []
        if not self.force(request, gone, is_wanted=is_wanted):
            state.undo(mark)
            return False
        if is_wanted:
            self.swap(request, gone)
        for place in self.order(dict.fromkeys(row for row in gone if row != request.place)):
            self.insert(self.grid.requests[place], depth - 1)
        return True

    def force(self, request: GridRequest, gone: list[int], *, is_wanted: bool) -> bool:
        """Place a request's blocks where those in the way cost least; False when it cannot be or is not worth it."""
        state, served = self.state, False
        for place in request.parts:
            part = self.grid.parts[place]
            while state.total[place] < part.demand and len(state.blocks[place]) < part.most_blocks:
                found = self.cheapest(part, state.window(part))
                if found is None or (not is_wanted and found[0] >= self.gain(part, found[1].length)):
                    break
                if not self.seat(part, found[1], found[2], gone):
                    break
                served = True
            if 0 < state.total[place] < part.least or (
                request.needs_all and part.least > 0 and state.total[place] < part.least
            ):
                return False
        return served

    def cheapest(self, part: GridPart, window: int) -> tuple[float, Option, int] | None:
        """The loss, option and start of the cheapest of some places: random ones, and ones beside other blocks."""
        places = self.places(part, window)
        if not places:
            return None
        roll = self.dice.random
        self.state.board.queries += RANDOM_TRIES
        best: tuple[float, Option, int] | None = None
        seen = set()
        for turn in range(RANDOM_TRIES + ALIGNED_TRIES):
            option, mask = places[int(roll() * len(places))]
            start = random_bit(mask, roll())
            if turn >= RANDOM_TRIES:
                start = self.beside(option, start)
            if (option.resource, start, option.length) in seen or not mask >> start & 1:
                continue
            seen.add((option.resource, start, option.length))
            loss = self.loss_at(part, option, start, math.inf if best is None else best[0])
            if loss is not None:
                best = loss, option, start
        return best

    def places(self, part: GridPart, window: int) -> list[tuple[Option, int]]:
        """Where the part's next block might stand if all others left: mostly for its longest lengths."""
        state = self.state
        rest = part.amount - state.total[part.place]
        fitting = [option for option in part.options if option.length <= rest]
        if fitting and self.dice.random() >= ANY_LENGTH_SHARE:
            fitting = [option for option in fitting if option.length == fitting[0].length]
        own = state.board.everything & ~state.board.busy[part.request]
        found = []
        for option in fitting:
            mask = option.starts & window & state.spaced(part, option.length) & runs(own, option.length)
            if mask and part.followers:
                mask = state.led(part, option, mask, by_force=True)
            if mask:
                found.append((option, mask))
        return found

    def beside(self, option: Option, start: int) -> int:
        """A start that takes the place of a block near by, or begins where it ends."""
        users = self.state.users[option.resource][start // self.state.stretch]
        if not users:
            return start
        rows = list(users)
        block = rows[int(self.dice.random() * len(rows))]
        return block.start if self.dice.random() < SAME_START_SHARE else block.start + block.length

    def loss_at(self, part: GridPart, option: Option, start: int, limit: float) -> float | None:
        """What is lost by those who are in the way of a block; None if one of them must stay, or from the limit on."""
        loss = 0.0
        for block in self.in_the_way(part, option, start):
            if block in self.state.fixed or not self.is_mine[self.grid.parts[block.part].request]:
                if self.grid.resources[block.resource].capacity == 1:
                    return None
                continue
            loss += self.loss(block)
            if loss >= limit:
                return None
        return loss

    def in_the_way(self, part: GridPart, option: Option, start: int) -> list[Held]:
        end = start + option.length
        found = self.state.using(option.resource, start, end)
        for side, _ in part.sides:
            found += self.state.using(side, start, end)
        for rival in self.grid.resources[option.resource].rivals:
            found += self.state.using(rival, start, end)
        return found

    def seat(self, part: GridPart, option: Option, start: int, gone: list[int]) -> bool:
        """Send away as many as must leave, cheapest first, and place the block."""
        state, bit = self.state, 1 << start
        if not state.board.starts(part, option) & bit:
            leaving = [
                row for row in self.in_the_way(part, option, start) if self.is_mine[self.grid.parts[row.part].request]
            ]
            leaving.sort(key=self.loss)
            for block in leaving:
                self.take(block, gone)
                if state.board.starts(part, option) & bit:
                    break
            else:
                return False
        unit = state.board.unit_for(part, option.resource, start, option.length)
        state.place(Held(part.place, option.resource, start, option.length, unit))
        return True

    def swap(self, request: GridRequest, gone: list[int]) -> None:
        """A member that now holds more than its target lets its least worthy request go, if that leaves it enough."""
        state, grid, dice = self.state, self.grid, self.dice
        for member, share in request.shares:
            spare = state.held[member] - self.judge.targets[member]
            if self.judge.targets[member] <= 0 or dice.random() < 0.3:
                continue
            served = [
                block
                for row in self.of_member[member]
                if row != request.place
                for part in grid.requests[row].parts
                for block in state.blocks[part]
            ]
            for block in sorted(dice.sample(served, min(4, len(served))), key=lambda row: grid.parts[row.part].worth):
                if block in state.blocks[block.part] and self.paid(block) * share <= spare:
                    self.take(block, gone)
                    break

    def paid(self, block: Held) -> float:
        """Cost-grains that go with a block when it is taken away."""
        part = self.grid.parts[block.part]
        request = self.grid.requests[part.request]
        if part.is_loose and not request.needs_all:
            return block.length * part.cost
        return sum(self.state.total[place] * self.grid.parts[place].cost for place in request.parts)

    def gain(self, part: GridPart, grains: int) -> float:
        """What a block more is worth, with what it gives to members below their targets."""
        gain = grains * part.worth
        for member, share in self.grid.requests[part.request].shares:
            held = self.state.held[member]
            gain += self.judge.lack(member, held) - self.judge.lack(member, held + grains * part.cost * share)
        return gain

    def loss(self, block: Held) -> float:
        """What goes with a block, a little at random so that ties fall either way."""
        part = self.grid.parts[block.part]
        request = self.grid.requests[part.request]
        if part.is_loose and not request.needs_all:
            lost, paid = block.length * part.worth, block.length * part.cost
        else:
            rows = [(self.state.total[place], self.grid.parts[place]) for place in request.parts]
            lost = sum(total * row.worth for total, row in rows)
            paid = sum(total * row.cost for total, row in rows)
        for member, share in request.shares:
            held = self.state.held[member]
            if held - paid * share < self.judge.targets[member]:
                lost += self.judge.lack(member, held - paid * share) - self.judge.lack(member, held)
        return lost * (0.8 + 0.4 * self.dice.random())

    def take(self, block: Held, gone: list[int]) -> None:
        """Take a block away, with its whole request where what is left would not be legal."""
        state = self.state
        part = self.grid.parts[block.part]
        request = self.grid.requests[part.request]
        if block in state.fixed or not self.is_mine[part.request] or block not in state.blocks[block.part]:
            return
        gone.append(part.request)
        rest = state.total[block.part] - block.length
        if part.is_loose and rest >= part.least and (rest > 0 or not request.needs_all):
            state.remove(block)
        else:
            state.drop(request)

    def ruin(self) -> None:
        """Empty a stretch of time on a few resources and fill it anew in another order."""
        self.state.board.queries += QUERIES_A_RUIN
        dice, grid, state = self.dice, self.grid, self.state
        request = grid.requests[dice.choice(self.mine)]
        part = grid.parts[dice.choice([place for place in request.parts if grid.parts[place].options])]
        option = dice.choice(part.options)
        starts = option.starts & state.board.everything
        if not starts:
            return
        start = random_bit(starts, dice.random())
        width = dice.choice((1, 1, 2, 3, 5)) * max(option.length, self.day)
        begin, end = max(0, start - dice.randrange(width)), start + option.length + dice.randrange(width)
        resources = [option.resource]
        others = sorted({row.resource for row in part.options} - {option.resource})
        resources.extend(other for other in others if dice.random() < 0.5)
        gone: list[int] = []
        for resource in resources:
            for block in state.using(resource, begin, min(end, grid.grains)):
                self.take(block, gone)
        inside = span(begin, min(end, grid.grains))
        near = [
            row
            for row in dice.sample(self.mine, min(len(self.mine), 4 * MOST_NEIGHBOURS))
            if not state.is_full(grid.requests[row]) and self.asks(grid.requests[row], resources, inside)
        ]
        for row in self.order(dict.fromkeys([*gone, *near[:MOST_NEIGHBOURS]])):
            state.serve(grid.requests[row], self.pick)

    def asks(self, request: GridRequest, resources: Sequence[int], inside: int) -> bool:
        """Whether a request could use some of a stretch of time."""
        return any(
            option.resource in resources and option.starts & inside
            for place in request.parts
            for option in self.grid.parts[place].options
        )

    def order(self, requests: Iterable[int]) -> list[int]:
        """Members in need first, then by merit, by size or at random."""
        dice, grid, state = self.dice, self.grid, self.state
        rows = list(requests)
        if len(rows) < 2:
            return rows
        mode, noise = dice.random(), dice.choice((0.0, 0.1, 0.3))
        ranks = {}
        for place in rows:
            request = grid.requests[place]
            if mode < 0.85:
                part = grid.parts[request.parts[0]]
                grains = sum(grid.parts[row].demand - state.total[row] for row in request.parts)
                gain = self.gain(part, grains) / (1 if mode > 0.6 else max(1, grains) * part.cost)
                ranks[place] = -gain * (1 + noise * dice.gauss(0, 1))
            else:
                ranks[place] = dice.random()
        return sorted(rows, key=lambda place: (ranks[place], place))


def random_bit(mask: int, roll: float) -> int:
    """A set bit at or after a place that a number in [0, 1) chooses."""
    above = mask >> (at := int(roll * mask.bit_length()))
    return at + (above & -above).bit_length() - 1
