"""Small SVG plots of how runs get better over time: the same runs, the same bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.runs import Moment, Run

SIZE = (7.2, 2.8)  # inches
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "equora",
    "font.size": 8,
    "axes.grid": True,
    "grid.alpha": 0.3,
}


def draw(runs: Sequence[Run], title: str, path: Path) -> None:
    """Value gap and worst satisfaction over wall time, one line for each seed; written as SVG to `path`."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        left, right = figure.subplots(1, 2)
        for run in runs:
            plot(left, run, [100 * moment.gap for moment in run.moments])
            plot(right, run, [moment.worst or 0.0 for moment in run.moments])
        finish(left, "gap to the bound on value, %", 0, largest_gap(runs))
        finish(right, "worst satisfaction", 0, 1.02)
        right.legend(fontsize=6, loc="lower right")
        figure.suptitle(title, fontsize=9)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def plot(axes: Axes, run: Run, heights: list[float]) -> None:
    """A staircase: a plan holds until the next one comes or the run ends."""
    times = [moment.seconds for moment in run.moments]
    if times:
        axes.step(
            [*times, run.seconds], [*heights, heights[-1]], where="post", linewidth=1, label=f"seed {run.case.seed}"
        )


def finish(axes: Axes, label: str, low: float, high: float) -> None:
    axes.set_xscale("log")
    axes.set_xlabel("wall seconds")
    axes.set_ylabel(label)
    axes.set_ylim(low, high)


def largest_gap(runs: Sequence[Run]) -> float:
    """In per cent, at most 50: bounds that nothing has proven yet would hide the rest."""
    moments: list[Moment] = [moment for run in runs for moment in run.moments]
    return min(50.0, 105 * max((moment.gap for moment in moments), default=0.5)) or 1.0
