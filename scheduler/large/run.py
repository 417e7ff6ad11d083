"""The work at the size of a network: bounds from prices, a dive, rounds of exchange; better plans are handed out."""

import importlib
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from scheduler import figures
from scheduler.certificate import Evidence
from scheduler.errors import Unfinished
from scheduler.figures import MICRO
from scheduler.greedy import held_at, placement_of
from scheduler.large import levels
from scheduler.large.board import Held
from scheduler.large.bounds import Bounds, bounds_of, refined, sharpened, tightened
from scheduler.large.columns import Columns
from scheduler.large.dive import Dive
from scheduler.large.finish import closing, finish
from scheduler.large.fixed import standing
from scheduler.large.grid import Grid
from scheduler.large.judge import Judge, lower_to_caps
from scheduler.large.pool import runner
from scheduler.large.relaxation import Relaxation, relax
from scheduler.large.shards import bundles_of, promises, shards
from scheduler.large.split import Effort, adopt, split, whole
from scheduler.large.start import blocks_of, fill, first_state, keep_caps
from scheduler.large.state import State, TightPick
from scheduler.large.tasks import RunTasks
from scheduler.placements import Placement
from scheduler.plan import Block
from scheduler.problem import Problem
from scheduler.protocol import Line, Order, Progress, relative_gap
from scheduler.quick import Emit, Key, best_greedy, emit_checked, explained_with_choices, rank
from scheduler.rules import Draft
from scheduler.rules_shared import quota_caps_hold
from scheduler.values import Fairness

QUERIES_A_SECOND = 180_000
"""Questions to the board for a deterministic second: less than one core of a present machine answers in that time of
the limit."""
TASKS_A_ROUND = 4
TURNS_TO_WHOLE = 4
"""One round in so many is a single task over everything: it finds what crosses the borders of the others."""
TASKS_A_RUN, FEWEST_QUERIES, MOST_QUERIES = 150, 4_000, 30_000
"""A run is cut into so many tasks, each of so many questions."""
HOT, COLD = 1e-4, 1e-6
"""Of the value: what a step may lose at the beginning and at the end."""
STEER, BASE = 2.0, 0.25
"""A member's penalty: so many times its price of fairness, and so much of the mean value of a cost-grain."""
AIM = 0.015
"""Of a fair share: so far below it the targets lie. Blocks come in lengths: aiming at the share itself overshoots it by
half a block a member, which is time that others lack (decision 0011)."""
HARDER = 1.6
"""A member that stays below its target through a round counts so many times more in the next."""
DIVE_ROUNDS, FEWEST_A_DIVE = 20, 15
MILESTONE = 1.8
"""A plan is written and checked when so many times the work was done than at the last one."""

Tell = Callable[[Progress], None]


def run(order: Order, evidence: Evidence, line: Line) -> None:
    """Emit better and better plans of an order within its deterministic limit.

    Raises Infeasible when what is frozen and pinned cannot stand, Unfinished when no plan within the caps was found.
    """
    evidence.grid = grid = Grid(evidence.problem, evidence.shares)  # the first plan has closed requests on its own
    base = standing(grid)
    if base is None:
        base = proven_base(evidence, line)
    state = first_state(grid, base, is_repair=order.repair)
    with runner(grid, order.workers, line.offer if order.is_shared else None) as run_tasks:
        Network(evidence, line.plan, line.progress, run_tasks, grid, is_repair=order.repair).run(state)


def proven_base(evidence: Evidence, line: Line) -> list[Held]:
    """Frozen and pinned blocks by the exact model, where tries found no place for them; raises Infeasible."""
    exact = importlib.import_module("scheduler.exact")
    budget = importlib.import_module("scheduler.search").Budget(evidence.deterministic_limit)
    work = exact.Work(evidence, line.plan, line.progress, budget)
    return [held_at(evidence.grid, row) for row in exact.fixed_blocks(evidence.problem, work.search)]


@dataclass
class Network:
    """One run on a problem too large for one exact model."""

    evidence: Evidence
    emit: Emit
    tell: Tell
    run_tasks: RunTasks
    grid: Grid
    is_repair: bool
    bounds: Bounds | None = None
    relaxation: Relaxation | None = None
    best: tuple[Block, ...] = ()
    best_rank: Key | None = None
    reach: Key | None = None
    """The key of the fairest plan seen."""
    handed_out: tuple[Block, ...] = field(default=())

    @property
    def problem(self) -> Problem:
        return self.evidence.problem

    def run(self, state: State) -> None:
        """Emit better and better plans from a state on; the last one carries the tightest bounds."""
        base = [placement_of(self.grid, block) for block in sorted(state.fixed)]
        self.take_greedy(base)
        self.consider_filled(state)
        self.report("bound")
        self.relaxation = relax(self.problem, self.evidence.shares, base)
        self.bounds = bounds_of(self.problem, self.evidence.shares, self.relaxation)
        judge = self.judge()
        columns = Columns(self.grid)
        self.dive(state, columns)
        self.consider(state)
        self.hand_out()
        self.improve(state, judge, columns.edges.tolist())
        self.settle_ties(state)
        self.close()

    def dive(self, state: State, columns: Columns) -> None:
        """Fill the state by the coarse program, one group of competing requests after the other."""
        grid = self.grid
        assert self.relaxation is not None  # noqa: S101 - narrows the type
        penalty = np.array([self.start_penalty(member) for member in range(len(grid.members))])
        dice = random.Random(f"{self.evidence.seed}/dive")  # noqa: S311 - repeatable on purpose
        pick = TightPick(state.board, dice)
        groups = shards(grid)
        promised = promises(grid, columns, self.relaxation, groups)
        for place, requests in enumerate(groups):
            later = sum(promised[place + 1 :], np.zeros(len(grid.members)))
            parts = sum(len(grid.requests[request].parts) for request in requests)
            dive = Dive(columns, state, penalty, later, pick, max(FEWEST_A_DIVE, parts // DIVE_ROUNDS))
            dive.run(bundles_of(columns, requests))
        for part in grid.parts:
            for option in part.options:
                option.liked = ()

    def take_greedy(self, base: Sequence[Placement]) -> None:
        """No plan may be below the best greedy one."""
        if not self.evidence.baselines:
            best_greedy(self.evidence, base)
        blocks = self.evidence.greedy
        if blocks is not None and not any(quota_caps_hold(Draft(self.problem, blocks))):
            self.keep(blocks)

    def consider_filled(self, state: State) -> None:
        """The plan that fills what is free at the start; the search starts without that."""
        mark = len(state.log)
        fill(state)
        self.consider(state)
        state.undo(mark)

    def settle_ties(self, state: State) -> None:
        """The last goals, on the best plan."""
        best = State(self.grid, state.fixed)
        fixed = {block[:4] for block in state.fixed}
        for block in (held_at(self.grid, row) for row in self.best):
            if block[:4] not in fixed:
                best.place(block if self.grid.resources[block.resource].lane_by_unit else block._replace(unit=0))
        finish(best)
        blocks = blocks_of(best)
        if self.key(blocks) == self.best_rank and closing(self.problem, blocks) > closing(self.problem, self.best):
            self.best = blocks

    def judge(self) -> Judge:
        """Targets are what the relaxation can give each member, less what the policy lets value take."""
        grid, relaxation = self.grid, self.relaxation
        assert relaxation is not None  # noqa: S101 - narrows the type
        slack = max(AIM, self.problem.policy.value_slack)
        targets = [
            share * max(0.0, relaxation.levels.get(member, 1.0) - slack)
            for member, share in zip(grid.members, grid.shares, strict=True)
        ]
        if self.problem.policy.fairness is Fairness.MERIT:
            return Judge(grid, [0.0] * len(targets), [0.0] * len(targets))
        if self.problem.policy.fairness is Fairness.QUOTA:
            lower_to_caps(grid, targets)
        mean = relaxation.value / max(1.0, sum(targets))
        penalties = [
            (STEER * relaxation.member_prices.get(member, 0.0) + BASE * mean) * target
            for member, target in zip(grid.members, targets, strict=True)
        ]
        return Judge(grid, targets, penalties)

    def start_penalty(self, member: int) -> float:
        """In the dive the penalties are far above all prices: leximin comes first."""
        share = self.grid.shares[member]
        if share <= 0 or self.problem.policy.fairness is Fairness.MERIT:
            return 0.0
        assert self.relaxation is not None  # noqa: S101 - narrows the type
        counted = sum(1 for row in self.grid.shares if row > 0)
        return self.relaxation.value * (4 / counted + 6 * share / sum(self.grid.shares))

    def improve(self, state: State, judge: Judge, edges: Sequence[int]) -> None:
        """Rounds of tasks, colder and colder; who stays short of the target weighs more and more."""
        total = int(self.evidence.deterministic_limit * QUERIES_A_SECOND)
        value = max(1.0, state.value)
        size = min(MOST_QUERIES, max(FEWEST_QUERIES, total // TASKS_A_RUN))
        done = turn = 0
        milestone = 0.0
        while done < total and not self.is_proven():
            fraction = done / total
            heat = HOT * (COLD / HOT) ** fraction * value
            effort = Effort(min(size, total - done), heat, heat * 0.8)
            seed = f"{self.evidence.seed}/{turn}"
            tasks = (
                split(self.grid, state, judge, effort, seed, TASKS_A_ROUND, edges)
                if turn % TURNS_TO_WHOLE
                else [whole(self.grid, state, judge, effort, seed)]
            )
            for task, answer in zip(tasks, self.run_tasks(tasks), strict=True):
                adopt(self.grid, state, task, answer)
            self.consider(state)
            harden(state, judge)
            done += effort.queries * len(tasks)
            turn += 1
            self.report("search")
            if done >= milestone and done < total:
                self.hand_out()
                milestone = done * MILESTONE

    def is_proven(self) -> bool:
        """Whether no plan is fairer and none of equal fairness has more value."""
        if self.bounds is None or self.is_repair:
            return False
        vector = self.vector()
        best = min([self.bounds.unfair, *(self.bounds.value(entry / MICRO) for entry in vector[:1])])
        return tuple(vector) == self.bounds.vector and figures.value(self.problem, self.best) >= best

    def consider(self, state: State) -> None:
        """Keep the plan if the policy prefers it to the best one; what is above a cap goes first."""
        if keep_caps(state):
            self.keep(blocks_of(state))

    def keep(self, blocks: tuple[Block, ...]) -> None:
        key = self.key(blocks)
        if self.best_rank is None or self.prefers(key, self.best_rank):
            self.best, self.best_rank = blocks, key
        if self.reach is None or key > self.reach:
            self.reach = key

    def prefers(self, key: Key, other: Key) -> bool:
        """The policy's order; within its `value_slack` of the best vector seen, value decides."""
        policy = self.problem.policy
        slack = round(policy.value_slack * MICRO)
        if not slack or self.is_repair or policy.fairness is not Fairness.LEXIMIN or self.reach is None:
            return key > other
        near, other_near = (is_near(row, max(self.reach, key), slack) for row in (key, other))
        if near and other_near:
            return (key[1], key[0]) > (other[1], other[0])
        return near or (not other_near and key > other)

    def key(self, blocks: tuple[Block, ...]) -> Key:
        """What plans are compared by: in a repair first how few published blocks move."""
        key = rank(self.problem, blocks, self.evidence.shares)
        return (-len(figures.moved_blocks(self.problem.published, blocks)), *key) if self.is_repair else key

    def hand_out(self) -> None:
        if self.best_rank is None or self.best == self.handed_out:
            return
        self.handed_out = self.best
        self.claim()
        emit_checked(self.evidence, self.best, self.emit)

    def claim(self) -> None:
        """What is proven, for the plan at hand."""
        if self.bounds is None:
            return
        evidence = self.evidence
        vector = self.vector()
        worst = vector[0] / MICRO if vector else 1.0
        evidence.s_bound = self.bounds.vector
        rows = self.rows(vector)
        if self.is_repair and not rows["unmoved"]["proven"]:
            worst = 0.0  # who moves fewer blocks may hold less of anything else
        self.bounds = sharpened(self.bounds, worst)
        evidence.value_bound = self.bounds.value(worst)
        evidence.unfair_bound = self.bounds.unfair
        evidence.bound_proof = self.bounds.proof(worst)
        if self.problem.policy.fairness is Fairness.MERIT:
            evidence.value_bound = evidence.unfair_bound
        value = float(figures.value(self.problem, self.best))
        rows["value"] = {"achieved": value, "bound": evidence.value_bound, "proven": value >= evidence.value_bound}
        evidence.levels = [{**rows[name], "name": name} for name in evidence.goals]

    def rows(self, vector: list[int]) -> dict[str, levels.Row]:
        """All goals but value: what was achieved, and a bound."""
        problem, held = self.problem, figures.served(self.problem, self.best)
        rows = [
            levels.vector_row(vector, self.evidence.s_bound),
            levels.welfare_row(problem, figures.satisfactions(held, self.evidence.shares)),
            levels.floors_row(problem, held),
            levels.preferences_row(self.grid, self.best),
            levels.changeovers_row(problem, self.best),
            levels.unmoved_row(self.grid, self.best),
        ]
        return {str(row["name"]): row for row in rows}

    def vector(self) -> list[int]:
        held = figures.served(self.problem, self.best)
        return sorted(figures.satisfactions(held, self.evidence.shares).values())

    def report(self, stage: str) -> None:
        if self.bounds is None:
            self.tell(Progress(stage, 0, None, None, None))
            return
        vector = self.vector()
        worst = vector[0] / MICRO if vector else 1.0
        value, bound = float(figures.value(self.problem, self.best)), self.bounds.value(worst)
        ceiling = self.bounds.vector[0] / MICRO if self.bounds.vector else 1.0
        goals = self.evidence.goals
        if "leximin" in goals:
            self.tell(Progress("leximin", goals.index("leximin"), worst, ceiling, relative_gap(worst, ceiling)))
        self.tell(Progress("value", goals.index("value"), value, bound, relative_gap(value, bound)))

    def close(self) -> None:
        """Prices made for the very plan, on narrower cells where that is quick, and the plan with them."""
        if self.bounds is not None:
            vector = self.vector()
            worst = vector[0] / MICRO if vector else 1.0
            self.bounds = refined(tightened(self.bounds, worst), worst)
        if self.best_rank is None:
            raise Unfinished("policy.quotas", "no plan within the caps was found beside what is frozen and pinned")
        self.claim()
        emit_checked(self.evidence, self.best, self.emit, explained_with_choices(self.evidence, self.best))


def is_near(key: Key, best: Key, slack: int) -> bool:
    """Whether no entry of a plan's sorted vector is more than the slack below the best vector's."""
    vector, fairest = key[0], best[0]
    assert isinstance(vector, tuple)  # noqa: S101 - narrows the type: leximin compares vectors first
    assert isinstance(fairest, tuple)  # noqa: S101
    return all(entry >= other - slack for entry, other in zip(vector, fairest, strict=True))


def harden(state: State, judge: Judge) -> None:
    """Members below their targets weigh more: those the search gives up too easily get their turn."""
    for member, target in enumerate(judge.targets):
        if target > 0 and state.held[member] < target * (1 - 1e-9):
            short = 1 - state.held[member] / target
            judge.penalties[member] *= 1 + (HARDER - 1) * math.sqrt(short)
