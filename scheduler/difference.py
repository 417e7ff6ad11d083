"""What changes from one plan to another: blocks, requests and the fairness of each member."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction

from scheduler import figures
from scheduler.errors import ProblemError
from scheduler.figures import MICRO, exact
from scheduler.plan import Block, Plan
from scheduler.problem import Problem
from scheduler.reading import Node
from scheduler.rules import Draft, names_exist

PartKey = tuple[str, str]
Place = tuple[str, int, int]
"""Resource, start and length: a block whose place is the same has not moved, whatever its unit."""


@dataclass(frozen=True)
class Move:
    """A block of the old plan and the block of the new one that stands for it."""

    old: Block
    new: Block


@dataclass(frozen=True)
class RequestChange:
    """Grains that a request holds before and after; None where that version of the problem has no such request."""

    request: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Standing:
    """A member in one plan: fair share T and what it holds, in cost-grains, and satisfaction s (None if T = 0)."""

    T: float
    served: float
    s: float | None


@dataclass(frozen=True)
class MemberChange:
    """A member before and after; None where that version of the problem has no such member."""

    member: str
    before: Standing | None
    after: Standing | None


@dataclass(frozen=True)
class Summary:
    """The figures of one plan: blocks, requests that hold anything and everything, Σ merit × u, sorted satisfaction."""

    blocks: int
    requests_touched: int
    requests_full: int
    value: float
    s_sorted: tuple[float, ...]


@dataclass(frozen=True)
class Difference:
    """From the old plan to the new one; requests only where what they hold differs, every member."""

    unchanged: int
    moved: tuple[Move, ...]
    lost: tuple[Block, ...]
    gained: tuple[Block, ...]
    requests: tuple[RequestChange, ...]
    members: tuple[MemberChange, ...]
    before: Summary
    after: Summary

    def to_json(self) -> dict[str, object]:
        """As JSON values, every array in the order of ids and time."""
        return asdict(self)


def difference(problem: Problem, old_plan: Plan, new_plan: Plan, *, new_problem: Problem | None = None) -> Difference:
    """Compare two plans of one problem, or of two versions of it (`new_problem` is the one that the new plan answers).

    Raises ProblemError with a path that begins with `old` or `new` for a plan of another problem, with unknown
    names, or without the fair shares of its members.
    """
    old, new = Side("old", problem, old_plan), Side("new", new_problem or problem, new_plan)
    paired = [pair_blocks(old.by_part.get(key, []), new.by_part.get(key, [])) for key in part_keys(old, new)]
    return Difference(
        unchanged=sum(pairing.unchanged for pairing in paired),
        moved=tuple(move for pairing in paired for move in pairing.moved),
        lost=tuple(block for pairing in paired for block in pairing.lost),
        gained=tuple(block for pairing in paired for block in pairing.gained),
        requests=tuple(request_changes(old, new)),
        members=tuple(member_changes(old, new)),
        before=old.summary(),
        after=new.summary(),
    )


class Side:
    """One of the two plans with its version of the problem; refuses what does not belong together."""

    def __init__(self, name: str, problem: Problem, plan: Plan) -> None:
        if plan.problem != problem.digest:
            raise ProblemError(f"{name}.problem", "the plan answers another problem than the one given for it")
        unknown = next(names_exist(Draft(problem, plan.blocks)), None)
        if unknown is not None:
            raise ProblemError(f"{name}.{unknown.where}", unknown.message)
        self.problem = problem
        self.blocks = plan.blocks
        self.by_part: dict[PartKey, list[Block]] = {}
        for block in plan.blocks:
            self.by_part.setdefault((block.request, block.part), []).append(block)
        self.totals = figures.part_totals(plan.blocks)
        self.held = figures.served(problem, plan.blocks)
        self.shares = dict(read_shares(problem, Node(plan.certificate, f"{name}.certificate")))
        self.micro = figures.satisfactions(self.held, self.shares)

    def grains(self, request: str) -> int | None:
        """What a request holds in all of its parts."""
        row = self.problem.request_by_id.get(request)
        return None if row is None else sum(self.totals.get((row.id, part.id), 0) for part in row.parts)

    def standing(self, member: str) -> Standing | None:
        if member not in self.shares:
            return None
        s = self.micro[member] / MICRO if member in self.micro else None
        return Standing(float(self.shares[member]), float(self.held[member]), s)

    def summary(self) -> Summary:
        return Summary(
            blocks=len(self.blocks),
            requests_touched=len({request for request, _ in self.totals}),
            requests_full=sum(figures.is_fully_served(row, self.totals) for row in self.problem.requests),
            value=float(figures.value(self.problem, self.blocks)),
            s_sorted=tuple(sorted(s / MICRO for s in self.micro.values())),
        )


def read_shares(problem: Problem, certificate: Node) -> Iterator[tuple[str, Fraction]]:
    """The fair share that a certificate gives each member of the problem."""
    rows = child(certificate, "members")
    for member in problem.members:
        share = child(child(rows, member.id), "T")
        yield member.id, exact(share.number(float("inf")))


def child(node: Node, key: str) -> Node:
    entries = node.entries()
    if key not in entries:
        raise ProblemError(node.child(key), "missing")
    return entries[key]


def part_keys(old: Side, new: Side) -> list[PartKey]:
    return sorted(old.by_part.keys() | new.by_part.keys())


def request_changes(old: Side, new: Side) -> Iterator[RequestChange]:
    for request in sorted(old.problem.request_by_id.keys() | new.problem.request_by_id.keys()):
        before, after = old.grains(request), new.grains(request)
        if before != after:
            yield RequestChange(request, before, after)


def member_changes(old: Side, new: Side) -> Iterator[MemberChange]:
    for member in sorted(old.shares.keys() | new.shares.keys()):
        yield MemberChange(member, old.standing(member), new.standing(member))


@dataclass(frozen=True)
class Pairing:
    """The blocks of one part: how many stay, which move, and which have no partner."""

    unchanged: int
    moved: list[Move]
    lost: list[Block]
    gained: list[Block]


def place(block: Block) -> Place:
    return block.resource, block.start, block.length


def pair_blocks(old: Sequence[Block], new: Sequence[Block]) -> Pairing:
    """Pair what stays, then the rest in the order of time so that starts shift by as little as possible in all.

    The blocks of a part never overlap and are alike but for their length, so pairs that cross in time would never
    shift by less.
    """
    kept = {place(block) for block in old} & {place(block) for block in new}
    before = sorted((block for block in old if place(block) not in kept), key=in_time)
    after = sorted((block for block in new if place(block) not in kept), key=in_time)
    if len(before) <= len(after):
        partners = cheapest_partners(tuple(before), tuple(after))
        moves = [Move(one, after[at]) for one, at in zip(before, partners, strict=True)]
    else:
        partners = cheapest_partners(tuple(after), tuple(before))
        moves = [Move(before[at], one) for one, at in zip(after, partners, strict=True)]
    gone, come = {move.old for move in moves}, {move.new for move in moves}
    lost = [block for block in before if block not in gone]
    return Pairing(len(kept), moves, lost, [block for block in after if block not in come])


def in_time(block: Block) -> tuple[int, str, int, int]:
    return block.start, block.resource, block.length, block.unit


Cost = tuple[int, int, int]
"""Shift of the start, another resource, another length: compared in this order."""


def cost(one: Block, other: Block) -> Cost:
    return abs(one.start - other.start), int(one.resource != other.resource), int(one.length != other.length)


def cheapest_partners(few: Sequence[Block], many: Sequence[Block]) -> list[int]:
    """For each of the few the place of its partner among the many: rising, of the least total cost, first of equals.

    Alignment by dynamic programming, |few| × |many| steps; both are short: the blocks of one part.
    """
    spare = len(many) - len(few)
    best: dict[tuple[int, int], tuple[Cost, int]] = {}
    for row in range(len(few) - 1, -1, -1):
        for column in range(row + spare, row - 1, -1):
            later = best[row + 1, column + 1][0] if row + 1 < len(few) else (0, 0, 0)
            shift, resource, length = cost(few[row], many[column])
            here = (shift + later[0], resource + later[1], length + later[2])
            after = best.get((row, column + 1))
            best[row, column] = after if after is not None and after[0] < here else (here, column)
    partners: list[int] = []
    for row in range(len(few)):
        partners.append(best[row, partners[-1] + 1 if partners else 0][1])
    return partners
