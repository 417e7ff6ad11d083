"""How time and memory grow with the number of requests: medium networks, twice, four and eight times as large."""

import math
import statistics
from collections.abc import Callable, Sequence

from benchmarks.comparison import Table
from benchmarks.engine import middle
from benchmarks.instances.network import SIZES, Size, make_sized
from benchmarks.options import Options
from benchmarks.runs import Case, Run, measure_document

FACTORS = (1, 2, 4, 8)
LIMIT, QUICK_LIMIT = 30.0, 5.0
MOST_SEEDS = 3


def run(options: Options) -> list[Table]:
    """Each factor with the same limit; resources and members grow with the requests, so that demand stays 1.6 ×."""
    limit = QUICK_LIMIT if options.quick else LIMIT
    seeds = [seed for seed in options.seed_range() if seed <= MOST_SEEDS]
    runs = {factor: [one(options, factor, seed, limit) for seed in seeds] for factor in FACTORS}
    rows = [row(factor, group) for factor, group in runs.items()]
    return [
        Table(
            "Growth",
            ("requests", "first verified plan s", "first bound s", "MB", "worst s", "members with ≥ .98", "value gap"),
            tuple(rows),
            (
                f"Medium networks of the plain kind, limit {limit:g} s, medians of {len(seeds)} seeds. From the first",
                f"row to the last, the time of the first plan grows as requests^{exponent(runs, first_plan)},",
                f"memory as requests^{exponent(runs, memory)}.",
            ),
        )
    ]


def one(options: Options, factor: int, seed: int, limit: float) -> Run:
    case = Case("growth", f"{factor}x", limit, seed, options.workers)
    document = make_sized(grown(factor), f"growth/{factor}/{seed}", seed)
    body = options.journal.keep(
        f"growth {factor} {limit:g} {seed} {options.workers}", lambda: measure_document(case, document).to_json()
    )
    return Run.from_json(body)


def grown(factor: int) -> Size:
    base = SIZES["medium"]
    return Size(base.resources * factor, base.requests * factor, base.members * factor)


def row(factor: int, group: Sequence[Run]) -> tuple[str, ...]:
    lasts = [run.last for run in group if run.last is not None]
    return (
        f"{grown(factor).requests:,}",
        middle(first_plan(group), 2),
        middle([run.bounded for run in group if run.bounded is not None], 2),
        middle(memory(group), 0),
        middle([moment.worst for moment in lasts if moment.worst is not None]),
        middle([100 * moment.nearly for moment in lasts if moment.nearly is not None], 1) + " %",
        middle([100 * moment.gap for moment in lasts], 2) + " %",
    )


def first_plan(group: Sequence[Run]) -> list[float]:
    return [run.moments[0].seconds for run in group if run.moments]


def memory(group: Sequence[Run]) -> list[float]:
    return [run.peak_mb for run in group if run.peak_mb is not None]


def exponent(runs: dict[int, list[Run]], figures: Callable[[Sequence[Run]], list[float]]) -> str:
    """The slope between the smallest and the largest problem on logarithmic scales: 1 is linear."""
    ends = [figures(runs[factor]) for factor in (FACTORS[0], FACTORS[-1])]
    if not all(ends):
        return "?"
    low, high = (statistics.median(end) for end in ends)
    return f"{math.log(high / low) / math.log(FACTORS[-1] / FACTORS[0]):.2f}"
