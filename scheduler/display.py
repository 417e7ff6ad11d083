"""Draws the progress of a run on a terminal: time against the limit, and a table of the goals."""

import time
from types import TracebackType
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from scheduler.plan import Plan
from scheduler.protocol import Progress

REDRAWN_PER_SECOND = 4
STAGES = {
    "shares": "fair shares",
    "alone": "what each member could hold alone",
    "fixed": "what is frozen and pinned",
    "exemptions": "rules that frozen blocks break",
    "hint": "reading the plan so far",
    "start": "first plan",
    "bound": "proven bound",
    "search": "search",
    "unfair": "bound without fairness",
    "leximin": "fairness",
    "welfare": "proportional fairness",
    "floors": "quotas",
    "value": "value",
    "preferences": "preferred times",
    "changeovers": "changeovers",
    "unmoved": "closeness to the published plan",
    "reasons": "reasons",
}


def figure(number: float | None) -> str:
    return "–" if number is None else f"{number:,.6g}"


def words(stage: str) -> str:
    """A stage in words; one that is new here keeps its name."""
    return STAGES.get(stage, stage)


def result(plan: Plan) -> str:
    """The end of a run in one line."""
    certificate: dict[str, Any] = dict(plan.certificate)
    worst = next(iter(certificate["s_sorted"]), None)
    proof = "proven best" if certificate["proven"] else f"at most {certificate['gap']:.2%} below the best value"
    return (
        f"{len(plan.blocks)} blocks, value {figure(certificate['value'])}, worst satisfaction {figure(worst)}: {proof}"
    )


class Display:
    """A live picture on standard error; one row for each goal that has reported a figure, in order of appearance."""

    def __init__(self, time_limit: float, console: Console) -> None:
        self.time_limit = time_limit
        self.console = console
        self.started = time.monotonic()
        self.stage = "shares"
        self.rows: dict[str, Progress] = {}
        self.plans = 0
        self.live = Live(get_renderable=self.draw, console=console, refresh_per_second=REDRAWN_PER_SECOND)

    def __enter__(self) -> "Display":
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    def on_progress(self, progress: Progress) -> None:
        self.stage = progress.stage
        if progress.incumbent is not None or progress.bound is not None:
            self.rows[progress.stage] = progress

    def on_plan(self, _plan: Plan) -> None:
        self.plans += 1

    def draw(self) -> RenderableType:
        """The picture of this moment."""
        elapsed = min(time.monotonic() - self.started, self.time_limit)
        head = Table.grid(padding=(0, 2))
        head.add_row(
            ProgressBar(total=self.time_limit, completed=elapsed, width=24),
            f"{elapsed:.1f} of {self.time_limit:g} s",
            f"{self.plans} plans" if self.plans != 1 else "1 plan",
            Text(words(self.stage), style="bold"),
        )
        if not self.rows:
            return head
        table = Table("goal", box=None, pad_edge=False)
        for heading in ("best", "bound", "gap"):
            table.add_column(heading, justify="right")
        for stage, row in list(self.rows.items()):  # reports come from another thread than this
            gap = "–" if row.gap is None else "proven" if row.gap == 0 else f"{row.gap:.2%}"
            name = Text(words(stage), style="bold" if stage == self.stage else "")
            table.add_row(name, figure(row.incumbent), figure(row.bound), gap)
        return Group(head, table)
