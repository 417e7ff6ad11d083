"""Re-computes every figure of a certificate that the problem and the blocks determine."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import cast

from scheduler import figures
from scheduler.bound_proof import Claims, false_claims
from scheduler.figures import MICRO, exact
from scheduler.lanes import others_may_make_room
from scheduler.problem import Problem
from scheduler.reading import Node
from scheduler.rules import Draft, Violation

TOLERANCE = 1e-6
REQUIRED = (
    *("problem", "policy", "solver", "members", "left_out", "s_sorted", "s_bound", "value", "value_bound", "gap"),
    *("jain", "gini", "p10", "below_half", "baselines", "refusals", "moved", "price_of_fairness", "worst_envy"),
    *("levels", "proven", "exemptions"),
)
Certificate = Mapping[str, Node]
Check = Callable[[Draft, Certificate], Iterator[Violation]]
FindShares = Callable[[Problem, Mapping[str, Fraction]], Mapping[str, Fraction]]
"""T of every member, given the most each can hold in a plan of its own."""


def differs(claimed: object, found: float | None) -> bool:
    """Whether a claimed figure is not the one that was found."""
    if found is None or not isinstance(claimed, (int, float)) or isinstance(claimed, bool):
        return claimed is not found
    return not abs(claimed - found) <= TOLERANCE * max(1.0, abs(found))


def wrong(node: Node, found: object) -> Violation:
    return Violation("figure", f"certificate.{node.path}", f"claims {node.value}, is {found}")


def claimed_shares(certificate: Certificate) -> dict[str, Fraction]:
    return {
        member: exact(node.fields(("T", "s", "served", "alone"), ("alone_is_bound",))["T"].number(float("inf")))
        for member, node in certificate["members"].entries().items()
    }


def claimed_vector(node: Node) -> list[float]:
    return [item.number(1) for item in node.items()]


def members_are_complete(draft: Draft, certificate: Certificate) -> Iterator[Violation]:
    """The certificate speaks of every member once, and names those left out: exactly those with T = 0."""
    members = {member.id for member in draft.problem.members}
    shares = claimed_shares(certificate)
    if set(shares) != members:
        yield Violation("figure", "certificate.members", "does not list exactly the members")
        return
    if set(certificate["left_out"].entries()) != {member for member, share in shares.items() if share == 0}:
        yield Violation("figure", "certificate.left_out", "does not list exactly the members with T = 0")


def fair_shares_are_right(draft: Draft, certificate: Certificate, find_shares: FindShares) -> Iterator[Violation]:
    """T follows from the flow and the stated `alone`."""
    rows = certificate["members"].entries()
    alone = {member: exact(row.entries()["alone"].number(float("inf"))) for member, row in rows.items()}
    found = find_shares(draft.problem, alone)
    for member, row in rows.items():
        claim = row.entries()["T"]
        if differs(claim.value, float(found[member])):
            yield wrong(claim, float(found[member]))


def member_figures(draft: Draft, certificate: Certificate) -> Iterator[Violation]:
    """served and s of every member; nobody holds more than `alone`, unless the blocks of others may make room."""
    is_limit = not others_may_make_room(draft.problem)
    held = figures.served(draft.problem, draft.blocks)
    shares = claimed_shares(certificate)
    found = figures.satisfactions(held, shares)
    for member, row in certificate["members"].entries().items():
        entry = row.entries()
        if differs(entry["served"].value, float(held[member])):
            yield wrong(entry["served"], float(held[member]))
        expected = found[member] / MICRO if member in found else None
        if differs(entry["s"].value, expected):
            yield wrong(entry["s"], expected)
        if is_limit and entry["alone"].number(float("inf")) < float(held[member]) - TOLERANCE:
            yield wrong(entry["alone"], f"at least {float(held[member])}")


def evenness_figures(draft: Draft, certificate: Certificate) -> Iterator[Violation]:
    """s_sorted and what is computed from it."""
    held = figures.served(draft.problem, draft.blocks)
    vector = sorted(s / MICRO for s in figures.satisfactions(held, claimed_shares(certificate)).values())
    claimed = claimed_vector(certificate["s_sorted"])
    if len(claimed) != len(vector) or any(map(differs, claimed, vector)):
        yield wrong(certificate["s_sorted"], vector)
    expected = {
        "jain": figures.jain(vector),
        "gini": figures.gini(vector),
        "p10": figures.worst_tenth(vector),
        "below_half": figures.below_half(vector),
    }
    for key, found in expected.items():
        if differs(certificate[key].value, found):
            yield wrong(certificate[key], found)


def value_figures(draft: Draft, certificate: Certificate) -> Iterator[Violation]:
    """value, its gap to the bound, and the number of published blocks that moved."""
    value = float(figures.value(draft.problem, draft.blocks))
    bound = certificate["value_bound"].number(float("inf"))
    if differs(certificate["value"].value, value):
        yield wrong(certificate["value"], value)
    gap = 1 - value / bound if bound else 0.0
    if differs(certificate["gap"].value, gap):
        yield wrong(certificate["gap"], gap)
    moved = len(figures.moved_blocks(draft.problem.published, draft.blocks))
    if certificate["moved"].value != moved:
        yield wrong(certificate["moved"], moved)


def envy_figure(draft: Draft, certificate: Certificate) -> Iterator[Violation]:
    """The worst weighted envy."""
    held = figures.served(draft.problem, draft.blocks)
    found = figures.worst_envy(draft.problem, held, claimed_shares(certificate))
    claim = certificate["worst_envy"].fields(("amount", "envious", "envied"))["amount"]
    if differs(claim.value, cast("float", found["amount"])):
        yield wrong(claim, found["amount"])


def bounds_are_not_beaten(draft: Draft, certificate: Certificate) -> Iterator[Violation]:
    """No bound is below what is achieved: s_bound lexicographically, value_bound, and every level's."""
    vector, bound = claimed_vector(certificate["s_sorted"]), claimed_vector(certificate["s_bound"])
    for entry, limit in zip(vector, bound, strict=False):
        if entry > limit + TOLERANCE / 2:
            yield Violation("bound", "certificate.s_bound", "is below s_sorted")
        if entry < limit - TOLERANCE / 2:
            break
    if len(vector) != len(bound) or bound != sorted(bound):
        yield Violation("bound", "certificate.s_bound", "is no sorted vector of the members with T > 0")
    value = float(figures.value(draft.problem, draft.blocks))
    if value > certificate["value_bound"].number(float("inf")) * (1 + TOLERANCE) + TOLERANCE:
        yield Violation("bound", "certificate.value_bound", "is below the value")


def bounds_are_proven(draft: Draft, certificate: Certificate) -> Iterator[Violation]:
    """No bound claims less than the prices of its proof give, where a proof is offered."""
    if "bound_proof" not in certificate:
        return
    shares = claimed_shares(certificate)
    vector = figures.satisfactions(figures.served(draft.problem, draft.blocks), shares).values()
    claims = Claims(
        certificate["value_bound"].number(float("inf")),
        certificate["price_of_fairness"].entries()["unfair_value_bound"].number(float("inf")),
        claimed_vector(certificate["s_bound"]),
    )
    worst = min(vector, default=MICRO) / MICRO
    for where, message in false_claims(draft.problem, certificate["bound_proof"], shares, worst, claims):
        yield Violation("bound", f"certificate.{where}", message)


def levels_are_consistent(_draft: Draft, certificate: Certificate) -> Iterator[Violation]:
    """A level is proven only if its bound is what was achieved; the plan is proven if every level is."""
    proven = []
    for node in certificate["levels"].items():
        row = node.fields(("name", "achieved", "bound", "proven"))
        proven.append(row["proven"].value is True)
        if proven[-1] and row["achieved"].value != row["bound"].value:
            yield Violation("bound", f"certificate.{node.path}", "is called proven with an open bound")
    if certificate["proven"].value is not all(proven):
        yield Violation("bound", "certificate.proven", "is not what the levels say")


def refusals_are_complete(draft: Draft, certificate: Certificate) -> Iterator[Violation]:
    """Exactly the requests that are not fully served have a reason."""
    totals = figures.part_totals(draft.blocks)
    short = {request.id for request in draft.problem.requests if not figures.is_fully_served(request, totals)}
    listed = certificate["refusals"].entries()
    for request in sorted(short ^ set(listed)):
        yield Violation("refusals", f"certificate.refusals.{request}", "is missing or needless")
    for node in listed.values():
        node.fields(("code", "parts", "evidence"), ("nearest",))["code"].text()


CHECKS: tuple[Check, ...] = (
    member_figures,
    evenness_figures,
    value_figures,
    envy_figure,
    bounds_are_not_beaten,
    bounds_are_proven,
    levels_are_consistent,
    refusals_are_complete,
)


def wrong_figures(draft: Draft, certificate: Mapping[str, object], find_shares: FindShares) -> Iterator[Violation]:
    """Every claim of the certificate that does not follow from the problem and the blocks."""
    nodes = {key: Node(item, key) for key, item in certificate.items()}
    missing = [key for key in REQUIRED if key not in nodes]
    if missing:
        for key in missing:
            yield Violation("certificate", f"certificate.{key}", "is missing")
        return
    incomplete = list(members_are_complete(draft, nodes))
    if incomplete:  # the rest looks members up
        yield from incomplete
        return
    yield from fair_shares_are_right(draft, nodes, find_shares)
    for check in CHECKS:
        yield from check(draft, nodes)
