"""The goals besides leximin, each maximised under what the goals before it achieved."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ortools.sat.python import cp_model

from scheduler.figures import MICRO, exact, micro_satisfaction
from scheduler.model import achieved
from scheduler.model_changeovers import changeover_total, count_in_lanes
from scheduler.scaling import Scaled, scale
from scheduler.search import Relaxation, Search, add
from scheduler.values import Quota

LOG_SCALE = 10**9  # welfare is compared to nine decimals
MOST_STEPS = 100_000  # of one member's holding, for the table of logarithms
QUOTA_ROUNDS = 12


@dataclass(frozen=True)
class Level:
    """What one goal achieved, its proven bound, and whether the two meet."""

    name: str
    achieved: object
    bound: object
    proven: bool

    def to_json(self) -> dict[str, object]:
        return {"name": self.name, "achieved": self.achieved, "bound": self.bound, "proven": self.proven}


def maximise(search: Search, name: str, figure: Scaled, fraction: float) -> Level:
    """Maximise a linear figure and keep what was achieved; what each part by itself cannot exceed needs no proof."""
    current, ceiling = achieved(figure, search.chosen), search.allocation.ceiling(figure)
    proven = current >= ceiling
    if not proven:
        search.unit_of[name] = float(figure.factor)
        outcome = search.solve(
            name, lambda _: search.allocation.total(figure), fraction, current=current, relaxation=Relaxation.WHOLE
        )
        current, ceiling = achieved(figure, search.chosen), min(ceiling, outcome.bound)
        proven = current >= ceiling
    search.keep_at_least(figure, current)
    value = float(current * figure.factor)
    return Level(name, value, value if proven else float(ceiling * figure.factor + figure.error), proven)


def most_value(search: Search, fraction: float) -> Level:
    """Σ merit × u as large as possible."""
    return maximise(search, "value", search.allocation.value(), fraction)


def most_preferences(search: Search, fraction: float) -> Level:
    """Σ preference weight × u as large as possible."""
    return maximise(search, "preferences", search.allocation.preferences(), fraction)


def most_unmoved(search: Search, fraction: float) -> Level:
    """As many published blocks as possible stay as they are."""
    return maximise(search, "unmoved", search.allocation.stays(), fraction)


def fewest_changeovers(search: Search, fraction: float) -> Level:
    """As few changeovers as possible."""
    allocation = search.allocation

    def total(model: cp_model.CpModel) -> cp_model.LinearExprT:
        return changeover_total(allocation, model, search.chosen)

    count, bound = count_in_lanes(allocation, search.chosen), 0
    if count:
        outcome = search.solve(
            "changeovers", lambda model: -total(model), fraction, current=-count, relaxation=Relaxation.WHOLE
        )
        count = count_in_lanes(allocation, search.chosen)
        bound = count if outcome.is_proven else min(count, max(0, -outcome.bound))
    search.kept.append(lambda model: add(model, total(model) <= count))
    return Level("changeovers", count, bound, bound == count)


def fewest_exemptions(search: Search, fraction: float) -> Level:
    """Rules lifted from requests with frozen blocks: only where those cannot be met."""
    lifted = list(search.allocation.exemptions.values())
    total = cp_model.LinearExpr.sum(lifted)
    outcome = search.solve("exemptions", lambda _: -total, fraction)
    count = sum(search.hint[literal.index] for literal in lifted) if search.hint else 0
    search.kept.append(lambda model: add(model, total <= count))
    bound = count if outcome.is_proven else max(0, -outcome.bound)
    return Level("exemptions", count, bound, bound == count)


def most_welfare(search: Search, fraction: float) -> Level:
    """Policy `proportional`: Σ weight × log s, the weighted Nash welfare, after as many members as can have some.

    Weights are scaled to sum 1. Source: Nash (1950); for indivisible goods Caragiannis et al. (2019). A member's
    logarithm is a table over its possible holdings, rounded to nine decimals; the goal is never called
    proven when a holding has too many steps for an exact table.
    """
    ceilings = {member: search.allocation.ceiling(figure) for member, figure in search.held.items()}
    steps = {member: -(-ceiling // MOST_STEPS) or 1 for member, ceiling in ceilings.items()}
    tables = {
        member: welfare_table(search, member, range(0, most + 1, steps[member])) for member, most in ceilings.items()
    }

    def place_now(member: str) -> int:
        return achieved(search.held[member], search.chosen) // steps[member]

    def objective(model: cp_model.CpModel) -> cp_model.LinearExprT:
        terms = []
        for member, figure in search.held.items():
            term = model.new_int_var(min(tables[member]), max(tables[member]), "")
            place = model.new_int_var(0, len(tables[member]) - 1, "")
            model.add_division_equality(place, search.allocation.total(figure), steps[member])
            model.add_element(place, tables[member], term)
            model.add_hint(place, place_now(member))
            model.add_hint(term, tables[member][place_now(member)])
            terms.append(term)
        return cp_model.LinearExpr.sum(terms)

    def reached() -> int:
        return sum(tables[member][place_now(member)] for member in search.held)

    search.unit_of["welfare"] = 1 / LOG_SCALE
    outcome = search.solve("welfare", objective, fraction, current=reached())
    best = reached()
    search.kept.append(lambda model: add(model, objective(model) >= best))
    most = sum(max(table) for table in tables.values())
    bound = best if outcome.is_proven else max(best, min(most, outcome.bound))
    proven = bound == best and max(steps.values(), default=1) == 1
    return Level("welfare", best / LOG_SCALE, bound / LOG_SCALE, proven)


def welfare_table(search: Search, member: str, holdings: range) -> list[int]:
    """weight × log s by holding; having nothing weighs more than all that others could make up."""
    figure = search.held[member]
    weights = {row.id: row.weight for row in search.allocation.problem.members if row.id in search.held}
    weight = weights[member] / sum(weights.values())
    nothing = -round(math.log(MICRO) * LOG_SCALE) - len(weights)
    table = []
    for units in holdings:
        satisfaction = micro_satisfaction(units * figure.factor, search.shares[member])
        table.append(round(weight * math.log(satisfaction / MICRO) * LOG_SCALE) if satisfaction else nothing)
    return table


def group_figure(search: Search, row: Quota, floor: Fraction) -> Scaled:
    """floor × all served − the group's served, row by row; negative where the group gains."""
    requests = search.allocation.problem.request_by_id
    coefficients = {}
    for place, item in enumerate(search.allocation.rows):
        shares = requests[item.at.request].shares
        own = sum((exact(shares[member]) for member in row.members if member in shares), Fraction(0))
        everyone = sum((exact(share) for share in shares.values()), Fraction(0))
        coefficients[place] = search.allocation.cost_grains(item) * (floor * everyone - own)
    return scale(coefficients)


def keep_caps(search: Search) -> None:
    """Policy `quota`: no group holds more than its cap of all served cost-grains."""
    for row in search.allocation.problem.policy.quotas:
        if row.cap < 1:
            figure = group_figure(search, row, exact(row.cap))
            search.allocation.model.add(search.allocation.total(figure) >= 0)


def nearest_floors(search: Search, fraction: float) -> Level:
    """Policy `quota`: Σ of what groups lack of their floors, as a fraction of all served, as small as possible.

    The ratio is minimised by Dinkelbach's method (1967): each round asks for a plan that beats the last ratio.
    Nothing served counts as nothing of every floor met.
    """
    rows = [row for row in search.allocation.problem.policy.quotas if row.floor > 0]
    if not rows:
        return Level("floors", 0.0, 0.0, True)
    ratio, proven = sum((exact(row.floor) for row in rows), Fraction(0)), False
    for _ in range(QUOTA_ROUNDS):
        better = shortfall(search, rows)
        ratio = better if better is not None else ratio
        if ratio == 0:
            proven = True
            break
        outcome = search.solve("floors", lambda model: gain(search, model, rows, ratio), fraction, current=0)  # noqa: B023
        if not (outcome.is_feasible and outcome.objective > 0):
            proven = outcome.is_proven
            break
    final = ratio
    search.kept.append(lambda model: add(model, gain(search, model, rows, final) >= 0))
    return Level("floors", float(ratio), float(ratio) if proven else 0.0, proven)


def shortfall(search: Search, rows: Sequence[Quota]) -> Fraction | None:
    """The best plan's Σ max(0, floor − group's fraction); None when nothing is served."""
    everyone = Quota("", tuple(search.allocation.problem.member_by_id), 0, 1)
    total = plain(search, group_figure(search, everyone, Fraction(0)))
    if not total:
        return None
    return (
        sum((max(Fraction(0), plain(search, group_figure(search, row, exact(row.floor)))) for row in rows), Fraction(0))
        / -total
    )


def plain(search: Search, figure: Scaled) -> Fraction:
    return achieved(figure, search.chosen) * figure.factor


def gain(search: Search, model: cp_model.CpModel, rows: Sequence[Quota], ratio: Fraction) -> cp_model.LinearExprT:
    """ratio × all served − Σ shortfalls, in one integer scale; above 0 when a plan beats the ratio."""
    everyone = Quota("", tuple(search.allocation.problem.member_by_id), 0, 1)
    figures = [group_figure(search, row, exact(row.floor)) for row in rows]
    total = group_figure(search, everyone, Fraction(0))
    whole = total.factor * ratio
    step = common_step([whole, *(figure.factor for figure in figures)])
    terms = [-int(whole / step) * search.allocation.total(total)]
    for figure in figures:
        lacking = model.new_int_var(0, sum(map(abs, figure.coefficients.values())), "")
        model.add(lacking >= search.allocation.total(figure))
        terms.append(-int(figure.factor / step) * lacking)
    return cp_model.LinearExpr.sum(terms)


def common_step(factors: Sequence[Fraction]) -> Fraction:
    """The largest fraction of which all factors are whole multiples."""
    denominator = math.lcm(*(factor.denominator for factor in factors))
    return Fraction(math.gcd(*(int(factor * denominator) for factor in factors)), denominator)
