"""The allocation engine on invented networks: how good, how fast, beside its targets and the greedy plans."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.comparison import Table
from benchmarks.drawing import draw
from benchmarks.instances.network import SIZES
from benchmarks.options import Options
from benchmarks.runs import GREEDY, Case, Run, grouped
from benchmarks.targets import judged

USUAL = {
    "plain/small/20": 5,
    "rich/small/20": 5,
    "plain/medium/20": 5,
    "rich/medium/20": 5,
    "plain/large/60": 5,
    "rich/large/60": 5,
    "plain/xl/180": 3,
}
"""Groups and the most seeds that are run of each: about 35 minutes. `plain/large/600` and `plain/xl/600` by name."""
Groups = dict[tuple[str, str, float], list[Run]]
QUICK = ("plain/small/5", "rich/small/5", "plain/medium/10")
NAMES = {"first_come": "first come", "merit": "by merit until full", "fair": "greedy by fairness"}


def run(options: Options) -> list[Table]:
    """Run all groups that are asked for, seed by seed, and judge them."""
    runs = [options.journal.run(case) for case in cases(options)]
    repeats = [
        repeat(options, run.case)
        for run in runs
        if run.case.seed == 1 and run.case.kind == "plain" and run.case.limit <= 60
    ]
    groups = grouped(runs)
    pictures = draw_all(groups, options.plots) if options.plots is not None else ()
    return [targets_table(groups), repeats_table(repeats), figures_table(groups, pictures)]


def cases(options: Options) -> list[Case]:
    """Seed by seed, so that an interrupted run has something of everything."""
    names = options.only or (QUICK if options.quick else tuple(USUAL))
    found = []
    for seed in options.seed_range():
        for name in names:
            kind, size, limit = name.split("/")
            if seed <= USUAL.get(name, options.seeds):
                found.append(Case(kind, size, float(limit), seed, options.workers))
    return found


def repeat(options: Options, case: Case) -> tuple[Run, Run]:
    """The same case twice, with no more work than ends in time by itself: the same bytes are promised."""
    return options.journal.run(case, "once"), options.journal.run(case, "again")


def draw_all(groups: Groups, folder: Path) -> tuple[str, ...]:
    """One plot for each group, and the lines that show them in RESULTS.md."""
    links = []
    for (kind, size, limit), group in groups.items():
        name = f"engine-{kind}-{size}-{limit:g}.svg"
        draw(group, title_of(group), folder / name)
        links.append(f"\n![{title_of(group)}: gap and worst satisfaction over time]({folder.name}/{name})")
    return tuple(links)


def title_of(group: Sequence[Run]) -> str:
    case = group[0].case
    return f"{case.size}, {case.kind}, limit {case.limit:g} s"


def targets_table(groups: Groups) -> Table:
    rows = [(title_of(group), *row) for group in groups.values() for row in judged(group)]
    return Table(
        "Engine: targets",
        ("problems", "figure", "target", "median (least – most)", "verdict"),
        tuple(rows),
        (
            "Satisfaction is of the fair share, over members who have one; the gap is to the proven bound on value",
            "under the goals before it. Memory is the peak of the solving processes. Every plan of a time line was",
            "verified before it was handed out, and the last one again by `scheduler.check`. Problems are those of",
            f"`benchmarks/instances`: {'; '.join(map(size_in_words, SIZES))}; 26 weeks of half-hours, asked for",
            "1.6 times over. *Rich* adds changeovers, exclusive groups, preferences, several lengths, gaps, joint",
            "requests and past use.",
        ),
    )


def size_in_words(name: str) -> str:
    size = SIZES[name]
    return f"{name} {size.resources} resources, {size.requests:,} requests, {size.members} members"


def repeats_table(repeats: Sequence[tuple[Run, Run]]) -> Table:
    rows = [(title_of([one]), "yes" if one.digest == other.digest else "**no**") for one, other in repeats]
    return Table("Engine: the same bytes again", ("problem (seed 1)", "same plan"), tuple(rows))


def figures_table(groups: Groups, pictures: Sequence[str]) -> Table:
    """Medians over seeds: the engine beside the greedy plans of the same runs."""
    rows: list[tuple[str, ...]] = []
    for group in groups.values():
        for name in GREEDY:
            pairs = [run.baselines[name] for run in group if name in run.baselines]
            worsts = [worst for worst, _ in pairs if worst is not None]
            rows.append(
                (title_of(group), NAMES[name], middle(worsts), "", middle([value for _, value in pairs], 0), "", "")
            )
        rows.append(engine_row(group))
    return Table(
        "Engine: figures",
        ("problems", "plan", "worst s", "bound of worst s", "value", "wall s", "load before → after"),
        tuple(rows),
        ("Medians over the seeds.", errors_of(groups), *pictures),
    )


def engine_row(group: Sequence[Run]) -> tuple[str, ...]:
    lasts = [run.last for run in group if run.last is not None]
    loads = [middle([run.load[end] for run in group], 1) for end in (0, 1)]
    return (
        title_of(group),
        f"**engine**, seeds: {len(group)}",
        middle([moment.worst for moment in lasts if moment.worst is not None]),
        middle([run.bound for run in group if run.bound is not None]),
        middle([moment.value for moment in lasts], 0),
        middle([run.seconds for run in group], 1),
        " → ".join(loads),
    )


def middle(figures: Sequence[float], digits: int = 3) -> str:
    return f"{statistics.median(figures):,.{digits}f}" if figures else "–"


def errors_of(groups: Groups) -> str:
    """Runs without a plan, or with one that the check refuses, in words."""
    found = [
        f"{title_of([run])}, seed {run.case.seed}: {run.error or '; '.join(run.verdict)}"
        for group in groups.values()
        for run in group
        if run.error or run.verdict
    ]
    return "\n\nWent wrong:\n\n" + "\n".join(f"- {line}" for line in found) if found else "Nothing went wrong."
