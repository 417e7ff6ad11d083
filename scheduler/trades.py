"""What serving a refused request would cost, found by solving again with the request forced in."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ortools.sat.python import cp_model

from scheduler import figures
from scheduler.figures import MICRO
from scheduler.model import Allocation, achieved
from scheduler.model_rules import total_length
from scheduler.plan import Block
from scheduler.search import SMALLEST_LIMIT, Outcome, Relaxation, Requirement, Search
from scheduler.values import Request

Reason = dict[str, object]
MOST_WORK = 0.2  # deterministic seconds for one question: a reason need not be the best one
AT_ONCE = 4  # questions; each is answered by itself, so the answers are the same however many run at once


def explain_trades(
    search: Search, found: dict[str, Reason], basic: Sequence[Requirement], fair: Sequence[Requirement]
) -> None:
    """Turn `bottleneck` reasons into what serving the request would cost, as far as the limit allows."""
    affordable = max(0, int(search.budget.left / (2 * SMALLEST_LIMIT)))
    waiting = [request for request in search.allocation.requests if code(found, request) == "bottleneck"][:affordable]
    if not waiting:
        return
    search.report("reasons", None, None)
    limit = min(2 * MOST_WORK, search.budget.left / len(waiting))
    before = search.blocks()

    def ask(request: Request) -> tuple[Reason | None, float]:
        asked = search.question(limit, fair)
        trade = cost_in_value(asked, request, before)
        if trade is None and asked.budget.left > 0:
            asked.kept = list(basic)
            trade = cost_in_fairness(asked, request)
        return trade, asked.budget.spent

    with ThreadPoolExecutor(min(AT_ONCE, len(os.sched_getaffinity(0)))) as pool:
        answers = list(pool.map(ask, waiting))
    for request, (trade, work) in zip(waiting, answers, strict=True):
        search.budget.pay(work)
        if trade is not None:
            reason = found[request.id]
            evidence = reason["evidence"]
            assert isinstance(evidence, dict)  # noqa: S101 - narrows the type of our own value
            reason["code"] = trade.pop("code")
            reason["evidence"] = evidence | trade


def code(found: dict[str, Reason], request: Request) -> object:
    return found.get(request.id, {}).get("code")


def forced(allocation: Allocation, request: Request, chosen: dict[int, bool]) -> Requirement:
    """The request is served more than it is now."""
    own = [(place, row) for place, row in enumerate(allocation.rows) if row.at.request == request.id]
    now = sum(row.at.length for place, row in own if chosen.get(place))
    total = total_length(row for _, row in own)

    def add(model: cp_model.CpModel) -> None:
        model.add(total >= now + 1)

    return add


def cost_in_value(search: Search, request: Request, before: Sequence[Block]) -> Reason | None:
    """The value lost and who loses time when the request is served without harm to fairness; None if it cannot be."""
    figure = search.allocation.value()
    worth = achieved(figure, search.chosen)
    force = forced(search.allocation, request, search.chosen)
    outcome = search.solve(
        "reasons", lambda _: search.allocation.total(figure), 1 / 2, (force,), relaxation=Relaxation.WHOLE
    )
    if not outcome.is_feasible:
        return None
    lost = float((worth - outcome.objective) * figure.factor)
    return {
        "code": "traded_for_value" if lost > 0 else "tie",
        "trade": {"value_lost": lost, "losers": losing_requests(before, search.blocks()), "proven": outcome.is_proven},
    }


def losing_requests(before: Sequence[Block], after: Sequence[Block]) -> list[Reason]:
    """Requests that would hold fewer grains."""
    old, new = figures.part_totals(before), figures.part_totals(after)
    lost: dict[str, int] = {}
    for (request, part), grains in old.items():
        lost[request] = lost.get(request, 0) + grains - new.get((request, part), 0)
    return [{"request": request, "grains": grains} for request, grains in sorted(lost.items()) if grains > 0]


def cost_in_fairness(search: Search, request: Request) -> Reason | None:
    """Whose satisfaction falls, as little as possible, when the request is served; or that it never can be."""
    now = {member: achieved(figure, search.chosen) for member, figure in search.held.items()}
    before = {member: search.micro(member) for member in search.held}

    def loss(model: cp_model.CpModel) -> cp_model.LinearExprT:
        terms = []
        for member, figure in search.held.items():
            lost = model.new_int_var(0, max(1, now[member]), "")
            model.add(lost >= now[member] - search.allocation.total(figure))
            terms.append(-max(1, round(MICRO * figure.factor / search.shares[member])) * lost)
        return cp_model.LinearExpr.sum(terms)

    force = forced(search.allocation, request, search.chosen)
    outcome: Outcome = search.solve("reasons", loss, 1, (force,), most=MOST_WORK)
    if outcome.is_impossible:
        problem = search.allocation.problem
        return {"code": "impossible", "because": "fixed_blocks" if problem.pins or problem.frozen else "own_rules"}
    if not outcome.is_feasible:
        return None
    after = {member: search.micro(member) for member in search.held}
    losers = [
        {"member": member, "s_before": before[member] / MICRO, "s_after": after[member] / MICRO}
        for member in before
        if after[member] < before[member]
    ]
    return {"code": "traded_for_fairness", "trade": {"losers": losers, "proven": outcome.is_proven}}
