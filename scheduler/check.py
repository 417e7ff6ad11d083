"""The independent check of a plan: rules, figures and hash, in plain Python without any solver."""

from collections.abc import Iterator

from scheduler.check_figures import FindShares, wrong_figures
from scheduler.check_reasons import false_reasons
from scheduler.errors import ProblemError
from scheduler.fair_shares import fair_shares
from scheduler.plan import Plan
from scheduler.problem import Problem
from scheduler.reading import Node
from scheduler.rules import Draft, Exemption, Violation
from scheduler.rules_shared import broken_rules

__all__ = ["Violation", "check"]

EXEMPT_RULES = ("least", "needs", "gap", "lag")


def read_exemptions(node: Node) -> frozenset[Exemption]:
    """Rows {request, rule, part} that the certificate claims for requests with frozen blocks."""
    rows = set()
    for item in node.items():
        fields = item.fields(("request", "rule", "part"))
        if fields["rule"].text() not in EXEMPT_RULES:
            fields["rule"].refuse("is no rule that frozen blocks can be exempt from")
        part = None if fields["part"].is_null() else fields["part"].text()
        rows.add(Exemption(fields["request"].text(), fields["rule"].text(), part))
    return frozenset(rows)


def needless_exemptions(problem: Problem, plan: Plan, claimed: frozenset[Exemption]) -> Iterator[Violation]:
    """An exemption is for a request with a frozen block, and only where the rule is not met."""
    frozen = {row.request for row in problem.frozen}
    broken = broken_rules(Draft(problem, plan.blocks)) if claimed else []
    places = {(violation.rule, violation.where) for violation in broken}
    for row in sorted(claimed, key=lambda item: (item.request, item.rule, item.part or "")):
        where = row.request if row.part is None else f"{row.request}/{row.part}"
        if row.request not in frozen or (row.rule, where) not in places:
            yield Violation("exemption", where, f"{row.rule} is exempt without need")


def check(problem_json: object, plan_json: object) -> list[Violation]:
    """All violations of a plan; an empty list means that plan and certificate hold.

    Takes both documents as parsed JSON. Malformed documents give one violation with their path. Reasons are looked at
    once all else holds.
    """
    try:
        problem = Problem.from_json(problem_json)
    except ProblemError as error:
        return [Violation("problem", error.path, error.message)]
    found = verify(problem, plan_json)
    if found:
        return found
    try:
        return list(false_reasons(problem, Plan.from_json(plan_json)))
    except ProblemError as error:
        return [Violation("plan", error.path, error.message)]


def verify(problem: Problem, plan_json: object, find_shares: FindShares = fair_shares) -> list[Violation]:
    """The same, but for the reasons, for a problem that was read already.

    Who has just computed the fair shares from the `alone` of this very certificate may hand them over by `find_shares`.
    """
    try:
        plan = Plan.from_json(plan_json)
        exemptions = read_exemptions(Node(plan.certificate.get("exemptions", []), "certificate.exemptions"))
        draft = Draft(problem, plan.blocks, exemptions)
        found = broken_rules(draft)
        if found and found[0].rule == "name":
            return found
        found.extend(needless_exemptions(problem, plan, exemptions))
        found.extend(wrong_figures(draft, plan.certificate, find_shares))
    except ProblemError as error:
        return [Violation("plan", error.path, error.message)]
    for where, claim in (("problem", plan.problem), ("certificate.problem", plan.certificate.get("problem"))):
        if claim != problem.digest:
            found.append(Violation("hash", where, "is not the hash of this problem"))
    return found
