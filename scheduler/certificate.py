"""Writes the certificate: every figure, bound and reason that proves a plan."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction

from scheduler import figures
from scheduler.alone import Alone, left_out_reason
from scheduler.fair_shares import member_demands
from scheduler.figures import MICRO
from scheduler.large.grid import Grid
from scheduler.plan import Block, Plan
from scheduler.problem import Problem
from scheduler.rules import Draft, Exemption
from scheduler.rules_shared import broken_rules

TIE_BREAK_LOSS = 0.0  # of the value, for the sake of preferences, changeovers and stability
EXEMPT_RULES = ("least", "needs", "gap", "lag")


@dataclass
class Evidence:
    """What the work has proven so far; the certificate of any plan is written from it."""

    problem: Problem
    seed: int
    deterministic_limit: float
    solver_version: str
    alone: dict[str, Alone]
    shares: dict[str, Fraction]
    grid: Grid
    s_bound: tuple[int, ...] = ()
    value_bound: float = float("inf")
    unfair_bound: float = float("inf")
    goals: tuple[str, ...] = ()
    levels: list[dict[str, object]] = field(default_factory=list)
    baselines: dict[str, object] = field(default_factory=dict)
    bound_proof: dict[str, object] | None = None
    """Prices from which anybody can derive the bounds again."""
    richest: tuple[Block, ...] | None = None
    """The legal greedy plan of the highest value: a start for the bound on value."""
    greedy: tuple[Block, ...] | None = None
    """The best legal greedy plan: no plan handed out last may be below it."""

    def all_levels(self) -> list[dict[str, object]]:
        """Finished goals, then those still open."""
        done = {level["name"] for level in self.levels}
        rest = [name for name in self.goals if name not in done]
        return self.levels + [{"name": name, "achieved": None, "bound": None, "proven": False} for name in rest]

    def reset_bounds(self) -> None:
        """Bounds that need no proof: everyone has the whole fair share, everything asked for is served."""
        self.s_bound = (MICRO,) * sum(1 for share in self.shares.values() if share > 0)
        problem = self.problem
        everything = sum(
            (
                figures.exact(request.merit)
                * part.amount
                * figures.exact(problem.resource_by_id[part.alternatives[0]].cost)
                for request in problem.requests
                for part in request.parts
            ),
            Fraction(0),
        )
        frozen = sum(
            (
                figures.exact(problem.request_by_id[row.request].merit) * figures.cost_grains(problem, row)
                for row in problem.frozen
            ),
            Fraction(0),
        )
        self.value_bound = self.unfair_bound = float(everything + frozen)


def exemptions(problem: Problem, blocks: Sequence[Block]) -> list[Exemption]:
    """The rules that requests with frozen blocks break in a plan."""
    if not problem.frozen:
        return []
    frozen = {row.request for row in problem.frozen}
    found = []
    for violation in broken_rules(Draft(problem, tuple(blocks))):
        request, _, part = violation.where.partition("/")
        if violation.rule in EXEMPT_RULES and request in frozen:
            found.append(Exemption(request, violation.rule, part or None))
    return sorted(set(found), key=lambda row: (row.request, row.rule, row.part or ""))


def baseline(problem: Problem, blocks: Sequence[Block], shares: Mapping[str, Fraction]) -> dict[str, object]:
    """The figures of a greedy plan."""
    held = figures.served(problem, blocks)
    totals = figures.part_totals(blocks)
    return {
        "served": {member: float(amount) for member, amount in held.items()},
        "s_sorted": sorted(s / MICRO for s in figures.satisfactions(held, shares).values()),
        "value": float(figures.value(problem, blocks)),
        "served_total": float(sum(held.values())),
        "requests_served": len({request for request, _ in totals}),
    }


def member_rows(evidence: Evidence, blocks: Sequence[Block]) -> dict[str, object]:
    held = figures.served(evidence.problem, blocks)
    micro = figures.satisfactions(held, evidence.shares)
    rows: dict[str, object] = {}
    for member, share in evidence.shares.items():
        alone = evidence.alone[member]
        row: dict[str, object] = {
            "T": float(share),
            "s": micro[member] / MICRO if member in micro else None,
            "served": float(held[member]),
            "alone": float(alone.most),
        }
        rows[member] = row | ({"alone_is_bound": True} if alone.is_bound else {})
    return rows


def policy_row(problem: Problem) -> dict[str, object]:
    policy = problem.policy
    return {
        "fairness": str(policy.fairness),
        "value_slack": policy.value_slack,
        "quotas": [asdict(row) | {"members": list(row.members)} for row in policy.quotas],
    }


def write(evidence: Evidence, blocks: Sequence[Block], refusals: Mapping[str, object]) -> Plan:
    """The plan with its certificate."""
    problem = evidence.problem
    held = figures.served(problem, blocks)
    vector = sorted(s / MICRO for s in figures.satisfactions(held, evidence.shares).values())
    value = float(figures.value(problem, blocks))
    value_bound, unfair = max(evidence.value_bound, value), max(evidence.unfair_bound, value)
    moved = figures.moved_blocks(problem.published, blocks)
    levels = evidence.all_levels()
    demands = member_demands(problem)
    left_out = [member for member, share in evidence.shares.items() if share == 0]
    certificate: dict[str, object] = {
        "problem": problem.digest,
        "policy": policy_row(problem),
        "solver": {
            "name": "OR-Tools CP-SAT",
            "version": evidence.solver_version,
            "seed": evidence.seed,
            "deterministic_limit": evidence.deterministic_limit,
        },
        "members": member_rows(evidence, blocks),
        "left_out": {member: left_out_reason(problem, member, demands, evidence.alone[member]) for member in left_out},
        "s_sorted": vector,
        "s_bound": [entry / MICRO for entry in evidence.s_bound],
        "value": value,
        "value_bound": value_bound,
        "gap": 1 - value / value_bound if value_bound else 0.0,
        "jain": figures.jain(vector),
        "gini": figures.gini(vector),
        "p10": figures.worst_tenth(vector),
        "below_half": figures.below_half(vector),
        "levels": levels,
        "proven": all(level["proven"] for level in levels),
        "baselines": evidence.baselines,
        "refusals": dict(refusals),
        "moved": len(moved),
        "moved_blocks": [asdict(row) for row in moved],
        "price_of_fairness": {
            "unfair_value_bound": unfair,
            "lost": unfair - value,
            "fraction": 1 - value / unfair if unfair else 0.0,
        },
        "worst_envy": figures.worst_envy(problem, held, evidence.shares),
        "tie_break_loss": TIE_BREAK_LOSS,
        "exemptions": [asdict(row) for row in exemptions(problem, blocks)],
    }
    if evidence.bound_proof is not None:
        certificate["bound_proof"] = evidence.bound_proof
    return Plan(problem.digest, tuple(blocks), certificate)
